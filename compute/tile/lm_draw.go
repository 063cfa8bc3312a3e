package tile

import (
	"crypto/sha256"
	"encoding/binary"
	"math/bits"

	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/soft"
)

// The draw of a token (LM-7), cut into operators of which each tile takes one pass over the vocabulary at most.

// vocab gives the number of logits, which are input 0.
func (c *call) vocab(kinds ...net.Type) (n int, ok bool) {
	if !c.want(kinds...) || len(c.in[0].shape) != 2 || c.in[0].shape[0] != 1 || c.in[0].shape[1] < 1 {
		return 0, false
	}
	return c.in[0].shape[1], true
}

// single says whether an input is one number.
func (c *call) single(port int) bool { return len(c.in[port].shape) == 1 && c.in[port].shape[0] == 1 }

// like says whether an input has the shape of logits.
func (c *call) like(port, vocab int) bool {
	rows, ok := c.rowsOf(port, c.in[port].kind, vocab)
	return ok && rows == 1
}

// lmPenalise is step 1 of LM-7. A tile first reads the tokens within reach and marks those that it holds.
func lmPenalise(c *call) (*Plan, error) {
	penalty, reach := c.attrs.float("penalty", soft.One), c.attrs.int("reach", 0)
	v, ok := c.vocab(net.Float32, net.Int32)
	if !ok || len(c.in[1].shape) != 1 || reach < 0 {
		return nil, FaultInvalid
	}
	tokens := c.in[1].shape[0]
	from := 0
	if reach > 0 && reach < int64(tokens) {
		from = tokens - int(reach)
	}
	near := tokens - from
	return &Plan{Type: net.Float32, Shape: []int{1, v}, make: func(first, n int) recipe {
		return recipe{
			length: near + n, registers: 1,
			reads: func(pos int, _ []uint64, read func(port, index int)) {
				if pos < near {
					read(1, from+pos)
				} else {
					read(0, first+pos-near)
				}
			},
			apply: func(pos int, regs, words []uint64, emit func(uint64)) {
				if pos < near {
					if at := int64(words[0]) - int64(first); at >= 0 && at < int64(n) {
						regs[0] |= 1 << at
					}
					return
				}
				l := f32(words[0])
				switch {
				case regs[0]>>(pos-near)&1 == 0:
				case soft.Less(soft.Zero, l):
					l = soft.Div(l, penalty)
				default:
					l = soft.Mul(l, penalty)
				}
				emit(uint64(l))
			},
		}
	}}, nil
}

// better says whether a logit comes before another in step 2 of LM-7, where the other's number is smaller.
func better(l, than soft.F32) bool {
	return soft.Less(than, l) || than.IsNaN() && !l.IsNaN()
}

// lmBest is step 2 of LM-7: output 0 is the best token, output 1 its logit.
func lmBest(c *call) (*Plan, error) {
	v, ok := c.vocab(net.Float32)
	if !ok || c.out > 1 {
		return nil, FaultInvalid
	}
	kind := [...]net.Type{net.Int32, net.Float32}[c.out]
	return folding{
		kind: kind, shape: []int{1}, terms: v, registers: 2,
		source: func(_, k int) int { return k },
		add: func(regs []uint64, l uint64, k int) {
			if k == 0 || better(f32(l), f32(regs[1])) {
				regs[0], regs[1] = uint64(k), l
			}
		},
		end: func(regs []uint64, _ int) uint64 { return regs[c.out] },
	}.plan()
}

// lmWeigh is step 3 of LM-7, of logits and the best one.
func lmWeigh(c *call) (*Plan, error) {
	temperature := c.attrs.float("temperature", soft.One)
	v, ok := c.vocab(net.Float32, net.Float32)
	if !ok || !c.single(1) {
		return nil, FaultInvalid
	}
	return each{
		kind: net.Uint64, shape: []int{1, v},
		reads: func(i int, read func(port, index int)) {
			read(0, i)
			read(1, 0)
		},
		value: func(_ int, w []uint64) uint64 {
			return weightOf(soft.Exp(soft.Div(soft.Sub(f32(w[0]), f32(w[1])), temperature)))
		},
	}.plan()
}

// weightOf is floor(2^32 · w) for w up to 1, and 0 for NaN.
func weightOf(w soft.F32) uint64 {
	if !soft.Less(soft.Zero, w) {
		return 0
	}
	w = soft.Min(w, soft.One)
	exponent, fraction := int(w>>23)-127, uint64(w&0x7fffff|0x800000)
	if shift := 32 - 23 + exponent; shift >= 0 {
		return fraction << shift
	} else if exponent >= -126 && shift > -64 {
		return fraction >> -shift
	}
	return 0
}

// orderStep is how many tokens a position of lmOrder looks at.
const orderStep = 16

// lmOrder tells of each token that weighs something how many come before it in step 4 of LM-7 (output 0), and what they weigh
// together (output 1): those with a larger logit, and of equals those of lower number.
func lmOrder(c *call) (*Plan, error) {
	v, ok := c.vocab(net.Float32, net.Uint64)
	if !ok || !c.like(1, v) || c.out > 1 {
		return nil, FaultInvalid
	}
	count := func(weight uint64) uint64 { return 1 }
	if c.out == 1 {
		count = func(weight uint64) uint64 { return weight }
	}
	return &Plan{Type: net.Uint64, Shape: []int{1, v}, make: func(first, n int) recipe { return ordered(v, first, n, count) }}, nil
}

