package receipt

import (
	"fmt"

	"github.com/aiwork/aiwork-node/compute/expand"
	"github.com/aiwork/aiwork-node/compute/lower"
	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/program"
	"github.com/aiwork/aiwork-node/compute/tensor"
	"github.com/aiwork/aiwork-node/compute/tile"
)

// operandsOf gives what is known of tensors; nil stands for one that is left out.
func operandsOf(list []*tensor.Tensor) (out []tile.Operand, raw operands) {
	for _, t := range list {
		if t == nil {
			out, raw = append(out, tile.Operand{}), append(raw, operand{})
			continue
		}
		i := lower.InlineOf(t)
		out, raw = append(out, tile.Operand{Type: i.Type, Shape: i.Shape}), append(raw, operand{i.Type, i.Bytes})
	}
	return out, raw
}

// Expand runs what a composite operator stands for on its operands and keeps every value. The trace's values are numbered as the expansion's:
// operands that are left out have a tensor that nothing reads.
func Expand(opset uint16, op *net.Op, in []*tensor.Tensor, limits program.Limits) (*Trace, *expand.Expansion, error) {
	task := tile.Task{Opset: opset, Op: op}
	known, raw := operandsOf(in)
	task.In = known
	x, err := expand.Resolve(task, raw)
	if err != nil {
		return nil, nil, err
	}
	n := &net.Net{OpList: x.All()}
	n.Opset = x.Opset
	inputs := make([]*tensor.Tensor, len(in))
	for i, t := range in {
		if t == nil {
			t = tensor.Scalar(float32(0))
		}
		inputs[i] = t
		n.Inputs = append(n.Inputs, net.Port{Type: net.Type(onnx.NumberOf(t.Type()))})
	}
	for _, v := range x.Outs {
		if v >= net.Value(x.Operands) {
			n.Outputs = append(n.Outputs, v)
			break // one is enough for a graph, and all that is made is kept
		}
	}
	m := &lower.Model{Net: n}
	if len(n.Outputs) == 0 {
		return newTrace(m, inputs), x, nil
	}
	t, err := Run(m, inputs, limits)
	if err != nil {
		return nil, nil, fmt.Errorf("%s expanded: %w", op.Name, err)
	}
	return t, x, nil
}
