package plan

import (
	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/operator"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// A sheet is a copy of a plane with its border, laid out so that what lies under one tap of neighbouring windows are neighbours:
// by a stride of two or more, the columns of each remainder lie together in every row.
type sheet struct {
	in       [2]int // height, width
	top      int    // rows of the border
	left     int    // columns of it
	lead     int    // elements before these, so that rows begin where vectors do
	stride   int    // of columns
	part     int    // elements of a row for each remainder
	pitch    int    // elements of a row
	elements int
	windows  *kernel.Windows
}

// sheetOf lays out the windows of g, which are over at most two dimensions; not ok means that they are too large.
func sheetOf(g operator.Window) (s sheet, ok bool) {
	two := func(list []int, with int) [2]int { t := three(list, with); return [2]int{t[1], t[2]} }
	in, out, before, stride := two(g.In, 1), two(g.Out, 1), two(g.Before, 0), two(g.Stride, 1)
	kernels, dilation := two(g.Kernel, 1), two(g.Dilation, 1)
	var size [2]int // with the border
	for i := range size {
		size[i] = max(before[i]+in[i], (out[i]-1)*stride[i]+(kernels[i]-1)*dilation[i]+1)
	}
	if tensor.CheckShape([]int{size[0], size[1] + 64}) != nil {
		return s, false
	}
	s = sheet{in: in, top: before[0], left: before[1], stride: stride[1]}
	switch s.stride {
	case 1:
		s.lead = vectors(s.left) - s.left
		s.part = vectors(s.lead + size[1])
	case 2:
		s.part = vectors(max((s.left+1)/2+vectors((in[1]+1)/2), (size[1]+1)/2))
	default:
		s.part = (size[1] + s.stride - 1) / s.stride
	}
	s.pitch = s.stride * s.part
	s.elements = size[0] * s.pitch
	if tensor.CheckShape([]int{size[0], s.pitch}) != nil {
		return s, false
	}
	var taps []int
	for h := range kernels[0] {
		for w := range kernels[1] {
			taps = append(taps, h*dilation[0]*s.pitch+s.column(w*dilation[1]))
		}
	}
	s.windows = kernel.NewWindows(out[0], out[1], stride[0]*s.pitch, taps)
	return s, true
}

// vectors rounds up to whole vectors.
func vectors(n int) int { return (n + vectorLen - 1) / vectorLen * vectorLen }

const vectorLen = 8

// column is where a column of the plane with its border lies in a row.
func (s *sheet) column(c int) int { return s.lead + c%s.stride*s.part + c/s.stride }

// ready makes room for a sheet with a border.
func (s *sheet) ready(w *worker, border float32) {
	w.fit(s.elements+2*kernel.Slack, 0)
	fill(w.plane[:s.elements], border)
}

// lay copies a plane; the border is there already.
func (s *sheet) lay(p kernel.Path, to, from []float32, border float32) {
	to = to[s.top*s.pitch:]
	switch s.stride {
	case 1:
		p.Widen(to[s.column(s.left):], from, s.in[0], s.in[1], s.pitch, border)
	case 2:
		p.Halve(to[s.column(s.left):], to[s.column(s.left+1):], from, s.in[0], s.in[1], s.pitch, border)
	default:
		for h := range s.in[0] {
			for w, v := range from[h*s.in[1]:][:s.in[1]] {
				to[h*s.pitch+s.column(s.left+w)] = v
			}
		}
	}
}
