package receipttest

import (
	"math/rand/v2"

	"github.com/aiwork/aiwork-node/compute/lower"
	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// Composite is a small network with every composite operator: recurrent ones, a loop that ends by its condition, a scan, and branches within each
// other, one of which holds a recurrent network and one of which passes its value through.
func Composite(seed uint64) (*lower.Model, []*tensor.Tensor) {
	b := &builder{Rand: rand.New(rand.NewPCG(seed, 2))}
	b.graph.Inputs = []onnx.Value{{Name: "x", Type: tensor.Float32}}
	x := b.op("GRU", []string{"x", b.weight(b.floats(0.4, 1, 24, 5)), b.weight(b.floats(0.4, 1, 24, 8)), b.weight(b.floats(0.1, 1, 48))}, number("hidden_size", 8))
	x = b.op("Reshape", []string{x, b.weight(tensor.Of([]int{3}, []int64{4, 2, 8}))})
	yes := b.weight(tensor.Scalar(true))
	x = b.op("If", []string{yes}, body("then_branch", b.inner(x)), body("else_branch", &onnx.Graph{Outputs: []onnx.Value{{Name: x}}}))
	x = b.op("Loop", []string{b.weight(tensor.Scalar(int64(6))), yes, x}, body("body", b.looped()))
	x = b.op("Scan", []string{b.weight(b.floats(1, 2, 8)), x}, number("num_scan_inputs", 1), body("body", b.scanned()))
	x = b.op("Reshape", []string{x, b.weight(tensor.Of([]int{2}, []int64{1, 16}))})
	x = b.op("Gemm", []string{x, b.weight(b.floats(1, 5, 16))}, number("transB", 1))
	x = b.op("Softmax", []string{x})
	b.graph.Outputs = []onnx.Value{{Name: x}}
	m, err := lower.Lower(&onnx.Model{IR: 8, Opsets: []onnx.Opset{{Version: 14}}, Graph: &b.graph}, lower.Outside{Form: net.FormTensors})
	if err != nil {
		panic(err)
	}
	return m, []*tensor.Tensor{b.floats(1, 4, 2, 5)}
}

func number(name string, v int64) onnx.Attr { return onnx.Attr{Name: name, Kind: onnx.AttrInt, Int: v} }

func body(name string, g *onnx.Graph) onnx.Attr {
	return onnx.Attr{Name: name, Kind: onnx.AttrGraph, Graph: g}
}

// inner is a branch with a recurrent network, and a branch within that passes its value through.
func (b *builder) inner(x string) *onnx.Graph {
	in := &builder{Rand: b.Rand, next: 1000}
	weights := []string{x, b.weight(b.floats(0.4, 1, 32, 8)), b.weight(b.floats(0.4, 1, 32, 8)), b.weight(b.floats(0.1, 1, 64))}
	h := in.op("LSTM", weights, number("hidden_size", 8))
	h = in.op("Reshape", []string{h, b.weight(tensor.Of([]int{3}, []int64{4, 2, 8}))})
	h = in.op("If", []string{b.weight(tensor.Scalar(false))}, body("then_branch", &onnx.Graph{Outputs: []onnx.Value{{Name: x}}}),
		body("else_branch", &onnx.Graph{Outputs: []onnx.Value{{Name: h}}}))
	h = in.op("Add", []string{h, x})
	in.graph.Outputs = []onnx.Value{{Name: h}}
	return &in.graph
}

// looped doubles what it carries and goes on for two rounds more.
func (b *builder) looped() *onnx.Graph {
	in := &builder{Rand: b.Rand, next: 2000}
	in.graph.Inputs = []onnx.Value{{Name: "i", Type: tensor.Int64}, {Name: "going", Type: tensor.Bool}, {Name: "carried", Type: tensor.Float32}}
	y := in.op("Mul", []string{"carried", b.weight(tensor.Scalar(float32(1.5)))})
	y = in.op("Tanh", []string{y})
	going := in.op("Less", []string{"i", b.weight(tensor.Scalar(int64(2)))})
	in.graph.Outputs = []onnx.Value{{Name: going}, {Name: y}}
	return &in.graph
}

// scanned adds up.
func (b *builder) scanned() *onnx.Graph {
	in := &builder{Rand: b.Rand, next: 3000}
	in.graph.Inputs = []onnx.Value{{Name: "sum", Type: tensor.Float32}, {Name: "part", Type: tensor.Float32}}
	in.graph.Outputs = []onnx.Value{{Name: in.op("Add", []string{"sum", "part"})}}
	return &in.graph
}
