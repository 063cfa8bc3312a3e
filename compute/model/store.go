package model

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
	fileExtension = ".aiwm"
	filesMax      = 1024 // of a store
)

// A Store is a folder of model files, each named by its id. Several processes may use one.
type Store struct{ Dir string }

// ErrNoModel says that a store does not hold what was asked for.
var ErrNoModel = errors.New("no such model: `aiwork-node model list` shows what is there, `model pull` brings more")

// Path is where a model's file lies, if it does.
func (s Store) Path(id chain.Hash) string {
	return filepath.Join(s.Dir, strings.TrimPrefix(id.String(), "0x")+fileExtension)
}

// Put stores a model and gives its id. What is there already is left as it is.
func (s Store) Put(f *File) (chain.Hash, error) {
	id := f.Net.ID()
	if err := f.Check(); err != nil {
		return id, err
	}
	if s.has(id) {
		return id, nil
	}
	if err := os.MkdirAll(s.Dir, 0o755); err != nil {
		return id, fmt.Errorf("model store: %w", err)
	}
	if err := whole.Write(s.Path(id), f.Encode(), 0o644); err != nil {
		return id, fmt.Errorf("model store: %w", err)
	}
	return id, nil
}

func (s Store) has(id chain.Hash) bool {
	_, err := os.Stat(s.Path(id))
	return err == nil
}

// Get reads a model. It gives ErrNoModel where there is none.
func (s Store) Get(id chain.Hash) (*File, error) {
	b, unmap, err := mapFile(s.Path(id))
	if err != nil {
		return nil, openError(id, err)
	}
	f, err := s.decode(id, b)
	return f, errors.Join(err, unmap())
}

var errNoFile = errors.New("an empty, huge or special file")

func openError(id chain.Hash, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: %w", id, ErrNoModel)
	}
	return fmt.Errorf("model store: %w", err)
}

// decode reads a model in whole.
func (s Store) decode(id chain.Hash, b []byte) (*File, error) {
	f, err := DecodeFile(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.Path(id), err)
	}
	if got := f.Net.ID(); got != id {
		return nil, fmt.Errorf("%s holds the model %s: remove it and pull the model again", s.Path(id), got)
	}
	return f, nil
}

func parseID(text string) (id chain.Hash, err error) {
	return id, id.UnmarshalText([]byte("0x" + strings.TrimPrefix(text, "0x")))
}

// An Entry is what a listing shows of a model; its File has no weights.
type Entry struct {
	ID    chain.Hash
	Bytes int64 // of the file
	File  *File
	Err   error // why it cannot be read, if it cannot
}

// List shows what is in the store, by name. It reads the front of each file only.
func (s Store) List() ([]Entry, error) {
	files, err := os.ReadDir(s.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("model store: %w", err)
	}
	var list []Entry
	for _, f := range files {
		id, err := parseID(strings.TrimSuffix(f.Name(), fileExtension))
		if err != nil || !strings.HasSuffix(f.Name(), fileExtension) {
			continue
		}
		if len(list) == filesMax {
			return list, fmt.Errorf("model store %s: more than %d models", s.Dir, filesMax)
		}
		list = append(list, s.entry(id))
	}
	slices.SortFunc(list, func(a, b Entry) int { return cmp.Or(cmp.Compare(a.name(), b.name()), slices.Compare(a.ID[:], b.ID[:])) })
	return list, nil
}

func (e *Entry) name() string {
	if e.File == nil {
		return ""
	}
	return e.File.Name
}

func (s Store) entry(id chain.Hash) Entry {
	e := Entry{ID: id}
	b, unmap, err := mapFile(s.Path(id))
	if err != nil {
		e.Err = err
		return e
	}
	e.Bytes = int64(len(b))
	e.File, err = DecodeFront(b)
	e.Err = errors.Join(err, unmap())
	return e
}

// Find gives the model that a text names: an id, the first digits of one that no other has, or a name.
func (s Store) Find(text string) (chain.Hash, error) {
	if id, err := parseID(text); err == nil {
		return id, nil
	}
	list, err := s.List()
	if err != nil {
		return chain.Hash{}, err
	}
	var found []chain.Hash
	for _, e := range list {
		if e.name() == text || len(text) >= 6 && strings.HasPrefix(strings.TrimPrefix(e.ID.String(), "0x"), strings.TrimPrefix(text, "0x")) {
			found = append(found, e.ID)
		}
	}
	switch len(found) {
	case 0:
		return chain.Hash{}, fmt.Errorf("%q: %w", text, ErrNoModel)
	case 1:
		return found[0], nil
	}
	return chain.Hash{}, fmt.Errorf("%q names %d models; give more of the id", text, len(found))
}

// Remove takes a model away.
func (s Store) Remove(id chain.Hash) error {
	err := os.Remove(s.Path(id))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: %w", id, ErrNoModel)
	}
	return err
}
