package chain

import (
	"github.com/aiwork/aiwork-node/internal/chain/trie"
	"github.com/aiwork/aiwork-node/internal/codec/rlp"
)

// EmptyRoot is the root of a trie without entries: the Keccak-256 hash of the RLP empty string. It is
// a constant in effect; no code changes it.
var EmptyRoot = Hash{
	0x56, 0xe8, 0x1f, 0x17, 0x1b, 0xcc, 0x55, 0xa6, 0xff, 0x83, 0x45, 0xe6, 0x92, 0xc0, 0xf8, 0x6e,
	0x5b, 0x48, 0xe0, 0x1b, 0x99, 0x6c, 0xad, 0xc0, 0x01, 0x62, 0x2f, 0xb5, 0xe3, 0x63, 0xb4, 0x21,
}

// TxRoot gives the header's transaction root over txs in their order.
func TxRoot(txs []*Tx) Hash {
	items := make([][]byte, len(txs))
	for i, t := range txs {
		items[i] = t.Encode()
	}
	return OrderedTrieRoot(items)
}

// ReceiptRoot gives the header's receipt root over receipts in their order.
func ReceiptRoot(receipts []*Receipt) Hash {
	items := make([][]byte, len(receipts))
	for i, r := range receipts {
		items[i] = r.Encode()
	}
	return OrderedTrieRoot(items)
}

// OrderedTrieRoot gives the root of the Ethereum trie that maps the RLP of each index to its item. No
// item is empty.
func OrderedTrieRoot(items [][]byte) Hash {
	pairs := make([]trie.Pair, 0, len(items))
	keys := make([]byte, 0, 4*len(items))
	add := func(i int) {
		start := len(keys)
		keys = rlp.AppendUint64(keys, uint64(i))
		pairs = append(pairs, trie.Pair{Key: keys[start:len(keys):len(keys)], Value: items[i]})
	}
	// In the order of their RLP, index 0 (0x80) stands behind 127 (0x7f) and before 128 (0x8180).
	for i := 1; i < min(len(items), 128); i++ {
		add(i)
	}
	if len(items) > 0 {
		add(0)
	}
	for i := 128; i < len(items); i++ {
		add(i)
	}
	return trie.Root(pairs)
}
