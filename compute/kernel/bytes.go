package kernel

import "math"

// A Requantizer turns numbers into bytes as AIW-12 says: rounded to nearest even, shifted by the zero
// point, saturated. Signed bytes go by their bits.
type Requantizer struct {
	Zero   int32
	Signed bool
}

func (q Requantizer) bounds() (low, high int32) {
	if q.Signed {
		return math.MinInt8, math.MaxInt8
	}
	return 0, math.MaxUint8
}

// define gives the byte of a number that is scaled already. NaN counts as zero.
func (q Requantizer) define(v float32) uint8 {
	low, high := q.bounds()
	r := float32(math.RoundToEven(float64(v)))
	switch {
	case r != r:
		r = 0
	case r <= float32(low-q.Zero):
		return uint8(low)
	case r >= float32(high-q.Zero):
		return uint8(high)
	}
	return uint8(int32(r) + q.Zero)
}

// params are those of the kernels: factor, bounds less the zero point, zero point and bias by their bits.
func (q Requantizer) params(factor float32, bias int32) [5]float32 {
	low, high := q.bounds()
	return [5]float32{
		factor, float32(low - q.Zero), float32(high - q.Zero),
		math.Float32frombits(uint32(q.Zero)), math.Float32frombits(uint32(bias)),
	}
}

// Quantize sets y[i] to the byte of x[i]/scale.
func (p Path) Quantize(y []uint8, x []float32, scale float32, q Requantizer) {
	y = y[:len(x)]
	n := p.whole(len(x))
	if n > 0 {
		params := q.params(scale, 0)
		lanesQuantize(n, &params[0], &y[0], &x[0])
	}
	for i := n; i < len(x); i++ {
		y[i] = q.define(x[i] / scale)
	}
}

// Requantize sets y[i] to the byte of (sums[i] + bias)·ratio; the sum wraps in 32 bits.
func (p Path) Requantize(y []uint8, sums []int32, bias int32, ratio float32, q Requantizer) {
	y = y[:len(sums)]
	n := p.whole(len(sums))
	if n > 0 {
		params := q.params(ratio, bias)
		lanesRequantize(n, &params[0], &y[0], &sums[0])
	}
	for i := n; i < len(sums); i++ {
		y[i] = q.define(float32(float32(sums[i]+bias) * ratio))
	}
}

// DequantizeUint8 sets y[i] = (x[i] - zero)·scale.
func (p Path) DequantizeUint8(y []float32, x []uint8, zero int32, scale float32) {
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
func (p Path) DequantizeInt8(y []float32, x []int8, zero int32, scale float32) {
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
