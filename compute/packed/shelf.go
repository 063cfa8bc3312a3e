package packed

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"sync"

	"github.com/aiwork/aiwork-node/compute/tensor"
)

// freshShare is the part of a file that new sections must have for it to be written anew, so that a model whose inputs have ever other shapes
// does not rewrite it again and again.
const freshShare = 8

// A Shelf is the packed weights of one model as one user has them. It is safe for concurrent use; its zero value, and nil, keep nothing.
type Shelf struct {
	folder Folder
	key    key
	note   func(text string)

	mu      sync.Mutex
	file    *mapped
	spoiled bool   // a section of the file does not hold
	unlock  func() // nil: another one packs, or nothing is to be written
	fresh   map[Name][]byte
	size    int64 // of what is fresh
	names   map[*tensor.Tensor]Name
}

// Shelf opens the shelf of a model on a path of the kernels. It always can be used. Note, which may be nil, is told what an operator may want to
// know.
func (f Folder) Shelf(model [32]byte, path string, note func(text string)) *Shelf {
	s := &Shelf{folder: f, key: key{model, path, f.Build}, note: note, fresh: map[Name][]byte{}, names: map[*tensor.Tensor]Name{}}
	if f.Dir == "" || f.BytesMax <= 0 {
		return s
	}
	file, err := f.open(&s.key)
	switch {
	case err == nil:
		s.file = file
		return s
	case errors.Is(err, ErrDamaged):
		s.discard(err)
	case !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, ErrStale):
		s.tell("packed weights cannot be opened: " + err.Error())
		return s
	}
	unlock, ok, err := f.lock(&s.key)
	if err != nil && !errors.Is(err, fs.ErrPermission) {
		s.tell("packed weights cannot be kept: " + err.Error())
	}
	if ok {
		s.unlock = unlock
	}
	return s
}

func (s *Shelf) tell(text string) {
	if s.note != nil {
		s.note(text)
	}
}

// discard takes a damaged file away.
func (s *Shelf) discard(why error) {
	s.tell("packed weights are packed anew: " + why.Error())
	if err := remove(s.path()); err != nil {
		s.tell("a damaged file of packed weights stays: " + err.Error())
	}
}

func (s *Shelf) path() string { return s.folder.Dir + string(os.PathSeparator) + s.key.file() }

// Take gives the bytes that are kept under a name, until Close; nil if there are none.
func (s *Shelf) Take(name Name) []byte {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		return nil
	}
	b, err := s.file.Section(name)
	if err != nil && !s.spoiled { // what was taken before held, and stays mapped
		s.spoiled = true
		s.discard(err)
	}
	return b
}

// Keep is given bytes that were made, and which will not change any more.
func (s *Shelf) Keep(name Name, b []byte) {
	if s == nil || len(b) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, there := s.fresh[name]; !there {
		s.fresh[name] = b
		s.size += int64(len(b))
	}
}

// Call gives a tensor a name, a digest of its type, shape and elements that is known already.
func (s *Shelf) Call(t *tensor.Tensor, name Name) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.names[t] = name
}

// NameOf gives what a tensor was called.
func (s *Shelf) NameOf(t *tensor.Tensor) (name Name, ok bool) {
	if s == nil {
		return name, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	name, ok = s.names[t]
	return name, ok
}

// Outdated tells that a file was written since, by whomever, so that opening the shelf again gives more.
func (s *Shelf) Outdated() bool {
	if s == nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.file == nil && s.unlock == nil && s.folder.Dir != "" && s.folder.has(&s.key)
}

// Save writes what is fresh, if it is worth a file and nobody else is at it, and tells whether it was written. Opening the shelf again then
// gives all of it mapped, so that the copies in memory can go.
func (s *Shelf) Save() (bool, error) {
	if s == nil {
		return false, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.size == 0 || s.folder.Dir == "" || s.file != nil && !s.spoiled && s.size < s.file.Bytes()/freshShare {
		return false, nil
	}
	if s.file != nil && s.unlock == nil {
		unlock, ok, err := s.folder.lock(&s.key)
		if err != nil || !ok {
			return false, err
		}
		s.unlock = unlock
	}
	if s.unlock == nil {
		return false, nil
	}
	err := s.folder.write(&s.key, s.sections())
	s.letGo()
	s.size, s.fresh = 0, map[Name][]byte{}
	return err == nil, err
}

// sections gives what was in the file, where it holds, and what is fresh.
func (s *Shelf) sections() (list []section) {
	for name, b := range s.fresh {
		list = append(list, section{name, b})
	}
	if s.file == nil {
		return list
	}
	for _, e := range s.file.table {
		if b, err := s.file.Section(e.name); err == nil && s.fresh[e.name] == nil {
			list = append(list, section{e.name, b})
		}
	}
	return list
}

func (s *Shelf) letGo() {
	if s.unlock != nil {
		s.unlock()
		s.unlock = nil
	}
}

// Close gives the lock and the memory back; what was taken must not be used any more.
func (s *Shelf) Close() error {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.letGo()
	if s.file == nil {
		return nil
	}
	file := s.file
	s.file = nil
	return file.unmap()
}

// Mapped is the size of the file that is mapped, 0 for none.
func (s *Shelf) Mapped() int64 {
	if s == nil {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		return 0
	}
	return s.file.Bytes()
}

// NameFrom makes a name of parts, which may hold any bytes.
func NameFrom(parts ...[]byte) Name {
	h := sha256.New()
	for _, p := range parts {
		n := sha256.Sum256(p)
		h.Write(n[:])
	}
	return Name(h.Sum(nil))
}

// SourceName is the section that says which file a model was read from in whole, and held.
func SourceName() Name { return NameFrom([]byte("model file")) }

// Source tells a model's file from others, by what finds damage: its size and checksum.
func Source(file []byte) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(file)))
	return binary.LittleEndian.AppendUint32(b, Checksum(file))
}
