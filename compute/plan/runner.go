package plan

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/operator"
	"github.com/aiwork/aiwork-node/compute/program"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// Options say how a Runner works. None of them changes a bit of what it computes.
type Options struct {
	Threads int         // that compute; 0 means 1
	Path    kernel.Path // see Default
	Shelf   Shelf       // of packed weights; nil: each Runner packs for itself
	Watch   []Output    // that RunObserved shows
}

// Default is one thread on the quickest path of this machine.
func Default() Options { return Options{Threads: 1, Path: kernel.Best()} }

// threadsMax bounds the threads of a Runner.
const threadsMax = 256

// Check says what is wrong with o.
func (o Options) Check() error {
	if o.Threads < 0 || o.Threads > threadsMax {
		return fmt.Errorf("%d threads, want 1 to %d", o.Threads, threadsMax)
	}
	if slices.Contains(kernel.Paths(), o.Path) {
		return nil
	}
	return fmt.Errorf("this machine has no path %v", o.Path)
}

// A Runner runs one program. Close it when it is no longer used.
type Runner struct {
	program *program.Program
	path    kernel.Path
	shelf   Shelf
	team    *team
	watch   []Output

	mu      sync.Mutex
	plans   map[string]*plan
	clock   int            // of uses, for the oldest plan
	variety map[string]int // plans that differ by the values of small inputs only
	ids     map[*program.Graph]int
	packs   map[packKey]any

	idle atomic.Int64 // bytes of arenas that wait for a run
}

// New makes a Runner.
func New(p *program.Program, o Options) (*Runner, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	if err := checkWatch(p.Graph(), o.Watch); err != nil {
		return nil, err
	}
	r := &Runner{
		program: p, path: o.Path, shelf: o.Shelf, team: newTeam(max(1, o.Threads)), watch: o.Watch,
		plans: map[string]*plan{}, variety: map[string]int{}, ids: map[*program.Graph]int{}, packs: map[packKey]any{},
	}
	return r, nil
}

// Close ends the Runner's threads. No Run may be under way.
func (r *Runner) Close() { r.team.close() }

// Run computes the outputs from the inputs, as program.Run does. An operator.LimitError says that it needs
// more than the limits.
func (r *Runner) Run(ctx context.Context, inputs []*tensor.Tensor, limits program.Limits) ([]*tensor.Tensor, error) {
	return r.run(ctx, inputs, limits, nil, nil)
}

func (r *Runner) run(ctx context.Context, inputs []*tensor.Tensor, limits program.Limits, p *Profile, observe func(Output, *tensor.Tensor)) ([]*tensor.Tensor, error) {
	if err := r.program.Check(inputs); err != nil {
		return nil, err
	}
	j := &job{ctx: ctx, runner: r, budget: operator.Budget{Bytes: limits.Bytes, Steps: limits.Steps}, profile: p, observe: observe}
	j.crew = r.team.hire()
	defer j.crew.leave()
	return j.graph(r.program.Graph(), inputs, nil)
}

// A job is one Run: its limits, over all plans that it goes through.
type job struct {
	ctx    context.Context
	runner *Runner
	budget operator.Budget
	crew   crew

	profile *Profile // nil: nobody wants to know
	observe func(Output, *tensor.Tensor)
}

// graph runs a graph from its start.
func (j *job) graph(g *program.Graph, inputs, around []*tensor.Tensor) ([]*tensor.Tensor, error) {
	slots := make([]int, 0, len(g.Inputs)+len(g.Captures))
	values := make([]*tensor.Tensor, 0, cap(slots))
	slots = append(slots, g.Inputs...)
	values = append(values, inputs...)
	for _, c := range g.Captures {
		slots = append(slots, c.Slot)
		values = append(values, around[c.Outer])
	}
	return j.from(g, 0, slots, values)
}

// from runs the nodes of a graph from one on; the values of slots that were set before are given.
func (j *job) from(g *program.Graph, start int, slots []int, values []*tensor.Tensor) ([]*tensor.Tensor, error) {
	p, err := j.runner.planFor(j, g, start, slots, values)
	if err != nil {
		return nil, err
	}
	return p.run(j, values)
}
