package graph

import (
	"fmt"
	"math"

	"github.com/aiwork/aiwork-node/compute/kernel"
)

// Check infers the shape of every value and refuses a graph that is not canonical or over a limit. It
// completes the windows of g's operators, and returns the shapes: shapes[i] is that of value i.
func (g *Graph) Check() ([]Shape, error) {
	if err := checkValue(g.Input); err != nil {
		return nil, fmt.Errorf("input: %w", err)
	}
	if len(g.Ops) == 0 || len(g.Ops) > OpsMax {
		return nil, fmt.Errorf("%d operators, want 1 to %d", len(g.Ops), OpsMax)
	}
	if err := g.checkTensors(); err != nil {
		return nil, err
	}
	shapes, next, work, packed := []Shape{g.Input}, 0, 0, 0
	for i := range g.Ops {
		op := &g.Ops[i]
		out, cost, err := g.infer(op, shapes, &next)
		if err != nil {
			return nil, fmt.Errorf("operator %d (%v): %w", i, op.Kind, err)
		}
		if work += cost; work > multiplyAddMax {
			return nil, fmt.Errorf("operator %d: over %d multiply-adds in all", i, multiplyAddMax)
		}
		if packed += g.packedLen(op, out); packed > packedLenMax {
			return nil, fmt.Errorf("operator %d: laid out, the weights are over %d elements", i, packedLenMax)
		}
		shapes = append(shapes, out)
	}
	if next != len(g.Tensors) {
		return nil, fmt.Errorf("tensor %d is not used", next)
	}
	return shapes, g.checkUses()
}

// packedLen is what the kernels' layout takes of op, which can be 32 times the weights themselves.
func (g *Graph) packedLen(op *Op, out Shape) int {
	if op.Kind != Conv && op.Kind != Dense {
		return 0
	}
	return kernel.PackedLen(len(g.data(op, 0))/out.Channels, out.Channels)
}

func (g *Graph) checkTensors() error {
	if len(g.Tensors) > TensorsMax {
		return fmt.Errorf("%d tensors, at most %d", len(g.Tensors), TensorsMax)
	}
	total := 0
	for i, t := range g.Tensors {
		if total += len(t.Data); total > weightsLenMax {
			return fmt.Errorf("over %d weights in all", weightsLenMax)
		}
		if !finite(t.Data) {
			return fmt.Errorf("tensor %d holds a weight that is not finite", i)
		}
	}
	return nil
}

func (g *Graph) checkUses() error {
	used := make([]bool, len(g.Ops)+1)
	for _, op := range g.Ops {
		for _, in := range op.Inputs {
			used[in] = true
		}
	}
	for i, u := range used[:len(g.Ops)] {
		if !u {
			return fmt.Errorf("value %d is not used", i)
		}
	}
	return nil
}

func checkValue(s Shape) error {
	for _, side := range [...]int{s.Height, s.Width, s.Channels} {
		if side < 1 || side > sideMax {
			return fmt.Errorf("shape %v: sides must be 1 to %d", s, sideMax)
		}
	}
	if s.Len() > valueLenMax {
		return fmt.Errorf("shape %v: over %d elements", s, valueLenMax)
	}
	return nil
}

// infer checks one operator against the shapes of its inputs and gives its output's shape and its cost
// in multiply-adds. Tensors are taken in order: next is the first one that is free.
func (g *Graph) infer(op *Op, shapes []Shape, next *int) (Shape, int, error) {
	want := 1
	if op.Kind == Add {
		want = 2
	}
	if len(op.Inputs) != want {
		return Shape{}, 0, fmt.Errorf("%d inputs, want %d", len(op.Inputs), want)
	}
	for _, v := range op.Inputs {
		if v < 0 || v >= len(shapes) {
			return Shape{}, 0, fmt.Errorf("input %d is not an earlier value", v)
		}
	}
	for _, t := range op.Params {
		if t != *next || t >= len(g.Tensors) {
			return Shape{}, 0, fmt.Errorf("tensor %d is not the next one, %d", t, *next)
		}
		*next++
	}
	if err := op.checkAttributes(); err != nil {
		return Shape{}, 0, err
	}
	out, cost, err := g.inferShape(op, shapes[op.Inputs[0]], shapes)
	if err == nil {
		err = checkValue(out)
	}
	return out, cost, err
}

// checkAttributes refuses attributes that the kind does not use, so that one graph has one form.
func (op *Op) checkAttributes() error {
	w := op.Window
	switch op.Kind {
	case Conv, DepthwiseConv:
		if bad(w.KernelHeight, kernelSideMax) || bad(w.KernelWidth, kernelSideMax) ||
			bad(w.StrideHeight, strideMax) || bad(w.StrideWidth, strideMax) {
			return fmt.Errorf("kernel %d×%d, stride %d×%d: out of range",
				w.KernelHeight, w.KernelWidth, w.StrideHeight, w.StrideWidth)
		}
	default:
		if w.KernelHeight|w.KernelWidth|w.StrideHeight|w.StrideWidth != 0 {
			return fmt.Errorf("a kernel or stride where none is used")
		}
	}
	pads := [...]int{w.Top, w.Bottom, w.Left, w.Right}
	for _, p := range pads {
		padded := op.Kind == Conv || op.Kind == DepthwiseConv || op.Kind == ZeroPad
		if p < 0 || p >= kernelSideMax || !padded && p != 0 {
			return fmt.Errorf("padding %v is out of place", pads)
		}
	}
	eps := float64(op.Epsilon)
	if op.Kind == BatchNorm && !(eps > 0 && eps <= 1) || op.Kind != BatchNorm && math.Float32bits(op.Epsilon) != 0 {
		return fmt.Errorf("epsilon %v is out of place", op.Epsilon)
	}
	return nil
}

