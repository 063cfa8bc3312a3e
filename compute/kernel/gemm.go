package kernel

import "github.com/aiwork/aiwork-node/internal/must"

// Gemm sets the m rows of c to those of a times the matrix in b, finished by post. Rows of a have b.K
// elements, rows of c have b.N. It equals DefineGemm followed by the operators in post, to the bit.
func (p Path) Gemm(c, a []float32, m int, b *Panels, post *Post) {
	must.Hold(b.K > 0 && b.N > 0 && len(post.Bias) == b.N, "product of an empty matrix, or of another width than its post")
	rows := max(blockRowsMin, blockBytes/(4*b.K)/blockRowsMin*blockRowsMin)
	for i := 0; i < m; i += rows {
		p.block(c[i*b.N:], a[i*b.K:], min(rows, m-i), b, post)
	}
}

const (
	blockRowsMin = 24        // a multiple of every tallest micro-kernel
	blockBytes   = 192 << 10 // of a, which then stays in the second cache while panels pass by
)

// block does m rows that are few enough to stay in the cache.
func (p Path) block(c, a []float32, m int, b *Panels, post *Post) {
	tall := p.tileRows()
	for first := 0; first < b.N; first += panelWidth {
		panel := b.data[first*b.K:]
		for k := 0; k < b.K; k += SegmentLen {
			length := min(SegmentLen, b.K-k)
			t := tile{
				k: length, lda: b.K, ldc: b.N,
				cols: min(panelWidth, b.N-first), join: k > 0,
			}
			for i := 0; i < m; i += t.rows {
				t.rows = fit(m-i, tall)
				p.tile(c[i*b.N+first:], a[i*b.K+k:], panel[k*panelWidth:], t)
			}
		}
	}
	for i := range m {
		p.apply(c[i*b.N:(i+1)*b.N], 0, post)
	}
}

// A tile is the part of c that one call of a micro-kernel computes over one segment of k.
type tile struct {
	rows, cols int  // of c
	k          int  // steps, at most SegmentLen
	lda, ldc   int  // elements from row to row of a and of c
	join       bool // add to c what earlier segments left there
}

// fit picks the tallest micro-kernel of at most left rows from those of a list, tallest first.
func fit(left int, heights []int) int {
	for _, h := range heights {
		if h <= left {
			return h
		}
	}
	return 1
}

// tileGo is the portable micro-kernel; panel rows are panelWidth apart.
func tileGo(c, a, panel []float32, t tile) {
	var acc [panelWidth]float32
	for i := range t.rows {
		sums := acc[:t.cols]
		clear(sums)
		for l, v := range a[i*t.lda : i*t.lda+t.k] {
			row := panel[l*panelWidth:][:len(sums)]
			for j, w := range row {
				sums[j] = FMA(v, w, sums[j])
			}
		}
		out := c[i*t.ldc:][:len(sums)]
		if t.join {
			for j, v := range sums {
				out[j] += v
			}
		} else {
			copy(out, sums)
		}
	}
}
