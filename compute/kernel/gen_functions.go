//go:build ignore

package main

// What the kernels compute, once for all processors. Each function follows its definition in this package
// step by step: see exp.go, log.go, hyper.go and unary.go. Where a definition branches, all branches are
// computed and one is picked.

// A group is a set of kernels that are called by a number.
type group struct{ function, kind, prefix, inputs string }

func groups() []group {
	return []group{
		{"unaryLanes", "Unary", "lanesUnary", ", x"},
		{"pairLanes", "Binary", "lanesPair", ", a, b"},
		{"rightLanes", "Binary", "lanesRight", ", a"},
		{"leftLanes", "Binary", "lanesLeft", ", b"},
		{"reduceLanes", "Reduction", "lanesReduce", ", x"},
	}
}

// kernels lists them for a processor with so many lanes.
func kernels() func(lanes int) []*kernel {
	return func(lanes int) (list []*kernel) {
		for _, f := range functions() {
			k := newKernel("lanesUnary"+f.name, "gives "+f.says, 1, 1)
			k.out(0, f.of(k, k.in(0, 0)))
			list = append(list, k)
		}
		for _, f := range pairs() {
			k := newKernel("lanesPair"+f.name, "gives "+f.says, 1, 2)
			k.out(0, f.of(k, k.in(0, 0), k.in(1, 0)))
			list = append(list, k)
			k = newKernel("lanesRight"+f.name, "gives "+f.says+", with one b for all", 1, 1)
			k.out(0, f.of(k, k.in(0, 0), k.param(0)))
			list = append(list, k)
			k = newKernel("lanesLeft"+f.name, "gives "+f.says+", with one a for all", 1, 1)
			k.out(0, f.of(k, k.param(0), k.in(0, 0)))
			list = append(list, k)
		}
		list = append(list, reductions(lanes)...)
		list = append(list, rows()...)
		return append(list, bytes8()...)
	}
}

func newKernel(name, says string, outs, ins int) *kernel {
	k := &kernel{name: name, vectors: 1}
	k.comment = name + " " + says + ". The number of elements is a multiple of laneCount and not 0."
	for range outs {
		k.outs = append(k.outs, "float32")
	}
	for range ins {
		k.ins = append(k.ins, "float32")
	}
	return k
}

const (
	signBits = 0x80000000
	infBits  = 0x7f800000
)

func (k *kernel) abs(x value) value    { return k.without(k.bits(signBits), x) }
func (k *kernel) negate(x value) value { return k.xor(x, k.bits(signBits)) }

// copySign gives x, which is not negative, with the sign of s.
func (k *kernel) copySign(x, s value) value { return k.or(x, k.and(s, k.bits(signBits))) }

func (k *kernel) horner(x value, terms ...uint32) value {
	p := k.bits(terms[0])
	for _, c := range terms[1:] {
		p = k.fma(p, x, k.bits(c))
	}
	return p
}

// exp is rule AIW-5.
func (k *kernel) exp(x value) value {
	wrong := k.nan(x)
	x = k.lesser(k.greater(x, k.num(-105)), k.num(89))
	magic := k.num(12582912)
	t := k.fma(x, k.bits(0x3fb8aa3b), magic)
	n := k.isub(t, magic)
	nf := k.sub(t, magic)
	r := k.fnma(nf, k.bits(0x3f317200), x)
	r = k.fnma(nf, k.bits(0x35bfbe8e), r)
	one := uint32(0x3f800000)
	p := k.horner(r, 0x39500d01, 0x3ab60b61, 0x3c088889, 0x3d2aaaab, 0x3e2aaaab, 0x3f000000, one, one)
	half := k.sar(n, 1)
	rest := k.isub(n, half)
	p = k.mul(p, k.iadd(k.shl(half, 23), k.bits(one)))
	p = k.mul(p, k.iadd(k.shl(rest, 23), k.bits(one)))
	return k.or(p, wrong)
}

