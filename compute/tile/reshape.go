package tile

import (
	"slices"

	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/soft"
)

// Operators about shapes, and those that make tensors of nothing.

func shapeEntries() []entry {
	return []entry{
		{"Reshape", 5, []int{1}, reshape},
		{"Flatten", 1, nil, flatten},
		{"Squeeze", 1, nil, func(c *call) (*Plan, error) { return squeeze(c, c.attrs.ints("axes")) }},
		{"Squeeze", 13, []int{1}, squeezeInputs},
		{"Unsqueeze", 1, nil, func(c *call) (*Plan, error) { return unsqueeze(c, c.attrs.ints("axes")) }},
		{"Unsqueeze", 13, []int{1}, unsqueezeInputs},
		{"Shape", 1, nil, shapeOperator},
		{"Size", 1, nil, size},
		{"Constant", 1, nil, constant},
		{"ConstantOfShape", 9, []int{0}, constantOfShape},
		{"Range", 11, []int{0, 1, 2}, rangeOf},
		{"EyeLike", 9, nil, eyeLike},
		{"Trilu", 14, []int{1}, trilu},
		{"OneHot", 9, []int{1}, oneHot},
	}
}

func reshape(c *call) (*Plan, error) {
	zeros := c.attrs.flag("allowzero", false)
	want, err := c.list(1)
	if err != nil {
		return nil, err
	}
	if !c.want(0, net.Int64) {
		return nil, FaultUnsupported
	}
	if len(want) > net.RankMax {
		return nil, FaultInvalid
	}
	x := c.in[0].shape
	shape, open := make([]int, len(want)), -1
	for i, n := range want {
		switch {
		case n == -1 && open < 0:
			open, shape[i] = i, 1
		case n == 0 && !zeros && i < len(x):
			shape[i] = x[i]
		case n < 0 || n > elementsMax || n == 0 && !zeros:
			return nil, FaultInvalid
		default:
			shape[i] = int(n)
		}
	}
	if !checkShape(shape) {
		return nil, FaultInvalid
	}
	if known := count(shape); open >= 0 && known > 0 {
		shape[open] = count(x) / known
	}
	return same(c, shape)
}

func flatten(c *call) (*Plan, error) {
	at := c.attrs.int("axis", 1)
	if !c.want(0) {
		return nil, FaultUnsupported
	}
	x := c.in[0].shape
	if at < 0 {
		at += int64(len(x))
	}
	if at < 0 || at > int64(len(x)) {
		return nil, FaultInvalid
	}
	return same(c, []int{count(x[:at]), count(x[at:])})
}

func squeezeInputs(c *call) (*Plan, error) {
	along, err := c.list(1)
	if err != nil {
		return nil, err
	}
	return squeeze(c, along)
}

// squeeze takes dimensions of 1 away: those of a list, or all where it is nil.
func squeeze(c *call, along []int64) (*Plan, error) {
	if !c.want(0) {
		return nil, FaultUnsupported
	}
	x := c.in[0].shape
	marked, ok := axes(along, len(x))
	if !ok {
		return nil, FaultInvalid
	}
	shape := []int{}
	for i, n := range x {
		switch {
		case marked[i] && n != 1:
			return nil, FaultInvalid
		case marked[i] || along == nil && n == 1:
		default:
			shape = append(shape, n)
		}
	}
	return same(c, shape)
}

func unsqueezeInputs(c *call) (*Plan, error) {
	along, err := c.list(1)
	if err != nil {
		return nil, err
	}
	return unsqueeze(c, along)
}

func unsqueeze(c *call, along []int64) (*Plan, error) {
	if !c.want(0) {
		return nil, FaultUnsupported
	}
	left := c.in[0].shape
	rank := len(left) + len(along)
	if rank > net.RankMax {
		return nil, FaultInvalid
	}
	marked, ok := axes(along, rank)
	if !ok {
		return nil, FaultInvalid
	}
	shape := make([]int, rank)
	for i := range shape {
		if shape[i] = 1; !marked[i] {
			shape[i], left = left[0], left[1:]
		}
	}
	return same(c, shape)
}

