package tile

import (
	"slices"

	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/soft"
)

// Products: chains of AIW-2, and sums of products of whole numbers. All elements of a tile go on together, a
// term at a time, since neighbours read the same tiles.

// A chained is a sum of products for each element. Inputs 0 and 1 are named by their own ports.
type chained struct {
	kind  net.Type
	shape []int
	terms int
	reads func(o, k int, read func(port, index int))
	step  func(acc uint64, k int, words []uint64) uint64
	after func(o int, read func(port, index int)) // what end reads
	end   func(o int, acc uint64, words []uint64) uint64
}

func (c chained) plan() (*Plan, error) {
	return &Plan{Type: c.kind, Shape: c.shape, make: c.recipe}, nil
}

func (c chained) recipe(first, n int) recipe {
	return recipe{
		length: c.terms + 1, registers: n,
		reads: func(k int, _ []uint64, read func(port, index int)) {
			for j := range n {
				if k < c.terms {
					c.reads(first+j, k, read)
				} else if c.after != nil {
					c.after(first+j, read)
				}
			}
		},
		apply: func(k int, regs, words []uint64, emit func(uint64)) {
			each := len(words) / n
			for j := range n {
				w := words[j*each:][:each]
				if k < c.terms {
					regs[j] = c.step(regs[j], k, w)
				} else {
					emit(c.end(first+j, regs[j], w))
				}
			}
		},
	}
}

// floatStep is a step of AIW-2: the register holds the total above and the segment's sum below.
func floatStep(acc uint64, k int, w []uint64) uint64 {
	link := soft.Chain{
		Total: soft.F32(acc >> 32), Acc: soft.F32(acc),
		Steps: uint32(k % soft.SegmentLen), Joined: k >= soft.SegmentLen,
	}
	link.Step(soft.F32(w[0]), soft.F32(w[1]))
	return uint64(link.Total)<<32 | uint64(link.Acc)
}

// floatEnd ends a chain of so many terms.
func floatEnd(acc uint64, terms int, bias soft.F32) soft.F32 {
	link := soft.Chain{
		Total: soft.F32(acc >> 32), Acc: soft.F32(acc),
		Steps: uint32(terms % soft.SegmentLen), Joined: terms >= soft.SegmentLen,
	}
	return link.End(bias)
}

// A matrices says where the factors of a stacked product lie.
type matrices struct {
	shape, stack   []int
	stepsA, stepsB []int
	m, n, k        int
}

func multiply(a, b []int) (p matrices, ok bool) {
	if len(a) == 0 || len(b) == 0 {
		return p, false
	}
	row, column := len(a) == 1, len(b) == 1
	if row {
		a = []int{1, a[0]}
	}
	if column {
		b = []int{b[0], 1}
	}
	p.m, p.k, p.n = a[len(a)-2], a[len(a)-1], b[len(b)-1]
	if b[len(b)-2] != p.k {
		return p, false
	}
	stackA, stackB := a[:len(a)-2], b[:len(b)-2]
	if p.stack, ok = broadcast(stackA, stackB); !ok {
		return p, false
	}
	p.stepsA, p.stepsB = stretched(stackA, p.stack), stretched(stackB, p.stack)
	p.shape = slices.Clone(p.stack)
	if !row {
		p.shape = append(p.shape, p.m)
	}
	if !column {
		p.shape = append(p.shape, p.n)
	}
	return p, true
}

// at gives the elements that term k of element o multiplies, with the row of the left and the column of the right.
func (p matrices) at(o, k int) (a, b, i, j int) {
	s, i, j := o/(p.m*p.n), o/p.n%p.m, o%p.n
	a = offset(s, p.stack, p.stepsA)*p.m*p.k + i*p.k + k
	b = offset(s, p.stack, p.stepsB)*p.k*p.n + k*p.n + j
	return a, b, i, j
}

func matMul(c *call) (*Plan, error) {
	if !c.want(net.Float32, net.Float32) {
		return nil, FaultUnsupported
	}
	p, ok := multiply(c.in[0].shape, c.in[1].shape)
	if !ok {
		return nil, FaultInvalid
	}
	return chained{
		kind: net.Float32, shape: p.shape, terms: p.k, step: floatStep,
		reads: func(o, k int, read func(port, index int)) {
			a, b, _, _ := p.at(o, k)
			read(0, a)
			read(1, b)
		},
		end: func(_ int, acc uint64, _ []uint64) uint64 { return uint64(floatEnd(acc, p.k, soft.Zero)) },
	}.plan()
}

func gemm(c *call) (*Plan, error) {
	alpha, beta := c.attrs.float("alpha", soft.One), c.attrs.float("beta", soft.One)
	flipA, flipB := c.attrs.flag("transA", false), c.attrs.flag("transB", false)
	if !c.want(net.Float32, net.Float32) || c.has(2) && c.in[2].kind != net.Float32 {
		return nil, FaultUnsupported
	}
	a, b := c.in[0].shape, c.in[1].shape
	if len(a) != 2 || len(b) != 2 {
		return nil, FaultInvalid
	}
	m, k, stepI, stepA := a[0], a[1], a[1], 1
	if flipA {
		m, k, stepI, stepA = a[1], a[0], 1, a[1]
	}
	rows, n, stepB, stepJ := b[0], b[1], b[1], 1
	if flipB {
		rows, n, stepB, stepJ = b[1], b[0], 1, b[1]
	}
	shape := []int{m, n}
	if rows != k {
		return nil, FaultInvalid
	}
	var biasSteps []int
	if c.has(2) {
		if s, ok := broadcast(c.in[2].shape, shape); !ok || !slices.Equal(s, shape) {
			return nil, FaultInvalid
		}
		biasSteps = stretched(c.in[2].shape, shape)
	}
	g := chained{
		kind: net.Float32, shape: shape, terms: k, step: floatStep,
		reads: func(o, k int, read func(port, index int)) {
			read(0, o/n*stepI+k*stepA)
			read(1, k*stepB+o%n*stepJ)
		},
		end: func(_ int, acc uint64, w []uint64) uint64 {
			y := floatEnd(acc, k, soft.Zero)
			if alpha != soft.One {
				y = soft.Mul(y, alpha)
			}
			if len(w) > 0 {
				y = soft.Add(soft.Add(y, soft.Mul(beta, soft.F32(w[0]))), soft.Zero)
			}
			return uint64(y)
		},
	}
	if biasSteps != nil {
		g.after = func(o int, read func(port, index int)) { read(2, offset(o, shape, biasSteps)) }
	}
	return g.plan()
}
