//go:build arm64 && !purego

package kernel

const (
	tapsLanes  = 4     // elements that the depthwise loop takes at a time
	microJoins = false // the assembler knows no vector addition of floats: segments are joined in Go
)

// Paths lists what this machine can run, quickest last. Every arm64 has NEON.
func Paths() []Path { return []Path{PathGo, PathNEON} }

// tileRows lists the heights of the path's micro-kernels, tallest first.
func (p Path) tileRows() []int {
	if p == PathNEON {
		return rowsNEON()
	}
	return []int{1}
}

// wide is the width of the micro-kernels.
func (p Path) wide(int) int { return 16 }

// micro calls one micro-kernel. The slice expressions panic if it would leave its operands.
func (p Path) micro(c, a, panel []float32, t tile, wide int) {
	a = a[:(t.rows-1)*t.lda+t.k]
	c = c[:(t.rows-1)*t.ldc+wide]
	panel = panel[:(t.k-1)*panelWidth+wide]
	tileNEON(t.rows, t.k, &a[0], 4*t.lda, &panel[0], &c[0], 4*t.ldc)
}

// taps runs the depthwise chains of a row whose length is a multiple of tapsLanes.
func (p Path) taps(row, x, weights []float32, xs, ws []int) {
	tapsNEON(len(row), &row[0], &x[0], &weights[0], &xs[0], &ws[0], len(xs))
}

// The elementwise forms are left to Go: they are a small part of the work.

func (p Path) applyVector(row, bias, scale, shift []float32, lo, hi float32) int { return 0 }

func (p Path) addVector(y, a, b []float32) int { return 0 }

func (p Path) expVector(v []float32) int { return 0 }
