package plan

import (
	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/operator"
)

// Windows over one plane at a time. A padded plane is cut into one plane for each remainder of rows and
// columns by the strides; then all outputs of a plane are neighbours, with some between rows that nobody
// wants, and what lies under the taps of the windows lies at fixed distances.

// A cutting is the geometry of that.
type cutting struct {
	in, out        [2]int // height, width
	before, stride [2]int
	part           [2]int  // height and width of the planes by remainder
	phase          int     // elements of one of them
	elements       int     // of all of them
	length         int     // outputs, with those between rows
	offsets        []int32 // bytes, of each tap
}

func cut(g operator.Window) (c cutting) {
	two := func(list []int, with int) [2]int { t := three(list, with); return [2]int{t[1], t[2]} }
	c.in, c.out, c.before, c.stride = two(g.In, 1), two(g.Out, 1), two(g.Before, 0), two(g.Stride, 1)
	kernels, dilation := two(g.Kernel, 1), two(g.Dilation, 1)
	for i := range c.part {
		reach := (c.out[i]-1)*c.stride[i] + (kernels[i]-1)*dilation[i] + 1
		c.part[i] = (max(c.before[i]+c.in[i], reach) + c.stride[i] - 1) / c.stride[i]
	}
	c.phase = c.part[0] * c.part[1]
	c.elements = c.phase * c.stride[0] * c.stride[1]
	for h := range kernels[0] {
		for w := range kernels[1] {
			y, x := h*dilation[0], w*dilation[1]
			phase := y%c.stride[0]*c.stride[1] + x%c.stride[1]
			c.offsets = append(c.offsets, int32(4*(phase*c.phase+y/c.stride[0]*c.part[1]+x/c.stride[1])))
		}
	}
	c.length = (c.out[0]-1)*c.part[1] + c.out[1]
	return c
}

// ready makes room for planes with a border of some value, and for a row of outputs.
func (c *cutting) ready(w *worker, border float32, rows int) {
	w.fit(c.elements+2*kernel.Slack, rows*(c.length+2*kernel.Slack))
	if border == 0 {
		clear(w.plane[:c.elements])
		return
	}
	fill(w.plane[:c.elements], border)
}

// plane lays an input plane out; the borders are there already.
func (c *cutting) plane(p kernel.Path, to, from []float32) {
	if c.stride == [2]int{1, 1} && c.part == c.in {
		copy(to, from)
		return
	}
	for h := range c.in[0] {
		y := h + c.before[0]
		if y/c.stride[0] >= c.part[0] {
			return // rows that no window reaches
		}
		row := from[h*c.in[1]:][:c.in[1]]
		base := y%c.stride[0]*c.stride[1]*c.phase + y/c.stride[0]*c.part[1]
		for first := range min(c.stride[1], c.in[1]) {
			x := first + c.before[1]
			at := base + x%c.stride[1]*c.phase + x/c.stride[1]
			count := min((c.in[1]-first+c.stride[1]-1)/c.stride[1], c.part[1]-x/c.stride[1])
			if count > 0 {
				spaced(p, to[at:][:count], row[first:], c.stride[1])
			}
		}
	}
}

// rows copies the wanted outputs.
func (c *cutting) rows(y, from []float32) {
	if c.part[1] == c.out[1] {
		copy(y, from[:len(y)])
		return
	}
	for h := range c.out[0] {
		copy(y[h*c.out[1]:][:c.out[1]], from[h*c.part[1]:])
	}
}

// spaced copies every step-th element.
func spaced(p kernel.Path, to, from []float32, step int) {
	switch step {
	case 1:
		copy(to, from)
	case 2:
		p.Evens(to, from)
	default:
		for i := range to {
			to[i] = from[i*step]
		}
	}
}

// fit makes room for a plane and rows.
func (w *worker) fit(plane, row int) {
	if len(w.plane) < plane {
		w.plane = make([]float32, plane)
	}
	if len(w.row) < row {
		w.row = make([]float32, row)
	}
}
