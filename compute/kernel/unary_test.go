package kernel

import (
	"math"
	"sync"
	"testing"

	"github.com/aiwork/aiwork-node/internal/testutil"
)

// Each unary function against the function of package math in float64, which is some 2^29 times finer,
// within the bound that its comment states; special values exactly. The soak test takes every input.

type unary struct {
	name  string
	f     func(float32) float32
	want  func(float64) float64
	bound float64 // in units of the last place
}

func unaries() []unary {
	return []unary{
		{"Exp", Exp, math.Exp, 1},
		{"Log", Log, math.Log, 1},
		{"Log1p", Log1p, math.Log1p, 2},
		{"Sin", Sin, math.Sin, 1},
		{"Cos", Cos, math.Cos, 1},
		{"Tan", Tan, math.Tan, 2.5},
		{"Asin", Asin, math.Asin, 2.5},
		{"Acos", Acos, math.Acos, 2},
		{"Atan", Atan, math.Atan, 2},
		{"Sinh", Sinh, math.Sinh, 3},
		{"Cosh", Cosh, math.Cosh, 3},
		{"Tanh", Tanh, math.Tanh, 1.5},
		{"Asinh", Asinh, math.Asinh, 3},
		{"Acosh", Acosh, math.Acosh, 3},
		{"Atanh", Atanh, math.Atanh, 3},
		{"Erf", Erf, math.Erf, 1.5},
		{"Sqrt", Sqrt, math.Sqrt, 0.5},
	}
}

func TestUnaryAccuracy(t *testing.T) {
	stride := uint64(4999)
	if testing.Short() {
		stride = 100_003
	}
	sweepUnary(t, stride)
}

// sweepUnary compares every stride-th bit pattern.
func sweepUnary(t *testing.T, stride uint64) {
	for _, u := range unaries() {
		t.Run(u.name, func(t *testing.T) { u.sweep(t, stride) })
	}
}

func (u *unary) sweep(t *testing.T, stride uint64) {
	var mu sync.Mutex
	worst, at := 0.0, float32(0)
	testutil.Patterns(stride, func(list []uint32) bool {
		far, where := 0.0, float32(0)
		for _, b := range list {
			x := math.Float32frombits(b)
			if off := distance(u.f(x), u.want(float64(x))); off > far {
				far, where = off, x
			}
		}
		mu.Lock()
		defer mu.Unlock()
		if far > worst {
			worst, at = far, where
		}
		return worst <= u.bound
	})
	t.Logf("worst %.3f ulp at %g", worst, at)
	if worst > u.bound {
		t.Errorf("got an error of %.3f ulp at %g (%g, want %g), bound %v", worst, at, u.f(at), u.want(float64(at)), u.bound)
	}
}

// distance is ulps, for special values too: equal is 0, another one is infinitely far. A true value that
// rounds to infinity or to zero may be given as the neighbour.
func distance(got float32, want float64) float64 {
	rounded := float32(want)
	switch {
	case math.Float32bits(Canonical(rounded)) == math.Float32bits(got):
		return 0
	case want != want || math.IsInf(want, 0) || got != got:
		return math.Inf(1)
	case want == 0:
		return math.Inf(1) // the sign of zero, or not zero at all
	case math.IsInf(float64(got), 0):
		if math.Abs(want) >= math.MaxFloat32*(1-0x1p-22) && (got > 0) == (want > 0) {
			return 0
		}
		return math.Inf(1)
	}
	return ulps(got, want)
}

func TestPowAccuracy(t *testing.T) {
	v := newValues(21)
	worst, atX, atY := 0.0, float32(0), float32(0)
	tries := 400_000
	if testing.Short() {
		tries = 40_000
	}
	for range tries {
		x := math.Float32frombits(uint32(v.Uint64()) &^ (1 << 31))
		y := float32(v.Float64()*40 - 20)
		switch v.IntN(4) {
		case 0:
			y = float32(int(y))
		case 1:
			x, y = float32(v.Float64()*4), float32(v.Float64()*256-128)
		case 2:
			x = -x
		}
		off := distance(Pow(x, y), math.Pow(float64(x), float64(y)))
		if off > worst {
			worst, atX, atY = off, x, y
		}
	}
	t.Logf("worst: %.3f ulp at %g^%g", worst, atX, atY)
	if worst > 2 {
		t.Errorf("got an error of %.3f ulp at %g^%g (%g), want at most 2", worst, atX, atY, Pow(atX, atY))
	}
}

func TestPowSpecialValues(t *testing.T) {
	inf, nan := float32(math.Inf(1)), NaN()
	negativeZero := math.Float32frombits(1 << 31)
	values := []float32{0, negativeZero, 0.5, -0.5, 1, -1, 2, -2, 3, -3, 2.5, -2.5, 1 << 24, 1<<24 + 2, -(1 << 24), inf, -inf, nan, math.MaxFloat32, math.SmallestNonzeroFloat32}
	for _, x := range values {
		for _, y := range values {
			want := float32(math.Pow(float64(x), float64(y)))
			got := Pow(x, y)
			if distance(got, float64(want)) > 2 {
				t.Errorf("%g^%g: got %g, want %g", x, y, got, want)
			}
		}
	}
}
