package kernel

// A Reduction makes one number of many: sums by rule AIW-3, extremes by rule AIW-4 from the first element
// on. Values are for this process only and never stored.
type Reduction uint8

// The reductions.
const (
	ReductionSum Reduction = iota
	ReductionSumAbs
	ReductionSumSquare
	ReductionSumSpread // of (x - mean)²
	ReductionMax       // of no element: -inf
	ReductionMin       // of no element: +inf
	reductionEnd
)

// term is what a sum adds for an element.
func (r Reduction) term(x, mean float32) float32 {
	switch r {
	case ReductionSumAbs:
		return abs(x)
	case ReductionSumSquare:
		return float32(x * x)
	case ReductionSumSpread:
		d := x - mean
		return float32(d * d)
	}
	return x
}

// DefineReduce reduces x; mean is used by ReductionSumSpread alone.
func DefineReduce(r Reduction, x []float32, mean float32) float32 {
	if r == ReductionMax || r == ReductionMin {
		return defineExtreme(r, x)
	}
	var lanes [Lanes]float32
	for i, v := range x {
		lanes[i%Lanes] += r.term(v, mean)
	}
	return sumLanes(&lanes)
}

func defineExtreme(r Reduction, x []float32) float32 {
	f, top := larger, -infinity()
	if r == ReductionMin {
		f, top = smaller, infinity()
	}
	if len(x) > 0 {
		top = x[0]
	}
	for _, v := range x[min(1, len(x)):] {
		top = f(top, v)
	}
	return top
}

// Reduce is DefineReduce on this path.
func (p Path) Reduce(r Reduction, x []float32, mean float32) float32 {
	n := len(x) / Lanes * Lanes
	if p == PathGo || n == 0 {
		return DefineReduce(r, x, mean)
	}
	if r == ReductionMax || r == ReductionMin {
		return p.extreme(r, x, n)
	}
	var lanes [Lanes]float32
	reduceLanes(r, n, &mean, &lanes[0], &x[0])
	for i, v := range x[n:] {
		lanes[i] += r.term(v, mean)
	}
	return sumLanes(&lanes)
}

// extreme takes the extreme of each lane first. Which lane it came from does not show, but for zeros: of
// those the last one counts, since a tie takes the later element.
func (p Path) extreme(r Reduction, x []float32, n int) float32 {
	first := x[0]
	var found [2 * Lanes]float32
	reduceLanes(r, n, &first, &found[0], &x[0])
	for _, mask := range found[Lanes : Lanes+laneCount] {
		if mask != mask {
			return NaN()
		}
	}
	top := defineExtreme(r, found[:Lanes])
	f := larger
	if r == ReductionMin {
		f = smaller
	}
	for _, v := range x[n:] {
		top = f(top, v)
	}
	if top == 0 {
		for i := len(x) - 1; i >= 0; i-- {
			if x[i] == 0 {
				return x[i]
			}
		}
	}
	return top
}

// columnsMax is how many columns are reduced together: their lanes then stay in the first cache.
const columnsMax = 128

// ReduceColumns sets y[j] to the reduction of x[0][j], x[1][j], ... over rows that are stride elements
// apart. Means, one for each column, are used by ReductionSumSpread alone.
func (p Path) ReduceColumns(r Reduction, y, x []float32, rows, stride int, means []float32) {
	for first := 0; first < len(y); first += columnsMax {
		last := min(first+columnsMax, len(y))
		var m []float32
		if r == ReductionSumSpread {
			m = means[first:last]
		}
		if r == ReductionMax || r == ReductionMin {
			p.extremeColumns(r, y[first:last], x[first:], rows, stride)
		} else {
			p.sumColumns(r, y[first:last], x[first:], rows, stride, m)
		}
	}
}

func (p Path) extremeColumns(r Reduction, y, x []float32, rows, stride int) {
	f, none := BinaryMax, -infinity()
	if r == ReductionMin {
		f, none = BinaryMin, infinity()
	}
	for j := range y {
		y[j] = none
	}
	for i := range rows {
		row := x[i*stride:][:len(y)]
		if i == 0 {
			copy(y, row)
		} else {
			p.Binary(f, y, y, row)
		}
	}
}

// sumColumns keeps a row of sums for each of the 32 lanes.
func (p Path) sumColumns(r Reduction, y, x []float32, rows, stride int, means []float32) {
	var lanes [Lanes * columnsMax]float32
	n := len(y)
	for i := range rows {
		p.addTerm(r, lanes[i%Lanes*n:][:n], x[i*stride:][:n], means)
	}
	for half := Lanes / 2; half > 0; half /= 2 {
		p.Binary(BinaryAdd, lanes[:half*n], lanes[:half*n], lanes[half*n:2*half*n])
	}
	copy(y, lanes[:n])
}

// addTerm adds the terms of a row to sums.
func (p Path) addTerm(r Reduction, sums, x, means []float32) {
	n := p.whole(len(x))
	if n > 0 {
		switch r {
		case ReductionSum:
			pairLanes(BinaryAdd, n, nil, &sums[0], &sums[0], &x[0])
		case ReductionSumAbs:
			lanesAddAbs(n, nil, &sums[0], &sums[0], &x[0])
		case ReductionSumSquare:
			lanesAddSquare(n, nil, &sums[0], &sums[0], &x[0])
		default:
			lanesAddSpread(n, nil, &sums[0], &sums[0], &x[0], &means[0])
		}
	}
	for i := n; i < len(x); i++ {
		mean := float32(0)
		if r == ReductionSumSpread {
			mean = means[i]
		}
		sums[i] += r.term(x[i], mean)
	}
}

// LogSoftmax sets y to (x - max) - log Σ exp(x - max).
func (p Path) LogSoftmax(y, x []float32) {
	top := p.Reduce(ReductionMax, x, 0)
	p.ExpLess(y, x, top)
	total := Log(p.Reduce(ReductionSum, y, 0))
	p.BinaryRight(BinarySub, y, x, top)
	p.BinaryRight(BinarySub, y, y, total)
}

// Moments gives the mean of x, which is not empty, and its variance, the mean square distance from it.
func (p Path) Moments(x []float32) (mean, variance float32) {
	n := float32(len(x))
	mean = p.Reduce(ReductionSum, x, 0) / n
	return mean, p.Reduce(ReductionSumSpread, x, mean) / n
}
