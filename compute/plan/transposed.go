package plan

import (
	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/operator"
	"github.com/aiwork/aiwork-node/compute/program"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// Transposed convolutions. An output is the chain over all input channels and kernel positions, in which a
// position that no input reaches reads +0. Outputs of one remainder by the strides are reached by the same
// kernel positions: they are a convolution by these, with the others left out.
//
// That changes no bit. A step fma(w, +0, acc) with a finite w gives acc, but for the sign of a zero; the sign
// of a zero is lost in every sum with another number, and at the end of the chain, which adds +0. Weights are
// constants and are looked at. Segments end where they end in the whole chain.

// A transposedStep is such a convolution.
type transposedStep struct {
	ended
	x             int // slot
	spread        spread
	padded        *buffer
	results       *buffer // of one phase and group
	batch, groups int
	channels      int // of the input, in each group
	outs          int // likewise
	out, stride   triple
	phases        []phase
}

// A phase is the outputs of one remainder.
type phase struct {
	first, out triple
	rows       []*kernel.Rows // of each group; nil: no input reaches them
	columns    kernel.Columns // of the first group, without X
}

// transposed plans a ConvTranspose with constant, finite weights.
func (b *builder) transposed(n *program.Node) bool {
	x, w := b.in(n, 0), b.in(n, 1)
	if len(x.shape) < 3 || len(x.shape) > 2+dims || x.constant != nil || w.constant == nil || len(w.shape) != len(x.shape) {
		return false
	}
	g, err := operator.TransposedWindow(n.Attrs, x.shape[2:], w.shape[2:])
	if err != nil || g.Groups < 1 || w.shape[0] != x.shape[1] || x.shape[1]%g.Groups != 0 || !finite(tensor.Values[float32](w.constant)) {
		return false
	}
	bias, ok := b.biasOf(n, w.shape[1]*g.Groups)
	shape := append([]int{x.shape[0], w.shape[1] * g.Groups}, g.Out...)
	if !ok || tensor.CheckShape(shape) != nil || tensor.Count(shape) == 0 || tensor.Count(x.shape) == 0 || three(g.Stride, 1).count() > phasesMax {
		return false
	}
	s := &transposedStep{
		ended: ended{y: n.Out[0], bias: bias}, x: n.In[0], batch: x.shape[0], groups: g.Groups,
		channels: x.shape[1] / g.Groups, outs: w.shape[1], out: three(g.Out, 1), stride: three(g.Stride, 1),
	}
	s.setPhases(b.r, g, tensor.Values[float32](w.constant))
	if !s.spread.fits(x.shape[1]) {
		return false
	}
	s.padded = b.scratch(x.shape[1] * s.spread.padded.count())
	largest := 0
	for _, p := range s.phases {
		largest = max(largest, p.out.count())
	}
	s.results = b.scratch(s.outs * largest)
	p := b.add(s, []int{s.x}, tensor.Count(shape)*s.channels*tensor.Count(g.Kernel))
	p.scratch = append(p.scratch, s.padded, s.results)
	b.place(s.y, shape)
	return true
}

const phasesMax = 64 // remainders by the strides; with more, nearly all outputs read nothing

func finite(v []float32) bool {
	for _, x := range v {
		if x-x != 0 {
			return false
		}
	}
	return true
}

// A tap is a kernel position, and the input that it reads for the first output of a phase.
type tap struct{ at, from int }

// tapsOf lists the positions along one dimension that reach the outputs of a remainder.
func tapsOf(kernelLen, dilation, before, stride, remainder int) (list []tap) {
	for t := range kernelLen {
		if d := remainder + before - t*dilation; d%stride == 0 {
			list = append(list, tap{t, d / stride})
		}
	}
	return list
}

// setPhases finds the phases, and how much padding they need.
func (s *transposedStep) setPhases(r *Runner, g operator.Window, weights []float32) {
	kernels, dilation, before := three(g.Kernel, 1), three(g.Dilation, 1), three(g.Before, 0)
	s.spread.in = three(g.In, 1)
	var reach triple
	taps := [dims][][]tap{}
	for d := range dims {
		for rest := range s.stride[d] {
			list := tapsOf(kernels[d], dilation[d], before[d], s.stride[d], rest)
			taps[d] = append(taps[d], list)
			outs := (s.out[d] - rest + s.stride[d] - 1) / s.stride[d]
			for _, t := range list {
				s.spread.before[d] = max(s.spread.before[d], -t.from)
				reach[d] = max(reach[d], t.from+outs)
			}
		}
		s.spread.padded[d] = s.spread.before[d] + max(s.spread.in[d], reach[d])
	}
	for d := range s.stride[0] {
		for h := range s.stride[1] {
			for w := range s.stride[2] {
				p := phase{first: triple{d, h, w}}
				for i := range p.out {
					p.out[i] = max(0, (s.out[i]-p.first[i]+s.stride[i]-1)/s.stride[i])
				}
				if p.out.count() > 0 {
					s.setPhase(&p, r, [dims][]tap{taps[0][d], taps[1][h], taps[2][w]}, kernels, weights)
					s.phases = append(s.phases, p)
				}
			}
		}
	}
}

// setPhase collects the steps of a phase's chains.
func (s *transposedStep) setPhase(p *phase, r *Runner, taps [dims][]tap, kernels triple, weights []float32) {
	steps := len(taps[0]) * len(taps[1]) * len(taps[2]) * s.channels
	if steps == 0 {
		return
	}
	p.columns = kernel.Columns{Width: p.out[2], Step: 1}
	var places []int // of the weights of a group's first output
	segment := 0
	for c := range s.channels {
		for _, d := range taps[0] {
			for _, h := range taps[1] {
				for _, w := range taps[2] {
					position := (d.at*kernels[1]+h.at)*kernels[2] + w.at
					if k := c*kernels.count() + position; k/kernel.SegmentLen > segment {
						segment = k / kernel.SegmentLen
						if len(places) > 0 && (len(p.columns.Ends) == 0 || p.columns.Ends[len(p.columns.Ends)-1] < len(places)) {
							p.columns.Ends = append(p.columns.Ends, len(places))
						}
					}
					places = append(places, c*s.outs*kernels.count()+position)
					row := (c*s.spread.padded[0]+d.from+s.spread.before[0])*s.spread.padded[1] + h.from + s.spread.before[1]
					p.columns.Offsets = append(p.columns.Offsets, int32(4*(row*s.spread.padded[2]+w.from+s.spread.before[2])))
				}
			}
		}
	}
	p.columns.Ends = append(p.columns.Ends, steps)
	for d := range p.out[0] {
		for h := range p.out[1] {
			p.columns.Starts = append(p.columns.Starts, int32((d*s.spread.padded[1]+h)*s.spread.padded[2]))
		}
	}
	for g := range s.groups {
		rows := make([]float32, 0, s.outs*steps)
		for o := range s.outs {
			for _, at := range places {
				rows = append(rows, weights[(g*s.channels*s.outs+o)*kernels.count()+at])
			}
		}
		p.rows = append(p.rows, r.path.PackRows(rows, s.outs, steps, p.columns.Ends))
	}
}

func (s *transposedStep) run(f *frame) error {
	x, y, padded, results := f.values(s.x), f.values(s.y), f.floats(s.padded), f.floats(s.results)
	each, size := s.channels*s.groups*s.spread.in.count(), s.out.count()
	for i := range s.batch {
		s.spread.pad(f, padded, x[i*each:][:each], s.channels*s.groups)
		for g := range s.groups {
			at := (i*s.groups + g) * s.outs * size
			for p := range s.phases {
				s.phase(f, &s.phases[p], y[at:][:s.outs*size], results, padded, g)
			}
			f.crew.split(s.outs, s.outs*size*(1+4*len(s.chains)), func(o int, w *worker) {
				s.after(f, w, y[at+o*size:][:size], at+o*size)
			})
		}
	}
	return nil
}

// phase computes the outputs of one remainder and puts them in their places.
func (s *transposedStep) phase(f *frame, p *phase, y, results, padded []float32, group int) {
	n, size := p.out.count(), s.out.count()
	var bias []float32
	if s.bias != nil {
		bias = s.bias[group*s.outs:]
	}
	if p.rows == nil {
		for o := range s.outs {
			v := float32(0)
			if bias != nil {
				v = bias[o] + 0
			}
			fill(results[o*n:][:n], v)
			if s.clamp {
				f.path.Unary(kernel.UnaryClip, results[o*n:][:n], results[o*n:][:n], s.lo, s.hi)
			}
		}
	} else {
		columns := p.columns
		columns.X = padded[group*s.channels*s.spread.padded.count():]
		f.multiply(results, n, p.rows[group], &columns, &ended{bias: bias, clamp: s.clamp, lo: s.lo, hi: s.hi}, 0, 0)
	}
	f.crew.split(s.outs, s.outs*n*2, func(o int, _ *worker) {
		s.place(p, y[o*size:][:size], results[o*n:][:n])
	})
}

func fill(v []float32, with float32) {
	for i := range v {
		v[i] = with
	}
}

// place spreads the results of a phase over a plane of outputs.
func (s *transposedStep) place(p *phase, y, from []float32) {
	step := s.stride[2]
	for d := range p.out[0] {
		for h := range p.out[1] {
			row := ((p.first[0]+d*s.stride[0])*s.out[1]+p.first[1]+h*s.stride[1])*s.out[2] + p.first[2]
			to := y[row:][:(p.out[2]-1)*step+1]
			for i, v := range from[(d*p.out[1]+h)*p.out[2]:][:p.out[2]] {
				to[i*step] = v
			}
		}
	}
}
