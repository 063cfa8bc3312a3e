package kernel

import "math"

// A Unary is a function of one number. Values are for this process only and never stored.
type Unary uint8

// The functions. Those that take parameters are given them as alpha and beta; see DefineUnary.
const (
	UnaryExp Unary = iota
	UnaryLog
	UnaryLog1p
	UnaryTanh
	UnarySinh
	UnaryCosh
	UnaryErf
	UnarySigmoid
	UnarySoftplus
	UnarySilu
	UnaryGelu
	UnaryGeluTanh
	UnaryMish
	UnarySoftsign
	UnaryHardSwish
	UnaryHardSigmoid // clip(alpha·x + beta, 0, 1)
	UnaryRelu
	UnaryClip // between alpha and beta, the lower bound first
	UnaryLeakyRelu
	UnaryElu
	UnaryCelu
	UnarySelu            // beta is gamma
	UnaryThresholdedRelu // alpha is the threshold
	UnaryShrink          // by alpha, beta is lambda
	UnaryNeg
	UnaryAbs
	UnarySqrt
	UnaryReciprocal
	UnaryRound
	UnaryFloor
	UnaryCeil
	UnarySin // this one and those behind it have no vector form: see Vector
	UnaryCos
	UnaryTan
	UnaryAsin
	UnaryAcos
	UnaryAtan
	UnaryAsinh
	UnaryAcosh
	UnaryAtanh
	unaryEnd
)

// String names u as it stands in benchmarks.
func (u Unary) String() string {
	return [...]string{
		"exp", "log", "log1p", "tanh", "sinh", "cosh", "erf", "sigmoid", "softplus", "silu", "gelu", "gelu-tanh",
		"mish", "softsign", "hard-swish", "hard-sigmoid", "relu", "clip", "leaky-relu", "elu", "celu", "selu",
		"thresholded-relu", "shrink", "neg", "abs", "sqrt", "reciprocal", "round", "floor", "ceil", "sin", "cos",
		"tan", "asin", "acos", "atan", "asinh", "acosh", "atanh", "none",
	}[min(u, unaryEnd)]
}

// Vector reports whether a function has a form for the registers of a processor. The reduction of sine
// and cosine multiplies by as many digits of 2/π as the exponent asks for, which is not the same work for
// all lanes; the others are too rare in models to be worth it.
func (u Unary) Vector() bool { return u < UnarySin }

// DefineUnary computes u of x.
func DefineUnary(u Unary, x, alpha, beta float32) float32 {
	switch u {
	case UnaryGelu:
		return float32(float32(0.5*x) * (1 + Erf(float32(x*constant(rootHalfBits)))))
	case UnaryGeluTanh:
		const rootTwoOverPi = 0x3f4c422a
		cube := float32(float32(x*x) * x)
		t := Tanh(float32(constant(rootTwoOverPi) * (x + float32(0.044715*cube))))
		return float32(float32(0.5*x) * (1 + t))
	case UnarySilu:
		return float32(x * Sigmoid(x))
	case UnaryMish:
		return float32(x * Tanh(Softplus(x)))
	case UnarySoftsign:
		return x / (1 + abs(x))
	case UnaryHardSwish:
		return float32(x * clip(float32(x*(1.0/6))+0.5, 0, 1))
	case UnaryHardSigmoid:
		return clip(float32(alpha*x)+beta, 0, 1)
	case UnaryRelu:
		return larger(x, 0)
	case UnaryClip:
		return clip(x, alpha, beta)
	case UnaryNeg:
		return -x
	case UnaryAbs:
		return abs(x)
	case UnarySqrt:
		return Sqrt(x)
	case UnaryReciprocal:
		return 1 / x
	case UnaryRound:
		return Canonical(float32(math.RoundToEven(float64(x))))
	case UnaryFloor:
		return Canonical(float32(math.Floor(float64(x))))
	case UnaryCeil:
		return Canonical(float32(math.Ceil(float64(x))))
	}
	if u >= UnaryLeakyRelu && u <= UnaryShrink {
		return defineBranch(u, x, alpha, beta)
	}
	return defineElementary(u, x)
}

// defineBranch has the functions that differ by the side of zero on which x lies.
func defineBranch(u Unary, x, alpha, beta float32) float32 {
	switch u {
	case UnaryLeakyRelu:
		if x < 0 {
			return float32(alpha * x)
		}
		return x
	case UnaryElu:
		if x < 0 {
			return float32(alpha * (Exp(x) - 1))
		}
		return x
	case UnaryCelu:
		return larger(0, x) + smaller(0, float32(alpha*(Exp(x/alpha)-1)))
	case UnarySelu:
		if x > 0 {
			return float32(beta * x)
		}
		return float32(beta * (float32(alpha*Exp(x)) - alpha))
	case UnaryThresholdedRelu:
		if x > alpha || x != x {
			return x
		}
		return 0
	}
	switch { // Shrink
	case x < -beta:
		return x + alpha
	case x > beta:
		return x - alpha
	case x != x:
		return x
	}
	return 0
}

// defineElementary has the functions of AIW-5 to AIW-11.
func defineElementary(u Unary, x float32) float32 {
	switch u {
	case UnaryExp:
		return Exp(x)
	case UnaryLog:
		return Log(x)
	case UnaryLog1p:
		return Log1p(x)
	case UnaryTanh:
		return Tanh(x)
	case UnarySinh:
		return Sinh(x)
	case UnaryCosh:
		return Cosh(x)
	case UnaryErf:
		return Erf(x)
	case UnarySigmoid:
		return Sigmoid(x)
	case UnarySoftplus:
		return Softplus(x)
	case UnarySin:
		return Sin(x)
	case UnaryCos:
		return Cos(x)
	case UnaryTan:
		return Tan(x)
	case UnaryAsin:
		return Asin(x)
	case UnaryAcos:
		return Acos(x)
	case UnaryAtan:
		return Atan(x)
	case UnaryAsinh:
		return Asinh(x)
	case UnaryAcosh:
		return Acosh(x)
	}
	return Atanh(x)
}

// Softplus returns log(1 + exp x) without overflow.
func Softplus(x float32) float32 { return larger(x, 0) + Log1p(Exp(-abs(x))) }

// stretchMax bounds the elements of one call of a kernel, which the scheduler cannot interrupt.
const stretchMax = 1 << 15

// smaller is min of rule AIW-4.
func smaller(a, b float32) float32 {
	if a != a || b != b {
		return NaN()
	}
	if a < b {
		return a
	}
	return b
}

func clip(x, low, high float32) float32 { return smaller(larger(x, low), high) }

// Unary sets y[i] to u of x[i]; y and x are of one length and may be one slice.
func (p Path) Unary(u Unary, y, x []float32, alpha, beta float32) {
	y = y[:len(x)]
	if p == PathGo || !u.Vector() || len(x) == 0 || u == UnaryClip && (alpha != alpha || beta != beta) {
		for i, v := range x {
			y[i] = DefineUnary(u, v, alpha, beta)
		}
		return
	}
	params := [2]float32{alpha, beta}
	n := len(x) / laneCount * laneCount
	for at := 0; at < n; at += stretchMax {
		end := min(at+stretchMax, n)
		p.unaryWhole(u, &params[0], y[at:end], x[at:end])
	}
	if n < len(x) { // the rest, filled up to a register
		var rest [laneCount]float32
		copy(rest[:], x[n:])
		unaryLanes(u, laneCount, &params[0], &rest[0], &rest[0])
		copy(y[n:], rest[:])
	}
}
