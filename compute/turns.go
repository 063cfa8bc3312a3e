package compute

import (
	"context"
	"sync"
)

// turns are the places in the engine and its queue. They go to the task whose deadline comes first, so that a batch that came later
// does not make an earlier one miss its lease; among equals to who asked first.
type turns struct {
	size int

	mu      sync.Mutex
	free    int
	waiting []*waiter // in the order in which they asked
}

type waiter struct {
	deadlineMs uint64
	given      chan struct{} // closed when it has a place
}

func newTurns(size int) *turns { return &turns{size: size, free: size} }

// take waits for a place, which leave gives back.
func (t *turns) take(ctx context.Context, deadlineMs uint64) error {
	t.mu.Lock()
	if t.free > 0 {
		t.free--
		t.mu.Unlock()
		return nil
	}
	w := &waiter{deadlineMs, make(chan struct{})}
	t.waiting = append(t.waiting, w)
	t.mu.Unlock()
	select {
	case <-w.given:
		return nil
	case <-ctx.Done():
	}
	if !t.withdraw(w) {
		t.leave() // it was given a place meanwhile
	}
	return ctx.Err()
}

// withdraw takes a waiter off the list, and reports whether it was on it.
func (t *turns) withdraw(w *waiter) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, other := range t.waiting {
		if other == w {
			t.waiting = append(t.waiting[:i], t.waiting[i+1:]...)
			return true
		}
	}
	return false
}

// leave gives a place to the one who waits for it most urgently.
func (t *turns) leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.waiting) == 0 {
		t.free++
		return
	}
	first := 0
	for i, w := range t.waiting {
		if w.deadlineMs < t.waiting[first].deadlineMs {
			first = i
		}
	}
	close(t.waiting[first].given)
	t.waiting = append(t.waiting[:first], t.waiting[first+1:]...)
}
