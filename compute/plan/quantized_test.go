package plan

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/program"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// Drawn networks of bytes give the bits of program.Run: convolutions of all geometries, groups and zero points, sums of bytes, and views.

// A byteDrawing makes a network of bytes.
type byteDrawing struct {
	*rand.Rand
	g     *onnx.Graph
	names int
}

func (d *byteDrawing) name(what string) string {
	d.names++
	return fmt.Sprintf("%s%d", what, d.names)
}

func (d *byteDrawing) constant(t *tensor.Tensor) string {
	name := d.name("c")
	d.g.Initializers = append(d.g.Initializers, onnx.Initializer{Name: name, Tensor: t})
	return name
}

func (d *byteDrawing) node(op string, in []string, attrs ...onnx.Attr) string {
	out := d.name("v")
	d.g.Nodes = append(d.g.Nodes, onnx.Node{Op: op, Inputs: in, Outputs: []string{out}, Attrs: attrs})
	return out
}

// coding is a scale and a zero point.
func (d *byteDrawing) coding() (scale, zero string) {
	zeros := []uint8{0, 255, 128, uint8(d.IntN(256))}
	return d.constant(tensor.Scalar(float32(0.01 + 0.1*d.Float32()))), d.constant(tensor.Scalar(zeros[d.IntN(4)]))
}

// conv draws a QLinearConv on a value of some shape, and gives its shape.
func (d *byteDrawing) conv(x string, scale, zero string, shape []int) (string, [2]string, []int) {
	groups := 1
	switch d.IntN(3) {
	case 0:
		groups = shape[1]
	case 1:
		if shape[1]%2 == 0 {
			groups = 2
		}
	}
	each := shape[1] / groups
	outs := groups * (1 + d.IntN(2+12/groups))
	kernel, stride, dilation := [2]int{1 + d.IntN(4), 1 + d.IntN(3)}, [2]int{1 + d.IntN(2), 1 + d.IntN(3)}, [2]int{1 + d.IntN(2), 1}
	if d.IntN(3) == 0 {
		kernel, stride = [2]int{1, 1}, [2]int{1, 1}
	}
	pads := [4]int{d.IntN(2), d.IntN(3), d.IntN(2), d.IntN(2)}
	next := []int{shape[0], outs, 0, 0}
	for i := range 2 {
		room := shape[2+i] + pads[i] + pads[2+i] - ((kernel[i]-1)*dilation[i] + 1)
		if room < 0 {
			return x, [2]string{scale, zero}, shape
		}
		next[2+i] = room/stride[i] + 1
	}
	w := tensor.New(tensor.Int8, []int{outs, each, kernel[0], kernel[1]})
	v := tensor.Values[int8](w)
	for i := range v {
		v[i] = int8(d.IntN(256) - 128)
	}
	scales, zeros, bias := make([]float32, outs), make([]int8, outs), make([]int32, outs)
	for i := range outs {
		scales[i], bias[i] = 0.001+0.01*d.Float32(), int32(d.IntN(2001)-1000)
	}
	if d.IntN(4) == 0 {
		bias[0] = math.MaxInt32
	}
	zeroW := tensor.Scalar(int8(0))
	if d.IntN(3) == 0 {
		for i := range zeros {
			zeros[i] = int8(d.IntN(20) - 10)
		}
		zeroW = tensor.Of([]int{outs}, zeros)
	}
	s, z := d.coding()
	in := []string{x, scale, zero, d.constant(w), d.constant(tensor.Of([]int{outs}, scales)), d.constant(zeroW), s, z}
	if d.IntN(2) == 0 {
		in = append(in, d.constant(tensor.Of([]int{outs}, bias)))
	}
	out := d.node("QLinearConv", in, onnx.Attr{Name: "group", Kind: onnx.AttrInt, Int: int64(groups)},
		ints("strides", stride[0], stride[1]), ints("dilations", dilation[0], dilation[1]),
		ints("pads", pads[0], pads[1], pads[2], pads[3]))
	return out, [2]string{s, z}, next
}

// sum adds a value of bytes to itself, as floats.
func (d *byteDrawing) sum(x string, coding [2]string) (string, [2]string) {
	in := []string{d.node("DequantizeLinear", []string{x, coding[0], coding[1]}), d.node("DequantizeLinear", []string{x, coding[0], coding[1]})}
	s, z := d.coding()
	return d.node("QuantizeLinear", []string{d.node("Add", in), s, z}), [2]string{s, z}
}

// product multiplies the last dimension by drawn weights.
func (d *byteDrawing) product(x string, coding [2]string, shape []int) string {
	k, n := shape[3], 1+d.IntN(40)
	w := tensor.New(tensor.Int8, []int{k, n})
	for i, v := 0, tensor.Values[int8](w); i < len(v); i++ {
		v[i] = int8(d.IntN(256) - 128)
	}
	in := []string{x, d.constant(w), coding[1]}
	if d.IntN(2) == 0 {
		in = append(in, d.constant(tensor.Scalar(int8(d.IntN(256)-128))))
	}
	scales, bias := make([]float32, n), make([]int32, n)
	for i := range scales {
		scales[i], bias[i] = d.Float32(), int32(d.Uint32())
	}
	sums := d.node("MatMulInteger", in)
	if d.IntN(2) == 0 {
		sums = d.node("Add", []string{sums, d.constant(tensor.Of([]int{n}, bias))})
	}
	sums = d.node("Cast", []string{sums}, onnx.Attr{Name: "to", Kind: onnx.AttrInt, Int: 1})
	return d.node("Mul", []string{sums, d.constant(tensor.Of([]int{n}, scales))})
}

