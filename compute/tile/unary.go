package tile

import (
	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/soft"
)

// Functions of one element.

type float1 = func(x soft.F32) soft.F32

func f32(word uint64) soft.F32 { return soft.F32(word) }

// floats makes an operator of a function of floats.
func floats(f float1) func(c *call) (*Plan, error) {
	return func(c *call) (*Plan, error) { return floatsBy(c, f) }
}

func floatsBy(c *call, f float1) (*Plan, error) {
	if !c.want(net.Float32) {
		return nil, FaultUnsupported
	}
	return oneByOne(c, net.Float32, func(v uint64) uint64 { return uint64(f(soft.F32(v))) })
}

func oneByOne(c *call, kind net.Type, f func(v uint64) uint64) (*Plan, error) {
	return each{
		kind: kind, shape: c.in[0].shape,
		reads: func(i int, read func(port, index int)) { read(0, i) },
		value: func(_ int, w []uint64) uint64 { return f(w[0]) },
	}.plan()
}

func unaryEntries() []entry {
	list := []entry{
		{"LeakyRelu", 6, nil, withFloat("alpha", 0x3c23d70a, func(x, alpha soft.F32) soft.F32 {
			if soft.Less(x, soft.Zero) {
				return soft.Mul(alpha, x)
			}
			return x
		})},
		{"Elu", 6, nil, withFloat("alpha", soft.One, func(x, alpha soft.F32) soft.F32 {
			if soft.Less(x, soft.Zero) {
				return soft.Mul(alpha, soft.Sub(soft.Exp(x), soft.One))
			}
			return x
		})},
		{"Celu", 12, nil, withFloat("alpha", soft.One, func(x, alpha soft.F32) soft.F32 {
			low := soft.Mul(alpha, soft.Sub(soft.Exp(soft.Div(x, alpha)), soft.One))
			return soft.Add(soft.Max(soft.Zero, x), soft.Min(soft.Zero, low))
		})},
		{"ThresholdedRelu", 7, nil, withFloat("alpha", soft.One, func(x, alpha soft.F32) soft.F32 {
			if soft.Less(alpha, x) || x.IsNaN() {
				return x
			}
			return soft.Zero
		})},
		{"Selu", 6, nil, selu},
		{"HardSigmoid", 6, nil, hardSigmoid},
		{"Shrink", 9, nil, shrink},
		{"Gelu", 20, nil, gelu},
		{"Clip", 6, nil, clipAttrs},
		{"Clip", 11, nil, clipInputs},
		{"Not", 1, nil, not},
		{"IsNaN", 9, nil, test(soft.F32.IsNaN)},
		{"IsInf", 10, nil, isInf},
		{"Neg", 6, nil, numbers(soft.F32.Neg, func(x int64) int64 { return -x })},
		{"Abs", 6, nil, numbers(soft.F32.Abs, func(x int64) int64 { return max(x, -x) })},
		{"Sign", 9, nil, numbers(signFloat, func(x int64) int64 { return min(max(x, -1), 1) })},
		{"Relu", 6, nil, numbers(func(x soft.F32) soft.F32 { return soft.Max(x, soft.Zero) }, func(x int64) int64 { return max(x, 0) })},
		{"BitwiseNot", 18, nil, bitwiseNot},
	}
	for _, u := range []struct {
		name  string
		since int
		f     float1
	}{
		{"Exp", 6, soft.Exp},
		{"Log", 6, soft.Log},
		{"Sqrt", 6, soft.Sqrt},
		{"Reciprocal", 6, func(x soft.F32) soft.F32 { return soft.Div(soft.One, x) }},
		{"Sigmoid", 6, soft.Sigmoid},
		{"Softplus", 1, soft.Softplus},
		{"Tanh", 6, soft.Tanh},
		{"Erf", 9, soft.Erf},
		{"Sin", 7, soft.Sin},
		{"Cos", 7, soft.Cos},
		{"Tan", 7, soft.Tan},
		{"Asin", 7, soft.Asin},
		{"Acos", 7, soft.Acos},
		{"Atan", 7, soft.Atan},
		{"Sinh", 9, soft.Sinh},
		{"Cosh", 9, soft.Cosh},
		{"Asinh", 9, soft.Asinh},
		{"Acosh", 9, soft.Acosh},
		{"Atanh", 9, soft.Atanh},
		{"Softsign", 1, func(x soft.F32) soft.F32 { return soft.Div(x, soft.Add(soft.One, x.Abs())) }},
		{"HardSwish", 14, func(x soft.F32) soft.F32 {
			return soft.Mul(x, soft.Clamp(soft.Add(soft.Mul(x, 0x3e2aaaab), soft.Half), soft.Zero, soft.One))
		}},
		{"Mish", 18, func(x soft.F32) soft.F32 { return soft.Mul(x, soft.Tanh(soft.Softplus(x))) }},
		{"Ceil", 6, soft.Ceil},
		{"Floor", 6, soft.Floor},
		{"Round", 11, soft.RoundEven},
	} {
		list = append(list, entry{u.name, u.since, nil, floats(u.f)})
	}
	return list
}

// withFloat makes an operator of a function with one attribute.
func withFloat(name string, otherwise soft.F32, f func(x, by soft.F32) soft.F32) func(c *call) (*Plan, error) {
	return func(c *call) (*Plan, error) {
		by := c.attrs.float(name, otherwise)
		return floatsBy(c, func(x soft.F32) soft.F32 { return f(x, by) })
	}
}

