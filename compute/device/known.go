package device

import (
	"math"

	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// A Known is a question whose answer compute/operator knows: one operator on some inputs.
type Known struct {
	Op     string
	Attrs  []onnx.Attr
	Inputs []*tensor.Tensor
	Outs   int
	Opset  int // the version of the operator set; 0 is knownOpset
}

// Versions of the operator set that the questions are of.
const (
	knownOpset = 21
	newerOpset = 23
)

// Questions lists what a device is asked before it is used: each kernel, on sizes that leave the last tile, row and lane unfilled, and on
// numbers whose sums depend on their order. Functions are asked about zeros of both signs, subnormal and infinite numbers and NaN too.
func Questions() []Known {
	g := &generator{state: 0x9e3779b97f4a7c15}
	all := g.functions()
	all = append(all, g.pairs()...)
	all = append(all, g.products()...)
	all = append(all, g.windows()...)
	all = append(all, g.rows()...)
	all = append(all, g.moves()...)
	return append(all, g.bytes()...)
}

// A generator makes numbers that look random and are the same everywhere.
type generator struct{ state uint64 }

func (g *generator) next() uint64 {
	g.state ^= g.state << 13
	g.state ^= g.state >> 7
	g.state ^= g.state << 17
	return g.state
}

// floats are of both signs and of sizes from 2^-4 to 2^4.
func (g *generator) floats(shape ...int) *tensor.Tensor {
	t := tensor.New(tensor.Float32, shape)
	v := tensor.Values[float32](t)
	for i := range v {
		n := g.next()
		v[i] = math.Float32frombits(uint32(n>>63)<<31 | uint32(123+n>>8&7)<<23 | uint32(n>>16)&(1<<23-1))
	}
	return t
}

// wild are floats of all bits, the special ones first.
func (g *generator) wild(n int) *tensor.Tensor {
	t := tensor.New(tensor.Float32, []int{n})
	v := tensor.Values[float32](t)
	for i := range v {
		v[i] = math.Float32frombits(uint32(g.next() >> 17))
	}
	for i, bits := range []uint32{
		0, 1 << 31, 1, 0x80000001, 0x007fffff, 0x00800000, 0x3f800000, 0xbf800000, 0x3f000000, 0x3f7fffff, 0x7f7fffff, 0xff7fffff,
		0x7f800000, 0xff800000, 0x7fc00000, 0xffc00001, 0x42b17218, 0xc2cff1b5, 0x40490fdb, 0x3f490fdb, 0x4b000001, 0x3fc90fdb,
	} {
		v[i] = math.Float32frombits(bits)
	}
	return t
}

// near are floats around 1, where functions bend, of which one in eight is wild.
func (g *generator) near(n int) *tensor.Tensor {
	t := g.wild(n)
	v := tensor.Values[float32](t)
	for i, soft := range tensor.Values[float32](g.floats(n)) {
		if i%8 != 0 && i > 24 {
			v[i] = soft
		}
	}
	return t
}

func (g *generator) flags(shape ...int) *tensor.Tensor {
	t := tensor.New(tensor.Bool, shape)
	for i := range tensor.Values[bool](t) {
		tensor.Values[bool](t)[i] = g.next()>>40&1 == 1
	}
	return t
}

func (g *generator) unsigned(shape ...int) *tensor.Tensor {
	t := tensor.New(tensor.Uint8, shape)
	for i := range tensor.Values[uint8](t) {
		tensor.Values[uint8](t)[i] = uint8(g.next() >> 40)
	}
	return t
}

func (g *generator) signed(shape ...int) *tensor.Tensor {
	t := tensor.New(tensor.Int8, shape)
	for i := range tensor.Values[int8](t) {
		tensor.Values[int8](t)[i] = int8(g.next() >> 40)
	}
	return t
}

func numbers(v ...int64) *tensor.Tensor { return tensor.Of([]int{len(v)}, v) }

func ints(name string, v ...int64) onnx.Attr {
	return onnx.Attr{Name: name, Kind: onnx.AttrInts, Ints: v}
}

func number(name string, v int64) onnx.Attr {
	return onnx.Attr{Name: name, Kind: onnx.AttrInt, Int: v}
}

func text(name, v string) onnx.Attr { return onnx.Attr{Name: name, Kind: onnx.AttrText, Text: v} }

func known(op string, inputs ...*tensor.Tensor) Known { return Known{Op: op, Inputs: inputs, Outs: 1} }

func (k Known) with(attrs ...onnx.Attr) Known {
	k.Attrs = attrs
	return k
}

const wildLen = 3001

func (g *generator) functions() (all []Known) {
	for _, op := range []string{
		"Exp", "Log", "Sqrt", "Reciprocal", "Tanh", "Erf", "Sin", "Cos", "Tan", "Asin", "Acos", "Atan", "Sinh", "Cosh", "Asinh", "Acosh", "Atanh",
		"Sigmoid", "Softplus", "Softsign", "Mish", "HardSwish", "HardSigmoid", "LeakyRelu", "Elu", "Celu", "Selu", "ThresholdedRelu", "Shrink",
		"Gelu", "Relu", "Neg", "Abs", "Sign", "Ceil", "Floor", "Round",
	} {
		all = append(all, known(op, g.near(wildLen)))
	}
	x, low, high := g.near(wildLen), tensor.Scalar(float32(-0.5)), tensor.Scalar(float32(2))
	return append(
		all, known("Gelu", x).with(text("approximate", "tanh")), known("Clip", x, low, high), known("Clip", x, low), known("Clip", x, nil, high),
	)
}

func (g *generator) pairs() (all []Known) {
	for _, op := range []string{"Add", "Sub", "Mul", "Div", "Max", "Min", "Pow", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "Equal"} {
		all = append(all, known(op, g.near(wildLen), g.near(wildLen)), known(op, g.floats(3, 1, 50), g.floats(7, 1)))
	}
	for _, op := range []string{"And", "Or", "Xor"} {
		all = append(all, known(op, g.flags(5, 33), g.flags(33)))
	}
	return append(
		all, known("Sum", g.floats(4, 33), g.floats(33), g.floats(4, 1)), known("Mean", g.floats(4, 33), g.floats(33), g.floats(4, 1)),
		known("PRelu", g.floats(2, 5, 9), g.floats(5, 1)), known("Not", g.flags(171)), known("Where", g.flags(3, 1, 30), g.floats(20, 1), g.floats(1)),
	)
}

// tiny are floats whose products are subnormal.
func (g *generator) tiny(shape ...int) *tensor.Tensor {
	t := g.floats(shape...)
	for i, v := range tensor.Values[float32](t) {
		tensor.Values[float32](t)[i] = float32(v * 0x1p-68)
	}
	return t
}

func (g *generator) products() []Known {
	// fma(a, a, 2^-80) with a = 1 + 2^-12 is what a second rounding gets wrong (AIW-1).
	twice := []float32{0x1p-40, 1 + 0x1p-12}
	return []Known{
		known("MatMul", tensor.Of([]int{1, 2}, twice), tensor.Of([]int{2, 1}, twice)),
		known("MatMul", g.tiny(70, 40), g.tiny(40, 66)), known("MatMul", g.tiny(3, 40), g.tiny(40, 66)),
		known("Conv", g.tiny(1, 4, 9, 9), g.tiny(20, 4, 3, 3)), known("Conv", g.tiny(1, 4, 9, 9), g.tiny(4, 1, 3, 3)).with(number("group", 4)),
		known("Conv", g.floats(2, 40, 5, 9), g.floats(70, 40, 1, 1), g.floats(70)),
		known("MatMul", g.floats(70, 600), g.floats(600, 53)),
		known("MatMul", g.floats(3, 1, 17, 256), g.floats(2, 256, 19)),
		known("MatMul", g.floats(1, 513), g.floats(513, 130)),
		known("MatMul", g.floats(300), g.floats(300, 9)),
		known("Gemm", g.floats(300, 21), g.floats(37, 300), g.floats(37)).with(number("transA", 1), number("transB", 1), onnx.Attr{Name: "alpha", Kind: onnx.AttrFloat, Float: 0.3}, onnx.Attr{Name: "beta", Kind: onnx.AttrFloat, Float: 1.7}),
		known("Gemm", g.floats(3, 30), g.floats(30, 70), g.floats(3, 1)),
		known("MatMulInteger", g.unsigned(2, 9, 75), g.signed(75, 70), tensor.Scalar(uint8(131)), g.signed(70)),
		known("QLinearMatMul", g.signed(9, 75), tensor.Scalar(float32(0.02)), tensor.Scalar(int8(-3)), g.signed(75, 70), tensor.Scalar(float32(0.003)), tensor.Scalar(int8(7)), tensor.Scalar(float32(0.11)), tensor.Scalar(int8(5))),
	}
}

func (g *generator) windows() []Known {
	picture := g.floats(2, 6, 13, 11)
	return []Known{
		known("Conv", picture, g.floats(20, 6, 3, 3), g.floats(20)).with(ints("pads", 1, 0, 2, 1), ints("strides", 2, 1), ints("dilations", 1, 2)),
		known("Conv", picture, g.floats(6, 1, 5, 3), g.floats(6)).with(number("group", 6), text("auto_pad", "SAME_UPPER")),
		known("Conv", g.floats(1, 40, 9), g.floats(70, 40, 9)).with(ints("pads", 4, 4)),
		known("Conv", g.floats(1, 4, 5, 6, 7), g.floats(18, 2, 2, 3, 2), g.floats(18)).with(number("group", 2)),
		known("ConvTranspose", picture, g.floats(6, 10, 3, 2), g.floats(10)).with(ints("strides", 2, 3), ints("pads", 1, 0, 0, 1), ints("output_padding", 1, 0)),
		known("ConvTranspose", picture, g.floats(6, 2, 3, 3)).with(number("group", 3), ints("dilations", 2, 1)),
		known("MaxPool", picture).with(ints("kernel_shape", 3, 2), ints("strides", 2, 2), ints("pads", 1, 1, 1, 1)),
		known("MaxPool", g.near(210).View([]int{1, 1, 210})).with(ints("kernel_shape", 7)),
		known("AveragePool", picture).with(ints("kernel_shape", 7, 6), ints("pads", 3, 2, 1, 1), ints("strides", 3, 2), number("ceil_mode", 1), number("count_include_pad", 1)),
		known("AveragePool", picture).with(ints("kernel_shape", 3, 3), ints("pads", 1, 1, 1, 1)),
		known("ConvInteger", g.unsigned(1, 4, 9, 8), g.signed(6, 2, 3, 3), tensor.Scalar(uint8(120)), g.signed(6)).with(number("group", 2), ints("pads", 1, 1, 1, 1)),
		known(
			"QLinearConv", g.unsigned(1, 4, 9, 8), tensor.Scalar(float32(0.02)), tensor.Scalar(uint8(120)), g.unsigned(6, 4, 3, 3),
			g.floats(6), tensor.Scalar(uint8(9)), tensor.Scalar(float32(0.7)), tensor.Scalar(uint8(128)), tensor.Of([]int{6}, []int32{5, -9, 1 << 20, 0, 77, -1 << 30}),
		),
	}
}

func (g *generator) rows() (all []Known) {
	for _, op := range []string{"ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceLogSum", "ReduceLogSumExp", "ReduceSum"} {
		all = append(all, known(op, g.floats(5, 77, 3), numbers(1)), known(op, g.floats(4, 9, 70), numbers(0, -1)).with(number("keepdims", 0)), known(op, g.near(1000)))
	}
	zeros := tensor.Of([]int{3, 3}, []float32{0, float32(math.Copysign(0, -1)), 0, float32(math.Copysign(0, -1)), 0, float32(math.Copysign(0, -1)), -1, 0, -2})
	all = append(all, known("ReduceMax", zeros, numbers(1)), known("ReduceMin", zeros, numbers(1)))
	x := g.floats(3, 8, 5, 7)
	for _, op := range []string{"Softmax", "LogSoftmax"} {
		all = append(all, known(op, g.floats(9, 100)), known(op, x).with(number("axis", 1)), known(op, g.near(600).View([]int{4, 150})))
	}
	root := known("RMSNormalization", g.floats(6, 130), g.floats(130))
	root.Opset = newerOpset
	return append(
		all, root, known("GlobalAveragePool", x), known("GlobalMaxPool", x),
		known("BatchNormalization", x, g.floats(8), g.floats(8), g.floats(8), g.floats(8)),
		known("InstanceNormalization", x, g.floats(8), g.floats(8)),
		known("GroupNormalization", x, g.floats(8), g.floats(8)).with(number("num_groups", 4)),
		known("LayerNormalization", g.floats(6, 130), g.floats(130), g.floats(130)),
		known("LayerNormalization", x, g.floats(5, 7)).with(number("axis", 2)),
		known("MeanVarianceNormalization", x),
		known("LpNormalization", x).with(number("axis", 1), number("p", 1)), known("LpNormalization", x).with(number("axis", 3)),
	)
}

func (g *generator) moves() []Known {
	x, wide := g.floats(4, 5, 6), numbers(5, -9, 1<<40, 7, 2, 3)
	half := tensor.Of([]int{2, 3}, []int16{1, -2, 3, -4, 5, -6})
	parts := known("Split", x, numbers(1, 3, 1)).with(number("axis", 1))
	parts.Outs = 3
	return []Known{
		known("Transpose", x), known("Transpose", x).with(ints("perm", 0, 2, 1)), known("Transpose", g.unsigned(7, 9)), known("Transpose", half),
		known("Concat", x, g.floats(4, 2, 6), g.floats(4, 1, 6)).with(number("axis", 1)), parts,
		known("Slice", x, numbers(3, 0), numbers(-100, 5), numbers(0, 2), numbers(-1, 2)), known("Slice", wide, numbers(1), numbers(5)),
		known("Expand", g.floats(5, 1), numbers(3, 1, 4)),
		known("Gather", x, tensor.Of([]int{2, 2}, []int64{0, -1, 3, 2})).with(number("axis", 1)), known("Gather", g.unsigned(9, 4), numbers(8, 0)),
		known("Gather", wide, numbers(5, 2, 2)), known("Gather", half, numbers(1)),
		known("Pad", x, numbers(1, 0, 2, 0, 3, -1), tensor.Scalar(float32(2.5))),
		known("Pad", x, numbers(1, 2, 2, 1, 3, 4)).with(text("mode", "reflect")),
		known("Pad", x, numbers(1, 2, 2, 1, 3, 4)).with(text("mode", "edge")),
		known("Pad", x, numbers(1, 2, 2, 1, 3, 4)).with(text("mode", "wrap")),
		known("Reshape", x, numbers(0, -1)), known("Flatten", x), known("Squeeze", g.floats(1, 5, 1), numbers(0)), known("Unsqueeze", x, numbers(1, -1)),
		known("Resize", g.floats(1, 2, 5, 4), nil, tensor.Of([]int{4}, []float32{1, 1, 2, 1.7})),
		known("Resize", g.floats(1, 2, 5, 4), nil, nil, numbers(1, 2, 3, 9)).with(text("coordinate_transformation_mode", "align_corners"), text("nearest_mode", "ceil")),
		known("Identity", x), known("Shape", x).with(number("start", 1), number("end", -1)), known("Shape", x), known("Size", x),
	}
}

func (g *generator) bytes() []Known {
	x := g.near(wildLen)
	return []Known{
		known("QuantizeLinear", x, tensor.Scalar(float32(0.37)), tensor.Scalar(int8(-11))), known("QuantizeLinear", x, tensor.Scalar(float32(0.25))),
		known("QuantizeLinear", g.floats(3, 5, 7), g.floats(5), g.unsigned(5)),
		known("DequantizeLinear", g.signed(3, 5, 7), g.floats(5), g.signed(5)), known("DequantizeLinear", g.unsigned(900), tensor.Scalar(float32(0.3))),
	}
}
