package operator

import (
	"crypto/sha256"
	little "encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// The bits of many operators over many shapes are locked by testdata/locked.txt, which was written when
// all of them were computed by their plain definitions. Values include infinities, NaN, both zeros and
// subnormal numbers. Every path of the machine must give them.

// A lockedCase is one call; inputs of floats are drawn, others are given.
type lockedCase struct {
	name  string
	opset int
	attrs []onnx.Attr
	in    []any // []int: the shape of floats to be drawn; a tensor; nil
}

// wild draws any kind of number.
func wild(r *rand.Rand) float32 {
	switch r.IntN(40) {
	case 0:
		return math.Float32frombits(r.Uint32())
	case 1:
		list := []uint32{0, 1 << 31, 1, 0x807fffff, 0x7f800000, 0xff800000, 0x7fc00000, 0x00800000, 0x7f7fffff}
		return math.Float32frombits(list[r.IntN(len(list))])
	case 2, 3, 4:
		return math.Float32frombits(uint32(r.IntN(2)) << 31)
	}
	return float32(r.NormFloat64()) * 2
}

func float1Attr(name string, v float32) onnx.Attr {
	return onnx.Attr{Name: name, Kind: onnx.AttrFloat, Float: v}
}

func text(name, v string) onnx.Attr { return onnx.Attr{Name: name, Kind: onnx.AttrText, Text: v} }

func int64s(v ...int64) *tensor.Tensor { return tensor.Of([]int{len(v)}, v) }

func attrs(list ...onnx.Attr) []onnx.Attr { return list }

func lockedCases() (list []lockedCase) {
	add := func(name string, a []onnx.Attr, in ...any) { list = append(list, lockedCase{name, OpsetMax, a, in}) }
	for _, name := range []string{
		"Exp", "Log", "Sqrt", "Reciprocal", "Tanh", "Erf", "Sinh", "Cosh", "Softsign", "HardSwish", "Mish", "Ceil", "Floor", "Round",
		"Sigmoid", "LeakyRelu", "Elu", "Celu", "Selu", "ThresholdedRelu", "HardSigmoid", "Shrink", "Gelu", "Softplus", "Neg", "Abs", "Relu", "Sin", "Cos",
	} {
		add(name, nil, []int{3, 37})
	}
	add("Gelu", attrs(text("approximate", "tanh")), []int{100})
	add("Elu", attrs(float1Attr("alpha", 0.3)), []int{100})
	add("Celu", attrs(float1Attr("alpha", 0.3)), []int{100})
	add("LeakyRelu", attrs(float1Attr("alpha", -0.3)), []int{100})
	add("HardSigmoid", attrs(float1Attr("alpha", 0.3), float1Attr("beta", 0.4)), []int{100})
	add("Shrink", attrs(float1Attr("bias", 0.3), float1Attr("lambd", 0.4)), []int{100})
	add("Clip", nil, []int{100}, tensor.Scalar(float32(-1)), tensor.Scalar(float32(2)))
	add("Clip", nil, []int{100}, nil, tensor.Scalar(float32(2)))
	add("Clip", nil, []int{100}, tensor.Scalar(float32(3)), tensor.Scalar(float32(2)))
	add("Clip", nil, []int{100}, tensor.Scalar(float32(math.NaN())), tensor.Scalar(float32(2)))
	for _, name := range []string{"Add", "Sub", "Mul", "Div", "Max", "Min", "Sum", "Mean", "PRelu", "Pow", "Mod", "Less", "Greater", "Equal", "GreaterOrEqual"} {
		var a []onnx.Attr
		if name == "Mod" {
			a = attrs(int1("fmod", 1))
		}
		for _, s := range [][2][]int{
			{{2, 3, 5, 7}, {2, 3, 5, 7}},
			{{2, 3, 5, 7}, {1}},
			{{2, 3, 5, 7}, {3, 1, 1}},
			{{2, 3, 5, 7}, {7}},
			{{2, 3, 5, 7}, {2, 1, 5, 1}},
			{{2, 3, 5, 7}, {2, 3, 1, 1}},
			{{1, 33}, {1, 1}},
			{{0, 3}, {3}},
		} {
			add(name, a, s[0], s[1])
			if name != "PRelu" {
				add(name, a, s[1], s[0])
			}
		}
		if name != "PRelu" {
			add(name, a, []int{2, 1, 9}, []int{3, 1})
		}
	}
	lockReductions(add)
	lockNorms(add)
	lockMovement(add)
	lockWindows(add)
	lockRecurrent(add)
	lockQuantized(add)
	return list
}

type adder = func(name string, a []onnx.Attr, in ...any)

func lockReductions(add adder) {
	for _, name := range []string{
		"ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceSumSquare", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp",
	} {
		for _, axes := range [][]int64{{-1}, {0}, {1}, {0, 2}, {1, 2}, {0, 1, 2}} {
			for _, shape := range [][]int{{3, 70, 41}, {2, 5, 3}, {1, 33, 1}, {40, 2, 130}} {
				add(name, nil, shape, int64s(axes...))
			}
		}
		add(name, attrs(int1("keepdims", 0)), []int{3, 4, 5}, int64s(1))
		add(name, nil, []int{3, 0, 5}, int64s(1))
		add(name, nil, []int{3, 4, 5})
	}
	for _, name := range []string{"Softmax", "LogSoftmax", "Hardmax"} {
		for _, axis := range []int64{-1, 0, 1} {
			add(name, attrs(int1("axis", axis)), []int{3, 50, 41})
			add(name, attrs(int1("axis", axis)), []int{2, 3, 140})
		}
	}
	for _, name := range []string{"ArgMax", "ArgMin"} {
		for _, axis := range []int64{-1, 0, 1} {
			add(name, attrs(int1("axis", axis)), []int{3, 50, 41})
			add(name, attrs(int1("axis", axis), int1("select_last_index", 1), int1("keepdims", 0)), []int{3, 5, 4})
		}
	}
	add("CumSum", nil, []int{3, 50, 41}, tensor.Scalar(int64(1)))
	add("GlobalAveragePool", nil, []int{2, 3, 9, 11})
	add("GlobalMaxPool", nil, []int{2, 3, 9, 11})
}

func lockNorms(add adder) {
	add("BatchNormalization", nil, []int{2, 5, 3, 7}, []int{5}, []int{5}, []int{5}, []int{5})
	add("InstanceNormalization", nil, []int{2, 5, 3, 17}, []int{5}, []int{5})
	add("LayerNormalization", nil, []int{2, 5, 70}, []int{70}, []int{70})
	add("LayerNormalization", attrs(int1("axis", 1)), []int{2, 5, 70}, []int{5, 70})
	add("LayerNormalization", attrs(int1("axis", -1)), []int{4, 3}, []int{3}, []int{3})
	add("RMSNormalization", nil, []int{2, 5, 70}, []int{70})
	add("GroupNormalization", attrs(int1("num_groups", 2)), []int{2, 4, 3, 17}, []int{4}, []int{4})
	add("MeanVarianceNormalization", nil, []int{2, 4, 3, 17})
	add("LpNormalization", nil, []int{4, 50})
	add("LpNormalization", attrs(int1("p", 1), int1("axis", 0)), []int{40, 5})
	add("LRN", attrs(int1("size", 3)), []int{2, 5, 3, 7})
}

func lockMovement(add adder) {
	for _, perm := range [][]int64{{0, 1, 2, 3}, {0, 2, 3, 1}, {0, 3, 1, 2}, {3, 2, 1, 0}, {1, 0, 2, 3}, {0, 2, 1, 3}, {0, 1, 3, 2}, {2, 3, 0, 1}} {
		add("Transpose", attrs(ints("perm", perm...)), []int{2, 19, 5, 37})
		add("Transpose", attrs(ints("perm", perm...)), []int{1, 3, 1, 40})
	}
	add("Transpose", nil, []int{70, 45})
	for axis := range int64(3) {
		add("Concat", attrs(int1("axis", axis)), []int{2, 3, 5}, []int{2, 3, 5}, []int{2, 3, 5})
		add("Split", attrs(int1("axis", axis)), []int{5, 6, 7}, nil)
	}
	add("Slice", nil, []int{9, 8, 7}, int64s(1, 2), int64s(8, 100), int64s(0, 2), int64s(2, 1))
	add("Slice", nil, []int{9, 8, 7}, int64s(-1, 5), int64s(-100, 0), int64s(1, 2), int64s(-1, -2))
	add("Slice", nil, []int{9, 8, 7}, int64s(3), int64s(6), int64s(0))
	for _, mode := range []string{"constant", "reflect", "edge", "wrap"} {
		add("Pad", attrs(text("mode", mode)), []int{3, 4, 5}, int64s(0, 1, 2, 1, 0, 2), tensor.Scalar(float32(1.5)))
		add("Pad", attrs(text("mode", mode)), []int{3, 4, 5}, int64s(0, -1, 2, 1, 0, -2))
	}
	add("Expand", nil, []int{3, 1, 5}, int64s(2, 3, 4, 5))
	add("Expand", nil, []int{3, 4, 1}, int64s(3, 4, 6))
	add("Tile", nil, []int{2, 3, 4}, int64s(2, 1, 3))
	add("Tile", nil, []int{2, 3}, int64s(3, 1))
	for axis := range int64(3) {
		add("Gather", attrs(int1("axis", axis)), []int{4, 5, 6}, tensor.Of([]int{2, 2}, []int64{0, -1, 3, 1}))
	}
	add("DepthToSpace", attrs(int1("blocksize", 2)), []int{2, 8, 3, 5})
	add("DepthToSpace", attrs(int1("blocksize", 2), text("mode", "CRD")), []int{2, 8, 3, 5})
	add("SpaceToDepth", attrs(int1("blocksize", 2)), []int{2, 3, 4, 6})
	for _, mode := range []string{"nearest", "linear", "cubic"} {
		for _, transform := range []string{"half_pixel", "align_corners", "asymmetric"} {
			a := attrs(text("mode", mode), text("coordinate_transformation_mode", transform))
			add("Resize", a, []int{1, 2, 5, 7}, nil, tensor.Of([]int{4}, []float32{1, 1, 2, 2}))
			add("Resize", a, []int{1, 2, 5, 7}, nil, nil, int64s(1, 2, 3, 19))
			add("Resize", a, []int{3, 2, 9}, nil, nil, int64s(5, 2, 9))
		}
	}
}

func lockWindows(add adder) {
	for _, shape := range [][]int{{2, 3, 17, 23}, {1, 2, 4, 5}, {1, 1, 40, 41}} {
		for _, stride := range []int64{1, 2, 3} {
			for _, kernelSize := range []int64{1, 2, 3, 5} {
				if int(kernelSize) > shape[2] {
					continue
				}
				a := attrs(ints("kernel_shape", kernelSize, kernelSize), ints("strides", stride, stride))
				pad := kernelSize / 2
				padded := append(attrs(ints("pads", pad, pad, pad, pad)), a...)
				for _, name := range []string{"MaxPool", "AveragePool", "LpPool"} {
					add(name, a, shape)
					add(name, padded, shape)
					add(name, append(attrs(int1("ceil_mode", 1)), padded...), shape)
				}
				add("AveragePool", append(attrs(int1("count_include_pad", 1)), padded...), shape)
			}
		}
	}
	add("MaxPool", attrs(ints("kernel_shape", 3, 2), ints("dilations", 2, 1)), []int{1, 2, 9, 9})
	add("MaxPool", attrs(ints("kernel_shape", 3)), []int{2, 2, 20})
	add("MaxPool", attrs(ints("kernel_shape", 2, 2, 2)), []int{1, 2, 4, 5, 6})
	add("AveragePool", attrs(ints("kernel_shape", 7, 7), ints("pads", 3, 3, 3, 3)), []int{1, 2, 9, 9})
	add("AveragePool", attrs(ints("kernel_shape", 5)), []int{2, 2, 40})
	add("Conv", attrs(ints("pads", 1, 1, 1, 1)), []int{2, 6, 9, 11}, []int{4, 6, 3, 3}, []int{4})
	add("Conv", attrs(ints("pads", 1, 1, 1, 1), int1("group", 6)), []int{2, 6, 9, 11}, []int{6, 1, 3, 3}, []int{6})
	add("Conv", attrs(ints("strides", 2, 2), int1("group", 2)), []int{2, 6, 9, 11}, []int{4, 3, 3, 3})
	add("ConvTranspose", attrs(ints("strides", 2, 2)), []int{1, 3, 5, 6}, []int{3, 4, 3, 3}, []int{4})
	add("MatMul", nil, []int{2, 5, 300}, []int{300, 7})
	add("MatMul", nil, []int{2, 3, 5, 8}, []int{2, 3, 8, 7})
	add("Gemm", attrs(int1("transB", 1), float1Attr("alpha", 0.5)), []int{5, 30}, []int{7, 30}, []int{7})
	add("Gemm", attrs(int1("transA", 1), float1Attr("beta", 0.5)), []int{30, 5}, []int{30, 7}, []int{5, 1})
	add("Einsum", attrs(text("equation", "bij,bjk->bik")), []int{2, 3, 4}, []int{2, 4, 5})
}

func lockRecurrent(add adder) {
	const in, hidden, batch, times = 5, 13, 3, 6
	for _, kind := range []struct {
		name  string
		gates int
	}{{"RNN", 1}, {"GRU", 3}, {"LSTM", 4}} {
		for _, direction := range []string{"forward", "reverse", "bidirectional"} {
			d := 1
			if direction == "bidirectional" {
				d = 2
			}
			a := attrs(int1("hidden_size", hidden), text("direction", direction))
			x, w, r := []int{times, batch, in}, []int{d, kind.gates * hidden, in}, []int{d, kind.gates * hidden, hidden}
			b, h := []int{d, 2 * kind.gates * hidden}, []int{d, batch, hidden}
			lengths := tensor.Of([]int{batch}, []int32{6, 2, 4})
			add(kind.name, a, x, w, r)
			add(kind.name, a, x, w, r, b, lengths, h)
			add(kind.name, append(attrs(float1Attr("clip", 0.5)), a...), x, w, r, b)
			switch kind.name {
			case "GRU":
				add(kind.name, append(attrs(int1("linear_before_reset", 1)), a...), x, w, r, b)
			case "LSTM":
				add(kind.name, a, x, w, r, b, nil, h, h, []int{d, 3 * hidden})
				add(kind.name, append(attrs(int1("input_forget", 1)), a...), x, w, r, b)
			}
		}
	}
}

func lockQuantized(add adder) {
	one, small := tensor.Scalar(float32(0.1)), tensor.Of([]int{5}, []float32{0.1, 0.2, 0, -0.5, 3})
	zeros := tensor.Of([]int{5}, []int8{0, 5, -128, 127, -1})
	add("QuantizeLinear", nil, []int{3, 5, 40}, one)
	add("QuantizeLinear", nil, []int{3, 5, 40}, one, tensor.Scalar(uint8(200)))
	add("QuantizeLinear", nil, []int{3, 5, 40}, small, zeros)
	add("DynamicQuantizeLinear", nil, []int{3, 5, 40})
	raw := make([]int8, 3*5*40)
	for i := range raw {
		raw[i] = int8(i * 37)
	}
	q := tensor.Of([]int{3, 5, 40}, raw)
	add("DequantizeLinear", nil, q, one)
	add("DequantizeLinear", nil, q, small, zeros)
	unsigned := make([]uint8, 40*30)
	for i := range unsigned {
		unsigned[i] = uint8(i * 91)
	}
	a, b := tensor.Of([]int{30, 40}, unsigned), tensor.Of([]int{40, 15}, raw)
	add("MatMulInteger", nil, a, b, tensor.Scalar(uint8(7)), tensor.Scalar(int8(3)))
	add("QLinearMatMul", nil, a, one, tensor.Scalar(uint8(7)), b, one, tensor.Scalar(int8(3)), tensor.Scalar(float32(9)), tensor.Scalar(uint8(100)))
	add("QLinearMatMul", nil, a, one, tensor.Scalar(uint8(7)), b, one, tensor.Scalar(int8(3)), tensor.Scalar(float32(1)), tensor.Scalar(int8(-3)))
	x, w := tensor.Of([]int{2, 6, 10, 10}, unsigned), tensor.Of([]int{4, 6, 5, 5}, raw)
	add("ConvInteger", attrs(ints("pads", 1, 1, 1, 1)), x, w, tensor.Scalar(uint8(7)))
	add("QLinearConv", attrs(ints("pads", 1, 1, 1, 1), ints("strides", 2, 2)), x, one, tensor.Scalar(uint8(7)), w,
		tensor.Of([]int{4}, []float32{0.1, 0.2, 0.3, 0.4}), tensor.Scalar(int8(0)), tensor.Scalar(float32(20)), tensor.Scalar(uint8(128)),
		tensor.Of([]int{4}, []int32{5, -5, 1000, -10000}))
}

// label says what a case is.
func (c lockedCase) label() string {
	var b strings.Builder
	b.WriteString(c.name)
	for _, a := range c.attrs {
		fmt.Fprintf(&b, " %s=%d,%g,%q,%v", a.Name, a.Int, a.Float, a.Text, a.Ints)
	}
	for _, in := range c.in {
		switch v := in.(type) {
		case []int:
			fmt.Fprintf(&b, " %v", v)
		case *tensor.Tensor:
			fmt.Fprintf(&b, " %v:%v", v.Type(), v.Shape())
		default:
			b.WriteString(" -")
		}
	}
	return b.String()
}

// run draws the inputs and gives a digest of the outputs.
func (c lockedCase) run(t *testing.T, path kernel.Path, i int) string {
	t.Helper()
	r := rand.New(rand.NewPCG(uint64(i), 77))
	var in []*tensor.Tensor
	for _, v := range c.in {
		switch v := v.(type) {
		case []int:
			x := tensor.New(tensor.Float32, v)
			for j := range floatsOf(x) {
				floatsOf(x)[j] = wild(r)
				if i%3 == 0 { // calm
					floatsOf(x)[j] = float32(r.NormFloat64())
				}
			}
			in = append(in, x)
		case *tensor.Tensor:
			in = append(in, v)
		default:
			in = append(in, nil)
		}
	}
	o, err := NewTable().Find(c.name, c.opset)
	if err != nil {
		t.Fatal(err)
	}
	a := NewAttrs(c.attrs)
	f := o.Make(a)
	if err := a.Err(); err != nil {
		t.Fatalf("%s: %v", c.label(), err)
	}
	outs := 1
	if c.name == "Split" || c.name == "MaxPool" && i%2 == 0 {
		outs = 2
	}
	out, err := f(&Call{In: in, Outs: outs, Path: path, Budget: &Budget{Bytes: 1 << 28, Steps: 1 << 32}})
	if err != nil {
		return "error " + err.Error()
	}
	return digest(out)
}

func digest(out []*tensor.Tensor) string {
	h := sha256.New()
	for _, x := range out {
		if x == nil {
			continue
		}
		fmt.Fprintln(h, x.Type(), x.Shape())
		switch x.Type() {
		case tensor.Float32:
			for _, v := range floatsOf(x) {
				_ = little.Write(h, little.LittleEndian, math.Float32bits(kernel.Canonical(v)))
			}
		case tensor.Bool:
			_ = little.Write(h, little.LittleEndian, tensor.Values[bool](x))
		default:
			_ = little.Write(h, little.LittleEndian, x.Ints())
		}
	}
	return fmt.Sprintf("%x", h.Sum(nil)[:8])
}

func TestLockedBits(t *testing.T) {
	const file = "testdata/locked.txt"
	if *rewrite {
		var b strings.Builder
		for i, c := range lockedCases() {
			fmt.Fprintf(&b, "%s | %s\n", c.run(t, kernel.PathGo, i), c.label())
		}
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Split(strings.TrimSuffix(string(raw), "\n"), "\n")
	if cases := lockedCases(); len(cases) != len(want) {
		t.Fatalf("%d cases, the file has %d", len(cases), len(want))
	}
	for i, c := range lockedCases() {
		for _, path := range kernel.Paths() {
			if got := c.run(t, path, i) + " | " + c.label(); got != want[i] {
				t.Errorf("%v: got %s, want %s", path, got, want[i])
			}
		}
	}
}
