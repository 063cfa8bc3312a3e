package graph

import (
	"math"

	"github.com/aiwork/aiwork-node/compute/kernel"
)

// Define runs a checked graph by the definitions, one operator after the other, and returns all values.
// It is the meaning of the graph; a Plan is the quick way to the last of these values.
func (g *Graph) Define(shapes []Shape, input []float32) [][]float32 {
	values := [][]float32{input}
	for i := range g.Ops {
		out := make([]float32, shapes[i+1].Len())
		g.define(&g.Ops[i], out, values)
		values = append(values, out)
	}
	return values
}

func (g *Graph) define(op *Op, out []float32, values [][]float32) {
	x := values[op.Inputs[0]]
	switch op.Kind {
	case Conv:
		outs := g.Tensors[op.Params[0]].Dims[3]
		kernel.DefineConv(out, x, g.data(op, 0), g.data(op, 1), op.Window, outs)
	case DepthwiseConv:
		kernel.DefineDepthwise(out, x, g.data(op, 0), g.data(op, 1), op.Window)
	case BatchNorm:
		scale, shift := g.lowered(op)
		kernel.DefineScaleShift(out, x, scale, shift)
	case ReLU, ReLU6:
		lo, hi := op.bounds()
		kernel.DefineClamp(out, x, lo, hi)
	case Add:
		kernel.DefineAdd(out, x, values[op.Inputs[1]])
	case ZeroPad:
		kernel.ZeroPad(out, x, op.Window)
	case GlobalAveragePool:
		kernel.GlobalAveragePool(out, x)
	case Dense:
		kernel.DefineGemm(out, x, g.data(op, 0), g.data(op, 1), 1, len(out), len(x))
	case Softmax:
		kernel.DefineSoftmax(out, x)
	}
}

// data gives the i-th tensor of op, nil where an optional one is absent.
func (g *Graph) data(op *Op, i int) []float32 {
	if i >= len(op.Params) {
		return nil
	}
	return g.Tensors[op.Params[i]].Data
}

func (g *Graph) lowered(op *Op) (scale, shift []float32) {
	return kernel.LowerBatchNorm(g.data(op, 0), g.data(op, 1), g.data(op, 2), g.data(op, 3), op.Epsilon)
}

// bounds gives the clamp of an activation.
func (op *Op) bounds() (lo, hi float32) {
	if op.Kind == ReLU6 {
		return 0, 6
	}
	return 0, float32(math.Inf(1))
}
