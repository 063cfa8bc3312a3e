package plan

import (
	"fmt"
	"sync"

	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/operator"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// A plan is a list of steps over slots, for values of known shapes.
type plan struct {
	runner     *Runner
	slots      int
	given      []given
	loose      []int // slots that hold values of a run only
	fixed      []slotTensor
	places     []place
	arena      int // elements
	bytePlaces []bytePlace
	byteArena  int
	steps      []step
	notes      []note // of each step
	sights     []sight
	outputs    []int
	cost       int // steps of Limits
	bytes      int // of arena and constants
	tail       bool
	used       int

	mu      sync.Mutex
	free    []*frame
	dropped bool
}

// given is a value that a run is given, by its index, and its slot.
type given struct{ index, slot int }

type slotTensor struct {
	slot  int
	value *tensor.Tensor
}

// A place is a value in the arena.
type place struct {
	slot   int
	shape  []int
	buffer *buffer
}

// A step sets slots from others.
type step interface{ run(f *frame) error }

// A frame is a plan's memory in one run.
type frame struct {
	plan  *plan
	job   *job
	slots []*tensor.Tensor
	arena []float32
	bytes []uint8
	crew  crew
	path  kernel.Path
	outs  []*tensor.Tensor // of a tail
}

// framesMax is the number of idle frames that a plan keeps, idleBytesMax what those of all plans of a Runner
// may hold.
const (
	framesMax    = 2
	idleBytesMax = 256 << 20
)

// frameBytes is what the arenas of a frame hold.
func (p *plan) frameBytes() int64 { return 4*int64(p.arena) + int64(p.byteArena) }

func (p *plan) frame() *frame {
	p.mu.Lock()
	if n := len(p.free); n > 0 {
		f := p.free[n-1]
		p.free = p.free[:n-1]
		p.mu.Unlock()
		p.runner.idle.Add(-p.frameBytes())
		return f
	}
	p.mu.Unlock()
	f := &frame{plan: p, slots: make([]*tensor.Tensor, p.slots), arena: make([]float32, p.arena), bytes: make([]uint8, p.byteArena), path: p.runner.path}
	for _, c := range p.fixed {
		f.slots[c.slot] = c.value
	}
	for _, v := range p.places {
		f.slots[v.slot] = tensor.Of(v.shape, f.floats(v.buffer))
	}
	for _, v := range p.bytePlaces {
		f.slots[v.slot] = tensor.Of(v.shape, f.bytesOf(v.buffer))
	}
	return f
}

func (p *plan) putBack(f *frame) {
	f.job, f.outs = nil, nil
	for _, slot := range p.loose {
		f.slots[slot] = nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	size := p.frameBytes()
	if len(p.free) >= framesMax || p.dropped || p.runner.idle.Load()+size > idleBytesMax {
		return
	}
	p.runner.idle.Add(size)
	p.free = append(p.free, f)
}

// drop gives up the idle frames of a plan that is not kept any more.
func (p *plan) drop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.runner.idle.Add(-p.frameBytes() * int64(len(p.free)))
	p.free, p.dropped = nil, true
}

// floats gives a buffer's elements; what lies behind them up to Slack may be read.
func (f *frame) floats(b *buffer) []float32 {
	return f.arena[b.at : b.at+b.elements : b.at+b.elements+kernel.Slack]
}

func (f *frame) values(slot int) []float32 { return tensor.Values[float32](f.slots[slot]) }

// run gives the outputs, which are the caller's.
func (p *plan) run(j *job, values []*tensor.Tensor) ([]*tensor.Tensor, error) {
	if p.bytes > j.budget.Bytes {
		return nil, &operator.LimitError{What: "memory"}
	}
	if p.cost > j.budget.Steps {
		return nil, &operator.LimitError{What: "steps"}
	}
	j.budget.Steps -= p.cost
	j.budget.Bytes -= p.bytes
	defer func() { j.budget.Bytes += p.bytes }()
	f := p.frame()
	defer p.putBack(f)
	f.job = j
	for _, g := range p.given {
		f.slots[g.slot] = values[g.index]
	}
	f.crew = j.crew
	left := f.show(p.sights, -1)
	for i, s := range p.steps {
		if err := j.ctx.Err(); err != nil {
			return nil, err
		}
		began := j.profile.begin()
		if err := s.run(f); err != nil {
			return nil, err
		}
		j.profile.end(began, s, &p.notes[i])
		left = f.show(left, i)
	}
	if p.tail {
		return f.outs, nil
	}
	outs := make([]*tensor.Tensor, len(p.outputs))
	for i, slot := range p.outputs {
		outs[i] = clone(f.slots[slot])
	}
	return outs, nil
}

// clone copies a tensor, so that it outlives the arena.
func clone(t *tensor.Tensor) *tensor.Tensor {
	out := tensor.New(t.Type(), t.Shape())
	out.Pick(t, nil)
	return out
}

// nodeError names the node of an error.
func nodeError(label string, err error) error { return fmt.Errorf("%s: %w", label, err) }
