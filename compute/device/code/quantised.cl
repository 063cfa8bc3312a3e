// Whole numbers of 8 bits: sums of products in 32 bits, exact in any order, which wrap beyond.

// byte_at reads an element with or without sign as a number.
FUNC int byte_at(GLOBAL const u8 *x, int i, int has_sign) {
	int v = (int)x[i];
	return has_sign && v > 127 ? v - 256 : v;
}

typedef struct {
	int m, n, k;
	int a_sign, b_sign;
	int a_zeros, b_zeros; // how many zero points there are: of rows of a and columns of b; 0 is none
} ByteProduct;

FUNC int zero_at(GLOBAL const int *zeros, int count, int i) { return count == 0 ? 0 : zeros[count == 1 ? 0 : i]; }

// byte_gemm computes a stack of products; sums wrap, so they are kept without sign.
KERNEL void byte_gemm(GLOBAL const u8 *a, GLOBAL const u8 *b, GLOBAL const int *zero_a, GLOBAL const int *zero_b, GLOBAL int *y, ByteProduct p, Walk at_a, Walk at_b) {
	int column = GLOBAL_ID(0), row = GLOBAL_ID(1), z = GROUP_ID(2);
	if (column >= p.n || row >= p.m) return;
	GLOBAL const u8 *x = a + place(at_a, z) + row * p.k;
	GLOBAL const u8 *w = b + place(at_b, z) + column;
	int za = zero_at(zero_a, p.a_zeros, row), zb = zero_at(zero_b, p.b_zeros, column);
	u32 sum = 0u;
	for (int k = 0; k < p.k; k++) sum += (u32)((byte_at(x, k, p.a_sign) - za) * (byte_at(w, k * p.n, p.b_sign) - zb));
	y[(z * p.m + row) * p.n + column] = (int)sum;
}

typedef struct {
	Window w;
	int x_sign, w_sign;
	int x_zeros, w_zeros; // one of x, one of the weights or one for each output
} ByteWindow;

// byte_conv computes an output. The padding reads zero.
KERNEL void byte_conv(GLOBAL const u8 *x, GLOBAL const u8 *weights, GLOBAL const int *zero_x, GLOBAL const int *zero_w, GLOBAL int *y, ByteWindow b) {
	int position = GLOBAL_ID(0), out = GLOBAL_ID(1), z = GROUP_ID(2), group = z % b.w.groups;
	if (position >= b.w.positions || out >= b.w.outs) return;
	GLOBAL const u8 *in = x + z * b.w.channels * b.w.size;
	GLOBAL const u8 *by = weights + group * b.w.w_group + out * b.w.w_out;
	int zx = zero_at(zero_x, b.x_zeros, 0), zw = zero_at(zero_w, b.w_zeros, group * b.w.outs + out);
	Spot mine = spot_of(b.w, position);
	u32 sum = 0u;
	for (int c = 0; c < b.w.channels; c++)
		for (int t = 0; t < b.w.taps; t++) {
			int from = under(b.w, mine, t);
			if (from >= 0) sum += (u32)((byte_at(in, c * b.w.size + from, b.x_sign) - zx) * (byte_at(by, c * b.w.w_channel + t, b.w_sign) - zw));
		}
	y[(z * b.w.outs + out) * b.w.positions + position] = (int)sum;
}

// whole gives a float cut to a whole number of 32 bits; NaN gives 0.
FUNC int whole(float v) {
	if (v != v) return 0;
	if (v >= 2147483648.0f) return 2147483647;
	if (v <= -2147483648.0f) return -2147483647 - 1;
	return (int)v;
}

// byte_of adds the zero point to a rounded number and saturates.
FUNC u8 byte_of(float rounded, int zero, int has_sign) {
	s64 q = (s64)whole(rounded) + (s64)zero;
	s64 low = has_sign ? -128 : 0, high = has_sign ? 127 : 255;
	q = q < low ? low : q > high ? high : q;
	return (u8)(q & 255);
}

// requantise gives sums as bytes: round(sum times scale_x scale_w / scale_y), with a scale and a bias for each channel.
KERNEL void requantise(GLOBAL const int *sums, GLOBAL const float *scales, GLOBAL const int *bias, GLOBAL u8 *y, int n, int plane, int channels, int scales_n, int has_bias, float scale_x, float scale_y, int zero, int has_sign) {
	int i = GLOBAL_ID(0);
	if (i >= n) return;
	int c = i / plane % channels;
	u32 sum = (u32)sums[i];
	if (has_bias) sum += (u32)bias[c];
	float ratio = (scale_x * scales[c % scales_n]) / scale_y;
	float v = (float)(int)sum * ratio;
	y[i] = byte_of(NEAREST(v), zero, has_sign);
}

// quantise and dequantise have one scale and zero point, or one for each index of an axis.
KERNEL void quantise(GLOBAL const float *x, GLOBAL const float *scales, GLOBAL const int *zeros, GLOBAL u8 *y, int n, int inner, int count, int has_zeros, int has_sign) {
	int i = GLOBAL_ID(0);
	if (i >= n) return;
	int c = i / inner % count;
	y[i] = byte_of(NEAREST(x[i] / scales[c]), has_zeros ? zeros[c] : 0, has_sign);
}

KERNEL void dequantise(GLOBAL const u8 *x, GLOBAL const float *scales, GLOBAL const int *zeros, GLOBAL float *y, int n, int inner, int count, int has_zeros, int has_sign) {
	int i = GLOBAL_ID(0);
	if (i >= n) return;
	int c = i / inner % count;
	int v = byte_at(x, i, has_sign) - (has_zeros ? zeros[c] : 0);
	y[i] = (float)v * scales[c];
}
