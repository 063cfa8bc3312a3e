package engine

import (
	"context"
	"errors"

	"github.com/aiwork/aiwork-node/compute/image"
	"github.com/aiwork/aiwork-node/compute/language"
	"github.com/aiwork/aiwork-node/internal/chain"
)

// A speaker is a language model that is ready, with errors in the form of engines.
type speaker struct{ *language.Ready }

func (l Library) speaker(id chain.Hash, threads int, memoryBytes uint64) (runnable, error) {
	m, err := l.Languages.Open(id)
	if err != nil {
		return nil, err
	}
	r, err := m.Load(language.Options{Threads: threads, MemoryBytes: int64(memoryBytes), Packed: l.Packed, ID: id, Note: l.notePacked})
	if err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return &speaker{r}, nil
}

// Run answers a prompt.
func (s *speaker) Run(ctx context.Context, input []byte) ([]byte, error) {
	result, err := s.Ready.Run(ctx, input)
	if err != nil {
		return nil, asInputError(err)
	}
	return tamperAnswer(result, input), nil
}

// Follows takes one pass over the answer.
func (s *speaker) Follows(ctx context.Context, input, result []byte) (bool, error) {
	ok, err := s.Ready.Follows(ctx, input, result)
	return ok, asInputError(err)
}

// Settle says no: a model lies in memory as it will.
func (s *speaker) Settle() bool { return false }

// asInputError marks the faults of inputs.
func asInputError(err error) error {
	if fault, ok := errors.AsType[image.Fault](err); ok {
		return &InputError{Fault: fault}
	}
	return err
}

// advocate answers a prompt and stands for the answer; or it stands for one that was given before.
func (s *speaker) advocate(ctx context.Context, id chain.Hash, input, own []byte) (pleader, error) {
	a, err := s.Ready.Advocate(ctx, id, input, own)
	if err != nil {
		return nil, asInputError(err)
	}
	return a, spoilAdvocate(a, input, own != nil)
}
