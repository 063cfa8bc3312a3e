package plan

import (
	"slices"

	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/operator"
	"github.com/aiwork/aiwork-node/compute/program"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// A globalStep takes the mean of each plane.
type globalStep struct {
	ended
	x, planes, size int
}

// global plans a GlobalAveragePool.
func (b *builder) global(n *program.Node) bool {
	x := b.in(n, 0)
	if n.Wanted != 1 || len(x.shape) < 3 {
		return false
	}
	return b.planeMeans(n, x.shape)
}

// isGlobal reports whether the only window of a pool is the plane.
func isGlobal(g operator.Window) bool {
	for i, n := range g.In {
		if g.Before[i] != 0 || g.After[i] != 0 || g.Dilation[i] != 1 {
			return false
		}
		if n != g.Kernel[i] || g.Out[i] != 1 {
			return false
		}
	}
	return true
}

func (b *builder) planeMeans(n *program.Node, in []int) bool {
	if b.in(n, 0).constant != nil || tensor.Count(in) == 0 {
		return false
	}
	shape := append(slices.Clone(in[:2]), slices.Repeat([]int{1}, len(in)-2)...)
	s := &globalStep{ended: ended{y: n.Out[0]}, x: n.In[0], planes: in[0] * in[1], size: tensor.Count(in[2:])}
	b.add(s, []int{s.x}, tensor.Count(in))
	b.place(s.y, shape)
	return true
}

func (s *globalStep) run(f *frame) error {
	x, y := f.values(s.x), f.values(s.y)
	const per = 16 // planes, so that threads write lines of their own
	f.crew.split((s.planes+per-1)/per, len(x), func(part int, w *worker) {
		first, end := part*per, min((part+1)*per, s.planes)
		for p := first; p < end; p++ {
			y[p] = f.path.Reduce(kernel.ReductionSum, x[p*s.size:][:s.size], 0) / float32(s.size)
		}
		out := y[first:end]
		if s.clamp {
			f.path.Unary(kernel.UnaryClip, out, out, s.lo, s.hi)
		}
		s.after(f, w, out, first)
	})
	return nil
}
