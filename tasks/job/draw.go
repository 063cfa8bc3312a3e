package job

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
	"slices"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/dice"
	"github.com/aiwork/aiwork-node/tasks/registry"
)

// DrawKind tells draws of one batch apart.
type DrawKind uint8

// The draws.
const (
	DrawWorker DrawKind = iota + 1 // who does the batch
	DrawSample                     // which items are audited
	DrawPanel                      // who audits first
	DrawWider                      // the order of those who are asked when the panel does not agree
	DrawSecond                     // who does it beside a worker that is late
)

// DrawSeed gives the randomness of one draw: seed is R_{s+2} when it was asked for in session s.
func DrawSeed(kind DrawKind, seed [32]byte, p Place, asked chain.Session) [32]byte {
	b := p.append(tagged("aiwork/draw/1"))
	b = append(b, byte(kind))
	b = binary.BigEndian.AppendUint64(b, uint64(asked))
	return sha256.Sum256(append(b, seed[:]...))
}

// PassesOver tells whether a draw passes over a drawn worker for its score (JOB-20): with a chance of one minus score in parts
// of registry.ScoreFull, on a coin that lies in the draw's seed and the worker's address.
func PassesOver(seed [32]byte, worker chain.Address, score uint16) bool {
	if score >= registry.ScoreFull {
		return false
	}
	coin := sha256.Sum256(append(append(tagged("aiwork/score/1"), seed[:]...), worker[:]...))
	return binary.BigEndian.Uint64(coin[:])%registry.ScoreFull >= uint64(score)
}

// SampleSize gives the number of audited items among n: the share rounded up, at least one.
func SampleSize(n int, sharePpm uint64) int {
	if n <= 0 {
		return 0
	}
	m := (uint64(n)*min(sharePpm, ppm) + ppm - 1) / ppm
	return int(max(m, 1))
}

// Sample draws which of n items (at most 64) are audited: bit i stands for the i-th item of the batch.
// Every set of SampleSize items has the same chance.
func Sample(seed [32]byte, n int, sharePpm uint64) (set uint64) {
	d := dice.New(seed)
	places := make([]int, n)
	for i := range places {
		places[i] = i
	}
	for i := range SampleSize(n, sharePpm) {
		j := i + int(d.Below(uint64(n-i)))
		places[i], places[j] = places[j], places[i]
		set |= 1 << places[i]
	}
	return set
}

// Sampled lists the places of a sample in order.
func Sampled(set uint64) []int {
	out := make([]int, 0, bits.OnesCount64(set))
	for ; set != 0; set &= set - 1 {
		out = append(out, bits.TrailingZeros64(set))
	}
	return out
}

// Runner is somebody who can be drawn.
type Runner struct {
	Address chain.Address
	Weight  uint64
}

// Order draws runners one after the other without replacement, each with a chance in proportion to its
// weight among those left. Equal sets give equal orders, however they are listed. Make it with NewOrder.
type Order struct {
	left []Runner // by address
	sum  uint64
	dice *dice.Dice
}

// NewOrder begins an order. Runners without weight never come. The sum of weights is below 2^64.
func NewOrder(seed [32]byte, runners []Runner) *Order {
	o := &Order{dice: dice.New(seed)}
	for _, r := range runners {
		if r.Weight > 0 {
			o.left = append(o.left, r)
			o.sum += r.Weight
		}
	}
	slices.SortFunc(o.left, func(a, b Runner) int { return bytes.Compare(a.Address[:], b.Address[:]) })
	return o
}

// Next draws the next runner; ok is false when none is left.
func (o *Order) Next() (r Runner, ok bool) {
	if o.sum == 0 {
		return r, false
	}
	point := o.dice.Below(o.sum)
	for i := range o.left {
		if point < o.left[i].Weight {
			r = o.left[i]
			o.left = slices.Delete(o.left, i, i+1)
			o.sum -= r.Weight
			return r, true
		}
		point -= o.left[i].Weight
	}
	return r, false
}