func drawBytes(t *testing.T, seed uint64) (*program.Program, []*tensor.Tensor) {
	d := &byteDrawing{Rand: rand.New(rand.NewPCG(seed, 21)), g: &onnx.Graph{}}
	shape := []int{1 + d.IntN(2), 1 + d.IntN(13), 3 + d.IntN(20), 3 + d.IntN(20)}
	d.g.Inputs = []onnx.Value{{Name: "x", Type: tensor.Float32}}
	x := tensor.New(tensor.Float32, shape)
	for i, v := 0, tensor.Values[float32](x); i < len(v); i++ {
		v[i] = 8 * (d.Float32() - 0.5)
	}
	s, z := d.coding()
	at, coding := d.node("QuantizeLinear", []string{"x", s, z}), [2]string{s, z}
	for range 3 {
		at, coding, shape = d.conv(at, coding[0], coding[1], shape)
		if d.IntN(2) == 0 {
			at, coding = d.sum(at, coding)
		}
		if d.IntN(3) == 0 {
			at = d.node("Reshape", []string{at, d.constant(tensor.Of([]int{4}, []int64{0, 0, int64(shape[2]), -1}))})
		}
	}
	product := d.product(at, coding, shape)
	float := d.node("Neg", []string{d.node("DequantizeLinear", []string{at, coding[0], coding[1]})})
	d.g.Outputs = []onnx.Value{{Name: at}, {Name: float}, {Name: product}}
	p, err := program.Compile(&onnx.Model{IR: 8, Opsets: []onnx.Opset{{Version: 17}}, Graph: d.g})
	if err != nil {
		t.Fatal(err)
	}
	return p, []*tensor.Tensor{x}
}

func TestBytesEqualTheProgram(t *testing.T) {
	for seed := range uint64(60) {
		p, inputs := drawBytes(t, seed)
		checkEqual(t, fmt.Sprintf("seed %d", seed), p, inputs, options())
	}
}

// The fast forms are what these tests are about: a plan must have them.
func TestBytesHaveFastForms(t *testing.T) {
	kinds := map[string]bool{}
	for seed := range uint64(10) {
		p, inputs := drawBytes(t, seed)
		r := newRunner(t, p, Default())
		if _, err := r.Run(context.Background(), inputs, program.DefaultLimits()); err != nil {
			t.Fatal(err)
		}
		for _, made := range r.plans {
			for _, s := range made.steps {
				kinds[fmt.Sprintf("%T", s)] = true
			}
		}
	}
	convs := []string{"*plan.byteConvStep"}
	if Default().Path.Pixels() {
		convs = []string{"*plan.byteConvStep", "*plan.pixelConvStep", "*plan.toPlanesStep", "*plan.toPixelsStep"}
	}
	for _, want := range append(convs, "*plan.quantizeStep", "*plan.dequantizeStep", "*plan.byteSumStep", "*plan.byteProductStep", "*plan.viewStep") {
		if !kinds[want] {
			t.Errorf("no %s among %v", want, kinds)
		}
	}
	if kinds["*plan.operatorStep"] {
		t.Error("an operator has no fast form")
	}
}

// One tensor of weights may serve convolutions of other groups and zero points; what is packed of it may not.
func TestSharedWeights(t *testing.T) {
	d := &byteDrawing{Rand: rand.New(rand.NewPCG(1, 2)), g: &onnx.Graph{}}
	d.g.Inputs = []onnx.Value{{Name: "x", Type: tensor.Float32}}
	w := tensor.New(tensor.Float32, []int{4, 4, 1, 1})
	bytes := tensor.New(tensor.Int8, []int{4, 4, 1, 1})
	for i := range w.Len() {
		tensor.Values[float32](w)[i], tensor.Values[int8](bytes)[i] = float32(i)-7.5, int8(9*i-70)
	}
	floats, shared := d.constant(w), d.constant(bytes)
	half := d.node("Slice", []string{
		"x", d.constant(tensor.Of([]int{1}, []int64{0})), d.constant(tensor.Of([]int{1}, []int64{4})), d.constant(tensor.Of([]int{1}, []int64{1})),
	})
	two := onnx.Attr{Name: "group", Kind: onnx.AttrInt, Int: 2}
	s, z := d.coding()
	scales := d.constant(tensor.Scalar[float32](0.02))
	outs := []string{d.node("Conv", []string{"x", floats}, two), d.node("Conv", []string{half, floats})}
	for _, zero := range []int8{0, 5} {
		in := []string{d.node("QuantizeLinear", []string{"x", s, z}), s, z, shared, scales, d.constant(tensor.Scalar(zero)), s, z}
		outs = append(outs, d.node("QLinearConv", in, two))
		in = slices.Clone(in)
		in[0] = d.node("QuantizeLinear", []string{half, s, z})
		outs = append(outs, d.node("QLinearConv", in))
	}
	for _, name := range outs {
		d.g.Outputs = append(d.g.Outputs, onnx.Value{Name: name})
	}
	p, err := program.Compile(&onnx.Model{IR: 8, Opsets: []onnx.Opset{{Version: 17}}, Graph: d.g})
	if err != nil {
		t.Fatal(err)
	}
	x := tensor.New(tensor.Float32, []int{1, 8, 5, 5})
	for i, v := 0, tensor.Values[float32](x); i < len(v); i++ {
		v[i] = 8 * (d.Float32() - 0.5)
	}
	checkEqual(t, "shared weights", p, []*tensor.Tensor{x}, options())
}
