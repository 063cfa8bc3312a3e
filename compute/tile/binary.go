package tile

import (
	"slices"

	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/soft"
)

// Functions of two elements, or of one of each input, with broadcasting.

// A function2 is one of two elements of a type, whose result is cut to that type by the caller.
type function2 func(kind net.Type, a, b uint64) uint64

func binaryEntries() []entry {
	list := []entry{
		{"Add", 7, nil, folded(add, 2)},
		{"Sub", 7, nil, folded(subtract, 2)},
		{"Mul", 7, nil, folded(multiplied, 2)},
		{"Div", 7, nil, folded(divided, 2)},
		{"Mod", 10, nil, mod},
		{"Pow", 7, nil, pow},
		{"Pow", 12, nil, pow},
		{"PRelu", 7, nil, prelu},
		{"Max", 6, nil, folded(larger, 0)},
		{"Min", 6, nil, folded(smaller, 0)},
		{"Sum", 6, nil, folded(add, 0)},
		{"Mean", 6, nil, mean},
		{"Where", 9, nil, where},
		{"BitShift", 11, nil, bitShift},
		{"BitwiseAnd", 18, nil, whole2(func(a, b uint64) uint64 { return a & b })},
		{"BitwiseOr", 18, nil, whole2(func(a, b uint64) uint64 { return a | b })},
		{"BitwiseXor", 18, nil, whole2(func(a, b uint64) uint64 { return a ^ b })},
		{"And", 7, nil, logical(func(a, b bool) bool { return a && b })},
		{"Or", 7, nil, logical(func(a, b bool) bool { return a || b })},
		{"Xor", 7, nil, logical(func(a, b bool) bool { return a != b })},
		{"Equal", 7, nil, comparison(equal)},
		{"Greater", 7, nil, comparison(func(k net.Type, a, b uint64) bool { return less(k, b, a) })},
		{"Less", 7, nil, comparison(less)},
		{"GreaterOrEqual", 12, nil, comparison(func(k net.Type, a, b uint64) bool { return less(k, b, a) || equal(k, a, b) })},
		{"LessOrEqual", 12, nil, comparison(func(k net.Type, a, b uint64) bool { return less(k, a, b) || equal(k, a, b) })},
	}
	return list
}

func add(k net.Type, a, b uint64) uint64 {
	if k == net.Float32 {
		return uint64(soft.Add(soft.F32(a), soft.F32(b)))
	}
	return a + b
}

func subtract(k net.Type, a, b uint64) uint64 {
	if k == net.Float32 {
		return uint64(soft.Sub(soft.F32(a), soft.F32(b)))
	}
	return a - b
}

func multiplied(k net.Type, a, b uint64) uint64 {
	if k == net.Float32 {
		return uint64(soft.Mul(soft.F32(a), soft.F32(b)))
	}
	return a * b
}

func divided(k net.Type, a, b uint64) uint64 {
	switch {
	case k == net.Float32:
		return uint64(soft.Div(soft.F32(a), soft.F32(b)))
	case b == 0:
		return 0
	case k == net.Uint64:
		return a / b
	}
	return uint64(int64(a) / int64(b))
}

func less(k net.Type, a, b uint64) bool {
	switch k {
	case net.Float32:
		return soft.Less(soft.F32(a), soft.F32(b))
	case net.Uint64:
		return a < b
	}
	return int64(a) < int64(b)
}

func equal(k net.Type, a, b uint64) bool {
	if k == net.Float32 {
		return soft.Equal(soft.F32(a), soft.F32(b))
	}
	return a == b
}

func larger(k net.Type, a, b uint64) uint64 {
	if k == net.Float32 {
		return uint64(soft.Max(soft.F32(a), soft.F32(b)))
	}
	if less(k, b, a) {
		return a
	}
	return b
}

func smaller(k net.Type, a, b uint64) uint64 {
	if k == net.Float32 {
		return uint64(soft.Min(soft.F32(a), soft.F32(b)))
	}
	if less(k, a, b) {
		return a
	}
	return b
}

