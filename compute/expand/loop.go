package expand

import (
	"slices"

	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/tile"
)

// A looping is a Loop whose attributes and operands fit. How often it goes round is decided within: each round behind the first is an If of
// the condition that the round before has put out. It hands on the condition, what is carried, and what was stacked so far.
type looping struct {
	*call
	body             *net.Block
	captured         []net.Value
	carried, stacked int
	rounds           int
	another          net.Block // a round behind the first, for those that go on
	enough           net.Block // for those that do not
}

func loop(c *call) (*Expansion, error) {
	if !c.only(map[string]net.Kind{"body": net.KindBlock}) {
		return nil, tile.FaultUnsupported
	}
	l := &looping{call: c}
	a := c.attr("body", net.KindBlock)
	if a == nil || a.Block == nil || int64(a.Block.Capture) > int64(len(c.In)) || len(c.In)-int(a.Block.Capture) < 2 {
		return nil, tile.FaultInvalid
	}
	own := len(c.In) - int(a.Block.Capture)
	l.carried = own - 2
	var err error
	if l.body, l.captured, err = c.body("body", own); err != nil {
		return nil, err
	}
	if l.stacked = len(l.body.Outputs) - 1 - l.carried; l.stacked < 0 {
		return nil, tile.FaultInvalid
	}
	if err := l.countRounds(); err != nil {
		return nil, err
	}
	l.blocks()
	return &Expansion{write: l.write}, nil
}

// countRounds finds how many rounds there can be.
func (l *looping) countRounds() error {
	if !l.has(0) {
		return tile.FaultUnsupported // without a bound
	}
	n, err := l.number(0)
	if err != nil {
		return err
	}
	going := int64(1)
	if l.has(1) {
		if going, err = l.number(1); err != nil {
			return err
		}
	}
	if n < 1 || going == 0 {
		n = 0
	}
	if n > LoopMax || n == 0 && l.stacked > 0 {
		return tile.FaultUnsupported
	}
	l.rounds = int(n)
	return nil
}

// blocks makes the branches of the rounds behind the first. Both capture: the index, the condition that is true within, what is carried, what the
// body captures, then the condition of the last round, what was stacked, and the axes of an Unsqueeze where it reads them.
func (l *looping) blocks() {
	n := int(l.body.Inputs)
	axes := 0
	if l.Opset >= 13 && l.stacked > 0 {
		axes = 1
	}
	count := uint32(n + 1 + l.stacked + axes)
	shift := func(v net.Value) net.Value {
		if v == net.None || v < net.Value(n) {
			return v
		}
		return v + net.Value(count) - net.Value(n)
	}
	then := net.Block{Inputs: count, Capture: count}
	made := net.Value(count)
	for i := range l.body.Ops {
		op := l.body.Ops[i]
		in := make([]net.Value, len(op.In))
		for j, v := range op.In {
			in[j] = shift(v)
		}
		op.In = in
		then.Ops = append(then.Ops, op)
		made += net.Value(op.Made())
	}
	for _, v := range l.body.Outputs[:1+l.carried] {
		then.Outputs = append(then.Outputs, shift(v))
	}
	l.enough = net.Block{Inputs: count, Capture: count, Outputs: []net.Value{net.Value(n)}}
	l.enough.Outputs = append(l.enough.Outputs, operands(2, l.carried)...)
	for k, v := range l.body.Outputs[1+l.carried:] {
		op := net.Op{Name: "Unsqueeze", In: []net.Value{shift(v)}, Outs: []bool{true}}
		if axes == 1 {
			op.In = append(op.In, net.Value(count)-1)
		} else {
			op.Attrs = []net.Attr{{Name: "axes", Kind: net.KindInts, Ints: []int64{0}}}
		}
		sofar := net.Value(n + 1 + k)
		then.Ops = append(then.Ops, op, net.Op{Name: "Concat", In: []net.Value{sofar, made}, Outs: []bool{true}, Attrs: []net.Attr{axisAttr(0)}})
		then.Outputs = append(then.Outputs, made+1)
		l.enough.Outputs = append(l.enough.Outputs, sofar)
		made += 2
	}
	l.another = then
}

func (l *looping) write(s *scribe) []net.Value {
	state := operands(2, l.carried)
	if l.rounds == 0 {
		return state
	}
	yes := s.constant(net.Bool, nil, []byte{1})
	axes := net.None
	if l.stacked > 0 {
		axes = s.axes(l.Opset, 0)
	}
	outs := s.block(l.body, slices.Concat([]net.Value{s.int(0), yes}, state, l.captured))
	if s.bad {
		return nil
	}
	for k := range l.stacked {
		outs[1+l.carried+k] = s.widened(l.Opset, outs[1+l.carried+k], axes, 0)
	}
	attrs := []net.Attr{
		{Name: "else_branch", Kind: net.KindBlock, Block: &l.enough},
		{Name: "then_branch", Kind: net.KindBlock, Block: &l.another},
	}
	s.repeat(l.rounds-1, outs, func(i int) {
		in := slices.Concat([]net.Value{outs[0], s.int(i + 1), yes}, outs[1:1+l.carried], l.captured, outs[:1], outs[1+l.carried:])
		if axes != net.None {
			in = append(in, axes)
		}
		first := s.add("If", len(outs), in, attrs...)
		for k := range outs {
			outs[k] = first + net.Value(k)
		}
	}, func(int) {})
	return outs[1:]
}
