package packed

import (
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aiwork/aiwork-node/internal/whole"
)

const (
	extension  = ".packed"
	lockPrefix = ".lock-"
)

// DefaultBytesMax is what the files of a folder may take.
const DefaultBytesMax = 8 << 30

// A Folder holds packed files. Several processes may use one.
type Folder struct {
	Dir      string   // empty: nothing is kept
	BytesMax int64    // of all files together
	Build    [32]byte // whose files are used; see Build
}

// A mapped is an open file.
type mapped struct {
	*File
	unmap func() error
}

// open maps the file of a key; fs.ErrNotExist, ErrStale and ErrDamaged say why it cannot be used.
func (f Folder) open(k *key) (*mapped, error) {
	path := filepath.Join(f.Dir, k.file())
	data, unmap, err := mapFile(path)
	if err != nil {
		return nil, err
	}
	file, err := Parse(data, k.digest())
	if err != nil {
		return nil, errors.Join(err, unmap())
	}
	now := time.Now()
	_ = os.Chtimes(path, now, now) // for PACKED-4; what cannot be touched cannot be evicted either
	return &mapped{file, unmap}, nil
}

// has tells whether there is a file for a key, whatever it holds.
func (f Folder) has(k *key) bool {
	_, err := os.Stat(filepath.Join(f.Dir, k.file()))
	return err == nil
}

// lock takes the right to write the file of a key.
func (f Folder) lock(k *key) (unlock func(), ok bool, err error) {
	if err := os.MkdirAll(f.Dir, 0o700); err != nil {
		return nil, false, err
	}
	return whole.TryLock(filepath.Join(f.Dir, lockPrefix+k.file()))
}

// write puts a file into the folder, at the cost of others if need be.
func (f Folder) write(k *key, sections []section) error {
	size := sizeOf(sections)
	if len(sections) > sectionsMax || size > fileBytesMax || int64(size) > f.BytesMax {
		return fmt.Errorf("%d bytes of packed weights, at most %d are kept", size, min(f.BytesMax, fileBytesMax))
	}
	if err := f.makeRoom(k.file(), int64(size)); err != nil {
		return err
	}
	digest := k.digest()
	return whole.WriteWith(filepath.Join(f.Dir, k.file()), 0o600, func(w io.Writer) error { return encode(w, digest, sections) })
}

// A Kept is what is known of a file without reading it.
type Kept struct {
	File  string // its path
	Model [32]byte
	Path  string // of the kernels
	Bytes int64
	Used  time.Time // when it was last opened
}

// List gives all files, those first that were not opened for longest.
func (f Folder) List() (list []Kept, err error) {
	if f.Dir == "" {
		return nil, nil
	}
	files, err := os.ReadDir(f.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	for _, e := range files {
		name, ok := strings.CutSuffix(e.Name(), extension)
		id, path, ok2 := strings.Cut(name, ".")
		model, err := hex.DecodeString(id)
		if !ok || !ok2 || err != nil || len(model) != 32 || !e.Type().IsRegular() {
			continue
		}
		if info, err := e.Info(); err == nil {
			list = append(list, Kept{filepath.Join(f.Dir, e.Name()), [32]byte(model), path, info.Size(), info.ModTime()})
		}
	}
	slices.SortFunc(list, func(a, b Kept) int { return cmp.Or(a.Used.Compare(b.Used), cmp.Compare(a.File, b.File)) })
	return list, nil
}

// makeRoom removes files until another one fits, whose name an older one may have.
func (f Folder) makeRoom(name string, size int64) error {
	list, err := f.List()
	if err != nil {
		return err
	}
	for _, k := range list {
		if filepath.Base(k.File) != name {
			size += k.Bytes
		}
	}
	for _, k := range list {
		if size <= f.BytesMax {
			return nil
		}
		if filepath.Base(k.File) == name {
			continue
		}
		if err := remove(k.File); err != nil {
			return err
		}
		size -= k.Bytes
	}
	return nil
}

// Remove takes away what is packed of a model.
func (f Folder) Remove(model [32]byte) error {
	list, err := f.List()
	for _, k := range list {
		if k.Model == model {
			err = errors.Join(err, remove(k.File))
		}
	}
	return err
}

func remove(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Verify reads a file and holds all of it against its digests. ErrStale says that it belongs to another build and was not looked at.
func (f Folder) Verify(k Kept) error {
	data, unmap, err := mapFile(k.File)
	if err != nil {
		return err
	}
	file, err := Parse(data, (&key{k.Model, k.Path, f.Build}).digest())
	if err == nil {
		err = file.Verify()
	}
	return errors.Join(err, unmap())
}
