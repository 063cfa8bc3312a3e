//go:build arm64 && !purego

package kernel

// A slideEnd is a band's end as slideNEON takes it.
type slideEnd struct{ bias, lo, hi float32 }

// chains does a row at a time, in pieces that stay on the stack.
func (p Path) chains(y, x []float32, w *Windows, weights []float32, b *band) {
	if p == PathGo {
		chainsGo(y, x, w, weights, b)
		return
	}
	var piece [slideMax]float32
	end := slideEnd{b.bias, -infinity(), infinity()}
	for row := range w.rows {
		for at := 0; at < w.width; at += slideMax {
			n := min(slideMax, w.width-at)
			slideNEON((n+3)/4*4, &piece[0], &x[row*w.pitch+at], &w.offsets[0], &weights[0], len(w.offsets), &end)
			out := y[row*w.width+at:][:n]
			p.ScaleShift(out, piece[:n], b.scale, b.shift)
			if b.clamps {
				p.Unary(UnaryClip, out, out, b.lo, b.hi)
			}
		}
	}
}

const slideMax = 256

func (p Path) largest(y, x []float32, w *Windows, b *band) {
	if p == PathGo {
		largestGo(y, x, w, b)
		return
	}
	for row := range w.rows {
		out, from := y[row*w.width:][:w.width], x[row*w.pitch:]
		copy(out, from[w.offsets[0]/4:])
		for _, o := range w.offsets[1:] {
			p.Binary(BinaryMax, out, from[o/4:][:w.width], out)
		}
		if b.clamps {
			p.Unary(UnaryClip, out, out, b.lo, b.hi)
		}
	}
}

func (p Path) widen(to, from []float32, rows, width, pitch int, border float32) {
	widenGo(to, from, rows, width, pitch)
}

func (p Path) halve(even, odd, from []float32, rows, width, pitch int, border float32) {
	halveGo(even, odd, from, rows, width, pitch)
}

// HasMeans reports whether Means has a kernel for so many taps.
func (p Path) HasMeans(int) bool { return false }

func (p Path) means(y, x []float32, w *Windows, b *band) { meansGo(y, x, w, b) }
