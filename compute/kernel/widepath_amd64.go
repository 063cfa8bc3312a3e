//go:build amd64 && !purego

package kernel

const wideCount = 16 // float32 in a register of 512 bits

// unaryWhole computes a multiple of laneCount elements.
func (p Path) unaryWhole(u Unary, params *float32, y, x []float32) {
	done := 0
	if p.wide512() {
		done = len(x) / wideCount * wideCount
	}
	if done > 0 {
		wideUnary(u, done, params, &y[0], &x[0])
	}
	if done < len(x) {
		unaryLanes(u, len(x)-done, params, &y[done], &x[done])
	}
}

// expLessWhole sets a multiple of laneCount elements to exp(x - top).
func (p Path) expLessWhole(y, x []float32, top float32) {
	done := 0
	if p.wide512() {
		done = len(x) / wideCount * wideCount
	}
	if done > 0 {
		wideExpLess(done, &top, &y[0], &x[0])
	}
	if done < len(x) {
		lanesExpLess(len(x)-done, &top, &y[done], &x[done])
	}
}