// fixed is a tensor that follows from shapes and attributes alone.
func fixed(kind net.Type, shape []int, value func(i int) uint64) (*Plan, error) {
	return each{kind: kind, shape: shape, value: func(i int, _ []uint64) uint64 { return value(i) }}.plan()
}

func shapeOperator(c *call) (*Plan, error) {
	start, end := c.attrs.int("start", 0), c.attrs.int("end", net.RankMax)
	if !c.want(0) {
		return nil, FaultUnsupported
	}
	x := c.in[0].shape
	plain := func(v int64) int {
		if v < 0 {
			v += int64(len(x))
		}
		return int(min(max(v, 0), int64(len(x))))
	}
	first := plain(start)
	n := max(0, plain(end)-first)
	return fixed(net.Int64, []int{n}, func(i int) uint64 { return uint64(x[first+i]) })
}

func size(c *call) (*Plan, error) {
	if !c.want(0) {
		return nil, FaultUnsupported
	}
	return fixed(net.Int64, nil, func(int) uint64 { return uint64(c.in[0].len()) })
}

func constant(c *call) (*Plan, error) {
	a := c.attrs
	switch {
	case a.has("value"):
		return inline(a.find("value", net.KindTensor))
	case a.has("value_float"):
		v := a.float("value_float", soft.Zero)
		return fixed(net.Float32, nil, func(int) uint64 { return uint64(v) })
	case a.has("value_int"):
		v := a.int("value_int", 0)
		return fixed(net.Int64, nil, func(int) uint64 { return uint64(v) })
	case a.has("value_floats"):
		if f := a.find("value_floats", net.KindFloats); f != nil {
			return fixed(net.Float32, []int{len(f.Floats)}, func(i int) uint64 { return uint64(f.Floats[i]) })
		}
	case a.has("value_ints"):
		v := a.ints("value_ints")
		return fixed(net.Int64, []int{len(v)}, func(i int) uint64 { return uint64(v[i]) })
	}
	return nil, FaultUnsupported
}

// inline is a tensor that is an attribute.
func inline(a *net.Attr) (*Plan, error) {
	if a == nil || a.Tensor == nil {
		return nil, FaultUnsupported
	}
	t := a.Tensor
	return fixed(t.Type, ints(t.Shape), func(i int) uint64 {
		v, _ := Word(t.Type, t.Bytes, i)
		return v
	})
}

func constantOfShape(c *call) (*Plan, error) {
	list, err := c.list(0)
	if err != nil {
		return nil, err
	}
	shape, ok := shapeOf(list)
	if !ok || !c.want(net.Int64) {
		return nil, FaultInvalid
	}
	if !c.attrs.has("value") {
		return fixed(net.Float32, shape, func(int) uint64 { return 0 })
	}
	p, err := inline(c.attrs.find("value", net.KindTensor))
	if err != nil {
		return nil, err
	}
	if count(p.Shape) != 1 {
		return nil, FaultInvalid
	}
	v, _ := Word(p.Type, c.attrs.find("value", net.KindTensor).Tensor.Bytes, 0)
	return fixed(p.Type, shape, func(int) uint64 { return v })
}

// one gives the single number of a parameter.
func (c *call) one(port int) (int64, error) {
	list, err := c.list(port)
	if err != nil {
		return 0, err
	}
	if len(list) != 1 {
		return 0, FaultInvalid
	}
	return list[0], nil
}

