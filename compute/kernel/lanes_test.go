package kernel

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/aiwork/aiwork-node/internal/testutil"
)

// What is computed lane by lane equals its definition, bit by bit, on every path of this machine: unary
// functions over a sample of all inputs (the soak test takes all of them), everything else over lengths
// that leave every remainder and values that include all corners of binary32.

func TestUnaryPaths(t *testing.T) {
	stride := uint64(20_011)
	if testing.Short() {
		stride = 200_003
	}
	sweepUnaryPaths(t, stride)
}

// parameters that make a function of u worth trying.
func (u Unary) parameters() [][2]float32 {
	switch u {
	case UnaryHardSigmoid:
		return [][2]float32{{0.2, 0.5}, {1.0 / 6, 0.5}}
	case UnaryClip:
		return [][2]float32{{0, 6}, {-1, 1}, {5, 3}, {0, float32(math.Inf(1))}, {NaN(), 1}}
	case UnaryShrink, UnarySelu:
		return [][2]float32{{0.25, 0.5}, {1.6732632, 1.050701}}
	}
	if u == UnaryLeakyRelu || u == UnaryElu || u == UnaryCelu || u == UnaryThresholdedRelu {
		return [][2]float32{{0.01, 0}, {1, 0}}
	}
	return [][2]float32{{}}
}

// sweepUnaryPaths compares every stride-th bit pattern, one function after the other.
func sweepUnaryPaths(t *testing.T, stride uint64) {
	for u := range unaryEnd {
		if !u.Vector() {
			continue
		}
		for i, params := range u.parameters() {
			t.Run(fmt.Sprintf("%v/%d", u, i), func(t *testing.T) { u.sweep(t, stride, params) })
		}
	}
}

func (u Unary) sweep(t *testing.T, stride uint64, params [2]float32) {
	testutil.Patterns(stride, func(list []uint32) bool {
		x, want, got := floats(list), make([]float32, len(list)), make([]float32, len(list))
		for i, v := range x {
			want[i] = DefineUnary(u, v, params[0], params[1])
		}
		for _, path := range Paths()[1:] {
			path.Unary(u, got, x, params[0], params[1])
			if !agrees(t, path.String(), x, got, want) {
				return false
			}
		}
		return true
	})
}

// eachLength calls do for lengths with every remainder and for every path; the odd ones get wild values.
func eachLength(do func(path Path, n int, next func() float32)) {
	v := newValues(31)
	for _, path := range Paths() {
		for n := range 140 {
			next := v.mild
			if n%2 == 1 {
				next = v.any
			}
			do(path, n, next)
		}
	}
}

func TestUnaryLengths(t *testing.T) {
	eachLength(func(path Path, n int, next func() float32) {
		x, want := fill(n, next), make([]float32, n)
		for u := range unaryEnd {
			for i := range x {
				want[i] = DefineUnary(u, x[i], 0.25, 0.5)
			}
			got := fill(n+3, next) // what lies behind must stay
			behind := append([]float32(nil), got[n:]...)
			path.Unary(u, got[:n], x, 0.25, 0.5)
			compare(t, fmt.Sprintf("%v: %v", path, u), got[:n], want)
			compare(t, fmt.Sprintf("%v: behind %v", path, u), got[n:], behind)
			copy(got, x)
			path.Unary(u, got[:n], got[:n], 0.25, 0.5)
			compare(t, fmt.Sprintf("%v: %v in place", path, u), got[:n], want)
		}
	})
}

func TestBinaryPaths(t *testing.T) {
	eachLength(func(path Path, n int, next func() float32) {
		a, b, one := fill(n, next), fill(n, next), next()
		for f := range binaryEnd {
			what := fmt.Sprintf("%v: function %d", path, f)
			check := func(form string, run func(y []float32), define func(i int) float32) {
				got, want := fill(n, next), make([]float32, n)
				run(got)
				for i := range want {
					want[i] = define(i)
				}
				compare(t, what+form, got, want)
			}
			check(" of pairs", func(y []float32) { path.Binary(f, y, a, b) }, func(i int) float32 { return DefineBinary(f, a[i], b[i]) })
			check(" by one", func(y []float32) { path.BinaryRight(f, y, a, one) }, func(i int) float32 { return DefineBinary(f, a[i], one) })
			check(" of one", func(y []float32) { path.BinaryLeft(f, y, one, b) }, func(i int) float32 { return DefineBinary(f, one, b[i]) })
		}
	})
}

