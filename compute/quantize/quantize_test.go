package quantize

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/aiwork/aiwork-node/compute/image"
	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/lower"
	"github.com/aiwork/aiwork-node/compute/model/builtin"
	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/plan"
	"github.com/aiwork/aiwork-node/compute/program"
	"github.com/aiwork/aiwork-node/compute/tensor"
	"github.com/aiwork/aiwork-node/internal/photos"
)

// A model of int8 is near to the one of floats, has the operators that QUANT-1 to 5 say, and gives the same bits by definitions and by
// plans, on every path, with any number of threads, alone and in a batch.

func picturesOf(t *testing.T, n, side int) (list [][]*tensor.Tensor) {
	t.Helper()
	for _, p := range photos.All()[:n] {
		png, _, err := image.ToCanonicalPNG(p.JPEG)
		if err != nil {
			t.Fatal(err)
		}
		m, err := image.Decode(png)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, []*tensor.Tensor{tensor.Of([]int{1, 3, side, side}, m.Tensor(side, side))})
	}
	return list
}

func TestContentSafety(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the definitions of a network")
	}
	f, err := builtin.ContentSafety()
	if err != nil {
		t.Fatal(err)
	}
	pictures := picturesOf(t, 5, int(f.Net.Width))
	q, err := Model(t.Context(), f.Model, pictures[:3], MethodRange)
	if err != nil {
		t.Fatal(err)
	}
	for op, want := range map[string]int{"QLinearConv": 52, "MatMulInteger": 3, "Add": 10 + 3, "Conv": 0, "BatchNormalization": 0, "Pad": 0, "Gemm": 0} {
		if got := count(q, op); got != want {
			t.Errorf("%d of %s, want %d", got, op, want)
		}
	}
	if !slices.Equal(q.Net.Labels, f.Net.Labels) || q.Net.Form != net.FormPicture || q.Net.Width != f.Net.Width {
		t.Error("it is another model to the outside")
	}
	before, after := bench(t, f.Model), bench(t, q)
	r, err := Compare(t.Context(), before, after, pictures[3:])
	if err != nil {
		t.Fatal(err)
	}
	if r.Agree != 2 || r.Greatest > 0.05 {
		t.Errorf("on what it was not made from: %+v", r)
	}
	sameBits(t, q, pictures[4])
}

