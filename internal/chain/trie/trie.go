package trie

import (
	"bytes"

	"github.com/aiwork/aiwork-node/crypto/keccak"
	"github.com/aiwork/aiwork-node/internal/codec/rlp"
	"github.com/aiwork/aiwork-node/internal/must"
)

// Pair is a key and its value, which is not empty.
type Pair struct{ Key, Value []byte }

// Root gives the root over pairs, which are sorted by key (as bytes) with no key twice. Without pairs
// it is the Keccak-256 hash of the RLP empty string.
func Root(pairs []Pair) [32]byte {
	if len(pairs) == 0 {
		return keccak.Sum256([]byte{0x80})
	}
	for i := 1; i < len(pairs); i++ {
		must.Hold(bytes.Compare(pairs[i-1].Key, pairs[i].Key) < 0, "trie: keys not in order")
	}
	var b builder
	start := b.open()
	b.node(pairs, 0)
	return keccak.Sum256(b.close(start))
}

// builder encodes nodes in buf, which it uses as a stack: a node's payload grows at the end, and when
// the node is complete, its reference takes the payload's place.
type builder struct{ buf []byte }

// open starts a node and leaves room for the longest prefix in front of its payload.
func (b *builder) open() (start int) {
	start = len(b.buf)
	var room [rlp.HeaderMax]byte
	b.buf = append(b.buf, room[:]...)
	return start
}

// close puts the list prefix in front of the payload opened at start and gives the node's encoding,
// which is valid until the next write.
func (b *builder) close(start int) []byte {
	payload := start + rlp.HeaderMax
	var head [rlp.HeaderMax]byte
	h := rlp.AppendListHeader(head[:0], len(b.buf)-payload)
	copy(b.buf[payload-len(h):payload], h)
	return b.buf[payload-len(h):]
}

// child appends a reference to the node over pairs, all of which share their first depth nibbles.
func (b *builder) child(pairs []Pair, depth int) {
	start := b.open()
	b.node(pairs, depth)
	enc := b.close(start)
	if len(enc) < 32 {
		n := copy(b.buf[start:], enc)
		b.buf = b.buf[:start+n]
		return
	}
	sum := keccak.Sum256(enc)
	b.buf = rlp.AppendBytes(b.buf[:start], sum[:])
}

// node appends the items of the node over pairs.
func (b *builder) node(pairs []Pair, depth int) {
	first, last := pairs[0].Key, pairs[len(pairs)-1].Key
	if len(pairs) == 1 {
		b.path(first, depth, 2*len(first), true)
		b.buf = rlp.AppendBytes(b.buf, pairs[0].Value)
		return
	}
	// Keys are sorted: what the first and the last share, all share.
	if end := sharedTo(first, last, depth); end > depth {
		b.path(first, depth, end, false)
		b.child(pairs, end)
		return
	}
	b.branch(pairs, depth)
}

func (b *builder) branch(pairs []Pair, depth int) {
	var value []byte
	if 2*len(pairs[0].Key) == depth {
		value, pairs = pairs[0].Value, pairs[1:]
	}
	for n := range byte(16) {
		end := 0
		for end < len(pairs) && nibble(pairs[end].Key, depth) == n {
			end++
		}
		if end == 0 {
			b.buf = append(b.buf, 0x80)
			continue
		}
		b.child(pairs[:end], depth+1)
		pairs = pairs[end:]
	}
	b.buf = rlp.AppendBytes(b.buf, value)
}

// path appends the nibbles of key in [from, to) in compact form: a flag nibble (2 for a leaf, plus 1
// for an odd number), a zero nibble where needed to fill the byte, then the path.
func (b *builder) path(key []byte, from, to int, leaf bool) {
	flag := byte(0)
	if leaf {
		flag = 0x20
	}
	var room [65]byte
	out := room[:0]
	if (to-from)%2 == 1 {
		out = append(out, flag|0x10|nibble(key, from))
		from++
	} else {
		out = append(out, flag)
	}
	for ; from < to; from += 2 {
		out = append(out, nibble(key, from)<<4|nibble(key, from+1))
	}
	b.buf = rlp.AppendBytes(b.buf, out)
}

func nibble(key []byte, i int) byte {
	if i%2 == 0 {
		return key[i/2] >> 4
	}
	return key[i/2] & 15
}

// sharedTo gives the end of the nibbles that a and b share from depth on.
func sharedTo(a, b []byte, depth int) int {
	end := 2 * min(len(a), len(b))
	for depth < end && nibble(a, depth) == nibble(b, depth) {
		depth++
	}
	return depth
}