func selu(c *call) (*Plan, error) {
	alpha, gamma := c.attrs.float("alpha", 0x3fd62d7d), c.attrs.float("gamma", 0x3f867d5f)
	return floatsBy(c, func(x soft.F32) soft.F32 {
		if soft.Less(soft.Zero, x) {
			return soft.Mul(gamma, x)
		}
		return soft.Mul(gamma, soft.Sub(soft.Mul(alpha, soft.Exp(x)), alpha))
	})
}

func hardSigmoid(c *call) (*Plan, error) {
	alpha, beta := c.attrs.float("alpha", 0x3e4ccccd), c.attrs.float("beta", soft.Half)
	return floatsBy(c, func(x soft.F32) soft.F32 {
		return soft.Clamp(soft.Add(soft.Mul(alpha, x), beta), soft.Zero, soft.One)
	})
}

func shrink(c *call) (*Plan, error) {
	bias, lambda := c.attrs.float("bias", soft.Zero), c.attrs.float("lambd", soft.Half)
	return floatsBy(c, func(x soft.F32) soft.F32 {
		switch {
		case soft.Less(x, lambda.Neg()):
			return soft.Add(x, bias)
		case soft.Less(lambda, x):
			return soft.Sub(x, bias)
		case x.IsNaN():
			return x
		}
		return soft.Zero
	})
}

func gelu(c *call) (*Plan, error) {
	half := func(x soft.F32) soft.F32 { return soft.Mul(soft.Half, x) }
	if c.attrs.text("approximate", "none", "tanh") == "tanh" {
		return floatsBy(c, func(x soft.F32) soft.F32 {
			cube := soft.Mul(soft.Mul(x, x), x)
			t := soft.Tanh(soft.Mul(0x3f4c422a, soft.Add(x, soft.Mul(0x3d372713, cube))))
			return soft.Mul(half(x), soft.Add(soft.One, t))
		})
	}
	return floatsBy(c, func(x soft.F32) soft.F32 {
		return soft.Mul(half(x), soft.Add(soft.One, soft.Erf(soft.Mul(x, 0x3f3504f3))))
	})
}

func signFloat(x soft.F32) soft.F32 {
	switch {
	case soft.Less(soft.Zero, x):
		return soft.One
	case soft.Less(x, soft.Zero):
		return soft.One.Neg()
	}
	return x // zero and NaN
}

// numbers makes an operator of a function for floats and one for whole numbers. Those without sign are taken
// for numbers with one; a uint64 beyond them stays as it is.
func numbers(float float1, whole func(x int64) int64) func(c *call) (*Plan, error) {
	return func(c *call) (*Plan, error) {
		if !c.want(0) || c.in[0].kind == net.Bool {
			return nil, FaultUnsupported
		}
		kind := c.in[0].kind
		if kind == net.Float32 {
			return floatsBy(c, float)
		}
		return oneByOne(c, kind, func(v uint64) uint64 {
			if kind == net.Uint64 && v > 1<<63-1 {
				return v
			}
			return cut(kind, uint64(whole(int64(v))))
		})
	}
}

func clipAttrs(c *call) (*Plan, error) {
	const largest soft.F32 = 0x7f7fffff
	low, high := c.attrs.float("min", largest.Neg()), c.attrs.float("max", largest)
	return floatsBy(c, func(x soft.F32) soft.F32 { return soft.Clamp(x, low, high) })
}

func clipInputs(c *call) (*Plan, error) {
	if !c.want(0) || c.in[0].kind == net.Bool {
		return nil, FaultUnsupported
	}
	kind := c.in[0].kind
	for port := 1; port <= 2; port++ {
		if c.has(port) && (c.in[port].kind != kind || c.in[port].len() != 1) {
			return nil, FaultInvalid
		}
	}
	return each{
		kind: kind, shape: c.in[0].shape,
		reads: func(i int, read func(port, index int)) {
			read(0, i)
			for port := 1; port <= 2; port++ {
				if c.has(port) {
					read(port, 0)
				}
			}
		},
		value: func(_ int, w []uint64) uint64 {
			x, at := w[0], 1
			if c.has(1) {
				x, at = larger(kind, x, w[1]), 2
			}
			if c.has(2) {
				x = smaller(kind, x, w[at])
			}
			return x
		},
	}.plan()
}

func truth(v bool) uint64 {
	if v {
		return 1
	}
	return 0
}

func not(c *call) (*Plan, error) {
	if !c.want(net.Bool) {
		return nil, FaultUnsupported
	}
	return oneByOne(c, net.Bool, func(v uint64) uint64 { return truth(v == 0) })
}

func test(f func(x soft.F32) bool) func(c *call) (*Plan, error) {
	return func(c *call) (*Plan, error) {
		if !c.want(net.Float32) {
			return nil, FaultUnsupported
		}
		return oneByOne(c, net.Bool, func(v uint64) uint64 { return truth(f(soft.F32(v))) })
	}
}

func isInf(c *call) (*Plan, error) {
	negative, positive := c.attrs.flag("detect_negative", true), c.attrs.flag("detect_positive", true)
	return test(func(x soft.F32) bool {
		return x.IsInf() && (x.Negative() && negative || !x.Negative() && positive)
	})(c)
}

func bitwiseNot(c *call) (*Plan, error) {
	if !c.want(0) || c.in[0].kind == net.Bool || c.in[0].kind == net.Float32 {
		return nil, FaultUnsupported
	}
	kind := c.in[0].kind
	return oneByOne(c, kind, func(v uint64) uint64 { return cut(kind, ^v) })
}
