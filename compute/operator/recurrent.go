package operator

import (
	"fmt"

	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// Recurrent networks. Each gate is (x·W + Wb) + (h·R + Rb), both products chains of AIW-2; what follows is
// computed operation by operation.

func recurrentOperators() []Operator {
	return []Operator{
		{"RNN", 7, "f,f,f,f?,w?,f?>f?,f?", recurrent(rnnCell)},
		{"GRU", 7, "f,f,f,f?,w?,f?>f?,f?", recurrent(gruCell)},
		{"LSTM", 7, "f,f,f,f?,w?,f?,f?,f?>f?,f?,f?", recurrent(lstmCell)},
	}
}

// A cell is one kind of recurrent network.
type cell struct {
	gates, activations int
	defaults           []string
	// step sets h (and c) of one element of the batch from the gates' two sums, in place.
	step func(s *stepState)
}

// stepState is what a step works with; vectors have an element per hidden unit.
type stepState struct {
	path    kernel.Path
	x, r    []float32 // the gates' sums of input and of hidden state, gate after gate; r is used up
	h, c    []float32
	spare   []float32
	peep    []float32 // of LSTM: input, output, forget; or nil
	act     []rowFunction
	clip    rowFunction
	product func(y, h []float32) // with the last gate's weights
}

// A rowFunction replaces every element of a row.
type rowFunction func(path kernel.Path, row []float32)

// gate finishes the sum of a gate: its products with the cell state, if it has a peephole, the clip and
// the activation.
func (s *stepState) gate(i int, hole, act int) []float32 {
	n := len(s.h)
	v := s.r[i*n:][:n]
	if s.peep != nil && hole >= 0 {
		s.path.Binary(kernel.BinaryMul, s.spare, s.peep[hole*n:][:n], s.c)
		s.path.Binary(kernel.BinaryAdd, v, v, s.spare)
	}
	s.clip(s.path, v)
	s.act[act](s.path, v)
	return v
}

func rnnCell(*Attrs) cell {
	return cell{gates: 1, activations: 1, defaults: []string{"Tanh"}, step: func(s *stepState) {
		s.path.Binary(kernel.BinaryAdd, s.r, s.x, s.r)
		copy(s.h, s.gate(0, -1, 0))
	}}
}

func lstmCell(a *Attrs) cell {
	couple := a.flag("input_forget", false)
	return cell{gates: 4, activations: 3, defaults: []string{"Sigmoid", "Tanh", "Tanh"}, step: func(s *stepState) {
		s.path.Binary(kernel.BinaryAdd, s.r, s.x, s.r)
		in, forget, fresh := s.gate(0, 0, 0), s.gate(2, 2, 0), s.gate(3, -1, 1)
		if couple {
			s.path.BinaryLeft(kernel.BinarySub, forget, 1, in)
		}
		s.path.Binary(kernel.BinaryMul, forget, forget, s.c)
		s.path.Binary(kernel.BinaryMul, in, in, fresh)
		s.path.Binary(kernel.BinaryAdd, s.c, forget, in)
		out := s.gate(1, 1, 0)
		copy(s.spare, s.c)
		s.act[2](s.path, s.spare)
		s.path.Binary(kernel.BinaryMul, s.h, out, s.spare)
	}}
}

func gruCell(a *Attrs) cell {
	linear := a.flag("linear_before_reset", false)
	return cell{gates: 3, activations: 2, defaults: []string{"Sigmoid", "Tanh"}, step: func(s *stepState) {
		n := len(s.h)
		s.path.Binary(kernel.BinaryAdd, s.r[:2*n], s.x[:2*n], s.r[:2*n])
		update, reset, hidden := s.gate(0, -1, 0), s.gate(1, -1, 0), s.r[2*n:]
		if linear {
			s.path.Binary(kernel.BinaryMul, hidden, reset, hidden)
		} else {
			s.path.Binary(kernel.BinaryMul, reset, reset, s.h)
			s.product(hidden, reset)
		}
		s.path.Binary(kernel.BinaryAdd, hidden, s.x[2*n:], hidden)
		fresh := s.gate(2, -1, 1)
		s.path.BinaryLeft(kernel.BinarySub, s.spare, 1, update)
		s.path.Binary(kernel.BinaryMul, fresh, s.spare, fresh)
		s.path.Binary(kernel.BinaryMul, update, update, s.h)
		s.path.Binary(kernel.BinaryAdd, s.h, fresh, update)
	}}
}

// recurrence is a network with its attributes read.
type recurrence struct {
	cell
	hidden     int64
	directions []bool // of each: whether it runs backwards
	act        []rowFunction
	clip       rowFunction
	batchFirst bool
}

func recurrent(kind func(a *Attrs) cell) func(a *Attrs) Func {
	return func(a *Attrs) Func {
		n := recurrence{cell: kind(a), hidden: a.int("hidden_size", 0), batchFirst: a.int("layout", 0) == 1}
		a.need("hidden_size")
		switch a.choice("direction", "forward", "reverse", "bidirectional") {
		case "forward":
			n.directions = []bool{false}
		case "reverse":
			n.directions = []bool{true}
		default:
			n.directions = []bool{false, true}
		}
		n.clip = func(kernel.Path, []float32) {}
		if a.has("clip") {
			bound := a.float("clip", 0)
			n.clip = unaryRow(kernel.UnaryClip, -bound, bound)
		}
		n.act = readActivations(a, n.defaults, len(n.directions))
		return n.run
	}
}

// readActivations gives the functions of all gates, direction after direction.
func readActivations(a *Attrs, defaults []string, directions int) (list []rowFunction) {
	names := a.texts("activations")
	alphas, betas := a.floats("activation_alpha"), a.floats("activation_beta")
	if names == nil {
		for range directions {
			names = append(names, defaults...)
		}
	}
	if len(names) != directions*len(defaults) {
		a.fail("%d activations, want %d", len(names), directions*len(defaults))
		return nil
	}
	for i, name := range names {
		at := func(v []float32, otherwise float32) float32 {
			if i < len(v) {
				return v[i]
			}
			return otherwise
		}
		f := activation(name, at(alphas, 0), at(betas, 0))
		if f == nil {
			a.unsupported("activation %q", name)
		}
		list = append(list, f)
	}
	return list
}

func activation(name string, alpha, beta float32) rowFunction {
	switch name {
	case "Sigmoid":
		return unaryRow(kernel.UnarySigmoid, 0, 0)
	case "Tanh":
		return unaryRow(kernel.UnaryTanh, 0, 0)
	case "Relu":
		return unaryRow(kernel.UnaryRelu, 0, 0)
	case "Softplus":
		return unaryRow(kernel.UnarySoftplus, 0, 0)
	case "Softsign":
		return unaryRow(kernel.UnarySoftsign, 0, 0)
	case "Affine":
		return func(path kernel.Path, row []float32) {
			path.BinaryRight(kernel.BinaryMul, row, row, alpha)
			path.BinaryRight(kernel.BinaryAdd, row, row, beta)
		}
	case "ScaledTanh":
		return func(path kernel.Path, row []float32) {
			path.BinaryRight(kernel.BinaryMul, row, row, beta)
			path.Unary(kernel.UnaryTanh, row, row, 0, 0)
			path.BinaryRight(kernel.BinaryMul, row, row, alpha)
		}
	}
	return nil
}

func unaryRow(u kernel.Unary, alpha, beta float32) rowFunction {
	return func(path kernel.Path, row []float32) { path.Unary(u, row, row, alpha, beta) }
}

// sizes of a run.
type recurrentSizes struct{ times, batch, in, hidden, gates, directions int }

func (n recurrence) check(c *Call) (s recurrentSizes, err error) {
	x, w, r := c.In[0], c.In[1], c.In[2]
	if x.Rank() != 3 || w.Rank() != 3 || r.Rank() != 3 {
		return s, fmt.Errorf("shapes %v, %v and %v, want three dimensions each", x.Shape(), w.Shape(), r.Shape())
	}
	s = recurrentSizes{times: x.Shape()[0], batch: x.Shape()[1], in: x.Shape()[2], gates: n.gates, directions: len(n.directions)}
	if n.batchFirst {
		s.times, s.batch = s.batch, s.times
	}
	if n.hidden < 1 || n.hidden > tensor.ElementsMax/8 {
		return s, fmt.Errorf("hidden size %d", n.hidden)
	}
	s.hidden = int(n.hidden)
	wants := [][]int{
		1: {s.directions, s.gates * s.hidden, s.in},
		2: {s.directions, s.gates * s.hidden, s.hidden},
		3: {s.directions, 2 * s.gates * s.hidden},
		4: {s.batch},
		5: {s.directions, s.batch, s.hidden},
		6: {s.directions, s.batch, s.hidden},
		7: {s.directions, 3 * s.hidden},
	}
	if n.batchFirst {
		wants[5] = []int{s.batch, s.directions, s.hidden}
		wants[6] = wants[5]
	}
	for i, want := range wants {
		if t := c.in(i); i > 0 && t != nil && fmt.Sprint(t.Shape()) != fmt.Sprint(want) {
			return s, fmt.Errorf("input %d has shape %v, want %v", i, t.Shape(), want)
		}
	}
	return s, nil
}

func (n recurrence) run(c *Call) ([]*tensor.Tensor, error) {
	s, err := n.check(c)
	if err != nil {
		return nil, err
	}
	if err := c.Budget.Spend(s.times, s.batch+16); err != nil {
		return nil, err
	}
	// All in the form of time first: y[times][directions][batch][hidden], states[directions][batch][hidden].
	out, y, err := c.floats([]int{s.times, s.directions, s.batch, s.hidden})
	if err != nil {
		return nil, err
	}
	states := make([]*tensor.Tensor, 2)
	for i := range states {
		if states[i], err = n.state(c, c.in(5+i), s); err != nil {
			return nil, err
		}
	}
	x := c.In[0]
	if n.batchFirst {
		turned, err := c.permuted(x, []int{1, 0, 2})
		if err != nil {
			return nil, err
		}
		x = turned[0]
	}
	lengths, err := lengthsOf(c.in(4), s)
	if err != nil {
		return nil, err
	}
	for d := range n.directions {
		if err := n.direction(c, s, d, x, lengths, y, floatsOf(states[0]), floatsOf(states[1])); err != nil {
			return nil, err
		}
	}
	outs := []*tensor.Tensor{out, states[0], states[1]}
	if n.batchFirst {
		for i, perm := range [][]int{{2, 0, 1, 3}, {1, 0, 2}, {1, 0, 2}} {
			turned, err := c.permuted(outs[i], perm)
			if err != nil {
				return nil, err
			}
			outs[i] = turned[0]
		}
	}
	return outs, nil
}

// state copies an initial state, or makes one of zeros.
func (n recurrence) state(c *Call, initial *tensor.Tensor, s recurrentSizes) (*tensor.Tensor, error) {
	shape := []int{s.directions, s.batch, s.hidden}
	if initial == nil {
		return c.new(tensor.Float32, shape)
	}
	strides := tensor.Strides(shape)
	if n.batchFirst {
		strides = []int{s.hidden, s.directions * s.hidden, 1}
	}
	out, err := c.picked(initial, shape, strides, 0)
	if err != nil {
		return nil, err
	}
	return out[0], nil
}

func lengthsOf(t *tensor.Tensor, s recurrentSizes) ([]int, error) {
	lengths := make([]int, s.batch)
	for i := range lengths {
		lengths[i] = s.times
		if t != nil {
			n := t.Ints()[i]
			if n < 0 || n > int64(s.times) {
				return nil, fmt.Errorf("a sequence of length %d, of at most %d", n, s.times)
			}
			lengths[i] = int(n)
		}
	}
	return lengths, nil
}

// direction runs one of them over all times.
func (n recurrence) direction(c *Call, s recurrentSizes, d int, x *tensor.Tensor, lengths []int, y, hs, cs []float32) error {
	wide := s.gates * s.hidden
	w, err := c.transposed(floatsOf(c.In[1])[d*wide*s.in:][:wide*s.in], wide, s.in)
	if err != nil {
		return err
	}
	r, err := c.transposed(floatsOf(c.In[2])[d*wide*s.hidden:][:wide*s.hidden], wide, s.hidden)
	if err != nil {
		return err
	}
	sums, err := c.scratch(s.times * s.batch * wide)
	if err != nil {
		return err
	}
	if err := c.gemm(sums, floatsOf(x), w, s.times*s.batch, wide, s.in); err != nil {
		return err
	}
	var biases []float32
	if b := c.in(3); b != nil {
		biases = floatsOf(b)[d*2*wide:][:2*wide]
		c.addBias(sums, biases[:wide])
	}
	recurrentSums, err := c.scratch(s.batch*wide + s.hidden)
	if err != nil {
		return err
	}
	var spare []float32
	recurrentSums, spare = recurrentSums[:s.batch*wide], recurrentSums[s.batch*wide:]
	hs, cs = hs[d*s.batch*s.hidden:], cs[d*s.batch*s.hidden:]
	st := &stepState{path: c.Path, act: n.act[d*n.activations:], clip: n.clip, spare: spare}
	if p := c.in(7); p != nil {
		st.peep = floatsOf(p)[d*3*s.hidden:][:3*s.hidden]
	}
	var recurrentBias, lastBias []float32
	if biases != nil {
		recurrentBias = biases[wide:]
		lastBias = recurrentBias[wide-s.hidden:]
	}
	all, err := c.packed(r, s.hidden, wide, recurrentBias)
	if err != nil {
		return err
	}
	if st.product, err = n.lastGate(c, s, r, lastBias); err != nil {
		return err
	}
	for t := range s.times {
		if err := c.Budget.Spend(s.batch, wide, s.hidden); err != nil {
			return err
		}
		all.times(c.Path, recurrentSums, hs, s.batch)
		for b := range s.batch {
			at := t
			if n.directions[d] {
				at = lengths[b] - 1 - t
			}
			if t >= lengths[b] {
				continue // its outputs stay zero, its state as it is
			}
			st.x, st.r = sums[(at*s.batch+b)*wide:][:wide], recurrentSums[b*wide:][:wide]
			st.h, st.c = hs[b*s.hidden:][:s.hidden], cs[b*s.hidden:][:s.hidden]
			n.step(st)
			copy(y[((at*s.directions+d)*s.batch+b)*s.hidden:], st.h)
		}
	}
	return nil
}

// addBias adds a bias to rows, as the end of their chains.
func (c *Call) addBias(rows, bias []float32) {
	for i := 0; i < len(rows); i += len(bias) {
		c.Path.Bias(rows[i:][:len(bias)], rows[i:][:len(bias)], bias)
	}
}

// lastGate gives the product of a hidden vector with the last gate's weights, which GRU alone asks for.
func (n recurrence) lastGate(c *Call, s recurrentSizes, r, bias []float32) (func(y, h []float32), error) {
	if s.gates != 3 {
		return nil, nil
	}
	if err := c.Budget.Spend(s.times, s.batch, s.hidden, s.hidden); err != nil {
		return nil, err
	}
	weights, err := c.scratch(s.hidden * s.hidden)
	if err != nil {
		return nil, err
	}
	wide := s.gates * s.hidden
	for k := range s.hidden {
		copy(weights[k*s.hidden:][:s.hidden], r[(k+1)*wide-s.hidden:])
	}
	last, err := c.packed(weights, s.hidden, s.hidden, bias)
	if err != nil {
		return nil, err
	}
	return func(y, h []float32) { last.times(c.Path, y, h, 1) }, nil
}
