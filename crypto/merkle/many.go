package merkle

import (
	"slices"

	"github.com/aiwork/aiwork-node/internal/must"
)

// ProveMany returns the proof that leaves stand at some places, ascending and each once (MERKLE-6). It panics when one
// is outside.
func ProveMany(tag string, leaves [][]byte, places []uint64) Proof {
	must.Hold(ascending(places, uint64(len(leaves))), "merkle proof for places out of order or outside the list")
	t := newTree(tag)
	level := t.leaves(leaves)
	at := slices.Clone(places)
	var proof Proof
	for level.len() > 1 && len(at) > 0 {
		up := at[:0]
		for i := 0; i < len(at); i++ {
			p := at[i]
			switch sibling := p ^ 1; {
			case i+1 < len(at) && at[i+1] == sibling:
				i++
			case sibling < uint64(level.len()):
				proof = append(proof, level.at(int(sibling)))
			}
			up = append(up, p/2)
		}
		at, level = up, t.up(level)
	}
	return proof
}

// VerifyMany checks that leaves stand at some places, ascending and each once, among count under root. It returns a
// Fault. None are under any root.
func VerifyMany(tag string, root [32]byte, leaves [][]byte, places []uint64, count uint64, proof Proof) error {
	if len(leaves) != len(places) || !ascending(places, count) {
		return FaultIndex
	}
	if len(places) == 0 {
		if len(proof) > 0 {
			return FaultShape
		}
		return nil
	}
	t := newTree(tag)
	hashes, at := t.leaves(leaves).list(), slices.Clone(places)
	for width := count; width > 1; width = width/2 + width%2 {
		n := 0
		for i := 0; i < len(at); i++ {
			p, hash := at[i], hashes[i]
			switch sibling := p ^ 1; {
			case i+1 < len(at) && at[i+1] == sibling:
				hash = t.node(&hash, &hashes[i+1])
				i++
			case sibling < width && len(proof) == 0:
				return FaultShape
			case sibling < p:
				hash, proof = t.node(&proof[0], &hash), proof[1:]
			case sibling < width:
				hash, proof = t.node(&hash, &proof[0]), proof[1:]
			}
			at[n], hashes[n] = p/2, hash
			n++
		}
		at, hashes = at[:n], hashes[:n]
	}
	if len(proof) > 0 {
		return FaultShape
	}
	if t.root(count, hashes[0]) != root {
		return FaultRoot
	}
	return nil
}

func ascending(places []uint64, count uint64) bool {
	for i, p := range places {
		if p >= count || i > 0 && places[i-1] >= p {
			return false
		}
	}
	return true
}

// Leaf, Node and Top are the hashes of MERKLE-2 and MERKLE-4, for those who walk a tree from its root down.

// Leaf is the hash of a leaf.
func Leaf(tag string, data []byte) [32]byte {
	t := newTree(tag)
	return t.leaf(data)
}

// Node is the hash of an inner node.
func Node(tag string, left, right [32]byte) [32]byte {
	t := newTree(tag)
	return t.node(&left, &right)
}

// Top is the root over the last node left of count leaves.
func Top(tag string, count uint64, top [32]byte) [32]byte {
	t := newTree(tag)
	return t.root(count, top)
}

// Width is the number of nodes on a level of a tree of count leaves, level 0 being the leaves.
func Width(count uint64, level int) uint64 {
	for ; level > 0; level-- {
		count = count/2 + count%2
	}
	return count
}

// Depth is the level of the top node, 0 for a single leaf.
func Depth(count uint64) (level int) {
	for ; count > 1; count = count/2 + count%2 {
		level++
	}
	return level
}

// Levels gives all nodes, the leaves' hashes first and the top node last. There must be a leaf.
func Levels(tag string, leaves [][]byte) [][][32]byte {
	must.Hold(len(leaves) > 0, "merkle levels without a leaf")
	t := newTree(tag)
	level := t.leaves(leaves)
	out := [][][32]byte{level.list()}
	for level.len() > 1 {
		level = t.up(level)
		out = append(out, level.list())
	}
	return out
}

// list copies the hashes of a level.
func (l level) list() [][32]byte {
	out := make([][32]byte, l.len())
	for i := range out {
		out[i] = l.at(i)
	}
	return out
}
