package operator

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/aiwork/aiwork-node/compute/tensor"
)

// Operators that choose and sort. All orders are total: NaN comes before what is largest and smallest,
// equal elements go by index.

func selectOperators() []Operator {
	return []Operator{
		{"TopK", 1, "f>f,l", topKAttrs},
		{"TopK", 10, "f,l>f,l", topKInputs},
		{"TopK", 11, "n,l>n,l", topKInputs},
		{"Unique", 11, "n>n,l?,l?,l?", unique},
		{"NonMaxSuppression", 10, "f,f,l?,f?,f?>l", nonMaxSuppression},
	}
}

func topKAttrs(a *Attrs) Func {
	a.need("k")
	k, axis := a.int("k", 0), a.int("axis", -1)
	return func(c *Call) ([]*tensor.Tensor, error) { return c.topK(k, axis, true) }
}

func topKInputs(a *Attrs) Func {
	axis, largest := a.int("axis", -1), a.flag("largest", true)
	a.flag("sorted", true) // sorted is also a right order of "not sorted"
	return func(c *Call) ([]*tensor.Tensor, error) {
		k, err := intParam(c.In[1], "k")
		if err != nil {
			return nil, err
		}
		return c.topK(k, axis, largest)
	}
}

// order gives the comparison of elements of x by index.
func order(x *tensor.Tensor, descending bool) func(i, j int32) int {
	sign := 1
	if descending {
		sign = -1
	}
	if x.Type() == tensor.Float32 {
		v := floatsOf(x)
		return func(i, j int32) int {
			if nan, other := v[i] != v[i], v[j] != v[j]; nan || other {
				switch {
				case nan && other:
					return 0
				case nan:
					return -1
				}
				return 1
			}
			return sign * compareFloats(v[i], v[j])
		}
	}
	v := x.Ints()
	if x.Type() == tensor.Uint64 {
		return func(i, j int32) int { return sign * cmp.Compare(uint64(v[i]), uint64(v[j])) }
	}
	return func(i, j int32) int { return sign * cmp.Compare(v[i], v[j]) }
}

// compareFloats takes -0 and +0 for equal.
func compareFloats(a, b float32) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func (c *Call) topK(k, axis int64, largest bool) ([]*tensor.Tensor, error) {
	x := c.In[0]
	along, err := axisOf(axis, x.Rank())
	if err != nil {
		return nil, err
	}
	n := x.Shape()[along]
	if k < 0 || k > int64(n) {
		return nil, fmt.Errorf("the first %d of %d", k, n)
	}
	marked := [tensor.RankMax]bool{}
	marked[along] = true
	r, err := c.rows(x.Shape(), marked)
	if err != nil {
		return nil, err
	}
	shape := slices.Clone(x.Shape())
	shape[along] = int(k)
	out, err := c.new(x.Type(), shape)
	if err != nil {
		return nil, err
	}
	indexes, err := c.new(tensor.Int64, shape)
	if err != nil {
		return nil, err
	}
	at, err := c.indexes(out.Len())
	if err != nil {
		return nil, err
	}
	list, err := c.indexes(n)
	if err != nil {
		return nil, err
	}
	if err := c.Budget.Spend(len(r.starts), max(n, 1), 32); err != nil {
		return nil, err
	}
	if err := c.Budget.Take(8 * x.Len()); err != nil {
		return nil, err
	}
	compare, inner := order(x, largest), tensor.Count(shape[along+1:])
	for row, start := range r.starts {
		for i, e := range r.elements {
			list[i] = start + e
		}
		slices.SortFunc(list, func(i, j int32) int {
			if o := compare(i, j); o != 0 {
				return o
			}
			return cmp.Compare(i, j)
		})
		first := row/inner*int(k)*inner + row%inner
		for i, source := range list[:k] {
			at[first+i*inner] = source
			tensor.Values[int64](indexes)[first+i*inner] = int64(int(source) / inner % n)
		}
	}
	out.Pick(x, at)
	return []*tensor.Tensor{out, indexes}, nil
}

// unique lists the different slices of a tensor along an axis, or its different elements.
func unique(a *Attrs) Func {
	sorted, flat, axis := a.flag("sorted", true), !a.has("axis"), a.int("axis", 0)
	return func(c *Call) ([]*tensor.Tensor, error) {
		x := c.In[0]
		if flat {
			x = x.View([]int{x.Len()})
		}
		along, err := axisOf(axis, x.Rank())
		if err != nil {
			return nil, err
		}
		marked := [tensor.RankMax]bool{}
		for i := range x.Rank() {
			marked[i] = i != along
		}
		r, err := c.rows(x.Shape(), marked)
		if err != nil {
			return nil, err
		}
		if err := c.Budget.Spend(len(r.starts), max(len(r.elements), 1), 32); err != nil {
			return nil, err
		}
		if err := c.Budget.Take(48*len(r.starts) + 8*x.Len()); err != nil {
			return nil, err
		}
		return c.uniqueOutputs(x, along, r, sorted)
	}
}

