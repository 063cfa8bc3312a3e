package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/aiwork/aiwork-node/compute/language"
	"github.com/aiwork/aiwork-node/compute/model"
	"github.com/aiwork/aiwork-node/compute/pipeline"
	"github.com/aiwork/aiwork-node/internal/chain"
)

func (m *modelFetch) pipelines() pipeline.Store { return pipeline.Store{Dir: m.models.Dir} }

// missing lists what must be brought before a model or pipeline can run here: itself, or networks of a pipeline that is here.
func (m *modelFetch) missing(id chain.Hash) (list []chain.Hash, err error) {
	have := model.Library{Files: m.shipped, Store: m.models}
	if have.Has(id) || (language.Store{Dir: m.models.Dir}).Has(id) {
		return nil, nil
	}
	s, err := m.pipelines().Get(id)
	if errors.Is(err, pipeline.ErrNone) {
		return []chain.Hash{id}, nil
	}
	if err != nil {
		return nil, err
	}
	for _, r := range s.Roles {
		if !have.Has(r.Model) {
			list = append(list, r.Model)
		}
	}
	return list, nil
}

// bring fetches what an id stands for and, of a pipeline, the networks that are not here yet. What a try has brought stays, whole or in part, and
// the next one goes on from there.
func (m *modelFetch) bring(ctx context.Context, id chain.Hash) (got chain.Hash, err error) {
	got = id
	missing, err := m.missing(id)
	if err == nil && len(missing) == 1 && missing[0] == id {
		if got, err = m.fetch(ctx, id); err == nil {
			missing, err = m.missing(got)
		}
	}
	if err != nil {
		return got, err
	}
	for _, part := range missing {
		if _, err := m.fetch(ctx, part); err != nil {
			return got, fmt.Errorf("network %s of the pipeline: %w", part, err)
		}
	}
	return got, nil
}
