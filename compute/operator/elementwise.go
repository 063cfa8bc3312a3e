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

func elementwiseOperators() []Operator {
	list := []Operator{
		{"Exp", 6, "f>f", plain(exponential)},
		{"Sigmoid", 6, "f>f", plain(sigmoid)},
		{"LeakyRelu", 6, "f>f", leakyRelu},
		{"Elu", 6, "f>f", elu},
		{"Celu", 12, "f>f", celu},
		{"Selu", 6, "f>f", selu},
		{"ThresholdedRelu", 7, "f>f", thresholdedRelu},
		{"HardSigmoid", 6, "f>f", hardSigmoid},
		{"Shrink", 9, "f>f", shrink},
		{"Gelu", 20, "f>f", gelu},
		{"Softplus", 1, "f>f", plain(unary(softplus))},
		{"PRelu", 7, "f,f>f", plain(prelu)},
		{"Pow", 7, "f,f>f", plain(pow)},
		{"Pow", 12, "n,m>n", plain(pow)},
	}
	for _, u := range []struct {
		name  string
		since int
		f     float1
	}{
		{"Log", 6, kernel.Log},
		{"Sqrt", 6, kernel.Sqrt},
		{"Reciprocal", 6, func(x float32) float32 { return 1 / x }},
		{"Tanh", 6, kernel.Tanh},
		{"Erf", 9, kernel.Erf},
		{"Sin", 7, kernel.Sin},
		{"Cos", 7, kernel.Cos},
		{"Tan", 7, kernel.Tan},
		{"Asin", 7, kernel.Asin},
		{"Acos", 7, kernel.Acos},
		{"Atan", 7, kernel.Atan},
		{"Sinh", 9, kernel.Sinh},
		{"Cosh", 9, kernel.Cosh},
		{"Asinh", 9, kernel.Asinh},
		{"Acosh", 9, kernel.Acosh},
		{"Atanh", 9, kernel.Atanh},
		{"Softsign", 1, func(x float32) float32 { return x / (1 + absolute(x)) }},
		{"HardSwish", 14, func(x float32) float32 { return x * clip(float32(x*(1.0/6))+0.5, 0, 1) }},
		{"Mish", 18, func(x float32) float32 { return x * kernel.Tanh(softplus(x)) }},
		{"Ceil", 6, rounder(math.Ceil)},
		{"Floor", 6, rounder(math.Floor)},
		{"Round", 11, rounder(math.RoundToEven)},
	} {
		list = append(list, Operator{u.name, u.since, "f>f", plain(unary(u.f))})
	}
	return list
}

// rounder makes a function of floats of one that is exact on them.
func rounder(f func(float64) float64) float1 {
	return func(x float32) float32 { return kernel.Canonical(float32(f(float64(x)))) }
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

func relu(x float32) float32 { return larger(x, 0) }

// softplus is log(1 + exp x) without overflow.
func softplus(x float32) float32 {
	return larger(x, 0) + kernel.Log1p(kernel.Exp(-absolute(x)))
}

// exponential is kernel.Exp of each element, by the path's vectors.
func exponential(c *Call) ([]*tensor.Tensor, error) {
	out, y, err := c.floats(c.In[0].Shape())
	if err != nil {
		return nil, err
	}
	copy(y, floatsOf(c.In[0]))
	c.Path.Exps(y)
	return one(out), nil
}

// sigmoid is kernel.Sigmoid of each element.
func sigmoid(c *Call) ([]*tensor.Tensor, error) {
	out, y, err := c.floats(c.In[0].Shape())
	if err != nil {
		return nil, err
	}
	for i, v := range floatsOf(c.In[0]) {
		y[i] = -v
	}
	c.Path.Exps(y)
	for i, v := range y {
		y[i] = 1 / (1 + v)
	}
	return one(out), nil
}

func leakyRelu(a *Attrs) Func {
	alpha := a.float("alpha", 0.01)
	return unary(func(x float32) float32 {
		if x < 0 {
			return alpha * x
		}
		return x
	})
}

func elu(a *Attrs) Func {
	alpha := a.float("alpha", 1)
	return unary(func(x float32) float32 {
		if x < 0 {
			return alpha * (kernel.Exp(x) - 1)
		}
		return x
	})
}

func celu(a *Attrs) Func {
	alpha := a.float("alpha", 1)
	return unary(func(x float32) float32 {
		return larger(0, x) + smaller(0, float32(alpha*(kernel.Exp(x/alpha)-1)))
	})
}

func selu(a *Attrs) Func {
	alpha, gamma := a.float("alpha", 1.6732632), a.float("gamma", 1.050701)
	return unary(func(x float32) float32 {
		if x > 0 {
			return gamma * x
		}
		return gamma * (float32(alpha*kernel.Exp(x)) - alpha)
	})
}

func thresholdedRelu(a *Attrs) Func {
	alpha := a.float("alpha", 1)
	return unary(func(x float32) float32 {
		if x > alpha || x != x {
			return x
		}
		return 0
	})
}

func hardSigmoid(a *Attrs) Func {
	alpha, beta := a.float("alpha", 0.2), a.float("beta", 0.5)
	return unary(func(x float32) float32 { return clip(float32(alpha*x)+beta, 0, 1) })
}

func shrink(a *Attrs) Func {
	bias, lambda := a.float("bias", 0), a.float("lambd", 0.5)
	return unary(func(x float32) float32 {
		switch {
		case x < -lambda:
			return x + bias
		case x > lambda:
			return x - bias
		case x != x:
			return x
		}
		return 0
	})
}

func gelu(a *Attrs) Func {
	if a.choice("approximate", "none", "tanh") == "tanh" {
		const rootTwoOverPi = 0x3f4c422a
		return unary(func(x float32) float32 {
			cube := float32(float32(x*x) * x)
			t := kernel.Tanh(math.Float32frombits(rootTwoOverPi) * (x + float32(0.044715*cube)))
			return float32(0.5*x) * (1 + t)
		})
	}
	const rootHalf = 0x3f3504f3
	return unary(func(x float32) float32 {
		return float32(0.5*x) * (1 + kernel.Erf(float32(x*math.Float32frombits(rootHalf))))
	})
}

func prelu(c *Call) ([]*tensor.Tensor, error) {
	p, err := c.broadcast(c.In[0], c.In[1])
	if err != nil {
		return nil, err
	}
	if tensor.Count(p.shape) != c.In[0].Len() {
		return nil, shapesError(c.In[0], c.In[1])
	}
	return zip(c, p, c.In[0], c.In[1], func(x, slope float32) float32 {
		if x < 0 {
			return slope * x
		}
		return x
	})
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
		return zip(c, p, x, exponents, kernel.Pow)
	}
	return powIntegers(c, p, x, y)
}
