//go:build (amd64 || arm64) && !purego

package kernel

//go:generate go run gen.go

// What the processors with assembly share: cutting a tile into what the micro-kernels can do.

// tile computes a tile by the widest micro-kernels that fit. Where columns are left over, a kernel
// writes beyond them into a buffer, which is possible because panels are filled up with zeros.
func (p Path) tile(c, a, panel []float32, t tile) {
	if p == PathGo {
		tileGo(c, a, panel, t)
		return
	}
	for first := 0; first < t.cols; {
		left := t.cols - first
		wide := p.wide(left)
		if left >= wide && (microJoins || !t.join) {
			p.micro(c[first:], a, panel[first:], t, wide)
		} else {
			p.edge(c[first:], a, panel[first:], t, wide, min(wide, left))
		}
		first += wide
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

// tapsVector runs the depthwise chains of a pixel's channels, as many as fit into registers, and says
// how many; at least one tap is needed.
func (p Path) tapsVector(row, x, weights []float32, xs, ws []int) int {
	n := len(row) / tapsLanes * tapsLanes
	if p == PathGo || n == 0 {
		return 0
	}
	for t := range xs { // panic here rather than read astray
		_, _ = x[xs[t]:xs[t]+n], weights[ws[t]:ws[t]+n]
	}
	p.taps(row[:n], x, weights, xs, ws)
	return n
}
