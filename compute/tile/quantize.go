package tile

import (
	"slices"

	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/soft"
)

// Quantised numbers: x = (q - zero)·scale. Sums of products have 32 bits and wrap.

func quantizeEntries() []entry {
	return []entry{
		{"QuantizeLinear", 10, nil, quantizeLinear},
		{"DequantizeLinear", 10, nil, dequantizeLinear},
		{"DynamicQuantizeLinear", 11, nil, dynamicQuantize},
		{"MatMulInteger", 10, nil, matMulInteger},
		{"ConvInteger", 10, nil, convInteger},
		{"QLinearMatMul", 10, nil, qLinearMatMul},
		{"QLinearConv", 10, nil, qLinearConv},
	}
}

func isByte(k net.Type) bool { return k == net.Uint8 || k == net.Int8 }

// along gives the index into a scale or zero point of one element, or of one for each place of an axis.
func along(x []int, o operand, at int64) (func(i int) int, bool) {
	if o.len() == 1 {
		return func(int) int { return 0 }, true
	}
	a, ok := axis(at, len(x))
	if !ok || !slices.Equal(o.shape, x[a:a+1]) {
		return nil, false
	}
	step := max(count(x[a+1:]), 1)
	return func(i int) int { return i / step % x[a] }, true
}

// scaled reads what QuantizeLinear and DequantizeLinear share.
func (c *call) scaled() (at func(i int) int, err error) {
	a := c.attrs.int("axis", 1)
	c.attrs.int("saturate", 1)
	if c.attrs.int("block_size", 0) != 0 || c.attrs.int("output_dtype", 0) != 0 || c.attrs.int("precision", 0) != 0 {
		return nil, FaultUnsupported
	}
	if !c.want(0, net.Float32) {
		return nil, FaultUnsupported
	}
	at, ok := along(c.in[0].shape, c.in[1], a)
	if !ok || c.has(2) && c.in[2].len() != c.in[1].len() {
		return nil, FaultInvalid
	}
	return at, nil
}

func (c *call) scaledReads(at func(i int) int) func(i int, read func(port, index int)) {
	return func(i int, read func(port, index int)) {
		read(0, i)
		read(1, at(i))
		if c.has(2) {
			read(2, at(i))
		}
	}
}

// saturated rounds to even, adds the zero point and cuts to the numbers of a type.
func saturated(x soft.F32, zero int64, kind net.Type) uint64 {
	low, high := limits(kind)
	q := soft.ToInt(soft.RoundEven(x), -1<<31, 1<<31-1)
	return uint64(min(max(q+zero, low), high))
}

func third(w []uint64) int64 {
	if len(w) > 2 {
		return int64(w[2])
	}
	return 0
}

func quantizeLinear(c *call) (*Plan, error) {
	at, err := c.scaled()
	if err != nil {
		return nil, err
	}
	from, kind := c.in[0].kind, net.Uint8
	if c.has(2) {
		kind = c.in[2].kind
	}
	if from != net.Float32 && from != net.Int32 || !isByte(kind) {
		return nil, FaultUnsupported
	}
	return each{
		kind: kind, shape: c.in[0].shape, reads: c.scaledReads(at),
		value: func(_ int, w []uint64) uint64 {
			x := f32(convert(from, net.Float32, w[0]))
			return saturated(soft.Div(x, f32(w[1])), third(w), kind)
		},
	}.plan()
}

func dequantizeLinear(c *call) (*Plan, error) {
	at, err := c.scaled()
	if err != nil {
		return nil, err
	}
	if k := c.in[0].kind; !isByte(k) && k != net.Int32 {
		return nil, FaultUnsupported
	}
	return each{
		kind: net.Float32, shape: c.in[0].shape, reads: c.scaledReads(at),
		value: func(_ int, w []uint64) uint64 {
			return uint64(soft.Mul(soft.FromInt(int64(w[0])-third(w)), f32(w[1])))
		},
	}.plan()
}

