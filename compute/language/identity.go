package language

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/aiwork/aiwork-node/compute/gguf"
	"github.com/aiwork/aiwork-node/compute/lm"
	"github.com/aiwork/aiwork-node/compute/token"
	"github.com/aiwork/aiwork-node/crypto/merkle"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/codec"
)

const (
	idTag   = "aiwork/language/1"
	rowsTag = "aiwork/language/rows/1"
)

// identify gives a file's id (LANG-1). It reads all of the model.
func identify(f *gguf.File, c lm.Config, t *token.Tokenizer) (chain.Hash, error) {
	names := lm.TensorNames(f, c)
	leaves := make([][]byte, len(names)+2)
	leaves[0], leaves[1] = c.Canonical(), t.Canonical()
	var next atomic.Int64
	var hashing sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(names)) {
		hashing.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(names); i = int(next.Add(1)) - 1 {
				tensor, _ := f.Tensor(names[i]) // TensorNames lists what is there
				leaves[2+i] = leafOf(tensor)
			}
		})
	}
	hashing.Wait()
	if len(names) == 0 {
		return chain.Hash{}, fmt.Errorf("a language model without tensors")
	}
	return merkle.Root(idTag, leaves), nil
}

// leafOf names a tensor by what it is and the root of its rows, as they lie in the file.
func leafOf(t *gguf.Tensor) []byte {
	rows := t.Elements() / t.Dims[0]
	size := len(t.Data) / rows
	root := merkle.RootOfPieces(rowsTag, t.Data[:rows*size], size)
	w := codec.NewWriter(128)
	w.Bytes([]byte(t.Name))
	w.U32(uint32(t.Type))
	w.Count(len(t.Dims))
	for _, d := range t.Dims {
		w.U64(uint64(d))
	}
	w.Fixed(root[:])
	return w.Out()
}
