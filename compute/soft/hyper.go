package soft

// The functions of AIW-11.

// Tanh is the hyperbolic tangent.
func Tanh(x F32) F32 {
	a, u := x.Abs(), Mul(x, x)
	switch {
	case x.IsNaN():
		return NaN
	case !Less(0x3f200000, a): // 0.625
		return FMA(Mul(u, x), horner(u, 0x3b0d671f, 0xbc0644af, 0x3cb1d68c, 0xbd5cf910, 0x3e08883e, 0xbeaaaaaa), x)
	case Less(0x41200000, a): // 10
		return CopySign(One, x)
	}
	return CopySign(Sub(One, Div(Two, Add(Exp(Mul(Two, a)), One))), x)
}

// Sinh is the hyperbolic sine.
func Sinh(x F32) F32 {
	a, u := x.Abs(), Mul(x, x)
	switch {
	case x.IsNaN():
		return NaN
	case !Less(One, a):
		return FMA(Mul(u, x), horner(u, 0x363aeda1, 0x39501004, 0x3c088872, 0x3e2aaaab), x)
	case Less(0x42b00000, a): // 88
		return CopySign(halfExp(a), x)
	}
	e := Exp(a)
	return CopySign(Div(Sub(e, Div(One, e)), Two), x)
}

// Cosh is the hyperbolic cosine.
func Cosh(x F32) F32 {
	a := x.Abs()
	switch {
	case x.IsNaN():
		return NaN
	case Less(0x42b00000, a):
		return halfExp(a)
	}
	e := Exp(a)
	return Div(Add(e, Div(One, e)), Two)
}

func halfExp(a F32) F32 { return Mul(Exp(Sub(a, 0x42800000)), 0x6d212cc1) }

// Asinh is the inverse of Sinh.
func Asinh(x F32) F32 {
	a := x.Abs()
	switch {
	case x.IsNaN():
		return NaN
	case Less(eightThou, a):
		return CopySign(Add(Log(a), ln2), x)
	}
	u := Mul(a, a)
	return CopySign(Log1p(Add(a, Div(u, Add(One, Sqrt(Add(One, u)))))), x)
}

// Acosh is the inverse of Cosh.
func Acosh(x F32) F32 {
	switch {
	case x.IsNaN() || Less(x, One):
		return NaN
	case Less(eightThou, x):
		return Add(Log(x), ln2)
	}
	t := Sub(x, One)
	return Log1p(Add(t, Sqrt(FMA(t, t, Mul(Two, t)))))
}

// Atanh is the inverse of Tanh.
func Atanh(x F32) F32 {
	a := x.Abs()
	if x.IsNaN() || Less(One, a) {
		return NaN
	}
	return CopySign(Div(Log1p(Div(Mul(Two, a), Sub(One, a))), Two), x)
}

// Erf is the error function.
func Erf(x F32) F32 {
	a := x.Abs()
	switch {
	case x.IsNaN():
		return NaN
	case Less(a, One):
		return FMA(x, horner(Mul(x, x), 0x38a47747, 0xba51e4c0, 0x3ba9ffca, 0xbcdbfc2c, 0x3de71678, 0xbec0939f, 0x3e0375d4), x)
	case Less(0x407ccccd, a): // 3.95
		return CopySign(One, x)
	}
	p := horner(a, 0x346325e3, 0xb7cf9a6e, 0x39f158ed, 0xbb8bf067, 0x3ccfa8a0, 0xbdde6d3d, 0xbf221094, 0xbf90985b, 0x3953ed16)
	return CopySign(Sub(One, Exp(p)), x)
}

// Sigmoid is 1 / (1 + exp(-x)).
func Sigmoid(x F32) F32 { return Div(One, Add(One, Exp(x.Neg()))) }

// Softplus is log(1 + exp x).
func Softplus(x F32) F32 { return Add(Max(x, Zero), Log1p(Exp(x.Abs().Neg()))) }
