package quantize

import (
	"math"
	"slices"
)

// Weights that were stored in bytes before lie on a grid: 256 numbers at equal distances, one of which is 0. They keep it, and so lose
// nothing; symmetric bytes would lie between its numbers.

// A grid is that of a tensor of weights: row r has the numbers (byte - zero)·steps[r].
type grid struct {
	zero  int
	steps []float64
}

const (
	gridErrorMax = 0.05 // of a step
	gridLeast    = 16   // different numbers, for fewer are on many grids
	byteMin      = -128
)

// gridOf finds the grid of rows of weights, nil for none.
func gridOf(weights []float32, rows int) *grid {
	v := slices.Clone(weights)
	slices.Sort(v)
	v = slices.Compact(v)
	if len(v) < gridLeast || len(v) > levels+1 {
		return nil
	}
	first, last := float64(v[0]), float64(v[len(v)-1])
	gap := math.Inf(1)
	for i := 1; i < len(v); i++ {
		gap = min(gap, float64(v[i])-float64(v[i-1]))
	}
	n := math.Round((last - first) / gap)
	if n > levels {
		return nil
	}
	step := (last - first) / n
	zero := math.Round(-first / step)
	if zero < 0 || zero > levels {
		return nil
	}
	for _, x := range v {
		at := float64(x)/step + zero
		if math.Abs(at-math.Round(at)) > gridErrorMax {
			return nil
		}
	}
	return &grid{int(zero) + byteMin, slices.Repeat([]float64{step}, rows)}
}

// scaled is the grid of weights that are multiplied row by row.
func (g *grid) scaled(by []float32) *grid {
	if g == nil {
		return nil
	}
	out := &grid{g.zero, slices.Clone(g.steps)}
	for i, v := range by {
		out.steps[i] = float64(out.steps[i] * float64(v))
	}
	return out
}

// scale gives the scale of a row: its step, or the least with which all its weights are bytes.
func (g *grid) scale(row int, weights []float32) float32 {
	if g != nil && g.steps[row] > 0 {
		return float32(g.steps[row])
	}
	below, above := float32(weightMax), float32(weightMax)
	if g != nil {
		below, above = float32(g.zero-byteMin), float32(weightMax-g.zero)
	}
	scale := float32(0)
	for _, v := range weights {
		switch {
		case v > 0:
			scale = max(scale, v/above)
		case v < 0:
			scale = max(scale, -v/below)
		}
	}
	return scale
}

// fits reports whether a grid leaves room on both sides of 0 for a row that does not lie on it.
func (g *grid) fits() bool {
	const roomMin = 64
	return g != nil && g.zero-byteMin >= roomMin && weightMax-g.zero >= roomMin
}
