package program

import (
	"fmt"

	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/operator"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// A Program is a model that is ready to run.
type Program struct {
	Inputs  []onnx.Value // those that a run must give, in order
	Outputs []string     // names, in order
	Opset   int
	graph   *graph
	view    *Graph
}

// A graph is a list of nodes over slots, each of which is set once.
type graph struct {
	slots     int
	inputs    []int
	outputs   []int
	kinds     []tensor.Type // of the outputs
	constants []constant
	captures  []capture
	nodes     []node
	view      *Graph
}

// A constant is a slot that is set from the start.
type constant struct {
	slot   int
	tensor *tensor.Tensor
}

// A capture is a slot that takes its value from the graph around.
type capture struct{ outer, slot int }

// none is a slot for what is left out.
const none = -1

// A node sets its outputs' slots from those of its inputs.
type node struct {
	label   string // for errors
	op      string
	attrs   []onnx.Attr
	in, out []int
	wanted  int           // outputs, counted to the last one that has a slot
	run     operator.Func // or else
	control *control
	free    []int // slots whose last use this is
}

// Limits bound a run.
type Limits struct {
	Bytes int // of all values that live at once
	Steps int // multiply-adds, elements moved
}

// DefaultLimits allow for networks of some hundred million weights on small inputs.
func DefaultLimits() Limits { return Limits{Bytes: 2 << 30, Steps: 1 << 38} }

// stepsOfNode is what a node costs by being run at all.
const stepsOfNode = 64

// Run computes the outputs from the inputs. Errors of another kind than operator.LimitError depend on the
// program and the inputs alone.
func (p *Program) Run(inputs []*tensor.Tensor, limits Limits) ([]*tensor.Tensor, error) {
	return p.RunObserved(inputs, limits, nil)
}

// RunObserved is Run that tells of what each node of the outermost graph makes, in order: its outputs that have a
// name. The tensors may be kept, they are not changed.
func (p *Program) RunObserved(inputs []*tensor.Tensor, limits Limits, observe func(node int, outs []*tensor.Tensor)) ([]*tensor.Tensor, error) {
	if err := p.Check(inputs); err != nil {
		return nil, err
	}
	m := &machine{
		budget: operator.Budget{Bytes: limits.Bytes, Steps: limits.Steps},
		path:   kernel.Best(),
		uses:   map[*tensor.Tensor]int{},

		observe: observe,
	}
	return m.run(p.graph, inputs, nil)
}

// Check says what is wrong with the inputs of a run, as far as the model tells.
func (p *Program) Check(inputs []*tensor.Tensor) error {
	if len(inputs) != len(p.Inputs) {
		return fmt.Errorf("%d inputs, want %d", len(inputs), len(p.Inputs))
	}
	for i, t := range inputs {
		if err := fits(t, p.Inputs[i]); err != nil {
			return fmt.Errorf("input %q: %w", p.Inputs[i].Name, err)
		}
	}
	return nil
}

// fits checks an input against what the model declares.
func fits(t *tensor.Tensor, want onnx.Value) error {
	if t.Type() != want.Type {
		return fmt.Errorf("type %v, want %v", t.Type(), want.Type)
	}
	if !want.Ranks {
		return nil
	}
	if t.Rank() != len(want.Shape) {
		return fmt.Errorf("shape %v, want %d dimensions", t.Shape(), len(want.Shape))
	}
	for i, d := range want.Shape {
		if d.Size >= 0 && int64(t.Shape()[i]) != d.Size && d.Name == "" {
			return fmt.Errorf("shape %v, want %d in dimension %d", t.Shape(), d.Size, i)
		}
	}
	return nil
}
