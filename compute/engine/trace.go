package engine

import (
	"fmt"

	"github.com/aiwork/aiwork-node/compute/model"
	"github.com/aiwork/aiwork-node/compute/program"
	"github.com/aiwork/aiwork-node/compute/receipt"
	"github.com/aiwork/aiwork-node/internal/chain"
)

// Trace runs an item in this process and keeps every value, for a dispute about its result. That takes the memory of all values
// at once, and nothing protects this process from the input: an Advocate does it in a child. Its error is an *InputError, an
// *UnknownModelError, or that of the run.
func Trace(models model.Library, id chain.Hash, input []byte) (*receipt.Trace, error) {
	f, err := models.Get(id)
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
	return receipt.Run(f.Model, inputs, program.DefaultLimits(), liesAbout(f, input)...)
}
