package operator

import (
	"fmt"
	"slices"

	"github.com/aiwork/aiwork-node/compute/tensor"
)

// Operators about shapes, and those that make tensors of nothing.

func shapeOperators() []Operator {
	return []Operator{
		{"Cast", 6, "a>T", cast},
		{"CastLike", 15, "a,d>d", castLike},
		{"Shape", 1, "a>l", shapeOf},
		{"Size", 1, "a>l", plain(func(c *Call) ([]*tensor.Tensor, error) {
			return one(tensor.Scalar(int64(c.In[0].Len()))), nil
		})},
		{"Reshape", 5, "a,l>a", reshape},
		{"Flatten", 1, "a>a", flatten},
		{"Squeeze", 1, "a>a", squeezeAttrs},
		{"Squeeze", 13, "a,l?>a", plain(squeezeInputs)},
		{"Unsqueeze", 1, "a>a", unsqueezeAttrs},
		{"Unsqueeze", 13, "a,l>a", plain(unsqueezeInputs)},
		{"Constant", 1, ">T", constant},
		{"ConstantOfShape", 9, "l>T", constantOfShape},
		{"Range", 11, "n,n,n>n", plain(rangeOf)},
		{"EyeLike", 9, "n>T", eyeLike},
		{"Dropout", 7, "f>f,b?", dropoutOld},
		{"Dropout", 12, "f,f?,b?>f,b?", dropout},
	}
}

func list(shape []int) *tensor.Tensor {
	v := make([]int64, len(shape))
	for i, n := range shape {
		v[i] = int64(n)
	}
	return tensor.Of([]int{len(v)}, v)
}

func shapeOf(a *Attrs) Func {
	start, end := a.int("start", 0), a.int("end", tensor.RankMax)
	return func(c *Call) ([]*tensor.Tensor, error) {
		shape := c.In[0].Shape()
		clamp := func(v int64) int {
			if v < 0 {
				v += int64(len(shape))
			}
			return int(min(max(v, 0), int64(len(shape))))
		}
		first, last := clamp(start), clamp(end)
		return one(list(shape[first:max(first, last)])), nil
	}
}

func reshape(a *Attrs) Func {
	zeros := a.flag("allowzero", false)
	return func(c *Call) ([]*tensor.Tensor, error) {
		x := c.In[0]
		want, err := vector(c.In[1], "a shape")
		if err != nil {
			return nil, err
		}
		shape, err := reshapeTo(x, want, zeros)
		if err != nil {
			return nil, err
		}
		return one(x.View(shape)), nil
	}
}

// reshapeTo resolves the 0 (as before) and -1 (what is left) of a wanted shape.
func reshapeTo(x *tensor.Tensor, want []int64, zeros bool) ([]int, error) {
	if len(want) > tensor.RankMax {
		return nil, fmt.Errorf("a shape of %d dimensions", len(want))
	}
	shape, open := make([]int, len(want)), -1
	for i, n := range want {
		switch {
		case n == -1 && open < 0:
			open, shape[i] = i, 1
		case n == 0 && !zeros && i < x.Rank():
			shape[i] = x.Shape()[i]
		case n < 0 || n > tensor.ElementsMax || n == 0 && !zeros:
			return nil, fmt.Errorf("shape %v for elements of shape %v", want, x.Shape())
		default:
			shape[i] = int(n)
		}
	}
	if err := tensor.CheckShape(shape); err != nil {
		return nil, err
	}
	known := tensor.Count(shape)
	if open >= 0 && known > 0 {
		shape[open] = x.Len() / known
	}
	if tensor.CheckShape(shape) != nil || tensor.Count(shape) != x.Len() {
		return nil, fmt.Errorf("shape %v for elements of shape %v", want, x.Shape())
	}
	return shape, nil
}

