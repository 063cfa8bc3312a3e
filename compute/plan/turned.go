package plan

import (
	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/operator"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// Convolutions of few positions, as they are at the end of networks and in those that see a moment of sound.
// Vectors over positions would be nearly empty, so they run over outputs: the windows are rows, the weights
// columns, and the result is turned over.

const turnedMax = 7 // positions

// A turnedStep is such a convolution in one group.
type turnedStep struct {
	ended
	x                        int // slot
	spread                   spread
	padded, windows, results *buffer
	batch, outs, positions   int
	channels                 int
	weights                  *kernel.Columns
	columns                  kernel.Columns // without X
}

// turned plans a convolution of few positions; bias and geometry have been checked.
func (b *builder) turned(x int, y int, g operator.Window, w *tensor.Tensor, shape []int, bias []float32) bool {
	in, outs := b.values[x].shape, w.Shape()[0]
	positions := tensor.Count(g.Out)
	space := spreadOf(g)
	if g.Groups != 1 || positions > turnedMax || outs < 2*positions || !space.fits(in[1]) {
		return false
	}
	s := &turnedStep{
		ended: ended{y: y, bias: bias}, x: x, spread: space, batch: in[0], outs: outs,
		positions: positions, channels: in[1],
	}
	k := w.Len() / outs
	s.columns = windowColumns(g, s.spread, s.channels)
	s.weights = b.constantColumns(w, k, outs, true)
	s.windows, s.results = b.scratch(positions*k), b.scratch(positions*outs)
	p := b.add(s, []int{x}, tensor.Count(shape)*k)
	p.scratch = append(p.scratch, s.windows, s.results)
	if !s.spread.plain {
		s.padded = b.scratch(s.channels * s.spread.padded.count())
		p.scratch = append(p.scratch, s.padded)
	}
	b.place(y, shape)
	return true
}

func (s *turnedStep) run(f *frame) error {
	x, y, windows, results := f.values(s.x), f.values(s.y), f.floats(s.windows), f.floats(s.results)
	each, k := s.channels*s.spread.in.count(), len(s.columns.Offsets)
	for i := range s.batch {
		from := x[i*each:][:each]
		if s.padded != nil {
			s.spread.pad(f, f.floats(s.padded), from, s.channels)
			from = f.floats(s.padded)
		}
		for p := range s.positions {
			s.window(windows[p*k:][:k], from, p)
		}
		f.multiply(results, s.outs, f.path.RowsOf(windows, s.positions, k), s.weights, &ended{}, 0, 0)
		for p := 0; s.bias != nil && p < s.positions; p++ {
			row := results[p*s.outs:][:s.outs]
			f.path.Bias(row, row, s.bias)
		}
		if s.clamp {
			f.path.Unary(kernel.UnaryClip, results, results, s.lo, s.hi)
		}
		out := y[i*s.outs*s.positions:][:s.outs*s.positions]
		for p := range s.positions {
			for o, v := range results[p*s.outs:][:s.outs] {
				out[o*s.positions+p] = v
			}
		}
		s.after(f, f.crew.own, out, i*len(out))
	}
	return nil
}

// window copies what lies under a window, in the order of the chain.
func (s *turnedStep) window(to, from []float32, position int) {
	start := int(s.columns.Starts[position/s.columns.Width]) + position%s.columns.Width*s.columns.Step
	for i, o := range s.columns.Offsets {
		to[i] = from[start+int(o)/4]
	}
}
