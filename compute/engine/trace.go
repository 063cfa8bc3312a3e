package engine

import (
	"context"
	"fmt"

	"github.com/aiwork/aiwork-node/compute/model"
	"github.com/aiwork/aiwork-node/compute/program"
	"github.com/aiwork/aiwork-node/compute/receipt"
	"github.com/aiwork/aiwork-node/internal/chain"
)

// A Tracer runs an item in this process and keeps every value, for a dispute about its result. That takes the memory of all
// values at once, and no child protects this process from the input: it is for items that an Engine has run before.
type Tracer struct{ Models model.Library }

// Trace runs an item once more. Its error is an *InputError, an *UnknownModelError, or that of the run.
func (t Tracer) Trace(ctx context.Context, id chain.Hash, input []byte) (*receipt.Trace, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f, err := t.Models.Get(id)
	if model.IsNoModel(err) {
		return nil, &UnknownModelError{ID: id}
	}
	if err != nil {
		return nil, fmt.Errorf("model %s: %w", id, err)
	}
	inputs, err := (&Compiled{head: &f.Net.Head}).inputs(input)
	if err != nil {
		return nil, err
	}
	return receipt.Run(f.Model, inputs, program.DefaultLimits())
}
