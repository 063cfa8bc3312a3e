package engine

import (
	"context"
	"errors"

	"github.com/aiwork/aiwork-node/compute/image"
	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/language"
	"github.com/aiwork/aiwork-node/internal/chain"
)

// A speaker is a language model that is ready, with errors in the form of engines.
type speaker struct {
	*language.Ready
	kept
}

func (l Library) speaker(id chain.Hash, threads int, memoryBytes uint64) (runnable, error) {
	shelf := l.Packed.Shelf(id, kernel.Best().String(), l.notePacked)
	m, err := l.Languages.OpenKept(id, shelf)
	if err != nil {
		return nil, errors.Join(err, shelf.Close())
	}
	r, err := m.Load(language.Options{Threads: threads, MemoryBytes: int64(memoryBytes), Shelf: shelf})
	if err != nil {
		return nil, errors.Join(err, m.Close(), shelf.Close())
	}
	return speaker{r, kept{shelf: shelf, note: l.notePacked}}, nil
}

// Run answers a prompt.
func (s speaker) Run(ctx context.Context, input []byte) ([]byte, error) {
	result, err := s.Ready.Run(ctx, input)
	if err != nil {
		return nil, asInputError(err)
	}
	return tamper(result, input), nil
}

// Follows takes one pass over the answer.
func (s speaker) Follows(ctx context.Context, input, result []byte) (bool, error) {
	ok, err := s.Ready.Follows(ctx, input, result)
	return ok, asInputError(err)
}

// Settle keeps what was laid out.
func (s speaker) Settle() bool { return s.settle() }

// asInputError marks the faults of inputs.
func asInputError(err error) error {
	if fault, ok := errors.AsType[image.Fault](err); ok {
		return &InputError{Fault: fault}
	}
	return err
}
