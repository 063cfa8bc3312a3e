package tile

import (
	"slices"

	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/soft"
)

// The first elements of rows in an order: NaN comes first, then what is largest or smallest; equal ones go by their place.

// topMax bounds how many of a row are kept. Each one that is kept takes two registers.
const topMax = 1 << 10

func orderEntries() []entry {
	return []entry{
		{"TopK", 1, nil, func(c *call) (*Plan, error) { return topK(c, c.attrs.int("k", -1)) }},
		{"TopK", 10, []int{1}, func(c *call) (*Plan, error) {
			k, err := c.list(1)
			if err != nil {
				return nil, err
			}
			if !c.want(0, net.Int64) || len(k) != 1 {
				return nil, FaultUnsupported
			}
			return topK(c, k[0])
		}},
	}
}

// comesFirst says whether an element stands before another one of its row, their places aside.
func comesFirst(kind net.Type, largest bool, a, b uint64) bool {
	if kind == net.Float32 {
		x, y := soft.F32(a), soft.F32(b)
		if x.IsNaN() || y.IsNaN() {
			return x.IsNaN() && !y.IsNaN()
		}
		if largest {
			return soft.Less(y, x)
		}
		return soft.Less(x, y)
	}
	if largest {
		a, b = b, a
	}
	if kind == net.Uint64 {
		return a < b
	}
	return int64(a) < int64(b)
}

// topK covers the last axis, whose rows lie together.
func topK(c *call, k int64) (*Plan, error) {
	along, largest := c.attrs.int("axis", -1), c.attrs.flag("largest", true)
	c.attrs.flag("sorted", true)
	if !c.want(0) || c.in[0].kind == net.Bool || k > topMax {
		return nil, FaultUnsupported
	}
	kind, x := c.in[0].kind, c.in[0].shape
	a, ok := axis(along, len(x))
	if !ok || k < 0 || k > int64(x[a]) {
		return nil, FaultInvalid
	}
	if a != len(x)-1 {
		return nil, FaultUnsupported
	}
	shape := slices.Clone(x)
	shape[a] = int(k)
	p := &Plan{Type: kind, Shape: shape, make: func(first, n int) recipe {
		return ranked{kind: kind, largest: largest, indexes: c.out == 1, size: x[a], keep: int(k)}.recipe(first, n)
	}}
	if c.out == 1 {
		p.Type = net.Int64
	}
	return p, nil
}

// A ranked keeps the first elements of rows.
type ranked struct {
	kind             net.Type
	largest, indexes bool
	size, keep       int
}

// recipe reads the rows one after the other. Register 0 counts what is kept, then come the elements and their places.
func (t ranked) recipe(first, n int) recipe {
	row, rows := first/t.keep, (first+n-1)/t.keep-first/t.keep+1
	return recipe{
		length: rows * t.size, registers: 1 + 2*t.keep,
		reads: func(pos int, _ []uint64, read func(port, index int)) {
			read(0, row*t.size+pos)
			for range t.keep / 32 { // to find its place is work too
				read(0, -1)
			}
		},
		apply: func(pos int, regs, words []uint64, emit func(uint64)) {
			at := pos % t.size
			if at == 0 {
				regs[0] = 0
			}
			t.insert(regs, words[0], at)
			if at < t.size-1 {
				return
			}
			base := (row + pos/t.size) * t.keep
			for rank := max(first-base, 0); rank < min(first+n-base, t.keep); rank++ {
				if t.indexes {
					emit(regs[1+t.keep+rank])
				} else {
					emit(regs[1+rank])
				}
			}
		},
	}
}

// insert puts an element among those that are kept, behind its equals.
func (t ranked) insert(regs []uint64, v uint64, at int) {
	values, places := regs[1:][:t.keep], regs[1+t.keep:]
	held := int(min(regs[0], uint64(t.keep)))
	i := held
	for i > 0 && comesFirst(t.kind, t.largest, v, values[i-1]) {
		i--
	}
	if i == t.keep {
		return
	}
	held = min(held+1, t.keep)
	copy(values[i+1:held], values[i:])
	copy(places[i+1:held], places[i:])
	values[i], places[i] = v, uint64(at)
	regs[0] = uint64(held)
}
