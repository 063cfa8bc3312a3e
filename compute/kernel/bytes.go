package kernel

import "math"

// Conversions from and to bytes as AIW-12 says: a number is rounded to nearest even, shifted by the zero
// point and saturated. The zero point is itself such a byte.

// limits is the range of a kind of byte.
type limits struct{ low, high int32 }

func unsigned() limits { return limits{0, math.MaxUint8} }
func signed() limits   { return limits{math.MinInt8, math.MaxInt8} }

// of gives the byte of a number that is scaled already. NaN counts as zero.
func (l limits) of(v float32, zero int32) int32 {
	r := float32(math.RoundToEven(float64(v)))
	switch {
	case r != r:
		return zero
	case r <= float32(l.low-zero):
		return l.low
	case r >= float32(l.high-zero):
		return l.high
	}
	return int32(r) + zero
}

// params are those of the kernels: factor, bounds less the zero point, zero point and bias by their bits.
func (l limits) params(factor float32, zero, bias int32) [5]float32 {
	return [5]float32{
		factor, float32(l.low - zero), float32(l.high - zero),
		math.Float32frombits(uint32(zero)), math.Float32frombits(uint32(bias)),
	}
}

// QuantizeUint8 sets y[i] to the byte of x[i]/scale.
func (p Path) QuantizeUint8(y []uint8, x []float32, scale float32, zero int32) {
	y = y[:len(x)]
	n := p.whole(len(x))
	if n > 0 {
		params := unsigned().params(scale, zero, 0)
		lanesQuantizeUint8(n, &params[0], &y[0], &x[0])
	}
	for i := n; i < len(x); i++ {
		y[i] = uint8(unsigned().of(x[i]/scale, zero))
	}
}

// QuantizeInt8 sets y[i] to the byte of x[i]/scale.
func (p Path) QuantizeInt8(y []int8, x []float32, scale float32, zero int32) {
	y = y[:len(x)]
	n := p.whole(len(x))
	if n > 0 {
		params := signed().params(scale, zero, 0)
		lanesQuantizeInt8(n, &params[0], &y[0], &x[0])
	}
	for i := n; i < len(x); i++ {
		y[i] = int8(signed().of(x[i]/scale, zero))
	}
}

// RequantizeUint8 sets y[i] to the byte of (sums[i] + bias)·ratio; the sum wraps in 32 bits.
func (p Path) RequantizeUint8(y []uint8, sums []int32, bias int32, ratio float32, zero int32) {
	y = y[:len(sums)]
	n := p.whole(len(sums))
	if n > 0 {
		params := unsigned().params(ratio, zero, bias)
		lanesRequantizeUint8(n, &params[0], &y[0], &sums[0])
	}
	for i := n; i < len(sums); i++ {
		y[i] = uint8(unsigned().of(float32(float32(sums[i]+bias)*ratio), zero))
	}
}

// RequantizeInt8 sets y[i] to the byte of (sums[i] + bias)·ratio; the sum wraps in 32 bits.
func (p Path) RequantizeInt8(y []int8, sums []int32, bias int32, ratio float32, zero int32) {
	y = y[:len(sums)]
	n := p.whole(len(sums))
	if n > 0 {
		params := signed().params(ratio, zero, bias)
		lanesRequantizeInt8(n, &params[0], &y[0], &sums[0])
	}
	for i := n; i < len(sums); i++ {
		y[i] = int8(signed().of(float32(float32(sums[i]+bias)*ratio), zero))
	}
}

// DequantizeUint8 sets y[i] = (x[i] - zero)·scale.
func (p Path) DequantizeUint8(y []float32, x []uint8, scale float32, zero int32) {
	y = y[:len(x)]
	n := p.whole(len(x))
	if n > 0 {
		params := [2]float32{scale, math.Float32frombits(uint32(zero))}
		lanesDequantizeUint8(n, &params[0], &y[0], &x[0])
	}
	for i := n; i < len(x); i++ {
		y[i] = float32(float32(int32(x[i])-zero) * scale)
	}
}

// DequantizeInt8 sets y[i] = (x[i] - zero)·scale.
func (p Path) DequantizeInt8(y []float32, x []int8, scale float32, zero int32) {
	y = y[:len(x)]
	n := p.whole(len(x))
	if n > 0 {
		params := [2]float32{scale, math.Float32frombits(uint32(zero))}
		lanesDequantizeInt8(n, &params[0], &y[0], &x[0])
	}
	for i := n; i < len(x); i++ {
		y[i] = float32(float32(int32(x[i])-zero) * scale)
	}
}

// LessUint8 sets y[i] = x[i] - zero, as whole numbers.
func (p Path) LessUint8(y []int32, x []uint8, zero int32) {
	y = y[:len(x)]
	n := p.whole(len(x))
	if n > 0 {
		z := math.Float32frombits(uint32(zero))
		lanesLessUint8(n, &z, &y[0], &x[0])
	}
	for i := n; i < len(x); i++ {
		y[i] = int32(x[i]) - zero
	}
}

// LessInt8 sets y[i] = x[i] - zero, as whole numbers.
func (p Path) LessInt8(y []int32, x []int8, zero int32) {
	y = y[:len(x)]
	n := p.whole(len(x))
	if n > 0 {
		z := math.Float32frombits(uint32(zero))
		lanesLessInt8(n, &z, &y[0], &x[0])
	}
	for i := n; i < len(x); i++ {
		y[i] = int32(x[i]) - zero
	}
}

// AddProducts sets y[i] += x[i]·w, as whole numbers that wrap.
func (p Path) AddProducts(y, x []int32, w int32) {
	y = y[:len(x)]
	n := p.whole(len(x))
	if n > 0 {
		by := math.Float32frombits(uint32(w))
		lanesAddProducts(n, &by, &y[0], &x[0], &y[0])
	}
	for i := n; i < len(x); i++ {
		y[i] += x[i] * w
	}
}
