package kernel

import (
	"math"
	"math/big"
	"testing"
)

// exactFMA is x*y + z in arbitrary precision, rounded once: an oracle that shares nothing with FMA.
func exactFMA(x, y, z float32) float32 {
	if x-x != 0 || y-y != 0 || z-z != 0 {
		return float32(float64(float64(x)*float64(y)) + float64(z)) // infinities and NaN are exact in any precision
	}
	// No sum of two products of float32 needs more bits than lie between 2^256 and 2^-298.
	number := func(v float32) *big.Float { return new(big.Float).SetPrec(700).SetFloat64(float64(v)) }
	p := number(x)
	p.Mul(p, number(y))
	if p.Sign() == 0 || z == 0 {
		if p.Sign() == 0 {
			return float32(float64(x)*float64(y)) + z // the sign of a zero
		}
		r, _ := p.Float32()
		return r
	}
	p.Add(p, number(z))
	if p.Sign() == 0 {
		return 0 // exact cancellation rounds to +0
	}
	r, _ := p.Float32()
	return r
}

// Double rounding gives 3f801000 here, the fused instruction 3f801001.
func TestFMAHardCase(t *testing.T) {
	x := float32(1 + 1.0/4096)
	z := float32(math.Ldexp(1, -80))
	if got := math.Float32bits(FMA(x, x, z)); got != 0x3f801001 {
		t.Errorf("got %08x, want 3f801001", got)
	}
	if naive := math.Float32bits(float32(math.FMA(float64(x), float64(x), float64(z)))); naive != 0x3f801000 {
		t.Errorf("float64 FMA gives %08x: the case does not show double rounding", naive)
	}
}

func TestFMAExact(t *testing.T) {
	list := awkward()
	for _, x := range list {
		for _, y := range list {
			for _, z := range list {
				checkFMA(t, math.Float32frombits(x), math.Float32frombits(y), math.Float32frombits(z))
			}
		}
	}
	v := newValues(1)
	for range 200_000 {
		x, y := v.any(), v.any()
		z := v.any()
		if v.IntN(2) == 0 { // sums that fall near the middle of two float32, or cancel
			p := float32(x * y)
			z = math.Float32frombits(math.Float32bits(p)&0xff800000 - uint32(v.IntN(27))<<23 | v.Uint32()&3)
			if v.IntN(4) == 0 {
				z = -p
			}
		}
		checkFMA(t, x, y, z)
	}
}

func checkFMA(t *testing.T, x, y, z float32) {
	t.Helper()
	if got, want := FMA(x, y, z), exactFMA(x, y, z); !sameBits(got, want) {
		t.Fatalf("fma(%08x, %08x, %08x): got %08x, want %08x", math.Float32bits(x), math.Float32bits(y),
			math.Float32bits(z), math.Float32bits(got), math.Float32bits(want))
	}
}

// The hardware's instruction, reached through Post on every vector path.
func TestFMAHardware(t *testing.T) {
	const n = 1 << 12
	v := newValues(2)
	rounds := 50
	if testing.Short() {
		rounds = 5
	}
	for _, path := range Paths()[1:] {
		for range rounds {
			post := NewPost(n)
			x := fill(n, v.any)
			post.Scale, post.Shift = fill(n, v.any), fill(n, v.any)
			want := make([]float32, n)
			for i := range want {
				want[i] = FMA(x[i]+0, post.Scale[i], post.Shift[i])
			}
			path.apply(x, 0, post)
			compare(t, path.String(), x, want)
		}
	}
}

func FuzzFMA(f *testing.F) {
	for _, b := range awkward() {
		f.Add(b, uint32(0x3f800800), uint32(0x17800000))
	}
	f.Fuzz(func(t *testing.T, x, y, z uint32) {
		checkFMA(t, math.Float32frombits(x), math.Float32frombits(y), math.Float32frombits(z))
	})
}
