package rpc

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// lanes let methods run, each class within its bounds. Light classes run where they are called. Heavy ones run
// on a few threads of low priority, and take turns by class; a long one lets others go first at its breaks. So
// neither a queue of traces nor the trace of a block holds up a call for longer than a transaction takes.
type lanes struct {
	limits  *Limits
	free    [classes]chan struct{} // a running method of a light class holds one
	waiting [classes]atomic.Int64

	mu      sync.Mutex
	queues  [classes][]*task
	running [classes]int
	last    Class // the class that had the last turn
	news    *sync.Cond
	closed  bool
}

// task is a method of a heavy class on its way.
type task struct {
	class Class
	work  func()
	done  chan struct{}
	begun bool
}

func newLanes(l *Limits) *lanes {
	s := &lanes{limits: l}
	s.news = sync.NewCond(&s.mu)
	for c := range classes {
		s.free[c] = make(chan struct{}, l.Classes[c].RunningMax)
	}
	return s
}

// run runs the threads of the heavy classes until ctx ends and their last task is done.
func (s *lanes) run(ctx context.Context) {
	var threads sync.WaitGroup
	for range s.limits.HeavyThreadsMax {
		threads.Go(s.thread)
	}
	<-ctx.Done()
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.news.Broadcast()
	threads.Wait()
}

// do runs work in a turn of its class, and gives an error if it gets none.
func (s *lanes) do(ctx context.Context, class Class, work func()) *Error {
	most := s.limits.Classes[class].WaitingMax + s.limits.Classes[class].RunningMax
	if s.waiting[class].Add(1) > int64(most) {
		s.waiting[class].Add(-1)
		return Errorf(CodeLimit, "the node is busy: %d requests of this kind (%s) wait already, try again later", most, class)
	}
	defer s.waiting[class].Add(-1)
	turn := time.NewTimer(s.limits.TurnTimeout)
	defer turn.Stop()
	if class.heavy() {
		return s.queue(ctx, turn.C, &task{class: class, work: work, done: make(chan struct{})})
	}
	select {
	case s.free[class] <- struct{}{}:
	case <-turn.C:
		return noTurn(class)
	case <-ctx.Done():
		return callerGone()
	}
	defer func() { <-s.free[class] }()
	work()
	return nil
}

func noTurn(class Class) *Error {
	return Errorf(CodeLimit, "the node is busy: no turn for a request of this kind (%s) in time, try again later", class)
}

func callerGone() *Error { return Errorf(CodeLimit, "the caller left or the node stops") }

// queue waits for a task. One that has begun is waited for whatever happens: it watches its own context.
func (s *lanes) queue(ctx context.Context, turn <-chan time.Time, t *task) *Error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return callerGone()
	}
	s.queues[t.class] = append(s.queues[t.class], t)
	s.mu.Unlock()
	s.news.Signal()
	why := noTurn
	select {
	case <-t.done:
		return nil
	case <-turn:
	case <-ctx.Done():
		why = func(Class) *Error { return callerGone() }
	}
	if s.leave(t) {
		return why(t.class)
	}
	<-t.done
	return nil
}

// leave takes a task out of its queue, unless it has begun.
func (s *lanes) leave(t *task) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t.begun {
		return false
	}
	q := s.queues[t.class]
	if i := slices.Index(q, t); i >= 0 {
		s.queues[t.class] = slices.Delete(q, i, i+1)
	}
	return true
}

// thread runs tasks one after the other on an operating system's thread of its own, which ends with it.
func (s *lanes) thread() {
	runtime.LockOSThread()
	lowerThread()
	for {
		t := s.next()
		if t == nil {
			return
		}
		s.finish(t)
	}
}

func (s *lanes) finish(t *task) {
	t.work()
	s.mu.Lock()
	s.running[t.class]--
	s.mu.Unlock()
	s.news.Signal() // one of its class may have waited for this
	close(t.done)
}

// pause lets one task of another class run on the thread of a task that calls it, if one waits. Such a task may
// pause too; since a class whose turns are all taken waits, that ends.
func (s *lanes) pause(class Class) {
	s.mu.Lock()
	t := s.take(class)
	s.mu.Unlock()
	if t != nil {
		s.finish(t)
	}
}

// turn is what a running method of a heavy class can know of its turn.
type turn struct {
	lanes *lanes
	class Class
}

type turnKey struct{}

// withTurn tells a method of its turn.
func (s *lanes) withTurn(ctx context.Context, class Class) context.Context {
	if !class.heavy() {
		return ctx
	}
	return context.WithValue(ctx, turnKey{}, turn{s, class})
}

// pauses gives a context for work that looks at its Err where it can be interrupted: there it lets others go first.
// Err must not be called where a lock is held.
func pauses(ctx context.Context) context.Context { return pausing{ctx} }

type pausing struct{ context.Context }

// Err lets a task of another class run, then says whether there is still time.
func (p pausing) Err() error {
	if t, ok := p.Value(turnKey{}).(turn); ok && p.Context.Err() == nil {
		t.lanes.pause(t.class)
	}
	return p.Context.Err()
}

// next waits for a task whose class may run, and gives nil when there will be none.
func (s *lanes) next() *task {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		if t := s.take(classes); t != nil {
			return t
		}
		if s.closed {
			return nil
		}
		s.news.Wait()
	}
}

// take gives the first task of the class whose turn it is, but none of the class not.
func (s *lanes) take(not Class) *task {
	for i := range classes {
		class := (s.last + 1 + i) % classes
		if class == not || len(s.queues[class]) == 0 || s.running[class] >= s.limits.Classes[class].RunningMax {
			continue
		}
		t := s.queues[class][0]
		s.queues[class] = s.queues[class][1:]
		s.running[class]++
		s.last, t.begun = class, true
		return t
	}
	return nil
}
