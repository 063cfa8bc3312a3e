package operator

import (
	"fmt"
	"math"

	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// Normalisations. Mean and variance are sums by AIW-3 over the number of elements; the variance is that of
// the differences from the mean.

func normOperators() []Operator {
	return []Operator{
		{"BatchNormalization", 7, "f,f,f,f,f>f", batchNormOld},
		{"BatchNormalization", 9, "f,f,f,f,f>f", batchNormOld},
		{"BatchNormalization", 14, "f,f,f,f,f>f,f?,f?", batchNorm},
		{"InstanceNormalization", 6, "f,f,f>f", instanceNorm},
		{"LayerNormalization", 17, "f,f,f?>f,f?,f?", layerNorm},
		{"RMSNormalization", 23, "f,f>f", rmsNorm},
		{"GroupNormalization", 18, "f,f,f>f", groupNorm(true)},
		{"GroupNormalization", 21, "f,f,f>f", groupNorm(false)},
		{"MeanVarianceNormalization", 9, "f>f", meanVariance},
		{"LpNormalization", 1, "f>f", lpNorm},
		{"LRN", 1, "f>f", lrn},
	}
}

func infinity() float32 { return float32(math.Inf(1)) }

// channels checks that x has a channel dimension and that vectors have one element for each.
func channels(x *tensor.Tensor, vectors ...*tensor.Tensor) (n int, err error) {
	if x.Rank() < 2 {
		return 0, fmt.Errorf("shape %v, want batch and channels", x.Shape())
	}
	n = x.Shape()[1]
	for _, v := range vectors {
		if v.Rank() != 1 || v.Len() != n {
			return 0, fmt.Errorf("a vector of shape %v for %d channels", v.Shape(), n)
		}
	}
	return n, nil
}

// scaled sets y = fma(x, scale, shift) channel by channel.
func (c *Call) scaled(x *tensor.Tensor, scale, shift []float32) ([]*tensor.Tensor, error) {
	out, y, err := c.floats(x.Shape())
	if err != nil {
		return nil, err
	}
	plane := tensor.Count(x.Shape()[2:])
	for first := 0; first < len(y); first += plane {
		ch := first / plane % len(scale)
		c.Path.ScaleShift(y[first:][:plane], floatsOf(x)[first:][:plane], scale[ch], shift[ch])
	}
	return one(out), nil
}

func batchNormOld(a *Attrs) Func {
	epsilon := a.float("epsilon", 1e-5)
	a.float("momentum", 0.9)
	if a.int("spatial", 1) != 1 {
		a.unsupported("batch normalisation of each pixel by itself")
	}
	return func(c *Call) ([]*tensor.Tensor, error) { return batchInference(c, epsilon) }
}

func batchInference(c *Call, epsilon float32) ([]*tensor.Tensor, error) {
	if _, err := channels(c.In[0], c.In[1:5]...); err != nil {
		return nil, err
	}
	scale, shift := kernel.LowerBatchNorm(floatsOf(c.In[1]), floatsOf(c.In[2]), floatsOf(c.In[3]), floatsOf(c.In[4]), epsilon)
	return c.scaled(c.In[0], scale, shift)
}

func batchNorm(a *Attrs) Func {
	epsilon, momentum := a.float("epsilon", 1e-5), a.float("momentum", 0.9)
	if !a.flag("training_mode", false) {
		return func(c *Call) ([]*tensor.Tensor, error) {
			if c.Outs > 1 {
				return nil, fmt.Errorf("statistics are an output of training only")
			}
			return batchInference(c, epsilon)
		}
	}
	return func(c *Call) ([]*tensor.Tensor, error) {
		x := c.In[0]
		n, err := channels(x, c.In[1:5]...)
		if err != nil {
			return nil, err
		}
		marked := [tensor.RankMax]bool{}
		for i := range marked {
			marked[i] = i != 1
		}
		r, err := c.rows(x.Shape(), marked)
		if err != nil {
			return nil, err
		}
		if err := c.Budget.Take(4 * len(r.elements)); err != nil {
			return nil, err
		}
		means, variances := make([]float32, n), make([]float32, n)
		eachRow(floatsOf(x), r, func(i int, row []float32) { means[i], variances[i] = c.Path.Moments(row) })
		scale, shift := kernel.LowerBatchNorm(floatsOf(c.In[1]), floatsOf(c.In[2]), means, variances, epsilon)
		outs, err := c.scaled(x, scale, shift)
		if err != nil {
			return nil, err
		}
		for i, batch := range [][]float32{means, variances} {
			running, y, err := c.floats([]int{n})
			if err != nil {
				return nil, err
			}
			for j, old := range floatsOf(c.In[3+i]) {
				y[j] = float32(old*momentum) + float32(batch[j]*(1-momentum))
			}
			outs = append(outs, running)
		}
		return outs, nil
	}
}

// normalised sets y = (x - mean) / √(variance + epsilon) and gives what it divided by.
func (c *Call) normalised(y, x []float32, epsilon float32) (mean, root float32) {
	mean, variance := c.Path.Moments(x)
	root = kernel.Sqrt(variance + epsilon)
	c.Path.Normalize(y, x, mean, root)
	return mean, root
}

func instanceNorm(a *Attrs) Func {
	epsilon := a.float("epsilon", 1e-5)
	return func(c *Call) ([]*tensor.Tensor, error) {
		x := c.In[0]
		if _, err := channels(x, c.In[1], c.In[2]); err != nil {
			return nil, err
		}
		marked := [tensor.RankMax]bool{}
		for i := 2; i < len(marked); i++ {
			marked[i] = true
		}
		out, err := c.mapRows(x, marked, func(y, x []float32) { c.normalised(y, x, epsilon) })
		if err != nil {
			return nil, err
		}
		return c.scaled(out[0], floatsOf(c.In[1]), floatsOf(c.In[2]))
	}
}

// groupNorm normalises groups of channels. Scale and shift are given for groups, in the first form.
func groupNorm(perGroup bool) func(a *Attrs) Func {
	return func(a *Attrs) Func {
		epsilon, groups := a.float("epsilon", 1e-5), a.int("num_groups", 0)
		a.int("stash_type", 1)
		a.need("num_groups")
		return func(c *Call) ([]*tensor.Tensor, error) {
			x := c.In[0]
			n, err := channels(x)
			if err != nil {
				return nil, err
			}
			if groups < 1 || int64(n)%groups != 0 {
				return nil, fmt.Errorf("%d channels in %d groups", n, groups)
			}
			g := int(groups)
			shape := []int{x.Shape()[0], g, n / g * tensor.Count(x.Shape()[2:])}
			out, err := c.mapRows(x.View(shape), [tensor.RankMax]bool{2: true}, func(y, x []float32) { c.normalised(y, x, epsilon) })
			if err != nil {
				return nil, err
			}
			want, each := n, 1
			if perGroup {
				want, each = g, n/g
			}
			scale, shift := make([]float32, n), make([]float32, n)
			for i, v := range c.In[1:3] {
				if v.Rank() != 1 || v.Len() != want {
					return nil, fmt.Errorf("a vector of shape %v, want %d elements", v.Shape(), want)
				}
				for ch := range n {
					[][]float32{scale, shift}[i][ch] = floatsOf(v)[ch/each]
				}
			}
			return c.scaled(out[0].View(x.Shape()), scale, shift)
		}
	}
}

// lastAxes marks the dimensions from an axis on.
func lastAxes(axis int64, rank int) (marked [tensor.RankMax]bool, err error) {
	first, err := axisOf(axis, rank)
	for i := first; err == nil && i < rank; i++ {
		marked[i] = true
	}
	return marked, err
}

// affine multiplies by scale and adds shift, which broadcast to y; a nil shift is left out.
func (c *Call) affine(y, scale, shift *tensor.Tensor) (*tensor.Tensor, error) {
	for i, t := range []*tensor.Tensor{scale, shift} {
		if t == nil {
			continue
		}
		p, err := c.broadcast(y, t)
		if err != nil {
			return nil, err
		}
		if tensor.Count(p.shape) != y.Len() {
			return nil, shapesError(y, t)
		}
		out, err := c.zipFloats(p, y, t, []kernel.Binary{kernel.BinaryMul, kernel.BinaryAdd}[i])
		if err != nil {
			return nil, err
		}
		y = out[0]
	}
	return y, nil
}

func layerNorm(a *Attrs) Func {
	axis, epsilon := a.int("axis", -1), a.float("epsilon", 1e-5)
	a.int("stash_type", 1)
	return func(c *Call) ([]*tensor.Tensor, error) {
		x := c.In[0]
		marked, err := lastAxes(axis, x.Rank())
		if err != nil {
			return nil, err
		}
		var means, inverses []float32
		out, err := c.mapRows(x, marked, func(y, x []float32) {
			mean, root := c.normalised(y, x, epsilon)
			means, inverses = append(means, mean), append(inverses, 1/root)
		})
		if err != nil {
			return nil, err
		}
		y, err := c.affine(out[0], c.In[1], c.in(2))
		if err != nil {
			return nil, err
		}
		shape := append([]int(nil), x.Shape()...)
		for i := range shape {
			if marked[i] {
				shape[i] = 1
			}
		}
		if x.Len() == 0 {
			return []*tensor.Tensor{y, tensor.New(tensor.Float32, shape), tensor.New(tensor.Float32, shape)}, nil
		}
		return []*tensor.Tensor{y, tensor.Of(shape, means), tensor.Of(shape, inverses)}, nil
	}
}

func rmsNorm(a *Attrs) Func {
	axis, epsilon := a.int("axis", -1), a.float("epsilon", 1e-5)
	a.int("stash_type", 1)
	return func(c *Call) ([]*tensor.Tensor, error) {
		marked, err := lastAxes(axis, c.In[0].Rank())
		if err != nil {
			return nil, err
		}
		out, err := c.mapRows(c.In[0], marked, func(y, x []float32) {
			root := kernel.Sqrt(c.Path.Reduce(kernel.ReductionSumSquare, x, 0)/float32(len(x)) + epsilon)
			c.Path.BinaryRight(kernel.BinaryDiv, y, x, root)
		})
		if err != nil {
			return nil, err
		}
		y, err := c.affine(out[0], c.In[1], nil)
		return one(y), err
	}
}

func meanVariance(a *Attrs) Func {
	axes := a.ints("axes")
	if axes == nil {
		axes = []int64{0, 2, 3}
	}
	return func(c *Call) ([]*tensor.Tensor, error) {
		marked, err := axesOf(axes, c.In[0].Rank())
		if err != nil {
			return nil, err
		}
		return c.mapRows(c.In[0], marked, func(y, x []float32) {
			mean, variance := c.Path.Moments(x)
			c.Path.Normalize(y, x, mean, kernel.Sqrt(variance)+1e-9)
		})
	}
}

func lpNorm(a *Attrs) Func {
	axis, p := a.int("axis", -1), a.int("p", 2)
	if p != 1 && p != 2 {
		a.fail("norm %d, want 1 or 2", p)
	}
	return func(c *Call) ([]*tensor.Tensor, error) {
		marked, err := axesOf([]int64{axis}, c.In[0].Rank())
		if err != nil {
			return nil, err
		}
		return c.mapRows(c.In[0], marked, func(y, x []float32) {
			norm := c.Path.Reduce(kernel.ReductionSumAbs, x, 0)
			if p == 2 {
				norm = kernel.Sqrt(c.Path.Reduce(kernel.ReductionSumSquare, x, 0))
			}
			if norm == 0 {
				clear(y)
				return
			}
			c.Path.BinaryRight(kernel.BinaryDiv, y, x, norm)
		})
	}
}

// lrn divides by a power of the squares of neighbouring channels, added in ascending order from +0.
func lrn(a *Attrs) Func {
	a.need("size")
	alpha, beta, bias, size := a.float("alpha", 0.0001), a.float("beta", 0.75), a.float("bias", 1), a.int("size", 1)
	if size < 1 || size > 1<<16 {
		a.fail("size %d", size)
	}
	return func(c *Call) ([]*tensor.Tensor, error) {
		x := c.In[0]
		n, err := channels(x)
		if err != nil {
			return nil, err
		}
		out, y, err := c.floats(x.Shape())
		if err != nil {
			return nil, err
		}
		if err := c.Budget.Spend(x.Len(), int(size)); err != nil {
			return nil, err
		}
		plane, v, ratio := tensor.Count(x.Shape()[2:]), floatsOf(x), alpha/float32(size)
		before, after := int(size-1)/2, int(size)/2
		for i := range y {
			ch := i / plane % n
			total := float32(0)
			for j := max(0, ch-before); j <= min(n-1, ch+after); j++ {
				total += float32(v[i+(j-ch)*plane] * v[i+(j-ch)*plane])
			}
			y[i] = v[i] / kernel.Pow(bias+float32(ratio*total), beta)
		}
		return one(out), nil
	}
}
