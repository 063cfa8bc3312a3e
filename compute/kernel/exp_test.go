package kernel

import (
	"math"
	"slices"
	"testing"

	"github.com/aiwork/aiwork-node/internal/testutil"
)

// ulps is how far got lies from the true value, in units of the last place of a float32 there.
func ulps(got float32, want float64) float64 {
	unit := math.Ldexp(1, -149)
	if e := math.Ilogb(want) - 23; e > -149 {
		unit = math.Ldexp(1, e)
	}
	return math.Abs(float64(got)-want) / unit
}

func TestExpAccuracy(t *testing.T) {
	worst, at := 0.0, float32(0)
	for b := uint32(0); b < 0x7f800000; b += 997 {
		for _, sign := range []uint32{0, 1 << 31} {
			x := math.Float32frombits(b | sign)
			want := math.Exp(float64(x))
			got := Exp(x)
			if want > math.MaxFloat32 || want < math.Ldexp(1, -150) {
				continue
			}
			if off := ulps(got, want); off > worst {
				worst, at = off, x
			}
		}
	}
	t.Logf("worst: %.3f ulp at %g", worst, at)
	if worst > 1 {
		t.Errorf("got an error of %.3f ulp at %g, want at most 1", worst, at)
	}
}

func TestExpEnds(t *testing.T) {
	inf := float32(math.Inf(1))
	cases := []struct {
		x    float32
		want uint32
	}{
		{0, 0x3f800000},
		{math.Float32frombits(1 << 31), 0x3f800000},
		{inf, 0x7f800000},
		{-inf, 0},
		{1000, 0x7f800000},
		{-1000, 0},
		{math.Float32frombits(0xffc00001), CanonicalNaNBits},
		{math.Float32frombits(1), 0x3f800000},
	}
	for _, c := range cases {
		if got := math.Float32bits(Exp(c.x)); got != c.want {
			t.Errorf("exp(%g): got %08x, want %08x", c.x, got, c.want)
		}
	}
	if got := Exp(88.7); got-got != 0 || got < 3e38 {
		t.Errorf("exp(88.7): got %g, want a finite number above 3e38", got)
	}
	if got := Exp(-103); got <= 0 || got > 1e-44 {
		t.Errorf("exp(-103): got %g, want a subnormal number", got)
	}
}

// A sample of all inputs; the soak test takes all of them.
func TestExpPaths(t *testing.T) { sweepExp(t, 65_521) }

// sweepExp compares Exp and the vector paths at every stride-th bit pattern.
func sweepExp(t *testing.T, stride uint64) {
	testutil.Patterns(stride, func(list []uint32) bool {
		x := floats(list)
		want := slices.Clone(x)
		defineExps(want)
		for _, path := range Paths()[1:] {
			got := slices.Clone(x)
			path.Exps(got)
			if !agrees(t, path.String(), x, got, want) {
				return false
			}
		}
		return true
	})
}

func floats(list []uint32) []float32 {
	v := make([]float32, len(list))
	for i, b := range list {
		v[i] = math.Float32frombits(b)
	}
	return v
}

// agrees is compare for any goroutine: it reports whether all is equal, and names the first that is not.
func agrees(t *testing.T, what string, x, got, want []float32) bool {
	t.Helper()
	for i := range got {
		if !sameBits(got[i], want[i]) {
			t.Errorf("%s: of %08x: got %08x (%g), want %08x (%g)", what, math.Float32bits(x[i]),
				math.Float32bits(got[i]), got[i], math.Float32bits(want[i]), want[i])
			return false
		}
	}
	return true
}

func defineExps(v []float32) {
	for i := range v {
		v[i] = Exp(v[i])
	}
}
