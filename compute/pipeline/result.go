package pipeline

import (
	"context"
	"errors"
	"fmt"

	"github.com/aiwork/aiwork-node/compute/tensor"
	"github.com/aiwork/aiwork-node/internal/chain"
)

// ErrResult says that bytes are no result of a pipeline.
var ErrResult = errors.New("pipeline: no result: want the root of a trace and an answer")

// EncodeResult gives what a job's item comes to (PIPE-5).
func EncodeResult(trace chain.Hash, answer []byte) []byte {
	return append(trace[:], answer...)
}

// DecodeResult reads what EncodeResult wrote. The answer shares memory with it.
func DecodeResult(b []byte) (trace chain.Hash, answer []byte, err error) {
	if len(b) <= len(trace) {
		return trace, nil, ErrResult
	}
	return chain.Hash(b[:len(trace)]), b[len(trace):], nil
}

// Inputs runs the pipeline up to a step, counted from 0, and gives its role and what its network is given.
func (p *Pipeline) Inputs(ctx context.Context, input []byte, step int) (role string, inputs []*tensor.Tensor, err error) {
	t := &Trace{catch: step + 1}
	if _, err := p.run(ctx, input, t); !errors.Is(err, errCaught) {
		return "", nil, errors.Join(err, fmt.Errorf("pipeline: step %d of %d", step, len(t.Steps)))
	}
	return t.role, t.caught, nil
}

// Result runs the pipeline for a job: see EncodeResult and Run.
func (p *Pipeline) Result(ctx context.Context, input []byte) ([]byte, error) {
	answer, t, err := p.Trace(ctx, input)
	if err != nil {
		return nil, err
	}
	return EncodeResult(t.Root(), answer), nil
}
