package pipeline

import (
	"context"
	"errors"

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

// Result runs the pipeline for a job: see EncodeResult and Run.
func (p *Pipeline) Result(ctx context.Context, input []byte) ([]byte, error) {
	answer, t, err := p.Trace(ctx, input)
	if err != nil {
		return nil, err
	}
	return EncodeResult(t.Root(), answer), nil
}
