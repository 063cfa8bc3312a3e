package kernel

import "math"

// horner evaluates a polynomial by fma, from its highest coefficient down; coefficients are given by bits.
func horner(x float32, terms ...uint32) float32 {
	p := math.Float32frombits(terms[0])
	for _, c := range terms[1:] {
		p = FMA(p, x, math.Float32frombits(c))
	}
	return p
}

// Sqrt is the correctly rounded root; NaN below zero.
func Sqrt(x float32) float32 {
	return Canonical(float32(math.Sqrt(float64(x))))
}

func abs(x float32) float32 { return math.Float32frombits(math.Float32bits(x) &^ (1 << 31)) }

// copySign gives x with the sign of s.
func copySign(x, s float32) float32 {
	return math.Float32frombits(math.Float32bits(x)&^(1<<31) | math.Float32bits(s)&(1<<31))
}

func infinity() float32 { return math.Float32frombits(0x7f800000) }

// Constants by their bits: pairs whose sum is nearer to the number than one float32 can be.
const (
	ln2Bits       = 0x3f317218
	ln2RestBits   = 0xb102e308
	piBits        = 0x40490fdb
	halfPiBits    = 0x3fc90fdb
	halfPiLowBits = 0xb33bbd2e
	quarterPiBits = 0x3f490fdb
	rootHalfBits  = 0x3f3504f3
)

// constant gives the float32 of some bits.
func constant(bits uint32) float32 { return math.Float32frombits(bits) }
