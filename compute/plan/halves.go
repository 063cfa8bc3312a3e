package plan

import (
	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/operator"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// Convolutions whose windows are two columns apart: where even and odd columns lie apart, too, what is under a tap of neighbouring windows
// is neighbours. With more than kernel.WindowRowsMax outputs columns are copied into panels anyway, every second element as quickly as neighbours.

// halvesOf gives the layout of so many planes for such a convolution of several taps.
func halvesOf(g operator.Window, planes int) (s sheet, ok bool) {
	if len(g.Kernel) > 2 || three(g.Stride, 1)[2] != 2 || tensor.Count(g.Kernel) == 1 {
		return s, false
	}
	s, ok = sheetOf(g)
	return s, ok && tensor.CheckShape([]int{planes, s.elements}) == nil
}

// pad lays planes out.
func (s *sheet) pad(f *frame, to, from []float32, planes int) {
	size := s.in[0] * s.in[1]
	f.planes(planes, copySteps*len(from), func(*worker) {}, func(i int, _ *worker) {
		plane := to[i*s.elements:][:s.elements]
		clear(plane)
		s.lay(f.path, plane, from[i*size:][:size], 0)
	})
}

// windowColumns describes the windows as columns: channel, then kernel position.
func (s *sheet) windowColumns(g operator.Window, channels int) kernel.Columns {
	kernels, dilation, stride, out := three(g.Kernel, 1), three(g.Dilation, 1), three(g.Stride, 1), three(g.Out, 1)
	c := kernel.Columns{Width: out[2], Step: 1}
	for ch := range channels {
		for h := range kernels[1] {
			for w := range kernels[2] {
				c.Offsets = append(c.Offsets, int32(4*(ch*s.elements+h*dilation[1]*s.pitch+s.column(w*dilation[2]))))
			}
		}
	}
	for h := range out[1] {
		c.Starts = append(c.Starts, int32(h*stride[1]*s.pitch))
	}
	return c
}