// dynamicQuantize finds the range of the input in one pass: results 0 and 1 are its ends.
func dynamicQuantize(c *call) (*Plan, error) {
	if !c.want(net.Float32) || c.in[0].len() == 0 {
		return nil, FaultUnsupported
	}
	x := c.in[0].shape
	marked := [net.RankMax]bool{}
	for i := range x {
		marked[i] = true
	}
	rows := rowsOf(x, marked)
	spread := func(regs []uint64, k int, v soft.F32) {
		if k == 0 {
			regs[0], regs[1] = uint64(v), uint64(v)
		}
		regs[0], regs[1] = uint64(soft.Min(f32(regs[0]), v)), uint64(soft.Max(f32(regs[1]), v))
	}
	if c.out == 0 {
		return passing{
			kind: net.Uint8, shape: x, rows: rows,
			passes: []func([]uint64, int, soft.F32){spread}, ends: []func([]uint64){noEnd},
			value: func(regs []uint64, _ int, w []uint64) uint64 {
				scale, zero := dynamicScale(f32(regs[0]), f32(regs[1]))
				if scale.IsZero() {
					return 0
				}
				return saturated(soft.Div(f32(w[0]), scale), zero, net.Uint8)
			},
		}.plan()
	}
	f := folding{
		kind: net.Float32, terms: rows.terms, source: rows.source, registers: 2,
		add: func(regs []uint64, v uint64, k int) { spread(regs, k, f32(v)) },
		end: func(regs []uint64, _ int) uint64 {
			scale, _ := dynamicScale(f32(regs[0]), f32(regs[1]))
			return uint64(scale)
		},
	}
	if c.out == 2 {
		f.kind = net.Uint8
		f.end = func(regs []uint64, _ int) uint64 {
			_, zero := dynamicScale(f32(regs[0]), f32(regs[1]))
			return uint64(zero)
		}
	}
	return f.plan()
}

func dynamicScale(low, high soft.F32) (scale soft.F32, zero int64) {
	low, high = soft.Min(low, soft.Zero), soft.Max(high, soft.Zero)
	scale = soft.Div(soft.Sub(high, low), soft.FromInt(255))
	if scale.IsZero() {
		return scale, 0
	}
	return scale, soft.ToInt(soft.RoundEven(soft.Div(low.Neg(), scale)), 0, 255)
}

// A factor is an operand of whole numbers with its zero point.
type factor struct {
	port, zero int
	at         func(i int) int // which zero point belongs to an element; nil if there is none
}

// factor takes a port's zero point along an axis.
func (c *call) factor(port, zero, a int) (f factor, ok bool) {
	f = factor{port: port, zero: zero}
	if !c.has(port) || !isByte(c.in[port].kind) {
		return f, false
	}
	if c.has(zero) {
		if c.in[zero].kind != c.in[port].kind {
			return f, false
		}
		f.at, ok = along(c.in[port].shape, c.in[zero], int64(a))
		return f, ok
	}
	return f, true
}

// read reads element i, -1 being one that is zero after its zero point is taken away, and its zero point.
func (f factor) read(i int, read func(port, index int)) {
	read(f.port, i)
	if f.at == nil || i < 0 {
		read(f.zero, -1)
		return
	}
	read(f.zero, f.at(i))
}

// wholeStep adds (a - zero a)·(b - zero b), in 32 bits.
func wholeStep(acc uint64, _ int, w []uint64) uint64 {
	return uint64(uint32(acc) + uint32(w[0]-w[1])*uint32(w[2]-w[3]))
}

// wholeProduct lays out a product of matrices of whole numbers.
func (c *call) wholeProduct(a, zeroA, b, zeroB int) (g chained, err error) {
	if !c.has(a) || !c.has(b) {
		return g, FaultUnsupported
	}
	rank := len(c.in[a].shape)
	left, okA := c.factor(a, zeroA, max(0, rank-2))
	right, okB := c.factor(b, zeroB, len(c.in[b].shape)-1)
	p, ok := multiply(c.in[a].shape, c.in[b].shape)
	if !okA || !okB || !ok {
		return g, FaultInvalid
	}
	return chained{
		kind: net.Int32, shape: p.shape, terms: p.k, step: wholeStep,
		reads: func(o, k int, read func(port, index int)) {
			i, j, _, _ := p.at(o, k)
			left.read(i, read)
			right.read(j, read)
		},
		end: func(_ int, acc uint64, _ []uint64) uint64 { return acc },
	}, nil
}

