package operator

import (
	"fmt"
	"slices"

	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// Products of matrices: chains of rule AIW-2.

func matrixOperators() []Operator {
	return []Operator{
		{"MatMul", 1, "f,f>f", plain(matMul)},
		{"Gemm", 7, "f,f,f>f", gemmOperator},
		{"Gemm", 11, "f,f,f?>f", gemmOperator},
		{"Einsum", 12, "f*>f", einsum},
		{"Det", 11, "f>f", plain(det)},
	}
}

// gemm sets y[m][n] to a[m][k] times b[k][n], each element a chain without bias.
func (c *Call) gemm(y, a, b []float32, m, n, k int) error {
	if m == 0 || n == 0 {
		return nil
	}
	if k == 0 {
		clear(y[:m*n])
		return nil
	}
	if err := c.Budget.Spend(m, n, k); err != nil {
		return err
	}
	packed := 4 * kernel.PackedLen(k, n)
	if err := c.Budget.Take(packed + 16*n); err != nil {
		return err
	}
	c.Path.Gemm(y, a, m, kernel.Pack(b, k, n), kernel.NewPost(n))
	c.Budget.Bytes += packed + 16*n // the panels go at once
	return nil
}

// A packedMatrix is the right side of products that are made again and again.
type packedMatrix struct {
	panels *kernel.Panels
	post   *kernel.Post
}

// packed lays out b[k][n], both not zero, and pays for it; a nil bias is none.
func (c *Call) packed(b []float32, k, n int, bias []float32) (m packedMatrix, err error) {
	if err := c.Budget.Take(4*kernel.PackedLen(k, n) + 16*n); err != nil {
		return m, err
	}
	m = packedMatrix{kernel.Pack(b, k, n), kernel.NewPost(n)}
	copy(m.post.Bias, bias)
	return m, nil
}

// times sets y to the products of rows of a with the matrix, the bias added behind each chain.
func (m packedMatrix) times(path kernel.Path, y, a []float32, rows int) {
	if rows > 0 {
		path.Gemm(y, a, rows, m.panels, m.post)
	}
}

// transposed gives a[rows][columns] as [columns][rows].
func (c *Call) transposed(a []float32, rows, columns int) ([]float32, error) {
	out, err := c.scratch(rows * columns)
	if err != nil {
		return nil, err
	}
	tensor.Of([]int{columns, rows}, out).Move(
		[]int{columns, rows}, tensor.Layout{Strides: []int{rows, 1}},
		tensor.Of([]int{len(out)}, a[:len(out)]), tensor.Layout{Strides: []int{1, columns}},
	)
	return out, nil
}

// A product says how two tensors are multiplied as stacks of matrices.
type product2 struct {
	shape   []int // of the result
	a, b    []int32
	m, n, k int
}

// matShapes works out the stacks of a product; vectors are rows at the left and columns at the right.
func (c *Call) matShapes(a, b []int) (p product2, err error) {
	if len(a) == 0 || len(b) == 0 {
		return p, fmt.Errorf("a product with a scalar")
	}
	rowVector, columnVector := len(a) == 1, len(b) == 1
	if rowVector {
		a = []int{1, a[0]}
	}
	if columnVector {
		b = []int{b[0], 1}
	}
	p.m, p.k, p.n = a[len(a)-2], a[len(a)-1], b[len(b)-1]
	if b[len(b)-2] != p.k {
		return p, fmt.Errorf("shapes %v and %v of a product", a, b)
	}
	stackA, stackB := a[:len(a)-2], b[:len(b)-2]
	stack, err := tensor.Broadcast(stackA, stackB)
	if err != nil {
		return p, err
	}
	if p.a, err = c.offsets(stack, tensor.BroadcastStrides(stackA, stack), 0); err != nil {
		return p, err
	}
	if p.b, err = c.offsets(stack, tensor.BroadcastStrides(stackB, stack), 0); err != nil {
		return p, err
	}
	p.shape = stack
	if !rowVector {
		p.shape = append(p.shape, p.m)
	}
	if !columnVector {
		p.shape = append(p.shape, p.n)
	}
	return p, nil
}

func matMul(c *Call) ([]*tensor.Tensor, error) {
	p, err := c.matShapes(c.In[0].Shape(), c.In[1].Shape())
	if err != nil {
		return nil, err
	}
	out, y, err := c.floats(p.shape)
	if err != nil {
		return nil, err
	}
	a, b := floatsOf(c.In[0]), floatsOf(c.In[1])
	for i := range p.a {
		left, right := a[int(p.a[i])*p.m*p.k:], b[int(p.b[i])*p.k*p.n:]
		if err := c.gemm(y[i*p.m*p.n:], left, right, p.m, p.n, p.k); err != nil {
			return nil, err
		}
	}
	return one(out), nil
}

// gemmOperator is alpha·(a·b) + beta·c, each product and the sum rounded.
func gemmOperator(at *Attrs) Func {
	alpha, beta := at.float("alpha", 1), at.float("beta", 1)
	flipA, flipB := at.flag("transA", false), at.flag("transB", false)
	return func(c *Call) ([]*tensor.Tensor, error) {
		a, rowsA, columnsA, err := c.matrix(c.In[0], flipA)
		if err != nil {
			return nil, err
		}
		b, rowsB, columnsB, err := c.matrix(c.In[1], flipB)
		if err != nil {
			return nil, err
		}
		if columnsA != rowsB {
			return nil, fmt.Errorf("a product of %d × %d and %d × %d", rowsA, columnsA, rowsB, columnsB)
		}
		out, y, err := c.floats([]int{rowsA, columnsB})
		if err != nil {
			return nil, err
		}
		if err := c.gemm(y, a, b, rowsA, columnsB, columnsA); err != nil {
			return nil, err
		}
		bias := c.in(2)
		if alpha != 1 {
			c.Path.BinaryRight(kernel.BinaryMul, y, y, alpha)
		}
		if bias == nil {
			return one(out), nil
		}
		if shape, err := tensor.Broadcast(bias.Shape(), out.Shape()); err != nil || !slices.Equal(shape, out.Shape()) {
			return nil, shapesError(bias, out)
		}
		return c.gemmBias(out, bias, beta)
	}
}

// gemmBias adds beta times the bias, which broadcasts, as the end of the chains.
func (c *Call) gemmBias(out, bias *tensor.Tensor, beta float32) ([]*tensor.Tensor, error) {
	if beta != 1 {
		by := tensor.Scalar(beta)
		p, err := c.broadcast(bias, by)
		if err != nil {
			return nil, err
		}
		scaled, err := c.zipFloats(p, bias, by, kernel.BinaryMul)
		if err != nil {
			return nil, err
		}
		bias = scaled[0]
	}
	p, err := c.broadcast(out, bias)
	if err != nil {
		return nil, err
	}
	y, v := floatsOf(out), floatsOf(bias)
	for i, first := range p.a {
		row, b := y[first:][:p.n], v[p.b[i]:]
		if p.stepB == 1 {
			c.Path.Bias(row, row, b[:p.n])
		} else {
			c.Path.BiasBy(row, row, b[0])
		}
	}
	return one(out), nil
}

// matrix gives the elements of a matrix, flipped or not, and its size.
func (c *Call) matrix(t *tensor.Tensor, flip bool) (v []float32, rows, columns int, err error) {
	if t.Rank() != 2 {
		return nil, 0, 0, fmt.Errorf("shape %v, want a matrix", t.Shape())
	}
	rows, columns = t.Shape()[0], t.Shape()[1]
	if !flip {
		return floatsOf(t), rows, columns, nil
	}
	v, err = c.transposed(floatsOf(t), rows, columns)
	return v, columns, rows, err
}

// det is the determinant by elimination with the largest pivot of each column, ties to the upper row;
// each product of a row operation is fused with its difference.
func det(c *Call) ([]*tensor.Tensor, error) {
	x := c.In[0]
	if x.Rank() < 2 || x.Shape()[x.Rank()-1] != x.Shape()[x.Rank()-2] {
		return nil, fmt.Errorf("shape %v, want square matrices", x.Shape())
	}
	n := x.Shape()[x.Rank()-1]
	out, y, err := c.floats(x.Shape()[:x.Rank()-2])
	if err != nil {
		return nil, err
	}
	if err := c.Budget.Spend(len(y), n, n, n); err != nil {
		return nil, err
	}
	m, err := c.scratch(n * n)
	if err != nil {
		return nil, err
	}
	for i := range y {
		copy(m, floatsOf(x)[i*n*n:])
		y[i] = eliminate(m, n)
	}
	return one(out), nil
}

func eliminate(m []float32, n int) float32 {
	d := float32(1)
	for col := range n {
		pivot := col
		for r := col + 1; r < n; r++ {
			if absolute(m[r*n+col]) > absolute(m[pivot*n+col]) {
				pivot = r
			}
		}
		if m[pivot*n+col] == 0 {
			return 0
		}
		if pivot != col {
			for k := range n {
				m[pivot*n+k], m[col*n+k] = m[col*n+k], m[pivot*n+k]
			}
			d = -d
		}
		d = float32(d * m[col*n+col])
		for r := col + 1; r < n; r++ {
			f := m[r*n+col] / m[col*n+col]
			for k := col; k < n; k++ {
				m[r*n+k] = kernel.FMA(-f, m[col*n+k], m[r*n+k])
			}
		}
	}
	return d
}
