package kernel

import "math"

// SegmentLen is the number of steps in one chain before its sum is joined to the ones before (AIW-2).
const SegmentLen = 256

// CanonicalNaNBits is the only NaN that leaves an engine.
const CanonicalNaNBits = 0x7fc00000

const (
	// A float64 whose low 29 bits read 1000... lies half-way between two neighbouring normal float32.
	halfwayMask = 1<<29 - 1
	halfway     = 1 << 28
	// smallestNormalBits is 2^-126 as float64, the least normal float32.
	smallestNormalBits = (1023 - 126) << 52
	signBit64          = 1 << 63
)

// NaN returns the canonical NaN.
func NaN() float32 { return math.Float32frombits(CanonicalNaNBits) }

// Canonical returns v, with every NaN replaced by the canonical one.
func Canonical(v float32) float32 {
	if v != v {
		return NaN()
	}
	return v
}

// FMA returns x*y + z rounded once, as the fused instruction of the hardware does.
//
// The product of two float32 is exact in float64; only the sum s rounds. Rounding s again to float32 is
// right unless s fell on the middle between two float32, because every middle is itself a float64 and
// rounding keeps order. Then, and where the float32 would be subnormal, fmaOdd decides.
func FMA(x, y, z float32) float32 {
	s := float64(float64(x)*float64(y)) + float64(z)
	b := math.Float64bits(s)
	if b&halfwayMask == halfway || b&^signBit64 < smallestNormalBits {
		return fmaOdd(x, y, z)
	}
	return float32(s)
}

// fmaOdd is FMA by rounding to odd: where the sum is not exact, its last bit is made one, which keeps
// the second rounding from mistaking it for a tie.
func fmaOdd(x, y, z float32) float32 {
	p, c := float64(float64(x)*float64(y)), float64(z)
	s := p + c
	if s == 0 || s != s || math.IsInf(s, 0) {
		return float32(s)
	}
	t := s - p // the error of p + c, exactly (Knuth's TwoSum)
	e := (p - (s - t)) + (c - t)
	b := math.Float64bits(s)
	if e == 0 || b&1 == 1 {
		return float32(s)
	}
	if (e > 0) == (s > 0) {
		return float32(math.Float64frombits(b + 1))
	}
	return float32(math.Float64frombits(b - 1))
}
