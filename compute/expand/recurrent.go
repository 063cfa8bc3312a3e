package expand

import (
	"slices"

	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/tile"
)

// Recurrent networks, step by step as compute/operator has them. The operators are those of set 13.

const recurrentOpset = 13

// oneBits is 1 as a float.
const oneBits = 0x3f800000

// A function is an activation with its numbers, by their bits.
type function struct {
	name        string
	alpha, beta uint32
}

// A recurrence is an operator whose attributes and operands fit.
type recurrence struct {
	*call
	times, batch, in, hidden, gates int
	backwards                       []bool // of each direction
	functions                       []function
	clip                            uint32 // bits of the bound
	clips, batchFirst, couple, late bool   // late: GRU applies the reset behind the product
	lengths                         []int  // nil: all as long as there are times
}

func recurrent(c *call) (*Expansion, error) {
	r := &recurrence{call: c, batchFirst: c.int("layout", 0) == 1, late: c.int("linear_before_reset", 0) != 0}
	r.couple = c.int("input_forget", 0) != 0
	r.gates = map[string]int{"RNN": 1, "GRU": 3, "LSTM": 4}[c.Op.Name]
	kinds := map[string]net.Kind{
		"hidden_size": net.KindInt, "layout": net.KindInt, "direction": net.KindText, "clip": net.KindFloat,
		"activations": net.KindTexts, "activation_alpha": net.KindFloats, "activation_beta": net.KindFloats,
	}
	switch c.Op.Name {
	case "GRU":
		kinds["linear_before_reset"] = net.KindInt
	case "LSTM":
		kinds["input_forget"] = net.KindInt
	}
	if !c.only(kinds) || !r.readDirection() || !r.readFunctions() {
		return nil, tile.FaultUnsupported
	}
	if a := c.attr("clip", net.KindFloat); a != nil {
		r.clips, r.clip = true, a.Float
	}
	if err := r.readShapes(); err != nil {
		return nil, err
	}
	if err := r.readLengths(); err != nil {
		return nil, err
	}
	return &Expansion{Opset: recurrentOpset, write: r.write}, nil
}

func (r *recurrence) readDirection() bool {
	direction := "forward"
	if a := r.attr("direction", net.KindText); a != nil {
		direction = a.Text
	}
	r.backwards = map[string][]bool{"forward": {false}, "reverse": {true}, "bidirectional": {false, true}}[direction]
	return r.backwards != nil
}

// readFunctions reads the activations of all gates, direction after direction.
func (r *recurrence) readFunctions() bool {
	defaults := map[int][]string{1: {"Tanh"}, 3: {"Sigmoid", "Tanh"}, 4: {"Sigmoid", "Tanh", "Tanh"}}[r.gates]
	var names []string
	if a := r.attr("activations", net.KindTexts); a != nil {
		names = a.Texts
	} else {
		for range r.backwards {
			names = append(names, defaults...)
		}
	}
	if len(names) != len(r.backwards)*len(defaults) {
		return false
	}
	known := []string{"Sigmoid", "Tanh", "Relu", "Softplus", "Softsign", "Affine", "ScaledTanh"}
	for i, name := range names {
		if !slices.Contains(known, name) {
			return false
		}
		r.functions = append(r.functions, function{name, r.numberOf("activation_alpha", i), r.numberOf("activation_beta", i)})
	}
	return true
}

func (r *recurrence) numberOf(name string, i int) uint32 {
	if a := r.attr(name, net.KindFloats); a != nil && i < len(a.Floats) {
		return a.Floats[i]
	}
	return 0
}

