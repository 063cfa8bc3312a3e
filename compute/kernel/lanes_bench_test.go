package kernel

import (
	"fmt"
	"testing"
)

// benchLen elements fit into the first cache, twice.
const benchLen = 2048

// benchmarkElements runs f over and over and reports what an element costs.
func benchmarkElements(b *testing.B, f func()) {
	b.SetBytes(4 * benchLen)
	for b.Loop() {
		f()
	}
	b.ReportMetric(benchLen*float64(b.N)/b.Elapsed().Seconds()/1e6, "Melem/s")
}

// BenchmarkLanes has each kernel on each path; PathGo is the scalar definition. Copy is what memory allows.
func BenchmarkLanes(b *testing.B) {
	v := newValues(40)
	x, z, y := fill(benchLen, v.mild), fill(benchLen, v.mild), make([]float32, benchLen)
	b.Run("copy", func(b *testing.B) { benchmarkElements(b, func() { copy(y, x) }) })
	for u := range unaryEnd {
		for _, path := range Paths() {
			b.Run(fmt.Sprintf("unary=%v/path=%v", u, path), func(b *testing.B) {
				benchmarkElements(b, func() { path.Unary(u, y, x, 0.25, 0.5) })
			})
		}
	}
	for f := range binaryEnd {
		for _, path := range Paths() {
			b.Run(fmt.Sprintf("binary=%d/path=%v", f, path), func(b *testing.B) {
				benchmarkElements(b, func() { path.Binary(f, y, x, z) })
			})
		}
	}
	for r := range reductionEnd {
		for _, path := range Paths() {
			b.Run(fmt.Sprintf("reduction=%d/path=%v", r, path), func(b *testing.B) {
				benchmarkElements(b, func() { y[0] = path.Reduce(r, x, 1) })
			})
		}
	}
	bytes, sums := make([]uint8, benchLen), make([]int32, benchLen)
	for _, path := range Paths() {
		for _, row := range []struct {
			name string
			f    func()
		}{
			{"softmax", func() { path.Softmax(y, x) }},
			{"scale-shift", func() { path.ScaleShift(y, x, 2, 1) }},
			{"normalize", func() { path.Normalize(y, x, 2, 1) }},
			{"accumulate", func() { path.Accumulate(y, x, 0.5) }},
			{"quantize", func() { path.QuantizeUint8(bytes, x, 0.1, 3) }},
			{"requantize", func() { path.RequantizeUint8(bytes, sums, 3, 0.1, 3) }},
			{"dequantize", func() { path.DequantizeUint8(y, bytes, 0.1, 3) }},
			{"columns", func() { path.ReduceColumns(ReductionSum, y[:64], x, 32, 64, nil) }},
		} {
			b.Run(fmt.Sprintf("%s/path=%v", row.name, path), func(b *testing.B) { benchmarkElements(b, row.f) })
		}
	}
}
