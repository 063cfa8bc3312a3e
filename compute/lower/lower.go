package lower

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/operator"
	"github.com/aiwork/aiwork-node/compute/tensor"
	"github.com/aiwork/aiwork-node/internal/must"
)

// A Model is a network with its weights' tensors, in the order of the net.
type Model struct {
	Net     *net.Net
	Weights []*tensor.Tensor
}

// Outside says what a file does not: how items become inputs and what outputs are called.
type Outside struct {
	Form          net.Form
	Width, Height int // of a picture
	Labels        []string
}

// Lower brings a file into canonical form. That its operators are known and fit is for program.Compile to find.
func Lower(m *onnx.Model, o Outside) (*Model, error) {
	opset, err := opsetOf(m)
	if err != nil {
		return nil, err
	}
	r := &reader{weights: map[string]*weight{}}
	s := r.scope(nil)
	ports, err := s.ports(m.Graph)
	if err != nil {
		return nil, err
	}
	if err := s.read(m.Graph); err != nil {
		return nil, err
	}
	for _, v := range s.graph.outputs {
		mark(v)
	}
	w := &writer{}
	if err := w.top(s.graph); err != nil {
		return nil, err
	}
	w.net.Head = net.Head{
		Opset: uint16(opset), Form: o.Form, Width: uint16(o.Width), Height: uint16(o.Height), Labels: o.Labels, Inputs: ports,
		Weights: uint32(len(w.net.WeightList)), Ops: uint32(len(w.net.OpList)), Outputs: w.outputs,
	}
	if err := check(&w.net); err != nil {
		return nil, err
	}
	return &Model{Net: &w.net, Weights: w.tensors}, nil
}

// check holds the result against the limits of the canonical form, by its own decoders.
func check(n *net.Net) error {
	if err := n.Check(); err != nil {
		return err
	}
	if _, err := net.DecodeHead(n.Head.Encode()); err != nil {
		return fmt.Errorf("inputs and outputs: %w", err)
	}
	for i := range n.OpList {
		if _, err := net.DecodeOp(n.OpList[i].Encode()); err != nil {
			return fmt.Errorf("operator %d %s: %w", i, n.OpList[i].Name, err)
		}
	}
	return nil
}

func opsetOf(m *onnx.Model) (int64, error) {
	for _, o := range m.Opsets {
		if o.Domain != "" && o.Domain != "ai.onnx" {
			continue
		}
		if o.Version < operator.OpsetMin || o.Version > operator.OpsetMax {
			return 0, &onnx.Unsupported{What: fmt.Sprintf("operator set %d", o.Version)}
		}
		return o.Version, nil
	}
	return 0, fmt.Errorf("no version of ONNX's own operator set")
}

// ports defines the inputs of the outermost graph.
func (s *scope) ports(g *onnx.Graph) ([]net.Port, error) {
	given := map[string]bool{}
	for _, init := range g.Initializers {
		given[init.Name] = true
	}
	names := map[string]uint32{}
	free := uint32(0)
	var out []net.Port
	for _, in := range g.Inputs {
		if given[in.Name] { // files of old versions list weights as inputs too
			continue
		}
		if in.Type == 0 {
			return nil, fmt.Errorf("input %q has no type", in.Name)
		}
		p := net.Port{Type: net.Type(onnx.NumberOf(in.Type)), Known: in.Ranks}
		for _, d := range in.Shape {
			dim := net.Dim{Free: d.Size < 0 || d.Name != "", N: uint32(d.Size)}
			if dim.Free {
				n, known := names[d.Name]
				if !known || d.Name == "" {
					n = free
					free++
					names[d.Name] = n
				}
				dim.N = n
			} else if d.Size > tensor.ElementsMax {
				return nil, fmt.Errorf("input %q has a dimension of %d", in.Name, d.Size)
			}
			p.Shape = append(p.Shape, dim)
		}
		v := &ref{}
		if err := s.define(in.Name, v); err != nil {
			return nil, err
		}
		s.graph.inputs = append(s.graph.inputs, v)
		out = append(out, p)
	}
	return out, nil
}

// A writer numbers values and writes operators down.
type writer struct {
	net     net.Net
	tensors []*tensor.Tensor
	outputs []net.Value
}

// top writes the outermost graph. Weights must have numbers before operators do, so they are listed first.
func (w *writer) top(g *graph) error {
	weights := weightsOf(g)
	for i, v := range g.inputs {
		v.number = net.Value(i)
	}
	for i, v := range weights {
		v.top.number = net.Value(len(g.inputs) + i)
		w.tensors = append(w.tensors, v.tensor)
		w.net.WeightList = append(w.net.WeightList, net.Weight(DigestOf(v.tensor)))
	}
	ops, err := operators(g, len(g.inputs)+len(weights))
	if err != nil {
		return err
	}
	w.net.OpList, w.outputs = ops, numbers(g.outputs)
	return nil
}

