package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/aiwork/aiwork-node/compute/language"
	"github.com/aiwork/aiwork-node/compute/pipeline"
	"github.com/aiwork/aiwork-node/compute/program"
	"github.com/aiwork/aiwork-node/compute/receipt"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/tasks/dispute"
)

// A staged is a run of a pipeline. It keeps the steps' roots; the step that a dispute comes down to is run again.
type staged struct {
	*receipt.Advocate
}

// Against gives the claim, unless it would come to nothing: where the steps are the same, what differs is what was made of them.
func (t staged) Against(_ context.Context, given []byte) (*dispute.Claim, error) {
	own := t.Result()
	trace, _, err := pipeline.DecodeResult(given)
	switch {
	case bytes.Equal(own, given):
		return nil, fmt.Errorf("%w: run again, the result is the same", language.ErrNotDisputed)
	case err == nil && bytes.HasPrefix(own, trace[:]):
		return nil, fmt.Errorf("%w: the steps are the same, only the answer made of them differs: auditors judge", language.ErrNotDisputed)
	}
	return t.Claim(), nil
}

// Plead implements pleader.
func (t staged) Plead(_ context.Context, d *dispute.Dispute, s dispute.Side, shown [2][]byte) ([]byte, error) {
	return t.Advocate.Plead(d, s, shown)
}

// staged runs an item of a pipeline.
func (s *shop) staged(ctx context.Context, spec *pipeline.Spec, input []byte) (pleader, error) {
	r, err := s.find(spec.ID())
	if err != nil {
		return nil, err
	}
	j, ok := r.(*joined)
	if !ok {
		return nil, errors.New("engine: a pipeline's id names something else")
	}
	result, trace, err := j.course(ctx, input)
	if err != nil {
		return nil, err
	}
	c := &receipt.Course{Leaves: spec.Leaves(), Steps: trace.Steps, Result: result}
	c.Rerun = func(step int) (*receipt.Trace, error) { return s.rerun(ctx, spec, input, step) }
	return staged{receipt.NewPipelineAdvocate(c)}, nil
}

// rerun runs a step's network again and keeps every value.
func (s *shop) rerun(ctx context.Context, spec *pipeline.Spec, input []byte, step int) (*receipt.Trace, error) {
	r, err := s.find(spec.ID())
	if err != nil {
		return nil, err
	}
	role, inputs, err := r.(*joined).pipeline.Inputs(ctx, input, step)
	if err != nil {
		return nil, err
	}
	var id chain.Hash
	for _, x := range spec.Roles {
		if x.Name == role {
			id = x.Model
		}
	}
	f, err := s.models.Models.Get(id)
	if err != nil {
		return nil, fmt.Errorf("model %s: %w", id, err)
	}
	return receipt.Run(f.Model, inputs, program.DefaultLimits(), liesAbout(f, stepInput(inputs))...)
}
