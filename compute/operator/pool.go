package operator

import (
	"fmt"
	"slices"

	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// Pools: one number of the elements under a window, in row-major order of the window.

func windowOperators() []Operator {
	return []Operator{
		{"Conv", 1, "f,f,f?>f", conv},
		{"ConvTranspose", 1, "f,f,f?>f", convTranspose},
		{"AveragePool", 7, "f>f", averagePool},
		{"MaxPool", 1, "f>f", maxPool},
		{"MaxPool", 8, "f>f,l?", maxPool},
		{"MaxPool", 12, "n>n,l?", maxPool},
		{"LpPool", 2, "f>f", lpPool},
		{"GlobalAveragePool", 1, "f>f", globalPool(reductionOf("ReduceMean"))},
		{"GlobalMaxPool", 1, "f>f", globalPool(reductionOf("ReduceMax"))},
		{"GlobalLpPool", 2, "f>f", globalLpPool},
		{"MaxUnpool", 9, "f,l,l?>f", maxUnpool},
	}
}

func readPool(a *Attrs) windowAttrs {
	a.need("kernel_shape")
	w := readWindow(a)
	w.ceil = a.flag("ceil_mode", false)
	return w
}

// sources lists the elements under the window at a position, leaving the padding out.
func (g geometry) sources(out []int, list []int32) []int32 {
	tap := newPosition(g.kernel)
	list = list[:0]
	for range tensor.Count(g.kernel) {
		if s := g.source(out, tap.at); s >= 0 {
			list = append(list, int32(s))
		}
		tap.next()
	}
	return list
}

// covered counts the positions of the window that lie on elements or padding, not behind it.
func (g geometry) covered(out []int) int {
	n := 1
	for i := range out {
		start := out[i]*g.stride[i] - g.before[i]
		left := 0
		for t := range g.kernel[i] {
			if p := start + t*g.dilation[i]; p < g.in[i]+g.after[i] {
				left++
			}
		}
		n *= left
	}
	return n
}

// pooled calls do for each window of each plane: the plane, the index of the output, its position and the
// elements under the window.
func (c *Call) pooled(w windowAttrs, x *tensor.Tensor, do func(plane, o int, out []int, g geometry, under []int32)) ([]int, error) {
	batch, ch, in, err := spatial(x)
	if err != nil {
		return nil, err
	}
	g, err := w.resolve(in, nil)
	if err != nil {
		return nil, err
	}
	shape := append([]int{batch, ch}, g.out...)
	if err := tensor.CheckShape(shape); err != nil {
		return nil, err
	}
	taps := tensor.Count(g.kernel)
	if taps > tensor.ElementsMax {
		return nil, fmt.Errorf("a kernel of %d elements", taps)
	}
	if err := c.Budget.Take(4 * taps); err != nil {
		return nil, err
	}
	if err := c.Budget.Spend(max(batch*ch, 1), tensor.Count(g.out), taps); err != nil {
		return nil, err
	}
	at := newPosition(g.out)
	list := make([]int32, 0, taps)
	for o := range tensor.Count(g.out) {
		list = g.sources(at.at, list)
		for plane := range batch * ch {
			do(plane, o, at.at, g, list)
		}
		at.next()
	}
	return shape, nil
}

// poolFloats makes a pool of a function of the elements under a window.
func (c *Call) poolFloats(w windowAttrs, f func(out []int, g geometry, row []float32) float32) ([]*tensor.Tensor, error) {
	x := c.In[0]
	_, _, in, err := spatial(x)
	if err != nil {
		return nil, err
	}
	g, err := w.resolve(in, nil)
	if err != nil {
		return nil, err
	}
	out, y, err := c.floats(append(slices.Clone(x.Shape()[:2]), g.out...))
	if err != nil {
		return nil, err
	}
	size, positions := tensor.Count(in), tensor.Count(g.out)
	var row []float32
	_, err = c.pooled(w, x, func(plane, o int, at []int, g geometry, under []int32) {
		row = row[:0]
		for _, s := range under {
			row = append(row, floatsOf(x)[plane*size+int(s)])
		}
		y[plane*positions+o] = f(at, g, row)
	})
	return one(out), err
}

func averagePool(a *Attrs) Func {
	w, padded := readPool(a), a.flag("count_include_pad", false)
	return func(c *Call) ([]*tensor.Tensor, error) {
		out, ok, err := c.poolRows(w, true, func(p rowPool, y, x []float32) { p.average(y, x, padded) })
		if ok || err != nil {
			return one(out), err
		}
		return c.poolFloats(w, func(out []int, g geometry, row []float32) float32 {
			n := len(row)
			if padded {
				n = g.covered(out)
			}
			return c.Path.Reduce(kernel.ReductionSum, row, 0) / float32(n)
		})
	}
}

func lpPool(a *Attrs) Func {
	w, p := readPool(a), float32(a.int("p", 2))
	return func(c *Call) ([]*tensor.Tensor, error) {
		return c.poolFloats(w, func(_ []int, _ geometry, row []float32) float32 { return norm(c.Path, row, p) })
	}
}

// norm is (Σ |v|^p)^(1/p).
func norm(path kernel.Path, row []float32, p float32) float32 {
	powers := make([]float32, len(row))
	for i, v := range row {
		powers[i] = kernel.Pow(absolute(v), p)
	}
	return kernel.Pow(path.Reduce(kernel.ReductionSum, powers, 0), 1/p)
}

// maxPool takes the first of the largest elements; its index counts over the whole input.
func maxPool(a *Attrs) Func {
	w, columns := readPool(a), a.int("storage_order", 0) == 1
	return func(c *Call) ([]*tensor.Tensor, error) {
		if c.Outs < 2 {
			out, ok, err := c.poolRows(w, false, func(p rowPool, y, x []float32) { p.largest(y, x) })
			if ok || err != nil {
				return one(out), err
			}
		}
		x := c.In[0]
		_, _, in, err := spatial(x)
		if err != nil {
			return nil, err
		}
		g, err := w.resolve(in, nil)
		if err != nil {
			return nil, err
		}
		shape := append(slices.Clone(x.Shape()[:2]), g.out...)
		at, err := c.indexes(tensor.Count(shape))
		if err != nil {
			return nil, err
		}
		before := beforeOf(x)
		size, positions := tensor.Count(in), tensor.Count(g.out)
		_, err = c.pooled(w, x, func(plane, o int, _ []int, _ geometry, under []int32) {
			best := int32(-1)
			for _, s := range under {
				if i := int32(plane*size) + s; best < 0 || before(i, best) {
					best = i
				}
			}
			at[plane*positions+o] = best
		})
		if err != nil {
			return nil, err
		}
		return c.maxPoolOutputs(x, shape, at, columns)
	}
}

// beforeOf compares elements of x by index: whether the first is larger, NaN being larger than all.
func beforeOf(x *tensor.Tensor) func(i, j int32) bool {
	if x.Type() == tensor.Float32 {
		v := floatsOf(x)
		return func(i, j int32) bool { return v[i] > v[j] || v[i] != v[i] && v[j] == v[j] }
	}
	v := x.Ints()
	return func(i, j int32) bool { return v[i] > v[j] }
}

func (c *Call) maxPoolOutputs(x *tensor.Tensor, shape []int, at []int32, columns bool) ([]*tensor.Tensor, error) {
	outs, err := c.pick(x, shape, at)
	if err != nil || c.Outs < 2 {
		return outs, err
	}
	indexes, err := c.new(tensor.Int64, shape)
	if err != nil {
		return nil, err
	}
	v, in := tensor.Values[int64](indexes), x.Shape()[2:]
	size := tensor.Count(in)
	for i, index := range at {
		if columns && index >= 0 {
			index = int32(int(index)/size*size + columnMajor(int(index)%size, in))
		}
		v[i] = int64(index)
	}
	return append(outs, indexes), nil
}

// columnMajor counts an offset with the first dimension as the fastest.
func columnMajor(offset int, shape []int) int {
	at, strides := 0, tensor.Strides(shape)
	step := 1
	for d, n := range shape {
		at += offset / strides[d] % n * step
		step *= n
	}
	return at
}

// globalPool reduces all spatial dimensions to 1.
func globalPool(f reduction) func(a *Attrs) Func {
	return func(*Attrs) Func {
		return func(c *Call) ([]*tensor.Tensor, error) {
			var axes []int64
			for i := 2; i < c.In[0].Rank(); i++ {
				axes = append(axes, int64(i))
			}
			if axes == nil {
				return nil, fmt.Errorf("shape %v has no spatial dimension", c.In[0].Shape())
			}
			return c.reduce(f, axes, true)
		}
	}
}

func globalLpPool(a *Attrs) Func {
	p := float32(a.int("p", 2))
	return globalPool(reduction{row: func(path kernel.Path, row []float32) float32 { return norm(path, row, p) }})(nil)
}

// maxUnpool puts elements back where their indexes, from maxPool, say.
func maxUnpool(a *Attrs) Func {
	a.need("kernel_shape")
	w := readWindow(a)
	return func(c *Call) ([]*tensor.Tensor, error) {
		x, where := c.In[0], c.In[1]
		batch, ch, in, err := spatial(x)
		if err != nil {
			return nil, err
		}
		if !slices.Equal(where.Shape(), x.Shape()) {
			return nil, shapesError(x, where)
		}
		g, err := w.lists(in, nil)
		if err != nil {
			return nil, err
		}
		own := []int{batch, ch}
		for i, n := range in {
			own = append(own, (n-1)*g.stride[i]+g.kernel[i]-g.before[i]-g.after[i])
		}
		shape := own
		if t := c.in(2); t != nil {
			if shape, err = shapeFrom(t); err != nil {
				return nil, err
			}
		}
		out, y, err := c.floats(shape)
		if err != nil {
			return nil, err
		}
		if err := tensor.CheckShape(own); err != nil || len(shape) != len(own) {
			return nil, fmt.Errorf("output of shape %v for input of shape %v", shape, x.Shape())
		}
		// Indexes count over the smallest output that fits; a larger one keeps their positions.
		at, from, to := tensor.Values[int64](where), tensor.Strides(own), tensor.Strides(shape)
		for i, v := range floatsOf(x) {
			index, offset := at[i], 0
			if index < 0 || index >= int64(tensor.Count(own)) {
				return nil, fmt.Errorf("index %d of %d", index, tensor.Count(own))
			}
			for d := range own {
				p := int(index) / from[d] % own[d]
				if p >= shape[d] {
					return nil, fmt.Errorf("index %d outside shape %v", index, shape)
				}
				offset += p * to[d]
			}
			y[offset] = v
		}
		return one(out), nil
	}
}