func flatten(a *Attrs) Func {
	axis := a.int("axis", 1)
	return func(c *Call) ([]*tensor.Tensor, error) {
		x := c.In[0]
		at := axis
		if at < 0 {
			at += int64(x.Rank())
		}
		if at < 0 || at > int64(x.Rank()) {
			return nil, fmt.Errorf("axis %d of shape %v", axis, x.Shape())
		}
		return one(x.View([]int{tensor.Count(x.Shape()[:at]), tensor.Count(x.Shape()[at:])})), nil
	}
}

func squeezeAttrs(a *Attrs) Func {
	axes := a.ints("axes")
	return func(c *Call) ([]*tensor.Tensor, error) { return squeeze(c.In[0], axes) }
}

func squeezeInputs(c *Call) ([]*tensor.Tensor, error) {
	var axes []int64
	if t := c.in(1); t != nil {
		var err error
		if axes, err = vector(t, "axes"); err != nil {
			return nil, err
		}
		if axes == nil {
			axes = []int64{}
		}
	}
	return squeeze(c.In[0], axes)
}

// squeeze takes dimensions of 1 away: those of axes, or all where axes is nil.
func squeeze(x *tensor.Tensor, axes []int64) ([]*tensor.Tensor, error) {
	marked, err := axesOf(axes, x.Rank())
	if err != nil {
		return nil, err
	}
	var shape []int
	for i, n := range x.Shape() {
		switch {
		case marked[i] && n != 1:
			return nil, fmt.Errorf("axis %d of shape %v is not 1", i, x.Shape())
		case marked[i] || axes == nil && n == 1:
		default:
			shape = append(shape, n)
		}
	}
	return one(x.View(shape)), nil
}

func unsqueezeAttrs(a *Attrs) Func {
	a.need("axes")
	axes := a.ints("axes")
	return func(c *Call) ([]*tensor.Tensor, error) { return unsqueeze(c.In[0], axes) }
}

func unsqueezeInputs(c *Call) ([]*tensor.Tensor, error) {
	axes, err := vector(c.In[1], "axes")
	if err != nil {
		return nil, err
	}
	return unsqueeze(c.In[0], axes)
}

func unsqueeze(x *tensor.Tensor, axes []int64) ([]*tensor.Tensor, error) {
	rank := x.Rank() + len(axes)
	if rank > tensor.RankMax {
		return nil, fmt.Errorf("%d axes more than shape %v", len(axes), x.Shape())
	}
	marked, err := axesOf(axes, rank)
	if err != nil {
		return nil, err
	}
	shape, left := make([]int, rank), x.Shape()
	for i := range shape {
		if marked[i] {
			shape[i] = 1
			continue
		}
		shape[i], left = left[0], left[1:]
	}
	return one(x.View(shape)), nil
}

func constant(a *Attrs) Func {
	var t *tensor.Tensor
	switch {
	case a.has("value"):
		t = a.tensor("value")
	case a.has("value_float"):
		t = tensor.Scalar(a.float("value_float", 0))
	case a.has("value_int"):
		t = tensor.Scalar(a.int("value_int", 0))
	case a.has("value_floats"):
		v := a.floats("value_floats")
		t = tensor.Of([]int{len(v)}, v)
	case a.has("value_ints"):
		v := a.ints("value_ints")
		t = tensor.Of([]int{len(v)}, v)
	case a.has("sparse_value"):
		a.unsupported("a sparse tensor")
	case a.has("value_string") || a.has("value_strings"):
		a.unsupported("element type string")
	}
	if t == nil {
		a.fail("no value")
		return nil
	}
	a.Result = t.Type()
	return func(*Call) ([]*tensor.Tensor, error) { return one(t), nil }
}

func constantOfShape(a *Attrs) Func {
	value := a.tensor("value")
	if value == nil {
		value = tensor.Scalar(float32(0))
	}
	if value.Len() != 1 {
		a.fail("a value of shape %v, want one element", value.Shape())
	}
	a.Result = value.Type()
	return func(c *Call) ([]*tensor.Tensor, error) {
		shape, err := shapeFrom(c.In[0])
		if err != nil {
			return nil, err
		}
		return c.picked(value, shape, make([]int, len(shape)), 0)
	}
}

