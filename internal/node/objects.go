package node

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/aiwork/aiwork-node/compute/language"
	"github.com/aiwork/aiwork-node/compute/model"
	"github.com/aiwork/aiwork-node/compute/pipeline"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/home"
	"github.com/aiwork/aiwork-node/internal/objects"
	"github.com/aiwork/aiwork-node/p2p"
)

// modelFiles lists the files of models and pipelines of a home by the ids that they are named by. Whether they hold those is for
// the peer to see that fetches them.
func modelFiles(h home.Home) objects.Listing {
	store, languages, pipelines := model.Store{Dir: h.Models()}, language.Store{Dir: h.Models()}, pipeline.Store{Dir: h.Models()}
	return func() (map[[32]byte]string, error) {
		files, err := os.ReadDir(store.Dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		list := map[[32]byte]string{}
		for _, f := range files {
			digits, _, _ := strings.Cut(f.Name(), ".")
			raw, err := hex.DecodeString(digits)
			if err != nil || len(raw) != len(chain.Hash{}) {
				continue
			}
			path, id := filepath.Join(store.Dir, f.Name()), chain.Hash(raw)
			if path == store.Path(id) || path == languages.Path(id) || path == pipelines.Path(id) {
				list[[32]byte(raw)] = path
			}
		}
		return list, nil
	}
}

// objectSource is what peers can fetch: the models of this node's folder, and its blobs.
type objectSource struct {
	shelf  *objects.Shelf
	source *source

	mu   sync.Mutex
	last openBlob // groups of a blob are asked for one after the other
}

// An openBlob is a blob with its tree; its fields do not change.
type openBlob struct {
	data []byte
	tree *objects.Tree
	id   [32]byte
}

// Find implements p2p.ObjectSource.
func (s *objectSource) Find(ctx context.Context, model [32]byte) ([]p2p.ObjectInfo, error) {
	return s.shelf.Find(ctx, model)
}

// Size implements p2p.ObjectSource.
func (s *objectSource) Size(ctx context.Context, id [32]byte) (uint64, error) {
	size, err := s.shelf.Size(ctx, id)
	if !errors.Is(err, p2p.ErrNotFound) {
		return size, err
	}
	b, err := s.blob(ctx, id)
	return uint64(len(b.data)), err
}

// Sums implements p2p.ObjectSource.
func (s *objectSource) Sums(ctx context.Context, id [32]byte) (p2p.ObjectSums, error) {
	sums, err := s.shelf.Sums(ctx, id)
	if !errors.Is(err, p2p.ErrNotFound) {
		return sums, err
	}
	b, err := s.blob(ctx, id)
	if err != nil {
		return p2p.ObjectSums{}, err
	}
	return p2p.ObjectSums{Size: uint64(len(b.data)), Sums: b.tree.Sums, Last: b.group(len(b.tree.Sums) - 1)}, nil
}

// Group implements p2p.ObjectSource.
func (s *objectSource) Group(ctx context.Context, id [32]byte, index uint32) ([]byte, error) {
	group, err := s.shelf.Group(ctx, id, index)
	if !errors.Is(err, p2p.ErrNotFound) {
		return group, err
	}
	b, err := s.blob(ctx, id)
	if err != nil {
		return nil, err
	}
	if int(index) >= len(b.tree.Sums) {
		return nil, p2p.ErrNotFound
	}
	return b.group(int(index)), nil
}

func (b *openBlob) group(i int) []byte {
	from := i * objects.GroupBytes
	return b.data[from : from+b.tree.GroupSize(i)]
}

func (s *objectSource) blob(ctx context.Context, id [32]byte) (openBlob, error) {
	s.mu.Lock()
	last := s.last
	s.mu.Unlock()
	if last.id == id && last.tree != nil {
		return last, nil
	}
	data, err := s.source.Blob(ctx, id)
	if err != nil {
		return openBlob{}, err
	}
	tree, _, err := objects.TreeOf(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return openBlob{}, err
	}
	b := openBlob{data: data, tree: tree, id: id}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = b
	return b, nil
}
