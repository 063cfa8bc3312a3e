package operator

import (
	"fmt"
	"math"
	"slices"

	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// Quantised numbers: x = (q - zero) · scale. Rounding is to nearest even, then saturation. Sums of products
// are exact in 32 bits and wrap beyond.

func quantizeOperators() []Operator {
	return []Operator{
		{"QuantizeLinear", 10, "f,f,u?>u", quantizeLinear},
		{"QuantizeLinear", 13, "o,f,u?>u", quantizeLinear},
		{"DequantizeLinear", 10, "q,f,q?>f", dequantizeLinear},
		{"DynamicQuantizeLinear", 11, "f>c,f,c", plain(dynamicQuantize)},
		{"MatMulInteger", 10, "u,v,u?,v?>w", plain(matMulInteger)},
		{"ConvInteger", 10, "u,v,u?,v?>w", convInteger},
		{"QLinearMatMul", 10, "u,f,u,v,f,v,f,t>t", plain(qLinearMatMul)},
		{"QLinearConv", 10, "u,f,u,v,f,v,f,t,w?>t", qLinearConv},
	}
}

// perAxis spreads a scalar, or a vector along an axis, over all elements: an index for each.
func (c *Call) perAxis(x, v *tensor.Tensor, axis int64) ([]int32, error) {
	strides := make([]int, x.Rank())
	if v.Len() != 1 {
		along, err := axisOf(axis, x.Rank())
		if err != nil {
			return nil, err
		}
		if v.Rank() != 1 || v.Len() != x.Shape()[along] {
			return nil, fmt.Errorf("a scale of shape %v along axis %d of shape %v", v.Shape(), along, x.Shape())
		}
		strides[along] = 1
	}
	return c.offsets(x.Shape(), strides, 0)
}

// zeros gives the zero points that belong to scales, as numbers; a missing tensor is all zero.
func zeros(t, scale *tensor.Tensor) ([]int64, error) {
	if t == nil {
		return make([]int64, scale.Len()), nil
	}
	if t.Len() != scale.Len() {
		return nil, shapesError(scale, t)
	}
	return t.Ints(), nil
}

// scaleRuns cuts x into runs of elements that share a scale and calls do for each: where it begins, how long
// it is, and which scale.
func scaleRuns(x, scale *tensor.Tensor, axis int64, do func(first, n, which int)) error {
	if scale.Len() == 1 {
		do(0, x.Len(), 0)
		return nil
	}
	along, err := axisOf(axis, x.Rank())
	if err != nil {
		return err
	}
	if scale.Rank() != 1 || scale.Len() != x.Shape()[along] {
		return fmt.Errorf("a scale of shape %v along axis %d of shape %v", scale.Shape(), along, x.Shape())
	}
	n := tensor.Count(x.Shape()[along+1:])
	if n == 0 {
		return nil
	}
	for first := 0; first < x.Len(); first += n {
		do(first, n, first/n%scale.Len())
	}
	return nil
}

// quantize sets the elements [first, first+n) of out, which are bytes, to those of x over scale.
func (c *Call) quantize(out *tensor.Tensor, x []float32, first, n int, scale float32, zero int64) {
	if out.Type() == tensor.Int8 {
		c.Path.QuantizeInt8(tensor.Values[int8](out)[first:][:n], x[first:][:n], scale, int32(zero))
		return
	}
	c.Path.QuantizeUint8(tensor.Values[uint8](out)[first:][:n], x[first:][:n], scale, int32(zero))
}

func quantizeLinear(a *Attrs) Func {
	axis := a.int("axis", 1)
	noQuantizeOptions(a)
	return func(c *Call) ([]*tensor.Tensor, error) {
		x, scale := c.In[0], c.In[1]
		zero, err := zeros(c.in(2), scale)
		if err != nil {
			return nil, err
		}
		kind := tensor.Uint8
		if c.in(2) != nil {
			kind = c.in(2).Type()
		}
		if x, err = c.convert(x, tensor.Float32); err != nil {
			return nil, err
		}
		out, err := c.new(kind, x.Shape())
		if err != nil {
			return nil, err
		}
		return one(out), scaleRuns(x, scale, axis, func(first, n, which int) {
			c.quantize(out, floatsOf(x), first, n, floatsOf(scale)[which], zero[which])
		})
	}
}

// noQuantizeOptions refuses what later versions added.
func noQuantizeOptions(a *Attrs) {
	a.int("saturate", 1)
	if a.int("block_size", 0) != 0 {
		a.unsupported("quantisation in blocks")
	}
	if a.int("output_dtype", 0) != 0 || a.int("precision", 0) != 0 {
		a.unsupported("quantisation to a named type")
	}
}

func dequantizeLinear(a *Attrs) Func {
	axis := a.int("axis", 1)
	noQuantizeOptions(a)
	return func(c *Call) ([]*tensor.Tensor, error) {
		x, scale := c.In[0], c.In[1]
		zero, err := zeros(c.in(2), scale)
		if err != nil {
			return nil, err
		}
		out, y, err := c.floats(x.Shape())
		if err != nil {
			return nil, err
		}
		return one(out), scaleRuns(x, scale, axis, func(first, n, which int) {
			c.dequantize(y, x, first, n, floatsOf(scale)[which], zero[which])
		})
	}
}

// dequantize sets the elements [first, first+n) of y to (x - zero)·scale.
func (c *Call) dequantize(y []float32, x *tensor.Tensor, first, n int, scale float32, zero int64) {
	y = y[first:][:n]
	switch x.Type() {
	case tensor.Uint8:
		c.Path.DequantizeUint8(y, tensor.Values[uint8](x)[first:][:n], scale, int32(zero))
	case tensor.Int8:
		c.Path.DequantizeInt8(y, tensor.Values[int8](x)[first:][:n], scale, int32(zero))
	default:
		for i, q := range tensor.Values[int32](x)[first:][:n] {
			y[i] = float32(float32(int64(q)-zero) * scale)
		}
	}
}

// dynamicQuantize chooses scale and zero point so that the range of the input, and 0, fits.
func dynamicQuantize(c *Call) ([]*tensor.Tensor, error) {
	x := floatsOf(c.In[0])
	low, high := c.Path.Reduce(kernel.ReductionMin, x, 0), c.Path.Reduce(kernel.ReductionMax, x, 0)
	low, high = smaller(low, 0), larger(high, 0)
	scale := (high - low) / 255
	zero := int64(0)
	if scale != 0 {
		zero = saturate(float32(math.RoundToEven(float64(-low/scale))), 0, 255)
	}
	out, err := c.new(tensor.Uint8, c.In[0].Shape())
	if err != nil {
		return nil, err
	}
	if scale != 0 {
		c.quantize(out, x, 0, len(x), scale, zero)
	}
	return []*tensor.Tensor{out, tensor.Scalar(scale), tensor.Scalar(uint8(zero))}, nil
}

// shifted gives t's elements less the zero point: one, or one for each row or column along an axis.
func (c *Call) shifted(t, zero *tensor.Tensor, axis int) ([]int32, error) {
	if err := c.Budget.Take(12 * t.Len()); err != nil {
		return nil, err
	}
	out := make([]int32, t.Len())
	if zero == nil || zero.Len() == 1 {
		z := int32(0)
		if zero != nil {
			z = int32(zero.Ints()[0])
		}
		if t.Type() == tensor.Int8 {
			c.Path.LessInt8(out, tensor.Values[int8](t), z)
		} else {
			c.Path.LessUint8(out, tensor.Values[uint8](t), z)
		}
		return out, nil
	}
	for i, v := range t.Ints() {
		out[i] = int32(v)
	}
	if t.Rank() == 0 && zero.Len() != 1 {
		return nil, shapesError(t, zero)
	}
	at, err := c.perAxis(t, zero, int64(axis))
	if err != nil {
		return nil, err
	}
	z := zero.Ints()
	for i := range out {
		out[i] -= int32(z[at[i]])
	}
	return out, nil
}

// intProduct is matMul of whole numbers, after their zero points are taken away.
func (c *Call) intProduct(a, b, zeroA, zeroB *tensor.Tensor) ([]int32, []int, error) {
	p, err := c.matShapes(a.Shape(), b.Shape())
	if err != nil {
		return nil, nil, err
	}
	x, err := c.shifted(a, zeroA, max(0, a.Rank()-2))
	if err != nil {
		return nil, nil, err
	}
	w, err := c.shifted(b, zeroB, b.Rank()-1)
	if err != nil {
		return nil, nil, err
	}
	out, err := c.indexes(len(p.a) * p.m * p.n)
	if err != nil {
		return nil, nil, err
	}
	if err := c.Budget.Spend(len(p.a), p.m, p.n, max(p.k, 1)); err != nil {
		return nil, nil, err
	}
	for s := range p.a {
		left, right, y := x[int(p.a[s])*p.m*p.k:], w[int(p.b[s])*p.k*p.n:], out[s*p.m*p.n:]
		for i := range p.m {
			for l := range p.k {
				c.Path.AddProducts(y[i*p.n:][:p.n], right[l*p.n:][:p.n], left[i*p.k+l])
			}
		}
	}
	return out, p.shape, nil
}

func matMulInteger(c *Call) ([]*tensor.Tensor, error) {
	y, shape, err := c.intProduct(c.In[0], c.In[1], c.in(2), c.in(3))
	if err != nil {
		return nil, err
	}
	return one(tensor.Of(shape, y)), nil
}

// requantize gives sums as quantised numbers: round(sum · (a·b/y)) + zero, with scales a, b and y.
func (c *Call) requantize(sums []int32, shape []int, scaleA, scaleB, scaleY float32, zero *tensor.Tensor) (*tensor.Tensor, error) {
	out, err := c.new(zero.Type(), shape)
	if err != nil {
		return nil, err
	}
	c.requantizeRun(out, sums, 0, len(sums), 0, float32(scaleA*scaleB)/scaleY, zero.Ints()[0])
	return out, nil
}

// requantizeRun sets the elements [first, first+n) of out to round((sum + bias)·ratio) + zero.
func (c *Call) requantizeRun(out *tensor.Tensor, sums []int32, first, n int, bias int64, ratio float32, zero int64) {
	if out.Type() == tensor.Int8 {
		c.Path.RequantizeInt8(tensor.Values[int8](out)[first:][:n], sums[first:][:n], int32(bias), ratio, int32(zero))
		return
	}
	c.Path.RequantizeUint8(tensor.Values[uint8](out)[first:][:n], sums[first:][:n], int32(bias), ratio, int32(zero))
}

func wantScalars(list ...*tensor.Tensor) error {
	for _, t := range list {
		if t.Len() != 1 {
			return fmt.Errorf("a scale or zero point of shape %v, want one element", t.Shape())
		}
	}
	return nil
}

func qLinearMatMul(c *Call) ([]*tensor.Tensor, error) {
	if err := wantScalars(c.In[1], c.In[4], c.In[6], c.In[7]); err != nil {
		return nil, err
	}
	sums, shape, err := c.intProduct(c.In[0], c.In[3], c.In[2], c.In[5])
	if err != nil {
		return nil, err
	}
	out, err := c.requantize(sums, shape, floatsOf(c.In[1])[0], floatsOf(c.In[4])[0], floatsOf(c.In[6])[0], c.In[7])
	return one(out), err
}

// intConv is a convolution of whole numbers; x and w are without their zero points.
func (c *Call) intConv(at windowAttrs, group int64, x, w *tensor.Tensor, v, weights []int32) ([]int32, []int, error) {
	batch, ch, in, err := spatial(x)
	if err != nil {
		return nil, nil, err
	}
	if w.Rank() != x.Rank() || group < 1 || int64(w.Shape()[1])*group != int64(ch) || int64(w.Shape()[0])%group != 0 {
		return nil, nil, fmt.Errorf("weights of shape %v in %d groups for shape %v", w.Shape(), group, x.Shape())
	}
	g, err := at.resolve(in, w.Shape()[2:])
	if err != nil {
		return nil, nil, err
	}
	if !slices.Equal(g.kernel, w.Shape()[2:]) {
		return nil, nil, fmt.Errorf("kernel %v for weights of shape %v", g.kernel, w.Shape())
	}
	outs, each := w.Shape()[0], w.Shape()[1]
	shape := append([]int{batch, outs}, g.out...)
	if err := tensor.CheckShape(shape); err != nil {
		return nil, nil, err
	}
	y, err := c.indexes(tensor.Count(shape))
	if err != nil {
		return nil, nil, err
	}
	taps, size, positions := tensor.Count(g.kernel), tensor.Count(in), tensor.Count(g.out)
	if err := c.Budget.Spend(max(batch*outs, 1), positions, max(each, 1), taps); err != nil {
		return nil, nil, err
	}
	perGroup := outs / int(group)
	if len(in) == 2 {
		for bo := range batch * outs {
			b, o := bo/outs, bo%outs
			from := v[(b*ch+o/perGroup*each)*size:][:each*size]
			c.intRows(g, y[bo*positions:][:positions], from, weights[o*each*taps:][:each*taps])
		}
		return y, shape, nil
	}
	pos := newPosition(g.out)
	for p := range positions {
		tap := newPosition(g.kernel)
		for t := range taps {
			if s := g.source(pos.at, tap.at); s >= 0 {
				for bo := range batch * outs {
					b, o := bo/outs, bo%outs
					first := b*ch + o/perGroup*each
					for e := range each {
						y[bo*positions+p] += v[(first+e)*size+s] * weights[(o*each+e)*taps+t]
					}
				}
			}
			tap.next()
		}
		pos.next()
	}
	return y, shape, nil
}

// intRows adds the products of one output plane over two dimensions, tap by tap and row by row.
func (c *Call) intRows(g geometry, y, x, weights []int32) {
	taps, size, wide := tensor.Count(g.kernel), tensor.Count(g.in), g.out[1]
	spare := make([]int32, wide)
	for i, w := range weights {
		plane, t := x[i/taps*size:][:size], i%taps
		r := g.tapRow(t%g.kernel[1], 0, wide)
		for o := range g.out[0] {
			in, ok := g.inputRow(o, t/g.kernel[1])
			if !ok || r.low >= r.end {
				continue
			}
			row, n := plane[in*g.in[1]:][:g.in[1]][r.first:], r.end-r.low
			if r.stride > 1 {
				for j := range n {
					spare[j] = row[j*r.stride]
				}
				row = spare
			}
			c.Path.AddProducts(y[o*wide:][r.low:r.end], row[:n], w)
		}
	}
}

func convInteger(a *Attrs) Func {
	w, group := readWindow(a), a.int("group", 1)
	return func(c *Call) ([]*tensor.Tensor, error) {
		if z := c.in(2); z != nil && z.Len() != 1 {
			return nil, fmt.Errorf("a zero point of shape %v, want one element", z.Shape())
		}
		x, err := c.shifted(c.In[0], c.in(2), 0)
		if err != nil {
			return nil, err
		}
		weights, err := c.shifted(c.In[1], c.in(3), 0)
		if err != nil {
			return nil, err
		}
		y, shape, err := c.intConv(w, group, c.In[0], c.In[1], x, weights)
		if err != nil {
			return nil, err
		}
		return one(tensor.Of(shape, y)), nil
	}
}

func qLinearConv(a *Attrs) Func {
	w, group := readWindow(a), a.int("group", 1)
	return func(c *Call) ([]*tensor.Tensor, error) {
		if err := wantScalars(c.In[1], c.In[2], c.In[6], c.In[7]); err != nil {
			return nil, err
		}
		x, err := c.shifted(c.In[0], c.In[2], 0)
		if err != nil {
			return nil, err
		}
		weights, err := c.shifted(c.In[3], c.In[5], 0)
		if err != nil {
			return nil, err
		}
		sums, shape, err := c.intConv(w, group, c.In[0], c.In[3], x, weights)
		if err != nil {
			return nil, err
		}
		scales, outs := floatsOf(c.In[4]), shape[1]
		if n := len(scales); c.In[4].Rank() > 1 || n != 1 && n != outs {
			return nil, fmt.Errorf("scales of shape %v for %d outputs", c.In[4].Shape(), outs)
		}
		var bias []int64
		if b := c.in(8); b != nil {
			if bias = b.Ints(); len(bias) != outs {
				return nil, fmt.Errorf("a bias of shape %v for %d outputs", b.Shape(), outs)
			}
		}
		return c.requantizeChannels(sums, shape, scales, bias)
	}
}

// requantizeChannels is requantize with a scale and a bias for each channel.
func (c *Call) requantizeChannels(sums []int32, shape []int, scales []float32, bias []int64) ([]*tensor.Tensor, error) {
	zero, outs, plane := c.In[7], shape[1], tensor.Count(shape[2:])
	out, err := c.new(zero.Type(), shape)
	if err != nil {
		return nil, err
	}
	scaleX, scaleY, z := floatsOf(c.In[1])[0], floatsOf(c.In[6])[0], zero.Ints()[0]
	for first := 0; first < len(sums); first += plane {
		ch := first / plane % outs
		b := int64(0)
		if bias != nil {
			b = bias[ch]
		}
		c.requantizeRun(out, sums, first, plane, b, float32(scaleX*scales[ch%len(scales)])/scaleY, z)
	}
	return one(out), nil
}
