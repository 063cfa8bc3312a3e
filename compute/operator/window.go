package operator

import (
	"fmt"

	"github.com/aiwork/aiwork-node/compute/tensor"
)

// The geometry of windows that move over the spatial dimensions of a tensor (N, C, spatial...).

// windowAttrs are the attributes that convolutions and pools share.
type windowAttrs struct {
	autoPad                          string
	kernel, strides, dilations, pads []int64
	ceil                             bool
}

func readWindow(a *Attrs) windowAttrs {
	return windowAttrs{
		autoPad:   a.choice("auto_pad", "NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"),
		kernel:    a.ints("kernel_shape"),
		strides:   a.ints("strides"),
		dilations: a.ints("dilations"),
		pads:      a.ints("pads"),
	}
}

// A geometry is a window at work; each list has an element per spatial dimension.
type geometry struct {
	in, kernel, stride, dilation, before, after, out []int
}

// sizes turns an attribute into sizes, with a value where it is missing.
func sizes(list []int64, n, otherwise int, least int64, what string) ([]int, error) {
	out := make([]int, n)
	for i := range out {
		out[i] = otherwise
	}
	if list == nil {
		return out, nil
	}
	if len(list) != n {
		return nil, fmt.Errorf("%s %v for %d spatial dimensions", what, list, n)
	}
	for i, v := range list {
		if v < least || v > 1<<20 {
			return nil, fmt.Errorf("%s %v", what, list)
		}
		out[i] = int(v)
	}
	return out, nil
}

// lists fills in everything but the output of a geometry.
func (w windowAttrs) lists(in, kernel []int) (g geometry, err error) {
	n := len(in)
	g = geometry{in: in, kernel: kernel, out: make([]int, n)}
	if w.kernel != nil {
		if g.kernel, err = sizes(w.kernel, n, 1, 1, "kernel"); err != nil {
			return g, err
		}
	}
	if len(g.kernel) != n {
		return g, fmt.Errorf("a kernel of %d dimensions over %d spatial dimensions", len(g.kernel), n)
	}
	for _, k := range g.kernel {
		if k < 1 {
			return g, fmt.Errorf("kernel %v", g.kernel)
		}
	}
	if g.stride, err = sizes(w.strides, n, 1, 1, "strides"); err != nil {
		return g, err
	}
	if g.dilation, err = sizes(w.dilations, n, 1, 1, "dilations"); err != nil {
		return g, err
	}
	pads, err := sizes(w.pads, 2*n, 0, 0, "pads")
	if err != nil {
		return g, err
	}
	g.before, g.after = pads[:n], pads[n:]
	return g, nil
}

// resolve gives the geometry over some spatial sizes; kernel is that of the weights, if there are any.
func (w windowAttrs) resolve(in, kernel []int) (geometry, error) {
	g, err := w.lists(in, kernel)
	if err != nil {
		return g, err
	}
	for i, size := range in {
		reach := (g.kernel[i]-1)*g.dilation[i] + 1
		switch w.autoPad {
		case "VALID":
			g.before[i], g.after[i] = 0, 0
		case "SAME_UPPER", "SAME_LOWER":
			g.out[i] = (size + g.stride[i] - 1) / g.stride[i]
			total := max(0, (g.out[i]-1)*g.stride[i]+reach-size)
			g.before[i], g.after[i] = total/2, total-total/2
			if w.autoPad == "SAME_LOWER" {
				g.before[i], g.after[i] = g.after[i], g.before[i]
			}
			continue
		}
		room := size + g.before[i] + g.after[i] - reach
		if room < 0 {
			return g, fmt.Errorf("a kernel that reaches over %d of %d elements", reach, size+g.before[i]+g.after[i])
		}
		g.out[i] = room/g.stride[i] + 1
		if w.ceil {
			g.out[i] = (room+g.stride[i]-1)/g.stride[i] + 1
			if (g.out[i]-1)*g.stride[i] >= size+g.before[i] { // it would begin in the padding behind
				g.out[i]--
			}
		}
	}
	return g, tensor.CheckShape(g.out)
}

// spatial splits the shape of (N, C, spatial...).
func spatial(x *tensor.Tensor) (batch, channels int, in []int, err error) {
	if x.Rank() < 3 {
		return 0, 0, nil, fmt.Errorf("shape %v, want batch, channels and at least one spatial dimension", x.Shape())
	}
	s := x.Shape()
	return s[0], s[1], s[2:], nil
}

// A position walks over the indexes of a shape in row-major order.
type position struct{ shape, at []int }

func newPosition(shape []int) *position { return &position{shape, make([]int, len(shape))} }

// next moves on; behind the last index it begins anew.
func (p *position) next() {
	for i := len(p.shape) - 1; i >= 0; i-- {
		if p.at[i]++; p.at[i] < p.shape[i] {
			return
		}
		p.at[i] = 0
	}
}

// source gives the offset of the element under a tap of the window at an output, -1 in the padding.
func (g geometry) source(out, tap []int) int {
	offset := 0
	for i := range out {
		p := out[i]*g.stride[i] + tap[i]*g.dilation[i] - g.before[i]
		if p < 0 || p >= g.in[i] {
			return -1
		}
		offset = offset*g.in[i] + p
	}
	return offset
}

// origin gives the offset of the input that a tap of a transposed window spreads to an output, -1 for none.
func (g geometry) origin(out, tap []int) int {
	offset := 0
	for i := range out {
		p := out[i] + g.before[i] - tap[i]*g.dilation[i]
		if p < 0 || p%g.stride[i] != 0 || p/g.stride[i] >= g.in[i] {
			return -1
		}
		offset = offset*g.in[i] + p/g.stride[i]
	}
	return offset
}
