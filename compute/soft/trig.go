package soft

import "math/bits"

// turn gives |x| = (q + f)·π/2 of AIW-9 for a finite x: q modulo 4, and f·π/2 in two parts.
func turn(x F32) (q uint32, r, rest F32) {
	a := x.Abs()
	if a < 0x3f490fdb {
		return 0, a, Zero
	}
	m, s := a.parts()
	high, low := twoOverPi(s)
	// M·W in units of 2^-94, modulo 2^96.
	top, units := bits.Mul64(m, low)
	top += m * high
	q = uint32(top>>30) & 3
	f := top<<34 | units>>30 // in units of 2^-64
	negative := f>>63 == 1
	if negative {
		q, f = (q+1)&3, -f
	}
	r, rest = angle(f)
	if negative {
		return q, r.Neg(), rest.Neg()
	}
	return q, r, rest
}

// twoOverPi gives the 96 bits of 2/π·2^s of weights 2 down to 2^-94, the first 32 and the others. s is that of
// a number from π/4 on: -24 at least.
func twoOverPi(s int32) (high, low uint64) {
	// 2/π in words of 32 bits, after three of zeros: bit 96 has weight 1/2.
	words := [...]uint32{
		0, 0, 0,
		0xa2f9836e, 0x4e441529, 0xfc2757d1, 0xf534ddc0, 0xdb629599, 0x3c439041, 0xfe5163ab, 0xdebbc561,
	}
	// Of the bit of weight 2^1 after scaling, the unscaled weight is 2^(1-s): bit 96 - 1 - (1 - s).
	first := 94 + s
	for i := range int32(96) {
		at := first + i
		bit := uint64(words[at/32]>>(31-at%32)) & 1
		if i < 32 {
			high = high<<1 | bit
		} else {
			low = low<<1 | bit
		}
	}
	return high, low
}

// angle gives f·2^-64·π/2 in two parts.
func angle(f uint64) (r, rest F32) {
	if f == 0 {
		return Zero, Zero
	}
	up := int32(bits.LeadingZeros64(f))
	f <<= up
	a := round(0, f>>40, -24-up)
	b := round(0, f>>16&(1<<24-1), -48-up)
	r = Mul(a, halfPi)
	rest = FMA(a, halfPi, r.Neg())
	rest = FMA(a, halfPiLow, rest)
	return r, FMA(b, halfPi, rest)
}

// sine is S of AIW-9.
func sine(r, rest F32) F32 {
	u := Mul(r, r)
	p := horner(u, 0x363e229a, 0xb9502cc4, 0x3c0888ba, 0xbe2aaaab)
	return Add(r, FMA(Mul(u, r), p, FMA(Mul(sign|Half, u), rest, rest)))
}

// cosine is C of AIW-9.
func cosine(r, rest F32) F32 {
	u := Mul(r, r)
	h := Mul(Half, u)
	w := Sub(One, h)
	p := horner(u, 0xb49b52b2, 0x37d039f2, 0xbab60bb0, 0x3d2aaaab)
	return Add(w, Add(FMA(r.Neg(), rest, Sub(Sub(One, w), h)), Mul(Mul(u, u), p)))
}

// Sin, Cos and Tan are AIW-9.

// Sin is the sine.
func Sin(x F32) F32 {
	if x.IsNaN() || x.IsInf() {
		return NaN
	}
	q, r, rest := turn(x)
	v := sine(r, rest)
	if q&1 == 1 {
		v = cosine(r, rest)
	}
	if q >= 2 {
		v = v.Neg()
	}
	if x.Negative() {
		v = v.Neg()
	}
	return v
}

// Cos is the cosine.
func Cos(x F32) F32 {
	if x.IsNaN() || x.IsInf() {
		return NaN
	}
	q, r, rest := turn(x)
	switch q {
	case 0:
		return cosine(r, rest)
	case 1:
		return sine(r, rest).Neg()
	case 2:
		return cosine(r, rest).Neg()
	}
	return sine(r, rest)
}

// Tan is the tangent.
func Tan(x F32) F32 {
	if x.IsNaN() || x.IsInf() {
		return NaN
	}
	q, r, rest := turn(x)
	s, c := sine(r, rest), cosine(r, rest)
	v := Div(s, c)
	if q&1 == 1 {
		v = Div(c, s).Neg()
	}
	if x.Negative() {
		v = v.Neg()
	}
	return v
}

// Atan is that of AIW-10.
func Atan(x F32) F32 {
	if x.IsNaN() {
		return NaN
	}
	a := x.Abs()
	inverted := Less(One, a)
	if inverted {
		a = Div(One, a)
	}
	b, bRest := Zero, Zero
	if Less(0x3ed413cd, a) {
		b, bRest = 0x3f490fdb, 0xb2bbbd2e
		a = Div(Sub(a, One), Add(a, One))
	}
	u := Mul(a, a)
	p := horner(u, 0xbd798f86, 0x3dd91783, 0xbe11dd22, 0x3e4cc8f4, 0xbeaaaaa5)
	v := Add(b, Add(a, FMA(Mul(u, a), p, bRest)))
	if inverted {
		v = Sub(halfPi, Sub(v, halfPiLow))
	}
	return CopySign(v, x)
}

// arc is A of AIW-10.
func arc(x F32) F32 {
	u := Mul(x, x)
	return FMA(Mul(u, x), horner(u, 0x3d2ce336, 0x3cc5ddf3, 0x3d3a44cc, 0x3d9980b7, 0x3e2aaae5), x)
}

// arcRoot is B of AIW-10, for |x| = a.
func arcRoot(a F32) F32 { return arc(Sqrt(Mul(Sub(One, a), Half))) }

// Asin is that of AIW-10.
func Asin(x F32) F32 {
	a := x.Abs()
	switch {
	case a.IsNaN() || Less(One, a):
		return NaN
	case !Less(Half, a):
		return arc(x)
	}
	return CopySign(Sub(halfPi, Sub(Mul(Two, arcRoot(a)), halfPiLow)), x)
}

// Acos is that of AIW-10.
func Acos(x F32) F32 {
	a := x.Abs()
	switch {
	case a.IsNaN() || Less(One, a):
		return NaN
	case !Less(Half, a):
		return Sub(halfPi, Sub(arc(x), halfPiLow))
	}
	v := Mul(Two, arcRoot(a))
	if x.Negative() {
		return Sub(pi, Sub(v, Mul(Two, halfPiLow)))
	}
	return v
}
