package device_test

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"github.com/aiwork/aiwork-node/compute/device"
	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// Operators on shapes and attributes that are drawn, against compute/operator by bits: also those that compute/operator refuses, which the
// device must refuse too. AIWORK_SEED replays a seed, AIWORK_SOAK=1 draws many.

const (
	drawn     = 400
	drawnSoak = 20_000
)

func TestDrawnOperators(t *testing.T) {
	u := unit(t, device.Options{})
	u.Eager()
	first, n := uint64(1), drawn
	if os.Getenv("AIWORK_SOAK") == "1" {
		n = drawnSoak
	}
	if text := os.Getenv("AIWORK_SEED"); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		first, n = seed, 1
	}
	counts := map[device.Outcome]int{}
	for seed := first; seed < first+uint64(n); seed++ {
		d := &draw{rand.New(rand.NewPCG(seed, 7))}
		k := d.question()
		outcome, why := compare(u, k)
		counts[outcome]++
		if outcome == device.Mismatch {
			t.Errorf("%s %v: %s; again: AIWORK_SEED=%d go test ./compute/device -run TestDrawnOperators", k.Op, k.Attrs, why, seed)
		}
	}
	t.Logf("%d equal, %d refused by both", counts[device.Validated], counts[device.NotRun])
	if n == drawn && counts[device.Validated] < drawn*3/4 {
		t.Errorf("only %d of %d drawn operators were computed", counts[device.Validated], n)
	}
}

// compare asks processor and device; NotRun is that both refuse.
func compare(u *device.Unit, k device.Known) (device.Outcome, string) {
	want, errHost := k.Answer()
	got, _, errDevice := u.Reply(k)
	if errHost != nil || errDevice != nil {
		if errHost != nil && errDevice != nil && !device.IsTrouble(errDevice) {
			return device.NotRun, ""
		}
		return device.Mismatch, "the processor says " + says(errHost) + ", the device " + says(errDevice)
	}
	for i := range want {
		if why := device.Differ(got[i], want[i]); why != "" {
			return device.Mismatch, why
		}
	}
	return device.Validated, ""
}

func says(err error) string {
	if err == nil {
		return "nothing"
	}
	return err.Error()
}

// A draw makes questions.
type draw struct{ *rand.Rand }

// size is mostly small, sometimes over a tile or a segment.
func (d *draw) size() int {
	switch d.IntN(8) {
	case 0:
		return 1
	case 1:
		return 60 + d.IntN(90)
	}
	return 2 + d.IntN(14)
}

func (d *draw) shape(rank int) []int {
	s := make([]int, rank)
	for i := range s {
		s[i] = d.size()
		if rank > 3 {
			s[i] = 1 + d.IntN(6)
		}
	}
	return s
}

// floats are numbers of many sizes, with zeros of both signs between.
func (d *draw) floats(shape ...int) *tensor.Tensor {
	t := tensor.New(tensor.Float32, shape)
	v := tensor.Values[float32](t)
	for i := range v {
		switch v[i] = float32(d.NormFloat64()); d.IntN(16) {
		case 0:
			v[i] = 0
		case 1:
			v[i] = -v[i] * 0
		case 2:
			v[i] *= 1 << 20
		}
	}
	return t
}

func (d *draw) bytes(shape ...int) *tensor.Tensor {
	if d.IntN(2) == 0 {
		t := tensor.New(tensor.Uint8, shape)
		for i := range tensor.Values[uint8](t) {
			tensor.Values[uint8](t)[i] = uint8(d.Uint32())
		}
		return t
	}
	t := tensor.New(tensor.Int8, shape)
	for i := range tensor.Values[int8](t) {
		tensor.Values[int8](t)[i] = int8(d.Uint32())
	}
	return t
}

// like gives one byte, or some, of the type of another tensor.
func (d *draw) like(t *tensor.Tensor, shape ...int) *tensor.Tensor {
	for {
		if b := d.bytes(shape...); b.Type() == t.Type() {
			return b
		}
	}
}

func numbers(v ...int64) *tensor.Tensor { return tensor.Of([]int{len(v)}, v) }

func ints(name string, v ...int64) onnx.Attr {
	return onnx.Attr{Name: name, Kind: onnx.AttrInts, Ints: v}
}

func number(name string, v int64) onnx.Attr {
	return onnx.Attr{Name: name, Kind: onnx.AttrInt, Int: v}
}

