package quant

import "math"

// Half gives the value of a binary16, which is exact.
func Half(h uint16) float32 {
	sign, exponent, fraction := uint32(h>>15)<<31, uint32(h>>10)&31, uint32(h)&1023
	switch exponent {
	case 0: // fraction · 2^-24
		return math.Float32frombits(sign | math.Float32bits(float32(float32(fraction)*0x1p-24)))
	case 31:
		return math.Float32frombits(sign | 0x7f800000 | fraction<<13)
	}
	return math.Float32frombits(sign | (exponent+112)<<23 | fraction<<13)
}

// ToHalf rounds v to a binary16, ties to even; too large a value becomes infinite.
func ToHalf(v float32) uint16 {
	b := math.Float32bits(v)
	sign, a := uint16(b>>16)&0x8000, b&^(1<<31)
	switch {
	case a > 0x7f800000:
		return sign | 0x7e00
	case a >= 0x477ff000: // at least half-way from the largest binary16 to 2^16
		return sign | 0x7c00
	case a < 0x38800000: // subnormal: a whole number of 2^-24
		return sign | uint16(math.RoundToEven(float64(float64(math.Float32frombits(a))*0x1p24)))
	}
	a += 0xfff + a>>13&1
	return sign | uint16((a-0x38000000)>>13)
}