func bad(v, limit int) bool { return v < 1 || v > limit }

func (g *Graph) inferShape(op *Op, in Shape, shapes []Shape) (Shape, int, error) {
	op.Window.Height, op.Window.Width, op.Window.Channels = in.Height, in.Width, in.Channels
	switch op.Kind {
	case Conv, DepthwiseConv:
		return g.inferConv(op, in)
	case BatchNorm:
		c := []int{in.Channels}
		if err := g.params(op, false, c, c, c, c); err != nil {
			return in, 0, err
		}
		return in, in.Len(), g.checkLowered(op)
	case ReLU, ReLU6:
		return in, 0, g.params(op, false)
	case Add:
		if other := shapes[op.Inputs[1]]; other != in {
			return in, 0, fmt.Errorf("shapes %v and %v differ", in, other)
		}
		return in, 0, g.params(op, false)
	case ZeroPad:
		w := op.Window
		return Shape{in.Height + w.Top + w.Bottom, in.Width + w.Left + w.Right, in.Channels}, 0, g.params(op, false)
	case GlobalAveragePool:
		return Shape{1, 1, in.Channels}, 0, g.params(op, false)
	case Dense:
		return g.inferDense(op, in)
	case Softmax:
		return in, 0, firstError(vector(in), g.params(op, false))
	}
	return in, 0, fmt.Errorf("no such operator")
}

// checkLowered refuses a batch normalisation whose lowered form is not finite, as for a variance of
// less than -epsilon.
func (g *Graph) checkLowered(op *Op) error {
	scale, shift := g.lowered(op)
	if !finite(scale) || !finite(shift) {
		return fmt.Errorf("scale or shift is not finite")
	}
	return nil
}

func finite(values []float32) bool {
	for _, v := range values {
		if v-v != 0 { // NaN for an infinity as well
			return false
		}
	}
	return true
}

func (g *Graph) inferConv(op *Op, in Shape) (Shape, int, error) {
	w := op.Window
	if w.KernelHeight > in.Height+w.Top+w.Bottom || w.KernelWidth > in.Width+w.Left+w.Right {
		return in, 0, fmt.Errorf("kernel is larger than the padded image %v", in)
	}
	out := Shape{w.OutHeight(), w.OutWidth(), in.Channels}
	if op.Kind == DepthwiseConv {
		if w.KernelHeight*w.KernelWidth > kernel.TapsMax {
			return in, 0, fmt.Errorf("over %d taps", kernel.TapsMax)
		}
		cost := out.Height * out.Width * in.Channels * w.KernelHeight * w.KernelWidth
		return out, cost, g.params(op, true, []int{w.KernelHeight, w.KernelWidth, in.Channels}, []int{in.Channels})
	}
	var err error
	if out.Channels, err = g.outputs(op, 4); err != nil {
		return in, 0, err
	}
	err = g.params(op, true, []int{w.KernelHeight, w.KernelWidth, in.Channels, out.Channels}, []int{out.Channels})
	return out, out.Height * out.Width * out.Channels * in.Channels * w.KernelHeight * w.KernelWidth, err
}

func (g *Graph) inferDense(op *Op, in Shape) (Shape, int, error) {
	outs, err := g.outputs(op, 2)
	if err != nil {
		return in, 0, err
	}
	err = firstError(vector(in), g.params(op, true, []int{in.Channels, outs}, []int{outs}))
	return Shape{1, 1, outs}, in.Channels * outs, err
}

// outputs reads the number of output channels off the weights, whose rank must be as given.
func (g *Graph) outputs(op *Op, rank int) (int, error) {
	if len(op.Params) == 0 || len(g.Tensors[op.Params[0]].Dims) != rank {
		return 0, fmt.Errorf("needs weights of %d dimensions", rank)
	}
	n := g.Tensors[op.Params[0]].Dims[rank-1]
	if n < 1 || n > sideMax {
		return 0, fmt.Errorf("%d outputs, want 1 to %d", n, sideMax)
	}
	return n, nil
}

// params checks that the tensors of op have these dimensions; with optional set the last may be absent.
func (g *Graph) params(op *Op, optional bool, want ...[]int) error {
	if n := len(op.Params); n != len(want) && !(optional && n == len(want)-1) {
		return fmt.Errorf("%d tensors, want %d", n, len(want))
	}
	for i, index := range op.Params {
		t := g.Tensors[index]
		size := 1
		if len(t.Dims) != len(want[i]) {
			return fmt.Errorf("tensor %d has dimensions %v, want %v", index, t.Dims, want[i])
		}
		for d, n := range t.Dims {
			if n != want[i][d] {
				return fmt.Errorf("tensor %d has dimensions %v, want %v", index, t.Dims, want[i])
			}
			size *= n
		}
		if len(t.Data) != size {
			return fmt.Errorf("tensor %d has %d elements, want %d", index, len(t.Data), size)
		}
	}
	return nil
}

func vector(s Shape) error {
	if s.Height != 1 || s.Width != 1 {
		return fmt.Errorf("input %v is not a vector", s)
	}
	return nil
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
