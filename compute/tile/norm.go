package tile

import (
	"slices"

	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/soft"
)

// More operators that pass over rows.

// groupNorm takes groups of channels for rows. Scale and shift are given for groups, in the first form.
func groupNorm(perGroup bool) func(c *call) (*Plan, error) {
	return func(c *call) (*Plan, error) {
		epsilon, groups := c.attrs.float("epsilon", 0x3727c5ac), c.attrs.int("num_groups", 0)
		c.attrs.int("stash_type", 1)
		if !c.alike(3) || c.in[0].kind != net.Float32 {
			return nil, FaultUnsupported
		}
		x := c.in[0].shape
		if len(x) < 2 || groups < 1 || groups > int64(max(x[1], 1)) || int64(x[1])%groups != 0 {
			return nil, FaultInvalid
		}
		g := int(groups)
		each, want := max(x[1]/g, 1), x[1]
		if perGroup {
			want = g
		}
		if !slices.Equal(c.in[1].shape, []int{want}) || !slices.Equal(c.in[2].shape, []int{want}) {
			return nil, FaultInvalid
		}
		plane := max(count(x[2:]), 1)
		shape := []int{x[0], g, x[1] / g * count(x[2:])}
		p := passing{
			shape: shape, final: x, rows: rowsOf(shape, [net.RankMax]bool{2: true}),
			extra: func(i int, read func(port, index int)) {
				ch := i / plane % x[1]
				if perGroup {
					ch /= each
				}
				read(1, ch)
				read(2, ch)
			},
			value: func(regs []uint64, _ int, w []uint64) uint64 {
				return uint64(soft.FMA(normal(regs, epsilon, f32(w[0])), f32(w[1]), f32(w[2])))
			},
		}
		p.passes, p.ends = moments(p.rows.terms)
		return p.plan()
	}
}

// sumPass is the pass that adds f of each element; end puts what becomes of the sum into result 0.
func sumPass(f float1, end func(sum soft.F32) soft.F32) (passes []func([]uint64, int, soft.F32), ends []func([]uint64)) {
	pass := func(regs []uint64, k int, v soft.F32) { addLane(lanesOf(regs), uint64(k), f(v)) }
	return []func([]uint64, int, soft.F32){pass}, []func([]uint64){func(regs []uint64) {
		regs[0] = uint64(end(sumLanes(lanesOf(regs))))
	}}
}

