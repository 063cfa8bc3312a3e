package tree

import (
	"encoding/binary"
	"math/bits"

	"github.com/aiwork/aiwork-node/internal/chain"
)

// PageSizeMax bounds an encoded page in bytes: two bitmaps and 16 leaves.
const PageSizeMax = 4 + 16*64

// A Fault says why an encoded page or proof is refused.
type Fault uint8

const (
	FaultPageSize  Fault = iota + 1 // the page's length does not fit its bitmaps
	FaultPageForm                   // a page that no tree has
	FaultPageLost                   // a page that must be there is missing
	FaultProofForm                  // the proof's bytes are not those of a proof
	FaultProofKey                   // the proof ends at a leaf that does not lie on the key's path
	FaultProofRoot                  // the proof leads to another root
)

var faultTexts = [...]string{
	FaultPageSize:  "state tree: page has the wrong length",
	FaultPageForm:  "state tree: page has a form that no tree has",
	FaultPageLost:  "state tree: page is missing",
	FaultProofForm: "state proof: malformed",
	FaultProofKey:  "state proof: ends at a leaf that is not on the key's path",
	FaultProofRoot: "state proof: leads to another root",
}

func (f Fault) Error() string { return faultTexts[f] }

// Path names a page: the nibbles of the keys below it. The zero Path is the root page.
type Path struct {
	n    uint8    // number of nibbles, at most 63
	bits [32]byte // the nibbles, the rest zero
}

// Depth gives the number of nibbles.
func (p Path) Depth() int { return int(p.n) }

// Child gives the path of the page below child c.
func (p Path) Child(c int) Path {
	if p.n%2 == 0 {
		p.bits[p.n/2] |= byte(c) << 4
	} else {
		p.bits[p.n/2] |= byte(c)
	}
	p.n++
	return p
}

// Append adds p's stored form to b: the number of nibbles, then the bytes that hold them.
func (p Path) Append(b []byte) []byte {
	b = append(b, p.n)
	return append(b, p.bits[:(p.n+1)/2]...)
}

// Compare orders paths by length, then by nibbles, which is the order of their stored forms.
func (p Path) Compare(q Path) int {
	if p.n != q.n {
		return int(p.n) - int(q.n)
	}
	for i := range p.bits {
		if p.bits[i] != q.bits[i] {
			return int(p.bits[i]) - int(q.bits[i])
		}
	}
	return 0
}

type childKind uint8

const (
	childNone childKind = iota
	childLeaf
	childPage
)

// child is one of a page's 16 subtrees. Of a page only Value, its hash, is used.
type child struct {
	kind childKind
	leaf Leaf
}

func (c *child) hash() chain.Hash {
	switch c.kind {
	case childLeaf:
		return leafHash(&c.leaf)
	case childPage:
		return c.leaf.Value
	}
	return chain.Hash{}
}

type page [16]child

// only gives the leaf of a page that has just one, and whether it has just one.
func (p *page) only() (Leaf, bool) {
	found := -1
	for i := range p {
		switch p[i].kind {
		case childPage:
			return Leaf{}, false
		case childLeaf:
			if found >= 0 {
				return Leaf{}, false
			}
			found = i
		}
	}
	if found < 0 {
		return Leaf{}, false
	}
	return p[found].leaf, true
}

func (p *page) empty() bool {
	for i := range p {
		if p[i].kind != childNone {
			return false
		}
	}
	return true
}

// sub is a binary subtree inside a page while its hash is put together.
type sub struct {
	hash   chain.Hash
	leaves int // 0, 1, or 2 for more than one
}

// join is TREE-3 to TREE-5 for two neighbours.
func join(l, r *sub) sub {
	switch {
	case l.leaves+r.leaves == 0:
		return sub{}
	case l.leaves+r.leaves == 1 && l.leaves == 1:
		return *l
	case l.leaves+r.leaves == 1:
		return *r
	}
	return sub{innerHash(&l.hash, &r.hash), 2}
}

// levels gives the subtrees of p as a heap: 1 is the whole page, 2i and 2i+1 lie below i, the children
// are 16 to 31.
func (p *page) levels() [32]sub {
	var heap [32]sub
	for i := range p {
		c := &p[i]
		if c.kind != childNone {
			heap[16+i] = sub{c.hash(), int(c.kind)} // childLeaf is 1, childPage 2
		}
	}
	for i := 15; i >= 1; i-- {
		heap[i] = join(&heap[2*i], &heap[2*i+1])
	}
	return heap
}

func (p *page) hash() chain.Hash {
	heap := p.levels()
	return heap[1].hash
}

// encode gives the stored form: the children that are there, those that are leaves (bit c is child c),
// then in order each leaf's key and value, or each page's hash.
func (p *page) encode() []byte {
	var there, leaves uint16
	size := 4
	for i := range p {
		switch p[i].kind {
		case childLeaf:
			there, leaves, size = there|1<<i, leaves|1<<i, size+64
		case childPage:
			there, size = there|1<<i, size+32
		}
	}
	b := make([]byte, 0, size)
	b = binary.BigEndian.AppendUint16(b, there)
	b = binary.BigEndian.AppendUint16(b, leaves)
	for i := range p {
		if p[i].kind == childLeaf {
			b = append(b, p[i].leaf.Key[:]...)
		}
		if p[i].kind != childNone {
			b = append(b, p[i].leaf.Value[:]...)
		}
	}
	return b
}

// decodePage is strict: path is where the page was found, and each leaf must belong there.
func decodePage(b []byte, path Path) (*page, error) {
	if len(b) < 4 {
		return nil, FaultPageSize
	}
	there, leaves := binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
	if there == 0 || leaves&^there != 0 {
		return nil, FaultPageForm
	}
	if len(b) != 4+32*(bits.OnesCount16(there)+bits.OnesCount16(leaves)) {
		return nil, FaultPageSize
	}
	p, rest := new(page), b[4:]
	for i := range p {
		if there>>i&1 == 0 {
			continue
		}
		p[i].kind = childPage
		if leaves>>i&1 == 1 {
			p[i].kind = childLeaf
			rest = rest[copy(p[i].leaf.Key[:], rest):]
		}
		rest = rest[copy(p[i].leaf.Value[:], rest):]
		if p[i].leaf.Value.IsZero() || p[i].kind == childLeaf && !path.Child(i).holds(&p[i].leaf.Key) {
			return nil, FaultPageForm
		}
	}
	if _, single := p.only(); single && path.n > 0 {
		return nil, FaultPageForm
	}
	return p, nil
}

// holds reports whether key lies below p.
func (p Path) holds(key *chain.Hash) bool {
	return p.bits == maskTo(key, int(p.n/2), p.n%2 == 1)
}

// maskTo gives key with only its first whole bytes, and the upper half of the next one if half is set.
func maskTo(key *chain.Hash, whole int, half bool) [32]byte {
	var m [32]byte
	copy(m[:whole], key[:whole])
	if half {
		m[whole] = key[whole] & 0xf0
	}
	return m
}