func text(name, v string) onnx.Attr { return onnx.Attr{Name: name, Kind: onnx.AttrText, Text: v} }

func (d *draw) pick(list ...string) string { return list[d.IntN(len(list))] }

func (d *draw) question() device.Known {
	all := []func() device.Known{d.matMul, d.gemm, d.conv, d.convTranspose, d.pool, d.pair, d.reduce, d.softmax, d.move, d.slice, d.pad, d.gather, d.byteMatMul, d.byteConv, d.norm, d.resize}
	k := all[d.IntN(len(all))]()
	if k.Outs == 0 {
		k.Outs = 1
	}
	return k
}

// smaller gives a shape that broadcasts to another.
func (d *draw) smaller(shape []int) []int {
	out := append([]int(nil), shape[d.IntN(len(shape)+1):]...)
	for i := range out {
		if d.IntN(3) == 0 {
			out[i] = 1
		}
	}
	return out
}

func (d *draw) matMul() device.Known {
	m, n, k := d.size(), d.size(), d.size()*(1+d.IntN(5))
	stack := d.shape(d.IntN(3))
	a, b := append(d.smaller(stack), m, k), append(d.smaller(stack), k, n)
	switch d.IntN(6) {
	case 0:
		a = []int{k}
	case 1:
		b = []int{k}
	case 2:
		b[len(b)-2] += d.IntN(2)
	}
	return device.Known{Op: "MatMul", Inputs: []*tensor.Tensor{d.floats(a...), d.floats(b...)}}
}

func (d *draw) gemm() device.Known {
	m, n, k := d.size(), d.size(), d.size()*(1+d.IntN(5))
	a, b := []int{m, k}, []int{k, n}
	flipA, flipB := int64(d.IntN(2)), int64(d.IntN(2))
	if flipA == 1 {
		a = []int{k, m}
	}
	if flipB == 1 {
		b = []int{n, k}
	}
	out := device.Known{Op: "Gemm", Inputs: []*tensor.Tensor{d.floats(a...), d.floats(b...)}, Attrs: []onnx.Attr{number("transA", flipA), number("transB", flipB)}}
	if d.IntN(3) > 0 {
		out.Inputs = append(out.Inputs, d.floats(d.smaller([]int{m, n})...))
		out.Attrs = append(out.Attrs, onnx.Attr{Name: "alpha", Kind: onnx.AttrFloat, Float: float32(d.IntN(3)) / 2}, onnx.Attr{Name: "beta", Kind: onnx.AttrFloat, Float: float32(d.NormFloat64())})
	}
	return out
}

// window draws what convolutions and pools share, over some number of dimensions.
func (d *draw) window(dims int) (kernel []int, attrs []onnx.Attr) {
	var strides, dilations, pads []int64
	for range dims {
		kernel = append(kernel, 1+d.IntN(4))
		strides, dilations = append(strides, int64(1+d.IntN(3))), append(dilations, int64(1+d.IntN(2)))
		pads = append(pads, int64(d.IntN(3)), int64(d.IntN(3)))
	}
	attrs = []onnx.Attr{ints("strides", strides...), ints("dilations", dilations...)}
	if d.IntN(4) == 0 {
		return kernel, append(attrs, text("auto_pad", d.pick("SAME_UPPER", "SAME_LOWER", "VALID")))
	}
	return kernel, append(attrs, ints("pads", pads...))
}

func (d *draw) place(dims int) (s []int) {
	for range dims {
		s = append(s, 3+d.IntN(12))
	}
	return s
}

func (d *draw) conv() device.Known {
	dims, groups := 1+d.IntN(4), 1+d.IntN(3)
	kernel, attrs := d.window(dims)
	each, outs := 1+d.IntN(30)*d.IntN(2), groups*(1+d.IntN(20))
	x := append([]int{1 + d.IntN(2), each * groups}, d.place(dims)...)
	in := []*tensor.Tensor{d.floats(x...), d.floats(append([]int{outs, each}, kernel...)...)}
	if d.IntN(2) == 0 {
		in = append(in, d.floats(outs))
	}
	return device.Known{Op: "Conv", Inputs: in, Attrs: append(attrs, number("group", int64(groups)))}
}

