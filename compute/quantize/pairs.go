package quantize

import (
	"fmt"
	"slices"

	"github.com/aiwork/aiwork-node/compute/lower"
	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// IsQuantized reports whether a model has convolutions or products in bytes.
func IsQuantized(m *lower.Model) bool {
	return slices.ContainsFunc(m.Net.OpList, func(o net.Op) bool {
		return o.Name == "QLinearConv" || o.Name == "QLinearMatMul" || o.Name == "MatMulInteger" || o.Name == "ConvInteger"
	})
}

// PairsOf gives a quantised model's numbers in the form that other runtimes optimise: each QLinearConv is a Conv of floats that were bytes.
// Products by MatMulInteger stay, for those runtimes know it.
func PairsOf(m *lower.Model) (*onnx.Model, error) {
	g, err := networkOf(m)
	if err != nil {
		return nil, err
	}
	if err := g.raiseTo(opsetAxis); err != nil {
		return nil, err
	}
	p := &pairer{network: g}
	for i := range g.model.Graph.Nodes {
		n := &g.model.Graph.Nodes[i]
		if n.Op != "QLinearConv" {
			p.out = append(p.out, *n)
			continue
		}
		if err := p.conv(n); err != nil {
			return nil, err
		}
	}
	g.model.Graph.Nodes = p.out
	g.index()
	l, err := g.lowered(m) // drops weights that nobody reads any more
	if err != nil {
		return nil, err
	}
	return l.ONNX()
}

type pairer struct {
	*network
	out []onnx.Node
}

func (p *pairer) add(op string, inputs []string, output string, attrs ...onnx.Attr) string {
	p.out = append(p.out, onnx.Node{Op: op, Inputs: inputs, Outputs: []string{output}, Attrs: attrs})
	return output
}

func (p *pairer) conv(n *onnx.Node) error {
	scaleX, scales, zeros := p.constants[n.Inputs[1]], p.constants[n.Inputs[4]], p.constants[n.Inputs[5]]
	if scaleX == nil || scales == nil || zeros == nil || zeros.Type() != tensor.Int8 {
		return fmt.Errorf("a QLinearConv whose scales are no constants, or whose weights are no int8")
	}
	if scales.Len() > 1 && zeros.Len() == 1 {
		v := tensor.Values[int8](zeros)[0]
		n.Inputs[5] = p.constant("zero", asTensor(slices.Repeat([]int8{v}, scales.Len())))
	}
	axis := onnx.Attr{Name: "axis", Kind: onnx.AttrInt}
	in := []string{
		p.add("DequantizeLinear", n.Inputs[:3:3], p.fresh("float")),
		p.add("DequantizeLinear", n.Inputs[3:6:6], p.fresh("float"), axis),
	}
	if len(n.Inputs) > 8 {
		both := scaled(tensor.Values[float32](scales), tensor.Values[float32](scaleX)[0])
		zero := p.constant("zero", tensor.Of(scales.Shape(), make([]int32, len(both))))
		in = append(in, p.add("DequantizeLinear", []string{n.Inputs[8], p.constant("scale", tensor.Of(scales.Shape(), both)), zero}, p.fresh("float"), axis))
	}
	sum := p.add("Conv", in, p.fresh("float"), n.Attrs...)
	p.add("QuantizeLinear", []string{sum, n.Inputs[6], n.Inputs[7]}, n.Outputs[0])
	return nil
}
