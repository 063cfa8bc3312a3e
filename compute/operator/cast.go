package operator

import (
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// Conversions between types. Rules: a float becomes a whole number by cutting towards zero, then by
// saturation at the ends of the type; NaN becomes 0. A whole number becomes a narrower one by its low
// bits, and a float by rounding to nearest even. Bool is whether it differs from zero, or 0 and 1.

// convert gives t's elements as another type; t itself if it has it.
func (c *Call) convert(t *tensor.Tensor, kind tensor.Type) (*tensor.Tensor, error) {
	if t.Type() == kind {
		return t, nil
	}
	out, err := c.new(kind, t.Shape())
	if err != nil {
		return nil, err
	}
	switch t.Type() {
	case tensor.Float32:
		fromFloats(out, floatsOf(t))
	case tensor.Bool:
		fromBools(out, tensor.Values[bool](t))
	case tensor.Uint64:
		fromInts(out, tensor.Values[uint64](t))
	default:
		fromInts(out, t.Ints())
	}
	return out, nil
}

func fromFloats(out *tensor.Tensor, x []float32) {
	switch out.Type() {
	case tensor.Bool:
		y := tensor.Values[bool](out)
		for i, v := range x {
			y[i] = v != 0
		}
	case tensor.Uint64:
		y := tensor.Values[uint64](out)
		for i, v := range x {
			y[i] = saturateU64(v)
		}
	default:
		low, high := limits(out.Type())
		setInts(out, func(i int) int64 { return saturate(x[i], low, high) })
	}
}

func fromInts[E int64 | uint64](out *tensor.Tensor, x []E) {
	switch out.Type() {
	case tensor.Float32:
		y := floatsOf(out)
		for i, v := range x {
			y[i] = float32(v)
		}
	case tensor.Bool:
		y := tensor.Values[bool](out)
		for i, v := range x {
			y[i] = v != 0
		}
	default:
		setInts(out, func(i int) int64 { return int64(x[i]) })
	}
}

func fromBools(out *tensor.Tensor, x []bool) {
	if out.Type() == tensor.Float32 {
		y := floatsOf(out)
		for i, v := range x {
			if v {
				y[i] = 1
			}
		}
		return
	}
	setInts(out, func(i int) int64 {
		if x[i] {
			return 1
		}
		return 0
	})
}

// setInts sets the elements of a tensor of whole numbers to the low bits of f(0), f(1), ...
func setInts(t *tensor.Tensor, f func(i int) int64) {
	switch t.Type() {
	case tensor.Uint8:
		setEach(tensor.Values[uint8](t), f)
	case tensor.Int8:
		setEach(tensor.Values[int8](t), f)
	case tensor.Uint16:
		setEach(tensor.Values[uint16](t), f)
	case tensor.Int16:
		setEach(tensor.Values[int16](t), f)
	case tensor.Uint32:
		setEach(tensor.Values[uint32](t), f)
	case tensor.Int32:
		setEach(tensor.Values[int32](t), f)
	case tensor.Uint64:
		setEach(tensor.Values[uint64](t), f)
	case tensor.Int64:
		setEach(tensor.Values[int64](t), f)
	}
}

func setEach[E tensor.Integer](y []E, f func(i int) int64) {
	for i := range y {
		y[i] = E(f(i))
	}
}

// limits gives the least and greatest number of a type of whole numbers, as far as int64 goes.
func limits(kind tensor.Type) (low, high int64) {
	switch kind {
	case tensor.Uint8:
		return 0, 1<<8 - 1
	case tensor.Int8:
		return -1 << 7, 1<<7 - 1
	case tensor.Uint16:
		return 0, 1<<16 - 1
	case tensor.Int16:
		return -1 << 15, 1<<15 - 1
	case tensor.Uint32:
		return 0, 1<<32 - 1
	case tensor.Int32:
		return -1 << 31, 1<<31 - 1
	case tensor.Uint64:
		return 0, 1<<63 - 1
	}
	return -1 << 63, 1<<63 - 1
}

// saturate cuts v to a whole number between low and high; NaN gives 0.
func saturate(v float32, low, high int64) int64 {
	switch {
	case v != v:
		return 0
	case v >= 1<<63:
		return high
	case v <= -1<<63:
		return low
	}
	return min(max(int64(v), low), high)
}

func saturateU64(v float32) uint64 {
	switch {
	case !(v > 0):
		return 0
	case v >= 1<<64:
		return 1<<64 - 1
	}
	if v >= 1<<63 {
		return uint64(int64(v-1<<63)) + 1<<63
	}
	return uint64(int64(v))
}

func cast(a *Attrs) Func {
	a.need("to")
	kind := a.elementType("to")
	a.int("saturate", 1) // about types of 8 bits only
	a.text("round_mode", "up")
	a.Result = kind
	return func(c *Call) ([]*tensor.Tensor, error) {
		out, err := c.convert(c.In[0], kind)
		return one(out), err
	}
}

func castLike(a *Attrs) Func {
	a.int("saturate", 1)
	a.text("round_mode", "up")
	return func(c *Call) ([]*tensor.Tensor, error) {
		out, err := c.convert(c.In[0], c.In[1].Type())
		return one(out), err
	}
}
