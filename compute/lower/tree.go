package lower

import (
	"fmt"

	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// Names of operators that are treated by themselves.
const (
	opConstant = "Constant"
	opIdentity = "Identity"
	opDropout  = "Dropout"
)

// A ref is what a name stands for: an input, a weight, what a node makes, or a value captured from around.
type ref struct {
	weight *weight
	node   *node
	outer  *ref // captured
	live   bool
	number net.Value // within its graph, once it has one
}

// A weight is one tensor, however many names it has.
type weight struct {
	tensor *tensor.Tensor
	top    *ref // in the outermost graph
}

// A node is an operator that is kept.
type node struct {
	op     string
	label  string
	attrs  []onnx.Attr // without graphs
	bodies []body
	in     []*ref
	outs   []*ref // nil: not wanted
	live   bool
}

// A body is a graph that is an attribute.
type body struct {
	name  string
	graph *graph
}

// A graph has inputs, nodes in order, and outputs.
type graph struct {
	inputs, outputs []*ref
	nodes           []*node
}

// A scope resolves names while a graph is read.
type scope struct {
	outer    *scope
	top      *reader
	graph    *graph
	names    map[string]*ref
	made     map[string]bool
	captured map[*ref]*ref
}

// A reader makes the tree of one file.
type reader struct {
	weights map[string]*weight // by type, shape and bits
}

func (r *reader) scope(outer *scope) *scope {
	return &scope{outer: outer, top: r, graph: &graph{}, names: map[string]*ref{}, made: map[string]bool{}, captured: map[*ref]*ref{}}
}

func (s *scope) define(name string, v *ref) error {
	if s.made[name] {
		return fmt.Errorf("%q is made twice", name)
	}
	s.made[name], s.names[name] = true, v
	return nil
}

// find gives what a name stands for in this graph, nil for an empty name.
func (s *scope) find(name string) (*ref, error) {
	if name == "" {
		return nil, nil
	}
	if v := s.lookup(name); v != nil {
		return v, nil
	}
	return nil, fmt.Errorf("%q is used before it is made", name)
}

func (s *scope) lookup(name string) *ref {
	if v, ok := s.names[name]; ok {
		return v
	}
	if s.outer == nil {
		return nil
	}
	v := s.outer.lookup(name)
	if v == nil {
		return nil
	}
	own := s.capture(v)
	s.names[name] = own
	return own
}

// capture gives the ref that stands in this graph for one of the graph around.
func (s *scope) capture(outer *ref) *ref {
	if own, ok := s.captured[outer]; ok {
		return own
	}
	own := &ref{outer: outer}
	s.captured[outer] = own
	return own
}

// weight gives the ref of a tensor in this graph (LOWER-1).
func (s *scope) weight(t *tensor.Tensor) *ref {
	if s.outer != nil {
		return s.capture(s.outer.weight(t))
	}
	key := fmt.Sprint(t.Type(), t.Shape(), ":") + string(t.RawView())
	w := s.top.weights[key]
	if w == nil {
		w = &weight{tensor: t}
		w.top = &ref{weight: w}
		s.top.weights[key] = w
	}
	return w.top
}

// read takes everything but the inputs.
func (s *scope) read(g *onnx.Graph) error {
	for _, init := range g.Initializers {
		if err := s.define(init.Name, s.weight(init.Tensor)); err != nil {
			return fmt.Errorf("initializer: %w", err)
		}
	}
	for i := range g.Nodes {
		n := &g.Nodes[i]
		if err := s.node(n); err != nil {
			return fmt.Errorf("node %d %s %q: %w", i, n.Op, n.Name, err)
		}
	}
	for _, out := range g.Outputs {
		v, err := s.find(out.Name)
		if err != nil {
			return fmt.Errorf("output: %w", err)
		}
		if v == nil {
			return fmt.Errorf("output without a name")
		}
		s.graph.outputs = append(s.graph.outputs, v)
	}
	return nil
}

func (s *scope) node(n *onnx.Node) error {
	if n.Domain != "" && n.Domain != "ai.onnx" {
		return &onnx.Unsupported{What: "operator " + n.Domain + ":" + n.Op}
	}
	if n.Op == opConstant {
		t, err := constantOf(n)
		if err != nil {
			return err
		}
		return s.define(n.Outputs[0], s.weight(t))
	}
	out := &node{op: n.Op, label: n.Name}
	for _, name := range n.Inputs {
		v, err := s.find(name)
		if err != nil {
			return err
		}
		out.in = append(out.in, v)
	}
	for len(out.in) > 0 && out.in[len(out.in)-1] == nil {
		out.in = out.in[:len(out.in)-1]
	}
	if s.passes(n, out) {
		return s.define(n.Outputs[0], out.in[0])
	}
	for i := range n.Attrs {
		if err := s.attr(out, &n.Attrs[i]); err != nil {
			return fmt.Errorf("attribute %q: %w", n.Attrs[i].Name, err)
		}
	}
	s.graph.nodes = append(s.graph.nodes, out)
	return s.outputs(out, n.Outputs)
}

// passes says whether a node gives what it takes (LOWER-2).
func (s *scope) passes(n *onnx.Node, out *node) bool {
	if len(n.Outputs) == 0 || n.Outputs[0] == "" || len(out.in) == 0 || out.in[0] == nil {
		return false
	}
	for _, name := range n.Outputs[1:] {
		if name != "" {
			return false
		}
	}
	return n.Op == opIdentity || n.Op == opDropout && len(out.in) < 3
}

func (s *scope) outputs(n *node, names []string) error {
	for len(names) > 0 && names[len(names)-1] == "" {
		names = names[:len(names)-1]
	}
	if len(names) == 0 {
		return fmt.Errorf("no outputs")
	}
	for _, name := range names {
		if name == "" {
			n.outs = append(n.outs, nil)
			continue
		}
		v := &ref{node: n}
		if err := s.define(name, v); err != nil {
			return err
		}
		n.outs = append(n.outs, v)
	}
	return nil
}

func (s *scope) attr(n *node, a *onnx.Attr) error {
	if a.Kind != onnx.AttrGraph {
		n.attrs = append(n.attrs, *a)
		return nil
	}
	inner := s.top.scope(s)
	for _, in := range a.Graph.Inputs {
		v := &ref{}
		if err := inner.define(in.Name, v); err != nil {
			return err
		}
		inner.graph.inputs = append(inner.graph.inputs, v)
	}
	if err := inner.read(a.Graph); err != nil {
		return err
	}
	n.bodies = append(n.bodies, body{a.Name, inner.graph})
	return nil
}

// constantOf gives the tensor of a Constant.
func constantOf(n *onnx.Node) (*tensor.Tensor, error) {
	if len(n.Inputs) != 0 || len(n.Outputs) != 1 || n.Outputs[0] == "" || len(n.Attrs) != 1 {
		return nil, fmt.Errorf("want no input, one output and one attribute")
	}
	a := &n.Attrs[0]
	switch {
	case a.Name == "value" && a.Kind == onnx.AttrTensor:
		return a.Tensor, nil
	case a.Name == "value_float" && a.Kind == onnx.AttrFloat:
		return tensor.Scalar(a.Float), nil
	case a.Name == "value_int" && a.Kind == onnx.AttrInt:
		return tensor.Scalar(a.Int), nil
	case a.Name == "value_floats" && a.Kind == onnx.AttrFloats:
		return tensor.Of([]int{len(a.Floats)}, a.Floats), nil
	case a.Name == "value_ints" && a.Kind == onnx.AttrInts:
		return tensor.Of([]int{len(a.Ints)}, a.Ints), nil
	}
	return nil, &onnx.Unsupported{What: fmt.Sprintf("a constant that is given by %q", a.Name)}
}

// mark notes what an output needs (LOWER-3).
func mark(v *ref) {
	for v != nil && !v.live {
		v.live = true
		if v.node != nil {
			v.node.mark()
		}
		v = v.outer
	}
}

func (n *node) mark() {
	if n.live {
		return
	}
	n.live = true
	for _, v := range n.in {
		mark(v)
	}
	for _, b := range n.bodies {
		for _, v := range b.graph.outputs {
			mark(v)
		}
	}
}
