package soft

import "math/bits"

// An F32 is a binary32 by its bits.
type F32 uint32

// Numbers by their bits.
const (
	Zero     F32 = 0
	NegZero  F32 = 1 << 31
	One      F32 = 0x3f800000
	Two      F32 = 0x40000000
	Half     F32 = 0x3f000000
	Infinity F32 = 0x7f800000
	NaN      F32 = 0x7fc00000

	sign     F32 = 1 << 31
	mantissa     = 1<<23 - 1
	hidden       = 1 << 23
)

// IsNaN says whether a is a NaN.
func (a F32) IsNaN() bool { return a&^sign > Infinity }

// IsInf says whether a is infinite.
func (a F32) IsInf() bool { return a&^sign == Infinity }

// IsZero says whether a is +0 or -0.
func (a F32) IsZero() bool { return a&^sign == 0 }

// Negative is the sign bit of a.
func (a F32) Negative() bool { return a&sign != 0 }

// Neg turns the sign of a; a NaN becomes the canonical one.
func (a F32) Neg() F32 { return Canonical(a ^ sign) }

// Abs takes the sign of a away; a NaN becomes the canonical one.
func (a F32) Abs() F32 { return Canonical(a &^ sign) }

// CopySign gives a with the sign of s.
func CopySign(a, s F32) F32 { return Canonical(a&^sign | s&sign) }

// Canonical gives a, or the canonical NaN for any.
func Canonical(a F32) F32 {
	if a.IsNaN() {
		return NaN
	}
	return a
}

// parts gives |a| = m · 2^e of a finite a, whole m.
func (a F32) parts() (m uint64, e int32) {
	exp := int32(a>>23) & 0xff
	if exp == 0 {
		return uint64(a & mantissa), -149
	}
	return uint64(a&mantissa | hidden), exp - 150
}

// normal is parts with m moved up so that its highest bit is bit 23. a is not zero.
func (a F32) normal() (m uint64, e int32) {
	m, e = a.parts()
	up := bits.LeadingZeros64(m) - 40
	return m << up, e - int32(up)
}

// round gives ±m · 2^e, rounded (SOFT-1). A lowest bit of one may stand for any rest below it, as long as m
// has 27 bits or more.
func round(s F32, m uint64, e int32) F32 {
	if m == 0 {
		return s
	}
	up := int32(bits.LeadingZeros64(m))
	m <<= up
	biased := e - up + 63 + 127 // of a number whose highest bit is bit 63
	if biased >= 0xff {
		return s | Infinity
	}
	if biased <= 0 {
		m = jam(m, uint32(1-biased))
		biased = 0
	} else {
		biased-- // the hidden bit adds one
	}
	const half = 1 << 39
	kept, rest := F32(m>>40), m&(1<<40-1)
	r := F32(biased)<<23 + kept
	if rest > half || rest == half && kept&1 == 1 {
		r++ // a carry runs into the exponent, as it should
	}
	return s | r
}

// jam shifts m right; ones that fall out leave a one in the lowest bit.
func jam(m uint64, by uint32) uint64 {
	if by == 0 {
		return m
	}
	if by > 63 {
		if m != 0 {
			return 1
		}
		return 0
	}
	r := m >> by
	if r<<by != m {
		r |= 1
	}
	return r
}

// Add gives a + b.
func Add(a, b F32) F32 {
	if a&^sign >= Infinity || b&^sign >= Infinity {
		return addSpecial(a, b)
	}
	am, ae := a.parts()
	bm, be := b.parts()
	return sum(a&sign, am<<38, ae-38, b&sign, bm<<38, be-38)
}

// Sub gives a - b.
func Sub(a, b F32) F32 { return Add(a, b^sign) }

func addSpecial(a, b F32) F32 {
	switch {
	case a.IsNaN() || b.IsNaN() || a.IsInf() && b.IsInf() && a != b:
		return NaN
	case a.IsInf():
		return a
	}
	return b
}

