package tile

import (
	"slices"

	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/soft"
)

// Operators that move elements without looking at them.

func moveEntries() []entry {
	return []entry{
		{"Identity", 1, nil, func(c *call) (*Plan, error) {
			if !c.want(0) {
				return nil, FaultUnsupported
			}
			return same(c, c.in[0].shape)
		}},
		{"Dropout", 7, nil, dropoutOld},
		{"Transpose", 1, nil, transpose},
		{"Concat", 4, nil, concat},
		{"Split", 2, nil, func(c *call) (*Plan, error) { return split(c, c.attrs.ints("split"), 0) }},
		{"Split", 13, []int{1}, splitInputs},
		{"Slice", 1, nil, sliceAttrs},
		{"Slice", 10, []int{1, 2, 3, 4}, sliceInputs},
		{"Pad", 2, nil, padAttrs},
		{"Pad", 11, []int{1, 3}, padInputs},
		{"Expand", 8, []int{1}, expand},
		{"Tile", 6, []int{1}, repeat},
		{"DepthToSpace", 1, nil, depthToSpace},
		{"SpaceToDepth", 1, nil, spaceToDepth},
		{"Gather", 1, nil, gather},
		{"GatherElements", 11, nil, gatherElements},
	}
}

func dropoutOld(c *call) (*Plan, error) {
	c.attrs.float("ratio", 0)
	if !c.want(net.Float32) || len(c.in) != 1 || c.out != 0 {
		return nil, FaultUnsupported
	}
	if c.opset >= 12 {
		c.attrs.int("seed", 0)
	}
	return same(c, c.in[0].shape)
}

func transpose(c *call) (*Plan, error) {
	order := c.attrs.ints("perm")
	if !c.want(0) {
		return nil, FaultUnsupported
	}
	x := c.in[0].shape
	if order == nil {
		for i := range x {
			order = append(order, int64(len(x)-1-i))
		}
	}
	if _, ok := axes(order, len(x)); !ok || len(order) != len(x) {
		return nil, FaultInvalid
	}
	own, shape, steps := strides(x), make([]int, len(x)), make([]int, len(x))
	for i, p := range order {
		from, _ := axis(p, len(x))
		shape[i], steps[i] = x[from], own[from]
	}
	return moved(c, shape, func(i int) int { return offset(i, shape, steps) })
}

func concat(c *call) (*Plan, error) {
	a := c.attrs.int("axis", 0)
	if !c.alike(0) {
		return nil, FaultUnsupported
	}
	along, ok := axis(a, len(c.in[0].shape))
	if !ok {
		return nil, FaultInvalid
	}
	shape := slices.Clone(c.in[0].shape)
	for _, o := range c.in[1:] {
		if len(o.shape) != len(shape) {
			return nil, FaultInvalid
		}
		for d, n := range o.shape {
			if d != along && n != shape[d] {
				return nil, FaultInvalid
			}
		}
		shape[along] += o.shape[along]
	}
	inner := count(shape[along+1:])
	return each{
		kind: c.in[0].kind, shape: shape,
		reads: func(i int, read func(port, index int)) {
			outer, at, rest := i/inner/shape[along], i/inner%shape[along], i%inner
			for port := range c.in {
				n := c.in[port].shape[along]
				if at < n {
					read(port, (outer*n+at)*inner+rest)
					return
				}
				at -= n
			}
		},
		value: func(_ int, w []uint64) uint64 { return w[0] },
	}.plan()
}

func splitInputs(c *call) (*Plan, error) {
	sizes, err := c.list(1)
	if err != nil {
		return nil, err
	}
	return split(c, sizes, c.attrs.int("num_outputs", 0))
}

func split(c *call, sizes []int64, parts int64) (*Plan, error) {
	a := c.attrs.int("axis", 0)
	if !c.want(0) {
		return nil, FaultUnsupported
	}
	x := c.in[0].shape
	along, ok := axis(a, len(x))
	if !ok || parts < 0 || parts > net.OperandsMax {
		return nil, FaultInvalid
	}
	if sizes == nil {
		n := max(int(parts), len(c.op.Outs))
		each := (x[along] + n - 1) / n
		for i := range n {
			sizes = append(sizes, int64(min(each, max(0, x[along]-i*each))))
		}
	}
	if c.out >= len(sizes) {
		return nil, FaultInvalid
	}
	start, total := 0, int64(0)
	for i, n := range sizes {
		if n < 0 || n > int64(x[along]) {
			return nil, FaultInvalid
		}
		if i < c.out {
			start += int(n)
		}
		total += n
	}
	if total != int64(x[along]) {
		return nil, FaultInvalid
	}
	shape, own := slices.Clone(x), strides(x)
	shape[along] = int(sizes[c.out])
	return moved(c, shape, func(i int) int { return start*own[along] + offset(i, shape, own) })
}

