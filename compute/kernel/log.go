package kernel

import "math"

// split gives x = m · 2^n with m in [√½, √2) for a positive finite x.
func split(x float32) (m float32, n int32) {
	b := math.Float32bits(x)
	if b < 1<<23 { // subnormal: 2^23 · x is not
		b = math.Float32bits(float32(x * (1 << 23)))
		n = -23
	}
	// The exponent is taken as if one began at √½.
	shifted := b - rootHalfBits
	n += int32(shifted) >> 23
	return math.Float32frombits(shifted&(1<<23-1) + rootHalfBits), n
}

// Log returns the natural logarithm of x by rule AIW-7: log m as r - r²/2 + r³·P(r) with r = m - 1, and
// n·ln 2 on top. It is within 1 ulp; -Inf for zero, NaN below.
func Log(x float32) float32 {
	switch {
	case x != x || x < 0:
		return NaN()
	case x == 0:
		return -infinity()
	case x == infinity():
		return x
	}
	m, n := split(x)
	r := m - 1
	p := horner(r, 0x3d89dc7e, 0xbdeecb38, 0x3df36ee0, 0xbdfe1f52, 0x3e119d7a, 0xbe2aadc5, 0x3e4cd23c, 0xbe800004, 0x3eaaaaa4)
	square := float32(r * r)
	nf := float32(n)
	tail := FMA(float32(square*r), p, float32(nf*constant(expLn2LowBits)))
	tail = FMA(square, -0.5, tail)
	return FMA(nf, constant(expLn2HighBits), r+tail)
}

// Log1p returns log(1 + x), by the logarithm of w = 1 + x and what w has lost; within 2 ulp.
func Log1p(x float32) float32 {
	w := 1 + x
	if w == infinity() || !(w > 0) {
		return Log(w)
	}
	return Log(w) + (x-(w-1))/w
}

// logParts gives log x as a sum of two floats, for a positive finite x, to some 2^-36 of it.
func logParts(x float32) (high, low float32) {
	m, n := split(x)
	r := m - 1
	// log m = 2s + s³·(2/3 + s²·Q(s²)) with s = r / (2 + r), in two parts.
	d := 2 + r
	dLow := r - (d - 2)
	s := r / d
	sLow := FMA(-s, dLow, FMA(-s, d, r)) / d
	u := float32(s * s)
	uLow := FMA(s, s, -u)
	cube := float32(u * s)
	cubeLow := FMA(u, s, -cube)
	cubeLow = FMA(uLow, s, cubeLow)
	cubeLow = FMA(float32(3*u), sLow, cubeLow)
	const twoThirds, twoThirdsLow = 0x3f2aaaab, 0xb2aaaaab
	t := float32(cube * constant(twoThirds))
	tLow := FMA(cube, constant(twoThirds), -t)
	tLow = FMA(cube, constant(twoThirdsLow), tLow)
	tLow = FMA(cubeLow, constant(twoThirds), tLow)
	tLow = FMA(float32(cube*u), horner(u, 0x3e6fd08f, 0x3e922940, 0x3ecccd00), tLow)
	tLow = FMA(2, sLow, tLow)
	// n ln 2 + 2s + t, the largest first; the first product is exact.
	nf := float32(n)
	a := float32(nf * constant(expLn2HighBits))
	high, low = twoSum(a, float32(2*s))
	high2, low2 := twoSum(high, t)
	low = (low + low2) + FMA(nf, constant(expLn2LowBits), tLow)
	return fastTwoSum(high2, low)
}

// twoSum gives a + b and the error of that sum (Knuth).
func twoSum(a, b float32) (sum, err float32) {
	sum = a + b
	t := sum - a
	return sum, (a - (sum - t)) + (b - t)
}

// fastTwoSum is twoSum for |a| >= |b|.
func fastTwoSum(a, b float32) (sum, err float32) {
	sum = a + b
	return sum, b - (sum - a)
}
