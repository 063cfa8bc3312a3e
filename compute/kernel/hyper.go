package kernel

// Hyperbolic functions, their inverses and the error function: rule AIW-11.

// Tanh returns the hyperbolic tangent of x, within 1.5 ulp.
func Tanh(x float32) float32 {
	a := abs(x)
	switch {
	case x != x:
		return NaN()
	case a > 10:
		return copySign(1, x)
	case a <= 0.625:
		u := float32(x * x)
		p := horner(u, 0x3b0d671f, 0xbc0644af, 0x3cb1d68c, 0xbd5cf910, 0x3e08883e, 0xbeaaaaaa)
		return FMA(float32(u*x), p, x)
	}
	return copySign(1-2/(Exp(float32(2*a))+1), x)
}

// Sinh returns the hyperbolic sine of x, within 3 ulp.
func Sinh(x float32) float32 {
	a := abs(x)
	switch {
	case x != x:
		return NaN()
	case a <= 1:
		u := float32(x * x)
		p := horner(u, 0x363aeda1, 0x39501004, 0x3c088872, 0x3e2aaaab)
		return FMA(float32(u*x), p, x)
	case a > 88:
		return copySign(halfExp(a), x)
	}
	e := Exp(a)
	return copySign(float32(0.5*(e-1/e)), x)
}

// Cosh returns the hyperbolic cosine of x, within 3 ulp.
func Cosh(x float32) float32 {
	a := abs(x)
	switch {
	case x != x:
		return NaN()
	case a > 88:
		return halfExp(a)
	}
	e := Exp(a)
	return float32(0.5 * (e + 1/e))
}

// halfExp is exp(a)/2 where exp(a) may overflow.
func halfExp(a float32) float32 {
	e := Exp(a - 64)
	const halfExp64 = 0x6d212cc1 // e^64 / 2
	return float32(e * constant(halfExp64))
}

// Asinh returns the inverse of Sinh, within 3 ulp.
func Asinh(x float32) float32 {
	a := abs(x)
	if x != x {
		return NaN()
	}
	if a > 1<<13 {
		return copySign(Log(a)+constant(ln2Bits), x)
	}
	u := float32(a * a)
	return copySign(Log1p(a+u/(1+Sqrt(1+u))), x)
}

// Acosh returns the inverse of Cosh, within 3 ulp; NaN below 1.
func Acosh(x float32) float32 {
	if !(x >= 1) {
		return NaN()
	}
	if x > 1<<13 {
		return Log(x) + constant(ln2Bits)
	}
	t := x - 1
	return Log1p(t + Sqrt(FMA(t, t, float32(2*t))))
}

// Atanh returns the inverse of Tanh, within 3 ulp; NaN outside [-1, 1].
func Atanh(x float32) float32 {
	a := abs(x)
	if !(a <= 1) {
		return NaN()
	}
	return copySign(float32(0.5*Log1p(2*a/(1-a))), x)
}

// Erf returns the error function of x, within 1.5 ulp.
func Erf(x float32) float32 {
	a := abs(x)
	switch {
	case x != x:
		return NaN()
	case a < 1:
		p := horner(float32(x*x), 0x38a47747, 0xba51e4c0, 0x3ba9ffca, 0xbcdbfc2c, 0x3de71678, 0xbec0939f, 0x3e0375d4)
		return FMA(x, p, x)
	case a > 3.95:
		return copySign(1, x)
	}
	p := horner(a, 0x346325e3, 0xb7cf9a6e, 0x39f158ed, 0xbb8bf067, 0x3ccfa8a0, 0xbdde6d3d, 0xbf221094, 0xbf90985b, 0x3953ed16)
	return copySign(1-Exp(p), x)
}

// Sigmoid returns 1 / (1 + exp(-x)).
func Sigmoid(x float32) float32 { return 1 / (1 + Exp(-x)) }
