package plan

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/operator"
	"github.com/aiwork/aiwork-node/compute/program"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// Models that somebody made to do harm: attributes at the ends of what is allowed, sizes that only fit one
// by one, empty tensors. A plan ends as the definitions do, within the limits, and does not panic.
func TestHostileModels(t *testing.T) {
	const huge = 1 << 20
	limits := program.Limits{Bytes: 1 << 24, Steps: 1 << 24}
	picture, weights := wave(1, 2, 5, 5), wave(2, 2, 3, 3)
	type hostile struct {
		op     string
		inputs []*tensor.Tensor // the first is given, the others are constants
		attrs  []onnx.Attr
	}
	cases := []hostile{
		{"Conv", []*tensor.Tensor{picture, weights}, []onnx.Attr{ints("pads", huge, huge, huge, huge)}},
		{"Conv", []*tensor.Tensor{picture, weights}, []onnx.Attr{ints("pads", huge, huge, huge, huge), ints("strides", huge, huge)}},
		{"Conv", []*tensor.Tensor{picture, weights}, []onnx.Attr{ints("pads", huge, huge, huge, huge), ints("dilations", huge, huge)}},
		{"Conv", []*tensor.Tensor{picture, wave(2, 1, 3, 3)}, []onnx.Attr{number("group", 2), ints("pads", huge, huge, huge, huge), ints("strides", huge, huge)}},
		{"Conv", []*tensor.Tensor{picture, weights}, []onnx.Attr{number("group", -1)}},
		{"Conv", []*tensor.Tensor{wave(0, 2, 5, 5), weights}, nil},
		{"Conv", []*tensor.Tensor{wave(1, 0, 5, 5), wave(2, 0, 3, 3)}, nil},
		{"Conv", []*tensor.Tensor{wave(1, 2, 2, 2), weights}, nil},
		{"Conv", []*tensor.Tensor{picture, weights, wave(3)}, nil},
		{"ConvTranspose", []*tensor.Tensor{picture, weights}, []onnx.Attr{ints("strides", huge, huge)}},
		{"ConvTranspose", []*tensor.Tensor{picture, weights}, []onnx.Attr{ints("dilations", huge, huge)}},
		{"ConvTranspose", []*tensor.Tensor{picture, weights}, []onnx.Attr{ints("output_padding", 50, 50), ints("strides", 8, 8)}},
		{"ConvTranspose", []*tensor.Tensor{picture, weights}, []onnx.Attr{ints("strides", 5, 5)}},
		{"MaxPool", []*tensor.Tensor{picture}, []onnx.Attr{ints("kernel_shape", huge, huge), ints("pads", huge, huge, huge, huge)}},
		{"MaxPool", []*tensor.Tensor{picture}, []onnx.Attr{ints("kernel_shape", 2, 2), ints("pads", 5, 5, 5, 5)}},
		{"AveragePool", []*tensor.Tensor{picture}, []onnx.Attr{ints("kernel_shape", 2, 2), ints("pads", 1, 1, 1, 1), ints("strides", huge, huge)}},
		{"MatMul", []*tensor.Tensor{wave(4, 1, 4), wave(4)}, nil},
		{"MatMul", []*tensor.Tensor{wave(3, 0), wave(0, 4)}, nil},
		{"Gemm", []*tensor.Tensor{wave(3, 0), wave(0, 4)}, nil},
		{"Gemm", []*tensor.Tensor{wave(3, 2), wave(2, 4), wave(5, 4)}, nil},
		{"Concat", []*tensor.Tensor{picture, wave(1, 2, 4, 5)}, []onnx.Attr{number("axis", 1)}},
		{"Concat", []*tensor.Tensor{picture, wave(1, 2, 4, 5)}, []onnx.Attr{number("axis", -2)}},
		{"BatchNormalization", []*tensor.Tensor{picture, wave(2), wave(2), wave(3), wave(2)}, nil},
		{"Add", []*tensor.Tensor{picture, wave(7)}, nil},
		{"Add", []*tensor.Tensor{wave(1, 1, 5), wave(70000, 1, 1, 5)}, nil},
		{"PRelu", []*tensor.Tensor{wave(5), wave(3, 5)}, nil},
		{"LSTM", []*tensor.Tensor{wave(2, 1, 3), wave(1, 8, 3), wave(1, 8, 2)}, []onnx.Attr{number("hidden_size", 1<<40)}},
		{"LSTM", []*tensor.Tensor{wave(2, 1, 3), wave(1, 8, 3), wave(1, 8, 2)}, []onnx.Attr{number("hidden_size", 2)}},
		{"Expand", []*tensor.Tensor{wave(1), tensor.Of([]int{2}, []int64{1 << 14, 1 << 15})}, nil},
	}
	one, zero := tensor.Scalar[float32](0.5), tensor.Scalar[uint8](3)
	bytes := func(w *tensor.Tensor) []*tensor.Tensor {
		return []*tensor.Tensor{tensor.New(tensor.Uint8, []int{1, 2, 5, 5}), one, zero, w, one, tensor.Scalar[int8](0), one, zero}
	}
	small, thin := tensor.New(tensor.Int8, []int{2, 2, 3, 3}), tensor.New(tensor.Int8, []int{2, 1, 3, 3})
	for _, attrs := range [][]onnx.Attr{
		{ints("pads", huge, huge, huge, huge)},
		{ints("pads", huge, huge, huge, huge), ints("strides", huge, huge)},
		{ints("pads", huge, huge, huge, huge), ints("dilations", huge, huge)},
		{number("group", -1)},
		{number("group", 2), ints("pads", huge, huge, huge, huge), ints("strides", huge, huge)},
	} {
		cases = append(cases, hostile{"QLinearConv", bytes(small), attrs}, hostile{"QLinearConv", bytes(thin), attrs})
	}
	broken := bytes(small)
	broken[4] = tensor.Of([]int{3}, []float32{1, 1, 1}) // scales that do not fit
	cases = append(cases, hostile{"QLinearConv", broken, nil}, hostile{"MatMulInteger", []*tensor.Tensor{broken[0], tensor.New(tensor.Int8, []int{4, 4})}, nil})
	for i, c := range cases {
		s := &sketch{}
		in := []string{s.input(c.inputs[0])}
		for _, x := range c.inputs[1:] {
			in = append(in, s.constant(x))
		}
		out := s.node(c.op, in, c.attrs...)
		s.graph.Outputs = []onnx.Value{{Name: out}}
		p, err := program.Compile(&onnx.Model{IR: 8, Opsets: []onnx.Opset{{Version: 17}}, Graph: &s.graph})
		if err != nil {
			continue
		}
		label := fmt.Sprintf("case %d, %s", i, c.op)
		want, wantErr := p.Run(s.inputs, limits)
		r := newRunner(t, p, Options{Threads: 2, Path: kernel.Best()})
		got, err := r.Run(context.Background(), s.inputs, limits)
		var limit *operator.LimitError // a plan may need less
		if wantErr == nil && err != nil || wantErr != nil && err == nil && !errors.As(wantErr, &limit) {
			t.Errorf("%s: got error %v, want %v", label, err, wantErr)
			continue
		}
		if d := differ(got, want); err == nil && wantErr == nil && d != "" {
			t.Errorf("%s: %s", label, d)
		}
	}
}
