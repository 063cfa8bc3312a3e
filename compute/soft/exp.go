package soft

// horner is the polynomial of AIW-1: p = a, p = fma(p, x, b), and so on.
func horner(x F32, terms ...F32) F32 {
	p := terms[0]
	for _, c := range terms[1:] {
		p = FMA(p, x, c)
	}
	return p
}

// Constants of the text, by their bits.
const (
	ln2High     F32 = 0x3f317200
	ln2Low      F32 = 0x35bfbe8e
	ln2         F32 = 0x3f317218
	halfPi      F32 = 0x3fc90fdb
	halfPiLow   F32 = 0xb33bbd2e
	pi          F32 = 0x40490fdb
	minus105    F32 = 0xc2d20000
	plus89      F32 = 0x42b20000
	eightThou   F32 = 0x46000000 // 8192
	threeHalves F32 = 0x4b400000 // 1.5 · 2^23
)

// Exp is AIW-5.
func Exp(x F32) F32 {
	if x.IsNaN() {
		return NaN
	}
	x = Min(Max(x, minus105), plus89)
	r, n := reduce(x)
	return scaled(r, n)
}

// reduce is steps 2 and 3 of AIW-5.
func reduce(x F32) (r F32, n int32) {
	t := FMA(x, 0x3fb8aa3b, threeHalves)
	n = int32(t - threeHalves)
	m := Sub(t, threeHalves)
	r = FMA(m.Neg(), ln2High, x)
	return FMA(m.Neg(), ln2Low, r), n
}

// scaled is steps 4 and 5.
func scaled(r F32, n int32) F32 {
	p := horner(r, 0x39500d01, 0x3ab60b61, 0x3c088889, 0x3d2aaaab, 0x3e2aaaab, 0x3f000000, One, One)
	h := n >> 1
	return Mul(Mul(p, power(h)), power(n-h))
}

// power is 2^n for a normal result.
func power(n int32) F32 { return F32(n+127) << 23 }

// split gives x = m · 2^n of AIW-7 for a positive finite x.
func split(x F32) (m F32, n int32) {
	um, e := x.normal()
	// um has its highest bit at 23: x = um · 2^e = (um / 2^23) · 2^(e+23), the first in [1, 2).
	m, n = F32(um)&mantissa|One, e+23
	if F32(um)&mantissa >= 0x3504f3 { // twice 3f3504f3 is 3fb504f3: from there on m is halved
		return m - hidden, n + 1
	}
	return m, n
}

// Log is AIW-7.
func Log(x F32) F32 {
	switch {
	case x.IsNaN() || Less(x, Zero):
		return NaN
	case x.IsZero():
		return sign | Infinity
	case x.IsInf():
		return Infinity
	}
	m, n := split(x)
	r := Sub(m, One)
	s := Mul(r, r)
	nf := FromInt(int64(n))
	p := horner(r, 0x3d89dc7e, 0xbdeecb38, 0x3df36ee0, 0xbdfe1f52, 0x3e119d7a, 0xbe2aadc5, 0x3e4cd23c, 0xbe800004, 0x3eaaaaa4)
	t := FMA(Mul(s, r), p, Mul(nf, ln2Low))
	t = FMA(s, sign|Half, t)
	return FMA(nf, ln2High, Add(r, t))
}

// Log1p is log1p of AIW-7.
func Log1p(x F32) F32 {
	w := Add(One, x)
	if w == Infinity || w.IsNaN() || !Less(Zero, w) {
		return Log(w)
	}
	return Add(Log(w), Div(Sub(x, Sub(w, One)), w))
}

// two and fast are those of AIW-8.
func two(a, b F32) (c, rest F32) {
	c = Add(a, b)
	e := Sub(c, a)
	return c, Add(Sub(a, Sub(c, e)), Sub(b, e))
}

func fast(a, b F32) (c, rest F32) {
	c = Add(a, b)
	return c, Sub(b, Sub(c, a))
}

// Pow is AIW-8.
func Pow(x, y F32) F32 {
	switch {
	case y.IsZero() || x == One:
		return One
	case x.IsNaN() || y.IsNaN():
		return NaN
	case y == Two:
		return Mul(x, x)
	}
	isWhole, odd := wholeNumber(y)
	if Less(x, Zero) && !x.IsInf() && !y.IsInf() && !isWhole {
		return NaN
	}
	r := powAbs(x.Abs(), y)
	if odd && x.Negative() {
		return r.Neg()
	}
	return r
}

// wholeNumber says whether y is a whole number, and odd. Infinite ones count as even.
func wholeNumber(y F32) (isWhole, odd bool) {
	if y.IsInf() {
		return true, false
	}
	m, over := whole(y)
	if over {
		return true, false
	}
	return Equal(FromUint(m), y.Abs()), m&1 == 1 && Equal(FromUint(m), y.Abs())
}

// powAbs is x^y for x >= 0 and y != 0, no NaN among them.
func powAbs(x, y F32) F32 {
	grows := !y.Negative()
	switch {
	case x == One:
		return One
	case y.IsInf():
		if Less(One, x) == grows {
			return Infinity
		}
		return Zero
	case x.IsZero() || x.IsInf():
		if x.IsInf() == grows {
			return Infinity
		}
		return Zero
	}
	h, l := logParts(x)
	p := Mul(y, h)
	if Less(plus89, p) || Less(p, minus105) {
		return Exp(p)
	}
	rest := FMA(y, l, FMA(y, h, p.Neg()))
	r, n := reduce(p)
	return scaled(Add(r, rest), n)
}

// logParts is steps 1 to 3 of AIW-8.
func logParts(x F32) (h, l F32) {
	m, n := split(x)
	r := Sub(m, One)
	d := Add(Two, r)
	dRest := Sub(r, Sub(d, Two))
	s := Div(r, d)
	sRest := Div(FMA(s.Neg(), dRest, FMA(s.Neg(), d, r)), d)
	u := Mul(s, s)
	uRest := FMA(s, s, u.Neg())
	v := Mul(u, s)
	vRest := FMA(uRest, s, FMA(u, s, v.Neg()))
	vRest = FMA(Mul(0x40400000, u), sRest, vRest)

	const twoThirds, twoThirdsLow F32 = 0x3f2aaaab, 0xb2aaaaab
	t := Mul(v, twoThirds)
	tRest := FMA(v, twoThirds, t.Neg())
	tRest = FMA(v, twoThirdsLow, tRest)
	tRest = FMA(vRest, twoThirds, tRest)
	tRest = FMA(Mul(v, u), horner(u, 0x3e6fd08f, 0x3e922940, 0x3ecccd00), tRest)
	tRest = FMA(Two, sRest, tRest)

	nf := FromInt(int64(n))
	h, l = two(Mul(nf, ln2High), Mul(Two, s))
	h, k := two(h, t)
	l = Add(Add(l, k), FMA(nf, ln2Low, tRest))
	return fast(h, l)
}
