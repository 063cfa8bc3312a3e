package kernel

import "math"

// The numbers of exp. They are part of the contract and given by their bits in docs/protocol/aiw-1.md.
const (
	expLow   = -105     // at and below: +0
	expHigh  = 89       // at and above: +Inf
	expMagic = 12582912 // 1.5 * 2^23: adding it rounds to an integer, which then stands in the low bits

	expLog2EBits   = 0x3fb8aa3b // log2(e)
	expLn2HighBits = 0x3f317200 // ln 2, its first 15 bits
	expLn2LowBits  = 0x35bfbe8e // ln 2 less the above
)

// expTerms holds 1/7! down to 1/2!, by bits.
func expTerms() [6]uint32 {
	return [6]uint32{0x39500d01, 0x3ab60b61, 0x3c088889, 0x3d2aaaab, 0x3e2aaaab, 0x3f000000}
}

// Exp returns e to the x by rule AIW-5: with n = x/ln 2 rounded and r = x - n ln 2, the polynomial
// 1 + r + r²/2! + ... + r⁷/7! is scaled by 2^n in two steps, so that a subnormal result rounds once.
// It is within 1 ulp of the true value; NaN gives the canonical NaN.
func Exp(x float32) float32 {
	if x != x {
		return NaN()
	}
	x = min(max(x, expLow), expHigh)
	t := FMA(x, math.Float32frombits(expLog2EBits), expMagic)
	n := int32(math.Float32bits(t)) - int32(math.Float32bits(expMagic))
	nf := t - expMagic
	r := FMA(-nf, math.Float32frombits(expLn2HighBits), x)
	r = FMA(-nf, math.Float32frombits(expLn2LowBits), r)
	terms := expTerms()
	p := math.Float32frombits(terms[0])
	for _, c := range terms[1:] {
		p = FMA(p, r, math.Float32frombits(c))
	}
	p = FMA(p, r, 1)
	p = FMA(p, r, 1)
	half := n >> 1
	return float32(float32(p*powerOfTwo(half)) * powerOfTwo(n-half))
}

// powerOfTwo returns 2^n for a normal result.
func powerOfTwo(n int32) float32 { return math.Float32frombits(uint32(n+127) << 23) }
