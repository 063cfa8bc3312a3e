package operator

import (
	"fmt"
	"slices"

	"github.com/aiwork/aiwork-node/compute/tensor"
)

// Operators that move elements without looking at them.

func movementOperators() []Operator {
	return []Operator{
		{"Identity", 1, "a>a", plain(func(c *Call) ([]*tensor.Tensor, error) { return c.In[:1], nil })},
		{"Transpose", 1, "a>a", transpose},
		{"Concat", 4, "a*>a", concat},
		{"Split", 2, "a>a*", splitAttrs},
		{"Split", 13, "a,l?>a*", splitInputs},
		{"Slice", 1, "a>a", sliceAttrs},
		{"Slice", 10, "a,i,i,i?,i?>a", plain(sliceInputs)},
		{"Pad", 2, "f>f", padAttrs},
		{"Pad", 11, "n,l,n?,i?>n", padInputs},
		{"Pad", 13, "a,l,a?,i?>a", padInputs},
		{"Expand", 8, "a,l>a", plain(expand)},
		{"Tile", 6, "a,l>a", plain(tile)},
		{"DepthToSpace", 1, "a>a", depthToSpace},
		{"SpaceToDepth", 1, "a>a", spaceToDepth},
		{"ReverseSequence", 10, "a,l>a", reverseSequence},
		{"Trilu", 14, "a,l?>a", trilu},
		{"CenterCropPad", 18, "a,i>a", centerCropPad},
	}
}

func transpose(a *Attrs) Func {
	order := a.ints("perm")
	return func(c *Call) ([]*tensor.Tensor, error) {
		x := c.In[0]
		perm := make([]int, x.Rank())
		for i := range perm {
			perm[i] = x.Rank() - 1 - i
		}
		if order != nil {
			if len(order) != x.Rank() {
				return nil, fmt.Errorf("permutation %v of shape %v", order, x.Shape())
			}
			if _, err := axesOf(order, x.Rank()); err != nil {
				return nil, err
			}
			for i, p := range order {
				perm[i], _ = axisOf(p, x.Rank())
			}
		}
		return c.permuted(x, perm)
	}
}

func (c *Call) permuted(x *tensor.Tensor, perm []int) ([]*tensor.Tensor, error) {
	own := tensor.Strides(x.Shape())
	shape, strides := make([]int, len(perm)), make([]int, len(perm))
	for i, p := range perm {
		shape[i], strides[i] = x.Shape()[p], own[p]
	}
	return c.picked(x, shape, strides, 0)
}

func concat(a *Attrs) Func {
	a.need("axis")
	axis := a.int("axis", 0)
	return func(c *Call) ([]*tensor.Tensor, error) { return c.concat(c.In, axis) }
}

// Concat joins tensors of one type along an axis.
func Concat(c *Call, parts []*tensor.Tensor, axis int64) ([]*tensor.Tensor, error) {
	return c.concat(parts, axis)
}

func (c *Call) concat(parts []*tensor.Tensor, axis int64) ([]*tensor.Tensor, error) {
	first := parts[0]
	along, err := axisOf(axis, first.Rank())
	if err != nil {
		return nil, err
	}
	shape := slices.Clone(first.Shape())
	shape[along] = 0
	for _, p := range parts {
		if p.Rank() != first.Rank() {
			return nil, shapesError(first, p)
		}
		for d, n := range p.Shape() {
			if d != along && n != shape[d] {
				return nil, shapesError(first, p)
			}
		}
		shape[along] += p.Shape()[along]
	}
	out, err := c.new(first.Type(), shape)
	if err != nil {
		return nil, err
	}
	if err := c.Budget.Spend(out.Len()); err != nil {
		return nil, err
	}
	strides, start := tensor.Strides(shape), 0
	for _, p := range parts {
		out.Move(p.Shape(), tensor.Layout{Start: start, Strides: strides}, p, tensor.Layout{Strides: tensor.Strides(p.Shape())})
		start += p.Shape()[along] * strides[along]
	}
	return one(out), nil
}

func splitAttrs(a *Attrs) Func {
	axis, sizes := a.int("axis", 0), a.ints("split")
	return func(c *Call) ([]*tensor.Tensor, error) { return c.split(axis, sizes, c.Outs) }
}

