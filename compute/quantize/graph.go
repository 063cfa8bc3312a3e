package quantize

import (
	"fmt"

	"github.com/aiwork/aiwork-node/compute/lower"
	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// A network is a model on its way from one form to another: nodes over names.
type network struct {
	model     *onnx.Model
	opset     int64
	constants map[string]*tensor.Tensor
	uses      map[string]int   // by nodes, bodies and outputs
	reader    map[string]int   // the last node that reads a value
	maker     map[string]int   // the node that makes it
	inBodies  map[string]bool  // read by a node's graphs
	grids     map[string]*grid // of folded weights
	numbered  int              // of fresh names
}

// networkOf copies what will be changed of a model.
func networkOf(m *lower.Model) (*network, error) {
	o, err := m.ONNX()
	if err != nil {
		return nil, err
	}
	g := &network{model: o, opset: o.Opsets[0].Version, constants: map[string]*tensor.Tensor{}, grids: map[string]*grid{}}
	for _, c := range o.Graph.Initializers {
		g.constants[c.Name] = c.Tensor
	}
	g.index()
	return g, nil
}

// index counts who reads what.
func (g *network) index() {
	g.uses, g.reader, g.maker, g.inBodies = map[string]int{}, map[string]int{}, map[string]int{}, map[string]bool{}
	for i := range g.model.Graph.Nodes {
		n := &g.model.Graph.Nodes[i]
		for _, name := range n.Inputs {
			g.uses[name]++
			g.reader[name] = i
		}
		for _, a := range n.Attrs {
			if a.Graph != nil {
				g.body(a.Graph)
			}
		}
		for _, name := range n.Outputs {
			g.maker[name] = i
		}
	}
	for _, v := range g.model.Graph.Outputs {
		g.uses[v.Name]++
	}
}

func (g *network) body(b *onnx.Graph) {
	note := func(name string) {
		g.uses[name]++
		g.inBodies[name] = true
	}
	for i := range b.Nodes {
		for _, name := range b.Nodes[i].Inputs {
			note(name)
		}
		for _, a := range b.Nodes[i].Attrs {
			if a.Graph != nil {
				g.body(a.Graph)
			}
		}
	}
	for _, v := range b.Outputs {
		note(v.Name)
	}
}

// fresh gives a name that nothing has: those of lower.Model are v and a number.
func (g *network) fresh(what string) string {
	g.numbered++
	return fmt.Sprintf("%s_%d", what, g.numbered)
}

// constant adds a tensor.
func (g *network) constant(what string, t *tensor.Tensor) string {
	name := g.fresh(what)
	g.constants[name] = t
	g.model.Graph.Initializers = append(g.model.Graph.Initializers, onnx.Initializer{Name: name, Tensor: t})
	return name
}

// floats gives the elements of a constant of floats.
func (g *network) floats(n *onnx.Node, input int) (*tensor.Tensor, []float32) {
	if input >= len(n.Inputs) {
		return nil, nil
	}
	t := g.constants[n.Inputs[input]]
	if t == nil || t.Type() != tensor.Float32 {
		return nil, nil
	}
	return t, tensor.Values[float32](t)
}

// grid gives that of weights in rows.
func (g *network) grid(name string, weights []float32, rows int) *grid {
	if have, known := g.grids[name]; known {
		return have
	}
	return gridOf(weights, rows)
}

// follower gives the only reader of what a node makes, or nil.
func (g *network) follower(n *onnx.Node) *onnx.Node {
	name := n.Outputs[0]
	at, ok := g.reader[name]
	if !ok || g.uses[name] != 1 {
		return nil
	}
	return &g.model.Graph.Nodes[at]
}

// lowered gives the network as a model that is to the outside as another one.
func (g *network) lowered(like *lower.Model) (*lower.Model, error) {
	h := &like.Net.Head
	return lower.Lower(g.model, lower.Outside{Form: h.Form, Width: int(h.Width), Height: int(h.Height), Labels: h.Labels})
}

func attr(n *onnx.Node, name string) *onnx.Attr {
	for i := range n.Attrs {
		if n.Attrs[i].Name == name {
			return &n.Attrs[i]
		}
	}
	return nil
}

func attrInt(n *onnx.Node, name string, otherwise int64) int64 {
	if a := attr(n, name); a != nil {
		return a.Int
	}
	return otherwise
}

func attrFloat(n *onnx.Node, name string, otherwise float32) float32 {
	if a := attr(n, name); a != nil {
		return a.Float
	}
	return otherwise
}
