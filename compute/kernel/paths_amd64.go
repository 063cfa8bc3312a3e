//go:build amd64 && !purego

package kernel

import "golang.org/x/sys/cpu"

//go:generate go run gen.go

// vectorLanes is the number of elements that the elementwise loops take at a time.
const vectorLanes = 8

// Paths lists what this machine can run, quickest last.
func Paths() []Path {
	paths := []Path{PathGo}
	if cpu.X86.HasAVX2 && cpu.X86.HasFMA {
		paths = append(paths, PathAVX2)
		if cpu.X86.HasAVX512F {
			paths = append(paths, PathAVX512)
		}
	}
	return paths
}

// tileRows lists the heights of the path's micro-kernels, tallest first.
func (p Path) tileRows() []int {
	switch p {
	case PathAVX512:
		return rowsAVX512()
	case PathAVX2:
		return rowsAVX2()
	}
	return []int{1}
}

// tile computes a tile by the widest micro-kernels that fit. Where columns are left over, a kernel
// writes beyond them into a buffer, which is possible because panels are filled up with zeros.
func (p Path) tile(c, a, panel []float32, t tile) {
	if p == PathGo {
		tileGo(c, a, panel, t)
		return
	}
	for first := 0; first < t.cols; {
		wide := 16
		if p == PathAVX512 && t.cols-first > 16 {
			wide = 32
		}
		if t.cols-first >= wide {
			p.micro(c[first:], a, panel[first:], t, wide)
		} else {
			p.edge(c[first:], a, panel[first:], t, wide, t.cols-first)
		}
		first += wide
	}
}

// micro calls one micro-kernel. The slice expressions panic if it would leave its operands.
func (p Path) micro(c, a, panel []float32, t tile, wide int) {
	a = a[:(t.rows-1)*t.lda+t.k]
	c = c[:(t.rows-1)*t.ldc+wide]
	panel = panel[:(t.k-1)*panelWidth+wide]
	if p == PathAVX512 {
		tileAVX512(t.rows, wide, t.k, &a[0], 4*t.lda, &panel[0], &c[0], 4*t.ldc, t.join)
	} else {
		tileAVX2(t.rows, wide, t.k, &a[0], 4*t.lda, &panel[0], &c[0], 4*t.ldc, t.join)
	}
}

// edge computes a tile of fewer columns than the micro-kernel has.
func (p Path) edge(c, a, panel []float32, t tile, wide, cols int) {
	var buffer [12 * panelWidth]float32
	whole := t
	whole.ldc, whole.join = wide, false
	p.micro(buffer[:], a, panel, whole, wide)
	for i := range t.rows {
		out, sums := c[i*t.ldc:][:cols], buffer[i*wide:][:cols]
		if !t.join {
			copy(out, sums)
			continue
		}
		for j, v := range sums {
			out[j] += v
		}
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

// tapsVector runs the depthwise chains of a pixel's channels; at least one tap is needed.
func (p Path) tapsVector(row, x, weights []float32, xs, ws []int) int {
	if p == PathGo {
		return 0
	}
	n := len(row) / vectorLanes * vectorLanes
	for t := range xs { // panic here rather than read astray
		_, _ = x[xs[t]:xs[t]+n], weights[ws[t]:ws[t]+n]
	}
	done := 0
	if wide := n / 16 * 16; p == PathAVX512 && wide > 0 {
		tapsAVX512(wide, &row[0], &x[0], &weights[0], &xs[0], &ws[0], len(xs))
		done = wide
	}
	if done < n {
		tapsAVX2(n-done, &row[done], &x[done], &weights[done], &xs[0], &ws[0], len(xs))
	}
	return n
}