// log is rule AIW-7.
func (k *kernel) log(x value) value {
	small := k.lt(x, k.bits(0x00800000))
	scaled := k.pick(small, k.mul(x, k.num(1<<23)), x)
	shifted := k.isub(scaled, k.bits(0x3f3504f3))
	n := k.isub(k.sar(shifted, 23), k.and(small, k.bits(23)))
	m := k.iadd(k.and(shifted, k.bits(0x007fffff)), k.bits(0x3f3504f3))
	nf := k.float(n)
	r := k.sub(m, k.num(1))
	p := k.horner(r, 0x3d89dc7e, 0xbdeecb38, 0x3df36ee0, 0xbdfe1f52, 0x3e119d7a, 0xbe2aadc5, 0x3e4cd23c, 0xbe800004, 0x3eaaaaa4)
	square := k.mul(r, r)
	tail := k.fma(k.mul(square, r), p, k.mul(nf, k.bits(0x35bfbe8e)))
	tail = k.fma(square, k.num(-0.5), tail)
	v := k.fma(nf, k.bits(0x3f317200), k.add(r, tail))
	zero := k.num(0)
	v = k.pick(k.eq(x, zero), k.bits(infBits|signBits), v)
	v = k.pick(k.eq(x, k.bits(infBits)), x, v)
	return k.or(v, k.or(k.lt(x, zero), k.nan(x)))
}

func (k *kernel) log1p(x value) value {
	w := k.add(k.num(1), x)
	l := k.log(w)
	better := k.add(l, k.div(k.sub(x, k.sub(w, k.num(1))), w))
	usual := k.without(k.eq(w, k.bits(infBits)), k.gt(w, k.num(0)))
	return k.pick(usual, better, l)
}

// tanh, erf, sinh and cosh are rule AIW-11.
func (k *kernel) tanh(x value) value {
	a := k.abs(x)
	u := k.mul(x, x)
	p := k.horner(u, 0x3b0d671f, 0xbc0644af, 0x3cb1d68c, 0xbd5cf910, 0x3e08883e, 0xbeaaaaaa)
	near := k.fma(k.mul(u, x), p, x)
	one := k.num(1)
	far := k.sub(one, k.div(k.num(2), k.add(k.exp(k.mul(k.num(2), a)), one)))
	far = k.pick(k.gt(a, k.num(10)), one, far)
	return k.pick(k.le(a, k.num(0.625)), near, k.or(k.copySign(far, x), k.nan(x)))
}

func (k *kernel) erf(x value) value {
	a := k.abs(x)
	p := k.horner(k.mul(x, x), 0x38a47747, 0xba51e4c0, 0x3ba9ffca, 0xbcdbfc2c, 0x3de71678, 0xbec0939f, 0x3e0375d4)
	near := k.fma(x, p, x)
	q := k.horner(a, 0x346325e3, 0xb7cf9a6e, 0x39f158ed, 0xbb8bf067, 0x3ccfa8a0, 0xbdde6d3d, 0xbf221094, 0xbf90985b, 0x3953ed16)
	one := k.num(1)
	far := k.pick(k.gt(a, k.num(3.95)), one, k.sub(one, k.exp(q)))
	return k.pick(k.lt(a, one), near, k.or(k.copySign(far, x), k.nan(x)))
}

// halfExp is exp(a)/2 where exp(a) may overflow.
func (k *kernel) halfExp(a value) value {
	return k.mul(k.exp(k.sub(a, k.num(64))), k.bits(0x6d212cc1))
}

func (k *kernel) sinh(x value) value {
	a := k.abs(x)
	u := k.mul(x, x)
	near := k.fma(k.mul(u, x), k.horner(u, 0x363aeda1, 0x39501004, 0x3c088872, 0x3e2aaaab), x)
	e := k.exp(a)
	far := k.mul(k.num(0.5), k.sub(e, k.div(k.num(1), e)))
	far = k.pick(k.gt(a, k.num(88)), k.halfExp(a), far)
	return k.pick(k.le(a, k.num(1)), near, k.or(k.copySign(far, x), k.nan(x)))
}

func (k *kernel) cosh(x value) value {
	a := k.abs(x)
	e := k.exp(a)
	v := k.mul(k.num(0.5), k.add(e, k.div(k.num(1), e)))
	return k.pick(k.gt(a, k.num(88)), k.halfExp(a), v)
}

func (k *kernel) sigmoid(x value) value {
	one := k.num(1)
	return k.div(one, k.add(one, k.exp(k.negate(x))))
}

func (k *kernel) softplus(x value) value {
	return k.add(k.larger(x, k.num(0)), k.log1p(k.exp(k.negate(k.abs(x)))))
}

