package sortition

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"

	"github.com/aiwork/aiwork-node/internal/chain"
)

// writeTag writes a domain tag with its length before it (u16, big-endian).
func writeTag(h hash.Hash, tag string) {
	var n [2]byte
	binary.BigEndian.PutUint16(n[:], uint16(len(tag)))
	h.Write(n[:])
	h.Write([]byte(tag))
}

func writeUint64(h hash.Hash, x uint64) {
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], x)
	h.Write(n[:])
}

// FirstSeed is R_0, the seed of session 0 (rule SORT-2).
func FirstSeed(genesis chain.Hash) (seed [32]byte) {
	h := sha256.New()
	writeTag(h, "aiwork/seed/0")
	h.Write(genesis[:])
	h.Sum(seed[:0])
	return seed
}

// NextSeed is the seed of session next, from the seed of the session before it and the VRF outputs of
// all that session's finalised blocks in the order of their heights (rule SORT-3).
func NextSeed(seed [32]byte, next chain.Session, betas [][32]byte) (out [32]byte) {
	h := sha256.New()
	writeTag(h, "aiwork/seed/1")
	h.Write(seed[:])
	writeUint64(h, uint64(next))
	for i := range betas {
		h.Write(betas[i][:])
	}
	h.Sum(out[:0])
	return out
}

// Alpha is what the leader of view v of session s proves its VRF over (rule SORT-4).
func Alpha(genesis chain.Hash, s chain.Session, v chain.View, seed [32]byte) []byte {
	const tag = "aiwork-vrf/1"
	b := make([]byte, 0, 2+len(tag)+32+8+8+32)
	b = binary.BigEndian.AppendUint16(b, uint16(len(tag)))
	b = append(b, tag...)
	b = append(b, genesis[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(s))
	b = binary.BigEndian.AppendUint64(b, uint64(v))
	return append(b, seed[:]...)
}