func (d *draw) convTranspose() device.Known {
	dims, groups := 1+d.IntN(3), 1+d.IntN(3)
	kernel, attrs := d.window(dims)
	each, outs := 1+d.IntN(5), 1+d.IntN(14)
	x := append([]int{1 + d.IntN(2), each * groups}, d.place(dims)...)
	in := []*tensor.Tensor{d.floats(x...), d.floats(append([]int{each * groups, outs}, kernel...)...)}
	if d.IntN(2) == 0 {
		in = append(in, d.floats(outs*groups))
	}
	return device.Known{Op: "ConvTranspose", Inputs: in, Attrs: append(attrs, number("group", int64(groups)))}
}

func (d *draw) pool() device.Known {
	dims := 1 + d.IntN(3)
	kernel, attrs := d.window(dims)
	var list []int64
	for _, n := range kernel {
		list = append(list, int64(n))
	}
	op := d.pick("MaxPool", "AveragePool")
	attrs = append(attrs, ints("kernel_shape", list...), number("ceil_mode", int64(d.IntN(2))))
	if op == "AveragePool" {
		attrs = append(attrs, number("count_include_pad", int64(d.IntN(2))))
	}
	return device.Known{Op: op, Inputs: []*tensor.Tensor{d.floats(append([]int{1 + d.IntN(2), 1 + d.IntN(4)}, d.place(dims)...)...)}, Attrs: attrs}
}

func (d *draw) pair() device.Known {
	shape := d.shape(d.IntN(5))
	op := d.pick("Add", "Sub", "Mul", "Div", "Max", "Min", "Pow", "Less", "Equal", "GreaterOrEqual", "PRelu")
	return device.Known{Op: op, Inputs: []*tensor.Tensor{d.floats(d.smaller(shape)...), d.floats(d.smaller(shape)...)}}
}

// axes draws some of a shape's dimensions.
func (d *draw) axes(rank int) (list []int64) {
	for i := range rank {
		if d.IntN(2) == 0 {
			list = append(list, int64(i-d.IntN(2)*rank))
		}
	}
	return list
}

func (d *draw) reduce() device.Known {
	shape := d.shape(1 + d.IntN(4))
	op := d.pick("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceLogSumExp")
	k := device.Known{Op: op, Inputs: []*tensor.Tensor{d.floats(shape...)}, Attrs: []onnx.Attr{number("keepdims", int64(d.IntN(2)))}}
	if axes := d.axes(len(shape)); axes != nil {
		k.Inputs = append(k.Inputs, numbers(axes...))
	}
	return k
}

func (d *draw) softmax() device.Known {
	shape := d.shape(1 + d.IntN(4))
	return device.Known{Op: d.pick("Softmax", "LogSoftmax"), Inputs: []*tensor.Tensor{d.floats(shape...)}, Attrs: []onnx.Attr{number("axis", int64(d.IntN(len(shape))))}}
}

func (d *draw) move() device.Known {
	shape := d.shape(1 + d.IntN(5))
	var perm []int64
	for _, p := range d.Perm(len(shape)) {
		perm = append(perm, int64(p))
	}
	x := d.floats(shape...)
	switch d.IntN(3) {
	case 0:
		return device.Known{Op: "Transpose", Inputs: []*tensor.Tensor{x}, Attrs: []onnx.Attr{ints("perm", perm...)}}
	case 1:
		other := append([]int(nil), shape...)
		axis := d.IntN(len(shape))
		other[axis] = d.size()
		return device.Known{Op: "Concat", Inputs: []*tensor.Tensor{x, d.floats(other...), x}, Attrs: []onnx.Attr{number("axis", int64(axis))}}
	}
	axis := d.IntN(len(shape))
	parts := 1 + d.IntN(shape[axis])
	return device.Known{Op: "Split", Inputs: []*tensor.Tensor{x}, Attrs: []onnx.Attr{number("axis", int64(axis)), number("num_outputs", int64(parts))}, Outs: parts}
}

func (d *draw) slice() device.Known {
	shape := d.shape(1 + d.IntN(4))
	var starts, ends, axes, steps []int64
	for i, n := range shape {
		if d.IntN(3) == 0 {
			continue
		}
		starts, ends = append(starts, int64(d.IntN(2*n+2)-n)), append(ends, int64(d.IntN(2*n+2)-n))
		axes, steps = append(axes, int64(i)), append(steps, int64(d.IntN(7)-3))
	}
	return device.Known{Op: "Slice", Inputs: []*tensor.Tensor{d.floats(shape...), numbers(starts...), numbers(ends...), numbers(axes...), numbers(steps...)}}
}

