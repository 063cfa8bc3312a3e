package kernel

// What is left behind whole registers is done by the definition, or, where that is slow because it fuses or
// calls functions, in a register that is filled up with zeros.

// A Binary is a function of two numbers. Values are for this process only and never stored.
type Binary uint8

// The functions; Max and Min by rule AIW-4. BinaryPrelu is a where that is not below zero, else a·b.
const (
	BinaryAdd Binary = iota
	BinarySub
	BinaryMul
	BinaryDiv
	BinaryMax
	BinaryMin
	BinaryPrelu
	binaryEnd
)

// DefineBinary computes f of a and b.
func DefineBinary(f Binary, a, b float32) float32 {
	switch f {
	case BinaryAdd:
		return a + b
	case BinarySub:
		return a - b
	case BinaryMul:
		return float32(a * b)
	case BinaryDiv:
		return a / b
	case BinaryMax:
		return larger(a, b)
	case BinaryMin:
		return smaller(a, b)
	}
	if a < 0 {
		return float32(b * a)
	}
	return a
}

// Binary sets y[i] to f of a[i] and b[i]; all are of one length, and y may be one of them.
func (p Path) Binary(f Binary, y, a, b []float32) {
	y, b = y[:len(a)], b[:len(a)]
	n := p.whole(len(a))
	for at := 0; at < n; at += stretchMax {
		pairLanes(f, min(stretchMax, n-at), nil, &y[at], &a[at], &b[at])
	}
	for i := n; i < len(a); i++ {
		y[i] = DefineBinary(f, a[i], b[i])
	}
}

// BinaryRight sets y[i] to f of a[i] and b.
func (p Path) BinaryRight(f Binary, y, a []float32, b float32) {
	y = y[:len(a)]
	n := p.whole(len(a))
	for at := 0; at < n; at += stretchMax {
		rightLanes(f, min(stretchMax, n-at), &b, &y[at], &a[at])
	}
	for i := n; i < len(a); i++ {
		y[i] = DefineBinary(f, a[i], b)
	}
}

// BinaryLeft sets y[i] to f of a and b[i].
func (p Path) BinaryLeft(f Binary, y []float32, a float32, b []float32) {
	y = y[:len(b)]
	n := p.whole(len(b))
	for at := 0; at < n; at += stretchMax {
		leftLanes(f, min(stretchMax, n-at), &a, &y[at], &b[at])
	}
	for i := n; i < len(b); i++ {
		y[i] = DefineBinary(f, a, b[i])
	}
}

// whole is how many of n elements fill whole registers; none on the portable path.
func (p Path) whole(n int) int {
	if p == PathGo {
		return 0
	}
	return n / laneCount * laneCount
}

// ScaleShift sets y[i] = fma(x[i], scale, shift).
func (p Path) ScaleShift(y, x []float32, scale, shift float32) {
	y = y[:len(x)]
	n := p.whole(len(x))
	if n > 0 {
		params := [2]float32{scale, shift}
		lanesScaleShift(n, &params[0], &y[0], &x[0])
	}
	if rest := len(x) - n; rest > 0 && p != PathGo {
		var a [laneCount]float32
		copy(a[:], x[n:])
		params := [2]float32{scale, shift}
		lanesScaleShift(laneCount, &params[0], &a[0], &a[0])
		copy(y[n:], a[:])
		return
	}
	for i := n; i < len(x); i++ {
		y[i] = FMA(x[i], scale, shift)
	}
}

// FMAs sets y[i] = fma(a[i], b[i], c[i]).
func (p Path) FMAs(y, a, b, c []float32) {
	y, b, c = y[:len(a)], b[:len(a)], c[:len(a)]
	n := p.whole(len(a))
	if n > 0 {
		lanesFma(n, nil, &y[0], &a[0], &b[0], &c[0])
	}
	if rest := len(a) - n; rest > 0 && p != PathGo {
		var u, v, w [laneCount]float32
		copy(u[:], a[n:])
		copy(v[:], b[n:])
		copy(w[:], c[n:])
		lanesFma(laneCount, nil, &u[0], &u[0], &v[0], &w[0])
		copy(y[n:], u[:])
		return
	}
	for i := n; i < len(a); i++ {
		y[i] = FMA(a[i], b[i], c[i])
	}
}

// Accumulate sets y[i] = fma(x[i], w, y[i]).
func (p Path) Accumulate(y, x []float32, w float32) {
	y = y[:len(x)]
	n := p.whole(len(x))
	if n > 0 {
		lanesFmaBy(n, &w, &y[0], &x[0], &y[0])
	}
	if rest := len(x) - n; rest > 0 && p != PathGo {
		var a, b [laneCount]float32
		copy(a[:], x[n:])
		copy(b[:], y[n:])
		lanesFmaBy(laneCount, &w, &b[0], &a[0], &b[0])
		copy(y[n:], b[:])
		return
	}
	for i := n; i < len(x); i++ {
		y[i] = FMA(x[i], w, y[i])
	}
}

// Bias sets y[i] = (x[i] + b[i]) + 0, the end of a chain (AIW-2).
func (p Path) Bias(y, x, b []float32) {
	y, b = y[:len(x)], b[:len(x)]
	n := p.whole(len(x))
	if n > 0 {
		lanesBias(n, nil, &y[0], &x[0], &b[0])
	}
	for i := n; i < len(x); i++ {
		y[i] = (x[i] + b[i]) + 0
	}
}

// BiasBy is Bias with one number.
func (p Path) BiasBy(y, x []float32, b float32) {
	y = y[:len(x)]
	n := p.whole(len(x))
	if n > 0 {
		lanesBiasBy(n, &b, &y[0], &x[0])
	}
	for i := n; i < len(x); i++ {
		y[i] = (x[i] + b) + 0
	}
}

// Normalize sets y[i] = (x[i] - mean) / root.
func (p Path) Normalize(y, x []float32, mean, root float32) {
	y = y[:len(x)]
	n := p.whole(len(x))
	if n > 0 {
		params := [2]float32{mean, root}
		lanesNormalize(n, &params[0], &y[0], &x[0])
	}
	for i := n; i < len(x); i++ {
		y[i] = (x[i] - mean) / root
	}
}

// ExpLess sets y[i] = exp(x[i] - top).
func (p Path) ExpLess(y, x []float32, top float32) {
	y = y[:len(x)]
	n := p.whole(len(x))
	for at := 0; at < n; at += stretchMax {
		end := min(at+stretchMax, n)
		p.expLessWhole(y[at:end], x[at:end], top)
	}
	if rest := len(x) - n; rest > 0 && p != PathGo {
		var a [laneCount]float32
		copy(a[:], x[n:])
		lanesExpLess(laneCount, &top, &a[0], &a[0])
		copy(y[n:], a[:])
		return
	}
	for i := n; i < len(x); i++ {
		y[i] = Exp(x[i] - top)
	}
}

// Evens sets y[i] = x[2·i].
func (p Path) Evens(y, x []float32) {
	n := p.whole(min(len(y), len(x)/2)) // a register's worth is read to the odd element behind the last even one
	if n > 0 {
		lanesEvens(n, nil, &y[0], &x[0])
	}
	for i := n; i < len(y); i++ {
		y[i] = x[2*i]
	}
}
