package tile

import (
	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/soft"
)

// Operators about shapes, and those that make tensors of nothing.

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
