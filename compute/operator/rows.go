package operator

import (
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// Rows that need no lists of offsets. Most reduced axes are neighbours, and then a tensor is an array
// [outer][n][inner] whose rows run along the middle: lying side by side where inner is 1, and in columns
// that are taken together where it is more.

// A block is such an array. None of its sizes is zero.
type block struct{ outer, n, inner int }

// blockOf sees a tensor as a block, if the reduced axes are neighbours; dimensions of 1 do not matter.
func blockOf(shape []int, reduced [tensor.RankMax]bool) (b block, ok bool) {
	b = block{1, 1, 1}
	for i, size := range shape {
		switch {
		case size == 0:
			return b, false
		case size == 1:
		case reduced[i] && b.inner > 1:
			return b, false
		case reduced[i]:
			b.n *= size
		case b.n > 1:
			b.inner *= size
		default:
			b.outer *= size
		}
	}
	return b, true
}

// reduce sets y[outer][inner] to the reduction of the rows of x.
func (b block) reduce(c *Call, y, x []float32, f reduction) error {
	if b.inner == 1 {
		for i := range b.outer {
			y[i] = f.of(c.Path, x[i*b.n:][:b.n])
		}
		return nil
	}
	if f.row == nil {
		for o := range b.outer {
			part := y[o*b.inner:][:b.inner]
			c.Path.ReduceColumns(f.over, part, x[o*b.n*b.inner:], b.n, b.inner, nil)
			for i, v := range part {
				part[i] = f.ended(v, b.n)
			}
		}
		return nil
	}
	return b.columns(c, x, func(at int, row []float32) { y[at] = f.of(c.Path, row) })
}

// columnsAtOnce is how many columns are turned into rows together: a line of the cache.
const columnsAtOnce = 16

// columns calls do with each row, copied to a buffer, and the index of its first element in [outer][inner].
func (b block) columns(c *Call, x []float32, do func(at int, row []float32)) error {
	buffer, err := c.scratch(columnsAtOnce * b.n)
	if err != nil {
		return err
	}
	for o := range b.outer {
		for first := 0; first < b.inner; first += columnsAtOnce {
			wide := min(columnsAtOnce, b.inner-first)
			from := x[o*b.n*b.inner+first:]
			for i := range b.n {
				for j, v := range from[i*b.inner:][:wide] {
					buffer[j*b.n+i] = v
				}
			}
			for j := range wide {
				do(o*b.inner+first+j, buffer[j*b.n:][:b.n])
			}
		}
	}
	return nil
}

// each sets the rows of y to f of those of x.
func (b block) each(c *Call, y, x []float32, f func(y, x []float32)) error {
	if b.inner == 1 {
		for i := range b.outer {
			f(y[i*b.n:][:b.n], x[i*b.n:][:b.n])
		}
		return nil
	}
	result, err := c.scratch(b.n)
	if err != nil {
		return err
	}
	return b.columns(c, x, func(at int, row []float32) {
		f(result, row)
		to := y[at/b.inner*b.n*b.inner+at%b.inner:]
		for i, v := range result {
			to[i*b.inner] = v
		}
	})
}
