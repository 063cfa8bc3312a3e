//go:build amd64 && !purego

package kernel

import "golang.org/x/sys/cpu"

const (
	vectorLanes = 8    // elements that the elementwise loops take at a time
	tapsLanes   = 8    // and the depthwise ones
	microJoins  = true // the micro-kernels can add to what earlier segments left
)

// Paths lists what this machine can run, quickest last.
func Paths() []Path {
	paths := []Path{PathGo}
	if cpu.X86.HasAVX2 && cpu.X86.HasFMA {
		paths = append(paths, PathAVX2)
		if wide512Here() {
			paths = append(paths, PathAVX512)
			if cpu.X86.HasAVX512VNNI {
				paths = append(paths, PathVNNI)
			}
		}
	}
	return paths
}

// wide512Here says whether the processor has what the kernels of 512 bits take, and the system keeps their registers (package cpu
// asks XGETBV).
func wide512Here() bool {
	return cpu.X86.HasAVX512F && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512DQ && cpu.X86.HasAVX512VL
}

// tileRows lists the heights of the path's micro-kernels, tallest first.
func (p Path) tileRows() []int {
	switch p {
	case PathAVX512, PathVNNI:
		return rowsAVX512()
	case PathAVX2:
		return rowsAVX2()
	}
	return []int{1}
}

// wide is the width of the micro-kernel for so many columns.
func (p Path) wide(left int) int {
	if p.wide512() && left > 16 {
		return 32
	}
	return 16
}

// micro calls one micro-kernel. The slice expressions panic if it would leave its operands.
func (p Path) micro(c, a, panel []float32, t tile, wide int) {
	a = a[:(t.rows-1)*t.lda+t.k]
	c = c[:(t.rows-1)*t.ldc+wide]
	panel = panel[:(t.k-1)*panelWidth+wide]
	if p.wide512() {
		tileAVX512(t.rows, wide, t.k, &a[0], 4*t.lda, &panel[0], &c[0], 4*t.ldc, t.join)
	} else {
		tileAVX2(t.rows, wide, t.k, &a[0], 4*t.lda, &panel[0], &c[0], 4*t.ldc, t.join)
	}
}

// The vector forms say how many elements they did; the caller does the rest by the definition.

func (p Path) applyVector(row, bias, scale, shift []float32, lo, hi float32) int {
	n := len(row) / vectorLanes * vectorLanes
	if p == PathGo || n == 0 {
		return 0
	}
	row, bias, scale, shift = row[:n], bias[:n], scale[:n], shift[:n]
	applyAVX2(n, &row[0], &bias[0], &scale[0], &shift[0], lo, hi)
	return n
}

func (p Path) addVector(y, a, b []float32) int {
	n := len(y) / vectorLanes * vectorLanes
	if p == PathGo || n == 0 {
		return 0
	}
	y, a, b = y[:n], a[:n], b[:n]
	addAVX2(n, &y[0], &a[0], &b[0])
	return n
}

func (p Path) expVector(v []float32) int {
	n := len(v) / vectorLanes * vectorLanes
	if p == PathGo || n == 0 {
		return 0
	}
	expAVX2(n, &v[0])
	return n
}

// taps runs the depthwise chains of a row whose length is a multiple of tapsLanes.
func (p Path) taps(row, x, weights []float32, xs, ws []int) {
	done := 0
	if wide := len(row) / 16 * 16; p.wide512() && wide > 0 {
		tapsAVX512(wide, &row[0], &x[0], &weights[0], &xs[0], &ws[0], len(xs))
		done = wide
	}
	if done < len(row) {
		tapsAVX2(len(row)-done, &row[done], &x[done], &weights[done], &xs[0], &ws[0], len(xs))
	}
}
