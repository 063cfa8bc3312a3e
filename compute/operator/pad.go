package operator

import (
	"fmt"

	"github.com/aiwork/aiwork-node/compute/tensor"
)

func padAttrs(a *Attrs) Func {
	a.need("pads")
	pads, value := a.ints("pads"), a.float("value", 0)
	mode := padMode(a)
	return func(c *Call) ([]*tensor.Tensor, error) {
		return c.pad(pads, nil, tensor.Scalar(value), mode)
	}
}

func padInputs(a *Attrs) Func {
	mode := padMode(a)
	return func(c *Call) ([]*tensor.Tensor, error) {
		pads, err := vector(c.In[1], "paddings")
		if err != nil {
			return nil, err
		}
		var axes []int64
		if t := c.in(3); t != nil {
			if axes, err = vector(t, "axes"); err != nil {
				return nil, err
			}
		}
		return c.pad(pads, axes, c.in(2), mode)
	}
}

func padMode(a *Attrs) string { return a.choice("mode", "constant", "reflect", "edge", "wrap") }

// pad surrounds the first input. Negative paddings cut away; nil axes are all.
func (c *Call) pad(pads, axes []int64, value *tensor.Tensor, mode string) ([]*tensor.Tensor, error) {
	x := c.In[0]
	if axes == nil {
		for i := range x.Rank() {
			axes = append(axes, int64(i))
		}
	}
	if _, err := axesOf(axes, x.Rank()); err != nil {
		return nil, err
	}
	if len(pads) != 2*len(axes) {
		return nil, fmt.Errorf("%d paddings of %d axes", len(pads), len(axes))
	}
	shape, before := make([]int, x.Rank()), make([]int, x.Rank())
	copy(shape, x.Shape())
	for i, a := range axes {
		axis, _ := axisOf(a, x.Rank())
		low, high := pads[i], pads[len(axes)+i]
		if min(low, high) < -tensor.ElementsMax || max(low, high) > tensor.ElementsMax {
			return nil, fmt.Errorf("paddings %v", pads)
		}
		before[axis] = int(low)
		shape[axis] += int(low) + int(high)
		if mode != "constant" && x.Shape()[axis] == 0 && shape[axis] > 0 {
			return nil, fmt.Errorf("padding of an empty axis %d by %s", axis, mode)
		}
	}
	if mode == "constant" {
		return c.padConstant(x, before, shape, value)
	}
	at, err := c.padIndexes(x.Shape(), before, shape, mode)
	if err != nil {
		return nil, err
	}
	return c.pick(x, shape, at)
}

// padConstant moves what is left of x into a tensor that is filled with the value; nil is zero.
func (c *Call) padConstant(x *tensor.Tensor, before, shape []int, value *tensor.Tensor) ([]*tensor.Tensor, error) {
	if err := tensor.CheckShape(shape); err != nil {
		return nil, err
	}
	if value != nil && value.Len() != 1 {
		return nil, fmt.Errorf("the value has shape %v, want one element", value.Shape())
	}
	out, err := c.new(x.Type(), shape)
	if err != nil {
		return nil, err
	}
	to, from := tensor.Layout{Strides: tensor.Strides(shape)}, tensor.Layout{Strides: tensor.Strides(x.Shape())}
	if value != nil {
		out.Move(shape, to, value, tensor.Layout{Strides: make([]int, len(shape))})
	}
	kept := make([]int, len(shape))
	for i, b := range before {
		first, cut := max(b, 0), max(-b, 0)
		kept[i] = max(0, min(x.Shape()[i]-cut, shape[i]-first))
		to.Start += first * to.Strides[i]
		from.Start += cut * from.Strides[i]
	}
	out.Move(kept, to, x, from)
	return one(out), c.Budget.Spend(out.Len())
}

// padIndexes lists where each element of a padded shape comes from; -1 is nowhere.
func (c *Call) padIndexes(own, before, shape []int, mode string) ([]int32, error) {
	if err := tensor.CheckShape(shape); err != nil {
		return nil, err
	}
	at := []int32{0}
	strides := tensor.Strides(own)
	for axis, n := range shape {
		next, err := c.indexes(len(at) * n)
		if err != nil {
			return nil, err
		}
		for k := range n {
			from := padSource(k-before[axis], own[axis], mode)
			for j, first := range at {
				if from < 0 || first < 0 {
					next[j*n+k] = -1
				} else {
					next[j*n+k] = first + int32(from*strides[axis])
				}
			}
		}
		at = next
	}
	return at, nil
}

// padSource gives the index under position i of an axis of n elements, -1 for none.
func padSource(i, n int, mode string) int {
	if i >= 0 && i < n {
		return i
	}
	switch mode {
	case "edge":
		return min(max(i, 0), n-1)
	case "reflect":
		if n == 1 {
			return 0
		}
		period := 2 * (n - 1)
		i = ((i % period) + period) % period
		return min(i, period-i)
	case "wrap":
		return ((i % n) + n) % n
	}
	return -1
}
