package tile

import (
	"slices"

	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/soft"
)

// Products of rows of activations with rows of weights (AIW-2, AIW-13, AIW-14).

const (
	portFloats = iota // activations as floats, or nothing
	portWhole         // as whole numbers of eight bits, in words of eight, or nothing
	portScale         // what the whole numbers of a block are multiplied with, or nothing
	portMatrix
	portBias // or nothing
)

// A rowProduct is a product whose outputs go one after the other, a segment at a time: a row's weights lie side by side.
type rowProduct struct {
	matrix, bias weighted
	biased       bool
	tokens       int
}

func lmProduct(c *call) (*Plan, error) {
	p := rowProduct{}
	var ok bool
	if p.matrix, ok = c.weights(portMatrix, "weights"); !ok {
		return nil, FaultInvalid
	}
	if p.biased = c.has(portBias); p.biased {
		if p.bias, ok = c.weights(portBias, "bias"); !ok || p.bias.columns != p.matrix.rows {
			return nil, FaultInvalid
		}
	}
	k := p.matrix.columns
	if p.matrix.format.Quantised() {
		p.tokens, ok = c.rowsOf(portWhole, net.Uint64, k/wordBytes)
		scales, there := c.rowsOf(portScale, net.Float32, k/blockLen)
		ok = ok && there && scales == p.tokens
	} else {
		p.tokens, ok = c.rowsOf(portFloats, net.Float32, k)
	}
	shape := []int{p.tokens, p.matrix.rows}
	if !ok || !checkShape(shape) {
		return nil, FaultInvalid
	}
	return &Plan{Type: net.Float32, Shape: shape, make: p.recipe}, nil
}

// rowsOf gives the number of rows of an input of a type, whose columns must be so many.
func (c *call) rowsOf(port int, kind net.Type, columns int) (rows int, ok bool) {
	if !c.has(port) || c.in[port].kind != kind || len(c.in[port].shape) != 2 || c.in[port].shape[1] != columns {
		return 0, false
	}
	return c.in[port].shape[0], true
}

func (p rowProduct) recipe(first, n int) recipe {
	segments := (p.matrix.columns + segmentLen - 1) / segmentLen
	find := func(pos int) (token, row, s int) {
		o := first + pos/segments
		return o / p.matrix.rows, o % p.matrix.rows, pos % segments
	}
	return recipe{
		length: n * segments, registers: 1,
		reads: func(pos int, _ []uint64, read func(port, index int)) {
			token, row, s := find(pos)
			p.reads(token, row, s, read)
			if p.biased && s == segments-1 {
				p.bias.read(0, row, 1, read)
			}
		},
		apply: func(pos int, regs, words []uint64, emit func(uint64)) {
			_, row, s := find(pos)
			acc, rest := p.segment(row, s, words)
			if s == 0 {
				regs[0] = uint64(soft.Zero)
			}
			total := soft.Add(f32(regs[0]), acc)
			if s == 0 && !p.matrix.format.Quantised() {
				total = acc // whose -0 the end takes away
			}
			regs[0] = uint64(total)
			if s < segments-1 {
				return
			}
			total = soft.Add(total, soft.Zero)
			if p.biased {
				total = soft.Add(total, p.bias.at(0, row, rest))
			}
			emit(uint64(total))
		},
	}
}

// cut gives the columns of a segment.
func (p rowProduct) cut(s int) (column, n int) {
	return s * segmentLen, min(segmentLen, p.matrix.columns-s*segmentLen)
}

func (p rowProduct) reads(token, row, s int, read func(port, index int)) {
	column, n := p.cut(s)
	p.matrix.read(row, column, n, read)
	at := token*p.matrix.columns + column
	if !p.matrix.format.Quantised() {
		for i := range n {
			read(portFloats, at+i)
		}
		return
	}
	for i := range n / wordBytes {
		read(portWhole, at/wordBytes+i)
	}
	for i := range n / blockLen {
		read(portScale, at/blockLen+i)
	}
}

