package operator

import (
	"fmt"
	"math"

	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// Arithmetic that floats and whole numbers share. Whole numbers wrap; a division by zero gives zero.

func integerOperators() []Operator {
	add := arithmeticOf(
		kernel.BinaryAdd,
		func(a, b int64) int64 { return a + b },
		func(a, b uint64) uint64 { return a + b },
	)
	sub := arithmeticOf(
		kernel.BinarySub,
		func(a, b int64) int64 { return a - b },
		func(a, b uint64) uint64 { return a - b },
	)
	mul := arithmeticOf(
		kernel.BinaryMul,
		func(a, b int64) int64 { return a * b },
		func(a, b uint64) uint64 { return a * b },
	)
	div := arithmeticOf(kernel.BinaryDiv, quotient[int64], quotient[uint64])
	largest := arithmeticOf(kernel.BinaryMax, greatest[int64], greatest[uint64])
	smallest := arithmeticOf(kernel.BinaryMin, least[int64], least[uint64])
	return []Operator{
		{"Add", 7, "n,n>n", plain(binary(add))},
		{"Sub", 7, "n,n>n", plain(binary(sub))},
		{"Mul", 7, "n,n>n", plain(binary(mul))},
		{"Div", 7, "n,n>n", plain(binary(div))},
		{"Mod", 10, "n,n>n", mod},
		{"Max", 6, "n*>n", plain(folded(largest))},
		{"Min", 6, "n*>n", plain(folded(smallest))},
		{"Sum", 6, "f*>f", plain(folded(add))},
		{"Mean", 6, "f*>f", plain(mean(folded(add)))},
		{"Neg", 6, "n>n", plain(signs(vectorised(kernel.UnaryNeg, 0, 0), func(x int64) int64 { return -x }))},
		{"Abs", 6, "n>n", plain(signs(vectorised(kernel.UnaryAbs, 0, 0), func(x int64) int64 { return max(x, -x) }))},
		{"Sign", 9, "n>n", plain(signs(unary(signOf), func(x int64) int64 { return int64(signOfInt(x)) }))},
		{"Relu", 6, "n>n", plain(signs(vectorised(kernel.UnaryRelu, 0, 0), func(x int64) int64 { return max(x, 0) }))},
		{"Clip", 6, "f>f", clipAttrs},
		{"Clip", 11, "n,n?,n?>n", plain(clipInputs)},
		{"BitShift", 11, "x,x>x", bitShift},
		{"BitwiseAnd", 18, "x,x>x", plain(binary(whole(func(a, b uint64) uint64 { return a & b })))},
		{"BitwiseOr", 18, "x,x>x", plain(binary(whole(func(a, b uint64) uint64 { return a | b })))},
		{"BitwiseXor", 18, "x,x>x", plain(binary(whole(func(a, b uint64) uint64 { return a ^ b })))},
		{"BitwiseNot", 18, "x>x", plain(func(c *Call) ([]*tensor.Tensor, error) {
			ones, err := c.convert(tensor.Scalar(int64(-1)), c.In[0].Type())
			if err != nil {
				return nil, err
			}
			return whole(func(a, b uint64) uint64 { return a ^ b }).apply(c, c.In[0], ones)
		})},
	}
}

// whole is an arithmetic of bits.
func whole(f func(a, b uint64) uint64) arithmetic {
	return arithmetic{nil, func(a, b int64) int64 { return int64(f(uint64(a), uint64(b))) }, f, nil}
}

// quotient rounds towards zero.
func quotient[E int64 | uint64](a, b E) E {
	if b == 0 {
		return 0
	}
	return a / b
}

func remainder[E int64 | uint64](a, b E) E {
	if b == 0 {
		return 0
	}
	return a % b
}

// modulo has the sign of b.
func modulo(a, b int64) int64 {
	r := remainder(a, b)
	if r != 0 && (r < 0) != (b < 0) {
		r += b
	}
	return r
}

func greatest[E int64 | uint64](a, b E) E { return max(a, b) }
func least[E int64 | uint64](a, b E) E    { return min(a, b) }

func signOf(x float32) float32 {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return x // zero and NaN
}

func signOfInt(x int64) int {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return 0
}

// mod is the remainder with the sign of the divisor, or with fmod=1 of the dividend. Both are exact.
func mod(a *Attrs) Func {
	floats := func(x, y float32) float32 {
		r := kernel.Canonical(float32(math.Mod(float64(x), float64(y))))
		if r != 0 && (r < 0) != (y < 0) {
			r += y
		}
		return r
	}
	if a.flag("fmod", false) {
		return binary(arithmetic{
			func(x, y float32) float32 { return kernel.Canonical(float32(math.Mod(float64(x), float64(y)))) },
			remainder[int64], remainder[uint64], nil,
		})
	}
	return binary(arithmetic{floats, modulo, remainder[uint64], nil})
}

func mean(sum Func) Func {
	return func(c *Call) ([]*tensor.Tensor, error) {
		out, err := sum(c)
		if err != nil {
			return nil, err
		}
		count := tensor.Scalar(float32(len(c.In)))
		p, err := c.broadcast(out[0], count)
		if err != nil {
			return nil, err
		}
		return c.zipFloats(p, out[0], count, kernel.BinaryDiv)
	}
}

// signs applies a function of one number; unsigned ones are taken for signed of twice the width and cut.
func signs(floats Func, signed func(int64) int64) Func {
	second := arithmetic{
		nil,
		func(x, _ int64) int64 { return signed(x) },
		func(x, _ uint64) uint64 {
			if x > math.MaxInt64 { // a uint64 that would look negative: its sign is +
				return x
			}
			return uint64(signed(int64(x)))
		},
		nil,
	}
	return func(c *Call) ([]*tensor.Tensor, error) {
		if c.In[0].Type() == tensor.Float32 {
			return floats(c)
		}
		return second.apply(c, c.In[0], c.In[0])
	}
}

func clipAttrs(a *Attrs) Func {
	low, high := a.float("min", -math.MaxFloat32), a.float("max", math.MaxFloat32)
	return vectorised(kernel.UnaryClip, low, high)
}

func clipInputs(c *Call) ([]*tensor.Tensor, error) {
	x := c.In[0]
	bounds := []arithmetic{
		arithmeticOf(kernel.BinaryMax, greatest[int64], greatest[uint64]),
		arithmeticOf(kernel.BinaryMin, least[int64], least[uint64]),
	}
	for i, m := range bounds {
		bound := c.in(i + 1)
		if bound == nil {
			continue
		}
		if bound.Len() != 1 {
			return nil, fmt.Errorf("a bound has shape %v, want one element", bound.Shape())
		}
		out, err := m.apply(c, x, bound.View(nil))
		if err != nil {
			return nil, err
		}
		x = out[0]
	}
	return one(x), nil
}

func bitShift(a *Attrs) Func {
	a.need("direction")
	left := a.choice("direction", "LEFT", "RIGHT") == "LEFT"
	return func(c *Call) ([]*tensor.Tensor, error) {
		width := uint64(8 * c.In[0].Type().Size())
		return whole(func(x, by uint64) uint64 {
			switch {
			case by >= width:
				return 0
			case left:
				return x << by
			}
			return x >> by
		}).apply(c, c.In[0], c.In[1])
	}
}

// powIntegers is x to the y for whole x. A y that is a float is cut to a whole number; a negative one gives
// what 1/x^|y| is when cut.
func powIntegers(c *Call, p pairing, x, y *tensor.Tensor) ([]*tensor.Tensor, error) {
	wide, err := c.convert(x, tensor.Int64)
	if err != nil {
		return nil, err
	}
	exponents, err := c.convert(y, tensor.Int64)
	if err != nil {
		return nil, err
	}
	out, err := zip(c, p, wide, exponents, powInt)
	if err != nil {
		return nil, err
	}
	back, err := c.convert(out[0], x.Type())
	return one(back), err
}

func powInt(x, y int64) int64 {
	switch {
	case y < 0 && x == -1:
		y = -y & 1
	case y < 0 && x != 1:
		return 0
	case y < 0:
		return 1
	}
	r := int64(1)
	for ; y > 0; y >>= 1 {
		if y&1 == 1 {
			r *= x
		}
		x *= x
	}
	return r
}
