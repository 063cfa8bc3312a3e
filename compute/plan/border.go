package plan

import (
	"slices"

	"github.com/aiwork/aiwork-node/compute/operator"
	"github.com/aiwork/aiwork-node/compute/program"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// border finds a Pad by +0 that only the reader of a slot reads: its input, and the window over that with a wider border. The taps
// there multiply +0 either way. Not ok leaves things as they are.
func (b *builder) border(slot int, g operator.Window) (from int, wider operator.Window, ok bool) {
	at := b.values[slot].made
	if at < 0 || b.uses[slot] != 1 {
		return slot, g, false
	}
	s, ok := b.steps[at].step.(*operatorStep)
	if !ok || s.node.Op != "Pad" || s.node.Out[0] != slot {
		return slot, g, false
	}
	pads, ok := b.zeroPads(s.node)
	in := b.values[s.node.In[0]].shape
	if !ok || len(pads) != 2*len(in) || slices.Min(pads) < 0 {
		return slot, g, false
	}
	rank := len(in)
	if pads[0]|pads[1]|pads[rank]|pads[rank+1] != 0 {
		return slot, g, false
	}
	wider = g
	wider.In, wider.Before, wider.After = in[2:], slices.Clone(g.Before), slices.Clone(g.After)
	for i := range wider.In {
		wider.Before[i] += int(pads[2+i])
		wider.After[i] += int(pads[rank+2+i])
	}
	return s.node.In[0], wider, true
}

// zeroPads gives what a Pad puts around all dimensions, if it is +0.
func (b *builder) zeroPads(n *program.Node) (pads []int64, ok bool) {
	if a := attr(n, "mode"); a != nil && a.Text != "constant" {
		return nil, false
	}
	if a := attr(n, "pads"); a != nil {
		return a.Ints, len(n.In) == 1 && positiveZero(attrFloat(n, "value", 0))
	}
	list, value := b.in(n, 1), b.in(n, 2)
	if b.in(n, 3) != nil || list == nil || list.constant == nil {
		return nil, false
	}
	if value != nil && (value.constant == nil || value.constant.Len() != 1 || !positiveZero(tensor.Values[float32](value.constant)[0])) {
		return nil, false
	}
	return list.constant.Ints(), true
}

func positiveZero(v float32) bool { return v == 0 && !negativeZero(v) }

// leaveOut gives up the step that makes a slot which nobody reads any more.
func (b *builder) leaveOut(slot int) {
	s := b.steps[b.values[slot].made]
	s.step, s.reads, s.sets = nothing{}, nil, nil
}
