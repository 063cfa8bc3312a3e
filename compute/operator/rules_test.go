package operator

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// The rules of docs/protocol/aiw-1.md that the tests of ONNX cannot see because they allow a tolerance:
// the order of chains, to the bit, against loops that are written out; and NaN, -0, saturation, division
// by zero.

// run makes an operator of the newest version and calls it.
func run(t *testing.T, name string, attrs []onnx.Attr, in ...*tensor.Tensor) []*tensor.Tensor {
	t.Helper()
	o, err := NewTable().Find(name, OpsetMax)
	if err != nil {
		t.Fatal(err)
	}
	a := NewAttrs(attrs)
	f := o.Make(a)
	if err := a.Err(); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	out, err := f(&Call{In: in, Outs: 3, Path: kernel.Best(), Budget: &Budget{Bytes: 1 << 28, Steps: 1 << 32}})
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return out
}

func ints(name string, v ...int64) onnx.Attr {
	return onnx.Attr{Name: name, Kind: onnx.AttrInts, Ints: v}
}

func int1(name string, v int64) onnx.Attr {
	return onnx.Attr{Name: name, Kind: onnx.AttrInt, Int: v}
}

// random gives floats whose sums depend on their order.
func random(r *rand.Rand, shape ...int) *tensor.Tensor {
	t := tensor.New(tensor.Float32, shape)
	for i := range floatsOf(t) {
		floatsOf(t)[i] = float32(r.NormFloat64()) * float32(math.Exp2(float64(r.IntN(9)-4)))
	}
	return t
}

func equalBits(t *testing.T, what string, got, want []float32) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d elements, want %d", what, len(got), len(want))
	}
	for i := range want {
		if math.Float32bits(kernel.Canonical(got[i])) != math.Float32bits(kernel.Canonical(want[i])) {
			t.Fatalf("%s: element %d is %08x (%v), want %08x (%v)", what, i, math.Float32bits(got[i]), got[i], math.Float32bits(want[i]), want[i])
		}
	}
}

func TestMatMulIsChains(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, s := range [][3]int{{1, 1, 1}, {3, 5, 7}, {17, 33, 300}, {2, 70, 513}} {
		m, n, k := s[0], s[1], s[2]
		a, b := random(r, 2, m, k), random(r, k, n)
		got := run(t, "MatMul", nil, a, b)[0]
		want := make([]float32, 2*m*n)
		for i := range 2 * m {
			for j := range n {
				var sum kernel.Chain
				for l := range k {
					sum.Step(floatsOf(a)[i*k+l], floatsOf(b)[l*n+j])
				}
				want[i*n+j] = sum.End(0)
			}
		}
		equalBits(t, "MatMul", floatsOf(got), want)
		bias := random(r, n)
		gemm := run(t, "Gemm", nil, a.View([]int{2 * m, k}), b, bias)[0]
		for i := range want {
			want[i] = (want[i] + floatsOf(bias)[i%n]) + 0
		}
		equalBits(t, "Gemm", floatsOf(gemm), want)
	}
}

// defineConv is a convolution over two spatial dimensions, written out.
func defineConv(x, w, bias *tensor.Tensor, group, stride, dilation, pad int) []float32 {
	xs, ws := x.Shape(), w.Shape()
	size := func(in, k int) int { return (in+2*pad-(k-1)*dilation-1)/stride + 1 }
	h, wide := size(xs[2], ws[2]), size(xs[3], ws[3])
	var out []float32
	for n := range xs[0] {
		for o := range ws[0] {
			for y := range h {
				for c := range wide {
					var sum kernel.Chain
					for ch := range ws[1] {
						for ky := range ws[2] {
							for kx := range ws[3] {
								py, px := y*stride+ky*dilation-pad, c*stride+kx*dilation-pad
								v := float32(0)
								if py >= 0 && py < xs[2] && px >= 0 && px < xs[3] {
									from := o/(ws[0]/group)*ws[1] + ch
									v = floatsOf(x)[((n*xs[1]+from)*xs[2]+py)*xs[3]+px]
								}
								sum.Step(v, floatsOf(w)[((o*ws[1]+ch)*ws[2]+ky)*ws[3]+kx])
							}
						}
					}
					out = append(out, sum.End(floatsOf(bias)[o]))
				}
			}
		}
	}
	return out
}

