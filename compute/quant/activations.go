package quant

import (
	"math"

	"github.com/aiwork/aiwork-node/compute/kernel"
)

// Activations are rows of floats that matrices are multiplied with, and their blocks (AIW-13).
type Activations struct {
	Rows, K int
	Float   []float32 // Rows × K; filled in by the caller

	q8    []int8    // the whole numbers
	q16   []int16   // the same
	scale []scaling // of each block
}

// scaling is what a block's whole numbers stand for; the assembly knows its form.
type scaling struct {
	d   float32
	neg int32 // less the sum of the block's numbers
}

// Resize makes room for rows of k floats. It keeps its memory for the next time; contents are lost.
func (a *Activations) Resize(rows, k int) {
	a.Rows, a.K = rows, k
	a.Float = grow(a.Float, rows*k)
	if k%BlockLen == 0 {
		a.q8 = grow(a.q8, rows*k)
		a.q16 = grow(a.q16, rows*k)
		a.scale = grow(a.scale, rows*k/BlockLen)
	}
}

func grow[E any](s []E, n int) []E {
	if cap(s) < n {
		return make([]E, n)
	}
	return s[:n]
}

// Quantise makes the blocks of rows first to last-1, which other rows do not influence.
func (a *Activations) Quantise(path kernel.Path, first, last int) {
	blocks := a.K / BlockLen
	for b := quantiseVector(path, a, first*blocks, last*blocks); b < last*blocks; b++ {
		a.quantiseBlock(b)
	}
}

func (a *Activations) quantiseBlock(b int) {
	q := a.q8[b*BlockLen:][:BlockLen]
	a.scale[b] = DefineBlock(q, a.Float[b*BlockLen:])
	for i, v := range q {
		a.q16[b*BlockLen+i] = int16(v)
	}
}

const (
	infinityBits = 0x7f800000
	smallestBits = 0x00800000 // 2^-126, the least normal number
)

// DefineBlock quantises one block by rule AIW-13.
func DefineBlock(q []int8, x []float32) scaling {
	q = q[:BlockLen]
	top := uint32(0)
	for _, v := range x[:BlockLen] {
		top = max(top, math.Float32bits(v)&^(1<<31))
	}
	clear(q)
	d := math.Float32frombits(top) / 127
	switch {
	case top >= infinityBits:
		return scaling{d: kernel.NaN()}
	case math.Float32bits(d) < smallestBits:
		return scaling{}
	}
	inverse := 1 / d
	sum := int32(0)
	for i, v := range x[:BlockLen] {
		n := int32(math.RoundToEven(float64(float32(v * inverse))))
		q[i], sum = int8(n), sum+n
	}
	return scaling{d: d, neg: -sum}
}
