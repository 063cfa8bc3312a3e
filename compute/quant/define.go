package quant

import "github.com/aiwork/aiwork-node/compute/kernel"

// DefineDot is the product of a row of quantised weights with row i of x, by rules AIW-14 and AIW-15.
func DefineDot(f Format, weights []byte, x *Activations, i int) float32 {
	blocks := x.K / BlockLen
	total, acc := float32(0), float32(0)
	var w block
	for b := range blocks {
		f.readBlock(&w, weights, b)
		at := x.scale[i*blocks+b]
		acc = step(acc, &w, x.q8[i*x.K+b*BlockLen:], at)
		if f == Q4_K {
			acc = kernel.FMA(float32(at.neg), float32(w.min*at.d), acc)
		}
		if (b+1)%SegmentBlocks == 0 || b+1 == blocks {
			total, acc = total+acc, 0
		}
	}
	return total
}

// step adds one block to a chain.
func step(acc float32, w *block, q []int8, x scaling) float32 {
	sums := [2]int32{}
	for j, v := range w.q {
		sums[j/16] += int32(v) * int32(q[j])
	}
	s := w.sub[0]*sums[0] + w.sub[1]*sums[1] // below 2^24: exact as a float
	return kernel.FMA(float32(s), float32(w.scale*x.d), acc)
}
