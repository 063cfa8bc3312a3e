package plan

import (
	"slices"

	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/program"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// A lstmStep is an LSTM of one forward direction with the usual functions, whose weights are packed once.
type lstmStep struct {
	x, h, c             int // slots; program.None: begins with zeros
	outs                [3]int
	times, batch        int
	in, hidden          int
	input, recurrent    *kernel.Columns
	inputBias, loopBias []float32
	sums, gates, state  *buffer
}

const lstmGates = 4

// lstm plans an LSTM with constant weights.
func (b *builder) lstm(n *program.Node) bool {
	x, w, r, bias := b.in(n, 0), b.in(n, 1), b.in(n, 2), b.in(n, 3)
	for _, a := range n.Attrs {
		if a.Name != "hidden_size" && !(a.Name == "direction" && a.Text == "forward") {
			return false
		}
	}
	hidden := int(attrInt(n, "hidden_size", 0))
	if hidden < 1 || len(x.shape) != 3 || tensor.Count(x.shape) == 0 || w.constant == nil || r.constant == nil || b.in(n, 4) != nil || b.in(n, 7) != nil {
		return false
	}
	s := &lstmStep{x: n.In[0], h: program.None, c: program.None, times: x.shape[0], batch: x.shape[1], in: x.shape[2], hidden: hidden}
	wide := lstmGates * hidden
	if tensor.CheckShape([]int{s.times, s.batch, lstmGates, hidden}) != nil {
		return false
	}
	if !slices.Equal(w.shape, []int{1, wide, s.in}) || !slices.Equal(r.shape, []int{1, wide, hidden}) {
		return false
	}
	if bias != nil {
		if bias.constant == nil || !slices.Equal(bias.shape, []int{1, 2 * wide}) {
			return false
		}
		v := tensor.Values[float32](bias.constant)
		s.inputBias, s.loopBias = v[:wide], v[wide:]
	}
	reads := []int{s.x}
	for i, to := range []*int{&s.h, &s.c} {
		v := b.in(n, 5+i)
		if v == nil {
			continue
		}
		if !slices.Equal(v.shape, []int{1, s.batch, hidden}) {
			return false
		}
		*to = n.In[5+i]
		reads = append(reads, *to)
	}
	s.input = b.constantColumns(w.constant, s.in, wide, true)
	s.recurrent = b.constantColumns(r.constant, hidden, wide, true)
	s.sums, s.gates, s.state = b.scratch(s.times*s.batch*wide), b.scratch(s.batch*wide), b.scratch(3*s.batch*hidden)
	p := b.add(s, reads, s.times*s.batch*wide*(s.in+hidden))
	p.scratch = append(p.scratch, s.sums, s.gates, s.state)
	shapes := [][]int{{s.times, 1, s.batch, hidden}, {1, s.batch, hidden}, {1, s.batch, hidden}}
	for i := range s.outs {
		s.outs[i] = program.None
		if i < len(n.Out) && n.Out[i] != program.None {
			s.outs[i] = n.Out[i]
			b.place(n.Out[i], shapes[i])
		}
	}
	return true
}

func (s *lstmStep) run(f *frame) error {
	size, wide := s.batch*s.hidden, lstmGates*s.hidden
	sums, gates, state := f.floats(s.sums), f.floats(s.gates), f.floats(s.state)
	h, c, spare := state[:size], state[size:2*size], state[2*size:3*size]
	for i, slot := range []int{s.h, s.c} {
		to := state[i*size:][:size]
		if slot == program.None {
			clear(to)
		} else {
			copy(to, f.values(slot))
		}
	}
	none := &ended{}
	f.multiply(sums, wide, f.path.RowsOf(f.values(s.x), s.times*s.batch, s.in), s.input, none, 0, 0)
	s.addBias(f.path, sums, s.inputBias)
	for t := range s.times {
		f.multiply(gates, wide, f.path.RowsOf(h, s.batch, s.hidden), s.recurrent, none, 0, 0)
		s.addBias(f.path, gates, s.loopBias)
		f.path.Binary(kernel.BinaryAdd, gates, sums[t*s.batch*wide:][:s.batch*wide], gates)
		for i := range s.batch {
			at := i * s.hidden
			s.cell(f.path, gates[i*wide:][:wide], h[at:][:s.hidden], c[at:][:s.hidden], spare[at:][:s.hidden])
		}
		if s.outs[0] != program.None {
			copy(f.values(s.outs[0])[t*size:], h)
		}
	}
	for i, v := range [][]float32{h, c} {
		if slot := s.outs[1+i]; slot != program.None {
			copy(f.values(slot), v)
		}
	}
	return nil
}

// addBias ends chains that have none yet.
func (s *lstmStep) addBias(p kernel.Path, rows, bias []float32) {
	for i := 0; bias != nil && i < len(rows); i += len(bias) {
		p.Bias(rows[i:i+len(bias)], rows[i:i+len(bias)], bias)
	}
}

// cell sets the state of one element of the batch from the sums of its gates: input, output, forget, cell.
func (s *lstmStep) cell(p kernel.Path, gates, h, c, spare []float32) {
	n := s.hidden
	p.Unary(kernel.UnarySigmoid, gates[:3*n], gates[:3*n], 0, 0)
	in, out, forget, fresh := gates[:n], gates[n:2*n], gates[2*n:3*n], gates[3*n:]
	p.Unary(kernel.UnaryTanh, fresh, fresh, 0, 0)
	p.Binary(kernel.BinaryMul, c, forget, c)
	p.Binary(kernel.BinaryMul, in, in, fresh)
	p.Binary(kernel.BinaryAdd, c, c, in)
	p.Unary(kernel.UnaryTanh, spare, c, 0, 0)
	p.Binary(kernel.BinaryMul, h, out, spare)
}