func (r *recurrence) readShapes() error {
	for port, kind := range []net.Type{net.Float32, net.Float32, net.Float32, net.Float32, net.Int32, net.Float32, net.Float32, net.Float32} {
		if r.has(port) && r.In[port].Type != kind || port < 3 && !r.has(port) {
			return tile.FaultUnsupported
		}
	}
	last := map[int]int{1: 6, 3: 6, 4: 8}[r.gates]
	if len(r.In) > last || len(r.In[0].Shape) != 3 {
		return tile.FaultInvalid
	}
	x := r.In[0].Shape
	r.times, r.batch, r.in = int(x[0]), int(x[1]), int(x[2])
	if r.batchFirst {
		r.times, r.batch = r.batch, r.times
	}
	hidden := r.int("hidden_size", 0)
	if r.times < 1 || r.times > RoundsMax || min(r.batch, r.in) < 1 || max(r.batch, r.in) > sizeMax || hidden < 1 || hidden > sizeMax {
		return tile.FaultUnsupported
	}
	r.hidden = int(hidden)
	d, wide := len(r.backwards), r.gates*r.hidden
	state := []int{d, r.batch, r.hidden}
	if r.batchFirst {
		state = []int{r.batch, d, r.hidden}
	}
	for port, want := range [][]int{1: {d, wide, r.in}, 2: {d, wide, r.hidden}, 3: {d, 2 * wide}, 4: {r.batch}, 5: state, 6: state, 7: {d, 3 * r.hidden}} {
		if port > 0 && r.has(port) && !slices.EqualFunc(r.In[port].Shape, want, func(a uint32, b int) bool { return int64(a) == int64(b) }) {
			return tile.FaultInvalid
		}
	}
	return nil
}

func (r *recurrence) readLengths() error {
	if !r.has(4) {
		return nil
	}
	if r.batch > batchMax || r.times*r.batch > 1<<14 {
		return tile.FaultUnsupported
	}
	for i := range r.batch {
		w, ok := r.params.Element(4, i)
		if !ok {
			return tile.FaultParameter
		}
		n := int64(w)
		if n < 0 || n > int64(r.times) {
			return tile.FaultInvalid
		}
		r.lengths = append(r.lengths, int(n))
	}
	return nil
}

// write tells the whole: all directions, and what is put out of them.
func (r *recurrence) write(s *scribe) []net.Value {
	x := net.Value(0)
	if r.batchFirst {
		x = r.turned(s, x, 1, 0, 2)
	}
	x = s.reshape(x, r.times*r.batch, r.in)
	var ys, hs, cs []net.Value
	for d := range r.backwards {
		y, h, c := r.direction(s, d, x)
		ys, hs, cs = append(ys, y), append(hs, h), append(cs, c)
	}
	outs := []net.Value{s.concat(ys, 1), s.concat(hs, 0)}
	if r.gates == 4 {
		outs = append(outs, s.concat(cs, 0))
	}
	if r.batchFirst {
		for i, perm := range [][]int64{{2, 0, 1, 3}, {1, 0, 2}, {1, 0, 2}}[:len(outs)] {
			outs[i] = r.turned(s, outs[i], perm...)
		}
	}
	return outs
}

func (r *recurrence) turned(s *scribe, x net.Value, perm ...int64) net.Value {
	return s.add("Transpose", 1, []net.Value{x}, net.Attr{Name: "perm", Kind: net.KindInts, Ints: perm})
}

// A way is one direction on its way.
type way struct {
	*recurrence
	*scribe
	d                  int
	sums               net.Value // of x with all gates' weights, [times*batch, gates*hidden], or [times, batch, ...] without lengths
	weights, bias      net.Value // of the hidden state
	last, lastBias     net.Value // of the last gate alone: GRU
	widths             net.Value // to split gates by
	one                net.Value
	low, high          net.Value // of the clip
	peep               []net.Value
	alphas, betas      []net.Value
	state              []net.Value // hidden, and the cell's
	hidden, cell, mask net.Value
}

