package engine

import (
	"bytes"
	"errors"
	"testing"

	"github.com/aiwork/aiwork-node/compute/pipeline"
	"github.com/aiwork/aiwork-node/compute/pipeline/pipelinetest"
	"github.com/aiwork/aiwork-node/compute/program"
	"github.com/aiwork/aiwork-node/compute/receipt"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/tasks/dispute"
)

// The advocate of a pipeline's run, in a process of its own, says what one in this process says, from the trace down into a step's network.
func TestAdvocateOfPipeline(t *testing.T) {
	folder := t.TempDir()
	spec := pipelinetest.Loud(t, folder)
	t.Setenv(storeEnv, folder)
	l := LibraryOf(folder, nil)
	r, err := l.join(spec, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	j, input := r.(*joined), pipelinetest.Recording()
	result, trace, err := j.course(t.Context(), input)
	if err != nil {
		t.Fatal(err)
	}
	own := receipt.NewPipelineAdvocate(&receipt.Course{Leaves: spec.Leaves(), Steps: trace.Steps, Result: result, Rerun: func(step int) (*receipt.Trace, error) {
		_, inputs, err := j.pipeline.Inputs(t.Context(), input, step)
		if err != nil {
			return nil, err
		}
		f, err := l.Models.Get(spec.Roles[0].Model)
		if err != nil {
			return nil, err
		}
		return receipt.Run(f.Model, inputs, program.DefaultLimits())
	}})
	a, err := Brief(t.Context(), briefOptions(t), spec.ID(), input, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if got, want := a.Claim().Encode(), own.Claim().Encode(); !bytes.Equal(got, want) {
		t.Errorf("claim: got %x, want %x", got, want)
	}
	for name, d := range map[string]dispute.Dispute{
		"an answer":         {Phase: dispute.Answering, Model: spec.ID()},
		"nodes of a trace":  {Phase: dispute.Entries, Model: spec.ID(), Level: 3, Index: 5},
		"a step":            {Phase: dispute.Showing, Model: spec.ID(), Index: 5},
		"no step":           {Phase: dispute.Showing, Model: spec.ID(), Index: 1 << 17},
		"a step's receipt":  {Phase: dispute.Expanding, Model: spec.Roles[0].Model, Depth: 1, Path: [dispute.DepthMax]uint32{20}},
		"nodes within one":  {Phase: dispute.Entries, Model: spec.Roles[0].Model, Depth: 1, Path: [dispute.DepthMax]uint32{20}, Level: 1},
		"an entry in there": {Phase: dispute.Showing, Model: spec.Roles[0].Model, Depth: 1, Path: [dispute.DepthMax]uint32{20}, Index: 1},
	} {
		d.Kind, d.ID = dispute.Pipeline, 7
		want, err := own.Defend(&d)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got, err := a.Plead(t.Context(), &d, dispute.Defender, [2][]byte{})
		if err != nil || want == nil && d.Phase != dispute.Answering || !bytes.Equal(got, want) {
			t.Errorf("%s: got %x, want %x (%v)", name, got, want, err)
		}
	}
	if _, err := a.Plead(t.Context(), &dispute.Dispute{Kind: dispute.Pipeline, Phase: dispute.Entries, Model: chain.Hash{1}, Level: 1}, 0, [2][]byte{}); !errors.Is(err, ErrNoPlea) {
		t.Errorf("another pipeline's dispute: got %v, want %v", err, ErrNoPlea)
	}
	for name, given := range map[string][]byte{"the same": result, "another answer": pipeline.EncodeResult(trace.Root(), []byte(`{}`))} {
		if _, err := a.Against(t.Context(), given); !errors.Is(err, ErrNoPlea) {
			t.Errorf("against %s: got %v, want %v", name, err, ErrNoPlea)
		}
	}
	if k, err := a.Against(t.Context(), pipeline.EncodeResult(chain.Hash{1}, []byte(`{}`))); err != nil || k.Receipt != trace.Root() {
		t.Errorf("against another trace: got %v, %v", k, err)
	}
}
