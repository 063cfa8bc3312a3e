package plan

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aiwork/aiwork-node/compute/program"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// Watching: values of a run that somebody wants to see. They are made as the operators say, and nothing is joined across them.

// An Output is one that a node of a program's main graph has.
type Output struct{ Node, Out int }

// A sight is an output that is there when a step has run; before the first one if step is -1.
type sight struct {
	step, slot int
	output     Output
}

// errUnseen says that control flow hides what was to be watched.
var errUnseen = errors.New("values that are to be watched lie behind control flow that is not known beforehand")

// RunObserved is Run, and hands over the outputs of Options.Watch when they are made, each once. What observe is given is not to be
// kept.
func (r *Runner) RunObserved(ctx context.Context, inputs []*tensor.Tensor, limits program.Limits, observe func(o Output, t *tensor.Tensor)) ([]*tensor.Tensor, error) {
	left := len(r.watch)
	outs, err := r.run(ctx, inputs, limits, nil, func(o Output, t *tensor.Tensor) {
		left--
		observe(o, t)
	})
	if err == nil && left != 0 {
		return nil, errUnseen
	}
	return outs, err
}

// checkWatch says what is wrong with outputs that are to be watched.
func checkWatch(g *program.Graph, list []Output) error {
	for _, o := range list {
		if o.Node < 0 || o.Node >= len(g.Nodes) || o.Out < 0 || o.Out >= len(g.Nodes[o.Node].Out) || g.Nodes[o.Node].Out[o.Out] == program.None {
			return fmt.Errorf("there is no output %d of node %d to watch", o.Out, o.Node)
		}
	}
	return nil
}

// watched calls f for each slot of the graph that is watched, in the order of Options.Watch.
func (b *builder) watched(f func(slot int, o Output)) {
	g := b.r.program.Graph()
	if b.whole != g {
		return
	}
	for _, o := range b.r.watch {
		f(g.Nodes[o.Node].Out[o.Out], o)
	}
}

// sights lists what a plan shows, in the order of its steps.
func (b *builder) sights() (list []sight) {
	b.watched(func(slot int, o Output) {
		v := &b.values[slot]
		if v.known && (v.made >= 0 || v.constant != nil && o.Node >= b.start) {
			list = append(list, sight{v.made, slot, o})
		}
	})
	slices.SortStableFunc(list, func(x, y sight) int { return cmp.Compare(x.step, y.step) })
	return list
}

// show hands over what is there when a step has run, and gives the sights that are left.
func (f *frame) show(list []sight, step int) []sight {
	for len(list) > 0 && list[0].step <= step {
		if f.job.observe != nil {
			f.job.observe(list[0].output, f.slots[list[0].slot])
		}
		list = list[1:]
	}
	return list
}
