package device

import (
	"fmt"
	"slices"

	"github.com/aiwork/aiwork-node/compute/tensor"
)

// What moves elements without looking at them, what gives a value another shape, and what asks for its shape.

// seen gives the first input under another shape, without moving anything.
func (c *call) seen(shape []int) ([]*value, error) {
	x := c.in[0]
	if tensor.CheckShape(shape) != nil || tensor.Count(shape) != x.len() {
		return nil, errElsewhere
	}
	v := x.view(shape)
	c.stats.Views++
	c.stats.DeviceOps--
	return []*value{v}, nil
}

func identity(c *call) ([]*value, error) { return c.seen(c.in[0].shape) }

// told gives a tensor that needs no elements of the inputs, so that these stay where they are.
func (c *call) told(t *tensor.Tensor) ([]*value, error) {
	c.stats.Views++
	c.stats.DeviceOps--
	return []*value{hostValue(t)}, nil
}

func shapeOf(c *call) ([]*value, error) {
	shape := c.in[0].shape
	place := func(n int) int {
		if n < 0 {
			n += len(shape)
		}
		return min(max(n, 0), len(shape))
	}
	first, last := place(c.int("start", 0)), place(c.int("end", len(shape)))
	list := make([]int64, 0, len(shape))
	for _, n := range shape[first:max(first, last)] {
		list = append(list, int64(n))
	}
	return c.told(tensor.Of([]int{len(list)}, list))
}

func sizeOf(c *call) ([]*value, error) { return c.told(tensor.Scalar(int64(c.in[0].len()))) }

func reshape(c *call) ([]*value, error) {
	want, err := c.list(1)
	if err != nil {
		return nil, err
	}
	x, zeros, open := c.in[0], c.int("allowzero", 0) != 0, -1
	shape := make([]int, len(want))
	for d, n := range want {
		switch {
		case n == -1 && open < 0:
			open, shape[d] = d, 1
		case n == 0 && !zeros && d < len(x.shape):
			shape[d] = x.shape[d]
		case n < 1 || n > tensor.ElementsMax:
			return nil, errElsewhere
		default:
			shape[d] = int(n)
		}
	}
	if tensor.CheckShape(shape) != nil || tensor.Count(shape) == 0 {
		return nil, errElsewhere
	}
	if open >= 0 {
		shape[open] = x.len() / tensor.Count(shape)
	}
	return c.seen(shape)
}

func flatten(c *call) ([]*value, error) {
	x := c.in[0]
	first := c.int("axis", 1)
	if first < 0 {
		first += len(x.shape)
	}
	if first < 0 || first > len(x.shape) {
		return nil, errElsewhere
	}
	return c.seen([]int{tensor.Count(x.shape[:first]), tensor.Count(x.shape[first:])})
}

// axes gives the axes of the attribute or of the second input; nil where there are none.
func (c *call) axes() ([]int64, error) {
	if c.arg(1) == nil {
		return c.ints("axes"), nil
	}
	list, err := c.list(1)
	if list == nil && err == nil {
		list = []int64{}
	}
	return list, err
}

func squeeze(c *call) ([]*value, error) {
	list, err := c.axes()
	if err != nil {
		return nil, err
	}
	x := c.in[0]
	marked, ok := marks(list, len(x.shape))
	if !ok {
		return nil, errElsewhere
	}
	var shape []int
	for d, n := range x.shape {
		switch {
		case marked[d] && n != 1:
			return nil, errElsewhere
		case marked[d] || list == nil && n == 1:
		default:
			shape = append(shape, n)
		}
	}
	return c.seen(shape)
}

func unsqueeze(c *call) ([]*value, error) {
	list, err := c.axes()
	if err != nil {
		return nil, err
	}
	left := c.in[0].shape
	marked, ok := marks(list, len(left)+len(list))
	if !ok {
		return nil, errElsewhere
	}
	shape := make([]int, len(marked))
	for d := range shape {
		if marked[d] {
			shape[d] = 1
			continue
		}
		shape[d], left = left[0], left[1:]
	}
	return c.seen(shape)
}

// move copies the elements of a shape from one place to another.
func (c *call) move(x, y *value, shape, from, to []int, start, place int) error {
	w := newWalk(shape, from, to)
	n := tensor.Count(shape)
	kernel := fmt.Sprintf("move_%d", 8*x.kind.Size())
	return c.flat(kernel, n, []*value{x, y}, intArg(n), intArg(start), intArg(place), w.arg(0), w.arg(1))
}

