package operator

import (
	"math"

	"github.com/aiwork/aiwork-node/compute/tensor"
)

func logicOperators() []Operator {
	list := []Operator{
		{"Not", 1, "b>b", plain(func(c *Call) ([]*tensor.Tensor, error) {
			return logical(c, c.In[0], c.In[0], func(a, _ bool) bool { return !a })
		})},
		{"IsNaN", 9, "f>b", plain(test(func(x float32) bool { return x != x }))},
		{"IsInf", 10, "f>b", isInf},
		{"Where", 9, "b,a,a>a", plain(where)},
	}
	for _, o := range []struct {
		name      string
		since     int
		signature string
	}{
		{"Equal", 7, "a,a>b"},
		{"Greater", 7, "n,n>b"},
		{"Less", 7, "n,n>b"},
		{"GreaterOrEqual", 12, "n,n>b"},
		{"LessOrEqual", 12, "n,n>b"},
	} {
		list = append(list, Operator{o.name, o.since, o.signature, plain(comparison(o.name))})
	}
	for _, l := range []struct {
		name string
		f    func(a, b bool) bool
	}{
		{"And", func(a, b bool) bool { return a && b }},
		{"Or", func(a, b bool) bool { return a || b }},
		{"Xor", func(a, b bool) bool { return a != b }},
	} {
		list = append(list, Operator{l.name, 7, "b,b>b", plain(func(c *Call) ([]*tensor.Tensor, error) {
			return logical(c, c.In[0], c.In[1], l.f)
		})})
	}
	return list
}

func logical(c *Call, a, b *tensor.Tensor, f func(a, b bool) bool) ([]*tensor.Tensor, error) {
	p, err := c.broadcast(a, b)
	if err != nil {
		return nil, err
	}
	return zip(c, p, a, b, f)
}

func test(f func(float32) bool) Func {
	return func(c *Call) ([]*tensor.Tensor, error) {
		p, err := c.broadcast(c.In[0], c.In[0])
		if err != nil {
			return nil, err
		}
		return zip(c, p, c.In[0], c.In[0], func(x, _ float32) bool { return f(x) })
	}
}

func isInf(a *Attrs) Func {
	negative, positive := a.flag("detect_negative", true), a.flag("detect_positive", true)
	return test(func(x float32) bool {
		return positive && math.IsInf(float64(x), 1) || negative && math.IsInf(float64(x), -1)
	})
}

// where takes elements of the second input where the first is true, of the third elsewhere.
func where(c *Call) ([]*tensor.Tensor, error) {
	which, x, y := c.In[0], c.In[1], c.In[2]
	shape, err := tensor.Broadcast(x.Shape(), y.Shape())
	if err != nil {
		return nil, err
	}
	if shape, err = tensor.Broadcast(shape, which.Shape()); err != nil {
		return nil, err
	}
	n := tensor.Count(shape)
	choose, err := c.offsets(shape, tensor.BroadcastStrides(which.Shape(), shape), 0)
	if err != nil {
		return nil, err
	}
	out, err := c.new(x.Type(), shape)
	if err != nil {
		return nil, err
	}
	for side, from := range []*tensor.Tensor{x, y} {
		at, err := c.offsets(shape, tensor.BroadcastStrides(from.Shape(), shape), 0)
		if err != nil {
			return nil, err
		}
		flags := tensor.Values[bool](which)
		for i := range n {
			if flags[choose[i]] != (side == 0) {
				at[i] = -1
			}
		}
		out.Pick(from, at)
	}
	return one(out), nil
}
