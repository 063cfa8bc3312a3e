package tile

import (
	"slices"

	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/soft"
)

// Rows that keep their elements: each becomes a function of itself and of what passes over its row have found.

// A passing goes over a row several times and then gives its elements.
type passing struct {
	kind   net.Type // 0 is Float32
	shape  []int
	final  []int // the output's shape, if it is another view of these elements
	rows   rowSet
	seen   func(row int) int                        // elements that the passes see of the row that begins at an offset; nil for all
	from   int                                      // offset of the first row in the input
	passes []func(regs []uint64, k int, v soft.F32) // element k
	ends   []func(regs []uint64)                    // after each pass
	extra  func(i int, read func(port, index int))  // what value reads beside its element
	value  func(regs []uint64, i int, w []uint64) uint64
}

// Registers of a passing: results first, then the lanes of the pass that runs.
const (
	passResults   = 3
	passRegisters = passResults + laneRegisters
)

// A stretch is neighbouring elements of a tile that belong to one row.
type stretch struct {
	first, n int
	terms    int // elements that the passes see of the row
	start    int // its first position
}

func (p passing) before(s stretch) int { return len(p.passes) * s.terms }

// terms is what the passes see of the row of element i.
func (p passing) terms(i int) int {
	if p.seen == nil {
		return p.rows.terms
	}
	return p.seen(p.rowOf(i))
}

func (p passing) plan() (*Plan, error) {
	if p.kind == 0 {
		p.kind = net.Float32
	}
	if p.final == nil {
		p.final = p.shape
	}
	return &Plan{Type: p.kind, Shape: p.final, make: p.recipe}, nil
}

// rowOf gives the offset of the first element of the row that element i belongs to.
func (p passing) rowOf(i int) int {
	at := 0
	for d := len(p.shape) - 1; d >= 0; d-- {
		if p.rows.inner[d] == 1 {
			at += i % p.shape[d] * p.rows.steps[d]
		}
		i /= p.shape[d]
	}
	return at
}

func (p passing) recipe(first, n int) recipe {
	var list []stretch
	length := 0
	for i := range n {
		if last := len(list) - 1; i == 0 || p.rowOf(first+i) != p.rowOf(first+list[last].first) {
			list = append(list, stretch{i, 0, p.terms(first + i), length})
			length += p.before(list[len(list)-1])
		}
		list[len(list)-1].n++
		length++
	}
	find := func(pos int) (s stretch, at int) {
		i, found := slices.BinarySearchFunc(list, pos, func(s stretch, pos int) int { return s.start - pos })
		if !found {
			i--
		}
		return list[i], pos - list[i].start
	}
	return recipe{
		length: length, registers: passRegisters,
		reads: func(pos int, _ []uint64, read func(port, index int)) {
			s, at := find(pos)
			if at < p.before(s) {
				read(0, p.from+p.rowOf(first+s.first)+offset(at%s.terms, p.rows.inner, p.rows.steps))
				return
			}
			i := first + s.first + at - p.before(s)
			read(0, p.from+i)
			if p.extra != nil {
				p.extra(i, read)
			}
		},
		apply: func(pos int, regs, words []uint64, emit func(uint64)) {
			s, at := find(pos)
			if at >= p.before(s) {
				i := first + s.first + at - p.before(s)
				emit(p.value(regs, i, words))
				return
			}
			if at == 0 {
				clear(regs)
			}
			pass, k := at/s.terms, at%s.terms
			p.passes[pass](regs, k, f32(words[0]))
			if k == s.terms-1 {
				p.ends[pass](regs)
				clear(regs[passResults:])
			}
		},
	}
}

// lanesOf are the registers of the running pass.
func lanesOf(regs []uint64) []uint64 { return regs[passResults:] }

// top is the pass that finds the largest element, result 0.
func top(regs []uint64, k int, v soft.F32) {
	if k > 0 {
		v = soft.Max(f32(regs[0]), v)
	}
	regs[0] = uint64(v)
}

func noEnd([]uint64) {}

// powers is the pass that adds exp(x - largest); the sum is result 1.
func powers(regs []uint64, k int, v soft.F32) {
	addLane(lanesOf(regs), uint64(k), soft.Exp(soft.Sub(v, f32(regs[0]))))
}

