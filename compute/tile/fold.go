package tile

import (
	"slices"

	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/soft"
)

// Rows: many elements that become one. A tile's rows go one after the other, element by element; where rows lie
// across each other in memory, all go on together instead.

// A folded row keeps what it knows in a few registers, which begin at 0.
type folding struct {
	kind      net.Type
	shape     []int
	terms     int                // elements of a row, some of which may be left out
	source    func(o, k int) int // element k of row o, -1 if it is left out
	across    bool               // neighbouring rows lie side by side
	registers int                // of one row
	add       func(regs []uint64, v uint64, k int)
	end       func(regs []uint64, o int) uint64
}

func (f folding) plan() (*Plan, error) {
	return &Plan{Type: f.kind, Shape: f.shape, make: f.recipe}, nil
}

// recipe has terms+1 positions for each row, the last of which ends it.
func (f folding) recipe(first, n int) recipe {
	together := 1
	if f.across {
		together = n
	}
	length := (f.terms + 1) * (n / together)
	return recipe{
		length: length, registers: together * f.registers,
		reads: func(pos int, _ []uint64, read func(port, index int)) {
			row, k := pos/(f.terms+1)*together, pos%(f.terms+1)
			for j := range together {
				if k == f.terms {
					return
				}
				if at := f.source(first+row+j, k); at >= 0 {
					read(0, at)
				}
			}
		},
		apply: func(pos int, regs, words []uint64, emit func(uint64)) {
			row, k := pos/(f.terms+1)*together, pos%(f.terms+1)
			for j := range together {
				own, o := regs[j*f.registers:][:f.registers], first+row+j
				if k < f.terms {
					if f.source(o, k) >= 0 {
						f.add(own, words[0], k)
						words = words[1:]
					}
					continue
				}
				emit(f.end(own, o))
				clear(own)
			}
		},
	}
}

// addLane adds the i-th float to the lanes that lie in 16 registers.
func addLane(regs []uint64, i uint64, v soft.F32) {
	lane, high := i%32/2, i%2 == 1
	low, up := soft.F32(regs[lane]), soft.F32(regs[lane]>>32)
	if high {
		up = soft.Add(up, v)
	} else {
		low = soft.Add(low, v)
	}
	regs[lane] = uint64(up)<<32 | uint64(low)
}

const laneRegisters = 16

// sumLanes gives the sum of the lanes.
func sumLanes(regs []uint64) soft.F32 {
	var l soft.Lanes
	for i := range l {
		l[i] = soft.F32(regs[i/2] >> (i % 2 * 32))
	}
	return l.Sum()
}

// A reduction is what a row becomes: a sum of f of its elements and then an end, or a fold of pairs.
type reduction struct {
	sum   float1                                 // of each element, before it is added; nil for a fold
	after func(total soft.F32, n int) soft.F32   // of the sum
	fold  func(k net.Type, acc, v uint64) uint64 // for whole numbers, and for floats without a sum
	start func(k net.Type) uint64                // of the fold; floats begin with the first element
	whole func(total uint64, n int) uint64       // of whole numbers at the end
	only  bool                                   // floats only
}

func itself(x soft.F32) soft.F32              { return x }
func total(x soft.F32, _ int) soft.F32        { return x }
func square(x soft.F32) soft.F32              { return soft.Mul(x, x) }
func zeroStart(net.Type) uint64               { return 0 }
func addWhole(k net.Type, a, v uint64) uint64 { return a + v }

func meanOf(x soft.F32, n int) soft.F32 { return soft.Div(x, soft.FromInt(int64(n))) }

