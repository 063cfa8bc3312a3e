package quant

// Every path's products are compared with the definition, bit by bit, in every format, over sizes that leave all kinds of
// remainders; weights are random bytes, so that all scales, signs and extremes occur. The definition itself is compared
// with float64.

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/aiwork/aiwork-node/compute/kernel"
)

func quantised() []Format { return []Format{Q8_0, Q4_0, Q4_K, Q6_K} }

// randomBytes gives rows of weights of random bits whose scales are finite.
func randomBytes(rnd *rand.Rand, f Format, n, k int) []byte {
	raw := make([]byte, n*f.rowBytes(k))
	for i := range raw {
		raw[i] = byte(rnd.Uint32())
	}
	_, size, _ := f.Type().Block()
	for at := 0; at < len(raw); at += size {
		for _, place := range map[Format][]int{Q8_0: {0}, Q4_0: {0}, Q4_K: {0, 2}, Q6_K: {208}}[f] {
			h := binary.LittleEndian.Uint16(raw[at+place:])
			if rnd.IntN(4) > 0 {
				h = h&0x83ff | uint16(4+rnd.IntN(12))<<10 // nothing extreme
			}
			if h&0x7c00 == 0x7c00 {
				h &^= 0x4000
			}
			binary.LittleEndian.PutUint16(raw[at+place:], h)
		}
	}
	return raw
}

// randomFloats has blocks of all sizes, and zeros; wild ones have every kind of value.
func randomFloats(rnd *rand.Rand, x []float32, wild bool) {
	for b := 0; b < len(x); b += BlockLen {
		size := math.Ldexp(1, rnd.IntN(20)-10)
		switch rnd.IntN(12) {
		case 0:
			size = 0
		case 1:
			size = math.Ldexp(1, rnd.IntN(250)-140)
		}
		for i := range x[b:min(b+BlockLen, len(x))] {
			x[b+i] = float32(float64(size * rnd.NormFloat64()))
		}
		if wild && rnd.IntN(8) == 0 {
			x[b+rnd.IntN(BlockLen)] = math.Float32frombits(rnd.Uint32())
		}
		if wild && rnd.IntN(16) == 0 {
			x[b] = float32(math.Inf(1))
		}
	}
}

func compareBits(t *testing.T, what string, got, want []float32) {
	t.Helper()
	for i := range want {
		if g, w := math.Float32bits(kernel.Canonical(got[i])), math.Float32bits(kernel.Canonical(want[i])); g != w {
			t.Fatalf("%s: element %d is %08x (%g), want %08x (%g)", what, i, g, got[i], w, want[i])
		}
	}
}

// checkMul compares every path with the definition on one random product.
func checkMul(t *testing.T, rnd *rand.Rand, f Format, rows, n, k int, wild bool) {
	t.Helper()
	raw := randomBytes(rnd, f, n, k)
	var x Activations
	x.Resize(rows, k)
	randomFloats(rnd, x.Float, wild)
	x.Quantise(kernel.PathGo, 0, rows)
	want := make([]float32, rows*n)
	for i := range want {
		want[i] = DefineDot(f, raw[i%n*f.rowBytes(k):], &x, i/n)
	}
	for _, path := range kernel.Paths() {
		what := fmt.Sprintf("%v: %d rows times %v %d×%d", path, rows, f, n, k)
		var y Activations
		y.Resize(rows, k)
		copy(y.Float, x.Float)
		cut := rnd.IntN(rows + 1)
		y.Quantise(path, cut, rows)
		y.Quantise(path, 0, cut)
		for i := range y.q8 {
			if y.q8[i] != x.q8[i] || y.q16[i] != int16(x.q8[i]) {
				t.Fatalf("%s: activation %d is %d and %d, want %d", what, i, y.q8[i], y.q16[i], x.q8[i])
			}
		}
		for i := range y.scale {
			if y.scale[i].neg != x.scale[i].neg || math.Float32bits(y.scale[i].d) != math.Float32bits(x.scale[i].d) {
				t.Fatalf("%s: block %d is %v, want %v", what, i, y.scale[i], x.scale[i])
			}
		}
		m, err := New(path, f, n, k, raw)
		if err != nil {
			t.Fatal(err)
		}
		got := make([]float32, rows*n)
		middle := rnd.IntN(m.Panels() + 1)
		m.Mul(got, n, &y, middle, m.Panels())
		m.Mul(got, n, &y, 0, middle)
		compareBits(t, what, got, want)
	}
}

func TestMulEqualsDefinition(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	for _, f := range quantised() {
		rounds := 40
		if testing.Short() {
			rounds = 12
		}
		for round := range rounds {
			k := f.superLen() * (1 + rnd.IntN(20*32/f.superLen()))
			checkMul(t, rnd, f, 1+rnd.IntN(20), 1+rnd.IntN(70), k, round%3 == 0)
		}
		for _, path := range kernel.Paths()[1:] {
			if m, err := New(path, f, 16, 256, randomBytes(rnd, f, 16, 256)); err != nil || m.packed == nil {
				t.Errorf("%v has no micro-kernel on %v: %v", f, path, err)
			} else {
				t.Logf("%v on %v", f, path)
			}
		}
		checkMul(t, rnd, f, 2*blockRowsAt(2048)+5, 17, 2048, false) // more rows than are done together
	}
}