func rmsNorm(c *call) (*Plan, error) {
	at, epsilon := c.attrs.int("axis", -1), c.attrs.float("epsilon", 0x3727c5ac)
	c.attrs.int("stash_type", 1)
	if !c.alike(2) || c.in[0].kind != net.Float32 {
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
	if s, ok := broadcast(x, c.in[1].shape); !ok || !slices.Equal(s, x) {
		return nil, FaultInvalid
	}
	steps := stretched(c.in[1].shape, x)
	p := passing{
		shape: x, rows: rowsOf(x, marked),
		extra: func(i int, read func(port, index int)) { read(1, offset(i, x, steps)) },
		value: func(regs []uint64, _ int, w []uint64) uint64 {
			return uint64(soft.Mul(soft.Div(f32(w[0]), f32(regs[0])), f32(w[1])))
		},
	}
	p.passes, p.ends = sumPass(square, func(sum soft.F32) soft.F32 {
		return soft.Sqrt(soft.Add(meanOf(sum, p.rows.terms), epsilon))
	})
	return p.plan()
}

func meanVariance(c *call) (*Plan, error) {
	along := c.attrs.ints("axes")
	if along == nil {
		along = []int64{0, 2, 3}
	}
	if !c.want(net.Float32) {
		return nil, FaultUnsupported
	}
	marked, ok := axes(along, len(c.in[0].shape))
	if !ok {
		return nil, FaultInvalid
	}
	const billionth soft.F32 = 0x3089705f
	p := passing{
		shape: c.in[0].shape, rows: rowsOf(c.in[0].shape, marked),
		value: func(regs []uint64, _ int, w []uint64) uint64 {
			root := soft.Add(soft.Sqrt(f32(regs[1])), billionth)
			return uint64(soft.Div(soft.Sub(f32(w[0]), f32(regs[0])), root))
		},
	}
	p.passes, p.ends = moments(p.rows.terms)
	return p.plan()
}

func lpNorm(c *call) (*Plan, error) {
	at, power := c.attrs.int("axis", -1), c.attrs.int("p", 2)
	if !c.want(net.Float32) || power != 1 && power != 2 {
		return nil, FaultUnsupported
	}
	marked, ok := axes([]int64{at}, len(c.in[0].shape))
	if !ok {
		return nil, FaultInvalid
	}
	p := passing{
		shape: c.in[0].shape, rows: rowsOf(c.in[0].shape, marked),
		value: func(regs []uint64, _ int, w []uint64) uint64 {
			if f32(regs[0]).IsZero() {
				return 0
			}
			return uint64(soft.Div(f32(w[0]), f32(regs[0])))
		},
	}
	p.passes, p.ends = sumPass(soft.F32.Abs, func(sum soft.F32) soft.F32 { return sum })
	if power == 2 {
		p.passes, p.ends = sumPass(square, soft.Sqrt)
	}
	return p.plan()
}

const lrnMax = 64 // neighbouring channels

// lrn divides by a power of the squares of neighbouring channels, added in ascending order.
func lrn(c *call) (*Plan, error) {
	alpha, beta := c.attrs.float("alpha", 0x38d1b717), c.attrs.float("beta", 0x3f400000)
	bias, size := c.attrs.float("bias", soft.One), c.attrs.int("size", 0)
	if !c.want(net.Float32) || size < 1 || size > lrnMax {
		return nil, FaultUnsupported
	}
	x := c.in[0].shape
	if len(x) < 2 {
		return nil, FaultInvalid
	}
	plane, n := max(count(x[2:]), 1), x[1]
	before, after := int(size-1)/2, int(size)/2
	ratio := soft.Div(alpha, soft.FromInt(size))
	return each{
		kind: net.Float32, shape: x,
		reads: func(i int, read func(port, index int)) {
			ch := i / plane % n
			read(0, i)
			for j := max(0, ch-before); j <= min(n-1, ch+after); j++ {
				read(0, i+(j-ch)*plane)
			}
		},
		value: func(_ int, w []uint64) uint64 {
			total := soft.Zero
			for _, v := range w[1:] {
				total = soft.Add(total, square(f32(v)))
			}
			return uint64(soft.Div(f32(w[0]), soft.Pow(soft.Add(bias, soft.Mul(ratio, total)), beta)))
		},
	}.plan()
}

// hardmax is 1 at the first of the largest, whose place is result 1.
func hardmax(c *call, marked [net.RankMax]bool) (*Plan, error) {
	x := c.in[0].shape
	rows := rowsOf(x, marked)
	first := func(regs []uint64, k int, v soft.F32) {
		if k == 0 || before(net.Float32, false, uint64(v), regs[0]) {
			regs[0], regs[1] = uint64(v), uint64(k)
		}
	}
	return passing{
		shape: x, rows: rows,
		passes: []func([]uint64, int, soft.F32){first}, ends: []func([]uint64){noEnd},
		value: func(regs []uint64, i int, _ []uint64) uint64 {
			if rows.place(i, x) == int(regs[1]) {
				return uint64(soft.One)
			}
			return 0
		},
	}.plan()
}

// place tells which element of its row element i is.
func (r rowSet) place(i int, x []int) int {
	at, step := 0, 1
	for d := len(x) - 1; d >= 0; d-- {
		if r.inner[d] > 1 {
			at += i % x[d] * step
			step *= x[d]
		}
		i /= x[d]
	}
	return at
}

func logSumExpInputs(c *call) (*Plan, error) {
	along, err := c.list(1)
	if err != nil {
		return nil, err
	}
	if c.attrs.flag("noop_with_empty_axes", false) && len(along) == 0 {
		return nil, FaultUnsupported
	}
	return logSumExp(c, along)
}

// logSumExp is m + log of the sum of exp(x - m), m being the largest; an infinite m is the result.
func logSumExp(c *call, along []int64) (*Plan, error) {
	marked, shape, err := c.reduced(along)
	if err != nil {
		return nil, err
	}
	p := passing{
		rows:   rowsOf(c.in[0].shape, marked),
		passes: []func([]uint64, int, soft.F32){top, powers}, ends: []func([]uint64){noEnd, sumEnd},
	}
	if c.in[0].kind != net.Float32 || p.rows.terms == 0 {
		return nil, FaultUnsupported
	}
	return p.statistic(shape, func(regs []uint64) soft.F32 {
		m := f32(regs[0])
		if m.IsNaN() || m.IsInf() {
			return m
		}
		return soft.Add(m, soft.Log(f32(regs[1])))
	}).plan()
}
