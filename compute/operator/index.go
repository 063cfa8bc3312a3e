package operator

import (
	"fmt"
	"slices"

	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// Operators that take or set elements by index.

func indexOperators() []Operator {
	return []Operator{
		{"Gather", 1, "a,i>a", gather},
		{"GatherElements", 11, "a,i>a", gatherElements},
		{"GatherND", 11, "a,l>a", gatherND},
		{"Scatter", 9, "a,i,a>a", scatterElements},
		{"Scatter", 11, "", nil},
		{"ScatterElements", 11, "a,i,a>a", scatterElements},
		{"ScatterND", 11, "a,l,a>a", scatterND},
		{"Compress", 9, "a,b>a", compress},
		{"OneHot", 9, "n,m,a>a", oneHot},
		{"NonZero", 9, "a>l", plain(nonZero)},
	}
}

func errTraining() error { return &onnx.Unsupported{What: "training"} }

// within turns an index, which counts from the end where it is negative, into a plain one.
func within(index int64, size int) (int, error) {
	if index < int64(-size) || index >= int64(size) {
		return 0, fmt.Errorf("index %d of %d", index, size)
	}
	if index < 0 {
		index += int64(size)
	}
	return int(index), nil
}

func gather(a *Attrs) Func {
	axis := a.int("axis", 0)
	return func(c *Call) ([]*tensor.Tensor, error) {
		x, where := c.In[0], c.In[1]
		along, err := axisOf(axis, x.Rank())
		if err != nil {
			return nil, err
		}
		s := x.Shape()
		shape := slices.Concat(s[:along], where.Shape(), s[along+1:])
		if err := tensor.CheckShape(shape); err != nil {
			return nil, err
		}
		out, err := c.new(x.Type(), shape)
		if err != nil {
			return nil, err
		}
		if out.Len() == 0 {
			return one(out), nil
		}
		at, err := c.indexes(where.Len())
		if err != nil {
			return nil, err
		}
		for j, index := range where.Ints() {
			i, err := within(index, s[along])
			if err != nil {
				return nil, err
			}
			at[j] = int32(i)
		}
		out.PickAlong(x, s[along], tensor.Count(s[along+1:]), at)
		return one(out), nil
	}
}

// elementIndexes gives for each element of where its place in a tensor of some shape: its own place, but
// for the index along the axis.
func (c *Call) elementIndexes(shape []int, where *tensor.Tensor, axis int64) ([]int32, int, error) {
	along, err := axisOf(axis, len(shape))
	if err != nil {
		return nil, 0, err
	}
	if where.Rank() != len(shape) {
		return nil, 0, fmt.Errorf("indexes of shape %v into shape %v", where.Shape(), shape)
	}
	for d, n := range where.Shape() {
		if d != along && n > shape[d] {
			return nil, 0, fmt.Errorf("indexes of shape %v into shape %v", where.Shape(), shape)
		}
	}
	strides := tensor.Strides(shape)
	step := strides[along]
	strides[along] = 0
	at, err := c.offsets(where.Shape(), strides, 0)
	if err != nil {
		return nil, 0, err
	}
	for i, index := range where.Ints() {
		p, err := within(index, shape[along])
		if err != nil {
			return nil, 0, err
		}
		at[i] += int32(p * step)
	}
	return at, along, nil
}

func gatherElements(a *Attrs) Func {
	axis := a.int("axis", 0)
	return func(c *Call) ([]*tensor.Tensor, error) {
		at, _, err := c.elementIndexes(c.In[0].Shape(), c.In[1], axis)
		if err != nil {
			return nil, err
		}
		return c.pick(c.In[0], c.In[1].Shape(), at)
	}
}

// reductionAttr says what becomes of an element that is set more than once: nil for the last one wins.
func reductionAttr(a *Attrs) *arithmetic {
	switch a.choice("reduction", "none", "add", "mul", "max", "min") {
	case "add":
		return new(arithmeticOf(
			kernel.BinaryAdd,
			func(a, b int64) int64 { return a + b },
			func(a, b uint64) uint64 { return a + b },
		))
	case "mul":
		return new(arithmeticOf(
			kernel.BinaryMul,
			func(a, b int64) int64 { return a * b },
			func(a, b uint64) uint64 { return a * b },
		))
	case "max":
		return new(arithmeticOf(kernel.BinaryMax, greatest[int64], greatest[uint64]))
	case "min":
		return new(arithmeticOf(kernel.BinaryMin, least[int64], least[uint64]))
	}
	return nil
}

// scattered copies x and sets its elements at some places to the updates, in order.
func (c *Call) scattered(x, updates *tensor.Tensor, at []int32, m *arithmetic) ([]*tensor.Tensor, error) {
	out, err := c.pick(x, x.Shape(), nil)
	if err != nil {
		return nil, err
	}
	if m == nil {
		out[0].Put(updates, at)
		return out, nil
	}
	if x.Type() == tensor.Float32 {
		y := floatsOf(out[0])
		for i, v := range floatsOf(updates) {
			y[at[i]] = m.float(y[at[i]], v)
		}
		return out, nil
	}
	if x.Type() == tensor.Bool {
		return nil, &onnx.Unsupported{What: "a reduction of element type bool"}
	}
	return out, c.scatterInts(out[0], updates, at, m)
}

func (c *Call) scatterInts(out, updates *tensor.Tensor, at []int32, m *arithmetic) error {
	if err := c.Budget.Take(8 * (out.Len() + updates.Len())); err != nil {
		return err
	}
	y := slices.Clone(out.Ints())
	f := m.signed
	if out.Type() == tensor.Uint64 {
		f = func(a, b int64) int64 { return int64(m.unsigned(uint64(a), uint64(b))) }
	}
	for i, v := range updates.Ints() {
		y[at[i]] = f(y[at[i]], v)
	}
	setInts(out, func(i int) int64 { return y[i] })
	return nil
}

func scatterElements(a *Attrs) Func {
	axis, reduce := a.int("axis", 0), reductionAttr(a)
	return func(c *Call) ([]*tensor.Tensor, error) {
		x, where, updates := c.In[0], c.In[1], c.In[2]
		if !slices.Equal(where.Shape(), updates.Shape()) {
			return nil, shapesError(where, updates)
		}
		at, _, err := c.elementIndexes(x.Shape(), where, axis)
		if err != nil {
			return nil, err
		}
		return c.scattered(x, updates, at, reduce)
	}
}

// tupleIndexes gives the places of the slices that the tuples in the last dimension of where name, the
// first batch dimensions going along. each is the number of elements of a slice.
func (c *Call) tupleIndexes(shape []int, where *tensor.Tensor, batch int) (at []int32, each int, err error) {
	if where.Rank() == 0 {
		return nil, 0, fmt.Errorf("indexes without a dimension")
	}
	k := where.Shape()[where.Rank()-1]
	if batch < 0 || batch >= where.Rank() || batch+k > len(shape) || !slices.Equal(shape[:batch], where.Shape()[:batch]) {
		return nil, 0, fmt.Errorf("indexes of shape %v into shape %v with %d batch dimensions", where.Shape(), shape, batch)
	}
	each = tensor.Count(shape[batch+k:])
	tuples := tensor.Count(where.Shape()[:where.Rank()-1])
	if err := c.Budget.Spend(tuples, max(each, 1)); err != nil {
		return nil, 0, err
	}
	if tuples > 0 && each > tensor.ElementsMax/tuples {
		return nil, 0, fmt.Errorf("more than %d elements", tensor.ElementsMax)
	}
	if at, err = c.indexes(tuples * each); err != nil {
		return nil, 0, err
	}
	strides := tensor.Strides(shape)
	perBatch := tensor.Count(where.Shape()[batch : where.Rank()-1])
	indexes := where.Ints()
	for t := range tuples {
		start := t / perBatch * tensor.Count(shape[batch:])
		for j := range k {
			p, err := within(indexes[t*k+j], shape[batch+j])
			if err != nil {
				return nil, 0, err
			}
			start += p * strides[batch+j]
		}
		for e := range each {
			at[t*each+e] = int32(start + e)
		}
	}
	return at, each, nil
}

func gatherND(a *Attrs) Func {
	batch := a.int("batch_dims", 0)
	return func(c *Call) ([]*tensor.Tensor, error) {
		x, where := c.In[0], c.In[1]
		if batch < 0 || batch > tensor.RankMax {
			return nil, fmt.Errorf("%d batch dimensions", batch)
		}
		at, _, err := c.tupleIndexes(x.Shape(), where, int(batch))
		if err != nil {
			return nil, err
		}
		k := where.Shape()[where.Rank()-1]
		shape := slices.Concat(where.Shape()[:where.Rank()-1], x.Shape()[int(batch)+k:])
		if err := tensor.CheckShape(shape); err != nil {
			return nil, err
		}
		return c.pick(x, shape, at)
	}
}

func scatterND(a *Attrs) Func {
	reduce := reductionAttr(a)
	return func(c *Call) ([]*tensor.Tensor, error) {
		x, where, updates := c.In[0], c.In[1], c.In[2]
		at, _, err := c.tupleIndexes(x.Shape(), where, 0)
		if err != nil {
			return nil, err
		}
		k := where.Shape()[where.Rank()-1]
		want := slices.Concat(where.Shape()[:where.Rank()-1], x.Shape()[k:])
		if !slices.Equal(want, updates.Shape()) {
			return nil, fmt.Errorf("updates of shape %v, want %v", updates.Shape(), want)
		}
		return c.scattered(x, updates, at, reduce)
	}
}

func compress(a *Attrs) Func {
	whole := !a.has("axis")
	axis := a.int("axis", 0)
	return func(c *Call) ([]*tensor.Tensor, error) {
		x, keep := c.In[0], tensor.Values[bool](c.In[1])
		if whole {
			x = x.View([]int{x.Len()})
		}
		along, err := axisOf(axis, x.Rank())
		if err != nil {
			return nil, err
		}
		var kept []int64
		for i, k := range keep[:min(len(keep), x.Shape()[along])] {
			if k {
				kept = append(kept, int64(i))
			}
		}
		list := tensor.Of([]int{len(kept)}, kept)
		return gather(NewAttrs([]onnx.Attr{{Name: "axis", Kind: onnx.AttrInt, Int: int64(along)}}))(
			&Call{In: []*tensor.Tensor{x, list}, Outs: 1, Path: c.Path, Budget: c.Budget})
	}
}

func oneHot(a *Attrs) Func {
	axis := a.int("axis", -1)
	return func(c *Call) ([]*tensor.Tensor, error) {
		where, err := c.convert(c.In[0], tensor.Int64)
		if err != nil {
			return nil, err
		}
		sizes, err := c.convert(c.In[1], tensor.Int64)
		if err != nil {
			return nil, err
		}
		depth, err := intParam(sizes, "depth")
		if err != nil {
			return nil, err
		}
		if c.In[2].Rank() != 1 || c.In[2].Len() != 2 || depth < 0 || depth > tensor.ElementsMax {
			return nil, fmt.Errorf("depth %d, values of shape %v", depth, c.In[2].Shape())
		}
		along, err := axisOf(axis, where.Rank()+1)
		if err != nil {
			return nil, err
		}
		s := where.Shape()
		shape := slices.Concat(s[:along], []int{int(depth)}, s[along:])
		if err := tensor.CheckShape(shape); err != nil {
			return nil, err
		}
		at, err := c.indexes(tensor.Count(shape))
		if err != nil {
			return nil, err
		}
		inner := tensor.Count(s[along:])
		for i, index := range where.Ints() {
			if p, err := within(index, int(depth)); err == nil { // others are off everywhere
				at[(i/inner*int(depth)+p)*inner+i%inner] = 1
			}
		}
		return c.pick(c.In[2], shape, at)
	}
}

// nonZero lists the indexes of elements other than zero, a row for each dimension.
func nonZero(c *Call) ([]*tensor.Tensor, error) {
	flags, err := c.convert(c.In[0], tensor.Bool)
	if err != nil {
		return nil, err
	}
	found, err := c.indexes(flags.Len())
	if err != nil {
		return nil, err
	}
	n := 0
	for i, v := range tensor.Values[bool](flags) {
		if v {
			found[n] = int32(i)
			n++
		}
	}
	shape := flags.Shape()
	out, err := c.new(tensor.Int64, []int{len(shape), n})
	if err != nil {
		return nil, err
	}
	y := tensor.Values[int64](out)
	for d, step := range tensor.Strides(shape) {
		for j, i := range found[:n] {
			y[d*n+j] = int64(int(i) / step % shape[d])
		}
	}
	return one(out), nil
}