func TestConvIsChains(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 12 {
		group := 1 + r.IntN(3)
		x := random(r, 1+r.IntN(2), group*(1+r.IntN(40)), 5+r.IntN(9), 5+r.IntN(9))
		w := random(r, group*(1+r.IntN(5)), x.Shape()[1]/group, 1+r.IntN(3), 1+r.IntN(3))
		bias := random(r, w.Shape()[0])
		stride, dilation, pad := 1+r.IntN(2), 1+r.IntN(2), r.IntN(3)
		s, d, p := int64(stride), int64(dilation), int64(pad)
		got := run(t, "Conv", []onnx.Attr{int1("group", int64(group)), ints("strides", s, s), ints("dilations", d, d), ints("pads", p, p, p, p)}, x, w, bias)
		equalBits(t, "Conv", floatsOf(got[0]), defineConv(x, w, bias, group, stride, dilation, pad))
	}
}

// A transposed convolution is the convolution of its input, spread out by the stride, with flipped weights.
func TestConvTransposeIsChains(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 12 {
		channels, outs, k, stride := 1+r.IntN(4), 1+r.IntN(3), 1+r.IntN(3), 1+r.IntN(3)
		x, w, bias := random(r, 1, channels, 3, 4), random(r, channels, outs, k, k), random(r, outs)
		got := run(t, "ConvTranspose", []onnx.Attr{ints("strides", int64(stride), int64(stride))}, x, w, bias)[0]
		h, wide := got.Shape()[2], got.Shape()[3]
		var want []float32
		for o := range outs {
			for y := range h {
				for c := range wide {
					var sum kernel.Chain
					for ch := range channels {
						for ky := range k {
							for kx := range k {
								v := float32(0)
								if py, px := y-ky, c-kx; py >= 0 && px >= 0 && py%stride == 0 && px%stride == 0 && py/stride < 3 && px/stride < 4 {
									v = floatsOf(x)[(ch*3+py/stride)*4+px/stride]
								}
								sum.Step(v, floatsOf(w)[((ch*outs+o)*k+ky)*k+kx])
							}
						}
					}
					want = append(want, sum.End(floatsOf(bias)[o]))
				}
			}
		}
		equalBits(t, "ConvTranspose", floatsOf(got), want)
	}
}

func TestLSTMIsChains(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	const times, in, hidden = 3, 300, 5
	x, w, rec, bias := random(r, times, 1, in), random(r, 1, 4*hidden, in), random(r, 1, 4*hidden, hidden), random(r, 1, 8*hidden)
	got := run(t, "LSTM", []onnx.Attr{int1("hidden_size", hidden)}, x, w, rec, bias)[0]
	h, c := make([]float32, hidden), make([]float32, hidden)
	var want []float32
	dot := func(a, b []float32, bias float32) float32 {
		var sum kernel.Chain
		for i := range a {
			sum.Step(a[i], b[i])
		}
		return sum.End(bias)
	}
	for s := range times {
		var gates [4 * hidden]float32
		for g := range gates {
			left := dot(floatsOf(x)[s*in:][:in], floatsOf(w)[g*in:][:in], floatsOf(bias)[g])
			gates[g] = left + dot(h, floatsOf(rec)[g*hidden:][:hidden], floatsOf(bias)[4*hidden+g])
		}
		for i := range hidden {
			forget := float32(kernel.Sigmoid(gates[2*hidden+i]) * c[i])
			c[i] = forget + float32(kernel.Sigmoid(gates[i])*kernel.Tanh(gates[3*hidden+i]))
			h[i] = kernel.Sigmoid(gates[hidden+i]) * kernel.Tanh(c[i])
		}
		want = append(want, h...)
	}
	equalBits(t, "LSTM", floatsOf(got), want)
}

// AIW-3: with 33 elements the last joins lane 0 before the lanes are added pairwise.
func TestReduceSumUsesLanes(t *testing.T) {
	x := tensor.New(tensor.Float32, []int{33})
	floatsOf(x)[0], floatsOf(x)[16], floatsOf(x)[32] = 1, 1<<24, 1
	if got := floatsOf(run(t, "ReduceSum", nil, x)[0])[0]; got != 1<<24+2 {
		t.Errorf("got %v, want %v", got, 1<<24+2)
	}
}