// joined reads one element of each input, stretched to a common shape.
func joined(c *call, kind net.Type, value func(w []uint64) uint64) (*Plan, error) {
	if len(c.in) == 0 {
		return nil, FaultInvalid
	}
	shape, ok := c.in[0].shape, true
	for i := range c.in {
		if !c.has(i) {
			return nil, FaultUnsupported
		}
		if shape, ok = broadcast(shape, c.in[i].shape); !ok {
			return nil, FaultInvalid
		}
	}
	steps := make([][]int, len(c.in))
	for i := range c.in {
		steps[i] = stretched(c.in[i].shape, shape)
	}
	return each{
		kind: kind, shape: shape,
		reads: func(i int, read func(port, index int)) {
			for port := range steps {
				read(port, offset(i, shape, steps[port]))
			}
		},
		value: func(_ int, w []uint64) uint64 { return value(w) },
	}.plan()
}

// alike says whether all inputs are of one type, and so many if that is given.
func (c *call) alike(inputs int) bool {
	if len(c.in) == 0 || inputs > 0 && len(c.in) != inputs {
		return false
	}
	for i := range c.in {
		if !c.has(i) || c.in[i].kind != c.in[0].kind {
			return false
		}
	}
	return true
}

// folded applies a function from the left.
func folded(f function2, inputs int) func(c *call) (*Plan, error) {
	return func(c *call) (*Plan, error) {
		if !c.alike(inputs) || c.in[0].kind == net.Bool {
			return nil, FaultUnsupported
		}
		kind := c.in[0].kind
		return joined(c, kind, func(w []uint64) uint64 {
			acc := w[0]
			for _, v := range w[1:] {
				acc = cut(kind, f(kind, acc, v))
			}
			return acc
		})
	}
}

func mean(c *call) (*Plan, error) {
	if !c.alike(0) || c.in[0].kind != net.Float32 {
		return nil, FaultUnsupported
	}
	return joined(c, net.Float32, func(w []uint64) uint64 {
		acc := w[0]
		for _, v := range w[1:] {
			acc = add(net.Float32, acc, v)
		}
		return uint64(soft.Div(soft.F32(acc), soft.FromInt(int64(len(w)))))
	})
}

func comparison(f func(k net.Type, a, b uint64) bool) func(c *call) (*Plan, error) {
	return func(c *call) (*Plan, error) {
		if !c.alike(2) {
			return nil, FaultUnsupported
		}
		kind := c.in[0].kind
		return joined(c, net.Bool, func(w []uint64) uint64 { return truth(f(kind, w[0], w[1])) })
	}
}

func logical(f func(a, b bool) bool) func(c *call) (*Plan, error) {
	return func(c *call) (*Plan, error) {
		if !c.alike(2) || c.in[0].kind != net.Bool {
			return nil, FaultUnsupported
		}
		return joined(c, net.Bool, func(w []uint64) uint64 { return truth(f(w[0] != 0, w[1] != 0)) })
	}
}

func whole2(f func(a, b uint64) uint64) func(c *call) (*Plan, error) {
	return func(c *call) (*Plan, error) {
		if !c.alike(2) || c.in[0].kind == net.Bool || c.in[0].kind == net.Float32 {
			return nil, FaultUnsupported
		}
		kind := c.in[0].kind
		return joined(c, kind, func(w []uint64) uint64 { return cut(kind, f(w[0], w[1])) })
	}
}

func bitShift(c *call) (*Plan, error) {
	left := c.attrs.text("direction", "LEFT", "RIGHT") == "LEFT"
	if !c.want(0, 0) {
		return nil, FaultUnsupported
	}
	kind := c.in[0].kind
	if kind != net.Uint8 && kind != net.Uint16 && kind != net.Uint32 && kind != net.Uint64 {
		return nil, FaultUnsupported
	}
	width := uint64(8 * kind.Size())
	return whole2(func(x, by uint64) uint64 {
		switch {
		case by >= width:
			return 0
		case left:
			return x << by
		}
		return x >> by
	})(c)
}

