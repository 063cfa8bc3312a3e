package kernel

// PackConv lays out weights[kh][kw][in][out] for Conv: as a matrix whose rows are in the order of the
// chain, channel by channel.
func PackConv(weights []float32, w Window, outs int) *Panels {
	taps := w.KernelHeight * w.KernelWidth
	rows := make([]float32, len(weights))
	for t := range taps {
		for c := range w.Channels {
			copy(rows[(c*taps+t)*outs:(c*taps+t+1)*outs], weights[(t*w.Channels+c)*outs:])
		}
	}
	return Pack(rows, taps*w.Channels, outs)
}

// Pointwise reports whether the windows of w are the pixels themselves, so that Conv is a Gemm.
func (w Window) Pointwise() bool {
	return w.KernelHeight == 1 && w.KernelWidth == 1 && w.StrideHeight == 1 && w.StrideWidth == 1 &&
		w.Top+w.Bottom+w.Left+w.Right == 0
}

// Conv computes the output rows [from, to) of a convolution. Scratch must hold ScratchLen elements.
func (p Path) Conv(out, x, scratch []float32, w Window, b *Panels, post *Post, from, to int) {
	wide := w.OutWidth()
	if w.Pointwise() {
		p.Gemm(out[from*wide*b.N:], x[from*wide*b.K:], (to-from)*wide, b, post)
		return
	}
	for oh := from; oh < to; oh++ {
		unfold(scratch, x, w, oh)
		p.Gemm(out[oh*wide*b.N:], scratch, wide, b, post)
	}
}

// ScratchLen is the number of elements of scratch that Conv needs.
func (w Window) ScratchLen() int {
	if w.Pointwise() {
		return 0
	}
	return w.OutWidth() * w.Channels * w.KernelHeight * w.KernelWidth
}

// unfold writes the windows of output row oh as rows of a matrix, taps in the order of the chain.
func unfold(rows, x []float32, w Window, oh int) {
	taps := w.KernelHeight * w.KernelWidth
	for ow := range w.OutWidth() {
		row := rows[ow*taps*w.Channels:][:taps*w.Channels]
		for kh := range w.KernelHeight {
			for kw := range w.KernelWidth {
				t := kh*w.KernelWidth + kw
				pixel, ok := w.pixel(oh, ow, kh, kw)
				for c := range w.Channels {
					v := float32(0)
					if ok {
						v = x[pixel*w.Channels+c]
					}
					row[c*taps+t] = v
				}
			}
		}
	}
}

// TapsMax bounds the taps of a depthwise convolution: its chain is a single segment.
const TapsMax = 64

// Depthwise computes the output rows [from, to) of a depthwise convolution with weights[kh][kw][channel].
// Taps in the padding are skipped, which AIW-2 makes invisible.
func (p Path) Depthwise(out, x, weights []float32, w Window, post *Post, from, to int) {
	n := w.Channels
	var xs, ws [TapsMax]int // offsets of the taps' pixels and weights
	for oh := from; oh < to; oh++ {
		for ow := range w.OutWidth() {
			taps := 0
			for kh := range w.KernelHeight {
				for kw := range w.KernelWidth {
					if pixel, ok := w.pixel(oh, ow, kh, kw); ok {
						xs[taps], ws[taps] = pixel*n, (kh*w.KernelWidth+kw)*n
						taps++
					}
				}
			}
			row := out[(oh*w.OutWidth()+ow)*n:][:n]
			done := 0
			if taps > 0 {
				done = p.tapsVector(row, x, weights, xs[:taps], ws[:taps])
			}
			if done < n {
				tapsGo(row[done:], x[done:], weights[done:], xs[:taps], ws[:taps])
			}
			p.apply(row, 0, post)
		}
	}
}

func tapsGo(row, x, weights []float32, xs, ws []int) {
	clear(row)
	for t := range xs {
		in, by := x[xs[t]:], weights[ws[t]:]
		for c := range row {
			row[c] = FMA(in[c], by[c], row[c])
		}
	}
}