func (c *Call) uniqueOutputs(x *tensor.Tensor, along int, r rows, sorted bool) ([]*tensor.Tensor, error) {
	compare := order(x, false)
	rowOrder := func(a, b int) int {
		for _, e := range r.elements {
			if o := compare(r.starts[a]+e, r.starts[b]+e); o != 0 {
				return o
			}
		}
		return 0
	}
	list := make([]int, len(r.starts))
	for i := range list {
		list[i] = i
	}
	slices.SortFunc(list, func(a, b int) int { return cmp.Or(rowOrder(a, b), cmp.Compare(a, b)) })
	var groups [][]int // equal rows, ascending
	for i, row := range list {
		if i == 0 || rowOrder(list[i-1], row) != 0 {
			groups = append(groups, nil)
		}
		groups[len(groups)-1] = append(groups[len(groups)-1], row)
	}
	if !sorted {
		slices.SortFunc(groups, func(a, b []int) int { return cmp.Compare(a[0], b[0]) })
	}
	n := len(groups)
	first, inverse, counts := make([]int64, n), make([]int64, len(list)), make([]int64, n)
	for g, group := range groups {
		first[g], counts[g] = int64(group[0]), int64(len(group))
		for _, row := range group {
			inverse[row] = int64(g)
		}
	}
	shape := slices.Clone(x.Shape())
	shape[along] = n
	strides := tensor.Strides(x.Shape())
	step := strides[along]
	strides[along] = 0
	at, err := c.offsets(shape, strides, 0)
	if err != nil {
		return nil, err
	}
	inner := tensor.Count(shape[along+1:])
	for i := range at {
		at[i] += int32(int(first[i/inner%n]) * step)
	}
	out, err := c.pick(x, shape, at)
	if err != nil {
		return nil, err
	}
	return append(out, tensor.Of([]int{n}, first), tensor.Of([]int{len(list)}, inverse), tensor.Of([]int{n}, counts)), nil
}

// nonMaxSuppression keeps boxes by descending score that do not overlap one that is kept already.
func nonMaxSuppression(a *Attrs) Func {
	centred := a.int("center_point_box", 0) == 1
	return func(c *Call) ([]*tensor.Tensor, error) {
		boxes, scores := c.In[0], c.In[1]
		b, s := boxes.Shape(), scores.Shape()
		if len(b) != 3 || len(s) != 3 || b[0] != s[0] || b[2] != 4 || b[1] != s[2] {
			return nil, fmt.Errorf("boxes of shape %v, scores of shape %v", b, s)
		}
		most, overlap, least := int64(0), float32(0), float32(0)
		if t := c.in(2); t != nil && t.Len() == 1 {
			most = t.Ints()[0]
		}
		if t := c.in(3); t != nil && t.Len() == 1 {
			overlap = floatsOf(t)[0]
		}
		limited := c.in(4) != nil && c.in(4).Len() == 1
		if limited {
			least = floatsOf(c.in(4))[0]
		}
		var found []int64
		n := b[1]
		list, err := c.indexes(n)
		if err != nil {
			return nil, err
		}
		if err := c.Budget.Spend(s[0]*s[1], n+16); err != nil {
			return nil, err
		}
		for set := range s[0] * s[1] {
			at := floatsOf(boxes)[set/max(s[1], 1)*n*4:]
			score := floatsOf(scores)[set*n:][:n]
			list = list[:0]
			for i, v := range score {
				if !limited || v > least {
					list = append(list, int32(i))
				}
			}
			slices.SortFunc(list, func(i, j int32) int {
				return cmp.Or(compareFloats(score[j], score[i]), cmp.Compare(i, j))
			})
			kept := []int32{}
			for _, i := range list {
				if int64(len(kept)) >= most {
					break
				}
				if err := c.Budget.Spend(len(kept) + 1); err != nil {
					return nil, err
				}
				free := !slices.ContainsFunc(kept, func(k int32) bool {
					return overlapOf(corners(at[i*4:], centred), corners(at[k*4:], centred)) > overlap
				})
				if free {
					kept = append(kept, i)
					found = append(found, int64(set/s[1]), int64(set%s[1]), int64(i))
				}
			}
			if err := c.Budget.Take(28 * len(kept)); err != nil {
				return nil, err
			}
		}
		return one(tensor.Of([]int{len(found) / 3, 3}, found)), nil
	}
}

// A box is low and high corner.
type box struct{ y0, x0, y1, x1 float32 }

func corners(v []float32, centred bool) box {
	if centred {
		high, wide := float32(v[3]/2), float32(v[2]/2)
		return box{v[1] - high, v[0] - wide, v[1] + high, v[0] + wide}
	}
	return box{smaller(v[0], v[2]), smaller(v[1], v[3]), larger(v[0], v[2]), larger(v[1], v[3])}
}

// overlapOf is the area of the intersection over that of the union.
func overlapOf(a, b box) float32 {
	high := smaller(a.y1, b.y1) - larger(a.y0, b.y0)
	wide := smaller(a.x1, b.x1) - larger(a.x0, b.x0)
	if !(high > 0 && wide > 0) {
		return 0
	}
	both := float32(high * wide)
	areaA := float32((a.y1 - a.y0) * (a.x1 - a.x0))
	areaB := float32((b.y1 - b.y0) * (b.x1 - b.x0))
	return both / ((areaA + areaB) - both)
}