func TestRowPaths(t *testing.T) {
	eachLength(func(path Path, n int, next func() float32) {
		a, b, c, p, q := fill(n, next), fill(n, next), fill(n, next), next(), next()
		check := func(what string, run func(y []float32), define func(i int) float32) {
			got, want := append([]float32(nil), c...), make([]float32, n)
			for i := range want {
				want[i] = define(i)
			}
			run(got)
			compare(t, fmt.Sprintf("%v: %s", path, what), got, want)
		}
		check("scale", func(y []float32) { path.ScaleShift(y, a, p, q) }, func(i int) float32 { return FMA(a[i], p, q) })
		check("fma", func(y []float32) { path.FMAs(y, a, b, c) }, func(i int) float32 { return FMA(a[i], b[i], c[i]) })
		check("accumulate", func(y []float32) { path.Accumulate(y, a, p) }, func(i int) float32 { return FMA(a[i], p, c[i]) })
		check("bias", func(y []float32) { path.Bias(y, a, b) }, func(i int) float32 { return (a[i] + b[i]) + 0 })
		check("one bias", func(y []float32) { path.BiasBy(y, a, p) }, func(i int) float32 { return (a[i] + p) + 0 })
		check("normalize", func(y []float32) { path.Normalize(y, a, p, q) }, func(i int) float32 { return (a[i] - p) / q })
		check("exp", func(y []float32) { path.ExpLess(y, a, p) }, func(i int) float32 { return Exp(a[i] - p) })
		long := fill(2*n, next)
		check("evens", func(y []float32) { path.Evens(y, long[:max(0, 2*n-1)]) }, func(i int) float32 { return long[2*i] })
	})
}

func TestReducePaths(t *testing.T) {
	v := newValues(33)
	eachLength(func(path Path, n int, next func() float32) {
		x := fill(n, next)
		if n%5 == 0 { // zeros of both signs, whose order shows
			for i := range x {
				x[i] = math.Float32frombits(uint32(v.IntN(2)) << 31)
			}
		}
		mean := next()
		for r := range reductionEnd {
			got, want := path.Reduce(r, x, mean), DefineReduce(r, x, mean)
			compare(t, fmt.Sprintf("%v: reduction %d of %d", path, r, n), []float32{got}, []float32{want})
		}
		if n > 0 {
			got := make([]float32, n)
			path.LogSoftmax(got, x)
			compare(t, fmt.Sprintf("%v: log softmax of %d", path, n), got, defineLogSoftmax(x))
		}
	})
}

func defineLogSoftmax(x []float32) []float32 {
	top, y := DefineReduce(ReductionMax, x, 0), make([]float32, len(x))
	for i, v := range x {
		y[i] = Exp(v - top)
	}
	total := Log(DefineReduce(ReductionSum, y, 0))
	for i, v := range x {
		y[i] = (v - top) - total
	}
	return y
}

func TestReduceColumns(t *testing.T) {
	v := newValues(34)
	for round := range 60 {
		next := v.sometimesWild(round)
		rows, columns, gap := v.IntN(80), 1+v.IntN(300), v.IntN(4)
		x, means := fill(rows*(columns+gap)+columns, next), fill(columns, next)
		for r := range reductionEnd {
			want := make([]float32, columns)
			for j := range want {
				column := make([]float32, rows)
				for i := range column {
					column[i] = x[i*(columns+gap)+j]
				}
				want[j] = DefineReduce(r, column, means[j])
			}
			for _, path := range Paths() {
				got := make([]float32, columns)
				path.ReduceColumns(r, got, x, rows, columns+gap, means)
				compare(t, fmt.Sprintf("%v: reduction %d of %d rows", path, r, rows), got, want)
			}
		}
	}
}

func TestBytePaths(t *testing.T) {
	v := newValues(35)
	eachLength(func(path Path, n int, next func() float32) {
		x, sums := fill(n, func() float32 { return next() * 100 }), make([]int32, n)
		bytes, signed := make([]uint8, n), make([]int8, n)
		for i := range sums {
			sums[i] = int32(v.Uint32()) >> v.IntN(32)
			bytes[i], signed[i] = uint8(v.Uint32()), int8(v.Uint32())
		}
		scale, bias := next(), int32(v.Uint32())>>v.IntN(32)
		for _, zero := range []int32{0, 7, 127, 255, -1, -128} {
			checkBytes(t, path, x, sums, bytes, signed, scale, bias, zero)
		}
		products, want := make([]int32, n), make([]int32, n)
		for i := range want {
			products[i] = int32(bytes[i])
			want[i] = products[i] + sums[i]*bias
		}
		path.AddProducts(products, sums, bias)
		if !slices.Equal(products, want) {
			t.Fatalf("%v: sums of products: got %v, want %v", path, products, want)
		}
	})
}

