package plan

import (
	"slices"

	"github.com/aiwork/aiwork-node/compute/program"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// A transposeStep moves runs of neighbours that stay neighbours, as when channels are shuffled or heads split.
type transposeStep struct {
	x, y   int // slots
	length int // of a run
	from   []int32
}

// transposedRunMin is the length of runs from which on this is quicker than the operator.
const transposedRunMin = 8

func (b *builder) transpose(n *program.Node) bool {
	x := b.in(n, 0)
	a := attr(n, "perm")
	if a == nil || x.constant != nil || len(a.Ints) != len(x.shape) || tensor.Count(x.shape) == 0 {
		return false
	}
	rank := len(x.shape)
	shape, strides, seen := make([]int, rank), make([]int, rank), make([]bool, rank)
	own := tensor.Strides(x.shape)
	for i, axis := range a.Ints {
		if axis < 0 || int(axis) >= rank || seen[axis] {
			return false
		}
		shape[i], strides[i], seen[axis] = x.shape[axis], own[axis], true
	}
	outer := rank
	run := 1
	for outer > 0 && (strides[outer-1] == run || shape[outer-1] == 1) {
		outer--
		run *= shape[outer]
	}
	if run < transposedRunMin {
		return false
	}
	s := &transposeStep{x: n.In[0], y: n.Out[0], length: run, from: tensor.Offsets(shape[:outer], strides[:outer], 0)}
	b.add(s, []int{s.x}, tensor.Count(shape))
	b.place(s.y, slices.Clone(shape))
	return true
}

func (s *transposeStep) run(f *frame) error {
	x, y := f.values(s.x), f.values(s.y)
	per := max(1, tileLen/s.length)
	f.crew.split((len(s.from)+per-1)/per, 2*len(y), func(part int, _ *worker) {
		for i := part * per; i < min((part+1)*per, len(s.from)); i++ {
			copy(y[i*s.length:][:s.length], x[s.from[i]:])
		}
	})
	return nil
}
