package tile

import (
	"slices"

	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/soft"
)

// Attention (LM-5). Scores and weights are of tokens, heads and positions, +0 where the position comes after the token.

// headDimMax is the longest head: a score is one segment of AIW-2.
const headDimMax = soft.SegmentLen

// A glance is the shape of attention.
type glance struct{ tokens, heads, keyHeads, dim int }

// headsMax bounds the heads, so that nothing overflows before it is checked.
const headsMax = 1 << 12

// glance reads the shape from attributes and from input 1, which holds keys or values.
func (c *call) glance() (g glance, ok bool) {
	heads, keys, dim := c.attrs.int("heads", 0), c.attrs.int("keys", 0), c.attrs.int("head", 0)
	if keys < 1 || keys > heads || heads > headsMax || heads%keys != 0 || dim < 1 || dim > headDimMax {
		return g, false
	}
	g = glance{heads: int(heads), keyHeads: int(keys), dim: int(dim)}
	g.tokens, ok = c.rowsOf(1, net.Float32, g.keyHeads*g.dim)
	return g, ok
}

// spread is the shape of scores.
func (g glance) spread() []int { return []int{g.tokens, g.heads, g.tokens} }

// lmScores gives chains of queries and keys, times 1/sqrt(dimensions). A position of the work is a score.
func lmScores(c *call) (*Plan, error) {
	g, ok := c.glance()
	rows, there := c.rowsOf(0, net.Float32, g.heads*g.dim)
	if !ok || !there || rows != g.tokens || !checkShape(g.spread()) {
		return nil, FaultInvalid
	}
	scale := soft.Div(soft.One, soft.Sqrt(soft.FromInt(int64(g.dim))))
	return each{
		kind: net.Float32, shape: g.spread(),
		reads: func(i int, read func(port, index int)) {
			token, head, position := i/g.tokens/g.heads, i/g.tokens%g.heads, i%g.tokens
			if position > token {
				return
			}
			query := (token*g.heads + head) * g.dim
			key := (position*g.keyHeads + head/(g.heads/g.keyHeads)) * g.dim
			for k := range g.dim {
				read(0, query+k)
				read(1, key+k)
			}
		},
		value: func(_ int, w []uint64) uint64 {
			if len(w) == 0 {
				return 0
			}
			var link soft.Chain
			for k := 0; k < len(w); k += 2 {
				link.Step(f32(w[k]), f32(w[k+1]))
			}
			return uint64(soft.Mul(link.End(soft.Zero), scale))
		},
	}.plan()
}

// lmWeights is softmax over the positions up to a token's own.
func lmWeights(c *call) (*Plan, error) {
	if !c.want(net.Float32) {
		return nil, FaultUnsupported
	}
	x := c.in[0].shape
	if len(x) != 3 || x[0] != x[2] || x[1] < 1 {
		return nil, FaultInvalid
	}
	return passing{
		shape: x, rows: rowsOf(x, [net.RankMax]bool{2: true}),
		seen:   func(row int) int { return row/x[2]/x[1] + 1 },
		passes: []func([]uint64, int, soft.F32){top, powers}, ends: []func([]uint64){noEnd, sumEnd},
		value: func(regs []uint64, i int, w []uint64) uint64 {
			if i%x[2] > i/x[2]/x[1] {
				return 0
			}
			return uint64(soft.Div(soft.Exp(soft.Sub(f32(w[0]), f32(regs[0]))), f32(regs[1])))
		},
	}.plan()
}

// lmMix gives chains of weights and values over the positions up to a token's own. All elements go on together, since
// neighbours read the same tiles.
func lmMix(c *call) (*Plan, error) {
	g, ok := c.glance()
	if !ok || !c.want(net.Float32) || !slices.Equal(c.in[0].shape, g.spread()) || !checkShape([]int{g.tokens, g.heads * g.dim}) {
		return nil, FaultInvalid
	}
	return &Plan{Type: net.Float32, Shape: []int{g.tokens, g.heads * g.dim}, make: g.mix}, nil
}

func (g glance) mix(first, n int) recipe {
	wide := g.heads * g.dim
	last := (first + n - 1) / wide // the last token of the tile
	return recipe{
		length: last + 2, registers: n,
		reads: func(k int, _ []uint64, read func(port, index int)) {
			for j := range n {
				token, head, d := (first+j)/wide, (first+j)%wide/g.dim, (first+j)%g.dim
				if k <= last && k <= token {
					read(0, (token*g.heads+head)*g.tokens+k)
					read(1, (k*g.keyHeads+head/(g.heads/g.keyHeads))*g.dim+d)
				}
			}
		},
		apply: func(k int, regs, words []uint64, emit func(uint64)) {
			for j := range n {
				token := (first + j) / wide
				switch {
				case k > last:
					emit(uint64(floatEnd(regs[j], token+1, soft.Zero)))
				case k <= token:
					regs[j] = floatStep(regs[j], k, words)
					words = words[2:]
				}
			}
		},
	}
}
