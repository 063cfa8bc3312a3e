package device

import (
	"math"
	"slices"

	"github.com/aiwork/aiwork-node/compute/device/code"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// A product is a stack of products of matrices, with what Gemm adds. Its fields are those of Product in compute/device/code.
type product struct {
	stack                        []int
	m, n, k                      int
	aRow, aColumn, bRow, bColumn int
	startsA, startsB             []int // distances of matrices along the stack
	added                        *value
	addedRow, addedColumn        int
	alpha, beta                  float32
}

// thinMax is the number of rows or columns up to which a product is not cut into tiles.
const thinMax = 8

func matMul(c *call) ([]*value, error) {
	if !c.floats(2) {
		return nil, errElsewhere
	}
	p, shape, err := stacked(c.in[0].shape, c.in[1].shape)
	if err != nil {
		return nil, err
	}
	return one(c.product(p, shape, c.in[0], c.in[1]))
}

// stacked works out the product of two shapes; a vector is a row at the left and a column at the right.
func stacked(a, b []int) (p product, shape []int, err error) {
	if len(a) == 0 || len(b) == 0 {
		return p, nil, errElsewhere
	}
	isRow, isColumn := len(a) == 1, len(b) == 1
	if isRow {
		a = []int{1, a[0]}
	}
	if isColumn {
		b = []int{b[0], 1}
	}
	p.m, p.k, p.n = a[len(a)-2], a[len(a)-1], b[len(b)-1]
	stackA, stackB := a[:len(a)-2], b[:len(b)-2]
	p.stack, err = tensor.Broadcast(stackA, stackB)
	if b[len(b)-2] != p.k || err != nil {
		return p, nil, errElsewhere
	}
	p.aRow, p.aColumn, p.bRow, p.bColumn, p.alpha = p.k, 1, p.n, 1, 1
	p.startsA = times(tensor.BroadcastStrides(stackA, p.stack), p.m*p.k)
	p.startsB = times(tensor.BroadcastStrides(stackB, p.stack), p.k*p.n)
	shape = slices.Clone(p.stack)
	if !isRow {
		shape = append(shape, p.m)
	}
	if !isColumn {
		shape = append(shape, p.n)
	}
	return p, shape, nil
}

func times(list []int, by int) []int {
	for i := range list {
		list[i] *= by
	}
	return list
}

// product computes one.
func (c *call) product(p product, shape []int, a, b *value) (*value, error) {
	stack := tensor.Count(p.stack)
	side := code.Side(c.unit.Info.GroupMax)
	tile := side * code.Spread
	if p.k == 0 || stack > gridMax || ceilDiv(p.m, tile) > gridMax {
		return nil, errElsewhere
	}
	y, err := c.new(tensor.Float32, shape)
	if err != nil {
		return nil, err
	}
	list := words([]int{p.m, p.n, p.k, p.aRow, p.aColumn, p.bRow, p.bColumn, p.addedRow, p.addedColumn, flag(p.added != nil)})
	list = append(list, math.Float32bits(p.alpha), math.Float32bits(p.beta))
	w := newWalk(p.stack, p.startsA, p.startsB)
	kernel, groups, size := "gemm", [3]int{ceilDiv(p.n, tile), ceilDiv(p.m, tile), stack}, [3]int{side, side, 1}
	if p.m <= thinMax || p.n <= thinMax && p.m <= gridMax {
		kernel, groups, size = "gemm_thin", [3]int{ceilDiv(p.n, code.FlatItems), p.m, stack}, [3]int{code.FlatItems, 1, 1}
	}
	return y, c.launch(kernel, groups, size, []*value{a, b, p.added, y}, Arg{Words: list}, w.arg(0), w.arg(1))
}

func flag(v bool) int {
	if v {
		return 1
	}
	return 0
}

func gemm(c *call) ([]*value, error) {
	if !c.floats(2) || len(c.in[0].shape) != 2 || len(c.in[1].shape) != 2 {
		return nil, errElsewhere
	}
	a, b := c.in[0], c.in[1]
	p := product{m: a.shape[0], k: a.shape[1], n: b.shape[1], aRow: a.shape[1], aColumn: 1, bRow: b.shape[1], bColumn: 1}
	rowsB := b.shape[0]
	p.alpha, p.beta, p.added = c.float("alpha", 1), c.float("beta", 1), c.arg(2)
	if c.int("transA", 0) != 0 {
		p.m, p.k, p.aRow, p.aColumn = p.k, p.m, 1, p.aRow
	}
	if c.int("transB", 0) != 0 {
		rowsB, p.n, p.bRow, p.bColumn = p.n, rowsB, 1, p.bRow
	}
	if rowsB != p.k {
		return nil, errElsewhere
	}
	shape := []int{p.m, p.n}
	if p.added != nil {
		full, err := tensor.Broadcast(p.added.shape, shape)
		if err != nil || !slices.Equal(full, shape) || p.added.kind != tensor.Float32 {
			return nil, errElsewhere
		}
		strides := tensor.BroadcastStrides(p.added.shape, shape)
		p.addedRow, p.addedColumn = strides[0], strides[1]
	}
	return one(c.product(p, shape, a, b))
}
