// Package receipttest makes small networks, true and false runs of them, and plays disputes about these. It is for tests.
package receipttest

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/aiwork/aiwork-node/compute/lower"
	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/program"
	"github.com/aiwork/aiwork-node/compute/receipt"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// A builder writes a model down.
type builder struct {
	*rand.Rand
	graph onnx.Graph
	next  int
}

func (b *builder) floats(scale float64, shape ...int) *tensor.Tensor {
	t := tensor.New(tensor.Float32, shape)
	for i := range t.Len() {
		tensor.Values[float32](t)[i] = float32(b.NormFloat64() * scale)
	}
	return t
}

func (b *builder) weight(t *tensor.Tensor) string {
	b.next++
	name := fmt.Sprint("w", b.next)
	b.graph.Initializers = append(b.graph.Initializers, onnx.Initializer{Name: name, Tensor: t})
	return name
}

func ints(name string, v ...int64) onnx.Attr {
	return onnx.Attr{Name: name, Kind: onnx.AttrInts, Ints: v}
}

func (b *builder) op(name string, in []string, attrs ...onnx.Attr) string {
	b.next++
	out := fmt.Sprint("v", b.next)
	b.graph.Nodes = append(b.graph.Nodes, onnx.Node{Op: name, Inputs: in, Outputs: []string{out}, Attrs: attrs})
	return out
}

// Network is a small picture classifier with most of what such ones have: its operators make 1 to 20 tiles.
func Network(seed uint64) (*lower.Model, []*tensor.Tensor) {
	b := &builder{Rand: rand.New(rand.NewPCG(seed, 1))}
	b.graph.Inputs = []onnx.Value{{Name: "x", Type: tensor.Float32}}
	x := b.op("Conv", []string{"x", b.weight(b.floats(0.3, 6, 3, 3, 3)), b.weight(b.floats(1, 6))}, ints("pads", 1, 1, 1, 1))
	variance := b.floats(1, 6)
	for i, v := range tensor.Values[float32](variance) {
		tensor.Values[float32](variance)[i] = float32(v * v)
	}
	x = b.op("BatchNormalization", []string{x, b.weight(b.floats(1, 6)), b.weight(b.floats(1, 6)), b.weight(b.floats(1, 6)), b.weight(variance)})
	x = b.op("Clip", []string{x, b.weight(tensor.Scalar(float32(0))), b.weight(tensor.Scalar(float32(6)))})
	y := b.op("Conv", []string{x, b.weight(b.floats(0.5, 6, 1, 3, 3))}, ints("pads", 1, 1, 1, 1), onnx.Attr{Name: "group", Kind: onnx.AttrInt, Int: 6})
	y = b.op("HardSwish", []string{y})
	x = b.op("Add", []string{x, y})
	x = b.op("MaxPool", []string{x}, ints("kernel_shape", 2, 2), ints("strides", 2, 2))
	x = b.op("Relu", []string{x})
	x = b.op("GlobalAveragePool", []string{x})
	x = b.op("Reshape", []string{x, b.weight(tensor.Of([]int{2}, []int64{1, -1}))})
	x = b.op("Gemm", []string{x, b.weight(b.floats(1, 5, 6)), b.weight(b.floats(1, 5))}, onnx.Attr{Name: "transB", Kind: onnx.AttrInt, Int: 1})
	x = b.op("Softmax", []string{x})
	b.graph.Outputs = []onnx.Value{{Name: x}}
	m, err := lower.Lower(&onnx.Model{IR: 8, Opsets: []onnx.Opset{{Version: 17}}, Graph: &b.graph}, lower.Outside{Form: net.FormTensors})
	if err != nil {
		panic(err)
	}
	return m, []*tensor.Tensor{b.floats(1, 1, 3, 14, 14)}
}

// Wide gives as many scores as a classifier of so many classes.
func Wide(classes int) (*lower.Model, []*tensor.Tensor) {
	b := &builder{Rand: rand.New(rand.NewPCG(uint64(classes), 1))}
	b.graph.Inputs = []onnx.Value{{Name: "x", Type: tensor.Float32}}
	x := b.op("Relu", []string{"x"})
	x = b.op("MatMul", []string{x, b.weight(b.floats(1, 16, classes))})
	x = b.op("Add", []string{x, b.weight(b.floats(1, classes))})
	b.graph.Outputs = []onnx.Value{{Name: x}}
	m, err := lower.Lower(&onnx.Model{IR: 8, Opsets: []onnx.Opset{{Version: 17}}, Graph: &b.graph}, lower.Outside{Form: net.FormTensors})
	if err != nil {
		panic(err)
	}
	return m, []*tensor.Tensor{b.floats(1, 1, 16)}
}

// Trace runs a model.
func Trace(t testing.TB, m *lower.Model, in []*tensor.Tensor) *receipt.Trace {
	t.Helper()
	run, err := receipt.Run(m, in, program.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// Lie gives a copy of a run in which one bit of a value is another; if it is no output, one of the output too, so that
// there is something to dispute.
func Lie(run *receipt.Trace, v net.Value, r *rand.Rand) *receipt.Trace {
	out := run.Clone()
	last := run.Model.Net.Outputs[0]
	out.Set(last, Flipped(out.Values[last], r))
	if v != last {
		out.Set(v, Flipped(out.Values[v], r))
	}
	return out
}

// Flipped is a tensor with one bit changed.
func Flipped(t *tensor.Tensor, r *rand.Rand) *tensor.Tensor {
	b := t.Raw()
	i := r.IntN(len(b))
	for {
		b[i] ^= 1 << r.IntN(8)
		shape := make([]uint32, t.Rank())
		for d, n := range t.Shape() {
			shape[d] = uint32(n)
		}
		x, err := lower.TensorOf(net.Type(onnx.NumberOf(t.Type())), shape, b)
		if err == nil && string(x.Raw()) != string(t.Raw()) {
			return x
		}
	}
}