func reductions() []struct {
	name string
	r    reduction
} {
	return []struct {
		name string
		r    reduction
	}{
		{"ReduceSum", reduction{sum: itself, after: total, fold: addWhole, start: zeroStart}},
		{"ReduceMean", reduction{sum: itself, after: meanOf, fold: addWhole, start: zeroStart, whole: func(t uint64, n int) uint64 {
			return divided(net.Int64, t, uint64(n))
		}}},
		{"ReduceMax", reduction{fold: larger, start: func(k net.Type) uint64 {
			if k == net.Float32 {
				return uint64(soft.Infinity | soft.NegZero)
			}
			return 1 << 63
		}}},
		{"ReduceMin", reduction{fold: smaller, start: func(k net.Type) uint64 {
			if k == net.Float32 {
				return uint64(soft.Infinity)
			}
			return 1<<63 - 1
		}}},
		{"ReduceProd", reduction{fold: multiplied, start: func(k net.Type) uint64 {
			if k == net.Float32 {
				return uint64(soft.One)
			}
			return 1
		}}},
		{"ReduceL1", reduction{sum: soft.F32.Abs, after: total, start: zeroStart, fold: func(_ net.Type, a, v uint64) uint64 {
			return a + uint64(max(int64(v), -int64(v)))
		}}},
		{"ReduceSumSquare", reduction{sum: square, after: total, start: zeroStart, fold: func(_ net.Type, a, v uint64) uint64 { return a + v*v }}},
		{"ReduceL2", reduction{sum: square, after: func(x soft.F32, _ int) soft.F32 { return soft.Sqrt(x) }, only: true}},
		{"ReduceLogSum", reduction{sum: itself, after: func(x soft.F32, _ int) soft.F32 { return soft.Log(x) }, only: true}},
	}
}

func foldEntries() []entry {
	var list []entry
	for _, n := range reductions() {
		asInput := 18
		if n.name == "ReduceSum" {
			asInput = 13
		}
		list = append(list,
			entry{n.name, 1, nil, func(c *call) (*Plan, error) { return reduce(c, n.r, c.attrs.ints("axes")) }},
			entry{n.name, asInput, []int{1}, func(c *call) (*Plan, error) { return reduceInputs(c, n.r) }})
		switch n.name {
		case "ReduceMean":
			list = append(list, entry{"GlobalAveragePool", 1, nil, globalPool(n.r)})
		case "ReduceMax":
			list = append(list, entry{"GlobalMaxPool", 1, nil, globalPool(n.r)})
		}
	}
	return append(list,
		entry{"ArgMax", 1, nil, argument(false)},
		entry{"ArgMin", 1, nil, argument(true)},
		entry{"AveragePool", 7, nil, averagePool},
		entry{"MaxPool", 1, nil, maxPool},
	)
}

func reduceInputs(c *call, r reduction) (*Plan, error) {
	along, err := c.list(1)
	if err != nil {
		return nil, err
	}
	if c.attrs.flag("noop_with_empty_axes", false) && len(along) == 0 {
		c.attrs.flag("keepdims", true)
		if !c.want(0) {
			return nil, FaultUnsupported
		}
		return same(c, c.in[0].shape)
	}
	return reduce(c, r, along)
}

// A rowSet says where the rows along some axes of a tensor lie.
type rowSet struct {
	shape, inner, steps []int // of one element per row; of a row; of the tensor
	terms               int
	across              bool
}

func rowsOf(x []int, marked [net.RankMax]bool) rowSet {
	r := rowSet{shape: slices.Clone(x), inner: slices.Clone(x), steps: strides(x)}
	last := -1
	for i, n := range x {
		if marked[i] {
			r.shape[i] = 1
		} else {
			r.inner[i] = 1
		}
		if n > 1 {
			last = i
		}
	}
	r.terms = count(r.inner)
	r.across = last >= 0 && !marked[last]
	return r
}

func (r rowSet) source(o, k int) int {
	return offset(o, r.shape, r.steps) + offset(k, r.inner, r.steps)
}

