package kernel

import (
	"math"
	"testing"
)

// The numbered rules of the package comment, each on a case that tells it from its neighbours.

func bitsOf(v float32) uint32 { return math.Float32bits(v) }

// AIW-2: segments. With one chain over all of k the small terms would be lost one by one.
func TestChainIsCutIntoSegments(t *testing.T) {
	const k = SegmentLen + 4
	a, b := make([]float32, k), fill(k, func() float32 { return 1 })
	a[0] = 1 << 24
	for i := SegmentLen; i < k; i++ {
		a[i] = 1
	}
	var got [1]float32
	DefineGemm(got[:], a, b, nil, 1, 1, k)
	if want := float32(1<<24 + 4); got[0] != want {
		t.Errorf("two segments: got %v, want %v", got[0], want)
	}
	var one float32
	for i := range a {
		one = FMA(a[i], b[i], one)
	}
	if one == got[0] {
		t.Errorf("one chain also gives %v: the case does not tell them apart", one)
	}
}

// AIW-2: the chain fuses. 1+2^-12 squared less its rounded square leaves 2^-24.
func TestChainFuses(t *testing.T) {
	x := float32(1 + 1.0/4096)
	var got [1]float32
	DefineGemm(got[:], []float32{-1, x}, []float32{x * x, x}, nil, 1, 1, 2)
	if want := float32(math.Ldexp(1, -24)); got[0] != want {
		t.Errorf("got %g, want %g", got[0], want)
	}
}

// AIW-2: a result is never -0, so that a skipped tap and a computed one look alike.
func TestChainEndsWithoutNegativeZero(t *testing.T) {
	tiny := math.Float32frombits(1)
	var got [1]float32
	DefineGemm(got[:], []float32{-tiny}, []float32{tiny}, nil, 1, 1, 1)
	if FMA(-tiny, tiny, 0) != 0 || bitsOf(FMA(-tiny, tiny, 0)) != 1<<31 {
		t.Error("the product should round to -0")
	}
	if bitsOf(got[0]) != 0 {
		t.Errorf("got %08x, want +0", bitsOf(got[0]))
	}
}

// AIW-3: 33 elements. Element 32 joins lane 0 before the lanes are added pairwise.
func TestReductionTree(t *testing.T) {
	x := make([]float32, 33)
	x[0], x[16], x[32] = 1<<24, 1, 1
	// Lane 0: 2^24 + 1 rounds to 2^24 (to even); then lane 16 adds 1 and is lost too.
	var got [1]float32
	GlobalAveragePool(got[:], x)
	if want := float32(1<<24) / 33; got[0] != want {
		t.Errorf("got %v, want %v", got[0], want)
	}
	x[0], x[16], x[32] = 1, 1<<24, 1 // lane 0 holds 2 first
	GlobalAveragePool(got[:], x)
	if want := float32(1<<24+2) / 33; got[0] != want {
		t.Errorf("got %v, want %v", got[0], want)
	}
}

// AIW-4.
func TestClampRules(t *testing.T) {
	inf := float32(math.Inf(1))
	negativeZero := math.Float32frombits(1 << 31)
	cases := []struct {
		v, lo, hi float32
		want      uint32
	}{
		{7, 0, 6, 0x40c00000},
		{-1, 0, 6, 0},
		{negativeZero, 0, 6, 0}, // -0 > 0 is false: the bound wins
		{negativeZero, -inf, inf, 1 << 31},
		{math.Float32frombits(0xffc12345), 0, 6, CanonicalNaNBits},
		{inf, 0, 6, 0x40c00000},
		{-inf, -inf, inf, 0xff800000},
	}
	for _, c := range cases {
		var got [1]float32
		DefineClamp(got[:], []float32{c.v}, c.lo, c.hi)
		if bitsOf(got[0]) != c.want {
			t.Errorf("clamp(%v, %v, %v): got %08x, want %08x", c.v, c.lo, c.hi, bitsOf(got[0]), c.want)
		}
	}
	if got := larger(NaN(), 1); bitsOf(got) != CanonicalNaNBits {
		t.Errorf("max(NaN, 1): got %08x, want canonical NaN", bitsOf(got))
	}
}

// Batch normalisation is scale and shift, with one rounding each on the way.
func TestLowerBatchNorm(t *testing.T) {
	scale, shift := LowerBatchNorm([]float32{3}, []float32{0.5}, []float32{2}, []float32{3.999}, 0.001)
	root := float32(math.Sqrt(float64(float32(3.999) + float32(0.001))))
	if want := 3 / root; scale[0] != want {
		t.Errorf("scale: got %v, want %v", scale[0], want)
	}
	if want := exactFMA(-2, scale[0], 0.5); shift[0] != want {
		t.Errorf("shift: got %v, want %v", shift[0], want)
	}
}

// Padding by ZeroPad and padding inside the convolution are the same to the bit.
func TestZeroPadEqualsPadding(t *testing.T) {
	v := newValues(8)
	for range 40 {
		w := randomWindow(v)
		outs := 1 + v.IntN(6)
		x := fill(w.Height*w.Width*w.Channels, v.finite)
		weights := fill(w.KernelHeight*w.KernelWidth*w.Channels*outs, v.finite)
		want := make([]float32, w.OutHeight()*w.OutWidth()*outs)
		DefineConv(want, x, weights, nil, w, outs)
		wide := w
		wide.Height, wide.Width = w.Height+w.Top+w.Bottom, w.Width+w.Left+w.Right
		wide.Top, wide.Bottom, wide.Left, wide.Right = 0, 0, 0, 0
		padded := fill(wide.Height*wide.Width*w.Channels, v.any)
		ZeroPad(padded, x, w)
		got := make([]float32, len(want))
		DefineConv(got, padded, weights, nil, wide, outs)
		compare(t, "padded", got, want)
	}
}