func sliceAttrs(c *call) (*Plan, error) {
	return slice(c, c.attrs.ints("starts"), c.attrs.ints("ends"), c.attrs.ints("axes"), nil)
}

func sliceInputs(c *call) (*Plan, error) {
	var lists [4][]int64
	for i := range lists {
		var err error
		if lists[i], err = c.list(i + 1); err != nil {
			return nil, err
		}
	}
	return slice(c, lists[0], lists[1], lists[2], lists[3])
}

func slice(c *call, starts, ends, along, steps []int64) (*Plan, error) {
	if !c.want(0) {
		return nil, FaultUnsupported
	}
	x := c.in[0].shape
	if along == nil {
		for i := range starts {
			along = append(along, int64(i))
		}
	}
	if len(ends) != len(starts) || len(along) != len(starts) || steps != nil && len(steps) != len(starts) {
		return nil, FaultInvalid
	}
	if _, ok := axes(along, len(x)); !ok {
		return nil, FaultInvalid
	}
	shape, by, from := slices.Clone(x), strides(x), 0
	for i := range starts {
		a, _ := axis(along[i], len(x))
		step := int64(1)
		if steps != nil {
			step = steps[i]
		}
		if step == 0 {
			return nil, FaultInvalid
		}
		first, n := sliced(starts[i], ends[i], step, int64(x[a]))
		shape[a] = n
		from += first * by[a]
		if n > 1 {
			by[a] *= int(step)
		}
	}
	return moved(c, shape, func(i int) int { return from + offset(i, shape, by) })
}

// sliced gives the first index and the number of a slice of an axis of size elements.
func sliced(start, end, step, size int64) (first, n int) {
	step = min(max(step, -size-1), size+1)
	low, high := int64(0), size
	if step < 0 {
		low, high = -1, size-1
	}
	plain := func(v int64) int64 {
		switch {
		case v < -size:
			return low
		case v < 0:
			v += size
		}
		return min(max(v, low), high)
	}
	s, e := min(max(plain(start), 0), high), plain(end)
	if step > 0 {
		return int(s), int(max(0, (e-s+step-1)/step))
	}
	return int(max(s, 0)), int(max(0, (s-e-step-1)/-step))
}

func padAttrs(c *call) (*Plan, error) {
	pads, value := c.attrs.ints("pads"), c.attrs.float("value", soft.Zero)
	return pad(c, pads, nil, uint64(value))
}

func padInputs(c *call) (*Plan, error) {
	pads, err := c.list(1)
	if err != nil {
		return nil, err
	}
	along, err := c.list(3)
	if err != nil {
		return nil, err
	}
	if c.has(2) && (c.in[2].len() != 1 || c.in[2].kind != c.in[0].kind) {
		return nil, FaultInvalid
	}
	return pad(c, pads, along, 0)
}

// pad surrounds the first input; the value comes from input 2, if that is there.
func pad(c *call, pads, along []int64, value uint64) (*Plan, error) {
	mode := c.attrs.text("mode", "constant", "reflect", "edge", "wrap")
	if !c.want(0) {
		return nil, FaultUnsupported
	}
	x := c.in[0].shape
	if along == nil {
		for i := range x {
			along = append(along, int64(i))
		}
	}
	if _, ok := axes(along, len(x)); !ok || len(pads) != 2*len(along) {
		return nil, FaultInvalid
	}
	shape, before := slices.Clone(x), make([]int, len(x))
	for i, p := range along {
		a, _ := axis(p, len(x))
		low, high := pads[i], pads[len(along)+i]
		if min(low, high) < -elementsMax || max(low, high) > elementsMax {
			return nil, FaultInvalid
		}
		before[a] = int(low)
		if shape[a] += int(low) + int(high); shape[a] < 0 || mode != "constant" && x[a] == 0 && shape[a] > 0 {
			return nil, FaultInvalid
		}
	}
	if !checkShape(shape) {
		return nil, FaultInvalid
	}
	own := strides(x)
	source := func(i int) int {
		at := 0
		for d := len(shape) - 1; d >= 0; d-- {
			from := padded(i%shape[d]-before[d], x[d], mode)
			if from < 0 {
				return -1
			}
			at += from * own[d]
			i /= shape[d]
		}
		return at
	}
	filled := c.has(2) && c.opset >= 11
	return each{
		kind: c.in[0].kind, shape: shape,
		reads: func(i int, read func(port, index int)) {
			at := source(i)
			if at < 0 && filled {
				read(2, 0)
				return
			}
			read(0, at)
		},
		value: func(i int, w []uint64) uint64 {
			if !filled && source(i) < 0 {
				return value
			}
			return w[0]
		},
	}.plan()
}

