package graph

import (
	"github.com/aiwork/aiwork-node/compute/kernel"
)

// A step is one or more operators that run as one: a chain with what follows it elementwise.
type step struct {
	kind    Kind
	inputs  []int // values
	output  int   // value
	window  kernel.Window
	panels  *kernel.Panels // Conv, Dense
	weights []float32      // DepthwiseConv
	post    *kernel.Post   // after a chain; alone for BatchNorm, ReLU, ReLU6
}

// A Plan is a graph made ready to run: fused, placed and packed. It is immutable and may be shared.
type Plan struct {
	path      kernel.Path
	steps     []step
	shapes    []Shape
	offsets   []int // of each value in the arena; -1 for one that is fused away
	arenaLen  int
	scratch   int // elements each thread needs beside the arena
	inputLen  int
	outputLen int
}

// Compile prepares g, whose shapes Check has given, for one path.
func Compile(g *Graph, shapes []Shape, path kernel.Path) *Plan {
	p := &Plan{path: path, shapes: shapes, inputLen: shapes[0].Len(), outputLen: shapes[len(shapes)-1].Len()}
	uses := g.uses()
	for i := 0; i < len(g.Ops); {
		s, next := g.fuse(i, shapes, uses)
		if s.kind == Conv {
			p.scratch = max(p.scratch, s.window.ScratchLen())
		}
		p.steps = append(p.steps, s)
		i = next
	}
	p.offsets, p.arenaLen = place(p.steps, shapes)
	return p
}

// uses counts how often each value is read.
func (g *Graph) uses() []int {
	n := make([]int, len(g.Ops)+1)
	for _, op := range g.Ops {
		for _, in := range op.Inputs {
			n[in]++
		}
	}
	return n
}

// fuse makes the step that begins with operator i and says where the next one begins. A chain takes in
// a batch normalisation and then an activation, when each is the only reader of the value before.
func (g *Graph) fuse(i int, shapes []Shape, uses []int) (step, int) {
	s := g.begin(i, shapes)
	if s.post == nil {
		return s, i + 1
	}
	switch s.kind {
	case BatchNorm, ReLU, ReLU6:
		return s, i + 1
	}
	only := func(j int) bool { return j < len(g.Ops) && uses[j] == 1 && g.Ops[j].Inputs[0] == j }
	j := i + 1
	if only(j) && g.Ops[j].Kind == BatchNorm {
		s.post.Scale, s.post.Shift = g.lowered(&g.Ops[j])
		j++
	}
	if only(j) && (g.Ops[j].Kind == ReLU || g.Ops[j].Kind == ReLU6) {
		s.post.Lo, s.post.Hi = g.Ops[j].bounds()
		j++
	}
	s.output = j
	return s, j
}

// begin makes the step for operator i alone.
func (g *Graph) begin(i int, shapes []Shape) step {
	op := &g.Ops[i]
	s := step{kind: op.Kind, inputs: op.Inputs, output: i + 1, window: op.Window}
	outs := shapes[i+1].Channels
	switch op.Kind {
	case Conv:
		s.panels, s.post = kernel.PackConv(g.data(op, 0), op.Window, outs), kernel.NewPost(outs)
	case Dense:
		s.panels, s.post = kernel.Pack(g.data(op, 0), shapes[op.Inputs[0]].Channels, outs), kernel.NewPost(outs)
	case DepthwiseConv:
		s.weights, s.post = g.data(op, 0), kernel.NewPost(outs)
	case BatchNorm:
		s.post = kernel.NewPost(outs)
		s.post.Scale, s.post.Shift = g.lowered(op)
	case ReLU, ReLU6:
		s.post = kernel.NewPost(outs)
		s.post.Lo, s.post.Hi = op.bounds()
	}
	switch op.Kind {
	case Conv, Dense, DepthwiseConv:
		if bias := g.data(op, 1); bias != nil {
			s.post.Bias = bias
		}
	}
	return s
}