func sumEnd(regs []uint64) { regs[1] = uint64(sumLanes(lanesOf(regs))) }

func rowEntries() []entry {
	return []entry{
		{"Softmax", 1, nil, softmaxOld(softmax)},
		{"Softmax", 13, nil, softmaxNew(softmax)},
		{"LogSoftmax", 1, nil, softmaxOld(logSoftmax)},
		{"LogSoftmax", 13, nil, softmaxNew(logSoftmax)},
		{"LayerNormalization", 17, nil, layerNorm},
		{"InstanceNormalization", 6, nil, instanceNorm},
		{"GroupNormalization", 18, nil, groupNorm(true)},
		{"GroupNormalization", 21, nil, groupNorm(false)},
		{"RMSNormalization", 23, nil, rmsNorm},
		{"MeanVarianceNormalization", 9, nil, meanVariance},
		{"LpNormalization", 1, nil, lpNorm},
		{"LRN", 1, nil, lrn},
		{"Hardmax", 1, nil, softmaxOld(hardmax)},
		{"Hardmax", 13, nil, softmaxNew(hardmax)},
		{"ReduceLogSumExp", 1, nil, func(c *call) (*Plan, error) { return logSumExp(c, c.attrs.ints("axes")) }},
		{"ReduceLogSumExp", 18, []int{1}, logSumExpInputs},
	}
}

func softmax(c *call, marked [net.RankMax]bool) (*Plan, error) {
	return passing{
		shape: c.in[0].shape, rows: rowsOf(c.in[0].shape, marked),
		passes: []func([]uint64, int, soft.F32){top, powers}, ends: []func([]uint64){noEnd, sumEnd},
		value: func(regs []uint64, _ int, w []uint64) uint64 {
			return uint64(soft.Div(soft.Exp(soft.Sub(f32(w[0]), f32(regs[0]))), f32(regs[1])))
		},
	}.plan()
}

func logSoftmax(c *call, marked [net.RankMax]bool) (*Plan, error) {
	return passing{
		shape: c.in[0].shape, rows: rowsOf(c.in[0].shape, marked),
		passes: []func([]uint64, int, soft.F32){top, powers},
		ends: []func([]uint64){noEnd, func(regs []uint64) {
			sumEnd(regs)
			regs[1] = uint64(soft.Log(f32(regs[1])))
		}},
		value: func(regs []uint64, _ int, w []uint64) uint64 {
			return uint64(soft.Sub(soft.Sub(f32(w[0]), f32(regs[0])), f32(regs[1])))
		},
	}.plan()
}

type marking = func(c *call, marked [net.RankMax]bool) (*Plan, error)

func softmaxOld(f marking) func(c *call) (*Plan, error) {
	return func(c *call) (*Plan, error) {
		at := c.attrs.int("axis", 1)
		if !c.want(net.Float32) {
			return nil, FaultUnsupported
		}
		rank := len(c.in[0].shape)
		if at < 0 {
			at += int64(rank)
		}
		if at < 0 || at > int64(rank) {
			return nil, FaultInvalid
		}
		marked := [net.RankMax]bool{}
		for i := int(at); i < rank; i++ {
			marked[i] = true
		}
		return f(c, marked)
	}
}

func softmaxNew(f marking) func(c *call) (*Plan, error) {
	return func(c *call) (*Plan, error) {
		at := c.attrs.int("axis", -1)
		if !c.want(net.Float32) {
			return nil, FaultUnsupported
		}
		marked, ok := axes([]int64{at}, len(c.in[0].shape))
		if !ok {
			return nil, FaultInvalid
		}
		return f(c, marked)
	}
}

// moments are two passes: the mean is result 0, the variance result 1.
func moments(n int) (passes []func([]uint64, int, soft.F32), ends []func([]uint64)) {
	mean := func(regs []uint64, k int, v soft.F32) { addLane(lanesOf(regs), uint64(k), v) }
	spread := func(regs []uint64, k int, v soft.F32) {
		addLane(lanesOf(regs), uint64(k), square(soft.Sub(v, f32(regs[0]))))
	}
	end := func(i int) func([]uint64) {
		return func(regs []uint64) { regs[i] = uint64(meanOf(sumLanes(lanesOf(regs)), n)) }
	}
	return []func([]uint64, int, soft.F32){mean, spread}, []func([]uint64){end(0), end(1)}
}