func (d *draw) pad() device.Known {
	shape := d.shape(1 + d.IntN(4))
	var pads []int64
	for range 2 * len(shape) {
		pads = append(pads, int64(d.IntN(6)-1))
	}
	return device.Known{Op: "Pad", Inputs: []*tensor.Tensor{d.floats(shape...), numbers(pads...), tensor.Scalar(float32(d.NormFloat64()))}, Attrs: []onnx.Attr{text("mode", d.pick("constant", "edge", "reflect", "wrap"))}}
}

func (d *draw) gather() device.Known {
	shape := d.shape(1 + d.IntN(4))
	axis := d.IntN(len(shape))
	at := tensor.New(tensor.Int64, d.shape(d.IntN(3)))
	for i := range tensor.Values[int64](at) {
		tensor.Values[int64](at)[i] = int64(d.IntN(2*shape[axis]) - shape[axis])
	}
	return device.Known{Op: "Gather", Inputs: []*tensor.Tensor{d.floats(shape...), at}, Attrs: []onnx.Attr{number("axis", int64(axis))}}
}

func (d *draw) byteMatMul() device.Known {
	m, n, k := d.size(), d.size(), d.size()
	stack := d.shape(d.IntN(2))
	a, b := d.bytes(append(d.smaller(stack), m, k)...), d.bytes(append(d.smaller(stack), k, n)...)
	in := []*tensor.Tensor{a, b}
	if d.IntN(3) > 0 {
		in = append(in, d.like(a, [][]int{nil, {m}}[d.IntN(2)]...), d.like(b, [][]int{nil, {n}}[d.IntN(2)]...))
	}
	return device.Known{Op: "MatMulInteger", Inputs: in}
}

func (d *draw) byteConv() device.Known {
	dims, groups := 1+d.IntN(3), 1+d.IntN(3)
	kernel, attrs := d.window(dims)
	each, outs := 1+d.IntN(5), groups*(1+d.IntN(8))
	x := d.bytes(append([]int{1 + d.IntN(2), each * groups}, d.place(dims)...)...)
	w := d.bytes(append([]int{outs, each}, kernel...)...)
	in := []*tensor.Tensor{x, w, d.like(x), d.like(w, [][]int{nil, {outs}}[d.IntN(2)]...)}
	return device.Known{Op: "ConvInteger", Inputs: in, Attrs: append(attrs, number("group", int64(groups)))}
}

func (d *draw) norm() device.Known {
	shape := append([]int{d.size(), 2 * (1 + d.IntN(5))}, d.shape(d.IntN(3))...)
	x, n := d.floats(shape...), shape[1]
	switch d.IntN(4) {
	case 0:
		return device.Known{Op: "BatchNormalization", Inputs: []*tensor.Tensor{x, d.floats(n), d.floats(n), d.floats(n), d.floats(n)}}
	case 1:
		return device.Known{Op: "InstanceNormalization", Inputs: []*tensor.Tensor{x, d.floats(n), d.floats(n)}}
	case 2:
		return device.Known{Op: "GroupNormalization", Inputs: []*tensor.Tensor{x, d.floats(n), d.floats(n)}, Attrs: []onnx.Attr{number("num_groups", 2)}}
	}
	axis := d.IntN(len(shape))
	return device.Known{Op: "LayerNormalization", Inputs: []*tensor.Tensor{x, d.floats(shape[axis:]...), d.floats(shape[axis:]...)}, Attrs: []onnx.Attr{number("axis", int64(axis))}}
}

func (d *draw) resize() device.Known {
	shape := d.shape(2 + d.IntN(3))
	scales, sizes := make([]float32, len(shape)), make([]int64, len(shape))
	for i, n := range shape {
		scales[i] = []float32{1, 1, 2, 0.5, 1.3, float32(d.IntN(9)) / 3}[d.IntN(6)]
		sizes[i] = int64(n + d.IntN(3)*d.IntN(9))
	}
	k := device.Known{Op: "Resize", Attrs: []onnx.Attr{
		text("coordinate_transformation_mode", d.pick("half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel", "half_pixel_symmetric")),
		text("nearest_mode", d.pick("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")),
	}}
	if d.IntN(2) == 0 {
		k.Inputs = []*tensor.Tensor{d.floats(shape...), nil, tensor.Of([]int{len(shape)}, scales)}
	} else {
		k.Inputs = []*tensor.Tensor{d.floats(shape...), nil, nil, numbers(sizes...)}
	}
	return k
}
