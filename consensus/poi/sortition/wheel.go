package sortition

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"math/bits"
	"slices"

	"github.com/aiwork/aiwork-node/internal/chain"
)

// Wheel draws an index with a chance in proportion to its weight. It never changes and may be shared.
type Wheel struct{ ends []uint64 } // cumulative weights

// NewWheel makes a wheel; the weights must sum to more than 0 and less than 2^63.
func NewWheel(weights []uint64) (*Wheel, error) {
	w := &Wheel{ends: make([]uint64, 0, len(weights))}
	var sum uint64
	for _, x := range weights {
		if x >= 1<<63 || sum+x >= 1<<63 {
			return nil, errors.New("weights sum to 2^63 or more")
		}
		sum += x
		w.ends = append(w.ends, sum)
	}
	if sum == 0 {
		return nil, errors.New("all weights are zero")
	}
	return w, nil
}

// at finds the index in whose part of the wheel point x lies.
func (w *Wheel) at(x uint64) int {
	i, _ := slices.BinarySearch(w.ends, x+1)
	return i
}

// Leader draws the leader of view v of session s (rule SORT-1).
func (w *Wheel) Leader(genesis chain.Hash, s chain.Session, v chain.View, seed [32]byte) int {
	h := sha256.New()
	writeTag(h, "aiwork/leader/1")
	h.Write(genesis[:])
	var n [16]byte
	binary.BigEndian.PutUint64(n[:8], uint64(s))
	binary.BigEndian.PutUint64(n[8:], uint64(v))
	h.Write(n[:])
	h.Write(seed[:])
	return w.at(scale(h.Sum(nil), w.ends[len(w.ends)-1]))
}

// scale is (u128(digest[:16]) * total) >> 128.
func scale(digest []byte, total uint64) uint64 {
	hi, lo := binary.BigEndian.Uint64(digest[:8]), binary.BigEndian.Uint64(digest[8:16])
	carry, _ := bits.Mul64(lo, total)
	top, mid := bits.Mul64(hi, total)
	_, over := bits.Add64(mid, carry, 0)
	return top + over
}