// checkBytes compares with the rule in numbers wide enough that nothing can overflow.
func checkBytes(t *testing.T, path Path, x []float32, sums []int32, bytes []uint8, signed []int8, scale float32, bias, zero int32) {
	t.Helper()
	n := len(x)
	plain := func(v float32, low, high float64) int32 {
		r := math.RoundToEven(float64(v))
		if r != r {
			r = 0
		}
		return int32(min(max(r+float64(zero), low), high))
	}
	got, gotSigned, y, want, less := make([]uint8, n), make([]int8, n), make([]float32, n), make([]float32, n), make([]int32, n)
	if zero >= 0 {
		path.QuantizeUint8(got, x, scale, zero)
		for i := range got {
			if want := uint8(plain(x[i]/scale, 0, 255)); got[i] != want {
				t.Fatalf("%v: %g/%g + %d: got %d, want %d", path, x[i], scale, zero, got[i], want)
			}
		}
		path.RequantizeUint8(got, sums, bias, scale, zero)
		for i := range got {
			if want := uint8(plain(float32(float32(sums[i]+bias)*scale), 0, 255)); got[i] != want {
				t.Fatalf("%v: (%d + %d)·%g + %d: got %d, want %d", path, sums[i], bias, scale, zero, got[i], want)
			}
		}
	}
	if zero < 128 {
		path.QuantizeInt8(gotSigned, x, scale, zero)
		for i := range gotSigned {
			if want := int8(plain(x[i]/scale, -128, 127)); gotSigned[i] != want {
				t.Fatalf("%v: signed %g/%g + %d: got %d, want %d", path, x[i], scale, zero, gotSigned[i], want)
			}
		}
		path.RequantizeInt8(gotSigned, sums, bias, scale, zero)
		for i := range gotSigned {
			if want := int8(plain(float32(float32(sums[i]+bias)*scale), -128, 127)); gotSigned[i] != want {
				t.Fatalf("%v: signed (%d + %d)·%g + %d: got %d, want %d", path, sums[i], bias, scale, zero, gotSigned[i], want)
			}
		}
	}
	path.DequantizeUint8(y, bytes, scale, zero)
	path.LessUint8(less, bytes, zero)
	for i := range want {
		want[i] = float32(float32(int64(bytes[i])-int64(zero)) * scale)
		if less[i] != int32(bytes[i])-zero {
			t.Fatalf("%v: %d - %d: got %d", path, bytes[i], zero, less[i])
		}
	}
	compare(t, path.String()+": of unsigned bytes", y, want)
	path.DequantizeInt8(y, signed, scale, zero)
	path.LessInt8(less, signed, zero)
	for i := range want {
		want[i] = float32(float32(int64(signed[i])-int64(zero)) * scale)
		if less[i] != int32(signed[i])-zero {
			t.Fatalf("%v: %d - %d: got %d", path, signed[i], zero, less[i])
		}
	}
	compare(t, path.String()+": of signed bytes", y, want)
}

// A long row goes in stretches.
func TestStretches(t *testing.T) {
	v := newValues(36)
	n := 2*stretchMax + 13
	a, b, want := fill(n, v.any), fill(n, v.any), make([]float32, n)
	check := func(what string, define func(i int) float32, run func(path Path, y []float32)) {
		for i := range want {
			want[i] = define(i)
		}
		for _, path := range Paths() {
			got := make([]float32, n)
			run(path, got)
			compare(t, fmt.Sprintf("%v: %s", path, what), got, want)
		}
	}
	check("abs", func(i int) float32 { return abs(a[i]) }, func(p Path, y []float32) { p.Unary(UnaryAbs, y, a, 0, 0) })
	check("a - b", func(i int) float32 { return a[i] - b[i] }, func(p Path, y []float32) { p.Binary(BinarySub, y, a, b) })
	check("a - 3", func(i int) float32 { return a[i] - 3 }, func(p Path, y []float32) { p.BinaryRight(BinarySub, y, a, 3) })
	check("3 - b", func(i int) float32 { return 3 - b[i] }, func(p Path, y []float32) { p.BinaryLeft(BinarySub, y, 3, b) })
	check("exp(a - 3)", func(i int) float32 { return Exp(a[i] - 3) }, func(p Path, y []float32) { p.ExpLess(y, a, 3) })
}
