// Functions of one element, and of two or three with broadcasting.

#define UNARY(name, result) \
	KERNEL void unary_##name(GLOBAL const float *x, GLOBAL float *y, int n, float a, float b) { \
		int i = GLOBAL_ID(0); \
		if (i >= n) return; \
		float v = x[i]; \
		y[i] = result; \
	}

FUNC float leaky(float x, float alpha) { return x < 0.0f ? alpha * x : x; }
FUNC float elu(float x, float alpha) { return x < 0.0f ? alpha * (aiw_exp(x) - 1.0f) : x; }

FUNC float celu(float x, float alpha) {
	float v = alpha * (aiw_exp(x / alpha) - 1.0f);
	return larger(0.0f, x) + smaller(0.0f, v);
}

FUNC float selu(float x, float alpha, float gamma) {
	if (x > 0.0f) return gamma * x;
	float v = alpha * aiw_exp(x);
	return gamma * (v - alpha);
}

FUNC float hard_sigmoid(float x, float alpha, float beta) {
	float v = alpha * x;
	return clip(v + beta, 0.0f, 1.0f);
}

FUNC float hard_swish(float x) {
	float v = x * FLOAT(0x3e2aaaabu);
	return x * clip(v + 0.5f, 0.0f, 1.0f);
}

FUNC float shrink(float x, float bias, float lambda) {
	if (x < -lambda) return x + bias;
	if (x > lambda) return x - bias;
	return x != x ? x : 0.0f;
}

FUNC float gelu(float x) {
	float part = x * FLOAT(0x3f3504f3u), half_x = 0.5f * x;
	return half_x * (1.0f + aiw_erf(part));
}

FUNC float gelu_tanh(float x) {
	float square = x * x, cube = square * x, term = FLOAT(0x3d372713u) * cube, half_x = 0.5f * x;
	float inner = FLOAT(0x3f4c422au) * (x + term);
	return half_x * (1.0f + aiw_tanh(inner));
}

FUNC float sign_of(float x) { return x > 0.0f ? 1.0f : x < 0.0f ? -1.0f : x; }

UNARY(exp, aiw_exp(v))
UNARY(log, aiw_log(v))
UNARY(sqrt, ROOT(v))
UNARY(reciprocal, 1.0f / v)
UNARY(tanh, aiw_tanh(v))
UNARY(erf, aiw_erf(v))
UNARY(sin, aiw_sin(v))
UNARY(cos, aiw_cos(v))
UNARY(tan, aiw_tan(v))
UNARY(asin, aiw_asin(v))
UNARY(acos, aiw_acos(v))
UNARY(atan, aiw_atan(v))
UNARY(sinh, aiw_sinh(v))
UNARY(cosh, aiw_cosh(v))
UNARY(asinh, aiw_asinh(v))
UNARY(acosh, aiw_acosh(v))
UNARY(atanh, aiw_atanh(v))
UNARY(sigmoid, aiw_sigmoid(v))
UNARY(softplus, aiw_softplus(v))
UNARY(softsign, v / (1.0f + absolute(v)))
UNARY(mish, v * aiw_tanh(aiw_softplus(v)))
UNARY(hard_swish, hard_swish(v))
UNARY(hard_sigmoid, hard_sigmoid(v, a, b))
UNARY(leaky_relu, leaky(v, a))
UNARY(elu, elu(v, a))
UNARY(celu, celu(v, a))
UNARY(selu, selu(v, a, b))
UNARY(thresholded_relu, v > a || v != v ? v : 0.0f)
UNARY(shrink, shrink(v, a, b))
UNARY(gelu, gelu(v))
UNARY(gelu_tanh, gelu_tanh(v))
UNARY(relu, larger(v, 0.0f))
UNARY(clip, clip(v, a, b))
UNARY(max, larger(v, a))
UNARY(min, smaller(v, a))
UNARY(neg, -v)
UNARY(abs, absolute(v))
UNARY(sign, sign_of(v))
UNARY(ceil, CEILING(v))
UNARY(floor, FLOORING(v))
UNARY(round, NEAREST(v))
UNARY(divide, v / a)

// A Walk goes over the indexes of a shape in row-major order; strides say where an element lies.
#define RANK 8
typedef struct {
	int rank;
	int shape[RANK], strides[RANK];
} Walk;

FUNC int place(Walk w, int i) {
	int offset = 0;
	for (int d = w.rank - 1; d > 0; d--) {
		int next = i / w.shape[d];
		offset += (i - next * w.shape[d]) * w.strides[d];
		i = next;
	}
	return w.rank > 0 ? offset + i * w.strides[0] : offset;
}

#define BINARY(name, kind, to, result) \
	KERNEL void binary_##name(GLOBAL const kind *a, GLOBAL const kind *b, GLOBAL to *y, int n, Walk at_a, Walk at_b) { \
		int i = GLOBAL_ID(0); \
		if (i >= n) return; \
		kind v = a[place(at_a, i)], w = b[place(at_b, i)]; \
		y[i] = result; \
	}

FUNC float prelu(float x, float slope) { return x < 0.0f ? slope * x : x; }

BINARY(add, float, float, v + w)
BINARY(sub, float, float, v - w)
BINARY(mul, float, float, v * w)
BINARY(div, float, float, v / w)
BINARY(max, float, float, larger(v, w))
BINARY(min, float, float, smaller(v, w))
BINARY(pow, float, float, aiw_pow(v, w))
BINARY(prelu, float, float, prelu(v, w))
BINARY(less, float, u8, v < w)
BINARY(less_equal, float, u8, v <= w)
BINARY(greater, float, u8, v > w)
BINARY(greater_equal, float, u8, v >= w)
BINARY(equal, float, u8, v == w)
BINARY(and, u8, u8, v & w)
BINARY(or, u8, u8, v | w)
BINARY(xor, u8, u8, v ^ w)

KERNEL void invert(GLOBAL const u8 *x, GLOBAL u8 *y, int n) {
	int i = GLOBAL_ID(0);
	if (i < n) y[i] = x[i] ^ 1;
}

KERNEL void where(GLOBAL const u8 *c, GLOBAL const u32 *a, GLOBAL const u32 *b, GLOBAL u32 *y, int n, Walk at_c, Walk at_a, Walk at_b) {
	int i = GLOBAL_ID(0);
	if (i < n) y[i] = c[place(at_c, i)] ? a[place(at_a, i)] : b[place(at_b, i)];
}