func TestSpecialValues(t *testing.T) {
	nan, inf := kernel.NaN(), infinity()
	zero := math.Float32frombits(1 << 31)
	vector := func(v ...float32) *tensor.Tensor { return tensor.Of([]int{len(v)}, v) }
	cases := []struct {
		name  string
		attrs []onnx.Attr
		in    []*tensor.Tensor
		want  []float32
	}{
		{"Max", nil, []*tensor.Tensor{vector(nan, 1, zero, 0), vector(1, nan, 0, zero)}, []float32{nan, nan, 0, zero}},
		{"Min", nil, []*tensor.Tensor{vector(nan, zero, 2), vector(1, 0, 1)}, []float32{nan, 0, 1}},
		{"Relu", nil, []*tensor.Tensor{vector(nan, zero, -inf, inf)}, []float32{nan, 0, 0, inf}},
		{"Clip", nil, []*tensor.Tensor{vector(nan, 5, -5), tensor.Scalar(float32(-1)), tensor.Scalar(float32(1))}, []float32{nan, 1, -1}},
		{"Sign", nil, []*tensor.Tensor{vector(nan, zero, -3)}, []float32{nan, zero, -1}},
		{"Round", nil, []*tensor.Tensor{vector(0.5, 1.5, -0.5, nan)}, []float32{0, 2, zero, nan}},
		{"Softmax", nil, []*tensor.Tensor{vector(nan, 1)}, []float32{nan, nan}},
		{"ReduceMax", nil, []*tensor.Tensor{tensor.New(tensor.Float32, []int{0})}, []float32{-inf}},
		{"ReduceLogSumExp", nil, []*tensor.Tensor{vector(-inf, -inf)}, []float32{-inf}},
		{"MaxPool", []onnx.Attr{ints("kernel_shape", 2)}, []*tensor.Tensor{vector(1, nan, 3).View([]int{1, 1, 3})}, []float32{nan, nan}},
	}
	for _, c := range cases {
		equalBits(t, c.name, floatsOf(run(t, c.name, c.attrs, c.in...)[0]), c.want)
	}
}

func TestFloatsBecomeWholeNumbers(t *testing.T) {
	x := tensor.Of([]int{8}, []float32{kernel.NaN(), infinity(), -infinity(), -1.9, 1.9, 300, -300, 1 << 40})
	cases := []struct {
		kind tensor.Type
		want []int64
	}{
		{tensor.Uint8, []int64{0, 255, 0, 0, 1, 255, 0, 255}},
		{tensor.Int8, []int64{0, 127, -128, -1, 1, 127, -128, 127}},
		{tensor.Int32, []int64{0, math.MaxInt32, math.MinInt32, -1, 1, 300, -300, math.MaxInt32}},
		{tensor.Int64, []int64{0, math.MaxInt64, math.MinInt64, -1, 1, 300, -300, 1 << 40}},
		{tensor.Uint64, []int64{0, -1, 0, 0, 1, 300, 0, 1 << 40}}, // -1: all bits set
	}
	for _, c := range cases {
		got := run(t, "Cast", []onnx.Attr{int1("to", onnx.NumberOf(c.kind))}, x)[0].Ints()
		if !slices.Equal(got, c.want) {
			t.Errorf("to %v: got %v, want %v", c.kind, got, c.want)
		}
	}
}

