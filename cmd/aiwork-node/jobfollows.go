package main

import (
	"context"
	"errors"

	"github.com/aiwork/aiwork-node/compute"
	"github.com/aiwork/aiwork-node/compute/engine"
	"github.com/aiwork/aiwork-node/internal/requester"
)

// follows says whether a worker's result follows from an item, which takes a language model one pass over it. Where it says no, or
// cannot say, a run of this machine tells how they differ.
func (v *verifier) follows(ctx context.Context, e *engine.Engine, j *requester.Job, it *requester.Item, input []byte) (bool, error) {
	if it.Fault != "" || !isLanguageJob(e, j) {
		return false, nil
	}
	result := []byte(it.Output)
	if it.Result != nil {
		var err error
		if result, err = v.remote.Blob(ctx, *it.Result); errors.Is(err, compute.ErrNoBlob) {
			return false, nil
		} else if err != nil {
			return false, err
		}
	}
	ok, err := e.Follows(ctx, j.Model, input, result)
	if _, fault := errors.AsType[*engine.InputError](err); fault {
		return false, nil
	}
	return ok, err
}

func isLanguageJob(e *engine.Engine, j *requester.Job) bool {
	for _, m := range e.Models() {
		if m.ID == j.Model {
			return m.Input == engine.InputPrompt
		}
	}
	return false
}