// direction tells one of them, and gives its outputs [times, 1, batch, hidden] and its states [1, batch, hidden].
func (r *recurrence) direction(s *scribe, d int, x net.Value) (y, h, c net.Value) {
	w := r.prepare(s, d, x)
	var list []net.Value
	s.repeat(r.times, w.state, w.step, func(int) { list = append(list, w.state[0]) })
	if r.lengths == nil && r.backwards[d] {
		slices.Reverse(list)
	}
	all := s.concat(list, 0)
	if r.lengths != nil {
		nothing := s.add("ConstantOfShape", 1, []net.Value{s.ints(1, r.hidden)})
		all = s.gather(s.concat([]net.Value{all, nothing}, 0), s.long(w.rows()), 0)
	}
	y = s.reshape(all, r.times, 1, r.batch, r.hidden)
	h = s.reshape(w.state[0], 1, r.batch, r.hidden)
	return y, h, s.reshape(w.state[1], 1, r.batch, r.hidden)
}

// rows says for each place of the output which row it is: of a step, or zeros behind all.
func (w *way) rows() []int {
	var rows []int
	for t := range w.times {
		for b := range w.batch {
			step := t
			if w.backwards[w.d] {
				step = w.lengths[b] - 1 - t
			}
			if t >= w.lengths[b] {
				step = w.times
				rows = append(rows, step*w.batch)
				continue
			}
			rows = append(rows, step*w.batch+b)
		}
	}
	return rows
}

// prepare tells what all steps share.
func (r *recurrence) prepare(s *scribe, d int, x net.Value) *way {
	w := &way{recurrence: r, scribe: s, d: d}
	wide, at := r.gates*r.hidden, s.int(d)
	inputs := []net.Value{x, s.gather(1, at, 0)}
	w.weights, w.bias = s.gather(2, at, 0), net.None
	if r.has(3) {
		both := s.gather(3, at, 0)
		inputs = append(inputs, s.slice(both, 0, wide, 0))
		w.bias = s.slice(both, wide, 2*wide, 0)
	}
	w.sums = w.gemm(inputs...)
	if r.lengths == nil {
		w.sums = s.reshape(w.sums, r.times, r.batch, wide)
	}
	if r.gates == 3 && !r.late {
		w.last, w.lastBias = s.slice(w.weights, 2*r.hidden, wide, 0), net.None
		if w.bias != net.None {
			w.lastBias = s.slice(w.bias, 2*r.hidden, wide, 0)
		}
	}
	widths := make([]int, r.gates)
	for i := range widths {
		widths[i] = r.hidden
	}
	w.widths, w.one = s.ints(widths...), s.float(oneBits)
	if r.clips {
		w.low, w.high = s.float(r.clip^1<<31), s.float(r.clip)
	}
	if r.has(7) {
		both := s.gather(7, at, 0)
		for i := range 3 {
			w.peep = append(w.peep, s.slice(both, i*r.hidden, (i+1)*r.hidden, 0))
		}
	}
	for _, f := range w.own() {
		w.alphas, w.betas = append(w.alphas, s.float(f.alpha)), append(w.betas, s.float(f.beta))
	}
	w.state = []net.Value{w.initial(5, at), w.initial(6, at)}
	return w
}

// own gives the direction's functions.
func (w *way) own() []function {
	n := len(w.functions) / len(w.backwards)
	return w.functions[w.d*n:][:n]
}

func (w *way) initial(port int, at net.Value) net.Value {
	switch {
	case !w.has(port):
		return w.add("ConstantOfShape", 1, []net.Value{w.scribe.ints(w.batch, w.recurrence.hidden)})
	case w.batchFirst:
		return w.gather(net.Value(port), at, 1)
	}
	return w.gather(net.Value(port), at, 0)
}

// gemm is x·wT, and the bias if there is one.
func (w *way) gemm(in ...net.Value) net.Value {
	if in[len(in)-1] == net.None {
		in = in[:len(in)-1]
	}
	return w.add("Gemm", 1, in, net.Attr{Name: "transB", Kind: net.KindInt, Int: 1})
}

