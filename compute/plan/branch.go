package plan

import (
	"slices"

	"github.com/aiwork/aiwork-node/compute/operator"
	"github.com/aiwork/aiwork-node/compute/program"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// branch plans an If whose condition is known: the nodes of its branch take its place. Other control flow
// ends the plan.
func (b *builder) branch(i int) bool {
	n := &b.g.Nodes[i]
	if n.Op != "If" {
		return false
	}
	c := b.in(n, 0).constant
	if c == nil || c.Len() != 1 {
		return false
	}
	body := n.Bodies[1]
	if tensor.Values[bool](c)[0] {
		body = n.Bodies[0]
	}
	b.g = inline(b.g, i, body)
	b.values = append(b.values, make([]value, body.Slots)...)
	b.p.slots, b.origin = b.g.Slots, b.g
	for _, c := range b.g.Constants {
		if !b.values[c.Slot].known {
			b.setConstant(c.Slot, c.Tensor)
		}
	}
	b.countUses()
	return true
}

// inline gives a graph in which the nodes of a body stand in the place of node i.
func inline(g *program.Graph, i int, body *program.Graph) *program.Graph {
	n := &g.Nodes[i]
	at := make([]int, body.Slots) // of the body's slots
	for s := range at {
		at[s] = g.Slots + s
	}
	for _, c := range body.Captures {
		at[c.Slot] = c.Outer
	}
	move := func(slots []int) []int {
		out := slices.Clone(slots)
		for j, s := range out {
			if s != program.None {
				out[j] = at[s]
			}
		}
		return out
	}
	out := *g
	out.Slots = g.Slots + body.Slots
	out.Constants = slices.Clone(g.Constants)
	for _, c := range body.Constants {
		out.Constants = append(out.Constants, program.Constant{Slot: at[c.Slot], Tensor: c.Tensor})
	}
	out.Nodes = slices.Clone(g.Nodes[:i])
	for _, inner := range body.Nodes {
		inner.In, inner.Out = move(inner.In), move(inner.Out)
		inner.Bodies = slices.Clone(inner.Bodies)
		for j, deeper := range inner.Bodies {
			moved := *deeper
			moved.Captures = slices.Clone(deeper.Captures)
			for k := range moved.Captures {
				moved.Captures[k].Outer = at[moved.Captures[k].Outer]
			}
			inner.Bodies[j] = &moved
		}
		out.Nodes = append(out.Nodes, inner)
	}
	for j, slot := range n.Out {
		if slot != program.None {
			out.Nodes = append(out.Nodes, program.Node{
				Label: n.Label, Op: "Identity", In: []int{at[body.Outputs[j]]}, Out: []int{slot}, Wanted: 1, Run: identity,
			})
		}
	}
	out.Nodes = append(out.Nodes, g.Nodes[i+1:]...)
	return &out
}

func identity(c *operator.Call) ([]*tensor.Tensor, error) { return c.In[:1], nil }
