package program

import (
	"fmt"

	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/operator"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// A machine is one run. It counts how often the elements of each tensor are held, so that memory which
// several values share as views is paid for once.
type machine struct {
	budget operator.Budget
	path   kernel.Path
	uses   map[*tensor.Tensor]int // by base
	body   Body                   // runs the graphs within, if it is not the machine itself

	observe func(node int, outs []*tensor.Tensor) // of the outermost graph, or nil
}

// hold keeps a tensor's elements.
func (m *machine) hold(t *tensor.Tensor) error {
	base := t.Base()
	if m.uses[base] == 0 {
		if err := m.budget.Take(base.Bytes()); err != nil {
			return err
		}
	}
	m.uses[base]++
	return nil
}

// drop gives them back when nobody else holds them.
func (m *machine) drop(t *tensor.Tensor) {
	base := t.Base()
	if m.uses[base]--; m.uses[base] == 0 {
		delete(m.uses, base)
		m.budget.Bytes += base.Bytes()
	}
}

// A frame holds the values of a graph that runs.
type frame struct {
	m     *machine
	slots []*tensor.Tensor
}

func (f *frame) set(slot int, t *tensor.Tensor) error {
	if slot == none {
		return nil
	}
	f.slots[slot] = t
	return f.m.hold(t)
}

func (f *frame) clear(slot int) {
	if t := f.slots[slot]; t != nil {
		f.m.drop(t)
		f.slots[slot] = nil
	}
}

// run computes a graph's outputs; captured values are read from the frame around it. The outputs are not
// held: the caller does that before anything else runs.
func (m *machine) run(g *graph, inputs []*tensor.Tensor, around *frame) ([]*tensor.Tensor, error) {
	if m.body != nil {
		return m.body(g.view, inputs, around.slots)
	}
	f := &frame{m: m, slots: make([]*tensor.Tensor, g.slots)}
	if err := m.budget.Spend(g.slots + 1); err != nil {
		return nil, err
	}
	for i, t := range inputs {
		if err := f.set(g.inputs[i], t); err != nil {
			return nil, err
		}
	}
	for _, c := range g.constants {
		if err := f.set(c.slot, c.tensor); err != nil {
			return nil, err
		}
	}
	for _, c := range g.captures {
		if err := f.set(c.slot, around.slots[c.outer]); err != nil {
			return nil, err
		}
	}
	for i := range g.nodes {
		var tell func(outs []*tensor.Tensor)
		if m.observe != nil && around == nil {
			tell = func(outs []*tensor.Tensor) { m.observe(i, outs) }
		}
		if err := f.step(&g.nodes[i], tell); err != nil {
			return nil, fmt.Errorf("%s: %w", g.nodes[i].label, err)
		}
	}
	outputs := make([]*tensor.Tensor, len(g.outputs))
	for i, slot := range g.outputs {
		outputs[i] = f.slots[slot]
	}
	for slot := range f.slots {
		f.clear(slot)
	}
	return outputs, nil
}

// step runs one node, and tells of what it has made.
func (f *frame) step(n *node, tell func(outs []*tensor.Tensor)) error {
	if err := f.m.budget.Spend(stepsOfNode); err != nil {
		return err
	}
	before := f.m.budget.Bytes
	outs, err := f.outputs(n)
	if err != nil {
		return err
	}
	f.m.budget.Bytes = before // what the node took for itself is garbage; its outputs are held below
	if len(outs) < n.wanted {
		return fmt.Errorf("%d outputs, want %d", len(outs), n.wanted)
	}
	for i, slot := range n.out {
		if slot == none {
			continue
		}
		if outs[i] == nil {
			return fmt.Errorf("output %d is not made", i)
		}
		if err := f.set(slot, outs[i]); err != nil {
			return err
		}
	}
	if tell != nil {
		tell(n.named(outs))
	}
	for _, slot := range n.free {
		f.clear(slot)
	}
	return nil
}

// named leaves outputs out that nobody can read.
func (n *node) named(outs []*tensor.Tensor) (list []*tensor.Tensor) {
	for i, slot := range n.out {
		if slot != none {
			list = append(list, outs[i])
		}
	}
	return list
}

func (f *frame) outputs(n *node) ([]*tensor.Tensor, error) {
	in := make([]*tensor.Tensor, len(n.in))
	for i, slot := range n.in {
		if slot != none {
			in[i] = f.slots[slot]
		}
	}
	if n.control != nil {
		return n.control.run(f, in)
	}
	return n.run(f.m.call(in, n.wanted))
}

func (m *machine) call(in []*tensor.Tensor, wanted int) *operator.Call {
	return &operator.Call{In: in, Outs: wanted, Path: m.path, Budget: &m.budget}
}
