package node

import (
	"sync"
	"time"

	"github.com/aiwork/aiwork-node/compute/engine"
	"github.com/aiwork/aiwork-node/compute/model/builtin"
	"github.com/aiwork/aiwork-node/internal/rpc"
)

// shelfAge is how long a listing holds: models may be added while the node runs.
const shelfAge = 5 * time.Second

// A shelf lists what ships and what is in the node's folder. It is safe for concurrent use.
type shelf struct {
	library engine.Library

	mu     sync.Mutex
	listed time.Time
	infos  []rpc.ModelInfo
}

func newShelf(dir string) (*shelf, error) {
	files, err := builtin.Fronts()
	return &shelf{library: engine.LibraryOf(dir, files)}, err
}

// list gives all models and pipelines. A store that cannot be read in part is shown as far as it can.
func (s *shelf) list() []rpc.ModelInfo {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.infos != nil && time.Since(s.listed) < shelfAge {
		return s.infos
	}
	found, _ := s.library.Infos() // what cannot be read is not there
	infos := []rpc.ModelInfo{}
	for _, m := range found {
		infos = append(infos, rpc.ModelInfo{
			ID: m.ID, Name: m.Name, Classes: append([]string{}, m.Classes...), Input: m.Input, Output: m.Output, Licence: m.Licence,
		})
	}
	s.infos, s.listed = infos, time.Now()
	return infos
}