// ordered has n registers for logits and n for sums.
func ordered(vocab, first, n int, count func(weight uint64) uint64) recipe {
	steps := (vocab + orderStep - 1) / orderStep
	return recipe{
		length: 1 + steps, registers: 2 * n,
		reads: func(pos int, _ []uint64, read func(port, index int)) {
			from, end := first, first+n
			if pos > 0 {
				from, end = (pos-1)*orderStep, min(pos*orderStep, vocab)
			}
			for i := from; i < end; i++ {
				read(0, i)
				read(1, i)
			}
		},
		apply: func(pos int, regs, words []uint64, emit func(uint64)) {
			own, sums := regs[:n], regs[n:]
			if pos == 0 {
				for j := range own {
					own[j] = words[2*j]
				}
				return
			}
			for i := 0; i < len(words); i += 2 {
				if words[i+1] > 0 {
					addBefore(own, sums, (pos-1)*orderStep+i/2-first, f32(words[i]), count(words[i+1]))
				}
			}
			if pos == steps {
				for _, s := range sums {
					emit(s)
				}
			}
		},
	}
}

// addBefore adds to the sums of all tokens before which a token comes, which is the at-th of them.
func addBefore(own, sums []uint64, at int, logit soft.F32, n uint64) {
	for j, other := range own {
		if o := f32(other); soft.Less(o, logit) || at < j && soft.Equal(o, logit) {
			sums[j] += n
		}
	}
}

// keeping is step 4 of LM-7. most is the k of top-k, share that of top-p.
type keeping struct{ most, share uint64 }

const shareMax = 1_000_000

func (c *call) keeping() (k keeping, ok bool) {
	most, share := c.attrs.int("most", elementsMax), c.attrs.int("share", shareMax)
	return keeping{uint64(most), uint64(share)}, most >= 0 && share >= 0 && share <= shareMax
}

// lmTotal adds the weights (input 0) of the tokens before which fewer than k come (input 1, if it is there).
func lmTotal(c *call) (*Plan, error) {
	most := c.attrs.int("most", elementsMax)
	v, ok := c.vocab(net.Uint64)
	if !ok || c.has(1) && (c.in[1].kind != net.Uint64 || !c.like(1, v)) {
		return nil, FaultInvalid
	}
	return &Plan{Type: net.Uint64, Shape: []int{1}, make: func(int, int) recipe {
		return recipe{
			length: v + 1, registers: 1,
			reads: func(pos int, _ []uint64, read func(port, index int)) {
				if pos < v {
					read(0, pos)
				}
				if pos < v && c.has(1) {
					read(1, pos)
				}
			},
			apply: func(pos int, regs, words []uint64, emit func(uint64)) {
				switch {
				case pos == v:
					emit(regs[0])
				case len(words) < 2 || words[1] < uint64(most):
					regs[0] += words[0]
				}
			},
		}
	}}, nil
}

// lmKeep keeps the weights that top-k and top-p leave, of weights, places, what comes before, and the total.
func lmKeep(c *call) (*Plan, error) {
	k, ok := c.keeping()
	v, there := c.vocab(net.Uint64, net.Uint64, net.Uint64, net.Uint64)
	if !ok || !there || !c.like(1, v) || !c.like(2, v) || !c.single(3) {
		return nil, FaultInvalid
	}
	return each{
		kind: net.Uint64, shape: []int{1, v},
		reads: func(i int, read func(port, index int)) {
			for port := range 3 {
				read(port, i)
			}
			read(3, 0)
		},
		value: func(_ int, w []uint64) uint64 {
			if w[1] < k.most && w[2] < k.enough(w[3]) {
				return w[0]
			}
			return 0
		},
	}.plan()
}

// enough is the least whole number that is total · share / 10^6 or more.
func (k keeping) enough(total uint64) uint64 {
	high, low := bits.Mul64(total, k.share)
	low, carry := bits.Add64(low, shareMax-1, 0)
	n, _ := bits.Div64(high+carry, low, shareMax) // share is 10^6 at most, so high is below
	return n
}

const drawDomain = "aiwork/lm/draw/1"

// lmPick is step 5 of LM-7, of weights, their total, the best token and its logit. Where that is not finite it is the draw.
func lmPick(c *call) (*Plan, error) {
	seed, before := c.attrs.int("seed", 0), c.attrs.int("before", 0)
	v, ok := c.vocab(net.Uint64, net.Uint64, net.Int32, net.Float32)
	if !ok || !c.single(1) || !c.single(2) || !c.single(3) {
		return nil, FaultInvalid
	}
	u := chance(uint64(seed), uint64(before))
	return &Plan{Type: net.Int32, Shape: []int{1}, make: func(int, int) recipe {
		return recipe{
			length: v + 2, registers: 3, // what is left of r, whether the draw is known, the draw
			reads: func(pos int, _ []uint64, read func(port, index int)) {
				if pos == 0 {
					for port := 1; port <= 3; port++ {
						read(port, 0)
					}
				} else if pos <= v {
					read(0, pos-1)
				}
			},
			apply: func(pos int, regs, words []uint64, emit func(uint64)) {
				switch {
				case pos == 0:
					regs[0], _ = bits.Mul64(u, words[0])
					regs[2] = words[1]
					if top := f32(words[2]); top.IsNaN() || top.IsInf() {
						regs[1] = 1
					}
				case pos > v:
					emit(regs[2])
				case regs[1] == 0 && regs[0] < words[0]:
					regs[1], regs[2] = 1, uint64(pos-1)
				case regs[1] == 0:
					regs[0] -= words[0]
				}
			},
		}
	}}, nil
}

// chance is the first 8 bytes, big-endian, of the draw's hash.
func chance(seed, before uint64) uint64 {
	b := append(make([]byte, 0, len(drawDomain)+16), drawDomain...)
	b = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(b, seed), before)
	sum := sha256.Sum256(b)
	return binary.BigEndian.Uint64(sum[:])
}
