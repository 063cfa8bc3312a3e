package p2p

import "sync"

// tasks counts goroutines, so that Close can wait for them. Unlike a WaitGroup alone it refuses new
// ones once closing has begun.
type tasks struct {
	mu      sync.Mutex
	closing bool
	wg      sync.WaitGroup
}

// enter counts the calling goroutine, which calls leave at its end; false: it must end at once.
func (t *tasks) enter() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closing {
		return false
	}
	t.wg.Add(1)
	return true
}

func (t *tasks) leave() { t.wg.Done() }

// start runs f in a goroutine unless closing has begun.
func (t *tasks) start(f func()) {
	if !t.enter() {
		return
	}
	go func() {
		defer t.leave()
		f()
	}()
}

func (t *tasks) close() {
	t.mu.Lock()
	t.closing = true
	t.mu.Unlock()
}

func (t *tasks) wait() { t.wg.Wait() }
