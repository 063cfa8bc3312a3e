package tile

import "github.com/aiwork/aiwork-node/compute/net"

// An each computes every element by itself from a few elements of the inputs.
type each struct {
	kind  net.Type
	shape []int
	reads func(i int, read func(port, index int)) // of element i of the whole output
	value func(i int, words []uint64) uint64
}

func (e each) plan() (*Plan, error) {
	return &Plan{Type: e.kind, Shape: e.shape, make: func(first, n int) recipe {
		return recipe{
			length: n,
			reads: func(pos int, _ []uint64, read func(port, index int)) {
				if e.reads != nil {
					e.reads(first+pos, read)
				}
			},
			apply: func(pos int, _, words []uint64, emit func(uint64)) { emit(e.value(first+pos, words)) },
		}
	}}, nil
}

// moved is an each whose elements are those of the first input at some index; a negative one gives zero.
func moved(c *call, shape []int, from func(i int) int) (*Plan, error) {
	return each{
		kind: c.in[0].kind, shape: shape,
		reads: func(i int, read func(port, index int)) { read(0, from(i)) },
		value: func(_ int, w []uint64) uint64 { return w[0] },
	}.plan()
}

// same is the first input under another shape.
func same(c *call, shape []int) (*Plan, error) {
	if !checkShape(shape) || count(shape) != c.in[0].len() {
		return nil, FaultInvalid
	}
	return moved(c, shape, func(i int) int { return i })
}
