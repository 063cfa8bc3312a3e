package plan

import (
	"sync"
	"sync/atomic"

	"github.com/aiwork/aiwork-node/compute/kernel"
)

// A team is a fixed number of threads that share the work of one node at a time. The caller of split works,
// too. When several runs want the team at once, one has it, the others work alone.
//
// A node's work may take no longer than it takes to wake a thread. So who waits looks for what it waits for some times before it
// sleeps, and the caller waits for parts of work that somebody does, never for somebody who has not come yet.
type team struct {
	busy    sync.Mutex
	members []member // beside the caller
	caller  bell
	closed  atomic.Bool
	ended   sync.WaitGroup
	scratch []worker // of the members, then of the caller that has the team
}

// A member is a thread, and the work that it is to look at.
type member struct {
	bell
	work atomic.Pointer[shared]
	_    [lineBytes]byte // so that looking for work does not take another one's line away
}

const lineBytes = 64

// A bell wakes one sleeper.
type bell struct {
	asleep atomic.Bool
	ring   chan struct{}
}

func newBell() bell { return bell{ring: make(chan struct{}, 1)} } // one sleeper, who is woken once

// looks and pauses bound how long a thread looks before it sleeps: about a quarter of a millisecond, which is longer than what one thread
// mostly does alone between two nodes. To wake one takes about as long as that where processors are virtual.
const (
	looks  = 2048
	pauses = 4
)

// wait returns when there is something. Whoever makes it so must wake.
func (b *bell) wait(there func() bool) {
	for {
		for range looks {
			if there() {
				return
			}
			kernel.Pause(pauses)
		}
		b.asleep.Store(true)
		if there() && b.asleep.Swap(false) {
			return
		}
		<-b.ring
	}
}

func (b *bell) wake() {
	if b.asleep.Load() && b.asleep.Swap(false) {
		b.ring <- struct{}{}
	}
}

// A worker is what one thread has for itself.
type worker struct {
	kernel.Scratch
	tile          [tileLen]float32
	plane         []float32
	row           []float32
	ints          kernel.IntScratch
	bytes, plane8 []uint8
	sums          []int32
	pixels        kernel.PixelScratch
}

// shared is work that is cut in parts. Each thread has a range of them, which it does first, so that it mostly reads what it wrote in
// the operator before; then it helps the others.
type shared struct {
	do     func(part int, w *worker)
	parts  int
	ranges []span
	done   atomic.Int64
}

// A span is the parts of a thread, and how many of them are taken.
type span struct {
	first, end int
	taken      atomic.Int64
	_          [lineBytes]byte
}

func newShared(parts, threads int, do func(part int, w *worker)) *shared {
	s := &shared{do: do, parts: parts, ranges: make([]span, threads)}
	for i := range s.ranges {
		s.ranges[i].first, s.ranges[i].end = i*parts/threads, (i+1)*parts/threads
	}
	return s
}

func newTeam(threads int) *team {
	t := &team{members: make([]member, threads-1), caller: newBell(), scratch: make([]worker, threads)}
	for i := range t.members {
		t.members[i].bell = newBell()
		t.ended.Go(func() { t.serve(i, &t.scratch[i]) })
	}
	return t
}

// serve is member i's life. The caller is thread 0.
func (t *team) serve(i int, w *worker) {
	m := &t.members[i]
	for {
		m.wait(func() bool { return m.work.Load() != nil || t.closed.Load() })
		s := m.work.Swap(nil)
		if s == nil {
			return
		}
		if s.work(1+i, w) {
			t.caller.wake()
		}
	}
}

func (t *team) close() {
	t.closed.Store(true)
	for i := range t.members {
		t.members[i].wake()
	}
	t.ended.Wait()
}

// work does parts as long as there are any, those of a thread first, and reports whether it ended the last one.
func (s *shared) work(thread int, w *worker) (last bool) {
	for i := range s.ranges {
		own := &s.ranges[(thread+i)%len(s.ranges)]
		for {
			part := own.first + int(own.taken.Add(1)) - 1
			if part >= own.end {
				break
			}
			s.do(part, w)
			last = s.done.Add(1) == int64(s.parts)
		}
	}
	return last
}

func (s *shared) ended() bool { return s.done.Load() == int64(s.parts) }

// A crew is the team as one run has it: all of it, or nobody but the run's own thread.
type crew struct {
	team *team // nil: alone
	own  *worker
}

// hire takes the team if it is free.
func (t *team) hire() crew {
	if t.busy.TryLock() {
		return crew{t, &t.scratch[len(t.members)]}
	}
	return crew{nil, &worker{}}
}

func (c crew) leave() {
	if c.team != nil {
		c.team.busy.Unlock()
	}
}

// threads is the number of threads that split would use.
func (c crew) threads() int {
	if c.team == nil {
		return 1
	}
	return len(c.team.members) + 1
}

// aloneSteps is so little work that waking the others costs more.
const aloneSteps = 100_000

// split does all parts of a work of about so many steps.
func (c crew) split(parts, steps int, do func(part int, w *worker)) {
	if c.threads() == 1 || parts <= 1 || steps < aloneSteps {
		for i := range parts {
			do(i, c.own)
		}
		return
	}
	helpers := min(len(c.team.members), parts-1)
	s := newShared(parts, 1+helpers, do)
	for i := range helpers {
		m := &c.team.members[i]
		m.work.Store(s)
		m.wake()
	}
	if !s.work(0, c.own) {
		c.team.caller.wait(s.ended)
	}
}
