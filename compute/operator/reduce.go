package operator

import (
	"fmt"
	"slices"

	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// Operators that make one element of many.

func reduceOperators() []Operator {
	list := []Operator{
		{"ArgMax", 1, "n>l", argument(false)},
		{"ArgMin", 1, "n>l", argument(true)},
		{"CumSum", 11, "n,i>n", cumSum},
		{"Softmax", 1, "f>f", softmaxOld(softmaxRow)},
		{"LogSoftmax", 1, "f>f", softmaxOld(logSoftmaxRow)},
		{"Hardmax", 1, "f>f", softmaxOld(hardmaxRow)},
		{"Softmax", 13, "f>f", softmaxNew(softmaxRow)},
		{"LogSoftmax", 13, "f>f", softmaxNew(logSoftmaxRow)},
		{"Hardmax", 13, "f>f", softmaxNew(hardmaxRow)},
	}
	for _, name := range []string{
		"ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceSumSquare",
		"ReduceL2", "ReduceLogSum", "ReduceLogSumExp",
	} {
		f := reductionOf(name)
		letter := "n"
		if f.ints == nil {
			letter = "f"
		}
		asInput := 18
		if name == "ReduceSum" {
			asInput = 13
		}
		list = append(
			list,
			Operator{name, 1, letter + ">" + letter, reduceAttrs(f)},
			Operator{name, asInput, letter + ",l?>" + letter, reduceInputs(f)},
		)
	}
	return list
}

// A reduction makes one number of a row of them.
type reduction struct {
	over kernel.Reduction
	end  func(v float32, n int) float32                // what becomes of it, for a row of n; nil: nothing
	row  func(path kernel.Path, row []float32) float32 // instead of both
	ints func(row []int64) int64                       // nil: floats only
}

// of reduces a row.
func (f reduction) of(path kernel.Path, row []float32) float32 {
	if f.row != nil {
		return f.row(path, row)
	}
	return f.ended(path.Reduce(f.over, row, 0), len(row))
}

func (f reduction) ended(v float32, n int) float32 {
	if f.end == nil {
		return v
	}
	return f.end(v, n)
}

func foldInts(start int64, f func(a, v int64) int64) func(row []int64) int64 {
	return func(row []int64) int64 {
		acc := start
		for _, v := range row {
			acc = f(acc, v)
		}
		return acc
	}
}

func reductionOf(name string) reduction {
	add := foldInts(0, func(a, v int64) int64 { return a + v })
	switch name {
	case "ReduceSum":
		return reduction{over: kernel.ReductionSum, ints: add}
	case "ReduceMean":
		return reduction{
			over: kernel.ReductionSum,
			end:  func(v float32, n int) float32 { return v / float32(n) },
			ints: func(row []int64) int64 { return quotient(add(row), int64(len(row))) },
		}
	case "ReduceMax":
		return reduction{over: kernel.ReductionMax, ints: foldInts(-1<<63, func(a, v int64) int64 { return max(a, v) })}
	case "ReduceMin":
		return reduction{over: kernel.ReductionMin, ints: foldInts(1<<63-1, func(a, v int64) int64 { return min(a, v) })}
	case "ReduceProd":
		return reduction{row: product, ints: foldInts(1, func(a, v int64) int64 { return a * v })}
	case "ReduceL1":
		return reduction{over: kernel.ReductionSumAbs, ints: foldInts(0, func(a, v int64) int64 { return a + max(v, -v) })}
	case "ReduceSumSquare":
		return reduction{over: kernel.ReductionSumSquare, ints: foldInts(0, func(a, v int64) int64 { return a + v*v })}
	case "ReduceL2":
		return reduction{over: kernel.ReductionSumSquare, end: func(v float32, _ int) float32 { return kernel.Sqrt(v) }}
	case "ReduceLogSum":
		return reduction{over: kernel.ReductionSum, end: func(v float32, _ int) float32 { return kernel.Log(v) }}
	}
	return reduction{row: logSumExp}
}

// product multiplies in ascending order.
func product(_ kernel.Path, row []float32) float32 {
	p := float32(1)
	for _, v := range row {
		p = float32(p * v)
	}
	return p
}

// logSumExp is m + log Σ exp(v - m) with m the largest; an infinite m is the result.
func logSumExp(path kernel.Path, row []float32) float32 {
	m := path.Reduce(kernel.ReductionMax, row, 0)
	if m-m != 0 {
		return m
	}
	exps := make([]float32, len(row))
	path.ExpLess(exps, row, m)
	return m + kernel.Log(path.Reduce(kernel.ReductionSum, exps, 0))
}

func reduceAttrs(f reduction) func(a *Attrs) Func {
	return func(a *Attrs) Func {
		axes, keep := a.ints("axes"), a.flag("keepdims", true)
		return func(c *Call) ([]*tensor.Tensor, error) { return c.reduce(f, axes, keep) }
	}
}

func reduceInputs(f reduction) func(a *Attrs) Func {
	return func(a *Attrs) Func {
		keep, none := a.flag("keepdims", true), a.flag("noop_with_empty_axes", false)
		return func(c *Call) ([]*tensor.Tensor, error) {
			var axes []int64
			if t := c.in(1); t != nil {
				var err error
				if axes, err = vector(t, "axes"); err != nil {
					return nil, err
				}
			}
			if len(axes) == 0 && none {
				return c.In[:1], nil
			}
			return c.reduce(f, axes, keep)
		}
	}
}

// rows says where the rows of a tensor along some axes lie: where each begins, and where its elements lie
// from there.
type rows struct {
	starts, elements []int32
	shape            []int // of one element per row, reduced axes being 1
}

func (c *Call) rows(shape []int, reduced [tensor.RankMax]bool) (r rows, err error) {
	inner := make([]int, len(shape))
	r.shape = make([]int, len(shape))
	for i, n := range shape {
		r.shape[i], inner[i] = n, 1
		if reduced[i] {
			r.shape[i], inner[i] = 1, n
		}
	}
	strides := tensor.Strides(shape)
	if r.starts, err = c.offsets(r.shape, strides, 0); err != nil {
		return r, err
	}
	r.elements, err = c.offsets(inner, strides, 0)
	return r, err
}

// squeezed drops the reduced axes from a shape.
func squeezed(shape []int, reduced [tensor.RankMax]bool) []int {
	var out []int
	for i, n := range shape {
		if !reduced[i] {
			out = append(out, n)
		}
	}
	return out
}

// reducedAxes marks the given axes; none are all.
func reducedAxes(axes []int64, rank int) (marked [tensor.RankMax]bool, err error) {
	if len(axes) == 0 {
		for i := range rank {
			marked[i] = true
		}
		return marked, nil
	}
	return axesOf(axes, rank)
}

func (c *Call) reduce(f reduction, axes []int64, keep bool) ([]*tensor.Tensor, error) {
	x := c.In[0]
	marked, err := reducedAxes(axes, x.Rank())
	if err != nil {
		return nil, err
	}
	if b, ok := blockOf(x.Shape(), marked); ok && x.Type() == tensor.Float32 {
		return c.reduceBlock(f, b, marked, keep)
	}
	r, err := c.rows(x.Shape(), marked)
	if err != nil {
		return nil, err
	}
	out, err := c.new(x.Type(), r.shape)
	if err != nil {
		return nil, err
	}
	if err := c.Budget.Spend(len(r.starts), len(r.elements)); err != nil {
		return nil, err
	}
	if err := c.Budget.Take(16 * max(len(r.elements), x.Len())); err != nil {
		return nil, err
	}
	if x.Type() == tensor.Float32 {
		eachRow(floatsOf(x), r, func(i int, row []float32) { floatsOf(out)[i] = f.of(c.Path, row) })
	} else {
		results := make([]int64, len(r.starts))
		eachRow(x.Ints(), r, func(i int, row []int64) { results[i] = f.ints(row) })
		setInts(out, func(i int) int64 { return results[i] })
	}
	if !keep {
		out = out.View(squeezed(r.shape, marked))
	}
	return one(out), nil
}

// reduceBlock is reduce without lists of offsets.
func (c *Call) reduceBlock(f reduction, b block, marked [tensor.RankMax]bool, keep bool) ([]*tensor.Tensor, error) {
	shape := slices.Clone(c.In[0].Shape())
	for i := range shape {
		if marked[i] {
			shape[i] = 1
		}
	}
	out, y, err := c.floats(shape)
	if err != nil {
		return nil, err
	}
	if err := c.Budget.Spend(b.outer, b.n, b.inner); err != nil {
		return nil, err
	}
	if err := c.Budget.Take(8 * b.n); err != nil { // what a row may need beside it
		return nil, err
	}
	if err := b.reduce(c, y, floatsOf(c.In[0]), f); err != nil {
		return nil, err
	}
	if !keep {
		out = out.View(squeezed(shape, marked))
	}
	return one(out), nil
}

// eachRow copies every row to a buffer and hands it on.
func eachRow[E any](x []E, r rows, do func(i int, row []E)) {
	buffer := make([]E, len(r.elements))
	for i, start := range r.starts {
		for j, e := range r.elements {
			buffer[j] = x[start+e]
		}
		do(i, buffer)
	}
}

// mapRows gives a tensor whose rows are those of x after f, which writes its result into the first row.
func (c *Call) mapRows(x *tensor.Tensor, marked [tensor.RankMax]bool, f func(y, x []float32)) ([]*tensor.Tensor, error) {
	if b, ok := blockOf(x.Shape(), marked); ok {
		out, y, err := c.floats(x.Shape())
		if err != nil {
			return nil, err
		}
		if err := c.Budget.Spend(b.outer, b.n, b.inner); err != nil {
			return nil, err
		}
		return one(out), b.each(c, y, floatsOf(x), f)
	}
	r, err := c.rows(x.Shape(), marked)
	if err != nil {
		return nil, err
	}
	out, y, err := c.floats(x.Shape())
	if err != nil {
		return nil, err
	}
	if err := c.Budget.Spend(len(r.starts), len(r.elements)); err != nil {
		return nil, err
	}
	result, err := c.scratch(2 * len(r.elements))
	if err != nil || len(r.elements) == 0 {
		return one(out), err
	}
	result = result[:len(r.elements)]
	eachRow(floatsOf(x), r, func(i int, row []float32) {
		f(result, row)
		for j, e := range r.elements {
			y[r.starts[i]+e] = result[j]
		}
	})
	return one(out), nil
}

type rowFunc func(path kernel.Path) func(y, x []float32)

func softmaxRow(path kernel.Path) func(y, x []float32) { return path.Softmax }

// logSoftmaxRow is (x - max) - log Σ exp(x - max).
func logSoftmaxRow(path kernel.Path) func(y, x []float32) { return path.LogSoftmax }

// hardmaxRow is 1 at the first of the largest, else 0.
func hardmaxRow(kernel.Path) func(y, x []float32) {
	return func(y, x []float32) {
		clear(y)
		y[firstExtreme(len(x), false, func(i, j int) bool { return x[i] > x[j] || x[i] != x[i] && x[j] == x[j] })] = 1
	}
}

// softmaxOld takes all dimensions from an axis on for one row.
func softmaxOld(f rowFunc) func(a *Attrs) Func {
	return func(a *Attrs) Func {
		axis := a.int("axis", 1)
		return func(c *Call) ([]*tensor.Tensor, error) {
			rank := c.In[0].Rank()
			at := axis
			if at < 0 {
				at += int64(rank)
			}
			if at < 0 || at > int64(rank) {
				return nil, fmt.Errorf("axis %d of shape %v", axis, c.In[0].Shape())
			}
			var marked [tensor.RankMax]bool
			for i := int(at); i < rank; i++ {
				marked[i] = true
			}
			return c.mapRows(c.In[0], marked, f(c.Path))
		}
	}
}

func softmaxNew(f rowFunc) func(a *Attrs) Func {
	return func(a *Attrs) Func {
		axis := a.int("axis", -1)
		return func(c *Call) ([]*tensor.Tensor, error) {
			marked, err := axesOf([]int64{axis}, c.In[0].Rank())
			if err != nil {
				return nil, err
			}
			return c.mapRows(c.In[0], marked, f(c.Path))
		}
	}
}

// firstExtreme gives the index of the element before which none comes by better, the first or last of them.
func firstExtreme(n int, last bool, better func(i, j int) bool) int {
	best := 0
	for i := 1; i < n; i++ {
		if better(i, best) || last && !better(best, i) {
			best = i
		}
	}
	return best
}

// argument gives the index of the largest or smallest element along an axis. NaN comes before all.
func argument(smallest bool) func(a *Attrs) Func {
	return func(a *Attrs) Func {
		axis, keep, last := a.int("axis", 0), a.flag("keepdims", true), a.flag("select_last_index", false)
		return func(c *Call) ([]*tensor.Tensor, error) {
			x := c.In[0]
			marked, err := axesOf([]int64{axis}, x.Rank())
			if err != nil {
				return nil, err
			}
			r, err := c.rows(x.Shape(), marked)
			if err != nil {
				return nil, err
			}
			if len(r.elements) == 0 && len(r.starts) > 0 {
				return nil, fmt.Errorf("axis %d of shape %v is empty", axis, x.Shape())
			}
			out, err := c.new(tensor.Int64, r.shape)
			if err != nil {
				return nil, err
			}
			if err := c.Budget.Take(8 * (x.Len() + len(r.elements))); err != nil {
				return nil, err
			}
			if err := c.Budget.Spend(len(r.starts), len(r.elements)); err != nil {
				return nil, err
			}
			y := tensor.Values[int64](out)
			if x.Type() == tensor.Float32 {
				eachRow(floatsOf(x), r, func(i int, row []float32) {
					y[i] = int64(firstExtreme(len(row), last, func(i, j int) bool {
						if row[i] != row[i] || row[j] != row[j] {
							return row[i] != row[i] && row[j] == row[j]
						}
						return row[i] != row[j] && (row[i] < row[j]) == smallest
					}))
				})
			} else {
				eachRow(x.Ints(), r, func(i int, row []int64) {
					y[i] = int64(firstExtreme(len(row), last, func(i, j int) bool {
						return row[i] != row[j] && (row[i] < row[j]) == smallest
					}))
				})
			}
			if !keep {
				out = out.View(squeezed(r.shape, marked))
			}
			return one(out), nil
		}
	}
}

func cumSum(a *Attrs) Func {
	exclusive, reverse := a.flag("exclusive", false), a.flag("reverse", false)
	return func(c *Call) ([]*tensor.Tensor, error) {
		x := c.In[0]
		axis, err := intParam(c.In[1], "the axis")
		if err != nil {
			return nil, err
		}
		marked, err := axesOf([]int64{axis}, x.Rank())
		if err != nil {
			return nil, err
		}
		if x.Type() == tensor.Float32 {
			return c.mapRows(x, marked, func(y, x []float32) { running(y, x, exclusive, reverse) })
		}
		r, err := c.rows(x.Shape(), marked)
		if err != nil {
			return nil, err
		}
		out, err := c.new(x.Type(), x.Shape())
		if err != nil {
			return nil, err
		}
		if err := c.Budget.Take(16 * (x.Len() + len(r.elements))); err != nil {
			return nil, err
		}
		all, result := make([]int64, x.Len()), make([]int64, len(r.elements))
		eachRow(x.Ints(), r, func(i int, row []int64) {
			running(result, row, exclusive, reverse)
			for j, e := range r.elements {
				all[r.starts[i]+e] = result[j]
			}
		})
		setInts(out, func(i int) int64 { return all[i] })
		return one(out), nil
	}
}

// running sets y to the sums of x so far, with or without the element itself, from either end.
func running[E float32 | int64](y, x []E, exclusive, reverse bool) {
	total := E(0)
	for i := range x {
		if reverse {
			i = len(x) - 1 - i
		}
		if exclusive {
			y[i] = total
		}
		total += x[i]
		if !exclusive {
			y[i] = total
		}
	}
}