func splitInputs(a *Attrs) Func {
	axis, parts := a.int("axis", 0), a.int("num_outputs", 0)
	return func(c *Call) ([]*tensor.Tensor, error) {
		n := c.Outs
		if parts != 0 {
			if parts < int64(n) || parts > partsMax {
				return nil, fmt.Errorf("%d parts for %d outputs", parts, n)
			}
			n = int(parts)
		}
		var sizes []int64
		if by := c.in(1); by != nil {
			var err error
			if sizes, err = vector(by, "sizes of parts"); err != nil {
				return nil, err
			}
		}
		return c.split(axis, sizes, n)
	}
}

// partsMax bounds the outputs of Split, which cost something even when they are empty.
const partsMax = 1 << 16

// split cuts the first input into parts along an axis: of some sizes, or else of nearly equal ones.
func (c *Call) split(axis int64, sizes []int64, parts int) ([]*tensor.Tensor, error) {
	x := c.In[0]
	along, err := axisOf(axis, x.Rank())
	if err != nil {
		return nil, err
	}
	length := x.Shape()[along]
	if sizes == nil {
		each := (length + parts - 1) / max(parts, 1)
		for i := range parts {
			sizes = append(sizes, int64(min(each, max(0, length-i*each))))
		}
	}
	if len(sizes) > partsMax {
		return nil, fmt.Errorf("%d parts, at most %d are allowed", len(sizes), partsMax)
	}
	strides, start := tensor.Strides(x.Shape()), 0
	outs := make([]*tensor.Tensor, 0, len(sizes))
	for _, n := range sizes {
		if n < 0 || n > int64(length-start) {
			return nil, fmt.Errorf("parts of sizes %v along axis %d of shape %v", sizes, along, x.Shape())
		}
		shape := slices.Clone(x.Shape())
		shape[along] = int(n)
		out, err := c.picked(x, shape, strides, start*strides[along])
		if err != nil {
			return nil, err
		}
		outs, start = append(outs, out[0]), start+int(n)
	}
	if start != length || len(outs) < c.Outs {
		return nil, fmt.Errorf("parts of sizes %v along axis %d of shape %v, for %d outputs", sizes, along, x.Shape(), c.Outs)
	}
	return outs, nil
}

func sliceAttrs(a *Attrs) Func {
	a.need("starts")
	a.need("ends")
	starts, ends, axes := a.ints("starts"), a.ints("ends"), a.ints("axes")
	return func(c *Call) ([]*tensor.Tensor, error) { return c.slice(starts, ends, axes, nil) }
}

func sliceInputs(c *Call) ([]*tensor.Tensor, error) {
	var lists [4][]int64
	for i, t := range c.In[1:] {
		if t == nil {
			continue
		}
		var err error
		if lists[i], err = vector(t, "starts, ends, axes or steps"); err != nil {
			return nil, err
		}
	}
	return c.slice(lists[0], lists[1], lists[2], lists[3])
}

func (c *Call) slice(starts, ends, axes, steps []int64) ([]*tensor.Tensor, error) {
	x := c.In[0]
	if axes == nil {
		for i := range starts {
			axes = append(axes, int64(i))
		}
	}
	if len(ends) != len(starts) || len(axes) != len(starts) || steps != nil && len(steps) != len(starts) {
		return nil, fmt.Errorf("lists of %d starts, %d ends, %d axes, %d steps", len(starts), len(ends), len(axes), len(steps))
	}
	if _, err := axesOf(axes, x.Rank()); err != nil {
		return nil, err
	}
	shape, strides, start := slices.Clone(x.Shape()), tensor.Strides(x.Shape()), 0
	for i := range starts {
		axis, _ := axisOf(axes[i], x.Rank())
		step := int64(1)
		if steps != nil {
			step = steps[i]
		}
		if step == 0 {
			return nil, fmt.Errorf("a step of zero")
		}
		first, n := sliceRange(starts[i], ends[i], step, int64(shape[axis]))
		shape[axis] = n
		start += first * strides[axis]
		if n > 1 { // a step over the whole axis would overflow; a single element needs none
			strides[axis] *= int(step)
		}
	}
	if tensor.Count(shape) == 0 {
		start = 0
	}
	return c.picked(x, shape, strides, start)
}

// sliceRange gives the first index and the number of a slice of an axis with size elements.
func sliceRange(start, end, step, size int64) (first, n int) {
	// Steps beyond the size make no difference but could overflow.
	step = min(max(step, -size-1), size+1)
	low, high := int64(0), size // the allowed range
	if step < 0 {
		low, high = -1, size-1
	}
	clamp := func(v int64) int64 {
		if v < 0 {
			if v < -size {
				return low
			}
			v += size
		}
		return min(max(v, low), high)
	}
	s := min(max(clamp(start), 0), high)
	e := clamp(end)
	if step > 0 {
		return int(s), int(max(0, (e-s+step-1)/step))
	}
	return int(max(s, 0)), int(max(0, (s-e-step-1)/-step))
}