// sum adds two numbers given by sign, m < 2^62 and exponent. Where bits may be lost, the m of the larger
// exponent has bit 60 or 61, or is so near to it that what is lost lies far below the rounding.
func sum(as F32, am uint64, ae int32, bs F32, bm uint64, be int32) F32 {
	if ae < be {
		as, am, ae, bs, bm, be = bs, bm, be, as, am, ae
	}
	bm = jam(bm, uint32(ae-be))
	switch {
	case as == bs:
		return round(as, am+bm, ae)
	case am > bm:
		return round(as, am-bm, ae)
	case am < bm:
		return round(bs, bm-am, ae)
	}
	return Zero
}

// Mul gives a · b.
func Mul(a, b F32) F32 {
	s := (a ^ b) & sign
	if a&^sign >= Infinity || b&^sign >= Infinity {
		return mulSpecial(a, b, s)
	}
	am, ae := a.parts()
	bm, be := b.parts()
	return round(s, am*bm, ae+be)
}

func mulSpecial(a, b, s F32) F32 {
	if a.IsNaN() || b.IsNaN() || a.IsZero() || b.IsZero() {
		return NaN
	}
	return s | Infinity
}

// FMA gives a · b + c, rounded once.
func FMA(a, b, c F32) F32 {
	if a&^sign >= Infinity || b&^sign >= Infinity || c&^sign >= Infinity {
		if a.IsNaN() || b.IsNaN() || c.IsNaN() {
			return NaN
		}
		if a.IsInf() || b.IsInf() {
			return Add(mulSpecial(a, b, (a^b)&sign), c)
		}
		return c
	}
	s := (a ^ b) & sign
	if a.IsZero() || b.IsZero() {
		return Add(s, c)
	}
	am, ae := a.parts()
	bm, be := b.parts()
	p, pe := am*bm, ae+be
	if c.IsZero() {
		return round(s, p, pe)
	}
	cm, ce := c.normal()
	up := int32(bits.LeadingZeros64(p)) - 2
	return sum(s, p<<up, pe-up, c&sign, cm<<38, ce-38)
}

// Div gives a / b.
func Div(a, b F32) F32 {
	s := (a ^ b) & sign
	switch {
	case a.IsNaN() || b.IsNaN() || a.IsInf() && b.IsInf() || a.IsZero() && b.IsZero():
		return NaN
	case a.IsInf() || b.IsZero():
		return s | Infinity
	case a.IsZero() || b.IsInf():
		return s
	}
	am, ae := a.normal()
	bm, be := b.normal()
	q := am << 39 / bm
	if q*bm != am<<39 {
		q |= 1
	}
	return round(s, q, ae-be-39)
}

// Sqrt gives the root of a.
func Sqrt(a F32) F32 {
	switch {
	case a.IsNaN() || a.Negative() && !a.IsZero():
		return NaN
	case a.IsZero() || a.IsInf():
		return a
	}
	m, e := a.normal()
	if e&1 != 0 {
		m, e = m<<1, e-1
	}
	m, e = m<<38, e-38 // below 2^63, and an even exponent
	r := root(m)
	if r*r != m {
		return round(0, r<<1|1, e/2-1)
	}
	return round(0, r<<1, e/2-1)
}

// root gives the whole part of the root of m, bit by bit.
func root(m uint64) (r uint64) {
	for bit := uint64(1) << 31; bit != 0; bit >>= 1 {
		if t := r | bit; t*t <= m {
			r = t
		}
	}
	return r
}

// order makes a number that is ordered as finite and infinite floats are; both zeros are 0.
func (a F32) order() int32 {
	if a.Negative() {
		return -int32(a &^ sign)
	}
	return int32(a)
}

// Less says whether a < b: never for a NaN.
func Less(a, b F32) bool { return !a.IsNaN() && !b.IsNaN() && a.order() < b.order() }

// Equal says whether a = b: never for a NaN; +0 equals -0.
func Equal(a, b F32) bool { return !a.IsNaN() && !b.IsNaN() && a.order() == b.order() }

// Max is the larger number by AIW-4.
func Max(a, b F32) F32 {
	switch {
	case a.IsNaN() || b.IsNaN():
		return NaN
	case Less(b, a):
		return a
	}
	return b
}

// Min is the smaller number by AIW-4.
func Min(a, b F32) F32 {
	switch {
	case a.IsNaN() || b.IsNaN():
		return NaN
	case Less(a, b):
		return a
	}
	return b
}

// Clamp is Max with low, then Min with high.
func Clamp(a, low, high F32) F32 { return Min(Max(a, low), high) }
