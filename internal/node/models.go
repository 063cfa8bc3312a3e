package node

import (
	"sync"
	"time"

	"github.com/aiwork/aiwork-node/compute/model"
	"github.com/aiwork/aiwork-node/compute/model/builtin"
	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/internal/rpc"
)

const (
	shelfAge       = 5 * time.Second // how long a listing holds: models may be added while the node runs
	licenceTextMax = 64              // of a licence's name; a whole text is told by its first line
)

// A shelf lists the models that ship and those in the node's folder. It is safe for concurrent use.
type shelf struct {
	library model.Library

	mu     sync.Mutex
	listed time.Time
	infos  []rpc.ModelInfo
}

func newShelf(dir string) (*shelf, error) {
	files, err := builtin.Models()
	return &shelf{library: model.Library{Files: files, Store: model.Store{Dir: dir}}}, err
}

// list gives all models. A store that cannot be read in part is shown as far as it can.
func (s *shelf) list() []rpc.ModelInfo {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.infos != nil && time.Since(s.listed) < shelfAge {
		return s.infos
	}
	entries, _ := s.library.List() // what cannot be read is not there
	infos := []rpc.ModelInfo{}
	for _, e := range entries {
		infos = append(infos, modelInfo(&e))
	}
	s.infos, s.listed = infos, time.Now()
	return infos
}

func modelInfo(e *model.Entry) rpc.ModelInfo {
	info := rpc.ModelInfo{ID: e.ID, Name: e.File.Name, Classes: e.File.Net.Labels, Input: "tensors", Licence: firstLine(e.File.Licence)}
	if e.File.Net.Form == net.FormPicture {
		info.Input = "8-bit PNG"
	}
	if info.Classes == nil {
		info.Classes = []string{}
	}
	return info
}

func firstLine(text string) string {
	for i, r := range text {
		if r == '\n' || i >= licenceTextMax {
			return text[:i]
		}
	}
	return text
}
