package tile

import (
	"slices"

	"github.com/aiwork/aiwork-node/compute/net"
)

// An indexed takes elements at indexes that are an input: a tile first reads its indexes, then what they name.
type indexed struct {
	shape []int
	size  int                        // of the axis that is indexed
	where func(i int) int            // the index for an element of the output
	from  func(i int, index int) int // the element that it names
}

func (x indexed) plan(c *call) (*Plan, error) {
	size := x.size
	if size == 0 && count(x.shape) > 0 {
		return nil, FaultInvalid
	}
	return &Plan{Type: c.in[0].kind, Shape: x.shape, make: func(first, n int) recipe {
		return recipe{
			length: 2 * n, registers: n, stop: n,
			reads: func(pos int, regs []uint64, read func(port, index int)) {
				if pos < n {
					read(1, x.where(first+pos))
					return
				}
				read(0, x.from(first+pos-n, plainIndex(regs[pos-n], size)))
			},
			apply: func(pos int, regs, words []uint64, emit func(uint64)) {
				if pos < n {
					regs[pos] = words[0]
					return
				}
				emit(words[0])
			},
		}
	}}, nil
}

// plainIndex turns one that may count from the end into a plain one. One outside, which no honest run gets past,
// is taken for the nearest.
func plainIndex(v uint64, size int) int {
	i := int64(v)
	if i < 0 {
		i += int64(size)
	}
	return int(min(max(i, 0), int64(size-1)))
}

func gather(c *call) (*Plan, error) {
	a := c.attrs.int("axis", 0)
	if !c.want(0, 0) || c.in[1].kind != net.Int32 && c.in[1].kind != net.Int64 {
		return nil, FaultUnsupported
	}
	x, where := c.in[0].shape, c.in[1].shape
	along, ok := axis(a, len(x))
	if !ok {
		return nil, FaultInvalid
	}
	shape := slices.Concat(x[:along], where, x[along+1:])
	if !checkShape(shape) {
		return nil, FaultInvalid
	}
	inner, n := count(x[along+1:]), count(where)
	return indexed{
		shape: shape, size: x[along],
		where: func(i int) int { return i / inner % n },
		from:  func(i, index int) int { return (i/inner/n*x[along]+index)*inner + i%inner },
	}.plan(c)
}

func gatherElements(c *call) (*Plan, error) {
	a := c.attrs.int("axis", 0)
	if !c.want(0, 0) || c.in[1].kind != net.Int32 && c.in[1].kind != net.Int64 {
		return nil, FaultUnsupported
	}
	x, shape := c.in[0].shape, c.in[1].shape
	along, ok := axis(a, len(x))
	if !ok || len(shape) != len(x) {
		return nil, FaultInvalid
	}
	for d, n := range shape {
		if d != along && n > x[d] {
			return nil, FaultInvalid
		}
	}
	steps := strides(x)
	step := steps[along]
	steps[along] = 0
	return indexed{
		shape: shape, size: x[along],
		where: func(i int) int { return i },
		from:  func(i, index int) int { return offset(i, shape, steps) + index*step },
	}.plan(c)
}