// rangeOf counts from start by delta up to, without, limit. Floats are start + i·delta, rounded each.
func rangeOf(c *Call) ([]*tensor.Tensor, error) {
	for _, t := range c.In {
		if t.Len() != 1 {
			return nil, fmt.Errorf("start, limit or delta has shape %v, want one element", t.Shape())
		}
	}
	if c.In[0].Type() == tensor.Float32 {
		start, limit, delta := floatsOf(c.In[0])[0], floatsOf(c.In[1])[0], floatsOf(c.In[2])[0]
		steps := rounderUp(float32((limit - start) / delta))
		if steps != steps || steps > tensor.ElementsMax {
			return nil, fmt.Errorf("a range from %v to %v by %v", start, limit, delta)
		}
		out, y, err := c.floats([]int{int(max(steps, 0))})
		if err != nil {
			return nil, err
		}
		for i := range y {
			y[i] = start + float32(float32(i)*delta)
		}
		return one(out), nil
	}
	start, limit, delta := c.In[0].Ints()[0], c.In[1].Ints()[0], c.In[2].Ints()[0]
	n, err := rangeSteps(start, limit, delta)
	if err != nil {
		return nil, err
	}
	out, err := c.new(c.In[0].Type(), []int{n})
	if err != nil {
		return nil, err
	}
	setInts(out, func(i int) int64 { return start + int64(i)*delta })
	return one(out), nil
}

func rangeSteps(start, limit, delta int64) (int, error) {
	if delta == 0 {
		return 0, fmt.Errorf("a range by 0")
	}
	if (limit > start) != (delta > 0) || limit == start {
		return 0, nil
	}
	// Unsigned differences cannot overflow.
	span, step := uint64(limit)-uint64(start), uint64(delta)
	if delta < 0 {
		span, step = -span, -step
	}
	n := (span-1)/step + 1
	if n > tensor.ElementsMax {
		return 0, fmt.Errorf("a range of %d elements", n)
	}
	return int(n), nil
}

func eyeLike(a *Attrs) Func {
	k, kind := a.int("k", 0), a.elementType("dtype")
	if kind != 0 {
		a.Result = kind
	}
	return func(c *Call) ([]*tensor.Tensor, error) {
		x := c.In[0]
		if x.Rank() != 2 {
			return nil, fmt.Errorf("shape %v, want a matrix", x.Shape())
		}
		to := kind
		if to == 0 {
			to = x.Type()
		}
		at, err := c.indexes(x.Len())
		if err != nil {
			return nil, err
		}
		columns := x.Shape()[1]
		for i := range at {
			if int64(i%columns-i/columns) != k {
				at[i] = -1
			}
		}
		unit, err := c.convert(tensor.Scalar(true), to)
		if err != nil {
			return nil, err
		}
		return c.pick(unit, x.Shape(), at)
	}
}

// dropoutOld and dropout do nothing at inference; the mask is then all true.
func dropoutOld(a *Attrs) Func {
	a.float("ratio", 0.5)
	return dropped
}

func dropout(a *Attrs) Func {
	a.int("seed", 0)
	return func(c *Call) ([]*tensor.Tensor, error) {
		ratio := float32(0.5)
		if r := c.in(1); r != nil && r.Len() == 1 {
			ratio = floatsOf(r)[0]
		}
		if t := c.in(2); t != nil && ratio != 0 && slices.Contains(tensor.Values[bool](t), true) {
			return nil, errTraining()
		}
		return dropped(c)
	}
}

func dropped(c *Call) ([]*tensor.Tensor, error) {
	if c.Outs < 2 {
		return c.In[:1], nil
	}
	mask, err := c.new(tensor.Bool, c.In[0].Shape())
	if err != nil {
		return nil, err
	}
	v := tensor.Values[bool](mask)
	for i := range v {
		v[i] = true
	}
	return []*tensor.Tensor{c.In[0], mask}, nil
}
