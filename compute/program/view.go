package program

import (
	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/operator"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// A Graph is a program's list of nodes as those see it who run it in another way (compute/plan). It must not
// be changed.
type Graph struct {
	Slots     int // each is set once
	Inputs    []int
	Outputs   []int
	Kinds     []tensor.Type // of the outputs
	Constants []Constant
	Captures  []Capture
	Nodes     []Node
}

// A Constant is a slot that is set from the start.
type Constant struct {
	Slot   int
	Tensor *tensor.Tensor
}

// A Capture is a slot that takes its value from the graph around.
type Capture struct{ Outer, Slot int }

// None is a slot for what is left out.
const None = none

// A Node sets its outputs' slots from those of its inputs.
type Node struct {
	Label   string // for errors
	Op      string
	Attrs   []onnx.Attr
	In, Out []int
	Wanted  int           // outputs, counted to the last one that has a slot
	Run     operator.Func // nil for If, Loop and Scan
	Bodies  []*Graph      // of those: then and else, or the body
	control *control
}

// A Body runs one of a node's graphs: inputs are what it declares, around holds the slots of the graph that
// the node is in.
type Body func(g *Graph, inputs, around []*tensor.Tensor) ([]*tensor.Tensor, error)

// RunControl runs an If, Loop or Scan whose bodies are run by somebody else.
func (n *Node) RunControl(budget *operator.Budget, path kernel.Path, in, around []*tensor.Tensor, body Body) ([]*tensor.Tensor, error) {
	m := &machine{budget: *budget, path: path, uses: map[*tensor.Tensor]int{}, body: body}
	f := &frame{m: m, slots: around}
	outs, err := n.control.run(f, in)
	budget.Steps = m.budget.Steps
	return outs, err
}

// Graph gives the program's graph.
func (p *Program) Graph() *Graph { return p.view }

// viewOf makes the view of a graph and of those within it.
func viewOf(g *graph) *Graph {
	v := &Graph{Slots: g.slots, Inputs: g.inputs, Outputs: g.outputs, Kinds: g.kinds}
	g.view = v
	for _, c := range g.constants {
		v.Constants = append(v.Constants, Constant{c.slot, c.tensor})
	}
	for _, c := range g.captures {
		v.Captures = append(v.Captures, Capture{c.outer, c.slot})
	}
	for i := range g.nodes {
		n := &g.nodes[i]
		out := Node{Label: n.label, Op: n.op, Attrs: n.attrs, In: n.in, Out: n.out, Wanted: n.wanted, Run: n.run, control: n.control}
		if n.control != nil {
			for _, b := range n.control.bodies {
				out.Bodies = append(out.Bodies, viewOf(b))
			}
		}
		v.Nodes = append(v.Nodes, out)
	}
	return v
}
