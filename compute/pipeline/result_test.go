package pipeline_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/aiwork/aiwork-node/compute/model"
	"github.com/aiwork/aiwork-node/compute/pipeline"
	"github.com/aiwork/aiwork-node/compute/pipeline/pipelinetest"
	"github.com/aiwork/aiwork-node/compute/plan"
	"github.com/aiwork/aiwork-node/compute/tensor"
	"github.com/aiwork/aiwork-node/compute/vision"
	"github.com/aiwork/aiwork-node/internal/chain"
)

// A job's result of a pipeline binds the steps: another value in one of them is another result, though the answer may be the same.

// bent is a network whose outputs are changed.
type bent struct {
	vision.Runner
	change func(outputs []*tensor.Tensor)
}

func (b bent) Run(ctx context.Context, inputs []*tensor.Tensor) ([]*tensor.Tensor, error) {
	outputs, err := b.Runner.Run(ctx, inputs)
	if err == nil {
		b.change(outputs)
	}
	return outputs, err
}

func loud(t *testing.T, change func(outputs []*tensor.Tensor)) *pipeline.Pipeline {
	t.Helper()
	folder := t.TempDir()
	p, err := pipeline.Open(pipelinetest.Loud(t, folder), func(id chain.Hash) (vision.Runner, error) {
		f, err := (model.Store{Dir: folder}).Get(id)
		if err != nil {
			return nil, err
		}
		compiled, err := f.Compile()
		if err != nil {
			return nil, err
		}
		r, err := plan.New(compiled, plan.Default())
		if err != nil {
			return nil, err
		}
		t.Cleanup(r.Close)
		return bent{vision.Planned(r), change}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestResult(t *testing.T) {
	sound := pipelinetest.Recording()
	honest := loud(t, func([]*tensor.Tensor) {})
	got, err := honest.Result(t.Context(), sound)
	if err != nil {
		t.Fatal(err)
	}
	answer, trace, err := honest.Trace(t.Context(), sound)
	if err != nil {
		t.Fatal(err)
	}
	root, given, err := pipeline.DecodeResult(got)
	if err != nil || root != trace.Root() || !bytes.Equal(given, answer) {
		t.Errorf("got the trace %s and %s (%v), want %s and %s", root, given, err, trace.Root(), answer)
	}
	// One bit of a state that the next step reads: the same seconds of speech come out, by other steps.
	steps := 0
	liar := loud(t, func(outputs []*tensor.Tensor) {
		if steps++; steps == 3 {
			tensor.Values[float32](outputs[1])[0] += 0x1p-20
		}
	})
	lie, err := liar.Result(t.Context(), sound)
	if err != nil {
		t.Fatal(err)
	}
	root2, given2, err := pipeline.DecodeResult(lie)
	if err != nil || root2 == root || !bytes.Equal(given2, answer) {
		t.Errorf("a step is another: trace %s (%v), want another than %s and the answer %s, got %s", root2, err, root, answer, given2)
	}
	for _, short := range [][]byte{nil, make([]byte, 31), make([]byte, 32)} {
		if _, _, err := pipeline.DecodeResult(short); !errors.Is(err, pipeline.ErrResult) {
			t.Errorf("%d bytes: got %v", len(short), err)
		}
	}
}
