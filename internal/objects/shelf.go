package objects

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/aiwork/aiwork-node/p2p"
)

// lookInterval is the time between looks for new files.
const lookInterval = 10 * time.Second

// A Listing gives the files to serve: the paths by the id of the model that each holds.
type Listing func() (map[[32]byte]string, error)

// A Shelf serves files that lie elsewhere as objects. What peers ask is answered from what Run has hashed, so that no
// stranger's question costs a reading of the disk but for the groups that he gets. It is safe for concurrent use.
type Shelf struct {
	list Listing
	log  *slog.Logger

	mu       sync.Mutex
	byModel  map[[32]byte]*shelved
	byObject map[ID]*shelved
}

// A shelved is a file whose tree is known for as long as it does not change.
type shelved struct {
	path string
	size int64
	at   time.Time
	id   ID
	tree *Tree
}

// NewShelf makes a shelf that is empty until Run has looked.
func NewShelf(list Listing, log *slog.Logger) *Shelf {
	return &Shelf{list: list, log: log, byModel: map[[32]byte]*shelved{}, byObject: map[ID]*shelved{}}
}

// Run looks for new and changed files until ctx ends.
func (s *Shelf) Run(ctx context.Context) error {
	for {
		if err := s.Look(ctx); err != nil && ctx.Err() == nil {
			s.log.Warn("files not served to peers", "error", err)
		}
		if !pause(ctx, lookInterval) {
			return nil
		}
	}
}

// Look hashes what is new. What cannot be read is left out, and named in the error.
func (s *Shelf) Look(ctx context.Context) error {
	paths, err := s.list()
	if err != nil {
		return err
	}
	var errs []error
	models, objects := map[[32]byte]*shelved{}, map[ID]*shelved{}
	for model, path := range paths {
		if err := ctx.Err(); err != nil {
			return err
		}
		f, err := s.shelve(model, path)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		models[model], objects[f.id] = f, f
		s.offer(model, f)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.byModel, s.byObject = models, objects
	return errors.Join(errs...)
}

// offer serves a file while others are still hashed.
func (s *Shelf) offer(model [32]byte, f *shelved) {
	s.mu.Lock()
	known := s.byModel[model] == f
	s.byModel[model], s.byObject[f.id] = f, f
	s.mu.Unlock()
	if !known {
		s.log.Info("model offered to peers", "model", ID(model), "object", f.id, "bytes", f.size)
	}
}

func (s *Shelf) shelve(model [32]byte, path string) (*shelved, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	known := s.byModel[model]
	s.mu.Unlock()
	if known != nil && known.isStill(path, info) {
		return known, nil
	}
	t, id, err := TreeOf(f, info.Size())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &shelved{path: path, size: info.Size(), at: info.ModTime(), id: id, tree: t}, nil
}

func (f *shelved) isStill(path string, info fs.FileInfo) bool {
	return f.path == path && f.size == info.Size() && f.at.Equal(info.ModTime())
}

func (s *Shelf) object(id ID) (*shelved, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.byObject[id]; f != nil {
		return f, nil
	}
	return nil, p2p.ErrNotFound
}

// Find gives the object that holds a model.
func (s *Shelf) Find(_ context.Context, model [32]byte) ([]p2p.ObjectInfo, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.byModel[model]; f != nil {
		return []p2p.ObjectInfo{{ID: f.id, Size: uint64(f.size)}}, nil
	}
	return nil, p2p.ErrNotFound
}

// Size gives an object's bytes.
func (s *Shelf) Size(_ context.Context, id [32]byte) (uint64, error) {
	f, err := s.object(id)
	if err != nil {
		return 0, err
	}
	return uint64(f.size), nil
}

// Sums gives an object's sums.
func (s *Shelf) Sums(ctx context.Context, id [32]byte) (p2p.ObjectSums, error) {
	f, err := s.object(id)
	if err != nil {
		return p2p.ObjectSums{}, err
	}
	last, err := s.Group(ctx, id, uint32(len(f.tree.Sums)-1))
	return p2p.ObjectSums{Size: uint64(f.size), Sums: f.tree.Sums, Last: last}, err
}

// Group gives the bytes of a group, checked: a file that has changed since it was looked at is not served.
func (s *Shelf) Group(_ context.Context, id [32]byte, index uint32) ([]byte, error) {
	f, err := s.object(id)
	if err != nil {
		return nil, err
	}
	if int(index) >= len(f.tree.Sums) {
		return nil, p2p.ErrNotFound
	}
	file, err := os.Open(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, p2p.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	b := make([]byte, f.tree.GroupSize(int(index)))
	if _, err := file.ReadAt(b, int64(index)*GroupBytes); err != nil || !f.tree.Fits(int(index), b) {
		return nil, p2p.ErrNotFound
	}
	return b, nil
}
