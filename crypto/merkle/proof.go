package merkle

import "github.com/aiwork/aiwork-node/internal/must"

// DepthMax is the largest number of hashes in a proof: the depth of a tree of 2^64-1 leaves.
const DepthMax = 64

// A Proof holds sibling hashes from the leaf upwards. The proof in a list of one leaf is empty.
type Proof [][32]byte

// A Fault says why a proof is refused. Values are never reused.
type Fault uint8

// The faults of proofs.
const (
	FaultIndex    Fault = iota + 1 // the place lies outside the list
	FaultShape                     // the number of siblings is not that of the place
	FaultRoot                      // the hashes lead to another root
	FaultEncoding                  // the bytes are not exactly one encoded proof
)

// Error tells the reason in words.
func (f Fault) Error() string {
	switch f {
	case FaultIndex:
		return "merkle proof: place outside the list"
	case FaultShape:
		return "merkle proof: wrong number of hashes"
	case FaultRoot:
		return "merkle proof: leads to another root"
	case FaultEncoding:
		return "merkle proof: malformed encoding"
	}
	return "merkle proof: unknown fault"
}

// Encode appends the proof's only encoding to b (MERKLE-5). A proof longer than DepthMax, which Prove
// never makes, has none and panics.
func (p Proof) Encode(b []byte) []byte {
	must.Hold(len(p) <= DepthMax, "merkle proof deeper than DepthMax")
	b = append(b, byte(len(p)))
	for i := range p {
		b = append(b, p[i][:]...)
	}
	return b
}

// DecodeProof reads exactly one proof and returns FaultEncoding for everything else.
func DecodeProof(b []byte) (Proof, error) {
	if len(b) == 0 || b[0] > DepthMax || len(b) != 1+32*int(b[0]) {
		return nil, FaultEncoding
	}
	p := make(Proof, b[0])
	for i := range p {
		p[i] = [32]byte(b[1+32*i:])
	}
	return p, nil
}
