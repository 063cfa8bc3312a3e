package plan

import (
	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/operator"
	"github.com/aiwork/aiwork-node/compute/program"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// A depthwiseStep is a convolution of each channel by itself, over at most two dimensions.
type depthwiseStep struct {
	ended
	cutting
	x            int // slot
	planes, outs int // inputs in all, outputs of each
	channels     int
	taps         int
	weights      []float32
}

func (b *builder) depthwise(n *program.Node, g operator.Window, shape []int, bias []float32) bool {
	x, w := b.in(n, 0), b.in(n, 1)
	taps := tensor.Count(g.Kernel)
	if g.Groups != x.shape[1] || g.Groups == 1 || len(x.shape) > 4 || taps > kernel.SegmentLen || taps == 1 {
		return false
	}
	s := &depthwiseStep{
		ended: ended{y: n.Out[0], bias: bias}, cutting: cut(g), x: n.In[0],
		planes: x.shape[0] * x.shape[1], channels: x.shape[1], outs: w.shape[0] / g.Groups,
		taps: taps, weights: tensor.Values[float32](w.constant),
	}
	if !s.fits() {
		return false
	}
	kernels, dilation := three(g.Kernel, 1), three(g.Dilation, 1)
	s.shift([2]int{kernels[1], kernels[2]}, [2]int{dilation[1], dilation[2]})
	b.add(s, []int{s.x}, tensor.Count(shape)*taps)
	b.place(s.y, shape)
	return true
}

func (s *depthwiseStep) run(f *frame) error {
	x, y := f.values(s.x), f.values(s.y)
	size, positions := s.in[0]*s.in[1], s.out[0]*s.out[1]
	f.planes(s.planes, s.planes*s.outs*positions*s.taps, func(w *worker) { s.ready(w, 0, 1) }, func(p int, w *worker) {
		s.plane(f.path, w.plane, x[p*size:][:size], 0)
		for o := range s.outs {
			at := p*s.outs + o
			s.output(f, w, y[at*positions:][:positions], at)
		}
	})
	return nil
}

// planes does something for each of many planes; each part of the work is got ready first.
func (f *frame) planes(n, steps int, ready func(w *worker), do func(plane int, w *worker)) {
	per := max(1, n/(4*f.crew.threads()))
	if f.crew.threads() == 1 {
		per = n
	}
	f.crew.split((n+per-1)/per, steps, func(part int, w *worker) {
		ready(w)
		for p := part * per; p < min((part+1)*per, n); p++ {
			do(p, w)
		}
	})
}

// output computes one plane of outputs.
func (s *depthwiseStep) output(f *frame, w *worker, y []float32, at int) {
	which := at % (s.channels * s.outs)
	bias := float32(0)
	if s.bias != nil {
		bias = s.bias[which]
	}
	f.path.Slide(w.row, w.plane, s.offsets, s.weights[which*s.taps:][:s.taps], s.slideEnd(bias), s.length)
	s.rows(f.path, y, w.row)
	s.after(f, w, y, at*len(y))
}

func (s *depthwiseStep) slideEnd(bias float32) kernel.SlideEnd {
	if s.clamp {
		return kernel.SlideEnd{Bias: bias, Lo: s.lo, Hi: s.hi}
	}
	return kernel.SlideEnd{Bias: bias, Lo: -infinity, Hi: infinity}
}
