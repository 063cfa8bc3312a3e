package lower

import (
	"fmt"
	"math"

	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/onnx"
)

// irVersion is the version of the file format that is written: the first one that has all that is used.
const irVersion = 8

// ONNX gives the model as a file's content. Values are called by their numbers.
func (m *Model) ONNX() (*onnx.Model, error) {
	n := m.Net
	r := &raiser{}
	g := &onnx.Graph{Name: "net"}
	var names []string
	for i, p := range n.Inputs {
		v := onnx.Value{Name: r.fresh(), Ranks: p.Known}
		var err error
		if v.Type, err = onnx.TypeFrom(int64(p.Type)); err != nil {
			return nil, fmt.Errorf("input %d: %w", i, err)
		}
		for _, d := range p.Shape {
			dim := onnx.Dim{Size: int64(d.N)}
			if d.Free {
				dim = onnx.Dim{Size: -1, Name: fmt.Sprintf("d%d", d.N)}
			}
			v.Shape = append(v.Shape, dim)
		}
		g.Inputs, names = append(g.Inputs, v), append(names, v.Name)
	}
	for _, t := range m.Weights {
		name := r.fresh()
		g.Initializers, names = append(g.Initializers, onnx.Initializer{Name: name, Tensor: t}), append(names, name)
	}
	if err := r.fill(g, n.OpList, n.Outputs, names); err != nil {
		return nil, err
	}
	return &onnx.Model{IR: irVersion, Opsets: []onnx.Opset{{Version: int64(n.Opset)}}, Graph: g}, nil
}

// A raiser gives every value a name that no graph within or around it uses.
type raiser struct{ next int }

func (r *raiser) fresh() string {
	r.next++
	return fmt.Sprintf("v%d", r.next-1)
}

// fill writes operators and outputs into a graph whose first values have these names. The output of an operator may be the output
// of the graph, an input or a weight may not: ONNX wants an Identity between.
func (r *raiser) fill(g *onnx.Graph, ops []net.Op, outputs []net.Value, names []string) error {
	given := len(names)
	for i := range ops {
		n, err := r.node(&ops[i], names)
		if err != nil {
			return fmt.Errorf("operator %d %s: %w", i, ops[i].Name, err)
		}
		for _, name := range n.Outputs {
			if name != "" {
				names = append(names, name)
			}
		}
		g.Nodes = append(g.Nodes, n)
	}
	used := map[net.Value]bool{}
	for _, v := range outputs {
		name := names[v]
		if int(v) < given || used[v] {
			through := r.fresh()
			g.Nodes = append(g.Nodes, onnx.Node{Op: opIdentity, Inputs: []string{name}, Outputs: []string{through}})
			name = through
		}
		used[v] = true
		g.Outputs = append(g.Outputs, onnx.Value{Name: name})
	}
	return nil
}

func (r *raiser) node(op *net.Op, names []string) (onnx.Node, error) {
	n := onnx.Node{Op: op.Name}
	captured := 0
	for i := range op.Attrs {
		if b := op.Attrs[i].Block; b != nil {
			captured = int(b.Capture)
		}
	}
	if captured > len(op.In) {
		return n, net.FaultValue
	}
	var all []string
	for _, v := range op.In {
		name := ""
		if v != net.None {
			name = names[v]
		}
		all = append(all, name)
	}
	own := len(all) - captured
	n.Inputs = all[:own:own]
	for i := range op.Attrs {
		a, err := r.attr(&op.Attrs[i], all[own:])
		if err != nil {
			return n, fmt.Errorf("attribute %q: %w", op.Attrs[i].Name, err)
		}
		n.Attrs = append(n.Attrs, a)
	}
	for _, there := range op.Outs {
		name := ""
		if there {
			name = r.fresh()
		}
		n.Outputs = append(n.Outputs, name)
	}
	return n, nil
}

func (r *raiser) attr(a *net.Attr, captured []string) (onnx.Attr, error) {
	out := onnx.Attr{Name: a.Name, Kind: onnx.AttrKind(a.Kind), Float: math.Float32frombits(a.Float), Int: a.Int, Text: a.Text, Ints: a.Ints, Texts: a.Texts}
	for _, bits := range a.Floats {
		out.Floats = append(out.Floats, math.Float32frombits(bits))
	}
	var err error
	switch {
	case a.Tensor != nil:
		out.Tensor, err = TensorOf(a.Tensor.Type, a.Tensor.Shape, a.Tensor.Bytes)
	case a.Block != nil:
		out.Graph, err = r.block(a.Block, captured)
	}
	return out, err
}

func (r *raiser) block(b *net.Block, captured []string) (*onnx.Graph, error) {
	if int(b.Capture) != len(captured) {
		return nil, net.FaultValue
	}
	g := &onnx.Graph{Name: "body"}
	var names []string
	for range b.Inputs - b.Capture {
		name := r.fresh()
		g.Inputs, names = append(g.Inputs, onnx.Value{Name: name}), append(names, name)
	}
	return g, r.fill(g, b.Ops, b.Outputs, append(names, captured...))
}
