package operator

import (
	"slices"

	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/tensor"
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

// A tapPlane is an input plane with its padding, cut into planes of every stride-th row and column: what a tap
// reads for all outputs then lies in one run of one of them, but for the ends of lines, which nobody reads.
type tapPlane struct {
	geometry
	high, wide int       // of a cut plane
	cut        []float32 // stride × stride of them
	sums       []float32 // lines as wide as a cut plane's
}

// tapPlane prepares one, for any number of planes of a geometry.
func (c *Call) tapPlane(g geometry) (p tapPlane, err error) {
	p = tapPlane{geometry: g}
	reach := func(i int) int {
		last := (g.out[i]-1)*g.stride[i] + (g.kernel[i]-1)*g.dilation[i] + 1
		return (max(last, g.before[i]+g.in[i])-1)/g.stride[i] + 1
	}
	p.high, p.wide = reach(0), reach(1)
	if p.high > tensor.ElementsMax/p.wide/(g.stride[0]*g.stride[1]) {
		return p, &LimitError{"memory"}
	}
	if p.cut, err = c.scratch(g.stride[0] * g.stride[1] * p.high * p.wide); err != nil {
		return p, err
	}
	p.sums, err = c.scratch((g.out[0]-1)*p.wide + g.out[1])
	return p, err
}

// fill copies an input plane; its padding stays zero.
func (p tapPlane) fill(path kernel.Path, x []float32) {
	g := p.geometry
	for y := range g.in[0] {
		at := y + g.before[0]
		lines := p.cut[(at%g.stride[0]*g.stride[1]*p.high+at/g.stride[0])*p.wide:]
		row := x[y*g.in[1]:][:g.in[1]]
		for first := range min(g.stride[1], g.in[1]) { // the columns from first on, a stride apart
			column := first + g.before[1]
			to := lines[column%g.stride[1]*p.high*p.wide+column/g.stride[1]:]
			n := (g.in[1]-first-1)/g.stride[1] + 1
			tapRow{first: first, stride: g.stride[1]}.elements(path, to[:n], row)
		}
	}
}

// convolve gives the chains of all outputs with the weights of one channel, side by side, tap by tap.
func (p tapPlane) convolve(path kernel.Path, y, weights []float32, bias float32) {
	g := p.geometry
	clear(p.sums)
	for t, w := range weights {
		row, column := t/g.kernel[1]*g.dilation[0], t%g.kernel[1]*g.dilation[1]
		plane := row%g.stride[0]*g.stride[1] + column%g.stride[1]
		at := (plane*p.high+row/g.stride[0])*p.wide + column/g.stride[1]
		path.Accumulate(p.sums, p.cut[at:][:len(p.sums)], w)
	}
	for o := range g.out[0] {
		path.BiasBy(y[o*g.out[1]:][:g.out[1]], p.sums[o*p.wide:][:g.out[1]], bias)
	}
}

// byTaps says whether a tapPlane is used: for chains of a single segment over one channel, and strides that
// leave nothing out.
func (v *convolution) byTaps() bool {
	const strideMax = 4
	return v.rows.in != nil && v.channels == 1 && v.taps <= kernel.SegmentLen && slices.Max(v.rows.stride) <= strideMax
}
