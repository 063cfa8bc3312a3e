package pipeline

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/whole"
)

const (
	fileExtension = ".aiwp"
	storeMax      = 256 // pipelines of a store
)

// A Store is a folder of pipelines, each named by its id; models lie in the same one.
type Store struct{ Dir string }

// ErrNone says that a store does not hold a pipeline.
var ErrNone = errors.New("no such pipeline")

// Path is where a pipeline's file lies, if it does.
func (s Store) Path(id chain.Hash) string {
	return filepath.Join(s.Dir, strings.TrimPrefix(id.String(), "0x")+fileExtension)
}

// Put stores a pipeline and gives its id.
func (s Store) Put(p *Spec) (chain.Hash, error) {
	id := p.ID()
	if err := p.Check(); err != nil {
		return id, err
	}
	if err := os.MkdirAll(s.Dir, 0o755); err != nil {
		return id, fmt.Errorf("pipeline store: %w", err)
	}
	if err := whole.Write(s.Path(id), p.Encode(), 0o644); err != nil {
		return id, fmt.Errorf("pipeline store: %w", err)
	}
	return id, nil
}

// Get reads a pipeline, or gives ErrNone.
func (s Store) Get(id chain.Hash) (*Spec, error) {
	b, err := os.ReadFile(s.Path(id))
	if errors.Is(err, fs.ErrNotExist) || s.Dir == "" {
		return nil, fmt.Errorf("%s: %w", id, ErrNone)
	}
	if err != nil {
		return nil, fmt.Errorf("pipeline store: %w", err)
	}
	p, err := Decode(b)
	if err == nil && p.ID() != id {
		err = fmt.Errorf("it is the pipeline %s: remove it", p.ID())
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.Path(id), err)
	}
	return p, nil
}

// List gives the pipelines of a store, by name. What cannot be read is left out.
func (s Store) List() ([]*Spec, error) {
	files, err := os.ReadDir(s.Dir)
	if errors.Is(err, fs.ErrNotExist) || s.Dir == "" {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("pipeline store: %w", err)
	}
	var list []*Spec
	for _, f := range files {
		name, ok := strings.CutSuffix(f.Name(), fileExtension)
		var id chain.Hash
		if !ok || id.UnmarshalText([]byte("0x"+name)) != nil || len(list) == storeMax {
			continue
		}
		if p, err := s.Get(id); err == nil {
			list = append(list, p)
		}
	}
	slices.SortFunc(list, func(a, b *Spec) int { return cmp.Compare(a.Name, b.Name) })
	return list, nil
}

// Remove takes a pipeline away.
func (s Store) Remove(id chain.Hash) error {
	err := os.Remove(s.Path(id))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: %w", id, ErrNone)
	}
	return err
}
