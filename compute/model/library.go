package model

import (
	"errors"

	"github.com/aiwork/aiwork-node/compute/packed"
	"github.com/aiwork/aiwork-node/internal/chain"
)

// A Library is the models that a program can run: some that it holds, and those of a store, if there is one.
type Library struct {
	Files []*File
	Store Store // no Dir: none
}

// List shows all models, each once, those it holds first. A file that cannot be read is left out.
func (l Library) List() (list []Entry, err error) {
	seen := map[chain.Hash]bool{}
	for _, f := range l.Files {
		id := f.Net.ID()
		seen[id] = true
		list = append(list, Entry{ID: id, Bytes: int64(f.WeightBytes()), File: f})
	}
	if l.Store.Dir == "" {
		return list, nil
	}
	stored, err := l.Store.List()
	for _, e := range stored {
		if !seen[e.ID] && e.Err == nil {
			list = append(list, e)
		}
	}
	return list, err
}

// Get gives a model with its weights, or ErrNoModel.
func (l Library) Get(id chain.Hash) (*File, error) {
	for _, f := range l.Files {
		if f.Net.ID() == id {
			return f, nil
		}
	}
	if l.Store.Dir == "" {
		return nil, ErrNoModel
	}
	return l.Store.Get(id)
}

// Open gives a model to run it, or ErrNoModel; see Store.Open.
func (l Library) Open(id chain.Hash, shelf *packed.Shelf) (*Mapped, error) {
	for _, f := range l.Files {
		if f.Net.ID() == id {
			nameWeights(f, shelf)
			return &Mapped{File: f}, nil
		}
	}
	if l.Store.Dir == "" {
		return nil, ErrNoModel
	}
	return l.Store.Open(id, shelf)
}

// Has tells whether a model is there, without reading it.
func (l Library) Has(id chain.Hash) bool {
	for _, f := range l.Files {
		if f.Net.ID() == id {
			return true
		}
	}
	return l.Store.Dir != "" && l.Store.has(id)
}

// IsNoModel says whether an error means that a model is not there.
func IsNoModel(err error) bool { return errors.Is(err, ErrNoModel) }
