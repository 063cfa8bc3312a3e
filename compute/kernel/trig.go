package kernel

import (
	"math"
	"math/bits"
)

// quarterTurns gives |x| = (q + f) · π/2 for a finite x: q modulo 4, and f in [-1/2, 1/2] as an angle in
// two parts. |x| is multiplied by 2/π in whole numbers, of which as many bits are taken as matter.
func quarterTurns(x float32) (q uint32, r, low float32) {
	b := math.Float32bits(x) &^ (1 << 31)
	if b < 0x3f490fdb { // below π/4
		return 0, abs(x), 0
	}
	mantissa := uint64(b&(1<<23-1) | 1<<23)
	// |x| = mantissa · 2^(e-150); the product with 2/π shall have 64 bits behind the point.
	shift := int(b>>23) - 150
	window := twoOverPi(shift)
	// mantissa (24 bits) times window (2 + 64 + 30 bits), kept modulo 2^96 in units of 2^-94.
	hi, lo := bits.Mul64(mantissa, window[1])
	top := mantissa*window[0] + hi // units of 2^-30: bits 30 and 31 are the quarter turns
	fraction := top<<34 | lo>>30
	q = uint32(top>>30) & 3
	if fraction>>63 == 1 {
		q = (q + 1) & 3
	}
	f := int64(fraction) // in units of 2^-64, now from -1/2 to 1/2
	negative := f < 0
	if negative {
		f = -f
	}
	r, low = scaleQuarter(uint64(f))
	if negative {
		return q, -r, -low
	}
	return q, r, low
}

// twoOverPi gives 2/π · 2^shift modulo 4, in units of 2^-94: 32 bits and 64 bits.
func twoOverPi(shift int) [2]uint64 {
	// 2/π begins 0.a2f9...; three words of zeros stand before it for small shifts.
	digits := [...]uint32{
		0, 0, 0,
		0xa2f9836e, 0x4e441529, 0xfc2757d1, 0xf534ddc0, 0xdb629599, 0x3c439041, 0xfe5163ab, 0xdebbc561,
	}
	first := 96 + shift - 2 // index of the first bit that is wanted
	word, bit := first/32, uint(first%32)
	var w [4]uint32
	for i := range w {
		if word+i < len(digits) {
			w[i] = digits[word+i]
		}
	}
	at := func(i int) uint64 {
		return (uint64(w[i])<<32 | uint64(w[i+1])) << bit >> 32 & (1<<32 - 1)
	}
	return [2]uint64{at(0), at(1)<<32 | at(2)}
}

// scaleQuarter gives f · 2^-64 · π/2 in two parts.
func scaleQuarter(f uint64) (r, low float32) {
	if f == 0 {
		return 0, 0
	}
	zeros := bits.LeadingZeros64(f)
	f <<= uint(zeros)
	high, rest := uint32(f>>40), uint32(f>>16)&(1<<24-1) // 24 bits each: exact as floats
	unit := powerOfTwo(int32(-24 - zeros))
	a, b := float32(float32(high)*unit), float32(float32(float32(rest)*unit)*powerOfTwo(-24))
	r = float32(a * constant(halfPiBits))
	low = FMA(a, constant(halfPiBits), -r)
	low = FMA(a, constant(halfPiLowBits), low)
	return r, FMA(b, constant(halfPiBits), low)
}

// sine and cosine are of r + low for |r| up to π/4.

func sine(r, low float32) float32 {
	u := float32(r * r)
	p := horner(u, 0x363e229a, 0xb9502cc4, 0x3c0888ba, 0xbe2aaaab)
	// The derivative of sin is 1 - u/2 nearby.
	return r + FMA(float32(u*r), p, FMA(float32(-0.5*u), low, low))
}

