package chain

import (
	"bytes"
	"slices"
	"testing"

	"github.com/aiwork/aiwork-node/internal/chain/trie"
	"github.com/aiwork/aiwork-node/internal/codec/rlp"
)

// The order in which OrderedTrieRoot gives the indices to the trie is that of their RLP.
func TestOrderedTrieRoot(t *testing.T) {
	for _, n := range []int{0, 1, 2, 127, 128, 129, 256, 257, 700} {
		var values [][]byte
		var pairs []trie.Pair
		for i := range n {
			values = append(values, bytes.Repeat([]byte{byte(i + 1), 1}, 1+i%40))
			pairs = append(pairs, trie.Pair{Key: rlp.AppendUint64(nil, uint64(i)), Value: values[i]})
		}
		slices.SortFunc(pairs, func(a, b trie.Pair) int { return bytes.Compare(a.Key, b.Key) })
		if got, want := OrderedTrieRoot(values), Hash(trie.Root(pairs)); got != want {
			t.Errorf("%d items: got %s, want %s", n, got, want)
		}
	}
	if got := OrderedTrieRoot(nil); got != EmptyRoot {
		t.Errorf("no items: got %s, want %s", got, EmptyRoot)
	}
}
