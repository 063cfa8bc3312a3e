package kernel

import (
	"fmt"
	"testing"
)

// BenchmarkPeak measures the fused multiply-adds that this machine can do at all: a product so small
// that everything stays in the first cache.
func BenchmarkPeak(b *testing.B) {
	for _, path := range Paths() {
		b.Run("path="+path.String(), func(b *testing.B) { benchmarkGemm(b, path, 12, 32, 256) })
	}
}

func BenchmarkGemm(b *testing.B) {
	for _, path := range Paths() {
		for _, s := range [][3]int{{49, 320, 960}, {196, 576, 96}, {3136, 24, 144}, {768, 768, 768}} {
			b.Run(fmt.Sprintf("path=%v/m=%d/n=%d/k=%d", path, s[0], s[1], s[2]), func(b *testing.B) {
				benchmarkGemm(b, path, s[0], s[1], s[2])
			})
		}
	}
}

func benchmarkGemm(b *testing.B, path Path, m, n, k int) {
	v := newValues(9)
	a, c, post := fill(m*k, v.mild), make([]float32, m*n), NewPost(n)
	weights := Pack(fill(k*n, v.mild), k, n)
	for b.Loop() {
		path.Gemm(c, a, m, weights, post)
	}
	flops := 2 * float64(m) * float64(n) * float64(k) * float64(b.N)
	b.ReportMetric(flops/b.Elapsed().Seconds()/1e9, "GFLOP/s")
}

func BenchmarkFMA(b *testing.B) {
	v := newValues(10)
	x := fill(1024, v.mild)
	acc := float32(0)
	for b.Loop() {
		for i := range x {
			acc = FMA(x[i], 0.5, acc)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1024, "ns/fma")
	if acc == 12345 {
		b.Log(acc)
	}
}
