package operator

import (
	"math"

	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// Functions of one float, applied to each element.

type float1 = func(float32) float32

// unary applies f to each element.
func unary(f float1) Func {
	return func(c *Call) ([]*tensor.Tensor, error) {
		out, y, err := c.floats(c.In[0].Shape())
		if err != nil {
			return nil, err
		}
		for i, v := range floatsOf(c.In[0]) {
			y[i] = f(v)
		}
		return one(out), nil
	}
}

// vectorised applies a function that kernel has for the path's registers, with its parameters.
func vectorised(u kernel.Unary, alpha, beta float32) Func {
	return func(c *Call) ([]*tensor.Tensor, error) {
		out, y, err := c.floats(c.In[0].Shape())
		if err != nil {
			return nil, err
		}
		c.Path.Unary(u, y, floatsOf(c.In[0]), alpha, beta)
		return one(out), nil
	}
}

func elementwiseOperators() []Operator {
	list := []Operator{
		{"LeakyRelu", 6, "f>f", parameters(kernel.UnaryLeakyRelu, "alpha", 0.01, "", 0)},
		{"Elu", 6, "f>f", parameters(kernel.UnaryElu, "alpha", 1, "", 0)},
		{"Celu", 12, "f>f", parameters(kernel.UnaryCelu, "alpha", 1, "", 0)},
		{"Selu", 6, "f>f", parameters(kernel.UnarySelu, "alpha", 1.6732632, "gamma", 1.050701)},
		{"ThresholdedRelu", 7, "f>f", parameters(kernel.UnaryThresholdedRelu, "alpha", 1, "", 0)},
		{"HardSigmoid", 6, "f>f", parameters(kernel.UnaryHardSigmoid, "alpha", 0.2, "beta", 0.5)},
		{"Shrink", 9, "f>f", parameters(kernel.UnaryShrink, "bias", 0, "lambd", 0.5)},
		{"Gelu", 20, "f>f", gelu},
		{"PRelu", 7, "f,f>f", plain(prelu)},
		{"Pow", 7, "f,f>f", plain(pow)},
		{"Pow", 12, "n,m>n", plain(pow)},
	}
	for _, u := range []struct {
		name  string
		since int
		f     kernel.Unary
	}{
		{"Exp", 6, kernel.UnaryExp},
		{"Sigmoid", 6, kernel.UnarySigmoid},
		{"Softplus", 1, kernel.UnarySoftplus},
		{"Log", 6, kernel.UnaryLog},
		{"Sqrt", 6, kernel.UnarySqrt},
		{"Reciprocal", 6, kernel.UnaryReciprocal},
		{"Tanh", 6, kernel.UnaryTanh},
		{"Erf", 9, kernel.UnaryErf},
		{"Sin", 7, kernel.UnarySin},
		{"Cos", 7, kernel.UnaryCos},
		{"Tan", 7, kernel.UnaryTan},
		{"Asin", 7, kernel.UnaryAsin},
		{"Acos", 7, kernel.UnaryAcos},
		{"Atan", 7, kernel.UnaryAtan},
		{"Sinh", 9, kernel.UnarySinh},
		{"Cosh", 9, kernel.UnaryCosh},
		{"Asinh", 9, kernel.UnaryAsinh},
		{"Acosh", 9, kernel.UnaryAcosh},
		{"Atanh", 9, kernel.UnaryAtanh},
		{"Softsign", 1, kernel.UnarySoftsign},
		{"HardSwish", 14, kernel.UnaryHardSwish},
		{"Mish", 18, kernel.UnaryMish},
		{"Ceil", 6, kernel.UnaryCeil},
		{"Floor", 6, kernel.UnaryFloor},
		{"Round", 11, kernel.UnaryRound},
	} {
		list = append(list, Operator{u.name, u.since, "f>f", plain(vectorised(u.f, 0, 0))})
	}
	return list
}

// parameters makes an operator whose function has one or two attributes.
func parameters(u kernel.Unary, alpha string, a float32, beta string, b float32) func(*Attrs) Func {
	return func(at *Attrs) Func {
		first, second := at.float(alpha, a), b
		if beta != "" {
			second = at.float(beta, b)
		}
		return vectorised(u, first, second)
	}
}

func absolute(x float32) float32 { return math.Float32frombits(math.Float32bits(x) &^ (1 << 31)) }

// larger and smaller are max and min of rule AIW-4.
func larger(a, b float32) float32 {
	switch {
	case a != a || b != b:
		return kernel.NaN()
	case a > b:
		return a
	}
	return b
}

func smaller(a, b float32) float32 {
	switch {
	case a != a || b != b:
		return kernel.NaN()
	case a < b:
		return a
	}
	return b
}

// clip is the clamp of AIW-1: the lower bound first.
func clip(x, low, high float32) float32 { return smaller(larger(x, low), high) }

func gelu(a *Attrs) Func {
	if a.choice("approximate", "none", "tanh") == "tanh" {
		return vectorised(kernel.UnaryGeluTanh, 0, 0)
	}
	return vectorised(kernel.UnaryGelu, 0, 0)
}

func prelu(c *Call) ([]*tensor.Tensor, error) {
	p, err := c.broadcast(c.In[0], c.In[1])
	if err != nil {
		return nil, err
	}
	if tensor.Count(p.shape) != c.In[0].Len() {
		return nil, shapesError(c.In[0], c.In[1])
	}
	return c.zipFloats(p, c.In[0], c.In[1], kernel.BinaryPrelu)
}

// pow computes x to the y in the type of x.
func pow(c *Call) ([]*tensor.Tensor, error) {
	x, y := c.In[0], c.In[1]
	p, err := c.broadcast(x, y)
	if err != nil {
		return nil, err
	}
	if x.Type() == tensor.Float32 {
		exponents, err := c.convert(y, tensor.Float32)
		if err != nil {
			return nil, err
		}
		if e := floatsOf(exponents); len(e) == 1 && e[0] == 2 { // AIW-8 says so
			if square, err := c.broadcast(x, x); err == nil && tensor.Count(p.shape) == x.Len() && len(p.shape) == x.Rank() {
				return c.zipFloats(square, x, x, kernel.BinaryMul)
			}
		}
		return zip(c, p, x, exponents, kernel.Pow)
	}
	return powIntegers(c, p, x, y)
}
