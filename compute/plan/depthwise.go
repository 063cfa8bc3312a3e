package plan

import (
	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/operator"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// A depthwiseStep is a convolution of each channel by itself, over at most two dimensions.
type depthwiseStep struct {
	ended
	sheet
	x            int // slot
	planes, outs int // inputs in all, outputs of each
	channels     int
	taps         int
	weights      []float32
}

func (b *builder) depthwise(x, y int, g operator.Window, w *tensor.Tensor, shape []int, bias []float32) bool {
	in := b.values[x].shape
	taps := tensor.Count(g.Kernel)
	if g.Groups != in[1] || g.Groups == 1 || len(in) > 4 || taps > kernel.SegmentLen || taps == 1 {
		return false
	}
	layout, ok := sheetOf(g)
	if !ok {
		return false
	}
	s := &depthwiseStep{
		ended: ended{y: y, bias: bias, endRows: w.Shape()[0]}, sheet: layout, x: x,
		planes: in[0] * in[1], channels: in[1], outs: w.Shape()[0] / g.Groups,
		taps: taps, weights: tensor.Values[float32](w),
	}
	b.add(s, []int{s.x}, tensor.Count(shape)*taps)
	b.place(s.y, shape)
	return true
}

func (s *depthwiseStep) run(f *frame) error {
	x, y := f.values(s.x), f.values(s.y)
	size, positions := s.in[0]*s.in[1], s.windows.Len()
	f.planes(s.planes, s.planes*s.outs*positions*s.taps, func(w *worker) { s.ready(w, 0) }, func(p int, w *worker) {
		s.lay(f.path, w.plane, x[p*size:][:size], 0)
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
	end := s.windowEnd()
	if s.bias != nil {
		end.Bias = s.bias[which]
	}
	if s.scales != nil {
		end.Scale, end.Shift = s.scales[which], s.shifts[which]
	}
	f.path.Chains(y, w.plane, s.windows, s.weights[which*s.taps:][:s.taps], end)
	s.after(f, w, y, at*len(y))
}

func (e *ended) windowEnd() kernel.WindowEnd {
	return kernel.WindowEnd{Scale: 1, Clamp: e.clamp, Lo: e.lo, Hi: e.hi}
}