func TestWholeNumbersWrap(t *testing.T) {
	vector := func(v ...int32) *tensor.Tensor { return tensor.Of([]int{len(v)}, v) }
	cases := []struct {
		name string
		a, b *tensor.Tensor
		want []int64
	}{
		{"Div", vector(7, -7, math.MinInt32, 5), vector(2, 2, -1, 0), []int64{3, -3, math.MinInt32, 0}},
		{"Mod", vector(7, -7, 7, 5), vector(3, 3, -3, 0), []int64{1, 2, -2, 0}},
		{"Mul", vector(math.MaxInt32), vector(2), []int64{-2}},
		{"Add", vector(math.MaxInt32), vector(1), []int64{math.MinInt32}},
		{"Pow", vector(-2, 3, 0, 2), vector(3, 21, -1, -1), []int64{-8, 1870418611, 0, 0}},
	}
	for _, c := range cases {
		if got := run(t, c.name, nil, c.a, c.b)[0].Ints(); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}

// sliceRange against walking along the axis.
func TestSliceRange(t *testing.T) {
	for size := range int64(5) {
		for start := int64(-7); start < 8; start++ {
			for end := int64(-7); end < 8; end++ {
				for _, step := range []int64{-9, -2, -1, 1, 2, 9, math.MaxInt64, math.MinInt64} {
					first, n := sliceRange(start, end, step, size)
					var want []int64
					s, e := start, end
					if s < 0 {
						s += size
					}
					if e < 0 {
						e += size
					}
					if step > 0 {
						for i := max(s, 0); i < min(e, size); i++ {
							if (i-max(s, 0))%step == 0 {
								want = append(want, i)
							}
						}
					} else {
						top := min(max(s, 0), size-1) // as ONNX says; NumPy takes nothing from before the start
						for i := top; i > max(e, -1); i-- {
							if i == top || step != math.MinInt64 && (top-i)%-step == 0 {
								want = append(want, i)
							}
						}
					}
					if n != len(want) || n > 0 && int64(first) != want[0] {
						t.Fatalf("[%d:%d:%d] of %d: got %d from %d, want %v", start, end, step, size, n, first, want)
					}
				}
			}
		}
	}
}

func TestInfer(t *testing.T) {
	f, l, b := tensor.Float32, tensor.Int64, tensor.Bool
	cases := []struct {
		signature string
		in        []tensor.Type
		wanted    int
		want      []tensor.Type // nil: refused
	}{
		{"n,n>n", []tensor.Type{l, l}, 1, []tensor.Type{l}},
		{"n,n>n", []tensor.Type{l, f}, 1, nil},
		{"n,n>b", []tensor.Type{f, f}, 1, []tensor.Type{b}},
		{"n,n>n", []tensor.Type{b, b}, 1, nil},
		{"a,l?>a*", []tensor.Type{b}, 3, []tensor.Type{b, b, b}},
		{"a,l?>a*", []tensor.Type{b, 0}, 1, []tensor.Type{b}},
		{"n*>n", nil, 1, nil},
		{"n*>n", []tensor.Type{f, f, f}, 1, []tensor.Type{f}},
		{"f,f,f?>f,f?", []tensor.Type{f, f, 0}, 2, []tensor.Type{f, f}},
		{"f,f,f?>f", []tensor.Type{f, f}, 2, nil},
		{"a>T", []tensor.Type{f}, 1, []tensor.Type{b}},
		{">T", nil, 1, []tensor.Type{b}},
	}
	for _, c := range cases {
		got, err := Infer(c.signature, c.in, c.wanted, b)
		if (err != nil) != (c.want == nil) || err == nil && !slices.Equal(got, c.want) {
			t.Errorf("%q with %v: got %v, %v, want %v", c.signature, c.in, got, err, c.want)
		}
	}
}

// Every form has a signature that can be read, and none is there twice.
func TestTable(t *testing.T) {
	seen := map[[2]any]bool{}
	for _, o := range NewTable().All() {
		key := [2]any{o.Name, o.Since}
		if seen[key] {
			t.Errorf("%s of %d is there twice", o.Name, o.Since)
		}
		seen[key] = true
		if (o.Signature == "") != (o.Make == nil) {
			t.Errorf("%s of %d: signature %q", o.Name, o.Since, o.Signature)
		}
	}
}

func TestSpendMultipliesWithoutOverflow(t *testing.T) {
	b := Budget{Steps: 1000}
	if err := b.Spend(1<<40, 1<<40); err == nil || b.Steps != 1000 {
		t.Errorf("got %v with %d steps left", err, b.Steps)
	}
	if err := b.Spend(10, 99); err != nil || b.Steps != 10 {
		t.Errorf("got %v with %d steps left, want 10", err, b.Steps)
	}
	if err := b.Spend(1<<62, 0); err != nil || b.Steps != 10 {
		t.Errorf("nothing to do: got %v with %d steps left", err, b.Steps)
	}
}

// A square by Pow is a product, and its shape is that of the broadcast.
func TestSquares(t *testing.T) {
	x := tensor.Of([]int{2, 3}, []float32{-0.5, 3, 1e30, float32(math.NaN()), float32(math.Inf(-1)), 1e-30})
	for _, shape := range [][]int{nil, {1}, {1, 1}, {1, 1, 1}} {
		got := run(t, "Pow", nil, x, tensor.Of(shape, []float32{2}))[0]
		want := make([]float32, 6)
		for i, v := range floatsOf(x) {
			want[i] = kernel.Pow(v, 2)
		}
		equalBits(t, "Pow", floatsOf(got), want)
		if wantRank := max(2, len(shape)); got.Rank() != wantRank {
			t.Errorf("a square has shape %v, want %d dimensions", got.Shape(), wantRank)
		}
	}
}