func bench(t *testing.T, m *lower.Model) *Bench {
	t.Helper()
	b, err := NewBench(m)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

func count(m *lower.Model, op string) (n int) {
	for i := range m.Net.OpList {
		if m.Net.OpList[i].Name == op {
			n++
		}
	}
	return n
}

// sameBits checks plans against definitions.
func sameBits(t *testing.T, m *lower.Model, inputs []*tensor.Tensor) {
	t.Helper()
	o, err := m.ONNX()
	if err != nil {
		t.Fatal(err)
	}
	p, err := program.Compile(o)
	if err != nil {
		t.Fatal(err)
	}
	want, err := p.Run(inputs, program.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range kernel.Paths() {
		for _, threads := range []int{1, 3} {
			r, err := plan.New(p, plan.Options{Threads: threads, Path: path})
			if err != nil {
				t.Fatal(err)
			}
			got, err := r.Run(t.Context(), inputs, program.DefaultLimits())
			r.Close()
			if err != nil {
				t.Fatal(err)
			}
			for i := range want {
				if !slices.Equal(got[i].Raw(), want[i].Raw()) {
					t.Errorf("%v, %d threads: output %d differs from its definition", path, threads, i)
				}
			}
		}
	}
}

// A maker builds small networks.
type maker struct {
	g     *onnx.Graph
	names int
	seed  uint32
}

func (m *maker) node(op string, in []string, attrs ...onnx.Attr) string {
	m.names++
	out := fmt.Sprintf("v%d", m.names)
	m.g.Nodes = append(m.g.Nodes, onnx.Node{Op: op, Inputs: in, Outputs: []string{out}, Attrs: attrs})
	return out
}

func (m *maker) constant(t *tensor.Tensor) string {
	m.names++
	name := fmt.Sprintf("c%d", m.names)
	m.g.Initializers = append(m.g.Initializers, onnx.Initializer{Name: name, Tensor: t})
	return name
}

// drawn gives numbers about 0.
func (m *maker) drawn(shape ...int) *tensor.Tensor {
	t := tensor.New(tensor.Float32, shape)
	v := tensor.Values[float32](t)
	for i := range v {
		m.seed = m.seed*1664525 + 1013904223
		v[i] = float32(int32(m.seed)) / (1 << 31)
	}
	return t
}

func (m *maker) weights(shape ...int) string { return m.constant(m.drawn(shape...)) }

func integers(name string, v ...int64) onnx.Attr {
	return onnx.Attr{Name: name, Kind: onnx.AttrInts, Ints: v}
}

func integer(name string, v int64) onnx.Attr {
	return onnx.Attr{Name: name, Kind: onnx.AttrInt, Int: v}
}

func (m *maker) conv(x string, outs, ins, size int) string {
	return m.node("Conv", []string{x, m.weights(outs, ins, size, size), m.weights(outs)}, integers("pads", int64(size/2), int64(size/2), int64(size/2), int64(size/2)))
}

func (m *maker) norm(x string, channels int) string {
	variance := m.drawn(channels)
	for i, v := range tensor.Values[float32](variance) {
		tensor.Values[float32](variance)[i] = v*v + 0.5
	}
	return m.node("BatchNormalization", []string{x, m.weights(channels), m.weights(channels), m.weights(channels), m.constant(variance)})
}

func (m *maker) lowered(t *testing.T, opset int64, outputs ...string) *lower.Model {
	t.Helper()
	for _, name := range outputs {
		m.g.Outputs = append(m.g.Outputs, onnx.Value{Name: name})
	}
	l, err := lower.Lower(&onnx.Model{IR: 8, Opsets: []onnx.Opset{{Version: opset}}, Graph: m.g}, lower.Outside{Form: net.FormTensors})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func newMaker() *maker {
	return &maker{g: &onnx.Graph{Inputs: []onnx.Value{{Name: "x", Type: tensor.Float32}}}, seed: 1}
}

// everything is a network with all that a quantised one may have, batch after batch of 4 × 12 × 10.
func everything(t *testing.T) *lower.Model {
	m := newMaker()
	zeros := m.constant(tensor.Of([]int{8}, []int64{0, 0, 1, 0, 0, 0, 0, 2}))
	x := m.node("Pad", []string{"x", zeros})
	a := m.node("Relu", []string{m.norm(m.conv(x, 8, 4, 3), 8)})
	b := m.node("Relu", []string{m.node("Mul", []string{m.conv(a, 8, 8, 1), m.weights(8, 1, 1)})})
	sum := m.node("Clip", []string{m.node("Add", []string{a, b}), m.constant(tensor.Scalar[float32](0)), m.constant(tensor.Scalar[float32](1.5))})
	deep := m.node("Conv", []string{sum, m.weights(8, 1, 3, 3)}, integer("group", 8), integers("strides", 2, 2))
	high := m.node("MaxPool", []string{m.node("Relu", []string{m.node("Conv", []string{sum, m.weights(6, 8, 1, 1)}, integers("strides", 2, 2))})},
		integers("kernel_shape", 2, 2), integers("strides", 1, 1))
	wide := m.node("Relu", []string{m.node("Conv", []string{deep, m.weights(6, 8, 1, 1)})})
	wide = m.node("Slice", []string{wide, m.constant(tensor.Of([]int{1}, []int64{0})), m.constant(tensor.Of([]int{1}, []int64{5})), m.constant(tensor.Of([]int{1}, []int64{2}))})
	wide = m.node("Slice", []string{wide, m.constant(tensor.Of([]int{1}, []int64{0})), m.constant(tensor.Of([]int{1}, []int64{4})), m.constant(tensor.Of([]int{1}, []int64{3}))})
	high = m.node("Slice", []string{high, m.constant(tensor.Of([]int{1}, []int64{0})), m.constant(tensor.Of([]int{1}, []int64{5})), m.constant(tensor.Of([]int{1}, []int64{2}))})
	high = m.node("Slice", []string{high, m.constant(tensor.Of([]int{1}, []int64{0})), m.constant(tensor.Of([]int{1}, []int64{4})), m.constant(tensor.Of([]int{1}, []int64{3}))})
	both := m.node("Concat", []string{high, wide}, integer("axis", 1))
	flat := m.node("Flatten", []string{m.node("Sigmoid", []string{both})})
	out := m.node("Gemm", []string{flat, m.weights(7, 240), m.weights(7)}, integer("transB", 1))
	return m.lowered(t, 17, out, both, sum)
}

func examplesOf(batch int, n int) (list [][]*tensor.Tensor) {
	m := newMaker()
	for range n {
		list = append(list, []*tensor.Tensor{m.drawn(batch, 4, 12, 10)})
	}
	return list
}

func TestEverything(t *testing.T) {
	m := everything(t)
	examples := examplesOf(1, 4)
	for _, method := range Methods() {
		q, err := Model(t.Context(), m, examples, method)
		if err != nil {
			t.Fatal(err)
		}
		for op, want := range map[string]int{
			"QLinearConv": 5, "MatMulInteger": 1, "Pad": 0, "Relu": 0, "Clip": 0, "BatchNormalization": 0, "MaxPool": 1, "Concat": 1, "Cast": 1,
		} {
			if got := count(q, op); got != want {
				t.Errorf("%v: %d of %s, want %d", method, got, op, want)
			}
		}
		sameBits(t, q, examples[0])
		r, err := Compare(t.Context(), bench(t, m), bench(t, q), examplesOf(3, 2))
		if err != nil {
			t.Fatal(err)
		}
		if r.Mean > 0.02*r.Scale || r.Inputs != 2 {
			t.Errorf("%v: %+v", method, r)
		}
	}
}

// A picture gives the same bits by itself and within a batch.
func TestBatch(t *testing.T) {
	q, err := Model(t.Context(), everything(t), examplesOf(1, 2), MethodRange)
	if err != nil {
		t.Fatal(err)
	}
	b := bench(t, q)
	whole := examplesOf(3, 1)[0]
	all, err := b.Run(t.Context(), whole)
	if err != nil {
		t.Fatal(err)
	}
	each := whole[0].Len() / 3
	for i := range 3 {
		one := tensor.Of([]int{1, 4, 12, 10}, tensor.Values[float32](whole[0])[i*each:][:each])
		got, err := b.Run(t.Context(), []*tensor.Tensor{one})
		if err != nil {
			t.Fatal(err)
		}
		for j := range got {
			n := len(got[j].Raw())
			if !slices.Equal(got[j].Raw(), all[j].Raw()[i*n:][:n]) {
				t.Errorf("output %d of picture %d differs in a batch", j, i)
			}
		}
	}
}

// What is folded computes nearly the same; what cannot be folded stays.
func TestFold(t *testing.T) {
	m := everything(t)
	folded, err := Fold(m)
	if err != nil {
		t.Fatal(err)
	}
	if count(folded, "BatchNormalization")+count(folded, "Pad")+count(folded, "Mul") != 0 {
		t.Error("something was not folded")
	}
	r, err := Compare(t.Context(), bench(t, m), bench(t, folded), examplesOf(2, 2))
	if err != nil {
		t.Fatal(err)
	}
	if r.Greatest > 1e-4 {
		t.Errorf("folded: %+v", r)
	}
	k := newMaker()
	c := k.conv("x", 4, 4, 1)
	twice := k.lowered(t, 17, k.norm(c, 4), c)
	if folded, err = Fold(twice); err != nil || count(folded, "BatchNormalization") != 1 {
		t.Errorf("a value that is read twice was folded: %v", err)
	}
}

// The form for other runtimes has the same numbers: its floats differ by a step of a byte at most where sums are rounded.
func TestPairs(t *testing.T) {
	q, err := Model(t.Context(), everything(t), examplesOf(1, 3), MethodRange)
	if err != nil {
		t.Fatal(err)
	}
	o, err := PairsOf(q)
	if err != nil {
		t.Fatal(err)
	}
	pairs, err := lower.Lower(o, lower.Outside{Form: net.FormTensors})
	if err != nil {
		t.Fatal(err)
	}
	if count(pairs, "QLinearConv") != 0 || count(pairs, "Conv") != 5 {
		t.Error("a QLinearConv is left")
	}
	r, err := Compare(t.Context(), bench(t, q), bench(t, pairs), examplesOf(1, 3))
	if err != nil {
		t.Fatal(err)
	}
	if r.Mean > 0.002*r.Scale {
		t.Errorf("%+v", r)
	}
}

func TestWeights(t *testing.T) {
	scales, bytes, zero := quantizeRows([]float32{1, -0.5, 0.25, 0, 0, 0, -2, 1e-3, 2}, 3, nil, 1, nil)
	if want := []float32{1.0 / 127, 1, 2.0 / 127}; !slices.Equal(scales, want) || zero != 0 {
		t.Errorf("scales %v, want %v", scales, want)
	}
	if want := []int8{127, -64, 32, 0, 0, 0, -127, 0, 127}; !slices.Equal(bytes, want) {
		t.Errorf("weights %v, want %v", bytes, want)
	}
	bias := []float32{-3}
	scales, bytes, _ = quantizeRows([]float32{1e-12, 0}, 1, bias, 1e-3, nil) // a channel that is nearly nothing but its bias
	b := quantizeBias(bias, scales, 1e-3)
	if got := float64(b[0]) * float64(scales[0]) * 1e-3; math.Abs(got+3) > 1e-6 || b[0] < -biasMax {
		t.Errorf("bias %d of scale %g with weights %v: %v, want -3", b[0], scales[0], bytes, got)
	}
}

// Weights that were bytes before are the same bytes again, also after they were multiplied row by row.
func TestGrid(t *testing.T) {
	const zero, rows, each = 100, 4, 50
	steps := []float32{0.01, 0.3, -0.02, 1e-4}
	weights, want := make([]float32, rows*each), make([]int, rows*each)
	for i := range weights {
		want[i] = (i*37)%256 - zero
		weights[i] = float32(want[i]) * 0.0123
	}
	g := gridOf(weights, rows)
	if g == nil || g.zero != zero-128 {
		t.Fatalf("grid %+v, want one with zero %d", g, zero-128)
	}
	for i := range weights {
		weights[i] *= steps[i/each]
	}
	scales, bytes, z := quantizeRows(weights, rows, nil, 1, g.scaled(steps))
	for i, b := range bytes {
		row := i / each
		if got := float32(int(b)-int(z)) * scales[row]; steps[row] > 0 && int(b)-int(z) != want[i] || math.Abs(float64(got-weights[i])) > float64(scales[row]) {
			t.Fatalf("weight %d is %d of step %v: %v, want %v", i, int(b)-int(z), scales[row], got, weights[i])
		}
	}
	if gridOf([]float32{1, 2, 3.5, 4.1, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17}, 1) != nil {
		t.Error("a grid of numbers at unequal distances")
	}
}

func TestRefusals(t *testing.T) {
	examples := examplesOf(1, 1)
	old, cut := newMaker(), newMaker()
	for name, try := range map[string]struct {
		m        *lower.Model
		examples [][]*tensor.Tensor
		want     string
	}{
		"no examples":  {everything(t), nil, "no examples"},
		"an old model": {old.lowered(t, 9, old.node("Upsample", []string{old.conv("x", 4, 4, 1), old.weights(4)})), examples, "operator set 9"},
		"nothing":      {newMaker().lowered(t, 17, "x"), examples, ErrNothing.Error()},
	} {
		if _, err := Model(t.Context(), try.m, try.examples, MethodMSE); err == nil || !strings.Contains(err.Error(), try.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	sliced := cut.node("Slice", []string{cut.conv("x", 4, 4, 1)}, integers("starts", 1), integers("ends", 3), integers("axes", 1))
	q, err := Model(t.Context(), cut.lowered(t, 9, sliced), examples, MethodRange)
	if err != nil || q.Net.Opset != opsetConv {
		t.Fatalf("an old model of what means the same: %v", err)
	}
	sameBits(t, q, examples[0])
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Best(ended, everything(t), examples); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// Ends: one value in ten thousand far out moves the range, but not what the other methods make of it.
func TestEnds(t *testing.T) {
	h := &histogram{}
	values := make([]float32, 100_000)
	for i := range values {
		values[i] = float32(i%2001-1000) / 1000
	}
	values[7] = 50
	h.widen(values)
	h.fill(values)
	for method, most := range map[Method]float64{MethodRange: 50, MethodPercentile: 1.1, MethodMSE: 49} {
		low, high := h.ends(method)
		if low > -0.9 || low < -1.1 || high > most || high < 0.9 {
			t.Errorf("%v: %v to %v", method, low, high)
		}
	}
}
