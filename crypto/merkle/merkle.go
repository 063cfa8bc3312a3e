package merkle

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/aiwork/aiwork-node/internal/must"
)

const domain = "aiwork/merkle/1"

const (
	kindLeaf = iota
	kindNode
	kindRoot
)

// A tree hashes in the domain of one tag.
type tree struct {
	prefix [sha256.Size]byte // T of MERKLE-1
}

func newTree(tag string) tree {
	b := make([]byte, 0, len(domain)+8+len(tag))
	b = append(b, domain...)
	b = binary.BigEndian.AppendUint64(b, uint64(len(tag)))
	b = append(b, tag...)
	return tree{prefix: sha256.Sum256(b)}
}

// shortLeaf is the size of a leaf that is hashed without a hash.Hash: a tile of a tensor.
const shortLeaf = 512

func (t *tree) leaf(data []byte) (sum [32]byte) {
	if len(data) <= shortLeaf {
		var b [32 + 1 + shortLeaf]byte
		copy(b[:], t.prefix[:])
		b[32] = kindLeaf
		return sha256.Sum256(b[:33+copy(b[33:], data)])
	}
	h := sha256.New()
	h.Write(t.prefix[:])
	h.Write([]byte{kindLeaf})
	h.Write(data)
	h.Sum(sum[:0])
	return sum
}

func (t *tree) node(left, right *[32]byte) [32]byte {
	var b [32 + 1 + 64]byte
	copy(b[:], t.prefix[:])
	b[32] = kindNode
	copy(b[33:], left[:])
	copy(b[65:], right[:])
	return sha256.Sum256(b[:])
}

func (t *tree) root(count uint64, top [32]byte) [32]byte {
	var b [32 + 1 + 8 + 32]byte
	copy(b[:], t.prefix[:])
	b[32] = kindRoot
	binary.BigEndian.PutUint64(b[33:], count)
	copy(b[41:], top[:])
	return sha256.Sum256(b[:])
}

func (t *tree) leaves(data [][]byte) [][32]byte {
	level := make([][32]byte, len(data))
	for i := range data {
		level[i] = t.leaf(data[i])
	}
	return level
}

// up replaces a level by the one above it, in place (MERKLE-3).
func (t *tree) up(level [][32]byte) [][32]byte {
	n := 0
	for i := 0; i+1 < len(level); i += 2 {
		level[n] = t.node(&level[i], &level[i+1])
		n++
	}
	if len(level)%2 == 1 {
		level[n] = level[len(level)-1]
		n++
	}
	return level[:n]
}

// Root returns the root of the leaves in the domain of tag. No leaves have a root too.
func Root(tag string, leaves [][]byte) [32]byte {
	t := newTree(tag)
	if len(leaves) == 0 {
		return t.root(0, [32]byte{})
	}
	level := t.leaves(leaves)
	for len(level) > 1 {
		level = t.up(level)
	}
	return t.root(uint64(len(leaves)), level[0])
}

// Prove returns the proof that leaves[i] stands at place i. It panics when there is no such place.
func Prove(tag string, leaves [][]byte, i int) Proof {
	must.Hold(i >= 0 && i < len(leaves), "merkle proof for a place outside the list")
	t := newTree(tag)
	level := t.leaves(leaves)
	var proof Proof
	for ; len(level) > 1; i /= 2 {
		if sibling := i ^ 1; sibling < len(level) {
			proof = append(proof, level[sibling])
		}
		level = t.up(level)
	}
	return proof
}

// Verify checks that leaf stands at place index among count leaves under root. It returns a Fault.
func Verify(tag string, root [32]byte, leaf []byte, index, count uint64, proof Proof) error {
	if index >= count {
		return FaultIndex
	}
	if len(proof) != siblings(index, count) {
		return FaultShape
	}
	t := newTree(tag)
	hash := t.leaf(leaf)
	for width := count; width > 1; width = width/2 + width%2 {
		switch {
		case index%2 == 1:
			hash, proof = t.node(&proof[0], &hash), proof[1:]
		case index+1 < width:
			hash, proof = t.node(&hash, &proof[0]), proof[1:]
		}
		index /= 2
	}
	if t.root(count, hash) != root {
		return FaultRoot
	}
	return nil
}

// siblings counts the hashes that the proof of a place has (MERKLE-5).
func siblings(index, count uint64) int {
	n := 0
	for width := count; width > 1; width = width/2 + width%2 {
		if index^1 < width {
			n++
		}
		index /= 2
	}
	return n
}