func expand(c *Call) ([]*tensor.Tensor, error) {
	want, err := shapeFrom(c.In[1])
	if err != nil {
		return nil, err
	}
	shape, err := tensor.Broadcast(c.In[0].Shape(), want)
	if err != nil {
		return nil, err
	}
	return c.picked(c.In[0], shape, tensor.BroadcastStrides(c.In[0].Shape(), shape), 0)
}

// shapeFrom takes an input for a shape.
func shapeFrom(t *tensor.Tensor) ([]int, error) {
	list, err := vector(t, "a shape")
	if err != nil {
		return nil, err
	}
	if len(list) > tensor.RankMax {
		return nil, fmt.Errorf("a shape of %d dimensions, at most %d are allowed", len(list), tensor.RankMax)
	}
	shape := make([]int, len(list))
	for i, n := range list {
		if n < 0 || n > tensor.ElementsMax {
			return nil, fmt.Errorf("a shape of %v", list)
		}
		shape[i] = int(n)
	}
	return shape, tensor.CheckShape(shape)
}

func tile(c *Call) ([]*tensor.Tensor, error) {
	x := c.In[0]
	repeats, err := shapeFrom(c.In[1])
	if err != nil {
		return nil, err
	}
	if len(repeats) != x.Rank() {
		return nil, fmt.Errorf("%d repeats of shape %v", len(repeats), x.Shape())
	}
	// As pairs of dimensions (repeat, own), of which the first has stride 0, the tile is a view.
	total, own := make([]int, x.Rank()), tensor.Strides(x.Shape())
	var pairs, strides []int
	for i, n := range x.Shape() {
		total[i] = n * repeats[i]
		pairs, strides = append(pairs, repeats[i], n), append(strides, 0, own[i])
	}
	out, err := c.new(x.Type(), total)
	if err != nil {
		return nil, err
	}
	out.Move(pairs, tensor.Layout{Strides: tensor.Strides(pairs)}, x, tensor.Layout{Strides: strides})
	return one(out), c.Budget.Spend(out.Len())
}

// blocks checks the shape of a picture (N, C, H, W) and the size of a block.
func blocks(x *tensor.Tensor, size int64) error {
	if x.Rank() != 4 {
		return fmt.Errorf("shape %v, want 4 dimensions", x.Shape())
	}
	if size < 1 || size > 1<<10 {
		return fmt.Errorf("block size %d", size)
	}
	return nil
}

func depthToSpace(a *Attrs) Func {
	a.need("blocksize")
	size := a.int("blocksize", 1)
	columns := a.choice("mode", "DCR", "CRD") == "CRD"
	return func(c *Call) ([]*tensor.Tensor, error) {
		x := c.In[0]
		if err := blocks(x, size); err != nil {
			return nil, err
		}
		b, s := int(size), x.Shape()
		depth := s[1] / (b * b)
		if depth*b*b != s[1] {
			return nil, fmt.Errorf("%d channels in blocks of %d × %d", s[1], b, b)
		}
		plane := s[2] * s[3]
		shape, strides := []int{s[0], depth, s[2], b, s[3], b}, []int{s[1] * plane, plane, s[3], b * depth * plane, 1, depth * plane}
		if columns {
			strides = []int{s[1] * plane, b * b * plane, s[3], b * plane, 1, plane}
		}
		return c.reshaped(x, shape, strides, []int{s[0], depth, s[2] * b, s[3] * b})
	}
}

func spaceToDepth(a *Attrs) Func {
	a.need("blocksize")
	size := a.int("blocksize", 1)
	return func(c *Call) ([]*tensor.Tensor, error) {
		x := c.In[0]
		if err := blocks(x, size); err != nil {
			return nil, err
		}
		b, s := int(size), x.Shape()
		if s[2]%b != 0 || s[3]%b != 0 {
			return nil, fmt.Errorf("shape %v in blocks of %d", s, b)
		}
		plane := s[2] * s[3]
		shape := []int{s[0], b, b, s[1], s[2] / b, s[3] / b}
		strides := []int{s[1] * plane, s[3], 1, plane, b * s[3], b}
		return c.reshaped(x, shape, strides, []int{s[0], s[1] * b * b, s[2] / b, s[3] / b})
	}
}

