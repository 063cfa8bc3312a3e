package tile_test

import (
	"errors"
	"fmt"

	"github.com/aiwork/aiwork-node/compute/lower"
	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/program"
	"github.com/aiwork/aiwork-node/compute/receipt"
	"github.com/aiwork/aiwork-node/compute/tensor"
	"github.com/aiwork/aiwork-node/compute/tile"
)

// What the tests of this package share: all tiles of an operator of a traced run, against the run's tensors.

// An operands gives elements of tensors, but only of the tiles that were asked for; nil allows all.
type operands struct {
	kinds   []net.Type
	raw     [][]byte
	allowed map[[2]int]bool
}

func (o *operands) Element(port, index int) (uint64, bool) {
	if o.allowed != nil && !o.allowed[[2]int{port, index / net.TileLen}] {
		return 0, false
	}
	return tile.Word(o.kinds[port], o.raw[port], index)
}

func (o *operands) allow(runs []tile.Run) {
	o.allowed = map[[2]int]bool{}
	for _, r := range runs {
		for i := range r.Count {
			o.allowed[[2]int{r.Port, r.First + i}] = true
		}
	}
}

// taskOf gives the task of an output of an operator of a traced run.
func taskOf(t *receipt.Trace, op, out int) (tile.Task, *operands) {
	n := t.Model.Net
	task, from := tile.Task{Opset: n.Opset, Op: &n.OpList[op], Out: out}, &operands{}
	for _, v := range n.OpList[op].In {
		var o tile.Operand
		var raw []byte
		if v != net.None {
			x := t.Values[v]
			o = tile.Operand{Type: net.Type(onnx.NumberOf(x.Type())), Shape: dims(x.Shape())}
			raw = x.Raw()
		}
		task.In = append(task.In, o)
		from.kinds, from.raw = append(from.kinds, o.Type), append(from.raw, raw)
	}
	return task, from
}

func dims(shape []int) (out []uint32) {
	for _, n := range shape {
		out = append(out, uint32(n))
	}
	return out
}

// A tally is how much work it was.
type tally struct{ tiles, steps, work, largestStep, largestState int }

// checkOp recomputes all outputs of an operator. covered is false where one is not covered.
func checkOp(t *receipt.Trace, op int, sum *tally) (covered bool, err error) {
	n := t.Model.Net
	v := n.FirstOf(op)
	for out, there := range n.OpList[op].Outs {
		if !there {
			continue
		}
		err := checkOutput(t, op, out, t.Values[v], sum)
		if errors.Is(err, tile.FaultUnsupported) {
			return false, nil
		}
		if err != nil {
			return true, fmt.Errorf("output %d: %w", out, err)
		}
		v++
	}
	return true, nil
}

func checkOutput(t *receipt.Trace, op, out int, want *tensor.Tensor, sum *tally) error {
	task, from := taskOf(t, op, out)
	ports, err := tile.Params(task)
	if err != nil {
		return err
	}
	var runs []tile.Run
	for _, p := range ports {
		runs = append(runs, tile.Run{Port: p, Count: 1})
	}
	from.allow(runs)
	plan, err := tile.Resolve(task, from)
	if err != nil {
		return err
	}
	if got, want := fmt.Sprint(plan.Type, plan.Shape), fmt.Sprint(onnx.NumberOf(want.Type()), append([]int{}, want.Shape()...)); got != want {
		return fmt.Errorf("got type and shape %s, want %s", got, want)
	}
	kind := net.Type(onnx.NumberOf(want.Type()))
	tiles := net.Tiles(kind, want.Raw())
	if plan.Tiles() != len(tiles) {
		return fmt.Errorf("%d tiles, want %d", plan.Tiles(), len(tiles))
	}
	for i := range tiles {
		got, err := compute(plan.Tile(i), from, sum)
		if err != nil {
			return fmt.Errorf("tile %d: %w", i, err)
		}
		if string(got) != string(tiles[i]) {
			return fmt.Errorf("tile %d: got %x, want %x", i, got, tiles[i])
		}
		sum.tiles++
	}
	return nil
}

// compute does a work step by step, through the encoding of its states.
func compute(w *tile.Work, from *operands, sum *tally) ([]byte, error) {
	s := w.Begin()
	for !w.Done(s) {
		ask := w.Needs(s)
		from.allow(ask.Runs)
		b := s.Encode()
		var err error
		if s, err = w.DecodeState(b); err != nil {
			return nil, err
		}
		bytes := 0
		for _, r := range ask.Runs {
			bytes += r.Count*net.TileLen*from.kinds[r.Port].Size() + 512
		}
		sum.steps, sum.work = sum.steps+1, sum.work+ask.Work
		sum.largestStep, sum.largestState = max(sum.largestStep, bytes), max(sum.largestState, len(b))
		if err := w.Step(&s, ask, from); err != nil {
			return nil, err
		}
	}
	return s.Out, nil
}

// runFile lowers a model and traces a run of it.
func runFile(m *onnx.Model, inputs []*tensor.Tensor) (*receipt.Trace, error) {
	l, err := lower.Lower(m, lower.Outside{Form: net.FormTensors})
	if err != nil {
		return nil, err
	}
	return receipt.Run(l, inputs, program.Limits{Bytes: 1 << 30, Steps: 1 << 32})
}
