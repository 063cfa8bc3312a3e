package operator

import (
	"github.com/aiwork/aiwork-node/compute/kernel"
)

// Convolutions over two spatial dimensions, a row of outputs at a time. In a row, what a tap reads are
// neighbours, or every other element, of an input row, with padding at the ends.

// A tapRow is what one tap reads for some outputs of a row: elements from first on, stride apart, for the
// outputs from low to end; the others read the padding.
type tapRow struct{ first, stride, low, end int }

// tapRow gives the one of tap t along the columns, for outputs from start to stop; first counts from the
// start of the input's row and belongs to output low.
func (g geometry) tapRow(t, start, stop int) tapRow {
	stride, shift := g.stride[1], t*g.dilation[1]-g.before[1]
	r := tapRow{stride: stride, low: start, end: stop}
	if shift < 0 {
		r.low = min(stop, max(start, (-shift+stride-1)/stride))
	}
	r.end = min(stop, max(r.low, (g.in[1]-1-shift+stride)/stride))
	if g.in[1]-1-shift < 0 {
		r.end = r.low
	}
	r.first = r.low*stride + shift
	return r
}

// gather copies a tap's elements, and zeros for the padding.
func (r tapRow) gather(path kernel.Path, y, row []float32, start int) {
	if r.low >= r.end {
		clear(y)
		return
	}
	clear(y[:r.low-start])
	clear(y[r.end-start:])
	r.elements(path, y[r.low-start:r.end-start], row)
}

// elements copies those that are not padding.
func (r tapRow) elements(path kernel.Path, y, row []float32) {
	from := row[r.first:]
	switch r.stride {
	case 1:
		copy(y, from)
	case 2:
		path.Evens(y, from)
	default:
		for i := range y {
			y[i] = from[i*r.stride]
		}
	}
}

// inputRow gives the input row under tap t of output row o, false in the padding.
func (g geometry) inputRow(o, t int) (int, bool) {
	y := o*g.stride[0] + t*g.dilation[0] - g.before[0]
	return y, y >= 0 && y < g.in[0]
}

// unfoldRows is unfold for two dimensions.
func (v convolution) unfoldRows(path kernel.Path, x []float32, first, n int) {
	g, wide := v.rows, v.rows.out[1]
	for ch := range v.channels {
		plane := x[ch*v.size:][:v.size]
		for t := range v.taps {
			to := v.unfolded[(ch*v.taps+t)*n:][:n]
			for p := first; p < first+n; {
				row, start := p/wide, p%wide
				stop := min(wide, start+first+n-p)
				part := to[p-first:][:stop-start]
				if y, ok := g.inputRow(row, t/g.kernel[1]); ok {
					g.tapRow(t%g.kernel[1], start, stop).gather(path, part, plane[y*g.in[1]:][:g.in[1]], start)
				} else {
					clear(part)
				}
				p += len(part)
			}
		}
	}
}

// depthwise convolves one channel with the weights of one output, tap by tap: the chains of a row side by
// side. Taps in the padding are left out, which does not show if weights are finite (AIW-2).
func (v convolution) depthwise(path kernel.Path, y, x, weights []float32, bias float32, spare []float32) {
	g, wide := v.rows, v.rows.out[1]
	clear(y)
	for o := range g.out[0] {
		line := y[o*wide:][:wide]
		for t, w := range weights {
			in, ok := g.inputRow(o, t/g.kernel[1])
			if !ok {
				continue
			}
			r := g.tapRow(t%g.kernel[1], 0, wide)
			if r.low >= r.end {
				continue
			}
			row, n := x[in*g.in[1]:][:g.in[1]], r.end-r.low
			if r.stride == 1 {
				path.Accumulate(line[r.low:r.end], row[r.first:][:n], w)
			} else {
				r.elements(path, spare[:n], row)
				path.Accumulate(line[r.low:r.end], spare[:n], w)
			}
		}
	}
	path.BiasBy(y, y, bias)
}

// byTaps says whether depthwise may be used: chains of a single segment over one channel.
func (v convolution) byTaps() bool {
	if v.rows.in == nil || v.channels != 1 || v.taps > kernel.SegmentLen {
		return false
	}
	for _, w := range v.weights {
		if w-w != 0 {
			return false
		}
	}
	return true
}
