package device

import (
	"slices"

	"github.com/aiwork/aiwork-node/compute/device/code"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// isByte says whether a value has elements of 8 bits, and some.
func isByte(v *value) bool {
	return v != nil && (v.kind == tensor.Uint8 || v.kind == tensor.Int8) && v.len() > 0
}

func signed(v *value) int { return flag(v.kind == tensor.Int8) }

// points gives zero points as whole numbers of 32 bits; nil where there are none.
func (c *call) points(v *value) (*value, int, error) {
	if v == nil {
		return nil, 0, nil
	}
	t, err := c.tensor(v)
	if err != nil {
		return nil, 0, err
	}
	list := make([]int32, t.Len())
	for i, n := range t.Ints() {
		list[i] = int32(n)
	}
	return c.local(tensor.Of([]int{len(list)}, list)), len(list), nil
}

// perIndex says whether zero points are one, or one for each of n indexes.
func perIndex(v *value, n int) bool {
	return v == nil || v.len() == 1 || len(v.shape) == 1 && v.len() == n
}

func matMulInteger(c *call) ([]*value, error) {
	return one(c.byteProduct(c.in[0], c.in[1], c.arg(2), c.arg(3)))
}

// byteProduct computes sums of products of bytes less their zero points.
func (c *call) byteProduct(a, b, zeroA, zeroB *value) (*value, error) {
	if !isByte(a) || !isByte(b) {
		return nil, errElsewhere
	}
	p, shape, err := stacked(a.shape, b.shape)
	stack := 1
	if err == nil {
		stack = tensor.Count(p.stack)
	}
	// Zero points go by the second last dimension of a and the last one of b, which are rows and columns only of matrices.
	if err != nil || stack > gridMax || p.m > gridMax || len(a.shape) < 2 || len(b.shape) < 2 || !perIndex(zeroA, p.m) || !perIndex(zeroB, p.n) {
		return nil, errElsewhere
	}
	za, nA, err := c.points(zeroA)
	if err != nil {
		return nil, err
	}
	zb, nB, err := c.points(zeroB)
	if err != nil {
		return nil, err
	}
	y, err := c.new(tensor.Int32, shape)
	if err != nil {
		return nil, err
	}
	w := newWalk(p.stack, p.startsA, p.startsB)
	list := words([]int{p.m, p.n, p.k, signed(a), signed(b), nA, nB})
	groups := [3]int{ceilDiv(p.n, code.FlatItems), p.m, stack}
	return y, c.launch("byte_gemm", groups, [3]int{code.FlatItems, 1, 1}, []*value{a, b, za, zb, y}, Arg{Words: list}, w.arg(0), w.arg(1))
}

func convInteger(c *call) ([]*value, error) {
	return one(c.byteConv(c.in[0], c.in[1], c.arg(2), c.arg(3)))
}

func (c *call) byteConv(x, weights, zeroX, zeroW *value) (*value, error) {
	if !isByte(x) || !isByte(weights) || zeroX != nil && zeroX.len() != 1 || !perIndex(zeroW, weights.shape[0]) {
		return nil, errElsewhere
	}
	w, shape, err := c.convWindow(x, weights)
	if err != nil || shape[0]*w.groups > gridMax || w.outs > gridMax {
		return nil, errElsewhere
	}
	zx, nX, err := c.points(zeroX)
	if err != nil {
		return nil, err
	}
	zw, nW, err := c.points(zeroW)
	if err != nil {
		return nil, err
	}
	y, err := c.new(tensor.Int32, shape)
	if err != nil {
		return nil, err
	}
	list := append(w.words(), words([]int{signed(x), signed(weights), nX, nW})...)
	groups := [3]int{ceilDiv(w.positions(), code.FlatItems), w.outs, shape[0] * w.groups}
	return y, c.launch("byte_conv", groups, [3]int{code.FlatItems, 1, 1}, []*value{x, weights, zx, zw, y}, Arg{Words: list})
}

// zero gives the only zero point of an input.
func (c *call) zero(i int) (int, error) {
	v := c.arg(i)
	if v == nil || v.len() != 1 {
		return 0, errElsewhere
	}
	t, err := c.tensor(v)
	if err != nil {
		return 0, err
	}
	return int(t.Ints()[0]), nil
}

// requantised gives sums as bytes; x, y and zero are the inputs with the scales of both and the zero point of the result.
func (c *call) requantised(sums, scales, bias *value, channels, plane, x, y, zero int) (*value, error) {
	scaleX, err := c.scalar(x)
	if err != nil {
		return nil, err
	}
	scaleY, err := c.scalar(y)
	if err != nil {
		return nil, err
	}
	z, err := c.zero(zero)
	if err != nil {
		return nil, err
	}
	out, err := c.new(c.in[zero].kind, sums.shape)
	if err != nil {
		return nil, err
	}
	n := sums.len()
	return out, c.flat(
		"requantise", n, []*value{sums, scales, bias, out}, intArg(n), intArg(plane), intArg(channels), intArg(scales.len()), intArg(flag(bias != nil)),
		floatArg(scaleX), floatArg(scaleY), intArg(z), intArg(signed(out)),
	)
}

func qLinearMatMul(c *call) ([]*value, error) {
	if len(c.in) != 8 || c.in[1].len() != 1 || c.in[4].len() != 1 || c.in[6].len() != 1 || c.in[7].len() != 1 {
		return nil, errElsewhere
	}
	sums, err := c.byteProduct(c.in[0], c.in[3], c.in[2], c.in[5])
	if err != nil {
		return nil, err
	}
	return one(c.requantised(sums, c.in[4], nil, 1, 1, 1, 6, 7))
}

func qLinearConv(c *call) ([]*value, error) {
	if len(c.in) < 8 || c.in[1].len() != 1 || c.in[2].len() != 1 || c.in[6].len() != 1 || c.in[7].len() != 1 || len(c.in[3].shape) < 3 {
		return nil, errElsewhere
	}
	outs, scales, bias := c.in[3].shape[0], c.in[4], c.arg(8)
	if len(scales.shape) > 1 || scales.len() != 1 && scales.len() != outs || bias != nil && bias.len() != outs {
		return nil, errElsewhere
	}
	sums, err := c.byteConv(c.in[0], c.in[3], c.in[2], c.in[5])
	if err != nil {
		return nil, err
	}
	return one(c.requantised(sums, scales, bias, outs, tensor.Count(sums.shape[2:]), 1, 6, 7))
}

// scales checks scales along an axis, and gives what quantise and dequantise want to know of them.
func (c *call) scales(x, scale, zero *value) ([]*value, []Arg, error) {
	if c.int("block_size", 0) != 0 || c.int("output_dtype", 0) != 0 || x.len() == 0 || zero != nil && zero.len() != scale.len() {
		return nil, nil, errElsewhere
	}
	inner := x.len()
	if scale.len() != 1 {
		d := axis(int64(c.int("axis", 1)), len(x.shape))
		if d < 0 || len(scale.shape) != 1 || scale.len() != x.shape[d] {
			return nil, nil, errElsewhere
		}
		inner = tensor.Count(x.shape[d+1:])
	}
	points, _, err := c.points(zero)
	if err != nil {
		return nil, nil, err
	}
	return []*value{x, scale, points}, []Arg{intArg(x.len()), intArg(inner), intArg(scale.len()), intArg(flag(zero != nil))}, nil
}

func quantizeLinear(c *call) ([]*value, error) {
	if !c.floats(2) {
		return nil, errElsewhere
	}
	kind := tensor.Uint8
	if z := c.arg(2); z != nil {
		kind = z.kind
	}
	if kind != tensor.Uint8 && kind != tensor.Int8 {
		return nil, errElsewhere
	}
	list, args, err := c.scales(c.in[0], c.in[1], c.arg(2))
	if err != nil {
		return nil, err
	}
	y, err := c.new(kind, c.in[0].shape)
	if err != nil {
		return nil, err
	}
	return one(y, c.flat("quantise", y.len(), append(slices.Clone(list), y), append(args, intArg(signed(y)))...))
}

func dequantizeLinear(c *call) ([]*value, error) {
	x := c.in[0]
	if !isByte(x) || c.in[1].kind != tensor.Float32 {
		return nil, errElsewhere
	}
	list, args, err := c.scales(x, c.in[1], c.arg(2))
	if err != nil {
		return nil, err
	}
	y, err := c.new(tensor.Float32, x.shape)
	if err != nil {
		return nil, err
	}
	return one(y, c.flat("dequantise", y.len(), append(slices.Clone(list), y), append(args, intArg(signed(x)))...))
}
