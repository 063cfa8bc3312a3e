package device

import (
	"math"

	"github.com/aiwork/aiwork-node/compute/tensor"
)

// A parameter of a function of one element: an attribute, and its value where it is not given.
type parameter struct {
	name      string
	otherwise float32
}

func unaryOperators() map[string]opFunc {
	all := map[string]opFunc{"Clip": clip, "Gelu": gelu}
	for name, kernel := range map[string]string{
		"Exp": "exp", "Log": "log", "Sqrt": "sqrt", "Reciprocal": "reciprocal", "Tanh": "tanh", "Erf": "erf", "Sin": "sin", "Cos": "cos",
		"Tan": "tan", "Asin": "asin", "Acos": "acos", "Atan": "atan", "Sinh": "sinh", "Cosh": "cosh", "Asinh": "asinh", "Acosh": "acosh",
		"Atanh": "atanh", "Sigmoid": "sigmoid", "Softplus": "softplus", "Softsign": "softsign", "Mish": "mish", "HardSwish": "hard_swish",
		"Relu": "relu", "Neg": "neg", "Abs": "abs", "Sign": "sign", "Ceil": "ceil", "Floor": "floor", "Round": "round",
	} {
		all[name] = unary(kernel)
	}
	for name, u := range map[string]struct {
		kernel string
		list   []parameter
	}{
		"HardSigmoid":     {"hard_sigmoid", []parameter{{"alpha", 0.2}, {"beta", 0.5}}},
		"LeakyRelu":       {"leaky_relu", []parameter{{"alpha", 0.01}}},
		"Elu":             {"elu", []parameter{{"alpha", 1}}},
		"Celu":            {"celu", []parameter{{"alpha", 1}}},
		"Selu":            {"selu", []parameter{{"alpha", 1.6732632}, {"gamma", 1.050701}}},
		"ThresholdedRelu": {"thresholded_relu", []parameter{{"alpha", 1}}},
		"Shrink":          {"shrink", []parameter{{"bias", 0}, {"lambd", 0.5}}},
	} {
		all[name] = unary(u.kernel, u.list...)
	}
	return all
}

// unary is a function of one element with up to two parameters.
func unary(kernel string, list ...parameter) opFunc {
	return func(c *call) ([]*value, error) {
		var p [2]float32
		for i, q := range list {
			p[i] = c.float(q.name, q.otherwise)
		}
		return one(c.unary(kernel, p[0], p[1]))
	}
}

func (c *call) unary(kernel string, a, b float32) (*value, error) {
	if !c.floats(1) {
		return nil, errElsewhere
	}
	return c.mapped(kernel, c.in[0], a, b)
}

// mapped gives a kernel's function of each element of x.
func (c *call) mapped(kernel string, x *value, a, b float32) (*value, error) {
	y, err := c.new(tensor.Float32, x.shape)
	if err != nil {
		return nil, err
	}
	n := x.len()
	return y, c.flat("unary_"+kernel, n, []*value{x, y}, intArg(n), floatArg(a), floatArg(b))
}

func gelu(c *call) ([]*value, error) {
	if c.text("approximate", "none") == "tanh" {
		return one(c.unary("gelu_tanh", 0, 0))
	}
	return one(c.unary("gelu", 0, 0))
}

// clip has its bounds as attributes, or as inputs of one element each.
func clip(c *call) ([]*value, error) {
	if c.find("min") != nil || c.find("max") != nil || len(c.in) == 1 && c.opset() < 11 {
		return one(c.unary("clip", c.float("min", -math.MaxFloat32), c.float("max", math.MaxFloat32)))
	}
	low, high := c.arg(1), c.arg(2)
	var bounds [2]float32
	for i, v := range []*value{low, high} {
		if v == nil {
			continue
		}
		var err error
		if bounds[i], err = c.scalar(i + 1); err != nil {
			return nil, err
		}
	}
	switch {
	case low != nil && high != nil:
		return one(c.unary("clip", bounds[0], bounds[1]))
	case low != nil:
		return one(c.unary("max", bounds[0], 0))
	case high != nil:
		return one(c.unary("min", bounds[1], 0))
	}
	return identity(c)
}

