//go:build !amd64 || purego

package kernel

// unaryWhole computes a multiple of laneCount elements.
func (p Path) unaryWhole(u Unary, params *float32, y, x []float32) {
	unaryLanes(u, len(x), params, &y[0], &x[0])
}

// expLessWhole sets a multiple of laneCount elements to exp(x - top).
func (p Path) expLessWhole(y, x []float32, top float32) {
	lanesExpLess(len(x), &top, &y[0], &x[0])
}