// larger and smaller are rule AIW-4 for a b that is a number, sides by greater and lesser where either may be NaN.
func (k *kernel) larger(a, b value) value  { return k.or(k.greater(a, b), k.nan(a)) }
func (k *kernel) smaller(a, b value) value { return k.or(k.lesser(a, b), k.nan(a)) }

func (k *kernel) clip(x, low, high value) value {
	return k.or(k.lesser(k.greater(x, low), high), k.nan(x))
}

type function struct {
	name, says string
	of         func(k *kernel, x value) value
}

// functions of one number; they take up to two parameters.
func functions() []function {
	return []function{
		{"Exp", "e to the x", (*kernel).exp},
		{"Log", "the logarithm of x", (*kernel).log},
		{"Log1p", "the logarithm of 1 + x", (*kernel).log1p},
		{"Tanh", "the hyperbolic tangent of x", (*kernel).tanh},
		{"Sinh", "the hyperbolic sine of x", (*kernel).sinh},
		{"Cosh", "the hyperbolic cosine of x", (*kernel).cosh},
		{"Erf", "the error function of x", (*kernel).erf},
		{"Sigmoid", "1 / (1 + exp -x)", (*kernel).sigmoid},
		{"Softplus", "log(1 + exp x)", (*kernel).softplus},
		{"Silu", "x · sigmoid x", func(k *kernel, x value) value { return k.mul(x, k.sigmoid(x)) }},
		{"Gelu", "x/2 · (1 + erf(x/√2))", func(k *kernel, x value) value {
			return k.mul(k.mul(k.num(0.5), x), k.add(k.num(1), k.erf(k.mul(x, k.bits(0x3f3504f3)))))
		}},
		{"GeluTanh", "the approximation of Gelu by tanh", func(k *kernel, x value) value {
			cube := k.mul(k.mul(x, x), x)
			t := k.tanh(k.mul(k.bits(0x3f4c422a), k.add(x, k.mul(k.num(0.044715), cube))))
			return k.mul(k.mul(k.num(0.5), x), k.add(k.num(1), t))
		}},
		{"Mish", "x · tanh(softplus x)", func(k *kernel, x value) value { return k.mul(x, k.tanh(k.softplus(x))) }},
		{"Softsign", "x / (1 + abs x)", func(k *kernel, x value) value { return k.div(x, k.add(k.num(1), k.abs(x))) }},
		{"HardSwish", "x · clip(x/6 + 1/2, 0, 1)", func(k *kernel, x value) value {
			return k.mul(x, k.clip(k.add(k.mul(x, k.num(1.0/6)), k.num(0.5)), k.num(0), k.num(1)))
		}},
		{"HardSigmoid", "clip(alpha·x + beta, 0, 1)", func(k *kernel, x value) value {
			return k.clip(k.add(k.mul(k.param(0), x), k.param(1)), k.num(0), k.num(1))
		}},
		{"Relu", "max(x, 0)", func(k *kernel, x value) value { return k.larger(x, k.num(0)) }},
		{"Clip", "min(max(x, low), high) of two numbers", func(k *kernel, x value) value {
			return k.clip(x, k.param(0), k.param(1))
		}},
		{"LeakyRelu", "alpha·x below zero", func(k *kernel, x value) value {
			return k.pick(k.lt(x, k.num(0)), k.mul(k.param(0), x), x)
		}},
		{"Elu", "alpha·(exp x - 1) below zero", func(k *kernel, x value) value {
			return k.pick(k.lt(x, k.num(0)), k.mul(k.param(0), k.sub(k.exp(x), k.num(1))), x)
		}},
		{"Celu", "max(0, x) + min(0, alpha·(exp(x/alpha) - 1))", func(k *kernel, x value) value {
			alpha := k.param(0)
			below := k.mul(alpha, k.sub(k.exp(k.div(x, alpha)), k.num(1)))
			return k.add(k.greater(k.num(0), x), k.lesser(k.num(0), below))
		}},
		{"Selu", "gamma·x above zero, gamma·(alpha·exp x - alpha) else", func(k *kernel, x value) value {
			alpha, gamma := k.param(0), k.param(1)
			below := k.mul(gamma, k.sub(k.mul(alpha, k.exp(x)), alpha))
			return k.pick(k.gt(x, k.num(0)), k.mul(gamma, x), below)
		}},
		{"ThresholdedRelu", "x above alpha, else 0", func(k *kernel, x value) value {
			return k.and(k.or(k.gt(x, k.param(0)), k.nan(x)), x)
		}},
		{"Shrink", "x nearer to zero by bias, 0 within lambda of it", func(k *kernel, x value) value {
			bias, lambda := k.param(0), k.param(1)
			inner := k.pick(k.gt(x, lambda), k.sub(x, bias), k.and(k.nan(x), x))
			return k.pick(k.lt(x, k.negate(lambda)), k.add(x, bias), inner)
		}},
		{"Neg", "-x", (*kernel).negate},
		{"Abs", "abs x", (*kernel).abs},
		{"Sqrt", "the root of x", (*kernel).sqrt},
		{"Reciprocal", "1 / x", func(k *kernel, x value) value { return k.div(k.num(1), x) }},
		{"Round", "x rounded to nearest even", func(k *kernel, x value) value { return k.round(x, nearest) }},
		{"Floor", "x rounded down", func(k *kernel, x value) value { return k.round(x, down) }},
		{"Ceil", "x rounded up", func(k *kernel, x value) value { return k.round(x, up) }},
	}
}

