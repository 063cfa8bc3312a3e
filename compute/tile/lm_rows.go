package tile

import (
	"slices"

	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/soft"
)

// What happens to rows of activations between products (LM-3, LM-4, LM-6).

// lmLookup gives the row of weights of each token. A tile first reads its tokens, then what they name.
func lmLookup(c *call) (*Plan, error) {
	if !c.want(net.Int32, net.Uint64) {
		return nil, FaultUnsupported
	}
	w, ok := c.weights(1, "weights")
	if !ok || len(c.in[0].shape) != 1 {
		return nil, FaultInvalid
	}
	return &Plan{Type: net.Float32, Shape: []int{c.in[0].shape[0], w.columns}, make: func(first, n int) recipe {
		return recipe{
			length: 2 * n, registers: n, stop: n,
			reads: func(pos int, regs []uint64, read func(port, index int)) {
				if pos < n {
					read(0, (first+pos)/w.columns)
					return
				}
				w.read(plainIndex(regs[pos-n], w.rows), (first+pos-n)%w.columns, 1, read)
			},
			apply: func(pos int, regs, words []uint64, emit func(uint64)) {
				if pos < n {
					regs[pos] = words[0]
					return
				}
				emit(uint64(w.at(plainIndex(regs[pos-n], w.rows), (first+pos-n)%w.columns, words)))
			},
		}
	}}, nil
}

// lmNorm is LM-3, of all rows or of the last alone.
func lmNorm(c *call) (*Plan, error) {
	epsilon, last := c.attrs.float("epsilon", 0), c.attrs.flag("last", false)
	if !c.want(net.Float32, net.Uint64) {
		return nil, FaultUnsupported
	}
	x := c.in[0].shape
	w, ok := c.weights(1, "weights")
	if !ok || len(x) != 2 || x[0] == 0 || w.rows != 1 || w.columns != x[1] {
		return nil, FaultInvalid
	}
	shape, from := x, 0
	if last {
		shape, from = []int{1, x[1]}, (x[0]-1)*x[1]
	}
	p := passing{
		shape: shape, rows: rowsOf(shape, [net.RankMax]bool{1: true}), from: from,
		extra: func(i int, read func(port, index int)) { w.read(0, i%x[1], 1, read) },
		value: func(regs []uint64, i int, words []uint64) uint64 {
			return uint64(soft.Mul(soft.Div(f32(words[0]), f32(regs[0])), w.at(0, i%x[1], words[1:])))
		},
	}
	p.passes, p.ends = sumPass(square, func(sum soft.F32) soft.F32 {
		return soft.Sqrt(soft.Add(meanOf(sum, x[1]), epsilon))
	})
	return p.plan()
}

// A rotation is LM-4.
type rotation struct {
	heads           int // the columns of a head
	dims            int
	halves          bool
	base, positions soft.F32
	factored        bool
	factors         weighted
}

// angleWork is charged for an angle's sine, cosine and power, in reads.
const angleWork = 8

func lmRotate(c *call) (*Plan, error) {
	r := rotation{
		heads: int(c.attrs.int("head", 0)), dims: int(c.attrs.int("dims", 0)), halves: c.attrs.flag("halves", false),
		base: c.attrs.float("base", 0), positions: c.attrs.float("positions", 0),
	}
	if !c.want(net.Float32) {
		return nil, FaultUnsupported
	}
	x := c.in[0].shape
	if len(x) != 2 || r.heads < 1 || x[1]%r.heads != 0 || r.dims < 2 || r.dims%2 != 0 || r.dims > r.heads {
		return nil, FaultInvalid
	}
	if r.factored = c.has(1); r.factored {
		var ok bool
		if r.factors, ok = c.weights(1, "factors"); !ok || r.factors.rows != 1 || r.factors.columns != r.dims/2 {
			return nil, FaultInvalid
		}
	}
	return each{
		kind: net.Float32, shape: x,
		reads: func(i int, read func(port, index int)) {
			read(0, i)
			pair, other, _ := r.pair(i % x[1] % r.heads)
			if pair < 0 {
				return
			}
			read(0, i+other)
			for range angleWork {
				read(0, -1)
			}
			if r.factored {
				r.factors.read(0, pair, 1, read)
			}
		},
		value: func(i int, w []uint64) uint64 {
			pair, _, second := r.pair(i % x[1] % r.heads)
			if pair < 0 {
				return w[0]
			}
			a := r.angle(i/x[1], pair, w[2+angleWork:])
			own, other, sine := f32(w[0]), f32(w[1]), soft.Sin(a)
			if second {
				return uint64(soft.Add(soft.Mul(other, sine), soft.Mul(own, soft.Cos(a))))
			}
			return uint64(soft.Sub(soft.Mul(own, soft.Cos(a)), soft.Mul(other, sine)))
		},
	}.plan()
}

// pair gives the pair of a column of a head, how far the other of it lies, and whether this is the second; -1 for none.
func (r rotation) pair(column int) (pair, other int, second bool) {
	switch half := r.dims / 2; {
	case column >= r.dims:
		return -1, 0, false
	case r.halves && column < half:
		return column, half, false
	case r.halves:
		return column - half, -half, true
	case column%2 == 0:
		return column / 2, 1, false
	}
	return column / 2, -1, true
}

func (r rotation) angle(position, pair int, factor []uint64) soft.F32 {
	turn := soft.Pow(r.base, soft.Div(soft.FromInt(int64(-2*pair)), soft.FromInt(int64(r.dims))))
	if r.factored {
		turn = soft.Div(turn, r.factors.at(0, pair, factor))
	}
	return soft.Mul(soft.Mul(soft.FromInt(int64(position)), r.positions), turn)
}

// lmGate is LM-6.
func lmGate(c *call) (*Plan, error) {
	if !c.want(net.Float32, net.Float32) {
		return nil, FaultUnsupported
	}
	shape := c.in[0].shape
	if !slices.Equal(shape, c.in[1].shape) {
		return nil, FaultInvalid
	}
	return each{
		kind: net.Float32, shape: shape,
		reads: func(i int, read func(port, index int)) {
			read(0, i)
			read(1, i)
		},
		value: func(_ int, w []uint64) uint64 {
			g := f32(w[0])
			return uint64(soft.Mul(soft.Mul(g, soft.Sigmoid(g)), f32(w[1])))
		},
	}.plan()
}