// segment gives the sum of a segment, and the words that are left.
func (p rowProduct) segment(row, s int, words []uint64) (acc soft.F32, rest []uint64) {
	column, n := p.cut(s)
	own := p.matrix.words(row, column, n)
	raw := p.matrix.bytes(row, column, n, words[:own])
	words = words[own:]
	if !p.matrix.format.Quantised() {
		_, size := p.matrix.format.unit()
		for i := range n {
			acc = soft.FMA(f32(words[i]), p.matrix.format.float(raw[i*size:]), acc)
		}
		return acc, words[n:]
	}
	whole, scales := words[:n/wordBytes], words[n/wordBytes:][:n/blockLen]
	unit, size := p.matrix.format.unit()
	var b block
	for i, d := range scales {
		p.matrix.format.block(&b, raw[i*blockLen/unit*size:][:size], i*blockLen%unit/blockLen)
		acc = b.step(acc, whole[i*blockLen/wordBytes:], f32(d), p.matrix.format == FormatQ4_K)
	}
	return acc, words[n/wordBytes+n/blockLen:]
}

// step adds a block to a chain (AIW-14).
func (b *block) step(acc soft.F32, whole []uint64, d soft.F32, least bool) soft.F32 {
	var sums [2]int64
	all := int64(0)
	for i, w := range b.q {
		q := int64(int8(whole[i/wordBytes] >> (i % wordBytes * 8)))
		sums[i/16] += int64(w) * q
		all += q
	}
	s := int64(b.sub[0])*sums[0] + int64(b.sub[1])*sums[1]
	acc = soft.FMA(soft.FromInt(s), soft.Mul(b.scale, d), acc)
	if least {
		acc = soft.FMA(soft.FromInt(-all), soft.Mul(b.min, d), acc)
	}
	return acc
}

// lmQuantise makes blocks of activations (AIW-13): output 0 are the whole numbers in words of eight, output 1 the scales.
func lmQuantise(c *call) (*Plan, error) {
	if !c.want(net.Float32) {
		return nil, FaultUnsupported
	}
	x := c.in[0].shape
	if len(x) != 2 || x[1]%blockLen != 0 || c.out > 1 {
		return nil, FaultInvalid
	}
	shape := slices.Clone(x)
	perBlock := blockLen / wordBytes
	e := each{kind: net.Uint64, shape: shape, value: func(i int, w []uint64) uint64 {
		_, q := quantised(w)
		return packed(q[i%perBlock*wordBytes:])
	}}
	if c.out == 1 {
		perBlock = 1
		e.kind, e.value = net.Float32, func(_ int, w []uint64) uint64 {
			d, _ := quantised(w)
			return uint64(d)
		}
	}
	shape[1] = x[1] / blockLen * perBlock
	e.reads = func(i int, read func(port, index int)) {
		for j := range blockLen {
			read(0, i/perBlock*blockLen+j)
		}
	}
	return e.plan()
}

// quantised gives the scale and the whole numbers of a block of floats.
func quantised(x []uint64) (d soft.F32, q [blockLen]int8) {
	top := soft.Zero
	for _, v := range x {
		top = max(top, f32(v)&^signBit)
	}
	if top >= soft.Infinity {
		return soft.Canonical(soft.Infinity | 1), q
	}
	if d = soft.Div(top, 0x42fe0000); d < 0x00800000 { // 127, 2^-126
		return soft.Zero, q
	}
	inverse := soft.Div(soft.One, d)
	for i, v := range x {
		q[i] = int8(soft.ToInt(soft.RoundEven(soft.Mul(f32(v), inverse)), -128, 127))
	}
	return d, q
}

func packed(q []int8) (word uint64) {
	for i, v := range q[:wordBytes] {
		word |= uint64(uint8(v)) << (8 * i)
	}
	return word
}