// reshaped picks by shape and strides and gives the result under another shape.
func (c *Call) reshaped(x *tensor.Tensor, shape, strides, final []int) ([]*tensor.Tensor, error) {
	out, err := c.picked(x, shape, strides, 0)
	if err != nil {
		return nil, err
	}
	return one(out[0].View(final)), nil
}

func reverseSequence(a *Attrs) Func {
	batchAxis, timeAxis := a.int("batch_axis", 1), a.int("time_axis", 0)
	return func(c *Call) ([]*tensor.Tensor, error) {
		x, lengths := c.In[0], c.In[1].Ints()
		if err := wantRank(x, 2, tensor.RankMax, "the input"); err != nil {
			return nil, err
		}
		if batchAxis < 0 || batchAxis > 1 || timeAxis != 1-batchAxis {
			return nil, fmt.Errorf("batch axis %d, time axis %d", batchAxis, timeAxis)
		}
		batches, times := x.Shape()[batchAxis], x.Shape()[timeAxis]
		if c.In[1].Rank() != 1 || len(lengths) != batches {
			return nil, fmt.Errorf("%d lengths of %d sequences", len(lengths), batches)
		}
		at, err := c.offsets(x.Shape(), tensor.Strides(x.Shape()), 0)
		if err != nil {
			return nil, err
		}
		strides := tensor.Strides(x.Shape())
		for i := range at {
			b, t := i/strides[batchAxis]%batches, i/strides[timeAxis]%times
			n := lengths[b]
			if n < 0 || n > int64(times) {
				return nil, fmt.Errorf("a sequence of length %d, of at most %d", n, times)
			}
			if int64(t) < n {
				at[i] += int32((int(n) - 1 - 2*t) * strides[timeAxis])
			}
		}
		return c.pick(x, x.Shape(), at)
	}
}

func trilu(a *Attrs) Func {
	upper := a.flag("upper", true)
	return func(c *Call) ([]*tensor.Tensor, error) {
		x, k := c.In[0], int64(0)
		if c.in(1) != nil {
			var err error
			if k, err = intParam(c.In[1], "k"); err != nil {
				return nil, err
			}
		}
		k = min(max(k, -tensor.ElementsMax), tensor.ElementsMax)
		if err := wantRank(x, 2, tensor.RankMax, "the input"); err != nil {
			return nil, err
		}
		rows, columns := x.Shape()[x.Rank()-2], x.Shape()[x.Rank()-1]
		at, err := c.indexes(x.Len())
		if err != nil {
			return nil, err
		}
		for i := range at {
			row, column := i/columns%rows, i%columns
			over := int64(column-row) - k // negative below the diagonal
			if at[i] = int32(i); upper && over < 0 || !upper && over > 0 {
				at[i] = -1
			}
		}
		return c.pick(x, x.Shape(), at)
	}
}

func centerCropPad(a *Attrs) Func {
	axes := a.ints("axes")
	return func(c *Call) ([]*tensor.Tensor, error) {
		x := c.In[0]
		want, err := shapeFrom(c.In[1])
		if err != nil {
			return nil, err
		}
		chosen := axes
		if chosen == nil {
			for i := range x.Rank() {
				chosen = append(chosen, int64(i))
			}
		}
		if _, err := axesOf(chosen, x.Rank()); err != nil || len(chosen) != len(want) {
			return nil, fmt.Errorf("axes %v and sizes %v of shape %v", chosen, want, x.Shape())
		}
		shape, before := slices.Clone(x.Shape()), make([]int, x.Rank())
		for i, n := range want {
			axis, _ := axisOf(chosen[i], x.Rank())
			if have := shape[axis]; have > n {
				before[axis] = -((have - n) / 2)
			} else {
				before[axis] = (n - have) / 2
			}
			shape[axis] = n
		}
		at, err := c.padIndexes(x.Shape(), before, shape, "constant")
		if err != nil {
			return nil, err
		}
		return c.pick(x, shape, at)
	}
}

// Index gives the slice of a tensor at one index of an axis, without that axis.
func Index(c *Call, t *tensor.Tensor, axis, i int) (*tensor.Tensor, error) {
	strides := tensor.Strides(t.Shape())
	start := i * strides[axis]
	shape := slices.Delete(slices.Clone(t.Shape()), axis, axis+1)
	out, err := c.picked(t, shape, slices.Delete(strides, axis, axis+1), start)
	if err != nil {
		return nil, err
	}
	return out[0], nil
}
