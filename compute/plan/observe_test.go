package plan

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/program"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// What a plan shows of a run is what the definitions make, whatever is joined around it; and each output is shown once.
func TestWatchedOutputsEqualTheirDefinition(t *testing.T) {
	for seed := range uint64(60) {
		m := maker{rand.New(rand.NewPCG(seed, 8)), seed%2 == 0}
		s := &sketch{}
		out, label := m.convolution(s, "Conv")
		out = s.node("Relu", []string{s.node("Sigmoid", []string{out})})
		p := s.compile(t, out)
		made := map[Output]*tensor.Tensor{}
		if _, err := p.RunObserved(s.inputs, program.DefaultLimits(), func(node int, outs []*tensor.Tensor) {
			for i, x := range outs {
				made[Output{node, i}] = x
			}
		}); err != nil {
			t.Fatal(err)
		}
		var watch []Output
		for node := range p.Graph().Nodes {
			if m.IntN(3) == 0 {
				watch = append(watch, Output{node, 0})
			}
		}
		r := newRunner(t, p, Options{Threads: 2, Path: kernel.Best(), Watch: watch})
		for range 2 {
			seen := map[Output]int{}
			if _, err := r.RunObserved(context.Background(), s.inputs, program.DefaultLimits(), func(o Output, x *tensor.Tensor) {
				seen[o]++
				if d := differ([]*tensor.Tensor{x}, []*tensor.Tensor{made[o]}); d != "" {
					t.Errorf("seed %d: %s: node %d (%s): %s", seed, label, o.Node, p.Graph().Nodes[o.Node].Op, d)
				}
			}); err != nil {
				t.Fatalf("seed %d: %s: %v", seed, label, err)
			}
			for _, o := range watch {
				if seen[o] != 1 {
					t.Errorf("seed %d: %s: node %d was shown %d times", seed, label, o.Node, seen[o])
				}
			}
		}
	}
}

func TestWatchIsChecked(t *testing.T) {
	s := &sketch{}
	p := s.compile(t, s.node("Relu", []string{s.input(wave(1, 2))}))
	for _, o := range []Output{{-1, 0}, {1, 0}, {0, 1}, {0, -1}} {
		if _, err := New(p, Options{Path: kernel.Best(), Watch: []Output{o}}); err == nil {
			t.Errorf("%v was accepted", fmt.Sprint(o))
		}
	}
}

// A profile has a line for each step, and what it says of the work adds up.
func TestProfile(t *testing.T) {
	d := newDraft(1)
	x := d.relu(d.norm(d.conv(d.input(wave(1, 3, 20, 20)), 3, 8, 3, 1, 1), 8))
	p := d.compile(t, d.pool("MaxPool", x, 2, 2, 0))
	r := newRunner(t, p, Default())
	var got Profile
	for range 3 {
		if _, err := r.RunProfiled(context.Background(), d.inputs, program.DefaultLimits(), &got); err != nil {
			t.Fatal(err)
		}
	}
	if got.Runs != 3 || len(got.Lines) != 2 {
		t.Fatalf("%d runs, lines %+v; want 3 and 2", got.Runs, got.Lines)
	}
	if l := got.Lines[0]; l.Ops != "Conv+BatchNormalization+Relu" || !l.Dense || l.Steps != 3*8*9*20*20 || l.Time <= 0 {
		t.Errorf("%+v", l)
	}
	if l := got.Lines[1]; l.Ops != "MaxPool" || l.Dense {
		t.Errorf("%+v", l)
	}
}