func binaryOperators() map[string]opFunc {
	all := map[string]opFunc{
		"Max": folded("max"), "Min": folded("min"), "Sum": folded("add"), "Mean": mean,
		"And": logical("and"), "Or": logical("or"), "Xor": logical("xor"), "PRelu": prelu,
	}
	for name, kernel := range map[string]string{"Add": "add", "Sub": "sub", "Mul": "mul", "Div": "div", "Pow": "pow"} {
		all[name] = binary(kernel, tensor.Float32)
	}
	for name, kernel := range map[string]string{
		"Less": "less", "LessOrEqual": "less_equal", "Greater": "greater", "GreaterOrEqual": "greater_equal", "Equal": "equal",
	} {
		all[name] = binary(kernel, tensor.Bool)
	}
	return all
}

func binary(kernel string, result tensor.Type) opFunc {
	return func(c *call) ([]*value, error) {
		if !c.floats(2) {
			return nil, errElsewhere
		}
		return one(c.zip(kernel, c.in[0], c.in[1], result))
	}
}

func logical(kernel string) opFunc {
	return func(c *call) ([]*value, error) {
		if len(c.in) != 2 || c.in[0].kind != tensor.Bool || c.in[1].kind != tensor.Bool {
			return nil, errElsewhere
		}
		return one(c.zip(kernel, c.in[0], c.in[1], tensor.Bool))
	}
}

// zip gives a kernel's function of the pairs of two values that broadcast.
func (c *call) zip(kernel string, a, b *value, result tensor.Type) (*value, error) {
	shape, err := tensor.Broadcast(a.shape, b.shape)
	if err != nil {
		return nil, errElsewhere
	}
	y, err := c.new(result, shape)
	if err != nil {
		return nil, err
	}
	w := newWalk(shape, tensor.BroadcastStrides(a.shape, shape), tensor.BroadcastStrides(b.shape, shape))
	n := y.len()
	return y, c.flat("binary_"+kernel, n, []*value{a, b, y}, intArg(n), w.arg(0), w.arg(1))
}

// folded applies a function to any number of inputs, from the left.
func folded(kernel string) opFunc {
	return func(c *call) ([]*value, error) {
		if !c.floats(len(c.in)) || len(c.in) == 0 {
			return nil, errElsewhere
		}
		return c.fold(kernel)
	}
}

func (c *call) fold(kernel string) ([]*value, error) {
	if len(c.in) == 1 {
		return identity(c)
	}
	acc := c.in[0]
	for _, next := range c.in[1:] {
		var err error
		if acc, err = c.zip(kernel, acc, next, tensor.Float32); err != nil {
			return nil, err
		}
	}
	return []*value{acc}, nil
}

func mean(c *call) ([]*value, error) {
	if !c.floats(len(c.in)) || len(c.in) < 2 {
		return nil, errElsewhere
	}
	sums, err := c.fold("add")
	if err != nil {
		return nil, err
	}
	return one(c.mapped("divide", sums[0], float32(len(c.in)), 0))
}

// prelu has a slope that broadcasts to its input, not the other way.
func prelu(c *call) ([]*value, error) {
	if !c.floats(2) {
		return nil, errElsewhere
	}
	if shape, err := tensor.Broadcast(c.in[0].shape, c.in[1].shape); err != nil || tensor.Count(shape) != c.in[0].len() {
		return nil, errElsewhere
	}
	return one(c.zip("prelu", c.in[0], c.in[1], tensor.Float32))
}

func not(c *call) ([]*value, error) {
	x := c.in[0]
	y, err := c.new(tensor.Bool, x.shape)
	if err != nil {
		return nil, err
	}
	return one(y, c.flat("invert", x.len(), []*value{x, y}, intArg(x.len())))
}

// where chooses between elements of 4 bytes.
func where(c *call) ([]*value, error) {
	choose, a, b := c.in[0], c.in[1], c.in[2]
	if a.kind.Size() != 4 {
		return nil, errElsewhere
	}
	shape, err := tensor.Broadcast(a.shape, b.shape)
	if err == nil {
		shape, err = tensor.Broadcast(choose.shape, shape)
	}
	if err != nil {
		return nil, errElsewhere
	}
	y, err := c.new(a.kind, shape)
	if err != nil {
		return nil, err
	}
	w := newWalk(shape, tensor.BroadcastStrides(choose.shape, shape), tensor.BroadcastStrides(a.shape, shape), tensor.BroadcastStrides(b.shape, shape))
	return one(y, c.flat("where", y.len(), []*value{choose, a, b, y}, intArg(y.len()), w.arg(0), w.arg(1), w.arg(2)))
}
