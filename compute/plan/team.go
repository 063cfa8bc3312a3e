package plan

import (
	"sync"
	"sync/atomic"

	"github.com/aiwork/aiwork-node/compute/kernel"
)

// A team is a fixed number of threads that share the work of one node at a time. The caller of split works,
// too. When several runs want the team at once, one has it, the others work alone.
type team struct {
	busy    sync.Mutex
	members int // beside the caller
	wake    []chan *shared
	ended   sync.WaitGroup
	scratch []worker // of the members, then of the caller that has the team
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

// shared is work that is cut in parts; whoever is free takes the next one.
type shared struct {
	do    func(part int, w *worker)
	parts int64
	next  atomic.Int64
	done  sync.WaitGroup
}

func newTeam(threads int) *team {
	t := &team{members: threads - 1, scratch: make([]worker, threads)}
	for i := range t.members {
		c := make(chan *shared, 1) // one piece of work at a time: split waits for its end
		t.wake = append(t.wake, c)
		t.ended.Go(func() {
			for s := range c {
				s.work(&t.scratch[i])
				s.done.Done()
			}
		})
	}
	return t
}

func (t *team) close() {
	for _, c := range t.wake {
		close(c)
	}
	t.ended.Wait()
}

func (s *shared) work(w *worker) {
	for {
		part := s.next.Add(1) - 1
		if part >= s.parts {
			return
		}
		s.do(int(part), w)
	}
}

// A crew is the team as one run has it: all of it, or nobody but the run's own thread.
type crew struct {
	team *team // nil: alone
	own  *worker
}

// hire takes the team if it is free.
func (t *team) hire() crew {
	if t.busy.TryLock() {
		return crew{t, &t.scratch[t.members]}
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
	return c.team.members + 1
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
	s := &shared{do: do, parts: int64(parts)}
	helpers := min(c.team.members, parts-1)
	s.done.Add(helpers)
	for i := range helpers {
		c.team.wake[i] <- s
	}
	s.work(c.own)
	s.done.Wait()
}
