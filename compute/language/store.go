package language

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/aiwork/aiwork-node/compute/model"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/whole"
)

// Magic begins a file of a language model.
const Magic = "GGUF"

const (
	fileExtension = ".gguf"
	filesMax      = 256 // of a store
)

// A Store is a folder of language models, each a GGUF file named by its id; other models lie in the same one. Several
// processes may use one.
type Store struct{ Dir string }

// Path is where a model's file lies, if it does.
func (s Store) Path(id chain.Hash) string {
	return filepath.Join(s.Dir, strings.TrimPrefix(id.String(), "0x")+fileExtension)
}

// Has tells whether a model is there, without reading it.
func (s Store) Has(id chain.Hash) bool {
	_, err := os.Stat(s.Path(id))
	return s.Dir != "" && err == nil
}

// A partName is what a part of a model that was split over files is called.
var partName = regexp.MustCompile(`-[0-9]{5}-of-[0-9]{5}\.gguf$`)

// Put copies a file into the store and gives its model's id and name. What cannot run here is refused.
func (s Store) Put(path string) (id chain.Hash, name string, err error) {
	return s.PutTold(path, nil)
}

// PutTold is Put that tells how much of the file is copied, unless report is nil.
func (s Store) PutTold(path string, report func(done, total int64)) (id chain.Hash, name string, err error) {
	if partName.MatchString(path) {
		return id, "", fmt.Errorf("%s: one part of a model that was split over files: join them first, with llama.cpp's llama-gguf-split --merge", path)
	}
	m, err := Open(path)
	if err != nil {
		return id, "", err
	}
	defer m.Close()
	if id, err = m.ID(); err != nil {
		return id, m.Name, fmt.Errorf("%s: %w", path, err)
	}
	if _, err := m.Load(Options{}); err != nil {
		return id, m.Name, fmt.Errorf("%s: %w", path, err)
	}
	if s.Has(id) {
		return id, m.Name, nil
	}
	if err := os.MkdirAll(s.Dir, 0o755); err != nil {
		return id, m.Name, fmt.Errorf("model store: %w", err)
	}
	from, err := os.Open(path)
	if err != nil {
		return id, m.Name, err
	}
	defer from.Close()
	if err := whole.WriteWith(s.Path(id), 0o644, func(w io.Writer) error {
		_, err := io.Copy(w, &counted{Reader: from, total: size(from), report: report})
		return err
	}); err != nil {
		return id, m.Name, fmt.Errorf("model store: %w", err)
	}
	return id, m.Name, nil
}

func size(f *os.File) int64 {
	info, err := f.Stat()
	if err != nil {
		return 0
	}
	return info.Size()
}

// counted reports what is read.
type counted struct {
	io.Reader
	done, total int64
	report      func(done, total int64)
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	if c.done += int64(n); c.report != nil && n > 0 {
		c.report(c.done, c.total)
	}
	return n, err
}

// Verify reads a model's file in whole and says what is wrong with it, if anything is.
func (s Store) Verify(id chain.Hash) error {
	m, err := s.look(id)
	if err != nil {
		return err
	}
	defer m.Close()
	got, err := m.ID()
	if err == nil && got != id {
		err = fmt.Errorf("its shape, tokenizer or weights are not those of its name: they are the model %s", got)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", s.Path(id), err)
	}
	return nil
}

// Open gives the model with an id. It reads all of it to see that it has that id, and gives model.ErrNoModel where there is
// none.
func (s Store) Open(id chain.Hash) (*Model, error) {
	m, err := s.look(id)
	if err != nil {
		return nil, err
	}
	got, err := m.ID()
	if err == nil && got != id {
		err = fmt.Errorf("it holds the model %s: remove it and pull the model again", got)
	}
	if err != nil {
		_ = m.Close()
		return nil, fmt.Errorf("%s: %w", s.Path(id), err)
	}
	return m, nil
}

// look opens a model without computing its id.
func (s Store) look(id chain.Hash) (*Model, error) {
	if !s.Has(id) {
		return nil, fmt.Errorf("%s: %w", id, model.ErrNoModel)
	}
	return Open(s.Path(id))
}

// An Entry is what a listing shows of a model.
type Entry struct {
	ID      chain.Hash
	Bytes   int64 // of the file
	Name    string
	Licence string
	Err     error // why it cannot be read, if it cannot
}

// List shows what is in the store, by name. It reads no weights.
func (s Store) List() ([]Entry, error) {
	files, err := os.ReadDir(s.Dir)
	if errors.Is(err, fs.ErrNotExist) || s.Dir == "" {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("model store: %w", err)
	}
	var list []Entry
	for _, f := range files {
		digits, ok := strings.CutSuffix(f.Name(), fileExtension)
		var id chain.Hash
		if !ok || id.UnmarshalText([]byte("0x"+digits)) != nil || len(list) == filesMax {
			continue
		}
		list = append(list, s.entry(id, f))
	}
	slices.SortFunc(list, func(a, b Entry) int { return cmp.Or(cmp.Compare(a.Name, b.Name), slices.Compare(a.ID[:], b.ID[:])) })
	return list, nil
}

func (s Store) entry(id chain.Hash, f fs.DirEntry) Entry {
	e := Entry{ID: id}
	if info, err := f.Info(); err == nil {
		e.Bytes = info.Size()
	}
	m, err := s.look(id)
	if err != nil {
		e.Err = err
		return e
	}
	defer m.Close()
	e.Name, e.Licence = cmp.Or(m.Name, id.String()[:14]), m.Licence
	return e
}

// Find gives the model that a text names: an id that is there, the first digits of one that no other has, or a name.
func (s Store) Find(text string) (chain.Hash, error) {
	list, err := s.List()
	if err != nil {
		return chain.Hash{}, err
	}
	digits := strings.TrimPrefix(text, "0x")
	var found []chain.Hash
	for _, e := range list {
		if e.Name == text || len(digits) >= 6 && strings.HasPrefix(strings.TrimPrefix(e.ID.String(), "0x"), digits) {
			found = append(found, e.ID)
		}
	}
	switch len(found) {
	case 0:
		return chain.Hash{}, fmt.Errorf("%q: %w", text, model.ErrNoModel)
	case 1:
		return found[0], nil
	}
	return chain.Hash{}, fmt.Errorf("%q names %d models; give more of the id", text, len(found))
}

// Remove takes a model away.
func (s Store) Remove(id chain.Hash) error {
	err := os.Remove(s.Path(id))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: %w", id, model.ErrNoModel)
	}
	return err
}