// step tells one step, and leaves its states.
func (w *way) step(t int) {
	w.hidden, w.cell = w.state[0], w.state[1]
	x, r := w.input(t), w.gemm(w.hidden, w.weights, w.bias)
	switch w.gates {
	case 1:
		w.hidden = w.gate(w.binary("Add", x, r), -1, 0)
	case 3:
		w.gru(x, r)
	default:
		w.lstm(w.binary("Add", x, r))
	}
	if w.lengths != nil {
		mask := make([]bool, w.batch)
		for b := range mask {
			mask[b] = t < w.lengths[b]
		}
		w.mask = w.bools(mask)
		w.hidden = w.add("Where", 1, []net.Value{w.mask, w.hidden, w.state[0]})
		if w.gates == 4 {
			w.cell = w.add("Where", 1, []net.Value{w.mask, w.cell, w.state[1]})
		}
	}
	w.state[0], w.state[1] = w.hidden, w.cell
}

// input gives the sums of a step's input: of the same time for all without lengths, else of each one's own.
func (w *way) input(t int) net.Value {
	if w.lengths == nil {
		if w.backwards[w.d] {
			t = w.times - 1 - t
		}
		return w.gather(w.sums, w.scribe.int(t), 0)
	}
	rows := make([]int, w.batch)
	for b := range rows {
		at := t
		if w.backwards[w.d] {
			at = max(w.lengths[b]-1-t, 0)
		}
		rows[b] = at*w.batch + b
	}
	return w.gather(w.sums, w.scribe.ints(rows...), 0)
}

// split gives the gates of a row of sums.
func (w *way) split(x net.Value) net.Value {
	return w.add("Split", w.gates, []net.Value{x, w.widths}, axisAttr(1))
}

// gate finishes the sum of a gate: its product with the cell's state, the clip, the function.
func (w *way) gate(v net.Value, hole, f int) net.Value {
	if w.peep != nil && hole >= 0 {
		v = w.binary("Add", v, w.binary("Mul", w.peep[hole], w.cell))
	}
	if w.clips {
		v = w.add("Clip", 1, []net.Value{v, w.low, w.high})
	}
	return w.apply(v, f)
}

func (w *way) apply(v net.Value, f int) net.Value {
	switch name := w.own()[f].name; name {
	case "Affine":
		return w.binary("Add", w.binary("Mul", v, w.alphas[f]), w.betas[f])
	case "ScaledTanh":
		v = w.add("Tanh", 1, []net.Value{w.binary("Mul", v, w.betas[f])})
		return w.binary("Mul", v, w.alphas[f])
	default:
		return w.add(name, 1, []net.Value{v})
	}
}

func (w *way) lstm(sum net.Value) {
	gates := w.split(sum)
	in, forget, fresh := w.gate(gates, 0, 0), w.gate(gates+2, 2, 0), w.gate(gates+3, -1, 1)
	if w.couple {
		forget = w.binary("Sub", w.one, in)
	}
	w.cell = w.binary("Add", w.binary("Mul", forget, w.cell), w.binary("Mul", in, fresh))
	out := w.gate(gates+1, 1, 0)
	w.hidden = w.binary("Mul", out, w.apply(w.cell, 2))
}

func (w *way) gru(x, r net.Value) {
	x, r = w.split(x), w.split(r)
	update := w.gate(w.binary("Add", x, r), -1, 0)
	reset := w.gate(w.binary("Add", x+1, r+1), -1, 0)
	var sum net.Value
	if w.late {
		sum = w.binary("Mul", reset, r+2)
	} else {
		sum = w.gemm(w.binary("Mul", reset, w.hidden), w.last, w.lastBias)
	}
	fresh := w.gate(w.binary("Add", x+2, sum), -1, 1)
	fresh = w.binary("Mul", w.binary("Sub", w.one, update), fresh)
	w.hidden = w.binary("Add", fresh, w.binary("Mul", update, w.hidden))
}
