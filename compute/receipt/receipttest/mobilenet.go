package receipttest

import (
	"math/rand/v2"

	"github.com/aiwork/aiwork-node/compute/lower"
	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// MobileNet is MobileNet v2 for pictures of 224 by 224 with weights by chance: as large as those that classify pictures.
func MobileNet() (*lower.Model, []*tensor.Tensor) {
	b := &builder{Rand: rand.New(rand.NewPCG(1, 1))}
	b.graph.Inputs = []onnx.Value{{Name: "x", Type: tensor.Float32}}
	x, channels := b.block("x", 3, 32, 3, 2, 1, true), 32
	for _, s := range [][4]int{{1, 16, 1, 1}, {6, 24, 2, 2}, {6, 32, 3, 2}, {6, 64, 4, 2}, {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}} {
		for i := range s[2] {
			stride := s[3]
			if i > 0 {
				stride = 1
			}
			y, wide := x, channels*s[0]
			if s[0] > 1 {
				y = b.block(y, channels, wide, 1, 1, 1, true)
			}
			y = b.block(y, wide, wide, 3, stride, wide, true)
			y = b.block(y, wide, s[1], 1, 1, 1, false)
			if stride == 1 && channels == s[1] {
				y = b.op("Add", []string{x, y})
			}
			x, channels = y, s[1]
		}
	}
	x = b.block(x, channels, 1280, 1, 1, 1, true)
	x = b.op("GlobalAveragePool", []string{x})
	x = b.op("Flatten", []string{x})
	x = b.op("Gemm", []string{x, b.weight(b.floats(0.03, 5, 1280)), b.weight(b.floats(0.1, 5))}, onnx.Attr{Name: "transB", Kind: onnx.AttrInt, Int: 1})
	x = b.op("Softmax", []string{x})
	b.graph.Outputs = []onnx.Value{{Name: x}}
	m, err := lower.Lower(&onnx.Model{IR: 8, Opsets: []onnx.Opset{{Version: 17}}, Graph: &b.graph}, lower.Outside{Form: net.FormTensors})
	if err != nil {
		panic(err)
	}
	return m, []*tensor.Tensor{b.floats(1, 1, 3, 224, 224)}
}

// block is a convolution with its normalisation and, where it has one, the clamp.
func (b *builder) block(x string, in, out, kernel, stride, group int, clamp bool) string {
	pad := int64(kernel / 2)
	scale := 1 / float64(kernel) / float64(max(1, in/group/8))
	x = b.op("Conv", []string{x, b.weight(b.floats(scale, out, in/group, kernel, kernel))}, ints("pads", pad, pad, pad, pad),
		ints("strides", int64(stride), int64(stride)), onnx.Attr{Name: "group", Kind: onnx.AttrInt, Int: int64(group)})
	ones := tensor.New(tensor.Float32, []int{out})
	for i := range out {
		tensor.Values[float32](ones)[i] = 1
	}
	one := b.weight(ones)
	x = b.op("BatchNormalization", []string{x, one, b.weight(b.floats(0.1, out)), b.weight(b.floats(0.1, out)), one})
	if clamp {
		x = b.op("Clip", []string{x, b.weight(tensor.Scalar(float32(0))), b.weight(tensor.Scalar(float32(6)))})
	}
	return x
}