type pair struct {
	name, says string
	of         func(k *kernel, a, b value) value
}

// pairs are the functions of two numbers.
func pairs() []pair {
	return []pair{
		{"Add", "a + b", (*kernel).add},
		{"Sub", "a - b", (*kernel).sub},
		{"Mul", "a · b", (*kernel).mul},
		{"Div", "a / b", (*kernel).div},
		{"Max", "max(a, b)", func(k *kernel, a, b value) value {
			return k.or(k.greater(a, b), k.nan(a)) // a NaN in b is what greater gives
		}},
		{"Min", "min(a, b)", func(k *kernel, a, b value) value { return k.or(k.lesser(a, b), k.nan(a)) }},
		{"Prelu", "a, times b below zero", func(k *kernel, a, b value) value {
			return k.pick(k.lt(a, k.num(0)), k.mul(b, a), a)
		}},
	}
}

// reductions keep 32 lanes, element i in lane i mod 32, and leave them to Go. Those of the extremes keep a
// mask of NaN behind them.
func reductions(lanes int) (list []*kernel) {
	vectors := 32 / lanes
	terms := []function{
		{"Sum", "sums of x", func(k *kernel, x value) value { return x }},
		{"SumAbs", "sums of abs x", (*kernel).abs},
		{"SumSquare", "sums of x·x", func(k *kernel, x value) value { return k.mul(x, x) }},
		{"SumSpread", "sums of (x - mean)²", func(k *kernel, x value) value {
			d := k.sub(x, k.param(0))
			return k.mul(d, d)
		}},
	}
	for _, f := range terms {
		k := newKernel("lanesReduce"+f.name, "gives 32 "+f.says, 1, 1)
		k.comment = "lanesReduce" + f.name + " gives 32 " + f.says + ". The number of elements is a multiple of 32 and not 0."
		k.vectors = vectors
		var sums []value
		for range vectors {
			sums = append(sums, k.sum(-1))
		}
		for i, s := range sums {
			k.accumulate("add", s, f.of(k, k.in(0, i)))
		}
		list = append(list, k)
	}
	for _, name := range []string{"Max", "Min"} {
		k := newKernel("lanesReduce"+name, "", 1, 1)
		k.comment = "lanesReduce" + name + " gives 32 extremes and then a mask of NaN. The number of elements is a multiple of 32 and not 0."
		k.vectors = vectors
		var tops []value
		for range vectors {
			tops = append(tops, k.sum(0))
		}
		wrong := k.sum(-1)
		for i, top := range tops {
			x := k.in(0, i)
			k.accumulate("nan", wrong, x)
			k.accumulate(map[string]string{"Max": "greater", "Min": "lesser"}[name], top, x)
		}
		list = append(list, k)
	}
	return list
}