// padded gives the index under place i of an axis of n elements, -1 for none.
func padded(i, n int, mode string) int {
	if i >= 0 && i < n {
		return i
	}
	switch mode {
	case "edge":
		return min(max(i, 0), n-1)
	case "reflect":
		if n == 1 {
			return 0
		}
		period := 2 * (n - 1)
		i = (i%period + period) % period
		return min(i, period-i)
	case "wrap":
		return (i%n + n) % n
	}
	return -1
}

func expand(c *call) (*Plan, error) {
	list, err := c.list(1)
	if err != nil {
		return nil, err
	}
	if !c.want(0) {
		return nil, FaultUnsupported
	}
	want, ok := shapeOf(list)
	if !ok {
		return nil, FaultInvalid
	}
	shape, ok := broadcast(c.in[0].shape, want)
	if !ok {
		return nil, FaultInvalid
	}
	steps := stretched(c.in[0].shape, shape)
	return moved(c, shape, func(i int) int { return offset(i, shape, steps) })
}

func repeat(c *call) (*Plan, error) {
	list, err := c.list(1)
	if err != nil {
		return nil, err
	}
	times, ok := shapeOf(list)
	if !c.want(0) || !ok || len(times) != len(c.in[0].shape) {
		return nil, FaultInvalid
	}
	x, shape := c.in[0].shape, make([]int, len(times))
	for i := range shape {
		shape[i] = x[i] * times[i]
	}
	if !checkShape(shape) {
		return nil, FaultInvalid
	}
	own := strides(x)
	return moved(c, shape, func(i int) int {
		at := 0
		for d := len(shape) - 1; d >= 0; d-- {
			at += i % shape[d] % x[d] * own[d]
			i /= shape[d]
		}
		return at
	})
}

// blocked checks a picture (N, C, H, W) and the size of a block.
func blocked(c *call) (b int, x []int, err error) {
	size := c.attrs.int("blocksize", 0)
	if !c.want(0) {
		return 0, nil, FaultUnsupported
	}
	if len(c.in[0].shape) != 4 || size < 1 || size > 1<<10 {
		return 0, nil, FaultInvalid
	}
	return int(size), c.in[0].shape, nil
}

func depthToSpace(c *call) (*Plan, error) {
	columns := c.attrs.text("mode", "DCR", "CRD") == "CRD"
	b, s, err := blocked(c)
	if err != nil {
		return nil, err
	}
	depth, plane := s[1]/(b*b), s[2]*s[3]
	if depth*b*b != s[1] {
		return nil, FaultInvalid
	}
	shape, steps := []int{s[0], depth, s[2], b, s[3], b}, []int{s[1] * plane, plane, s[3], b * depth * plane, 1, depth * plane}
	if columns {
		steps = []int{s[1] * plane, b * b * plane, s[3], b * plane, 1, plane}
	}
	return moved(c, []int{s[0], depth, s[2] * b, s[3] * b}, func(i int) int { return offset(i, shape, steps) })
}

func spaceToDepth(c *call) (*Plan, error) {
	b, s, err := blocked(c)
	if err != nil {
		return nil, err
	}
	if s[2]%b != 0 || s[3]%b != 0 {
		return nil, FaultInvalid
	}
	plane := s[2] * s[3]
	shape := []int{s[0], b, b, s[1], s[2] / b, s[3] / b}
	steps := []int{s[1] * plane, s[3], 1, plane, b * s[3], b}
	return moved(c, []int{s[0], s[1] * b * b, s[2] / b, s[3] / b}, func(i int) int { return offset(i, shape, steps) })
}
