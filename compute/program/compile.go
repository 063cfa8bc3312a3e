package program

import (
	"fmt"

	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/operator"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// IRMax is the newest version of the file format that is known.
const IRMax = 13

// Compile checks a model and makes a program of it.
func Compile(m *onnx.Model) (*Program, error) {
	if m.IR < 1 {
		return nil, fmt.Errorf("no version of the format")
	}
	if m.IR > IRMax {
		return nil, &onnx.Unsupported{What: fmt.Sprintf("format version %d", m.IR)}
	}
	opset, err := opsetOf(m)
	if err != nil {
		return nil, err
	}
	c := &compiler{table: operator.NewTable(), opset: opset}
	s := &scope{graph: &graph{}, values: map[string]value{}}
	p := &Program{Opset: opset, graph: s.graph}
	given := map[string]bool{}
	for _, init := range m.Graph.Initializers {
		given[init.Name] = true
	}
	for _, in := range m.Graph.Inputs {
		if given[in.Name] { // files of old versions list weights as inputs too
			continue
		}
		if in.Type == 0 {
			return nil, fmt.Errorf("input %q has no type", in.Name)
		}
		p.Inputs = append(p.Inputs, in)
		if err := s.addInput(in.Name, in.Type); err != nil {
			return nil, err
		}
	}
	if err := c.graph(s, m.Graph); err != nil {
		return nil, err
	}
	for i, out := range m.Graph.Outputs {
		if out.Type != 0 && out.Type != s.graph.kinds[i] {
			return nil, fmt.Errorf("output %q: type %v, declared as %v", out.Name, s.graph.kinds[i], out.Type)
		}
		p.Outputs = append(p.Outputs, out.Name)
	}
	p.view = viewOf(s.graph)
	return p, nil
}

// opsetOf gives the version of ONNX's own operators that a model asks for.
func opsetOf(m *onnx.Model) (int, error) {
	for _, o := range m.Opsets {
		if o.Domain != "" && o.Domain != "ai.onnx" {
			continue
		}
		if o.Version < operator.OpsetMin || o.Version > operator.OpsetMax {
			return 0, &onnx.Unsupported{What: fmt.Sprintf("operator set %d", o.Version)}
		}
		return int(o.Version), nil
	}
	if len(m.Opsets) > 0 {
		return 0, &onnx.Unsupported{What: fmt.Sprintf("operator set %s", m.Opsets[0].Domain)}
	}
	return 0, fmt.Errorf("no operator set")
}

// A compiler compiles one model.
type compiler struct {
	table *operator.Table
	opset int
}

// A value is what a name stands for.
type value struct {
	slot int
	kind tensor.Type
}

// A scope is a graph that is being compiled, within another one perhaps.
type scope struct {
	graph  *graph
	outer  *scope
	values map[string]value
	made   map[string]bool // names that belong to this graph, not captured
}

// define gives a name a new slot.
func (s *scope) define(name string, kind tensor.Type) (int, error) {
	if s.made[name] {
		return 0, fmt.Errorf("%q is made twice", name)
	}
	if s.made == nil {
		s.made = map[string]bool{}
	}
	s.made[name] = true
	slot := s.graph.slots
	s.graph.slots++
	s.values[name] = value{slot, kind}
	return slot, nil
}

func (s *scope) addInput(name string, kind tensor.Type) error {
	slot, err := s.define(name, kind)
	s.graph.inputs = append(s.graph.inputs, slot)
	return err
}

// find gives what a name stands for, capturing it from the graphs around.
func (s *scope) find(name string) (value, error) {
	if v, ok := s.values[name]; ok {
		return v, nil
	}
	if s.outer == nil {
		return value{}, fmt.Errorf("%q is used before it is made", name)
	}
	v, err := s.outer.find(name)
	if err != nil {
		return value{}, err
	}
	own := value{s.graph.slots, v.kind}
	s.graph.slots++
	s.values[name] = own
	s.graph.captures = append(s.graph.captures, capture{v.slot, own.slot})
	return own, nil
}

// graph compiles everything but the inputs, which the caller has defined.
func (c *compiler) graph(s *scope, g *onnx.Graph) error {
	for _, init := range g.Initializers {
		slot, err := s.define(init.Name, init.Tensor.Type())
		if err != nil {
			return fmt.Errorf("initializer: %w", err)
		}
		s.graph.constants = append(s.graph.constants, constant{slot, init.Tensor})
	}
	for i := range g.Nodes {
		n := &g.Nodes[i]
		label := fmt.Sprintf("node %d %s %q", i, n.Op, n.Name)
		compiled, err := c.node(s, n)
		if err != nil {
			return fmt.Errorf("%s: %w", label, err)
		}
		compiled.label, compiled.op, compiled.attrs = label, n.Op, n.Attrs
		s.graph.nodes = append(s.graph.nodes, compiled)
	}
	if len(g.Outputs) == 0 {
		return fmt.Errorf("a graph without outputs")
	}
	for _, out := range g.Outputs {
		v, err := s.find(out.Name)
		if err != nil {
			return fmt.Errorf("output: %w", err)
		}
		s.graph.outputs = append(s.graph.outputs, v.slot)
		s.graph.kinds = append(s.graph.kinds, v.kind)
	}
	s.graph.markLastUses()
	return nil
}

func (c *compiler) node(s *scope, n *onnx.Node) (node, error) {
	if n.Domain != "" && n.Domain != "ai.onnx" {
		return node{}, &onnx.Unsupported{What: "operator " + n.Domain + ":" + n.Op}
	}
	out := node{}
	kinds := make([]tensor.Type, len(n.Inputs))
	for i, name := range n.Inputs {
		slot := none
		if name != "" {
			v, err := s.find(name)
			if err != nil {
				return node{}, err
			}
			slot, kinds[i] = v.slot, v.kind
		}
		out.in = append(out.in, slot)
	}
	for i, name := range n.Outputs {
		if name != "" {
			out.wanted = i + 1
		}
	}
	if out.wanted == 0 {
		return node{}, fmt.Errorf("no outputs")
	}
	results, err := c.infer(s, n, &out, kinds)
	if err != nil {
		return node{}, err
	}
	for i, name := range n.Outputs[:out.wanted] {
		slot := none
		if name != "" {
			if slot, err = s.define(name, results[i]); err != nil {
				return node{}, err
			}
		}
		out.out = append(out.out, slot)
	}
	return out, nil
}

// infer finds what the node runs and gives the types of its outputs.
func (c *compiler) infer(s *scope, n *onnx.Node, out *node, kinds []tensor.Type) ([]tensor.Type, error) {
	switch n.Op {
	case "If", "Loop", "Scan":
		return c.control(s, n, out, kinds)
	}
	o, err := c.table.Find(n.Op, c.opset)
	if err != nil {
		return nil, err
	}
	attrs := operator.NewAttrs(n.Attrs)
	out.run = o.Make(attrs)
	if err := attrs.Err(); err != nil {
		return nil, err
	}
	result := attrs.Result
	if result == 0 && len(kinds) > 0 {
		result = kinds[0]
	}
	return operator.Infer(o.Signature, kinds, out.wanted, result)
}

// markLastUses says after which node each slot is free. Outputs stay; constants are the program's.
func (g *graph) markLastUses() {
	last := make([]int, g.slots)
	for i := range last {
		last[i] = none
	}
	keep := make([]bool, g.slots)
	for _, s := range g.outputs {
		keep[s] = true
	}
	for _, c := range g.constants {
		keep[c.slot] = true
	}
	for i, n := range g.nodes {
		for _, s := range n.uses() {
			last[s] = i
		}
		for _, s := range n.out {
			if s != none {
				last[s] = i // at least; one that nobody uses goes at once
			}
		}
	}
	for s, i := range last {
		if i != none && !keep[s] {
			g.nodes[i].free = append(g.nodes[i].free, s)
		}
	}
}

// uses lists the slots that a node reads, by itself and for the graphs within it.
func (n node) uses() (list []int) {
	for _, s := range n.in {
		if s != none {
			list = append(list, s)
		}
	}
	if n.control != nil {
		for _, body := range n.control.bodies {
			for _, c := range body.captures {
				list = append(list, c.outer)
			}
		}
	}
	return list
}
