package kernel

// Pow returns x to the y by rule AIW-8: exp(y · log|x|) with logarithm and product in two parts. Special
// values are those of IEEE 754: Pow(x, 0) = Pow(1, y) = 1. It is within 2 ulp.
func Pow(x, y float32) float32 {
	switch {
	case y == 0 || x == 1:
		return 1
	case x != x || y != y:
		return NaN()
	case y == 2:
		return float32(x * x)
	}
	whole, odd := wholeNumber(y)
	negative := odd && copySign(1, x) < 0
	if x < 0 && x != -infinity() && !whole && abs(y) != infinity() {
		return NaN()
	}
	r := powAbs(abs(x), y)
	if negative {
		return -r
	}
	return r
}

// wholeNumber says whether y is one, and odd.
func wholeNumber(y float32) (whole, odd bool) {
	a := abs(y)
	if a >= 1<<24 {
		return true, false // infinite ones count as even
	}
	n := int32(a)
	return float32(n) == a, float32(n) == a && n&1 == 1
}

// powAbs is x to the y for x >= 0 other than NaN, y not zero.
func powAbs(x, y float32) float32 {
	switch {
	case x == 1: // also for infinite y
		return 1
	case abs(y) == infinity():
		if (x > 1) == (y > 0) {
			return infinity()
		}
		return 0
	case x == 0 || x == infinity():
		if (x == 0) == (y > 0) {
			return 0
		}
		return infinity()
	}
	high, low := logParts(x)
	p := float32(y * high)
	if p > expHigh || p < expLow {
		return Exp(p)
	}
	pLow := FMA(y, low, FMA(y, high, -p))
	return expParts(p, pLow)
}

// expParts is exp(x + low) for a low far below x: Exp with the rest taken into its reduction.
func expParts(x, low float32) float32 {
	t := FMA(x, constant(expLog2EBits), expMagic)
	nf := t - expMagic
	n := int32(nf)
	r := FMA(-nf, constant(expLn2HighBits), x)
	r = FMA(-nf, constant(expLn2LowBits), r) + low
	p := horner(r, 0x39500d01, 0x3ab60b61, 0x3c088889, 0x3d2aaaab, 0x3e2aaaab, 0x3f000000, 0x3f800000, 0x3f800000)
	half := n >> 1
	return float32(float32(p*powerOfTwo(half)) * powerOfTwo(n-half))
}