// weightsOf lists the weights that a graph reads, in order (LOWER-4).
func weightsOf(g *graph) (list []*weight) {
	seen := map[*weight]bool{}
	note := func(v *ref) {
		for v != nil && v.outer != nil {
			v = v.outer
		}
		if v != nil && v.weight != nil && !seen[v.weight] {
			seen[v.weight] = true
			list = append(list, v.weight)
		}
	}
	var walk func(g *graph)
	walk = func(g *graph) {
		for _, n := range g.nodes {
			if !n.live {
				continue
			}
			for _, v := range n.in {
				note(v)
			}
			for _, b := range n.sortedBodies() {
				walk(b.graph)
			}
		}
		for _, v := range g.outputs {
			note(v)
		}
	}
	walk(g)
	return list
}

// sortedBodies gives the bodies in the order of their attributes' names.
func (n *node) sortedBodies() []body {
	list := slices.Clone(n.bodies)
	slices.SortStableFunc(list, func(a, b body) int { return cmp.Compare(a.name, b.name) })
	return list
}

// operators numbers what the live nodes of a graph make, from first on, and writes them down.
func operators(g *graph, first int) ([]net.Op, error) {
	next := net.Value(first)
	var ops []net.Op
	for _, n := range g.nodes {
		if !n.live {
			continue
		}
		op, err := n.write()
		if err != nil {
			return nil, fmt.Errorf("%s %q: %w", n.op, n.label, err)
		}
		for _, v := range n.outs {
			op.Outs = append(op.Outs, v != nil)
			if v != nil {
				v.number = next
				next++
			}
		}
		ops = append(ops, op)
	}
	return ops, nil
}

func (n *node) write() (net.Op, error) {
	op := net.Op{Name: n.op, In: numbers(n.in)}
	for i := range n.attrs {
		a, err := attrOf(&n.attrs[i])
		if err != nil {
			return op, fmt.Errorf("attribute %q: %w", n.attrs[i].Name, err)
		}
		op.Attrs = append(op.Attrs, a)
	}
	bodies := n.sortedBodies()
	captures := capturesOf(bodies)
	for _, v := range captures {
		op.In = append(op.In, v.number)
	}
	for _, b := range bodies {
		block, err := b.graph.block(captures)
		if err != nil {
			return op, fmt.Errorf("%s: %w", b.name, err)
		}
		op.Attrs = append(op.Attrs, net.Attr{Name: b.name, Kind: net.KindBlock, Block: block})
	}
	slices.SortStableFunc(op.Attrs, func(a, b net.Attr) int { return cmp.Compare(a.Name, b.Name) })
	return op, nil
}

// capturesOf lists what bodies read from around, as refs of the graph around (NET-2).
func capturesOf(bodies []body) (list []*ref) {
	for _, b := range bodies {
		for _, v := range b.graph.reads() {
			if v.outer != nil && !slices.Contains(list, v.outer) {
				list = append(list, v.outer)
			}
		}
	}
	return list
}

// reads lists the values that a graph's live nodes and outputs read, in order.
func (g *graph) reads() (list []*ref) {
	for _, n := range g.nodes {
		if !n.live {
			continue
		}
		for _, v := range n.in {
			if v != nil {
				list = append(list, v)
			}
		}
		list = append(list, capturesOf(n.sortedBodies())...)
	}
	return append(list, g.outputs...)
}

// block writes a body down whose last inputs are the captures.
func (g *graph) block(captures []*ref) (*net.Block, error) {
	b := &net.Block{Inputs: uint32(len(g.inputs) + len(captures)), Capture: uint32(len(captures))}
	for i, v := range g.inputs {
		v.number = net.Value(i)
	}
	for _, v := range g.reads() {
		if v.outer != nil {
			v.number = net.Value(len(g.inputs) + slices.Index(captures, v.outer))
		}
	}
	var err error
	b.Ops, err = operators(g, int(b.Inputs))
	b.Outputs = numbers(g.outputs)
	return b, err
}

func numbers(list []*ref) []net.Value {
	var out []net.Value
	for _, v := range list {
		if v == nil {
			out = append(out, net.None)
			continue
		}
		out = append(out, v.number)
	}
	return out
}

func attrOf(a *onnx.Attr) (net.Attr, error) {
	out := net.Attr{Name: a.Name, Kind: net.Kind(a.Kind)}
	switch a.Kind {
	case onnx.AttrFloat:
		out.Float = math.Float32bits(a.Float)
	case onnx.AttrInt:
		out.Int = a.Int
	case onnx.AttrText:
		out.Text = a.Text
	case onnx.AttrTensor:
		t := InlineOf(a.Tensor)
		if len(t.Bytes) > net.InlineMax {
			return out, &onnx.Unsupported{What: fmt.Sprintf("a tensor of %d bytes as an attribute", len(t.Bytes))}
		}
		out.Tensor = &t
	case onnx.AttrFloats:
		for _, v := range a.Floats {
			out.Floats = append(out.Floats, math.Float32bits(v))
		}
	case onnx.AttrInts:
		out.Ints = a.Ints
	case onnx.AttrTexts:
		out.Texts = a.Texts
	default:
		must.Hold(false, "an attribute of a kind that the reader refuses")
	}
	return out, nil
}