func normal(regs []uint64, epsilon, v soft.F32) soft.F32 {
	return soft.Div(soft.Sub(v, f32(regs[0])), soft.Sqrt(soft.Add(f32(regs[1]), epsilon)))
}

func layerNorm(c *call) (*Plan, error) {
	at, epsilon := c.attrs.int("axis", -1), c.attrs.float("epsilon", 0x3727c5ac)
	c.attrs.int("stash_type", 1)
	if !c.want(net.Float32, net.Float32) || c.has(2) && c.in[2].kind != net.Float32 {
		return nil, FaultUnsupported
	}
	x := c.in[0].shape
	first, ok := axis(at, len(x))
	if !ok {
		return nil, FaultInvalid
	}
	marked := [net.RankMax]bool{}
	for i := first; i < len(x); i++ {
		marked[i] = true
	}
	var steps [][]int
	for _, o := range c.in[1:] {
		if s, ok := broadcast(x, o.shape); !ok || !slices.Equal(s, x) {
			return nil, FaultInvalid
		}
		steps = append(steps, stretched(o.shape, x))
	}
	p := passing{
		shape: x, rows: rowsOf(x, marked),
		extra: func(i int, read func(port, index int)) {
			for j := range steps {
				read(1+j, offset(i, x, steps[j]))
			}
		},
		value: func(regs []uint64, _ int, w []uint64) uint64 {
			y := soft.Mul(normal(regs, epsilon, f32(w[0])), f32(w[1]))
			if len(w) > 2 {
				y = soft.Add(y, f32(w[2]))
			}
			return uint64(y)
		},
	}
	p.passes, p.ends = moments(p.rows.terms)
	if c.out > 0 {
		if p.rows.terms == 0 {
			return nil, FaultUnsupported
		}
		return p.statistic(p.rows.shape, func(regs []uint64) soft.F32 {
			if c.out == 1 {
				return f32(regs[0])
			}
			return soft.Div(soft.One, soft.Sqrt(soft.Add(f32(regs[1]), epsilon)))
		}).plan()
	}
	return p.plan()
}

// statistic is one number of each row, of what the passes have found.
func (p passing) statistic(shape []int, of func(regs []uint64) soft.F32) folding {
	n := p.rows.terms
	return folding{
		kind: net.Float32, shape: shape, terms: len(p.passes) * n, registers: passRegisters,
		source: func(o, k int) int { return p.rows.source(o, k%n) },
		add: func(regs []uint64, v uint64, k int) {
			p.passes[k/n](regs, k%n, f32(v))
			if k%n == n-1 {
				p.ends[k/n](regs)
				clear(lanesOf(regs))
			}
		},
		end: func(regs []uint64, _ int) uint64 { return uint64(of(regs)) },
	}
}

func instanceNorm(c *call) (*Plan, error) {
	epsilon := c.attrs.float("epsilon", 0x3727c5ac)
	if !c.alike(3) || c.in[0].kind != net.Float32 {
		return nil, FaultUnsupported
	}
	x := c.in[0].shape
	if len(x) < 2 || !slices.Equal(c.in[1].shape, x[1:2]) || !slices.Equal(c.in[2].shape, x[1:2]) {
		return nil, FaultInvalid
	}
	marked := [net.RankMax]bool{}
	for i := 2; i < len(x); i++ {
		marked[i] = true
	}
	plane := max(count(x[2:]), 1)
	p := passing{
		shape: x, rows: rowsOf(x, marked),
		extra: func(i int, read func(port, index int)) {
			read(1, i/plane%x[1])
			read(2, i/plane%x[1])
		},
		value: func(regs []uint64, _ int, w []uint64) uint64 {
			return uint64(soft.FMA(normal(regs, epsilon, f32(w[0])), f32(w[1]), f32(w[2])))
		},
	}
	p.passes, p.ends = moments(p.rows.terms)
	return p.plan()
}
