package tile

import (
	"slices"

	"github.com/aiwork/aiwork-node/compute/net"
)

// Scatters without a reduction: a tile first reads all indexes and remembers for each of its elements the last update that falls on it, then
// it reads those. And GatherND, whose indexes are tuples.

func scatterEntries() []entry {
	return []entry{
		{"ScatterElements", 11, nil, scatterElements},
		{"ScatterND", 11, nil, scatterND},
		{"GatherND", 11, nil, gatherND},
	}
}

// A scattered is a tensor of which updates replace some elements.
type scattered struct {
	indexes int                                          // positions that read indexes
	where   func(pos int, read func(port, index int))    // what such a position reads
	hits    func(pos int, words []uint64) (from, to int) // the elements that it falls on
}

func (x scattered) plan(c *call) (*Plan, error) {
	return &Plan{Type: c.in[0].kind, Shape: c.in[0].shape, make: func(first, n int) recipe {
		return recipe{
			length: x.indexes + n, registers: n, stop: x.indexes,
			reads: func(pos int, regs []uint64, read func(port, index int)) {
				switch j := pos - x.indexes; {
				case j < 0:
					x.where(pos, read)
				case regs[j] == 0:
					read(0, first+j)
				default:
					read(2, int(regs[j]-1))
				}
			},
			apply: func(pos int, regs, words []uint64, emit func(uint64)) {
				if pos >= x.indexes {
					emit(words[0])
					return
				}
				from, to := x.hits(pos, words)
				for i := max(from, first); i < min(to, first+n); i++ {
					regs[i-first] = uint64(pos*(to-from) + i - from + 1)
				}
			},
		}
	}}, nil
}

func scatterElements(c *call) (*Plan, error) {
	a := c.attrs.int("axis", 0)
	c.attrs.text("reduction", "none")
	if !c.want(0, 0, 0) || c.in[1].kind != net.Int32 && c.in[1].kind != net.Int64 || c.in[2].kind != c.in[0].kind {
		return nil, FaultUnsupported
	}
	x, shape := c.in[0].shape, c.in[1].shape
	along, ok := axis(a, len(x))
	if !ok || len(shape) != len(x) || !slices.Equal(shape, c.in[2].shape) {
		return nil, FaultInvalid
	}
	for d, n := range shape {
		if d != along && n > x[d] {
			return nil, FaultInvalid
		}
	}
	total := count(shape)
	if x[along] == 0 && total > 0 {
		return nil, FaultInvalid
	}
	steps := strides(x)
	step := steps[along]
	steps[along] = 0
	return scattered{
		indexes: total,
		where:   func(pos int, read func(port, index int)) { read(1, pos) },
		hits: func(pos int, words []uint64) (from, to int) {
			at := offset(pos, shape, steps) + plainIndex(words[0], x[along])*step
			return at, at + 1
		},
	}.plan(c)
}

// tuples are indexes in the last dimension of a tensor, behind some dimensions of a batch.
type tuples struct {
	sizes, steps []int // of the dimensions that are indexed
	count, each  int   // tuples, and elements of the slice that one names
	perBatch     int   // tuples
	batchSize    int   // elements
}

func readTuples(x, where []int, batch int) (t tuples, ok bool) {
	if len(where) == 0 || batch < 0 || batch >= len(where) || batch > len(x) || !slices.Equal(x[:batch], where[:batch]) {
		return t, false
	}
	k := where[len(where)-1]
	if k > len(x)-batch {
		return t, false
	}
	t = tuples{
		sizes: x[batch:][:k], steps: strides(x)[batch:][:k], count: count(where[:len(where)-1]), each: count(x[batch+k:]),
		perBatch: max(count(where[batch:len(where)-1]), 1), batchSize: count(x[batch:]),
	}
	return t, t.count == 0 || t.each == 0 || !slices.Contains(t.sizes, 0)
}

// read names the indexes of a tuple.
func (t *tuples) read(i int, read func(port, index int)) {
	for j := range t.sizes {
		read(1, i*len(t.sizes)+j)
	}
}

// start is the first element that a tuple names.
func (t *tuples) start(i int, words []uint64) int {
	at := i / t.perBatch * t.batchSize
	for j, size := range t.sizes {
		at += plainIndex(words[j], size) * t.steps[j]
	}
	return at
}

func scatterND(c *call) (*Plan, error) {
	c.attrs.text("reduction", "none")
	if !c.want(0, net.Int64, 0) || c.in[2].kind != c.in[0].kind {
		return nil, FaultUnsupported
	}
	x, where := c.in[0].shape, c.in[1].shape
	t, ok := readTuples(x, where, 0)
	if !ok || !slices.Equal(c.in[2].shape, slices.Concat(where[:len(where)-1], x[len(t.sizes):])) {
		return nil, FaultInvalid
	}
	return scattered{
		indexes: t.count, where: t.read,
		hits: func(pos int, words []uint64) (from, to int) {
			from = t.start(pos, words)
			return from, from + t.each
		},
	}.plan(c)
}

func gatherND(c *call) (*Plan, error) {
	batch := c.attrs.int("batch_dims", 0)
	if !c.want(0, net.Int64) || batch < 0 || batch > net.RankMax {
		return nil, FaultUnsupported
	}
	x, where := c.in[0].shape, c.in[1].shape
	t, ok := readTuples(x, where, int(batch))
	if !ok {
		return nil, FaultInvalid
	}
	shape := slices.Concat(where[:len(where)-1], x[int(batch)+len(t.sizes):])
	return &Plan{Type: c.in[0].kind, Shape: shape, make: func(first, n int) recipe {
		return recipe{
			length: 2 * n, registers: n, stop: n,
			reads: func(pos int, regs []uint64, read func(port, index int)) {
				if pos < n {
					t.read((first+pos)/t.each, read)
					return
				}
				read(0, int(regs[pos-n]))
			},
			apply: func(pos int, regs, words []uint64, emit func(uint64)) {
				if pos < n {
					i := first + pos
					regs[pos] = uint64(t.start(i/t.each, words) + i%t.each)
					return
				}
				emit(words[0])
			},
		}
	}}, nil
}
