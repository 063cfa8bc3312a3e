package soft

import (
	"bufio"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/internal/testutil"
)

// Every operation against the processor's, on special values with each other and on random patterns; every
// function against the kernels' and against the vectors that lock AIW-1. The soak test takes all inputs of
// the functions of one number.

func special() []uint32 {
	list := []uint32{
		0, 1, 2, 0x007fffff, 0x00800000, 0x00800001, 0x00ffffff, 0x01000000, 0x33800000, 0x34000000, 0x3effffff,
		0x3f000000, 0x3f000001, 0x3f7fffff, 0x3f800000, 0x3f800001, 0x3f800800, 0x3fc00000, 0x40000000, 0x40400000,
		0x4a7fffff, 0x4affffff, 0x4b000000, 0x4b000001, 0x4b7fffff, 0x4b800000, 0x4f000000, 0x5f000000, 0x5f7fffff,
		0x5f800000, 0x7effffff, 0x7f000000, 0x7f7fffff, 0x7f800000, 0x7f800001, 0x7fc00000, 0x7fffffff, 0x17800000,
	}
	for _, b := range list[:len(list):len(list)] {
		list = append(list, b|1<<31)
	}
	return list
}

// pattern gives bits of numbers near each other now and then, so that sums cancel and ties occur.
func pattern(r *rand.Rand, near uint32) uint32 {
	switch r.IntN(4) {
	case 0:
		return near ^ 1<<31 ^ r.Uint32()&3
	case 1:
		return near&^(0xff<<23) | uint32(max(1, min(254, int(near>>23&0xff)+r.IntN(56)-28)))<<23 ^ r.Uint32()&(1<<31|7)
	case 2:
		return r.Uint32() & 0xfff00000
	}
	return r.Uint32()
}

func float(b uint32) float32 { return math.Float32frombits(b) }
func bitsOf(v float32) F32   { return F32(math.Float32bits(kernel.Canonical(v))) }

type operation struct {
	name string
	soft func(a, b F32) F32
	hard func(a, b float32) float32
}

func truth(v bool) F32 {
	if v {
		return 1
	}
	return 0
}

func operations() []operation {
	return []operation{
		{"add", Add, func(a, b float32) float32 { return a + b }},
		{"sub", Sub, func(a, b float32) float32 { return a - b }},
		{"mul", Mul, func(a, b float32) float32 { return float32(a * b) }},
		{"div", Div, func(a, b float32) float32 { return a / b }},
		{"pow", Pow, kernel.Pow},
		{"mod", Mod, func(a, b float32) float32 { return float32(math.Mod(float64(a), float64(b))) }},
		{"less", func(a, b F32) F32 { return truth(Less(a, b)) }, func(a, b float32) float32 { return float(uint32(truth(a < b))) }},
		{"equal", func(a, b F32) F32 { return truth(Equal(a, b)) }, func(a, b float32) float32 { return float(uint32(truth(a == b))) }},
	}
}

func TestTwoOperands(t *testing.T) {
	check := func(o operation, a, b uint32) {
		if got, want := o.soft(F32(a), F32(b)), bitsOf(o.hard(float(a), float(b))); got != want {
			t.Errorf("%s(%08x, %08x): got %08x, want %08x", o.name, a, b, got, want)
		}
	}
	for _, o := range operations() {
		for _, a := range special() {
			for _, b := range special() {
				check(o, a, b)
			}
		}
		r := rand.New(rand.NewPCG(1, 2))
		tries := 2_000_000
		if o.name == "mod" || o.name == "pow" {
			tries = 200_000
		}
		for range tries {
			a := r.Uint32()
			check(o, a, pattern(r, a))
			if t.Failed() {
				return
			}
		}
	}
}

func TestFMA(t *testing.T) {
	check := func(a, b, c uint32) {
		if got, want := FMA(F32(a), F32(b), F32(c)), bitsOf(kernel.FMA(float(a), float(b), float(c))); got != want {
			t.Fatalf("fma(%08x, %08x, %08x): got %08x, want %08x", a, b, c, got, want)
		}
	}
	check(0x3f800800, 0x3f800800, 0x17800000)
	for _, a := range special() {
		for _, b := range special() {
			for _, c := range special() {
				check(a, b, c)
			}
		}
	}
	r := rand.New(rand.NewPCG(3, 4))
	for range 4_000_000 {
		a := r.Uint32()
		b := pattern(r, a)
		check(a, b, pattern(r, math.Float32bits(float(a)*float(b))))
	}
}

type function struct {
	name string
	soft func(F32) F32
	hard func(float32) float32
}

func functions() []function {
	whole := func(f func(float64) float64) func(float32) float32 {
		return func(x float32) float32 { return float32(f(float64(x))) }
	}
	return []function{
		{"Sqrt", Sqrt, kernel.Sqrt},
		{"Exp", Exp, kernel.Exp},
		{"Log", Log, kernel.Log},
		{"Log1p", Log1p, kernel.Log1p},
		{"Sin", Sin, kernel.Sin},
		{"Cos", Cos, kernel.Cos},
		{"Tan", Tan, kernel.Tan},
		{"Asin", Asin, kernel.Asin},
		{"Acos", Acos, kernel.Acos},
		{"Atan", Atan, kernel.Atan},
		{"Sinh", Sinh, kernel.Sinh},
		{"Cosh", Cosh, kernel.Cosh},
		{"Tanh", Tanh, kernel.Tanh},
		{"Asinh", Asinh, kernel.Asinh},
		{"Acosh", Acosh, kernel.Acosh},
		{"Atanh", Atanh, kernel.Atanh},
		{"Erf", Erf, kernel.Erf},
		{"Sigmoid", Sigmoid, kernel.Sigmoid},
		{"RoundEven", RoundEven, whole(math.RoundToEven)},
		{"Floor", Floor, whole(math.Floor)},
		{"Ceil", Ceil, whole(math.Ceil)},
	}
}