// picked gives the value of some shape whose elements are x's at strides.
func (c *call) picked(x *value, shape, strides []int, start int) (*value, error) {
	y, err := c.new(x.kind, shape)
	if err != nil {
		return nil, err
	}
	return y, c.move(x, y, shape, strides, tensor.Strides(shape), start, 0)
}

func transpose(c *call) ([]*value, error) {
	x := c.in[0]
	order := c.ints("perm")
	if order == nil {
		for d := range x.shape {
			order = append(order, int64(len(x.shape)-1-d))
		}
	}
	if _, ok := marks(order, len(x.shape)); !ok || len(order) != len(x.shape) {
		return nil, errElsewhere
	}
	own := tensor.Strides(x.shape)
	var shape, strides []int
	for _, a := range order {
		d := axis(a, len(x.shape))
		shape, strides = append(shape, x.shape[d]), append(strides, own[d])
	}
	return one(c.picked(x, shape, strides, 0))
}

func concat(c *call) ([]*value, error) {
	first := c.in[0]
	along := axis(int64(c.int("axis", 0)), len(first.shape))
	if along < 0 {
		return nil, errElsewhere
	}
	shape := slices.Clone(first.shape)
	shape[along] = 0
	for _, p := range c.in {
		if p == nil || len(p.shape) != len(shape) || p.kind != first.kind {
			return nil, errElsewhere
		}
		for d, n := range p.shape {
			if d != along && n != shape[d] {
				return nil, errElsewhere
			}
		}
		shape[along] += p.shape[along]
	}
	y, err := c.new(first.kind, shape)
	if err != nil {
		return nil, err
	}
	strides, place := tensor.Strides(shape), 0
	for _, p := range c.in {
		if p.len() > 0 {
			if err := c.move(p, y, p.shape, tensor.Strides(p.shape), strides, 0, place); err != nil {
				return nil, err
			}
		}
		place += p.shape[along] * strides[along]
	}
	return []*value{y}, nil
}

// split cuts along an axis into parts of given sizes, or else of nearly equal ones.
func split(c *call) ([]*value, error) {
	x := c.in[0]
	along := axis(int64(c.int("axis", 0)), len(x.shape))
	if along < 0 {
		return nil, errElsewhere
	}
	sizes := c.ints("split")
	if c.arg(1) != nil {
		var err error
		if sizes, err = c.list(1); err != nil {
			return nil, err
		}
	}
	length, parts := x.shape[along], c.int("num_outputs", c.outs)
	if sizes == nil {
		each := ceilDiv(length, max(parts, 1))
		for i := range parts {
			sizes = append(sizes, int64(min(each, max(0, length-i*each))))
		}
	}
	total := int64(0)
	for _, n := range sizes {
		if n < 1 || n > int64(length) {
			return nil, errElsewhere
		}
		total += n
	}
	if total != int64(length) || len(sizes) != c.outs {
		return nil, errElsewhere
	}
	var outs []*value
	strides, start := tensor.Strides(x.shape), 0
	for _, n := range sizes {
		shape := slices.Clone(x.shape)
		shape[along] = int(n)
		y, err := c.picked(x, shape, strides, start*strides[along])
		if err != nil {
			return nil, err
		}
		outs, start = append(outs, y), start+int(n)
	}
	return outs, nil
}

// slice has its lists as attributes, or as inputs.
func slice(c *call) ([]*value, error) {
	starts, ends, axes := c.ints("starts"), c.ints("ends"), c.ints("axes")
	var steps []int64
	if len(c.in) > 1 {
		for i, list := range []*[]int64{&starts, &ends, &axes, &steps} {
			var err error
			if *list, err = c.list(i + 1); err != nil {
				return nil, err
			}
		}
	}
	x := c.in[0]
	if axes == nil {
		for d := range starts {
			axes = append(axes, int64(d))
		}
	}
	_, ok := marks(axes, len(x.shape))
	if !ok || len(starts) != len(ends) || len(starts) != len(axes) || steps != nil && len(steps) != len(starts) {
		return nil, errElsewhere
	}
	shape, strides, start := slices.Clone(x.shape), tensor.Strides(x.shape), 0
	for i := range starts {
		d, step := axis(axes[i], len(x.shape)), int64(1)
		if steps != nil {
			step = steps[i]
		}
		first, n := sliceRange(starts[i], ends[i], step, int64(shape[d]))
		if n < 1 {
			return nil, errElsewhere
		}
		shape[d] = n
		start += first * strides[d]
		if n > 1 {
			strides[d] *= int(step)
		}
	}
	return one(c.picked(x, shape, strides, start))
}

