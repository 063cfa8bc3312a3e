package sortition

import (
	"crypto/sha256"
	"math/bits"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/dice"
)

// Panel draws up to k different candidates, each time in proportion to the weights of those left (rule
// SORT-5). It gives their indexes in the order in which they were drawn. A candidate with weight 0, or
// for which exclude (nil excludes nobody) reports true, is never drawn; with too few others the panel is
// smaller than k. Weights may sum to any value.
func Panel(seed [32]byte, request chain.Hash, weights []uint64, k int, exclude func(int) bool) []int {
	left := make([]uint64, len(weights))
	var total sum128
	for i, w := range weights {
		if exclude == nil || !exclude(i) {
			left[i] = w
			total = total.plus(w)
		}
	}
	d := panelDice(seed, request)
	panel := make([]int, 0, max(0, min(k, len(weights))))
	for len(panel) < k && total != (sum128{}) {
		i := pick(left, d, total)
		total = total.minus(left[i])
		left[i] = 0
		panel = append(panel, i)
	}
	return panel
}

// panelDice gives the stream from which a request's panel is drawn.
func panelDice(seed [32]byte, request chain.Hash) *dice.Dice {
	h := sha256.New()
	writeTag(h, "aiwork/panel/1")
	h.Write(seed[:])
	h.Write(request[:])
	var s [32]byte
	h.Sum(s[:0])
	return dice.New(s)
}

// pick draws a point below total and finds the candidate on whose part it lies.
func pick(left []uint64, d *dice.Dice, total sum128) int {
	x := total.below(d)
	for i, w := range left {
		if x.less(sum128{lo: w}) {
			return i
		}
		x = x.minus(w)
	}
	panic("sortition: point outside all parts") // total is the sum of left
}

// sum128 is a sum of weights.
type sum128 struct{ hi, lo uint64 }

func (s sum128) plus(x uint64) sum128 {
	lo, carry := bits.Add64(s.lo, x, 0)
	return sum128{s.hi + carry, lo}
}

func (s sum128) minus(x uint64) sum128 {
	lo, borrow := bits.Sub64(s.lo, x, 0)
	return sum128{s.hi - borrow, lo}
}

func (s sum128) less(o sum128) bool { return s.hi < o.hi || (s.hi == o.hi && s.lo < o.lo) }

// below draws a number below s, each with the same chance: 128 bits cut to the length of s, drawn again
// until below it.
func (s sum128) below(d *dice.Dice) sum128 {
	if s.hi == 0 {
		return sum128{lo: d.Below(s.lo)}
	}
	mask := ^uint64(0) >> bits.LeadingZeros64(s.hi)
	for {
		x := sum128{hi: d.Uint64() & mask, lo: d.Uint64()}
		if x.less(s) {
			return x
		}
	}
}
