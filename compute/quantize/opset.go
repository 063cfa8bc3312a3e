package quantize

import (
	"fmt"

	"github.com/aiwork/aiwork-node/compute/onnx"
)

// Models of older operator sets, where what they use means the same in a later one.

const (
	opsetConv      = 10 // QLinearConv
	opsetPadInputs = 11 // the sizes of a Pad are an input
	opsetClip      = 11 // so are the ends of a Clip
	opsetMaxPool   = 12 // of bytes
	opsetPad       = 13 // of bytes
	opsetAxis      = 13 // scales by channel
)

// raiseToBytes makes the model one of the first set with operators on bytes.
func (g *network) raiseToBytes() error {
	if g.opset >= opsetConv {
		return nil
	}
	for i := range g.model.Graph.Nodes {
		n := &g.model.Graph.Nodes[i]
		switch n.Op {
		case "Slice":
			g.sliceByInputs(n)
		case "Upsample", "TopK", "If", "Loop", "Scan":
			return fmt.Errorf("the model is of operator set %d, products of bytes exist from %d on, and %s differs there: convert it first", g.opset, opsetConv, n.Op)
		}
	}
	g.opset, g.model.Opsets[0].Version = opsetConv, opsetConv
	g.index()
	return nil
}

// sliceByInputs makes inputs of the attributes of a Slice.
func (g *network) sliceByInputs(n *onnx.Node) {
	in := n.Inputs[:1:1]
	for _, name := range []string{"starts", "ends", "axes"} {
		if a := attr(n, name); a != nil {
			in = append(in, g.constant(name, asTensor(a.Ints)))
		}
	}
	n.Inputs, n.Attrs = in, nil
}

// raiseTo makes the model one of a later operator set, if that changes nothing that it uses.
func (g *network) raiseTo(set int64) error {
	if g.opset >= set {
		return nil
	}
	for i := range g.model.Graph.Nodes {
		switch op := g.model.Graph.Nodes[i].Op; op {
		case "Softmax", "LogSoftmax", "Hardmax", "Squeeze", "Unsqueeze", "Split", "ReduceSum", "Clip", "Pad", "Slice", "TopK", "Resize", "Upsample",
			"If", "Loop", "Scan", "Scatter", "BatchNormalization", "Dropout":
			if g.opset >= 11 && (op == "Clip" || op == "Pad" || op == "Slice" || op == "TopK" || op == "Resize") {
				continue
			}
			return fmt.Errorf("the model is of operator set %d, scales by channel need %d, and %s differs there: export it as qlinear", g.opset, set, op)
		}
	}
	g.opset, g.model.Opsets[0].Version = set, set
	return nil
}