// sliceRange gives the first index and the number of elements of a slice; none for a step of zero.
func sliceRange(start, end, step, size int64) (first, n int) {
	step = min(max(step, -size-1), size+1)
	low, high := int64(0), size
	if step < 0 {
		low, high = -1, size-1
	}
	place := func(v int64) int64 {
		if v < 0 {
			if v < -size {
				return low
			}
			v += size
		}
		return min(max(v, low), high)
	}
	s, e := min(max(place(start), 0), high), place(end)
	switch {
	case step > 0:
		return int(s), int(max(0, (e-s+step-1)/step))
	case step < 0:
		return int(max(s, 0)), int(max(0, (s-e-step-1)/-step))
	}
	return 0, 0
}

func expand(c *call) ([]*value, error) {
	list, err := c.list(1)
	if err != nil {
		return nil, err
	}
	want := make([]int, len(list))
	for d, n := range list {
		if n < 1 || n > tensor.ElementsMax {
			return nil, errElsewhere
		}
		want[d] = int(n)
	}
	x := c.in[0]
	shape, err := tensor.Broadcast(x.shape, want)
	if err != nil {
		return nil, errElsewhere
	}
	return one(c.picked(x, shape, tensor.BroadcastStrides(x.shape, shape), 0))
}

func gather(c *call) ([]*value, error) {
	x, where := c.in[0], c.in[1]
	along := axis(int64(c.int("axis", 0)), len(x.shape))
	if along < 0 || where.len() == 0 {
		return nil, errElsewhere
	}
	t, err := c.tensor(where)
	if err != nil {
		return nil, err
	}
	size, indexes := int64(x.shape[along]), make([]int32, where.len())
	for i, v := range t.Ints() {
		if v < 0 {
			v += size
		}
		if v < 0 || v >= size {
			return nil, errElsewhere
		}
		indexes[i] = int32(v)
	}
	return one(c.gathered(x, along, indexes, slices.Concat(x.shape[:along], where.shape, x.shape[along+1:])))
}

// gathered gives the value of some shape that has the slices of x at indexes of an axis.
func (c *call) gathered(x *value, along int, indexes []int32, shape []int) (*value, error) {
	y, err := c.new(x.kind, shape)
	if err != nil {
		return nil, err
	}
	at := c.local(tensor.Of([]int{len(indexes)}, indexes))
	n, inner := y.len(), tensor.Count(x.shape[along+1:])
	kernel := fmt.Sprintf("gather_%d", 8*x.kind.Size())
	return y, c.flat(kernel, n, []*value{x, at, y}, intArg(n), intArg(len(indexes)), intArg(x.shape[along]), intArg(inner))
}

// local makes a value of a tensor that only this call uses.
func (c *call) local(t *tensor.Tensor) *value {
	v := hostValue(t)
	c.made = append(c.made, v)
	return v
}

// padSince is the version from which paddings are an input.
const padSince = 11

// pad surrounds values with elements of 4 bytes.
func pad(c *call) ([]*value, error) {
	x := c.in[0]
	pads, axes, bits := c.ints("pads"), []int64(nil), c.float("value", 0)
	if c.opset() >= padSince {
		var err error
		if pads, err = c.list(1); err != nil {
			return nil, err
		}
		if axes, err = c.list(3); err != nil {
			return nil, err
		}
		if c.arg(2) != nil {
			if bits, err = c.scalar(2); err != nil {
				return nil, err
			}
		}
	}
	mode := slices.Index([]string{"constant", "edge", "reflect", "wrap"}, c.text("mode", "constant"))
	if axes == nil {
		for d := range x.shape {
			axes = append(axes, int64(d))
		}
	}
	_, ok := marks(axes, len(x.shape))
	if !ok || len(pads) != 2*len(axes) || x.kind != tensor.Float32 || mode < 0 || x.len() == 0 {
		return nil, errElsewhere
	}
	shape, before := slices.Clone(x.shape), make([]int, len(x.shape))
	for i, a := range axes {
		d, low, high := axis(a, len(x.shape)), pads[i], pads[len(axes)+i]
		if min(low, high) < -tensor.ElementsMax || max(low, high) > tensor.ElementsMax {
			return nil, errElsewhere
		}
		before[d] = int(low)
		shape[d] += int(low + high)
	}
	y, err := c.new(x.kind, shape)
	if err != nil {
		return nil, err
	}
	border := words([]int{len(shape), mode}, filled(shape), filled(x.shape), filled(before))
	return one(y, c.flat("pad", y.len(), []*value{x, y}, intArg(y.len()), floatArg(bits), Arg{Words: border}))
}