// blockRowsAt is about how many rows of k stay in a cache.
func blockRowsAt(k int) int { return 128 << 10 / k }

// The largest sums: every weight and activation at its extreme, where a kernel that saturates would show.
func TestExtremes(t *testing.T) {
	for _, f := range quantised() {
		for _, fill := range []byte{0x80, 0x7f, 0xff, 0x00, 0x81} {
			const n, k, rows = 32, 256, 7
			raw := make([]byte, n*f.rowBytes(k))
			for i := range raw {
				raw[i] = fill
			}
			_, size, _ := f.Type().Block()
			for at := 0; at < len(raw); at += size {
				for _, place := range map[Format][]int{Q8_0: {0}, Q4_0: {0}, Q4_K: {0, 2}, Q6_K: {208}}[f] {
					binary.LittleEndian.PutUint16(raw[at+place:], 0x3c00)
				}
			}
			var x Activations
			x.Resize(rows, k)
			for i := range x.Float {
				x.Float[i] = 127
				if i/k%2 == 1 || i/k%3 == 2 && i%2 == 1 {
					x.Float[i] = -127
				}
			}
			for _, path := range kernel.Paths() {
				x.Quantise(path, 0, rows)
				m, err := New(path, f, n, k, raw)
				if err != nil {
					t.Fatal(err)
				}
				got, want := make([]float32, rows*n), make([]float32, rows*n)
				m.Mul(got, n, &x, 0, m.Panels())
				for i := range want {
					want[i] = DefineDot(f, raw[i%n*f.rowBytes(k):], &x, i/n)
				}
				compareBits(t, fmt.Sprintf("%v %v of %#x", path, f, fill), got, want)
			}
		}
	}
}

// The product is what the numbers say: DefineDot against the weights as floats times the activations in float64.
func TestDefinitionIsAProduct(t *testing.T) {
	rnd := rand.New(rand.NewPCG(2, 2))
	const k = 1024
	for _, f := range quantised() {
		v, w := make([]float32, k), make([]float32, k)
		for i := range v {
			v[i] = float32(rnd.NormFloat64())
		}
		raw, err := Encode(f, v)
		if err != nil {
			t.Fatal(err)
		}
		f.ReadRow(w, raw)
		var x Activations
		x.Resize(1, k)
		for i := range x.Float {
			x.Float[i] = float32(rnd.NormFloat64())
		}
		x.Quantise(kernel.PathGo, 0, 1)
		exact, sizes, weightError := 0.0, 0.0, 0.0
		for i, a := range w {
			exact += float64(a) * float64(x.Float[i])
			sizes += math.Abs(float64(a) * float64(x.Float[i]))
			weightError = max(weightError, math.Abs(float64(a-v[i])))
		}
		got := float64(DefineDot(f, raw, &x, 0))
		if math.Abs(got-exact) > sizes*0.002 { // activations have 8 bits; their errors cancel
			t.Errorf("%v: %g, want %g", f, got, exact)
		}
		if most := map[Format]float64{Q8_0: 0.02, Q4_0: 0.35, Q4_K: 0.3, Q6_K: 0.1}[f]; weightError > most {
			t.Errorf("%v: a weight is %g away from what was encoded", f, weightError)
		}
	}
}

func FuzzMul(f *testing.F) {
	f.Add(uint64(1), uint8(0), uint8(3), uint8(33), uint8(9))
	f.Add(uint64(2), uint8(3), uint8(6), uint8(16), uint8(1))
	f.Fuzz(func(t *testing.T, seed uint64, format, rows, n, blocks uint8) {
		form := quantised()[int(format)%4]
		k := form.superLen() * (1 + int(blocks)%20*BlockLen/form.superLen())
		checkMul(t, rand.New(rand.NewPCG(seed, 1)), form, 1+int(rows)%30, 1+int(n)%80, k, seed%2 == 0)
	})
}

func TestHalf(t *testing.T) {
	for h := range 1 << 16 {
		v := Half(uint16(h))
		if v == v && ToHalf(v) != uint16(h) {
			t.Fatalf("%04x becomes %g becomes %04x", h, v, ToHalf(v))
		}
	}
	for _, c := range []struct {
		v    float32
		want uint16
	}{
		{1, 0x3c00},
		{-2, 0xc000},
		{65504, 0x7bff},
		{65519, 0x7bff},
		{65520, 0x7c00},
		{1 + 0x1p-11, 0x3c00},
		{1 + 0x3p-11, 0x3c02},
		{0x1p-24, 1},
		{0x1p-25, 0},
		{0x3p-26, 1},
		{0x1p-14, 0x0400},
		{0x1.ff8p-15, 0x03ff},
		{0x1.fffp-15, 0x0400},
		{kernel.NaN(), 0x7e00},
	} {
		if got := ToHalf(c.v); got != c.want {
			t.Errorf("%g becomes %04x, want %04x", c.v, got, c.want)
		}
	}
}
