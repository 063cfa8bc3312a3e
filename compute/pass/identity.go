package pass

import (
	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/crypto/merkle"
	"github.com/aiwork/aiwork-node/internal/chain"
)

const idTag = "aiwork/language/2"

// ID is a model's id: the root over its shape, its tensors in the order of their places, and its tokenizer (LANG-1).
func ID(leaves [][]byte) chain.Hash { return merkle.Root(idTag, leaves) }

// Prove shows that leaves at some places, ascending, belong to a model.
func Prove(leaves [][]byte, places []uint64) merkle.Proof {
	return merkle.ProveMany(idTag, leaves, places)
}

// Verify checks that parts are a model's leaves at some places, ascending: the shape is at 0, the tensor of place i at 1 + i.
func Verify(id chain.Hash, s *Shape, parts [][]byte, places []uint64, proof merkle.Proof) error {
	return merkle.VerifyMany(idTag, id, parts, places, uint64(s.Places())+2, proof)
}

// Words gives a tensor's bytes in a file as whole words: the last one is filled up with zeros. They are copied only then.
func Words(data []byte) []byte {
	if rest := len(data) % 8; rest > 0 {
		return append(data[:len(data):len(data)], make([]byte, 8-rest)...)
	}
	return data
}

// Root is the root of a tensor's words, in tiles (NET-5).
func Root(data []byte) chain.Hash { return net.TensorRoot(net.Uint64, Words(data)) }
