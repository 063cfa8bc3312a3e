package plan

import (
	"errors"
	"slices"

	"github.com/aiwork/aiwork-node/compute/operator"
	"github.com/aiwork/aiwork-node/compute/program"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// What is computed by operators, and what goes on in other plans.

// errShape says that a value has another shape than was worked out: a mistake of this package.
var errShape = errors.New("a shape was worked out wrongly")

// An operatorStep runs a node's operator.
type operatorStep struct {
	node   *program.Node
	shapes [][]int
}

func (s *operatorStep) run(f *frame) error {
	outs, err := f.call(s.node)
	if err != nil {
		return nodeError(s.node.Label, err)
	}
	for i, slot := range s.node.Out {
		if slot == program.None {
			continue
		}
		if !slices.Equal(outs[i].Shape(), s.shapes[i]) {
			return nodeError(s.node.Label, errShape)
		}
		f.slots[slot] = outs[i]
	}
	return nil
}

// call runs a node's operator on the slots as they are. What shares memory with the arena is copied.
func (f *frame) call(n *program.Node) ([]*tensor.Tensor, error) {
	in := make([]*tensor.Tensor, len(n.In))
	for i, slot := range n.In {
		if slot != program.None {
			in[i] = f.slots[slot]
		}
	}
	before := f.job.budget.Bytes
	outs, err := n.Run(&operator.Call{In: in, Outs: n.Wanted, Path: f.path, Budget: &f.job.budget})
	f.job.budget.Bytes = before
	if err != nil {
		return nil, err
	}
	for i, t := range outs {
		for _, x := range in {
			if t != nil && x != nil && t.Base() == x.Base() {
				outs[i] = clone(t)
				break
			}
		}
	}
	return outs, nil
}

// A viewStep gives a value that is not in the arena another shape.
type viewStep struct {
	from, to int
	shape    []int
}

func (s *viewStep) run(f *frame) error {
	f.slots[s.to] = f.slots[s.from].View(s.shape)
	return nil
}

// A tailStep runs the node before which the plan ends, and the rest of the graph as another plan.
type tailStep struct {
	graph *program.Graph
	at    int
	slots []int // that are known and needed
}

func (s *tailStep) run(f *frame) error {
	n := &s.graph.Nodes[s.at]
	var outs []*tensor.Tensor
	var err error
	if n.Run != nil {
		outs, err = f.call(n)
	} else {
		outs, err = f.control(n)
	}
	if err != nil {
		return nodeError(n.Label, err)
	}
	slots, values := slices.Clone(s.slots), make([]*tensor.Tensor, 0, len(s.slots)+len(n.Out))
	for _, slot := range slots {
		values = append(values, f.slots[slot])
	}
	for i, slot := range n.Out {
		if slot != program.None {
			slots, values = append(slots, slot), append(values, outs[i])
		}
	}
	f.outs, err = f.job.from(s.graph, s.at+1, slots, values)
	return err
}

// control runs an If, Loop or Scan, whose graphs run by plans of their own.
func (f *frame) control(n *program.Node) ([]*tensor.Tensor, error) {
	in := make([]*tensor.Tensor, len(n.In))
	for i, slot := range n.In {
		if slot != program.None {
			in[i] = f.slots[slot]
		}
	}
	return n.RunControl(&f.job.budget, f.path, in, f.slots, f.job.graph)
}
