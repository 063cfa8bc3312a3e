package language

import (
	"errors"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/aiwork/aiwork-node/compute/gguf"
	"github.com/aiwork/aiwork-node/compute/pass"
	"github.com/aiwork/aiwork-node/compute/tile"
	"github.com/aiwork/aiwork-node/internal/chain"
)

// ID computes the model's id (LANG-1), for which all of the file is read.
func (m *Model) ID() (chain.Hash, error) {
	if m.WeightBytes() == 0 {
		return chain.Hash{}, errors.New("a language model without tensors")
	}
	return pass.ID(m.Leaves()), nil
}

// Leaves gives what the model's id is the root of: its shape, its tensors by their places, nothing for one that it lacks, and its tokenizer. All of
// the file is read for it.
func (m *Model) Leaves() [][]byte {
	shape := m.Shape.Shape()
	names := shape.TensorNames()
	leaves := make([][]byte, len(names)+2)
	leaves[0], leaves[len(names)+1] = shape.Encode(), m.Texts.Canonical()
	var next atomic.Int64
	var hashing sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(names)) {
		hashing.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(names); i = int(next.Add(1)) - 1 {
				if t, ok := m.File.Tensor(names[i]); ok {
					leaves[1+i] = leafOf(t)
				}
			}
		})
	}
	hashing.Wait()
	return leaves
}

// leafOf names a tensor by what it is and the root of its bytes, as they lie in the file.
func leafOf(t *gguf.Tensor) []byte {
	leaf := pass.Tensor{Name: t.Name, Format: tile.Format(t.Type), Root: pass.Root(t.Data)}
	for _, d := range t.Dims {
		leaf.Dims = append(leaf.Dims, uint64(d))
	}
	return leaf.Encode()
}
