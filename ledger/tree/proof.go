package tree

import (
	"encoding/binary"
	"fmt"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/must"
)

// ProofSizeMax bounds an encoded proof in bytes.
const ProofSizeMax = 2 + 32 + 256*32 + 1 + 64

// Proof shows what a key holds under a root: the hashes beside its path, from the root downwards, and
// what the path ends at. If that is a leaf with the key, it holds the leaf's value. If it is nothing, or
// the only leaf of a subtree in which the key would lie, the key holds nothing.
type Proof struct {
	Siblings []chain.Hash
	End      *Leaf // nil: the path ends at nothing
}

// Prove makes the proof for key, present or not.
func Prove(r Reader, key chain.Hash) (Proof, error) {
	var proof Proof
	w := writer{r: r}
	path := Path{}
	for {
		p, found, err := w.load(path)
		if err != nil {
			return Proof{}, err
		}
		if !found && path.Depth() > 0 {
			return Proof{}, fmt.Errorf("page %x: %w", path.Append(nil), FaultPageLost)
		}
		if p.walk(&proof, key, path.Depth()) {
			return proof, nil
		}
		path = path.Child(nibble(&key, path.Depth()))
	}
}

// walk extends proof through one page and reports whether the path ends there.
func (p *page) walk(proof *Proof, key chain.Hash, depth int) (ended bool) {
	heap := p.levels()
	at := 1
	for level := range 4 {
		if heap[at].leaves < 2 {
			break
		}
		at = 2*at + int(bit(&key, 4*depth+level))
		proof.Siblings = append(proof.Siblings, heap[at^1].hash)
	}
	if heap[at].leaves == 2 {
		return false
	}
	proof.End = p.leafBelow(at)
	return true
}

// leafBelow gives the only leaf in the subtree at place at of the heap, or nil.
func (p *page) leafBelow(at int) *Leaf {
	first, last := at, at
	for first < 16 {
		first, last = 2*first, 2*last+1
	}
	for i := first; i <= last; i++ {
		if p[i-16].kind == childLeaf {
			leaf := p[i-16].leaf
			return &leaf
		}
	}
	return nil
}

// Verify gives what key holds under root, the zero Hash for nothing, or the Fault of the proof.
func (p *Proof) Verify(root, key chain.Hash) (chain.Hash, error) {
	depth := len(p.Siblings)
	if depth > 256 {
		return chain.Hash{}, FaultProofForm
	}
	var h, value chain.Hash
	if p.End != nil {
		for i := range depth {
			if bit(&p.End.Key, i) != bit(&key, i) {
				return chain.Hash{}, FaultProofKey
			}
		}
		if p.End.Value.IsZero() {
			return chain.Hash{}, FaultProofForm
		}
		h = leafHash(p.End)
		if p.End.Key == key {
			value = p.End.Value
		}
	}
	// What stands beside the end of the path is there, or the path would have ended higher up.
	if depth > 0 && p.Siblings[depth-1].IsZero() {
		return chain.Hash{}, FaultProofForm
	}
	for i := depth - 1; i >= 0; i-- {
		if bit(&key, i) == 0 {
			h = innerHash(&h, &p.Siblings[i])
		} else {
			h = innerHash(&p.Siblings[i], &h)
		}
	}
	if h != root {
		return chain.Hash{}, FaultProofRoot
	}
	return value, nil
}

// Encode gives the canonical form: the depth, a bit for each level whose sibling is not zero (highest
// bit first), those siblings, and 0, or 1 with the key and value of the leaf at the end.
func (p *Proof) Encode() []byte {
	depth := len(p.Siblings)
	must.Hold(depth <= 256, "tree: proof deeper than its keys")
	b := binary.BigEndian.AppendUint16(nil, uint16(depth))
	b = append(b, make([]byte, (depth+7)/8)...)
	for i := range p.Siblings {
		if !p.Siblings[i].IsZero() {
			b[2+i/8] |= 0x80 >> (i % 8)
			b = append(b, p.Siblings[i][:]...)
		}
	}
	if p.End == nil {
		return append(b, 0)
	}
	b = append(b, 1)
	b = append(b, p.End.Key[:]...)
	return append(b, p.End.Value[:]...)
}

// DecodeProof reads what Encode wrote and refuses every other form.
func DecodeProof(b []byte) (Proof, error) {
	if len(b) < 3 || len(b) > ProofSizeMax {
		return Proof{}, FaultProofForm
	}
	depth := int(binary.BigEndian.Uint16(b))
	mapped := (depth + 7) / 8
	if depth > 256 || len(b) < 2+mapped+1 {
		return Proof{}, FaultProofForm
	}
	bitmap, rest := b[2:2+mapped], b[2+mapped:]
	if depth%8 != 0 && bitmap[mapped-1]&(0xff>>(depth%8)) != 0 {
		return Proof{}, FaultProofForm
	}
	p := Proof{Siblings: make([]chain.Hash, depth)}
	for i := range depth {
		if bitmap[i/8]&(0x80>>(i%8)) == 0 {
			continue
		}
		if len(rest) < 32 {
			return Proof{}, FaultProofForm
		}
		rest = rest[copy(p.Siblings[i][:], rest):]
		if p.Siblings[i].IsZero() {
			return Proof{}, FaultProofForm
		}
	}
	switch {
	case len(rest) == 1 && rest[0] == 0:
		return p, nil
	case len(rest) == 65 && rest[0] == 1:
		p.End = &Leaf{chain.Hash(rest[1:33]), chain.Hash(rest[33:])}
		return p, nil
	}
	return Proof{}, FaultProofForm
}