func TestFunctions(t *testing.T) { sweep(t, 40_009) }

// sweep compares every stride-th bit pattern, and the special ones.
func sweep(t *testing.T, stride uint64) {
	for _, f := range functions() {
		t.Run(f.name, func(t *testing.T) {
			check := func(list []uint32) bool {
				for _, b := range list {
					if got, want := f.soft(F32(b)), bitsOf(f.hard(float(b))); got != want {
						t.Errorf("%08x: got %08x, want %08x", b, got, want)
						return false
					}
				}
				return true
			}
			if check(special()) {
				testutil.Patterns(stride, check)
			}
		})
	}
}

func TestVectors(t *testing.T) {
	file, err := os.Open("../kernel/testdata/functions.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	byName := map[string]func(F32) F32{}
	for _, f := range functions() {
		byName[f.name] = f.soft
	}
	lines := 0
	for s := bufio.NewScanner(file); s.Scan(); lines++ {
		words := strings.Fields(s.Text())
		var v [3]F32
		for i, w := range words[1:] {
			if _, err := fmt.Sscanf(w, "%x", &v[i]); err != nil {
				t.Fatal(err)
			}
		}
		got, want := Pow(v[0], v[1]), v[2]
		if words[0] != "Pow" {
			got, want = byName[words[0]](v[0]), v[1]
		}
		if got != want {
			t.Errorf("%s: got %08x", s.Text(), got)
		}
	}
	if lines < 2000 {
		t.Errorf("%d vectors, want 2,000 at least", lines)
	}
}

func TestConversions(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	ints := []int64{0, 1, -1, 1<<24 + 1, -(1<<24 + 1), 1<<25 + 2, 1<<25 + 6, 1<<63 - 1, -1 << 63, 1<<63 - 1<<38, 1<<53 + 1}
	for range 200_000 {
		ints = append(ints, int64(r.Uint64())>>r.IntN(64))
	}
	for _, v := range ints {
		if got, want := FromInt(v), bitsOf(float32(v)); got != want {
			t.Fatalf("from %d: got %08x, want %08x", v, got, want)
		}
		if got, want := FromUint(uint64(v)), bitsOf(float32(uint64(v))); got != want {
			t.Fatalf("from %d: got %08x, want %08x", uint64(v), got, want)
		}
	}
	patterns := special()
	for range 200_000 {
		patterns = append(patterns, r.Uint32())
	}
	for _, b := range patterns {
		v := float64(float(b))
		for _, bound := range [][2]int64{{-128, 127}, {0, 255}, {-1 << 31, 1<<31 - 1}, {-1 << 63, 1<<63 - 1}} {
			want := int64(0)
			switch {
			case v != v:
			case v >= 1<<63:
				want = bound[1]
			case v < -1<<63:
				want = bound[0]
			default:
				want = min(max(int64(v), bound[0]), bound[1])
			}
			if got := ToInt(F32(b), bound[0], bound[1]); got != want {
				t.Fatalf("%08x between %v: got %d, want %d", b, bound, got, want)
			}
		}
		want := uint64(0)
		switch {
		case v >= 1<<64:
			want = 1<<64 - 1
		case v >= 1<<63:
			want = uint64(v/2) * 2
		case v > 0:
			want = uint64(v)
		}
		if got := ToUint(F32(b)); got != want {
			t.Fatalf("%08x without sign: got %d, want %d", b, got, want)
		}
	}
}

// Chains and lanes of awkward lengths, against the definitions.
func TestSums(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for _, k := range []int{0, 1, 31, 32, 33, 255, 256, 257, 511, 512, 513, 1000} {
		a, b := make([]float32, k), make([]float32, k)
		var chain Chain
		var want kernel.Chain
		var lanes Lanes
		for i := range k {
			a[i], b[i] = float32(r.NormFloat64()), float32(r.NormFloat64())
			want.Step(a[i], b[i])
			chain.Step(bitsOf(a[i]), bitsOf(b[i]))
			lanes.Add(i, bitsOf(a[i]))
		}
		bias := float32(r.NormFloat64())
		if got, w := chain.End(bitsOf(bias)), bitsOf(want.End(bias)); got != w {
			t.Errorf("chain of %d: got %08x, want %08x", k, got, w)
		}
		if k == 0 {
			continue
		}
		mean := make([]float32, 1)
		kernel.GlobalAveragePool(mean, a)
		if got, w := Div(lanes.Sum(), FromInt(int64(k))), bitsOf(mean[0]); got != w {
			t.Errorf("mean of %d: got %08x, want %08x", k, got, w)
		}
	}
}

func BenchmarkFMA(b *testing.B) {
	r := rand.New(rand.NewPCG(9, 10))
	var x, y [1024]F32
	for i := range x {
		x[i], y[i] = bitsOf(float32(r.NormFloat64())), bitsOf(float32(r.NormFloat64()))
	}
	acc, i := Zero, 0
	for b.Loop() {
		acc = FMA(x[i&1023], y[i&1023], acc)
		i++
	}
}

func BenchmarkFunction(b *testing.B) {
	for _, f := range functions()[:3] {
		b.Run("name="+f.name, func(b *testing.B) {
			x := F32(0x3f9d70a4)
			for b.Loop() {
				f.soft(x)
			}
		})
	}
}