// rangeOf counts from start by delta up to, without, limit.
func rangeOf(c *call) (*Plan, error) {
	if !c.alike(3) || c.in[0].kind == net.Bool || c.in[0].kind == net.Uint64 {
		return nil, FaultUnsupported
	}
	var v [3]int64
	for i := range v {
		var err error
		if v[i], err = c.one(i); err != nil {
			return nil, err
		}
	}
	if c.in[0].kind == net.Float32 {
		start, limit, delta := soft.F32(v[0]), soft.F32(v[1]), soft.F32(v[2])
		steps := soft.Ceil(soft.Div(soft.Sub(limit, start), delta))
		n := soft.ToInt(steps, 0, elementsMax+1)
		if steps.IsNaN() || n > elementsMax {
			return nil, FaultInvalid
		}
		return fixed(net.Float32, []int{int(n)}, func(i int) uint64 {
			return uint64(soft.Add(start, soft.Mul(soft.FromInt(int64(i)), delta)))
		})
	}
	n, ok := rangeSteps(v[0], v[1], v[2])
	if !ok {
		return nil, FaultInvalid
	}
	return fixed(c.in[0].kind, []int{n}, func(i int) uint64 { return uint64(v[0] + int64(i)*v[2]) })
}

func rangeSteps(start, limit, delta int64) (int, bool) {
	if delta == 0 {
		return 0, false
	}
	if limit == start || (limit > start) != (delta > 0) {
		return 0, true
	}
	span, step := uint64(limit)-uint64(start), uint64(delta)
	if delta < 0 {
		span, step = -span, -step
	}
	n := (span-1)/step + 1
	return int(n), n <= elementsMax
}

func eyeLike(c *call) (*Plan, error) {
	k, kind := c.attrs.int("k", 0), net.Type(c.attrs.int("dtype", 0))
	if !c.want(0) {
		return nil, FaultUnsupported
	}
	if kind == 0 {
		kind = c.in[0].kind
	}
	x := c.in[0].shape
	if len(x) != 2 || kind.Size() == 0 {
		return nil, FaultInvalid
	}
	return fixed(kind, x, func(i int) uint64 {
		if int64(i%x[1]-i/x[1]) != k {
			return 0
		}
		return convert(net.Bool, kind, 1)
	})
}

func trilu(c *call) (*Plan, error) {
	upper, k := c.attrs.flag("upper", true), int64(0)
	if c.has(1) {
		var err error
		if k, err = c.one(1); err != nil {
			return nil, err
		}
	}
	if !c.want(0) {
		return nil, FaultUnsupported
	}
	x := c.in[0].shape
	if len(x) < 2 {
		return nil, FaultInvalid
	}
	k = min(max(k, -elementsMax), elementsMax)
	rows, columns := x[len(x)-2], x[len(x)-1]
	return moved(c, x, func(i int) int {
		over := int64(i%columns-i/columns%rows) - k
		if upper && over < 0 || !upper && over > 0 {
			return -1
		}
		return i
	})
}

func oneHot(c *call) (*Plan, error) {
	a := c.attrs.int("axis", -1)
	if !c.want(0, 0, 0) || c.in[0].kind == net.Bool || c.in[1].kind == net.Bool {
		return nil, FaultUnsupported
	}
	list, err := c.one(1)
	if err != nil {
		return nil, err
	}
	depth := int64(convert(c.in[1].kind, net.Int64, uint64(list)))
	where := c.in[0].shape
	along, ok := axis(a, len(where)+1)
	if !ok || depth < 0 || depth > elementsMax || len(c.in[2].shape) != 1 || c.in[2].len() != 2 {
		return nil, FaultInvalid
	}
	shape := slices.Concat(where[:along], []int{int(depth)}, where[along:])
	if !checkShape(shape) {
		return nil, FaultInvalid
	}
	inner, n, kind := count(where[along:]), int(depth), c.in[0].kind
	return each{
		kind: c.in[2].kind, shape: shape,
		reads: func(i int, read func(port, index int)) {
			read(0, i/inner/n*inner+i%inner)
			read(2, 0)
			read(2, 1)
		},
		value: func(i int, w []uint64) uint64 {
			index := int64(convert(kind, net.Int64, w[0]))
			if index < 0 {
				index += depth
			}
			if index == int64(i/inner%n) {
				return w[2]
			}
			return w[1]
		},
	}.plan()
}
