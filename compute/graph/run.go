package graph

import (
	"context"
	"sync"

	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/internal/must"
)

// A Runner runs a Plan again and again in memory of its own. It is for one caller at a time.
type Runner struct {
	plan    *Plan
	arena   []float32
	scratch [][]float32 // per thread
}

// NewRunner takes the memory for a plan and says how many threads it may use, at least one.
func NewRunner(p *Plan, threads int) *Runner {
	r := &Runner{plan: p, arena: make([]float32, p.arenaLen), scratch: make([][]float32, max(1, threads))}
	for i := range r.scratch {
		r.scratch[i] = make([]float32, p.scratch)
	}
	return r
}

// InputLen is the number of elements of the input.
func (r *Runner) InputLen() int { return r.plan.inputLen }

// Run computes the output for input, which must have InputLen elements. The result does not depend on
// the number of threads or the path. Only a cancelled context, asked after each step, gives an error.
func (r *Runner) Run(ctx context.Context, input []float32) ([]float32, error) {
	must.Hold(len(input) == r.plan.inputLen, "input of another length than the model's")
	copy(r.value(0), input)
	for i := range r.plan.steps {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		r.step(&r.plan.steps[i])
	}
	out := make([]float32, r.plan.outputLen)
	copy(out, r.value(len(r.plan.shapes)-1))
	return out, nil
}

func (r *Runner) value(i int) []float32 {
	from := r.plan.offsets[i]
	return r.arena[from : from+r.plan.shapes[i].Len()]
}

func (r *Runner) step(s *step) {
	path, out, x := r.plan.path, r.value(s.output), r.value(s.inputs[0])
	switch s.kind {
	case Conv:
		r.rows(s, func(thread, from, to int) {
			path.Conv(out, x, r.scratch[thread], s.window, s.panels, s.post, from, to)
		})
	case DepthwiseConv:
		r.rows(s, func(_, from, to int) { path.Depthwise(out, x, s.weights, s.window, s.post, from, to) })
	case Dense:
		path.Gemm(out, x, 1, s.panels, s.post)
	case BatchNorm:
		kernel.DefineScaleShift(out, x, s.post.Scale, s.post.Shift)
	case ReLU, ReLU6:
		kernel.DefineClamp(out, x, s.post.Lo, s.post.Hi)
	case Add:
		path.Add(out, x, r.value(s.inputs[1]))
	case ZeroPad:
		kernel.ZeroPad(out, x, s.window)
	case GlobalAveragePool:
		kernel.GlobalAveragePool(out, x)
	case Softmax:
		path.Softmax(out, x)
	}
}

// rows shares the output rows of s among the threads; each row is written by exactly one of them.
func (r *Runner) rows(s *step, do func(thread, from, to int)) {
	all, threads := r.plan.shapes[s.output].Height, len(r.scratch)
	if threads == 1 {
		do(0, 0, all)
		return
	}
	var wg sync.WaitGroup
	for t := range threads {
		from, to := all*t/threads, all*(t+1)/threads
		if from < to {
			wg.Go(func() { do(t, from, to) })
		}
	}
	wg.Wait()
}
