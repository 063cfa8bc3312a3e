package operator

import (
	"fmt"

	"github.com/aiwork/aiwork-node/compute/tensor"
)

// Functions of two elements, with broadcasting.

// A pairing says which elements of two tensors meet; nil indexes mean all in order.
type pairing struct {
	shape []int
	a, b  []int32
}

func shapesError(a, b *tensor.Tensor) error {
	return fmt.Errorf("shapes %v and %v do not fit", a.Shape(), b.Shape())
}

// broadcast pairs the elements of two tensors.
func (c *Call) broadcast(a, b *tensor.Tensor) (p pairing, err error) {
	p.shape, err = tensor.Broadcast(a.Shape(), b.Shape())
	if err != nil {
		return p, err
	}
	if p.a, err = c.stretched(a, p.shape); err != nil {
		return p, err
	}
	p.b, err = c.stretched(b, p.shape)
	return p, err
}

// stretched lists the elements of t as seen in a shape to which it broadcasts; nil: all in order.
func (c *Call) stretched(t *tensor.Tensor, shape []int) ([]int32, error) {
	if t.Len() == tensor.Count(shape) {
		return nil, nil
	}
	if t.Len() == 1 { // all the same
		return c.indexes(tensor.Count(shape))
	}
	return c.offsets(shape, tensor.BroadcastStrides(t.Shape(), shape), 0)
}

// zip applies f to the pairs.
func zip[A, B, R tensor.Element](c *Call, p pairing, a, b *tensor.Tensor, f func(A, B) R) ([]*tensor.Tensor, error) {
	out, err := c.new(tensor.TypeOf[R](), p.shape)
	if err != nil {
		return nil, err
	}
	x, y, r := tensor.Values[A](a), tensor.Values[B](b), tensor.Values[R](out)
	switch {
	case p.a == nil && p.b == nil:
		for i := range r {
			r[i] = f(x[i], y[i])
		}
	case p.a == nil:
		for i := range r {
			r[i] = f(x[i], y[p.b[i]])
		}
	case p.b == nil:
		for i := range r {
			r[i] = f(x[p.a[i]], y[i])
		}
	default:
		for i := range r {
			r[i] = f(x[p.a[i]], y[p.b[i]])
		}
	}
	return one(out), nil
}

// An arithmetic is a function of two numbers for each kind of them. Signed numbers are widened to int64
// and the result is cut to their own width, unsigned ones to uint64.
type arithmetic struct {
	float    func(a, b float32) float32
	signed   func(a, b int64) int64
	unsigned func(a, b uint64) uint64
}

// apply computes one of two tensors of one type.
func (m arithmetic) apply(c *Call, a, b *tensor.Tensor) ([]*tensor.Tensor, error) {
	p, err := c.broadcast(a, b)
	if err != nil {
		return nil, err
	}
	switch a.Type() {
	case tensor.Float32:
		return zip(c, p, a, b, m.float)
	case tensor.Int8:
		return zip(c, p, a, b, narrow[int8](m.signed))
	case tensor.Int16:
		return zip(c, p, a, b, narrow[int16](m.signed))
	case tensor.Int32:
		return zip(c, p, a, b, narrow[int32](m.signed))
	case tensor.Int64:
		return zip(c, p, a, b, m.signed)
	case tensor.Uint8:
		return zip(c, p, a, b, narrowU[uint8](m.unsigned))
	case tensor.Uint16:
		return zip(c, p, a, b, narrowU[uint16](m.unsigned))
	case tensor.Uint32:
		return zip(c, p, a, b, narrowU[uint32](m.unsigned))
	}
	return zip(c, p, a, b, m.unsigned)
}

func narrow[E int8 | int16 | int32](f func(a, b int64) int64) func(a, b E) E {
	return func(a, b E) E { return E(f(int64(a), int64(b))) }
}

func narrowU[E uint8 | uint16 | uint32](f func(a, b uint64) uint64) func(a, b E) E {
	return func(a, b E) E { return E(f(uint64(a), uint64(b))) }
}

// binary is the operator of an arithmetic.
func binary(m arithmetic) Func {
	return func(c *Call) ([]*tensor.Tensor, error) { return m.apply(c, c.In[0], c.In[1]) }
}

// folded applies an arithmetic to any number of inputs, from the left.
func folded(m arithmetic) Func {
	return func(c *Call) ([]*tensor.Tensor, error) {
		acc := c.In[0]
		for _, next := range c.In[1:] {
			out, err := m.apply(c, acc, next)
			if err != nil {
				return nil, err
			}
			acc = out[0]
		}
		return one(acc), nil
	}
}

// compare gives the comparison of a name; others are for equality.
func compare[E tensor.Number](name string) func(a, b E) bool {
	switch name {
	case "Less":
		return func(a, b E) bool { return a < b }
	case "LessOrEqual":
		return func(a, b E) bool { return a <= b }
	case "Greater":
		return func(a, b E) bool { return a > b }
	case "GreaterOrEqual":
		return func(a, b E) bool { return a >= b }
	}
	return func(a, b E) bool { return a == b }
}

// comparison is the operator of that name.
func comparison(name string) Func {
	return func(c *Call) ([]*tensor.Tensor, error) {
		a, b := c.In[0], c.In[1]
		p, err := c.broadcast(a, b)
		if err != nil {
			return nil, err
		}
		switch a.Type() {
		case tensor.Float32:
			return zip(c, p, a, b, compare[float32](name))
		case tensor.Uint8:
			return zip(c, p, a, b, compare[uint8](name))
		case tensor.Int8:
			return zip(c, p, a, b, compare[int8](name))
		case tensor.Uint16:
			return zip(c, p, a, b, compare[uint16](name))
		case tensor.Int16:
			return zip(c, p, a, b, compare[int16](name))
		case tensor.Uint32:
			return zip(c, p, a, b, compare[uint32](name))
		case tensor.Int32:
			return zip(c, p, a, b, compare[int32](name))
		case tensor.Uint64:
			return zip(c, p, a, b, compare[uint64](name))
		case tensor.Int64:
			return zip(c, p, a, b, compare[int64](name))
		}
		return zip(c, p, a, b, func(x, y bool) bool { return x == y })
	}
}
