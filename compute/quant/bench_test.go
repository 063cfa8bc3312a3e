package quant

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/aiwork/aiwork-node/compute/kernel"
)

// BenchmarkMul multiplies by 2048 × 2048 weights.
func BenchmarkMul(b *testing.B) {
	const n, k = 2048, 2048
	rnd := rand.New(rand.NewPCG(1, 1))
	for _, f := range quantised() {
		m, err := New(kernel.Best(), f, n, k, randomBytes(rnd, f, n, k))
		if err != nil {
			b.Fatal(err)
		}
		for _, rows := range []int{1, 64} {
			var x Activations
			x.Resize(rows, k)
			randomFloats(rnd, x.Float, false)
			x.Quantise(kernel.Best(), 0, rows)
			out := make([]float32, rows*n)
			b.Run(fmt.Sprintf("format=%v/rows=%d", f, rows), func(b *testing.B) {
				for b.Loop() {
					m.Mul(out, n, &x, 0, m.Panels())
				}
				b.ReportMetric(2*float64(rows*n*k)*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "GOP/s")
				b.ReportMetric(float64(n*f.rowBytes(k))*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "GB/s")
			})
		}
	}
}

// BenchmarkQuantise makes the blocks of 2048 floats.
func BenchmarkQuantise(b *testing.B) {
	var x Activations
	x.Resize(1, 2048)
	randomFloats(rand.New(rand.NewPCG(1, 1)), x.Float, false)
	for b.Loop() {
		x.Quantise(kernel.Best(), 0, 1)
	}
}
