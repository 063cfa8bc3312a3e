package plan

import (
	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/operator"
	"github.com/aiwork/aiwork-node/compute/program"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// Convolutions of each channel by itself. A padded plane is cut into one plane for each remainder of rows
// and columns by the strides; then all outputs of a plane are neighbours, with some between rows that
// nobody wants, and the taps lie at fixed distances.

// A depthwiseStep is such a convolution over two dimensions.
type depthwiseStep struct {
	ended
	x, y            int // slots
	planes, outs    int // inputs in all, outputs of each
	channels        int
	in, out         [2]int // height, width
	before, stride  [2]int
	cut             [2]int // height and width of the planes by remainder
	taps            int
	offsets         []int32
	weights         []float32
	length          int // outputs of a plane, with those between rows
	phase, elements int
}

func (s *depthwiseStep) result() int { return s.y }

func (b *builder) depthwise(n *program.Node, g operator.Window, shape []int, bias []float32) bool {
	x, w := b.in(n, 0), b.in(n, 1)
	taps := tensor.Count(g.Kernel)
	if g.Groups != x.shape[1] || g.Groups == 1 || len(x.shape) > 4 || taps > kernel.SegmentLen || taps == 1 {
		return false
	}
	two := func(list []int, with int) [2]int { t := three(list, with); return [2]int{t[1], t[2]} }
	s := &depthwiseStep{
		x: n.In[0], y: n.Out[0], planes: x.shape[0] * x.shape[1], channels: x.shape[1], outs: w.shape[0] / g.Groups,
		in: two(g.In, 1), out: two(g.Out, 1), before: two(g.Before, 0), stride: two(g.Stride, 1),
		taps: taps, weights: tensor.Values[float32](w.constant),
	}
	s.bias = bias
	kernels, dilation := two(g.Kernel, 1), two(g.Dilation, 1)
	for i := range s.cut {
		reach := (s.out[i]-1)*s.stride[i] + (kernels[i]-1)*dilation[i] + 1
		padded := max(s.before[i]+s.in[i], reach)
		s.cut[i] = (padded + s.stride[i] - 1) / s.stride[i]
	}
	s.phase = s.cut[0] * s.cut[1]
	s.elements = s.phase * s.stride[0] * s.stride[1]
	for h := range kernels[0] {
		for w := range kernels[1] {
			y, x := h*dilation[0], w*dilation[1]
			phase := y%s.stride[0]*s.stride[1] + x%s.stride[1]
			s.offsets = append(s.offsets, int32(4*(phase*s.phase+y/s.stride[0]*s.cut[1]+x/s.stride[1])))
		}
	}
	s.length = (s.out[0]-1)*s.cut[1] + s.out[1]
	b.add(s, []int{s.x}, tensor.Count(shape)*taps)
	b.place(s.y, shape)
	return true
}

func (s *depthwiseStep) run(f *frame) error {
	x, y := f.values(s.x), f.values(s.y)
	size, positions := s.in[0]*s.in[1], s.out[0]*s.out[1]
	per := max(1, s.planes/(4*f.crew.threads()))
	f.crew.split((s.planes+per-1)/per, s.planes*s.outs*positions*s.taps, func(part int, w *worker) {
		w.fit(s.elements+kernel.Slack, s.length+2*kernel.Slack)
		clear(w.plane[:s.elements])
		for p := part * per; p < min((part+1)*per, s.planes); p++ {
			s.cutPlane(f.path, w.plane, x[p*size:][:size])
			for o := range s.outs {
				at := p*s.outs + o
				s.plane(f, w, y[at*positions:][:positions], at)
			}
		}
	})
	return nil
}

// plane computes one plane of outputs.
func (s *depthwiseStep) plane(f *frame, w *worker, y []float32, at int) {
	which := at % (s.channels * s.outs)
	bias := float32(0)
	if s.bias != nil {
		bias = s.bias[which]
	}
	f.path.Slide(w.row, w.plane, s.offsets, s.weights[which*s.taps:][:s.taps], bias, s.length)
	for h := range s.out[0] {
		copy(y[h*s.out[1]:][:s.out[1]], w.row[h*s.cut[1]:])
	}
	if s.clamp {
		f.path.Unary(kernel.UnaryClip, y, y, s.lo, s.hi)
	}
	if s.chain != nil {
		s.chain.pieces(f, w, y, y, at*len(y))
	}
}

// cutPlane lays an input plane out; the borders are +0 already.
func (s *depthwiseStep) cutPlane(p kernel.Path, to, from []float32) {
	for h := range s.in[0] {
		y := h + s.before[0]
		row := from[h*s.in[1]:][:s.in[1]]
		base := y%s.stride[0]*s.stride[1]*s.phase + y/s.stride[0]*s.cut[1]
		if base-y%s.stride[0]*s.stride[1]*s.phase >= s.phase {
			return // rows that no window reaches
		}
		for first := range min(s.stride[1], s.in[1]) {
			x := first + s.before[1]
			at := base + x%s.stride[1]*s.phase + x/s.stride[1]
			count := (s.in[1] - first + s.stride[1] - 1) / s.stride[1]
			count = min(count, s.cut[1]-x/s.stride[1])
			spaced(p, to[at:][:max(count, 0)], row[first:], s.stride[1])
		}
	}
}

// spaced copies every step-th element.
func spaced(p kernel.Path, to, from []float32, step int) {
	switch step {
	case 1:
		copy(to, from)
	default:
		for i := range to {
			to[i] = from[i*step]
		}
	}
}

// fit makes room for a plane and a row.
func (w *worker) fit(plane, row int) {
	if len(w.plane) < plane {
		w.plane = make([]float32, plane)
	}
	if len(w.row) < row {
		w.row = make([]float32, row)
	}
}