// mod has the sign of the divisor, or with fmod = 1 of the dividend.
func mod(c *call) (*Plan, error) {
	dividend := c.attrs.flag("fmod", false)
	return folded(func(k net.Type, a, b uint64) uint64 {
		switch {
		case k == net.Float32:
			r := soft.Mod(soft.F32(a), soft.F32(b))
			if !dividend && !r.IsZero() && !r.IsNaN() && soft.Less(r, soft.Zero) != soft.Less(soft.F32(b), soft.Zero) {
				r = soft.Add(r, soft.F32(b))
			}
			return uint64(r)
		case b == 0:
			return 0
		case k == net.Uint64:
			return a % b
		}
		r := int64(a) % int64(b)
		if !dividend && r != 0 && (r < 0) != (int64(b) < 0) {
			r += int64(b)
		}
		return uint64(r)
	}, 2)(c)
}

func pow(c *call) (*Plan, error) {
	if !c.want(0, 0) || len(c.in) != 2 || c.in[0].kind == net.Bool || c.in[1].kind == net.Bool {
		return nil, FaultUnsupported
	}
	base, exponent := c.in[0].kind, c.in[1].kind
	return joined(c, base, func(w []uint64) uint64 {
		if base == net.Float32 {
			return uint64(soft.Pow(soft.F32(w[0]), soft.F32(convert(exponent, net.Float32, w[1]))))
		}
		return cut(base, uint64(powInt(int64(w[0]), int64(convert(exponent, net.Int64, w[1])))))
	})
}

func powInt(x, y int64) int64 {
	switch {
	case y < 0 && x == 1:
		return 1
	case y < 0 && x == -1:
		y = -y & 1
	case y < 0:
		return 0
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

func prelu(c *call) (*Plan, error) {
	if !c.alike(2) || c.in[0].kind != net.Float32 {
		return nil, FaultUnsupported
	}
	shape, ok := broadcast(c.in[0].shape, c.in[1].shape)
	if !ok || count(shape) != c.in[0].len() {
		return nil, FaultInvalid
	}
	return joined(c, net.Float32, func(w []uint64) uint64 {
		if soft.Less(soft.F32(w[0]), soft.Zero) {
			return uint64(soft.Mul(soft.F32(w[1]), soft.F32(w[0])))
		}
		return w[0]
	})
}

func where(c *call) (*Plan, error) {
	if !c.want(net.Bool, 0, 0) || len(c.in) != 3 || c.in[1].kind != c.in[2].kind {
		return nil, FaultUnsupported
	}
	return joined(c, c.in[1].kind, func(w []uint64) uint64 {
		if w[0] != 0 {
			return w[1]
		}
		return w[2]
	})
}

// batchNorm is that of inference: fma(x, scale, shift), with scale and shift of the channel's four numbers.
func batchNorm(c *call) (*Plan, error) {
	epsilon := c.attrs.float("epsilon", 0x3727c5ac)
	c.attrs.float("momentum", 0)
	training := c.opset >= 14 && c.attrs.flag("training_mode", false)
	spatial := c.opset >= 14 || c.attrs.flag("spatial", true)
	if !c.alike(5) || c.in[0].kind != net.Float32 || training || !spatial || c.out != 0 || len(c.op.Outs) != 1 {
		return nil, FaultUnsupported
	}
	x := c.in[0].shape
	if len(x) < 2 {
		return nil, FaultInvalid
	}
	for _, v := range c.in[1:] {
		if !slices.Equal(v.shape, x[1:2]) {
			return nil, FaultInvalid
		}
	}
	plane := max(count(x[2:]), 1)
	return each{
		kind: net.Float32, shape: x,
		reads: func(i int, read func(port, index int)) {
			read(0, i)
			for port := 1; port <= 4; port++ {
				read(port, i/plane%x[1])
			}
		},
		value: func(_ int, w []uint64) uint64 {
			gamma, beta, middle, variance := soft.F32(w[1]), soft.F32(w[2]), soft.F32(w[3]), soft.F32(w[4])
			scale := soft.Div(gamma, soft.Sqrt(soft.Add(variance, epsilon)))
			shift := soft.FMA(middle.Neg(), scale, beta)
			return uint64(soft.FMA(soft.F32(w[0]), scale, shift))
		},
	}.plan()
}