func cosine(r, low float32) float32 {
	u := float32(r * r)
	p := horner(u, 0xb49b52b2, 0x37d039f2, 0xbab60bb0, 0x3d2aaaab)
	h := float32(0.5 * u)
	w := 1 - h
	rest := (1 - w) - h
	return w + (FMA(-r, low, rest) + float32(float32(u*u)*p))
}

// Sin returns the sine of x by rule AIW-9, within 1 ulp; NaN for infinite x.
func Sin(x float32) float32 {
	if x-x != 0 {
		return NaN()
	}
	q, r, low := quarterTurns(x)
	v := float32(0)
	if q&1 == 0 {
		v = sine(r, low)
	} else {
		v = cosine(r, low)
	}
	if q&2 != 0 {
		v = -v
	}
	if math.Float32bits(x)>>31 == 1 {
		return -v
	}
	return v
}

// Cos returns the cosine of x by rule AIW-9, within 1 ulp; NaN for infinite x.
func Cos(x float32) float32 {
	if x-x != 0 {
		return NaN()
	}
	q, r, low := quarterTurns(x)
	v := float32(0)
	if q&1 == 0 {
		v = cosine(r, low)
	} else {
		v = sine(r, low)
	}
	if q == 1 || q == 2 {
		return -v
	}
	return v
}

// Tan returns sine over cosine of x, within 2.5 ulp; NaN for infinite x.
func Tan(x float32) float32 {
	if x-x != 0 {
		return NaN()
	}
	q, r, low := quarterTurns(x)
	s, c := sine(r, low), cosine(r, low)
	v := s / c
	if q&1 == 1 {
		v = -(c / s)
	}
	if math.Float32bits(x)>>31 == 1 {
		return -v
	}
	return v
}

// Atan returns the arc tangent of x by rule AIW-10, within 2 ulp.
func Atan(x float32) float32 {
	if x != x {
		return NaN()
	}
	a := abs(x)
	invert := a > 1
	if invert {
		a = 1 / a
	}
	const tanEighthPi = 0x3ed413cd // 0.41421357
	base, low := float32(0), float32(0)
	if a > constant(tanEighthPi) {
		base, low = constant(quarterPiBits), float32(constant(halfPiLowBits)*0.5)
		a = (a - 1) / (a + 1)
	}
	u := float32(a * a)
	p := horner(u, 0xbd798f86, 0x3dd91783, 0xbe11dd22, 0x3e4cc8f4, 0xbeaaaaa5)
	v := base + (a + FMA(float32(u*a), p, low))
	if invert {
		v = constant(halfPiBits) - (v - constant(halfPiLowBits))
	}
	return copySign(v, x)
}

// smallAsin is the arc sine for |x| up to 1/2.
func smallAsin(x float32) float32 {
	u := float32(x * x)
	p := horner(u, 0x3d2ce336, 0x3cc5ddf3, 0x3d3a44cc, 0x3d9980b7, 0x3e2aaae5)
	return FMA(float32(u*x), p, x)
}

// Asin returns the arc sine of x by rule AIW-10, within 2.5 ulp; NaN outside [-1, 1].
func Asin(x float32) float32 {
	a := abs(x)
	switch {
	case !(a <= 1):
		return NaN()
	case a <= 0.5:
		return smallAsin(x)
	}
	v := smallAsin(Sqrt(float32(0.5 * (1 - a))))
	return copySign(constant(halfPiBits)-(float32(2*v)-constant(halfPiLowBits)), x)
}

// Acos returns the arc cosine of x by rule AIW-10, within 2.5 ulp; NaN outside [-1, 1].
func Acos(x float32) float32 {
	a := abs(x)
	switch {
	case !(a <= 1):
		return NaN()
	case a <= 0.5:
		return constant(halfPiBits) - (smallAsin(x) - constant(halfPiLowBits))
	}
	v := float32(2 * smallAsin(Sqrt(float32(0.5*(1-a)))))
	if x < 0 {
		return constant(piBits) - (v - float32(2*constant(halfPiLowBits)))
	}
	return v
}