// rows are further kernels over rows of floats.
func rows() (list []*kernel) {
	define := func(name, says string, ins int, of func(k *kernel) value) {
		k := newKernel(name, says, 1, ins)
		k.out(0, of(k))
		list = append(list, k)
	}
	define("lanesScaleShift", "gives fma(x, scale, shift) of two numbers", 1, func(k *kernel) value {
		return k.fma(k.in(0, 0), k.param(0), k.param(1))
	})
	define("lanesFma", "gives fma(x0, x1, x2)", 3, func(k *kernel) value { return k.fma(k.in(0, 0), k.in(1, 0), k.in(2, 0)) })
	define("lanesFmaBy", "gives fma(x0, w, x1) of a number w", 2, func(k *kernel) value {
		return k.fma(k.in(0, 0), k.param(0), k.in(1, 0))
	})
	define("lanesNormalize", "gives (x - mean) / root of two numbers", 1, func(k *kernel) value {
		return k.div(k.sub(k.in(0, 0), k.param(0)), k.param(1))
	})
	define("lanesExpLess", "gives exp(x - top) of a number", 1, func(k *kernel) value {
		return k.exp(k.sub(k.in(0, 0), k.param(0)))
	})
	define("lanesBias", "gives (x0 + x1) + 0", 2, func(k *kernel) value {
		return k.add(k.add(k.in(0, 0), k.in(1, 0)), k.num(0))
	})
	define("lanesBiasBy", "gives (x + b) + 0 of a number b", 1, func(k *kernel) value {
		return k.add(k.add(k.in(0, 0), k.param(0)), k.num(0))
	})
	define("lanesAddSquare", "gives x0 + x1·x1", 2, func(k *kernel) value {
		x := k.in(1, 0)
		return k.add(k.in(0, 0), k.mul(x, x))
	})
	define("lanesAddAbs", "gives x0 + abs x1", 2, func(k *kernel) value { return k.add(k.in(0, 0), k.abs(k.in(1, 0))) })
	define("lanesAddSpread", "gives x0 + (x1 - x2)²", 3, func(k *kernel) value {
		d := k.sub(k.in(1, 0), k.in(2, 0))
		return k.add(k.in(0, 0), k.mul(d, d))
	})
	define("lanesEvens", "gives every second element", 1, func(k *kernel) value { return k.evens(0) })
	return list
}

// bytes8 are the conversions to and from bytes. Parameters of those to bytes are the scale or ratio, the
// bounds less the zero point, and the zero point by its bits.
func bytes8() (list []*kernel) {
	narrow := func(k *kernel, q value) {
		q = k.round(q, nearest)
		q = k.without(k.nan(q), q) // NaN counts as 0
		q = k.lesser(k.greater(q, k.param(1)), k.param(2))
		k.out(0, k.iadd(k.whole(q), k.param(3)))
	}
	for _, t := range []struct{ suffix, kind string }{{"Uint8", "uint8"}, {"Int8", "int8"}} {
		k := newKernel("lanesQuantize"+t.suffix, "gives x/scale rounded, clamped and shifted by the zero point", 1, 1)
		k.outs[0] = t.kind
		narrow(k, k.div(k.in(0, 0), k.param(0)))
		list = append(list, k)
		k = newKernel("lanesRequantize"+t.suffix, "gives (x + bias)·ratio rounded, clamped and shifted by the zero point", 1, 1)
		k.outs[0], k.ins[0] = t.kind, "int32"
		narrow(k, k.mul(k.float(k.iadd(k.in(0, 0), k.param(4))), k.param(0)))
		list = append(list, k)
		k = newKernel("lanesDequantize"+t.suffix, "gives (x - zero)·scale", 1, 1)
		k.ins[0] = t.kind
		k.out(0, k.mul(k.float(k.isub(k.in(0, 0), k.param(1))), k.param(0)))
		list = append(list, k)
		k = newKernel("lanesLess"+t.suffix, "gives x - zero", 1, 1)
		k.outs[0], k.ins[0] = "int32", t.kind
		k.out(0, k.isub(k.in(0, 0), k.param(0)))
		list = append(list, k)
	}
	k := newKernel("lanesAddProducts", "gives x0·w + x1 of whole numbers", 1, 2)
	k.outs[0], k.ins[0], k.ins[1] = "int32", "int32", "int32"
	k.out(0, k.iadd(k.imul(k.in(0, 0), k.param(0)), k.in(1, 0)))
	return append(list, k)
}
