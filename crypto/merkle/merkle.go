package merkle

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/aiwork/aiwork-node/crypto/sha256x"
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

// head is what every hash of a kind begins with.
func (t *tree) head(kind byte) [33]byte {
	var b [33]byte
	copy(b[:], t.prefix[:])
	b[32] = kind
	return b
}

func (t *tree) leaf(data []byte) (sum [32]byte) {
	head := t.head(kindLeaf)
	sha256x.Sums(sum[:], head[:], data, len(data))
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

func (t *tree) leaves(data [][]byte) level {
	hashes, head := make(level, 32*len(data)), t.head(kindLeaf)
	sha256x.Each(hashes, head[:], data)
	return hashes
}

// A level is the hashes of the nodes that are equally far from the leaves, one after the other.
type level []byte

func (l level) len() int { return len(l) / 32 }

func (l level) at(i int) [32]byte { return [32]byte(l[32*i:]) }

// up replaces a level by the one above it, in place (MERKLE-3).
func (t *tree) up(l level) level {
	pairs, head := l.len()/2, t.head(kindNode)
	sha256x.Sums(l[:32*pairs], head[:], l[:64*pairs], 64)
	if l.len()%2 == 1 {
		copy(l[32*pairs:], l[64*pairs:])
		pairs++
	}
	return l[:32*pairs]
}

// Root returns the root of the leaves in the domain of tag. No leaves have a root too.
func Root(tag string, leaves [][]byte) [32]byte {
	t := newTree(tag)
	head := t.head(kindLeaf)
	return t.rootOf(len(leaves), func(hashes level, first int) {
		sha256x.Each(hashes, head[:], leaves[first:first+hashes.len()])
	})
}

// RootOfPieces is Root of the pieces of size bytes, not 0, that data is cut into; the last may be shorter.
func RootOfPieces(tag string, data []byte, size int) [32]byte {
	must.Hold(size > 0, "a merkle tree of pieces without a size")
	t := newTree(tag)
	head := t.head(kindLeaf)
	return t.rootOf((len(data)+size-1)/size, func(hashes level, first int) {
		pieces := data[first*size : min((first+hashes.len())*size, len(data))]
		whole := len(pieces) / size
		sha256x.Sums(hashes[:32*whole], head[:], pieces[:whole*size], size)
		if whole < hashes.len() {
			sha256x.Sums(hashes[32*whole:], head[:], pieces[whole*size:], len(pieces)-whole*size)
		}
	})
}

// bushLeaves is how many leaves are hashed before the nodes above them: the hashes are still in the processor's first cache then. It is a power of
// two, so that their top is a node of the tree.
const bushLeaves = 256

// rootOf builds a tree from the left. leaves gives the hashes of some of the leaves.
func (t *tree) rootOf(count int, leaves func(hashes level, first int)) [32]byte {
	if count == 0 {
		return t.root(0, [32]byte{})
	}
	space := make(level, 32*min(bushLeaves, count))
	var tops level
	for first := 0; first < count; first += bushLeaves {
		bush := space[:32*min(bushLeaves, count-first)]
		leaves(bush, first)
		tops = append(tops, t.top(bush)...)
	}
	return t.root(uint64(count), t.top(tops).at(0))
}

// top replaces a level by the last node left.
func (t *tree) top(l level) level {
	for l.len() > 1 {
		l = t.up(l)
	}
	return l
}

// Prove returns the proof that leaves[i] stands at place i. It panics when there is no such place.
func Prove(tag string, leaves [][]byte, i int) Proof {
	must.Hold(i >= 0 && i < len(leaves), "merkle proof for a place outside the list")
	t := newTree(tag)
	level := t.leaves(leaves)
	var proof Proof
	for ; level.len() > 1; i /= 2 {
		if sibling := i ^ 1; sibling < level.len() {
			proof = append(proof, level.at(sibling))
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
