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
	x, r    []float32 // the gates' sums of input and of hidden state, gate after gate
	h, c    []float32
	peep    []float32 // of LSTM: input, output, forget; or nil
	act     []float1
	clip    float1
	product func(h []float32) []float32 // with the last gate's weights
}

func rnnCell(*Attrs) cell {
	return cell{gates: 1, activations: 1, defaults: []string{"Tanh"}, step: func(s *stepState) {
		for i := range s.h {
			s.h[i] = s.act[0](s.clip(s.x[i] + s.r[i]))
		}
	}}
}

func lstmCell(a *Attrs) cell {
	couple := a.flag("input_forget", false)
	return cell{gates: 4, activations: 3, defaults: []string{"Sigmoid", "Tanh", "Tanh"}, step: func(s *stepState) {
		n := len(s.h)
		peep := func(gate, i int, c float32) float32 {
			v := s.x[gate*n+i] + s.r[gate*n+i]
			if s.peep != nil && gate < 3 {
				v += float32(s.peep[gate*n+i] * c)
			}
			return s.clip(v)
		}
		for i := range n {
			in := s.act[0](peep(0, i, s.c[i]))
			forget := s.act[0](peep(2, i, s.c[i]))
			if couple {
				forget = 1 - in
			}
			s.c[i] = float32(forget*s.c[i]) + float32(in*s.act[1](peep(3, i, 0)))
			s.h[i] = s.act[0](peep(1, i, s.c[i])) * s.act[2](s.c[i])
		}
	}}
}

func gruCell(a *Attrs) cell {
	linear := a.flag("linear_before_reset", false)
	return cell{gates: 3, activations: 2, defaults: []string{"Sigmoid", "Tanh"}, step: func(s *stepState) {
		n := len(s.h)
		reset := make([]float32, n)
		for i := range n {
			reset[i] = s.act[0](s.clip(s.x[n+i] + s.r[n+i]))
		}
		hidden := s.r[2*n:]
		if !linear {
			for i := range n {
				reset[i] *= s.h[i]
			}
			hidden = s.product(reset)
		}
		for i := range n {
			update := s.act[0](s.clip(s.x[i] + s.r[i]))
			v := hidden[i]
			if linear {
				v = float32(reset[i] * v)
			}
			fresh := s.act[1](s.clip(s.x[2*n+i] + v))
			s.h[i] = float32((1-update)*fresh) + float32(update*s.h[i])
		}
	}}
}

// recurrence is a network with its attributes read.
type recurrence struct {
	cell
	hidden     int64
	directions []bool // of each: whether it runs backwards
	act        []float1
	clip       float1
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
		n.clip = func(v float32) float32 { return v }
		if a.has("clip") {
			bound := a.float("clip", 0)
			n.clip = func(v float32) float32 { return clip(v, -bound, bound) }
		}
		n.act = readActivations(a, n.defaults, len(n.directions))
		return n.run
	}
}

// readActivations gives the functions of all gates, direction after direction.
func readActivations(a *Attrs, defaults []string, directions int) (list []float1) {
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

func activation(name string, alpha, beta float32) float1 {
	switch name {
	case "Sigmoid":
		return kernel.Sigmoid
	case "Tanh":
		return kernel.Tanh
	case "Relu":
		return relu
	case "Softplus":
		return kernel.Softplus
	case "Softsign":
		return func(x float32) float32 { return x / (1 + absolute(x)) }
	case "Affine":
		return func(x float32) float32 { return float32(alpha*x) + beta }
	case "ScaledTanh":
		return func(x float32) float32 { return alpha * kernel.Tanh(float32(beta*x)) }
	}
	return nil
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
		addBias(sums, biases[:wide])
	}
	recurrentSums, err := c.scratch(s.batch * wide)
	if err != nil {
		return err
	}
	hs, cs = hs[d*s.batch*s.hidden:], cs[d*s.batch*s.hidden:]
	st := &stepState{act: n.act[d*n.activations:], clip: n.clip}
	if p := c.in(7); p != nil {
		st.peep = floatsOf(p)[d*3*s.hidden:][:3*s.hidden]
	}
	var fault error
	st.product = func(h []float32) []float32 { return n.lastGate(c, s, h, r, biases, &fault) }
	for t := range s.times {
		if err := c.gemm(recurrentSums, hs, r, s.batch, wide, s.hidden); err != nil {
			return err
		}
		if biases != nil {
			addBias(recurrentSums, biases[wide:])
		}
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
	return fault
}

// addBias adds a bias to rows, as the end of their chains.
func addBias(rows, bias []float32) {
	for i := range rows {
		rows[i] = (rows[i] + bias[i%len(bias)]) + 0
	}
}

// lastGate is the product of a hidden vector with the last gate's weights.
func (n recurrence) lastGate(c *Call, s recurrentSizes, h, r, biases []float32, fault *error) []float32 {
	out := make([]float32, s.hidden)
	wide := s.gates * s.hidden
	if err := c.Budget.Spend(s.hidden, s.hidden); err != nil {
		*fault = err
	}
	for j := range out {
		var sum kernel.Chain
		for k, v := range h {
			sum.Step(v, r[k*wide+(s.gates-1)*s.hidden+j])
		}
		bias := float32(0)
		if biases != nil {
			bias = biases[wide+(s.gates-1)*s.hidden+j]
		}
		out[j] = sum.End(bias)
	}
	return out
}
