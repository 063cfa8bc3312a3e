package onnx

import (
	"fmt"

	"github.com/aiwork/aiwork-node/compute/tensor"
)

// A decoder counts what a file has used of its limits.
type decoder struct {
	nodes, values, tensorBytes, nesting int
}

// DecodeModel reads a model file. The model keeps nothing of b.
func DecodeModel(b []byte) (*Model, error) {
	if len(b) > ModelBytesMax {
		return nil, fmt.Errorf("model: %d bytes, at most %d are allowed", len(b), ModelBytesMax)
	}
	m := &Model{}
	d := &decoder{}
	err := eachField(b, func(f field) (err error) {
		switch f.number {
		case 1:
			return f.setInt(&m.IR)
		case 7:
			if m.Graph != nil {
				return fmt.Errorf("a second graph")
			}
			m.Graph, err = d.graph(f)
			return within(err, "graph")
		case 8:
			return m.addOpset(f)
		case 20:
			return unsupported("training information")
		case 25:
			return unsupported("a model with functions of its own")
		}
		return nil
	})
	if err == nil && m.Graph == nil {
		err = fmt.Errorf("no graph")
	}
	if err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	m.Tensors = d.tensorBytes
	return m, nil
}

// DecodeTensor reads a file that holds one tensor.
func DecodeTensor(b []byte) (*tensor.Tensor, error) {
	if len(b) > ModelBytesMax {
		return nil, fmt.Errorf("tensor: %d bytes, at most %d are allowed", len(b), ModelBytesMax)
	}
	d := &decoder{}
	t, _, err := d.tensor(field{kind: wireBytes, bytes: b})
	if err != nil {
		return nil, fmt.Errorf("tensor: %w", err)
	}
	return t, nil
}

func within(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf(format+": %w", append(args, err)...)
}

func (m *Model) addOpset(f field) error {
	if len(m.Opsets) == AttrsMax {
		return fmt.Errorf("more than %d operator sets", AttrsMax)
	}
	if err := f.want(wireBytes); err != nil {
		return err
	}
	var o Opset
	err := eachField(f.bytes, func(f field) error {
		switch f.number {
		case 1:
			return f.setText(&o.Domain)
		case 2:
			return f.setInt(&o.Version)
		}
		return nil
	})
	m.Opsets = append(m.Opsets, o)
	return within(err, "operator set")
}

func (d *decoder) graph(f field) (*Graph, error) {
	if err := f.want(wireBytes); err != nil {
		return nil, err
	}
	if d.nesting == NestingMax {
		return nil, fmt.Errorf("more than %d graphs within each other", NestingMax)
	}
	d.nesting++
	g := &Graph{}
	err := eachField(f.bytes, func(f field) error { return d.graphField(g, f) })
	d.nesting--
	if err != nil {
		return nil, err
	}
	return g, nil
}

func (d *decoder) graphField(g *Graph, f field) (err error) {
	switch f.number {
	case 1:
		node, err := d.node(f)
		g.Nodes = append(g.Nodes, node)
		return within(err, "node %d", len(g.Nodes)-1)
	case 2:
		return f.setText(&g.Name)
	case 5:
		if err := d.countValue(); err != nil {
			return err
		}
		t, name, err := d.tensor(f)
		g.Initializers = append(g.Initializers, Initializer{Name: name, Tensor: t})
		return within(err, "initializer %d %q", len(g.Initializers)-1, name)
	case 11:
		g.Inputs, err = d.addValue(g.Inputs, f)
		return within(err, "input %d", len(g.Inputs))
	case 12:
		g.Outputs, err = d.addValue(g.Outputs, f)
		return within(err, "output %d", len(g.Outputs))
	case 15:
		return unsupported("a sparse tensor")
	}
	return nil
}

func (d *decoder) countValue() error {
	if d.values++; d.values > ValuesMax {
		return fmt.Errorf("more than %d values", ValuesMax)
	}
	return nil
}

func (d *decoder) addValue(list []Value, f field) ([]Value, error) {
	if err := d.countValue(); err != nil {
		return list, err
	}
	if err := f.want(wireBytes); err != nil {
		return list, err
	}
	var v Value
	err := eachField(f.bytes, func(f field) error {
		switch f.number {
		case 1:
			return f.setText(&v.Name)
		case 2:
			return within(v.setType(f), "type")
		}
		return nil
	})
	if err != nil {
		return list, within(err, "%q", v.Name)
	}
	return append(list, v), nil
}

// setType reads a TypeProto. Only dense tensors are known.
func (v *Value) setType(f field) error {
	if err := f.want(wireBytes); err != nil {
		return err
	}
	return eachField(f.bytes, func(f field) error {
		switch f.number {
		case 1:
			return v.setTensorType(f)
		case 4:
			return unsupported("a sequence")
		case 5:
			return unsupported("a map")
		case 8:
			return unsupported("a sparse tensor")
		case 9:
			return unsupported("an optional value")
		}
		return nil
	})
}

func (v *Value) setTensorType(f field) error {
	if err := f.want(wireBytes); err != nil {
		return err
	}
	return eachField(f.bytes, func(f field) (err error) {
		switch f.number {
		case 1:
			if err := f.want(wireVarint); err != nil || f.bits == 0 {
				return err
			}
			v.Type, err = TypeFrom(int64(f.bits))
			return err
		case 2:
			v.Ranks = true
			return within(v.setShape(f), "shape")
		}
		return nil
	})
}

func (v *Value) setShape(f field) error {
	if err := f.want(wireBytes); err != nil {
		return err
	}
	return eachField(f.bytes, func(f field) error {
		if f.number != 1 {
			return nil
		}
		if len(v.Shape) == tensor.RankMax {
			return unsupported("a shape of more than %d dimensions", tensor.RankMax)
		}
		if err := f.want(wireBytes); err != nil {
			return err
		}
		dim := Dim{Size: -1}
		err := eachField(f.bytes, func(f field) error {
			switch f.number {
			case 1:
				return f.setInt(&dim.Size)
			case 2:
				return f.setText(&dim.Name)
			}
			return nil
		})
		v.Shape = append(v.Shape, dim)
		return err
	})
}

func (d *decoder) node(f field) (n Node, err error) {
	if d.nodes++; d.nodes > NodesMax {
		return n, fmt.Errorf("more than %d nodes", NodesMax)
	}
	if err := f.want(wireBytes); err != nil {
		return n, err
	}
	err = eachField(f.bytes, func(f field) error {
		switch f.number {
		case 1:
			return d.addName(&n.Inputs, f)
		case 2:
			return d.addName(&n.Outputs, f)
		case 3:
			return f.setText(&n.Name)
		case 4:
			return f.setText(&n.Op)
		case 5:
			if len(n.Attrs) == AttrsMax {
				return fmt.Errorf("more than %d attributes", AttrsMax)
			}
			a, err := d.attr(f)
			n.Attrs = append(n.Attrs, a)
			return within(err, "attribute %d %q", len(n.Attrs)-1, a.Name)
		case 7:
			return f.setText(&n.Domain)
		}
		return nil
	})
	if n.Op != "" {
		err = within(err, "%s", n.Op)
	}
	return n, err
}

func (d *decoder) addName(list *[]string, f field) error {
	if err := d.countValue(); err != nil {
		return err
	}
	var name string
	err := f.setText(&name)
	*list = append(*list, name)
	return err
}
