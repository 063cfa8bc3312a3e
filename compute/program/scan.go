package program

import (
	"fmt"
	"slices"

	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/operator"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// A scan runs its body with carried values and one slice of each scanned input per round, and stacks the
// other outputs.
type scan struct {
	body                *graph
	carried             int
	inAxes, outAxes     []int64
	inBackwards, outRev []bool
}

func (c *compiler) scanNode(s *scope, a *controlAttrs, out *control, kinds []tensor.Type) ([]tensor.Type, error) {
	if c.opset < 9 {
		return nil, &onnx.Unsupported{What: "operator Scan over batches"}
	}
	scanned, err := a.find("num_scan_inputs", onnx.AttrInt)
	if err != nil {
		return nil, err
	}
	if scanned == nil || scanned.Int < 1 || scanned.Int > int64(len(kinds)) || slices.Contains(kinds, 0) {
		return nil, fmt.Errorf("number of scanned inputs missing, or not within the %d inputs", len(kinds))
	}
	carried := len(kinds) - int(scanned.Int)
	g, err := c.body(s, a, "body", kinds)
	if err != nil {
		return nil, err
	}
	out.bodies = []*graph{g}
	if len(g.kinds) < carried || !slices.Equal(g.kinds[:carried], kinds[:carried]) {
		return nil, fmt.Errorf("a body with outputs of types %v, want %v and what is stacked", g.kinds, kinds[:carried])
	}
	x := scan{body: g, carried: carried}
	ins, outs := int(scanned.Int), len(g.kinds)-carried
	if x.inAxes, err = a.ints("scan_input_axes", ins); err != nil {
		return nil, err
	}
	if x.outAxes, err = a.ints("scan_output_axes", outs); err != nil {
		return nil, err
	}
	if x.inBackwards, err = a.flags("scan_input_directions", ins); err != nil {
		return nil, err
	}
	if x.outRev, err = a.flags("scan_output_directions", outs); err != nil {
		return nil, err
	}
	out.run = x.run
	return g.kinds, nil
}

// ints gives a list of n numbers, zeros if it is not there.
func (a *controlAttrs) ints(name string, n int) ([]int64, error) {
	attr, err := a.find(name, onnx.AttrInts)
	if err != nil || attr == nil {
		return make([]int64, n), err
	}
	if len(attr.Ints) != n {
		return nil, fmt.Errorf("attribute %q has %d elements, want %d", name, len(attr.Ints), n)
	}
	return attr.Ints, nil
}

func (a *controlAttrs) flags(name string, n int) ([]bool, error) {
	list, err := a.ints(name, n)
	out := make([]bool, len(list))
	for i, v := range list {
		out[i] = v != 0
	}
	return out, err
}

func (x scan) run(f *frame, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	state, scanned := slices.Clone(in[:x.carried]), in[x.carried:]
	rounds, axes, err := x.rounds(scanned)
	if err != nil {
		return nil, err
	}
	collected := newCollection(f.m, x.body.kinds[x.carried:])
	if err := f.m.holdAll(state); err != nil {
		return nil, err
	}
	for i := range rounds {
		inputs, before := slices.Clone(state), f.m.budget.Bytes
		for j, t := range scanned {
			at := i
			if x.inBackwards[j] {
				at = rounds - 1 - i
			}
			slice, err := operator.Index(f.m.call(nil, 1), t, axes[j], at)
			if err != nil {
				return nil, err
			}
			inputs = append(inputs, slice)
		}
		f.m.budget.Bytes = before // the body's frame holds them
		outs, err := f.m.run(x.body, inputs, f)
		if err != nil {
			return nil, fmt.Errorf("round %d: %w", i, err)
		}
		if err := f.m.replace(state, outs[:x.carried]); err != nil {
			return nil, err
		}
		if err := collected.add(outs[x.carried:]); err != nil {
			return nil, err
		}
	}
	f.m.dropAll(state)
	stacked, err := collected.stack(x.outAxes, x.outRev)
	return append(state, stacked...), err
}

// rounds gives the common length of the scanned axes.
func (x scan) rounds(scanned []*tensor.Tensor) (n int, axes []int, err error) {
	for j, t := range scanned {
		axis := x.inAxes[j]
		if axis < 0 {
			axis += int64(t.Rank())
		}
		if axis < 0 || axis >= int64(t.Rank()) {
			return 0, nil, fmt.Errorf("axis %d of shape %v", x.inAxes[j], t.Shape())
		}
		axes = append(axes, int(axis))
		length := t.Shape()[axis]
		if j > 0 && length != n {
			return 0, nil, fmt.Errorf("scanned inputs of lengths %d and %d", n, length)
		}
		n = length
	}
	return n, axes, nil
}