// reduced marks the axes that a reduction takes away, none standing for all, and gives the shape that is left.
func (c *call) reduced(along []int64) (marked [net.RankMax]bool, shape []int, err error) {
	keep := c.attrs.flag("keepdims", true)
	if !c.want(0) || c.in[0].kind == net.Bool {
		return marked, nil, FaultUnsupported
	}
	x := c.in[0].shape
	marked, ok := axes(along, len(x))
	if !ok {
		return marked, nil, FaultInvalid
	}
	if len(along) == 0 {
		for i := range x {
			marked[i] = true
		}
	}
	shape = []int{}
	for i, n := range x {
		switch {
		case !marked[i]:
			shape = append(shape, n)
		case keep:
			shape = append(shape, 1)
		}
	}
	return marked, shape, nil
}

func reduce(c *call, r reduction, along []int64) (*Plan, error) {
	marked, shape, err := c.reduced(along)
	if err != nil {
		return nil, err
	}
	if r.only && c.in[0].kind != net.Float32 {
		return nil, FaultUnsupported
	}
	rows := rowsOf(c.in[0].shape, marked)
	f := folding{kind: c.in[0].kind, shape: shape, terms: rows.terms, source: rows.source, across: rows.across}
	f.set(r, rows.terms)
	return f.plan()
}

// set takes a reduction for rows of n elements.
func (f *folding) set(r reduction, n int) {
	if f.kind == net.Float32 && r.sum != nil {
		f.registers = laneRegisters
		f.add = func(regs []uint64, v uint64, k int) { addLane(regs, uint64(k), r.sum(f32(v))) }
		f.end = func(regs []uint64, _ int) uint64 { return uint64(r.after(sumLanes(regs), n)) }
		return
	}
	f.registers = 1
	f.add = func(regs []uint64, v uint64, k int) { // whole numbers are compared and added in 64 bits with sign
		if k == 0 {
			regs[0] = r.start(f.kind)
		}
		regs[0] = r.fold(net.Int64, regs[0], v)
	}
	if f.kind == net.Float32 {
		f.add = func(regs []uint64, v uint64, k int) {
			if regs[0] = r.fold(f.kind, regs[0], v); k == 0 {
				regs[0] = v
			}
		}
	}
	f.end = func(regs []uint64, _ int) uint64 {
		v := regs[0]
		if n == 0 {
			v = r.start(f.kind)
		}
		if f.kind != net.Float32 && r.whole != nil {
			v = r.whole(v, n)
		}
		return v
	}
}

func globalPool(r reduction) func(c *call) (*Plan, error) {
	return func(c *call) (*Plan, error) {
		if !c.want(net.Float32) {
			return nil, FaultUnsupported
		}
		x := c.in[0].shape
		if len(x) < 3 {
			return nil, FaultInvalid
		}
		marked := [net.RankMax]bool{}
		for i := 2; i < len(x); i++ {
			marked[i] = true
		}
		rows := rowsOf(x, marked)
		f := folding{kind: net.Float32, shape: rows.shape, terms: rows.terms, source: rows.source, across: rows.across}
		f.set(r, rows.terms)
		return f.plan()
	}
}

// argument gives the index of the largest or smallest element along an axis. NaN comes before all.
func argument(smallest bool) func(c *call) (*Plan, error) {
	return func(c *call) (*Plan, error) {
		a, keep := c.attrs.int("axis", 0), c.attrs.flag("keepdims", true)
		last := c.opset >= 12 && c.attrs.flag("select_last_index", false)
		if !c.want(0) || c.in[0].kind == net.Bool {
			return nil, FaultUnsupported
		}
		kind, x := c.in[0].kind, c.in[0].shape
		marked, ok := axes([]int64{a}, len(x))
		if !ok {
			return nil, FaultInvalid
		}
		rows := rowsOf(x, marked)
		if rows.terms == 0 {
			return nil, FaultUnsupported
		}
		shape := rows.shape
		if along, _ := axis(a, len(x)); !keep {
			shape = slices.Delete(slices.Clone(shape), along, along+1)
		}
		return folding{
			kind: net.Int64, shape: shape, terms: rows.terms, source: rows.source, across: rows.across, registers: 2,
			add: func(regs []uint64, v uint64, k int) {
				if k == 0 || before(kind, smallest, v, regs[0]) || last && !before(kind, smallest, regs[0], v) {
					regs[0], regs[1] = v, uint64(k)
				}
			},
			end: func(regs []uint64, _ int) uint64 { return regs[1] },
		}.plan()
	}
}

