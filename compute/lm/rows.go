package lm

import (
	"github.com/aiwork/aiwork-node/compute/kernel"
)

// What happens to a row of activations between matrices. Each product, quotient and sum is rounded by itself.

// rmsNorm sets dst to x / sqrt(sum of x·x / n + epsilon), times weight; the sum is AIW-3 (LM-3).
func rmsNorm(path kernel.Path, dst, x, weight []float32, epsilon float32) {
	root := kernel.Sqrt(path.Reduce(kernel.ReductionSumSquare, x, 0)/float32(len(x)) + epsilon)
	path.BinaryRight(kernel.BinaryDiv, dst, x, root)
	path.Binary(kernel.BinaryMul, dst, dst, weight)
}

// rotate turns the pairs of each head of x by the angles of a position (LM-4).
func (c *Config) rotate(x, sines, cosines []float32) {
	pairs := c.RotateDims / 2
	for ; len(x) > 0; x = x[c.HeadDim:] {
		if c.RotateHalves {
			low, high := x[:pairs], x[pairs:2*pairs]
			for i, a := range low {
				b, s, k := high[i], sines[i], cosines[i]
				low[i] = float32(a*k) - float32(b*s)
				high[i] = float32(a*s) + float32(b*k)
			}
			continue
		}
		for i := range pairs {
			a, b, s, k := x[2*i], x[2*i+1], sines[i], cosines[i]
			x[2*i] = float32(a*k) - float32(b*s)
			x[2*i+1] = float32(a*s) + float32(b*k)
		}
	}
}

// angles gives the sines and cosines of a position.
func (m *Model) angles(sines, cosines []float32, position int) {
	p := float32(float32(position) * m.RotatePositions)
	for i, t := range m.turns {
		angle := float32(p * t)
		sines[i], cosines[i] = kernel.Sin(angle), kernel.Cos(angle)
	}
}

// gated sets gate to gate · sigmoid(gate) · up (LM-6).
func gated(path kernel.Path, gate, up []float32) {
	path.Unary(kernel.UnarySilu, gate, gate, 0, 0)
	path.Binary(kernel.BinaryMul, gate, gate, up)
}

// addTo adds y to the first elements of x; a bias that is not there is nil.
func addTo(path kernel.Path, x, y []float32) {
	x = x[:len(y)]
	path.Add(x, x, y)
}

// finite says whether no value is NaN or infinite.
func finite(x []float32) bool {
	for _, v := range x {
		if v-v != 0 {
			return false
		}
	}
	return true
}