// wholeConv lays out a convolution of whole numbers.
func (c *call) wholeConv(x, zeroX, w, zeroW int) (g chained, l layout, err error) {
	if !c.has(x) || !c.has(w) || c.has(zeroX) && c.in[zeroX].len() != 1 {
		return g, l, FaultUnsupported
	}
	left, okX := c.factor(x, zeroX, 0)
	right, okW := c.factor(w, zeroW, 0)
	if !okX || !okW {
		return g, l, FaultInvalid
	}
	if l, err = c.convolution(c.in[x], c.in[w]); err != nil {
		return g, l, err
	}
	if l.terms() > elementsMax {
		return g, l, FaultInvalid
	}
	return chained{
		kind: net.Int32, shape: l.shape, terms: l.terms(), step: wholeStep,
		reads: func(i, k int, read func(port, index int)) {
			at, weight := l.at(i, k)
			left.read(at, read)
			right.read(weight, read)
		},
		end: func(_ int, acc uint64, _ []uint64) uint64 { return acc },
	}, l, nil
}

func matMulInteger(c *call) (*Plan, error) {
	g, err := c.wholeProduct(0, 2, 1, 3)
	if err != nil {
		return nil, err
	}
	return g.plan()
}

func convInteger(c *call) (*Plan, error) {
	g, _, err := c.wholeConv(0, 2, 1, 3)
	if err != nil {
		return nil, err
	}
	return g.plan()
}

// scalars says whether ports hold one element each.
func (c *call) scalars(ports ...int) bool {
	for _, p := range ports {
		if !c.has(p) || c.in[p].len() != 1 {
			return false
		}
	}
	return true
}

// scales says whether ports are floats.
func (c *call) scales(ports ...int) bool {
	for _, p := range ports {
		if !c.has(p) || c.in[p].kind != net.Float32 {
			return false
		}
	}
	return true
}

// requantized gives round(sum·((a·b)/y)) + zero of words that are scales a, b and y, and zero.
func requantized(sum uint64, w []uint64, kind net.Type) uint64 {
	ratio := soft.Div(soft.Mul(f32(w[0]), f32(w[1])), f32(w[2]))
	return saturated(soft.Mul(soft.FromInt(int64(int32(sum))), ratio), int64(w[3]), kind)
}

func qLinearMatMul(c *call) (*Plan, error) {
	if !c.scalars(1, 4, 6, 7) || !c.scales(1, 4, 6) || !isByte(c.in[7].kind) {
		return nil, FaultUnsupported
	}
	g, err := c.wholeProduct(0, 2, 3, 5)
	if err != nil {
		return nil, err
	}
	kind := c.in[7].kind
	g.kind = kind
	g.after = func(_ int, read func(port, index int)) {
		for _, port := range []int{1, 4, 6, 7} {
			read(port, 0)
		}
	}
	g.end = func(_ int, acc uint64, w []uint64) uint64 { return requantized(acc, w, kind) }
	return g.plan()
}

func qLinearConv(c *call) (*Plan, error) {
	if !c.scalars(1, 2, 6, 7) || !c.scales(1, 4, 6) || !isByte(c.in[7].kind) || c.has(8) && c.in[8].kind != net.Int32 {
		return nil, FaultUnsupported
	}
	g, l, err := c.wholeConv(0, 2, 3, 5)
	if err != nil {
		return nil, err
	}
	scales := c.in[4].len()
	if len(c.in[4].shape) > 1 || scales != 1 && scales != l.outs || c.has(8) && c.in[8].len() != l.outs {
		return nil, FaultInvalid
	}
	kind := c.in[7].kind
	g.kind = kind
	g.after = func(i int, read func(port, index int)) {
		ch := l.channel(i)
		read(1, 0)
		read(4, ch%scales)
		read(6, 0)
		read(7, 0)
		if c.has(8) {
			read(8, ch)
		}
	}
	g.end = func(_ int, acc uint64, w []uint64) uint64 {
		if len(w) > 4 {
			acc = uint64(uint32(acc) + uint32(w[4]))
		}
		return requantized(acc, w, kind)
	}
	return g.plan()
}