// before says whether a comes before b in the order of the largest, or smallest, with NaN before all.
func before(k net.Type, smallest bool, a, b uint64) bool {
	if k == net.Float32 && (f32(a).IsNaN() || f32(b).IsNaN()) {
		return f32(a).IsNaN() && !f32(b).IsNaN()
	}
	if smallest {
		return less(k, a, b)
	}
	return less(k, b, a)
}

// pooled lays out a pool of the first input.
func (c *call) pooled() (g geometry, shape []int, err error) {
	w := c.window()
	w.ceil = c.attrs.flag("ceil_mode", false)
	if !c.want(0) || c.in[0].kind == net.Bool {
		return g, nil, FaultUnsupported
	}
	x := c.in[0].shape
	if len(x) < 3 || w.kernel == nil {
		return g, nil, FaultInvalid
	}
	g, ok := w.resolve(x[2:], nil)
	shape = append(slices.Clone(x[:2]), g.out...)
	if !ok || !checkShape(shape) {
		return g, nil, FaultInvalid
	}
	return g, shape, nil
}

func averagePool(c *call) (*Plan, error) {
	padded := c.attrs.flag("count_include_pad", false)
	g, shape, err := c.pooled()
	if err != nil {
		return nil, err
	}
	if c.in[0].kind != net.Float32 {
		return nil, FaultUnsupported
	}
	places, inputs := count(g.out), count(g.in)
	return folding{
		kind: net.Float32, shape: shape, terms: count(g.kernel), registers: laneRegisters + 1,
		source: func(o, k int) int {
			at := g.source(o%places, k)
			if at >= 0 {
				at += o / places * inputs
			}
			return at
		},
		add: func(regs []uint64, v uint64, _ int) {
			addLane(regs, regs[laneRegisters], f32(v))
			regs[laneRegisters]++
		},
		end: func(regs []uint64, o int) uint64 {
			n := int(regs[laneRegisters])
			if padded {
				n = g.covered(o % places)
			}
			return uint64(meanOf(sumLanes(regs), n))
		},
	}.plan()
}

// maxPool takes the first of the largest elements, or its index over the whole input.
func maxPool(c *call) (*Plan, error) {
	columns := c.opset >= 8 && c.attrs.int("storage_order", 0) == 1
	g, shape, err := c.pooled()
	if err != nil {
		return nil, err
	}
	places, inputs := count(g.out), count(g.in)
	kind := c.in[0].kind
	if kind == net.Uint64 || columns {
		return nil, FaultUnsupported
	}
	source := func(o, k int) int {
		at := g.source(o%places, k)
		if at >= 0 {
			at += o / places * inputs
		}
		return at
	}
	f := folding{
		kind: kind, shape: shape, terms: count(g.kernel), source: source, registers: 3,
		end: func(regs []uint64, _ int) uint64 { return regs[0] }, // a window without elements gives 0
	}
	f.add = func(regs []uint64, v uint64, k int) {
		if regs[1] == 0 || before(kind, false, v, regs[0]) {
			regs[0], regs[1], regs[2] = v, 1, uint64(k)
		}
	}
	if c.out == 1 {
		f.kind = net.Int64
		f.end = func(regs []uint64, o int) uint64 {
			if regs[1] == 0 {
				return 1<<64 - 1
			}
			return uint64(source(o, int(regs[2])))
		}
	}
	return f.plan()
}
