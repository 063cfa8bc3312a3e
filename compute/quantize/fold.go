package quantize

import (
	"slices"

	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/lower"
	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// Fold gives a model in which what follows a convolution channel by channel is part of its weights and bias (QUANT-1). It computes nearly
// the same, by other roundings, and has another id.
func Fold(m *lower.Model) (*lower.Model, error) {
	g, err := networkOf(m)
	if err != nil {
		return nil, err
	}
	g.fold()
	return g.lowered(m)
}

func (g *network) fold() {
	nodes := g.model.Graph.Nodes
	gone := make([]bool, len(nodes))
	for i := range nodes {
		if nodes[i].Op != "Conv" {
			continue
		}
		g.foldPad(&nodes[i], gone)
		for g.foldNext(&nodes[i], gone) {
		}
	}
	kept := nodes[:0]
	for i := range nodes {
		if !gone[i] {
			kept = append(kept, nodes[i])
		}
	}
	g.model.Graph.Nodes = kept
	g.index()
}

// foldPad makes zeros that are put around an image the convolution's own padding.
func (g *network) foldPad(conv *onnx.Node, gone []bool) {
	at, made := g.maker[conv.Inputs[0]]
	if !made || g.uses[conv.Inputs[0]] != 1 {
		return
	}
	pad := &g.model.Graph.Nodes[at]
	around, ok := g.padding(pad)
	rank := len(around) / 2
	own := attr(conv, "pads")
	auto := attr(conv, "auto_pad")
	if !ok || rank < 3 || auto != nil && auto.Text != "NOTSET" && auto.Text != "VALID" || own != nil && len(own.Ints) != 2*(rank-2) {
		return
	}
	pads := make([]int64, 2*(rank-2))
	for i := range rank {
		for j, v := range []int64{around[i], around[rank+i]} {
			if v < 0 || i < 2 && v != 0 {
				return
			}
			if i >= 2 {
				pads[j*(rank-2)+i-2] = v
				if own != nil && (auto == nil || auto.Text == "NOTSET") {
					pads[j*(rank-2)+i-2] += own.Ints[j*(rank-2)+i-2]
				}
			}
		}
	}
	attrs := slices.DeleteFunc(slices.Clone(conv.Attrs), func(a onnx.Attr) bool { return a.Name == "pads" || a.Name == "auto_pad" })
	conv.Attrs = append(attrs, onnx.Attr{Name: "pads", Kind: onnx.AttrInts, Ints: pads})
	conv.Inputs = slices.Clone(conv.Inputs)
	conv.Inputs[0] = pad.Inputs[0]
	gone[at] = true
}

// padding gives how many zeros a Pad puts around: all in front, then all behind.
func (g *network) padding(pad *onnx.Node) ([]int64, bool) {
	if pad.Op != "Pad" || attr(pad, "mode") != nil && attr(pad, "mode").Text != "constant" || len(pad.Inputs) > 3 {
		return nil, false
	}
	if g.opset < opsetPadInputs {
		a := attr(pad, "pads")
		if a == nil || attrFloat(pad, "value", 0) != 0 {
			return nil, false
		}
		return a.Ints, true
	}
	around := g.constants[pad.Inputs[1]]
	if around == nil || !g.padsZero(pad) {
		return nil, false
	}
	return around.Ints(), true
}

// foldNext takes the node behind a convolution into it.
func (g *network) foldNext(conv *onnx.Node, gone []bool) bool {
	w, weights := g.floats(conv, 1)
	next := g.follower(conv)
	if w == nil || next == nil || next.Outputs[0] == "" || len(conv.Inputs) > 2 && g.constants[conv.Inputs[2]] == nil {
		return false
	}
	outs := w.Shape()[0]
	scale, shift, ok := g.affine(next, conv.Outputs[0], outs, w.Rank())
	if !ok {
		return false
	}
	bias := make([]float32, outs)
	if len(conv.Inputs) > 2 {
		_, old := g.floats(conv, 2)
		copy(bias, old)
	}
	folded := slices.Clone(weights)
	each := len(folded) / outs
	for o := range outs {
		bias[o] = float32(bias[o]*scale[o]) + shift[o]
		for i := range each {
			folded[o*each+i] = float32(folded[o*each+i] * scale[o])
		}
	}
	name := g.constant("w", tensor.Of(w.Shape(), folded))
	g.grids[name] = g.grid(conv.Inputs[1], weights, outs).scaled(scale)
	conv.Inputs = []string{conv.Inputs[0], name, g.constant("b", tensor.Of([]int{outs}, bias))}
	gone[g.reader[conv.Outputs[0]]] = true
	conv.Outputs = next.Outputs[:1]
	return true
}

// affine says that a node multiplies and adds by channel; rank is that of its input x.
func (g *network) affine(n *onnx.Node, x string, outs, rank int) (scale, shift []float32, ok bool) {
	switch n.Op {
	case "BatchNormalization":
		var v [4][]float32
		for i := range v {
			if _, v[i] = g.floats(n, i+1); len(v[i]) != outs {
				return nil, nil, false
			}
		}
		if n.Inputs[0] != x || attrInt(n, "training_mode", 0) != 0 || attrInt(n, "spatial", 1) != 1 || len(n.Outputs) > 1 {
			return nil, nil, false
		}
		scale, shift = kernel.LowerBatchNorm(v[0], v[1], v[2], v[3], attrFloat(n, "epsilon", 1e-5))
		return scale, shift, true
	case "Add", "Mul":
		other := 1
		if n.Inputs[0] != x {
			other = 0
		}
		t, v := g.floats(n, other)
		if t == nil || !byChannel(t.Shape(), outs, rank) {
			return nil, nil, false
		}
		if len(v) == 1 {
			v = slices.Repeat(v, outs)
		}
		if n.Op == "Add" {
			return slices.Repeat([]float32{1}, outs), v, true
		}
		return v, make([]float32, outs), true
	}
	return nil, nil, false
}

// byChannel reports whether a shape spreads over (batch, channels, spatial...) as one number, or one for each channel.
func byChannel(shape []int, channels, rank int) bool {
	if tensor.Count(shape) == 1 {
		return len(shape) <= rank
	}
	at := len(shape) - (rank - 1)
	return at >= 0 && at <= 1 && shape[at] == channels && tensor.Count(shape) == channels
}
