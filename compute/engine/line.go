package engine

import (
	"context"
	"slices"
	"sync"

	"github.com/aiwork/aiwork-node/internal/chain"
)

// A line lets callers into a child in the order in which they came: one alone, or several with one model that runs items together.
type line struct {
	mu      sync.Mutex
	inside  int
	model   chain.Hash // of those inside
	most    int        // of them at once
	waiting []*caller
}

type caller struct {
	model chain.Hash
	most  int           // 1: alone
	given chan struct{} // closed when he is inside
}

// enter waits until a caller may go in beside those who are inside, at most so many with him. Without an error leave must follow.
func (l *line) enter(ctx context.Context, model chain.Hash, most int) error {
	c := &caller{model, most, make(chan struct{})}
	l.mu.Lock()
	l.waiting = append(l.waiting, c)
	l.admit()
	l.mu.Unlock()
	select {
	case <-c.given:
		return nil
	case <-ctx.Done():
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if i := slices.Index(l.waiting, c); i >= 0 {
		l.waiting = slices.Delete(l.waiting, i, i+1)
	} else {
		l.inside-- // he was let in meanwhile
	}
	l.admit()
	return ctx.Err()
}

func (l *line) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.inside--
	l.admit()
}

// admit lets in whoever is first, as long as he fits.
func (l *line) admit() {
	for len(l.waiting) > 0 {
		c := l.waiting[0]
		if l.inside > 0 && (c.model != l.model || l.inside >= min(c.most, l.most)) {
			return
		}
		l.waiting = l.waiting[1:]
		l.inside, l.model, l.most = l.inside+1, c.model, c.most
		close(c.given)
	}
}
