package tree

import (
	"bytes"
	"sort"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/must"
)

// Rebuild gives the root of the tree with exactly these leaves, sorted by key, each key once, no value
// zero. It goes by the rules bit by bit and shares nothing with Apply but the hashes, so that each can
// be held against the other.
func Rebuild(leaves []Leaf) chain.Hash {
	for i := range leaves {
		must.Hold(!leaves[i].Value.IsZero(), "tree: leaf without a value")
		must.Hold(i == 0 || bytes.Compare(leaves[i-1].Key[:], leaves[i].Key[:]) < 0, "tree: leaves not sorted")
	}
	return rebuild(leaves, 0)
}

func rebuild(leaves []Leaf, depth int) chain.Hash {
	switch len(leaves) {
	case 0:
		return chain.Hash{}
	case 1:
		return leafHash(&leaves[0])
	}
	ones := sort.Search(len(leaves), func(i int) bool { return bit(&leaves[i].Key, depth) == 1 })
	left := rebuild(leaves[:ones], depth+1)
	right := rebuild(leaves[ones:], depth+1)
	return innerHash(&left, &right)
}
