package operator

import (
	"fmt"

	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// Functions of two elements, with broadcasting.

// A pairing says which elements of two tensors meet: runs of n, at whose starts a and b name an element of
// each; along a run an operand either goes on, or stays where its step is zero.
type pairing struct {
	shape        []int
	a, b         []int32
	n            int
	stepA, stepB int
}

func shapesError(a, b *tensor.Tensor) error {
	return fmt.Errorf("shapes %v and %v do not fit", a.Shape(), b.Shape())
}

// broadcast pairs the elements of two tensors, in runs as long as they go.
func (c *Call) broadcast(a, b *tensor.Tensor) (p pairing, err error) {
	if p.shape, err = tensor.Broadcast(a.Shape(), b.Shape()); err != nil {
		return p, err
	}
	stridesA, stridesB := tensor.BroadcastStrides(a.Shape(), p.shape), tensor.BroadcastStrides(b.Shape(), p.shape)
	outer := len(p.shape)
	p.n = 1
	for ; outer > 0; outer-- {
		d := outer - 1
		size, goA, goB := p.shape[d], stridesA[d], stridesB[d]
		switch {
		case size == 1:
			continue
		case p.n == 1: // the innermost dimension: each stride is 0 or 1
			p.stepA, p.stepB = goA, goB
		case goA != p.stepA*p.n || goB != p.stepB*p.n:
			return p, c.starts(&p, outer, stridesA, stridesB)
		}
		p.n *= size
	}
	return p, c.starts(&p, 0, stridesA, stridesB)
}

// starts lists where the runs begin, by the dimensions before outer.
func (c *Call) starts(p *pairing, outer int, stridesA, stridesB []int) (err error) {
	if p.a, err = c.offsets(p.shape[:outer], stridesA[:outer], 0); err != nil {
		return err
	}
	p.b, err = c.offsets(p.shape[:outer], stridesB[:outer], 0)
	return err
}

// zip applies f to the pairs.
func zip[A, B, R tensor.Element](c *Call, p pairing, a, b *tensor.Tensor, f func(A, B) R) ([]*tensor.Tensor, error) {
	out, err := c.new(tensor.TypeOf[R](), p.shape)
	if err != nil || out.Len() == 0 {
		return one(out), err
	}
	x, y, all := tensor.Values[A](a), tensor.Values[B](b), tensor.Values[R](out)
	for i := range p.a {
		left, right, r := x[p.a[i]:], y[p.b[i]:], all[i*p.n:][:p.n]
		switch {
		case p.stepA == 1 && p.stepB == 1:
			for j := range r {
				r[j] = f(left[j], right[j])
			}
		case p.stepA == 1:
			v := right[0]
			for j := range r {
				r[j] = f(left[j], v)
			}
		default: // the left one stays; so does the right one where its step is zero
			v := left[0]
			for j := range r {
				r[j] = f(v, right[j*p.stepB])
			}
		}
	}
	return one(out), nil
}

// zipFloats applies a function that kernel has for the path's registers: zip of kernel.DefineBinary.
func (c *Call) zipFloats(p pairing, a, b *tensor.Tensor, f kernel.Binary) ([]*tensor.Tensor, error) {
	out, y, err := c.floats(p.shape)
	if err != nil || len(y) == 0 {
		return one(out), err
	}
	left, right := floatsOf(a), floatsOf(b)
	for i := range p.a {
		x, z, r := left[p.a[i]:], right[p.b[i]:], y[i*p.n:][:p.n]
		switch {
		case p.stepA == 1 && p.stepB == 1:
			c.Path.Binary(f, r, x[:p.n], z[:p.n])
		case p.stepA == 1:
			c.Path.BinaryRight(f, r, x[:p.n], z[0])
		case p.stepB == 1:
			c.Path.BinaryLeft(f, r, x[0], z[:p.n])
		default: // both stay
			v := kernel.DefineBinary(f, x[0], z[0])
			for j := range r {
				r[j] = v
			}
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
	vector   *kernel.Binary // float, where kernel has it for the path's registers
}

// arithmeticOf makes one whose floats kernel knows.
func arithmeticOf(f kernel.Binary, signed func(a, b int64) int64, unsigned func(a, b uint64) uint64) arithmetic {
	return arithmetic{func(a, b float32) float32 { return kernel.DefineBinary(f, a, b) }, signed, unsigned, &f}
}

// apply computes one of two tensors of one type.
func (m arithmetic) apply(c *Call, a, b *tensor.Tensor) ([]*tensor.Tensor, error) {
	p, err := c.broadcast(a, b)
	if err != nil {
		return nil, err
	}
	switch a.Type() {
	case tensor.Float32:
		if m.vector != nil {
			return c.zipFloats(p, a, b, *m.vector)
		}
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
