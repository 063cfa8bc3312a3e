package expand

import (
	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/tile"
)

// Control flow. A body's last inputs are what it captures: the operator's last operands.

// body gives the block of an attribute, whose inputs must be so many before what is captured, and the captured operands.
func (c *call) body(name string, declared int) (b *net.Block, captured []net.Value, err error) {
	a := c.attr(name, net.KindBlock)
	if a == nil || a.Block == nil {
		return nil, nil, tile.FaultInvalid
	}
	b = a.Block
	if uint64(b.Inputs) != uint64(declared)+uint64(b.Capture) || uint64(b.Capture) > uint64(len(c.In)) {
		return nil, nil, tile.FaultInvalid
	}
	for i := len(c.In) - int(b.Capture); i < len(c.In); i++ {
		captured = append(captured, net.Value(i))
	}
	return b, captured, nil
}

// operands gives those from first on, n of them.
func operands(first, n int) (list []net.Value) {
	for i := range n {
		list = append(list, net.Value(first+i))
	}
	return list
}

func branch(c *call) (*Expansion, error) {
	if !c.only(map[string]net.Kind{"then_branch": net.KindBlock, "else_branch": net.KindBlock}) || !c.has(0) || c.In[0].Type != net.Bool {
		return nil, tile.FaultUnsupported
	}
	yes, err := c.number(0)
	if err != nil {
		return nil, err
	}
	name := "else_branch"
	if yes != 0 {
		name = "then_branch"
	}
	b, captured, err := c.body(name, 0)
	if err != nil {
		return nil, err
	}
	if len(c.In) != 1+len(captured) {
		return nil, tile.FaultInvalid
	}
	return &Expansion{write: func(s *scribe) []net.Value { return s.block(b, captured) }}, nil
}

// A scanning is a Scan whose attributes and operands fit.
type scanning struct {
	*call
	body             *net.Block
	captured         []net.Value
	carried, rounds  int
	inAxes, outAxes  []int64
	inBack, outBack  []int64
	scanned, stacked int
}

func scan(c *call) (*Expansion, error) {
	ints := net.KindInts
	if c.Opset < 9 || !c.only(map[string]net.Kind{
		"body": net.KindBlock, "num_scan_inputs": net.KindInt, "scan_input_axes": ints, "scan_output_axes": ints,
		"scan_input_directions": ints, "scan_output_directions": ints,
	}) {
		return nil, tile.FaultUnsupported
	}
	x := &scanning{call: c}
	a := c.attr("body", net.KindBlock)
	if a == nil || a.Block == nil || int64(a.Block.Capture) > int64(len(c.In)) {
		return nil, tile.FaultInvalid
	}
	own, n := len(c.In)-int(a.Block.Capture), c.int("num_scan_inputs", 0)
	if n < 1 || n > int64(own) {
		return nil, tile.FaultInvalid
	}
	x.scanned, x.carried = int(n), own-int(n)
	var err error
	if x.body, x.captured, err = c.body("body", own); err != nil {
		return nil, err
	}
	if x.stacked = len(x.body.Outputs) - x.carried; x.stacked < 0 {
		return nil, tile.FaultInvalid
	}
	if !x.lists() {
		return nil, tile.FaultInvalid
	}
	if err := x.countRounds(); err != nil {
		return nil, err
	}
	return &Expansion{write: x.write}, nil
}

// lists reads the axes and directions.
func (x *scanning) lists() bool {
	ok := true
	read := func(name string, n int) []int64 {
		a := x.attr(name, net.KindInts)
		if a == nil {
			return make([]int64, n)
		}
		ok = ok && len(a.Ints) == n
		return a.Ints
	}
	x.inAxes, x.outAxes = read("scan_input_axes", x.scanned), read("scan_output_axes", x.stacked)
	x.inBack, x.outBack = read("scan_input_directions", x.scanned), read("scan_output_directions", x.stacked)
	return ok
}

func (x *scanning) countRounds() error {
	for j, axis := range x.inAxes {
		shape := x.In[x.carried+j].Shape
		if axis < 0 {
			axis += int64(len(shape))
		}
		if x.In[x.carried+j].Type == 0 || axis < 0 || axis >= int64(len(shape)) || j > 0 && int(shape[axis]) != x.rounds {
			return tile.FaultInvalid
		}
		x.rounds = int(shape[axis])
	}
	for _, axis := range x.outAxes {
		if axis < -net.RankMax || axis >= net.RankMax {
			return tile.FaultInvalid
		}
	}
	if x.rounds < 1 || x.rounds > RoundsMax || x.rounds*(len(x.body.Ops)+x.scanned+x.stacked+1) > OpsMax {
		return tile.FaultUnsupported
	}
	return nil
}

func (x *scanning) write(s *scribe) []net.Value {
	axes := make([]net.Value, x.stacked)
	for k := range axes {
		axes[k] = s.axes(x.Opset, x.outAxes[k])
	}
	state := operands(0, x.carried)
	// Behind what is carried stand the round's other outputs, so that they move on with it.
	state = append(state, make([]net.Value, x.stacked)...)
	lists := make([][]net.Value, x.stacked)
	s.repeat(x.rounds, state, func(i int) { x.round(s, state, axes, i) }, func(int) {
		for k := range lists {
			lists[k] = append(lists[k], state[x.carried+k])
		}
	})
	if s.bad {
		return nil
	}
	outs := state[:x.carried:x.carried]
	for k, list := range lists {
		if x.outBack[k] != 0 {
			list = reversed(list)
		}
		outs = append(outs, s.concat(list, int(x.outAxes[k])))
	}
	return outs
}

func reversed(list []net.Value) []net.Value {
	out := make([]net.Value, len(list))
	for i, v := range list {
		out[len(list)-1-i] = v
	}
	return out
}

func (x *scanning) round(s *scribe, state, axes []net.Value, i int) {
	given := append([]net.Value{}, state[:x.carried]...)
	for j := range x.scanned {
		at := i
		if x.inBack[j] != 0 {
			at = x.rounds - 1 - i
		}
		given = append(given, s.gather(net.Value(x.carried+j), s.int(at), int(x.inAxes[j])))
	}
	outs := s.block(x.body, append(given, x.captured...))
	if s.bad {
		return
	}
	copy(state, outs)
	for k := range axes {
		state[x.carried+k] = s.widened(x.Opset, outs[x.carried+k], axes[k], x.outAxes[k])
	}
}

// axes tells of the axes of an Unsqueeze, where these are an operand.
func (s *scribe) axes(opset uint16, axis int64) net.Value {
	if opset < 13 {
		return net.None
	}
	return s.ints(int(axis))
}

// widened gives x with one more dimension.
func (s *scribe) widened(opset uint16, x, axes net.Value, axis int64) net.Value {
	if opset < 13 {
		return s.add("Unsqueeze", 1, []net.Value{x}, net.Attr{Name: "axes", Kind: net.KindInts, Ints: []int64{axis}})
	}
	return s.add("Unsqueeze", 1, []net.Value{x, axes})
}
