package engine

import (
	"runtime"
	"slices"

	"github.com/aiwork/aiwork-node/internal/chain"
)

// A child keeps models ready within half of its memory, so that the run of one finds room beside them.
const readyShare = 2

// makeRoom drops models, those used longest ago first, until what is kept takes at most its share of the memory, or
// the one used last is alone. inUse tells how much memory is taken.
func (s *shop) makeRoom(inUse func() uint64) {
	for s.memoryBytes > 0 && len(s.order) > 1 && inUse() > s.memoryBytes/readyShare {
		s.drop()
	}
}

// drop forgets the model that was used longest ago.
func (s *shop) drop() { s.remove(s.order[0]) }

func (s *shop) remove(id chain.Hash) {
	s.ready[id].Close()
	delete(s.ready, id)
	s.order = slices.DeleteFunc(s.order, func(other chain.Hash) bool { return other == id })
}

// heapInUse is what lives on the heap now, garbage not counted. It costs a collection, and is asked when a model is
// made ready only, which costs far more.
func heapInUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
