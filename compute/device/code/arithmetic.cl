// The functions of AIW-4 to AIW-11 on one element. compute/kernel is their definition; names and order of steps are its.

#define NOT_A_NUMBER FLOAT(0x7fc00000u)
#define INFINITE FLOAT(0x7f800000u)
#define LN2_HIGH FLOAT(0x3f317200u)
#define LN2_LOW FLOAT(0x35bfbe8eu)
#define HALF_PI FLOAT(0x3fc90fdbu)
#define HALF_PI_LOW FLOAT(0xb33bbd2eu)
#define MAGIC 12582912.0f

FUNC float absolute(float x) { return FLOAT(BITS(x) & 0x7fffffffu); }

FUNC float copy_sign(float x, float s) { return FLOAT((BITS(x) & 0x7fffffffu) | (BITS(s) & 0x80000000u)); }

FUNC float larger(float a, float b) {
	if (a != a || b != b) return NOT_A_NUMBER;
	return a > b ? a : b;
}

FUNC float smaller(float a, float b) {
	if (a != a || b != b) return NOT_A_NUMBER;
	return a < b ? a : b;
}

FUNC float clip(float x, float low, float high) { return smaller(larger(x, low), high); }

FUNC float horner2(float x, u32 a, u32 b) { return FUSED(FLOAT(a), x, FLOAT(b)); }
FUNC float horner3(float x, u32 a, u32 b, u32 c) { return FUSED(horner2(x, a, b), x, FLOAT(c)); }
FUNC float horner4(float x, u32 a, u32 b, u32 c, u32 d) { return FUSED(horner3(x, a, b, c), x, FLOAT(d)); }
FUNC float horner5(float x, u32 a, u32 b, u32 c, u32 d, u32 e) { return FUSED(horner4(x, a, b, c, d), x, FLOAT(e)); }
FUNC float horner6(float x, u32 a, u32 b, u32 c, u32 d, u32 e, u32 f) { return FUSED(horner5(x, a, b, c, d, e), x, FLOAT(f)); }
FUNC float horner7(float x, u32 a, u32 b, u32 c, u32 d, u32 e, u32 f, u32 g) {
	return FUSED(horner6(x, a, b, c, d, e, f), x, FLOAT(g));
}
FUNC float horner9(float x, u32 a, u32 b, u32 c, u32 d, u32 e, u32 f, u32 g, u32 h, u32 i) {
	return FUSED(FUSED(horner7(x, a, b, c, d, e, f, g), x, FLOAT(h)), x, FLOAT(i));
}

// power2 is 2^n for a normal result.
FUNC float power2(int n) { return FLOAT((u32)(n + 127) << 23); }

// scaled is p times 2^n in two steps, so that a subnormal result rounds once.
FUNC float scaled(float p, int n) {
	int part = n >> 1;
	float once = p * power2(part);
	return once * power2(n - part);
}

// AIW-5.
FUNC float aiw_exp(float x) {
	if (x != x) return NOT_A_NUMBER;
	x = x > -105.0f ? x : -105.0f;
	x = x < 89.0f ? x : 89.0f;
	float t = FUSED(x, FLOAT(0x3fb8aa3bu), MAGIC);
	int n = (int)BITS(t) - 0x4b400000;
	float nf = t - MAGIC;
	float r = FUSED(-nf, LN2_HIGH, x);
	r = FUSED(-nf, LN2_LOW, r);
	float p = horner7(r, 0x39500d01u, 0x3ab60b61u, 0x3c088889u, 0x3d2aaaabu, 0x3e2aaaabu, 0x3f000000u, 0x3f800000u);
	return scaled(FUSED(p, r, 1.0f), n);
}

// split gives x = m 2^n with m from the root of one half up to twice that, for a positive finite x.
FUNC float split(float x, int *n) {
	u32 b = BITS(x);
	int e = 0;
	if (b < 0x00800000u) {
		b = BITS(x * 8388608.0f);
		e = -23;
	}
	u32 shifted = b - 0x3f3504f3u;
	*n = e + ((int)shifted >> 23);
	return FLOAT((shifted & 0x007fffffu) + 0x3f3504f3u);
}

// AIW-7.
FUNC float aiw_log(float x) {
	if (x != x || x < 0.0f) return NOT_A_NUMBER;
	if (x == 0.0f) return -INFINITE;
	if (x == INFINITE) return x;
	int n;
	float m = split(x, &n);
	float r = m - 1.0f;
	float p = horner9(r, 0x3d89dc7eu, 0xbdeecb38u, 0x3df36ee0u, 0xbdfe1f52u, 0x3e119d7au, 0xbe2aadc5u, 0x3e4cd23cu, 0xbe800004u, 0x3eaaaaa4u);
	float s = r * r;
	float nf = (float)n;
	float low = nf * LN2_LOW;
	float cube = s * r;
	float tail = FUSED(cube, p, low);
	tail = FUSED(s, -0.5f, tail);
	return FUSED(nf, LN2_HIGH, r + tail);
}

FUNC float aiw_log1p(float x) {
	float w = 1.0f + x;
	if (w == INFINITE || !(w > 0.0f)) return aiw_log(w);
	float lost = (x - (w - 1.0f)) / w;
	return aiw_log(w) + lost;
}

// AIW-8.
FUNC float aiw_pow_abs(float x, float y) {
	if (x == 1.0f) return 1.0f;
	if (absolute(y) == INFINITE) return (x > 1.0f) == (y > 0.0f) ? INFINITE : 0.0f;
	if (x == 0.0f || x == INFINITE) return (x == 0.0f) == (y > 0.0f) ? 0.0f : INFINITE;
	int n;
	float m = split(x, &n);
	float r = m - 1.0f;
	float d = 2.0f + r;
	float d1 = r - (d - 2.0f);
	float s = r / d;
	float s1 = FUSED(-s, d1, FUSED(-s, d, r)) / d;
	float u = s * s;
	float u1 = FUSED(s, s, -u);
	float v = u * s;
	float v1 = FUSED(u, s, -v);
	v1 = FUSED(u1, s, v1);
	float three = 3.0f * u;
	v1 = FUSED(three, s1, v1);
	float t = v * FLOAT(0x3f2aaaabu);
	float t1 = FUSED(v, FLOAT(0x3f2aaaabu), -t);
	t1 = FUSED(v, FLOAT(0xb2aaaaabu), t1);
	t1 = FUSED(v1, FLOAT(0x3f2aaaabu), t1);
	float vu = v * u;
	t1 = FUSED(vu, horner3(u, 0x3e6fd08fu, 0x3e922940u, 0x3ecccd00u), t1);
	t1 = FUSED(2.0f, s1, t1);
	float nf = (float)n;
	float a = nf * LN2_HIGH;
	float b = 2.0f * s;
	float high = a + b;
	float e = high - a;
	float low = (a - (high - e)) + (b - e);
	float high2 = high + t;
	e = high2 - high;
	float low2 = (high - (high2 - e)) + (t - e);
	low = (low + low2) + FUSED(nf, LN2_LOW, t1);
	high = high2 + low;
	low = low - (high - high2);
	float p = y * high;
	if (p > 89.0f || p < -105.0f) return aiw_exp(p);
	float p1 = FUSED(y, low, FUSED(y, high, -p));
	float k = FUSED(p, FLOAT(0x3fb8aa3bu), MAGIC);
	float kf = k - MAGIC;
	float q = FUSED(-kf, LN2_HIGH, p);
	q = FUSED(-kf, LN2_LOW, q) + p1;
	float z = horner7(q, 0x39500d01u, 0x3ab60b61u, 0x3c088889u, 0x3d2aaaabu, 0x3e2aaaabu, 0x3f000000u, 0x3f800000u);
	return scaled(FUSED(z, q, 1.0f), (int)kf);
}

FUNC float aiw_pow(float x, float y) {
	if (y == 0.0f || x == 1.0f) return 1.0f;
	if (x != x || y != y) return NOT_A_NUMBER;
	if (y == 2.0f) return x * x;
	float a = absolute(y);
	int whole = 1, odd = 0;
	if (a < 16777216.0f) {
		int n = (int)a;
		whole = (float)n == a;
		odd = whole && (n & 1) == 1;
	}
	int negative = odd && (BITS(x) >> 31) == 1u;
	if (x < 0.0f && x != -INFINITE && !whole && a != INFINITE) return NOT_A_NUMBER;
	float r = aiw_pow_abs(absolute(x), y);
	return negative ? -r : r;
}

// AIW-9. 2/pi begins 0.a2f9...; three words of zeros stand before it for small shifts, and as many behind.
TABLE u32 two_over_pi[14] = {
	0u, 0u, 0u, 0xa2f9836eu, 0x4e441529u, 0xfc2757d1u, 0xf534ddc0u, 0xdb629599u, 0x3c439041u, 0xfe5163abu, 0xdebbc561u, 0u, 0u, 0u,
};

// quarter_turns gives |x| = (q + f) pi/2 for a finite x: q modulo 4, and the angle of f as r + low.
FUNC u32 quarter_turns(float x, float *r, float *low) {
	u32 b = BITS(x) & 0x7fffffffu;
	if (b < 0x3f490fdbu) {
		*r = FLOAT(b);
		*low = 0.0f;
		return 0u;
	}
	u64 mantissa = (u64)((b & 0x007fffffu) | 0x00800000u);
	int first = 96 + ((int)(b >> 23) - 150) - 2;
	int word = first / 32, bit = first % 32;
	u64 w0 = two_over_pi[word], w1 = two_over_pi[word + 1], w2 = two_over_pi[word + 2], w3 = two_over_pi[word + 3];
	u64 d0 = (((w0 << 32) | w1) << bit) >> 32;
	u64 d1 = (((w1 << 32) | w2) << bit) >> 32;
	u64 d2 = (((w2 << 32) | w3) << bit) >> 32;
	u64 rest = (d1 << 32) | d2;
	u64 lo = mantissa * rest;
	u64 top = mantissa * d0 + HIGH64(mantissa, rest);
	u64 fraction = (top << 34) | (lo >> 30);
	u32 q = (u32)(top >> 30) & 3u;
	int negative = (int)(fraction >> 63);
	if (negative) {
		q = (q + 1u) & 3u;
		fraction = 0ul - fraction;
	}
	*r = 0.0f;
	*low = 0.0f;
	if (fraction != 0ul) {
		int zeros = ZEROS64(fraction);
		fraction <<= zeros;
		float unit = power2(-24 - zeros);
		float a = (float)(u32)(fraction >> 40) * unit;
		float part = (float)((u32)(fraction >> 16) & 0x00ffffffu) * unit;
		float c = part * power2(-24);
		float h = a * HALF_PI;
		float l = FUSED(a, HALF_PI, -h);
		l = FUSED(a, HALF_PI_LOW, l);
		*r = h;
		*low = FUSED(c, HALF_PI, l);
	}
	if (negative) {
		*r = -*r;
		*low = -*low;
	}
	return q;
}

FUNC float sine(float r, float low) {
	float u = r * r;
	float p = horner4(u, 0x363e229au, 0xb9502cc4u, 0x3c0888bau, 0xbe2aaaabu);
	float half_u = -0.5f * u;
	float ur = u * r;
	return r + FUSED(ur, p, FUSED(half_u, low, low));
}

FUNC float cosine(float r, float low) {
	float u = r * r;
	float p = horner4(u, 0xb49b52b2u, 0x37d039f2u, 0xbab60bb0u, 0x3d2aaaabu);
	float h = 0.5f * u;
	float w = 1.0f - h;
	float rest = (1.0f - w) - h;
	float square = u * u;
	float term = square * p;
	return w + (FUSED(-r, low, rest) + term);
}

FUNC float aiw_sin(float x) {
	if (x - x != 0.0f) return NOT_A_NUMBER;
	float r, low;
	u32 q = quarter_turns(x, &r, &low);
	float v = (q & 1u) == 0u ? sine(r, low) : cosine(r, low);
	if ((q & 2u) != 0u) v = -v;
	return (BITS(x) >> 31) == 1u ? -v : v;
}

FUNC float aiw_cos(float x) {
	if (x - x != 0.0f) return NOT_A_NUMBER;
	float r, low;
	u32 q = quarter_turns(x, &r, &low);
	float v = (q & 1u) == 0u ? cosine(r, low) : sine(r, low);
	return q == 1u || q == 2u ? -v : v;
}

FUNC float aiw_tan(float x) {
	if (x - x != 0.0f) return NOT_A_NUMBER;
	float r, low;
	u32 q = quarter_turns(x, &r, &low);
	float s = sine(r, low), c = cosine(r, low);
	float v = (q & 1u) == 1u ? -(c / s) : s / c;
	return (BITS(x) >> 31) == 1u ? -v : v;
}

// AIW-10.
FUNC float aiw_atan(float x) {
	if (x != x) return NOT_A_NUMBER;
	float a = absolute(x);
	int invert = a > 1.0f;
	if (invert) a = 1.0f / a;
	float base = 0.0f, low = 0.0f;
	if (a > FLOAT(0x3ed413cdu)) {
		base = FLOAT(0x3f490fdbu);
		low = FLOAT(0xb2bbbd2eu);
		a = (a - 1.0f) / (a + 1.0f);
	}
	float u = a * a;
	float p = horner5(u, 0xbd798f86u, 0x3dd91783u, 0xbe11dd22u, 0x3e4cc8f4u, 0xbeaaaaa5u);
	float ua = u * a;
	float v = base + (a + FUSED(ua, p, low));
	if (invert) v = HALF_PI - (v - HALF_PI_LOW);
	return copy_sign(v, x);
}

FUNC float small_asin(float x) {
	float u = x * x;
	float p = horner5(u, 0x3d2ce336u, 0x3cc5ddf3u, 0x3d3a44ccu, 0x3d9980b7u, 0x3e2aaae5u);
	float ux = u * x;
	return FUSED(ux, p, x);
}

// far_asin is twice the arc sine of the root of (1 - a)/2.
FUNC float far_asin(float a) {
	float rest = 0.5f * (1.0f - a);
	return 2.0f * small_asin(ROOT(rest));
}

FUNC float aiw_asin(float x) {
	float a = absolute(x);
	if (!(a <= 1.0f)) return NOT_A_NUMBER;
	if (a <= 0.5f) return small_asin(x);
	return copy_sign(HALF_PI - (far_asin(a) - HALF_PI_LOW), x);
}

FUNC float aiw_acos(float x) {
	float a = absolute(x);
	if (!(a <= 1.0f)) return NOT_A_NUMBER;
	if (a <= 0.5f) return HALF_PI - (small_asin(x) - HALF_PI_LOW);
	float v = far_asin(a);
	if (x < 0.0f) return FLOAT(0x40490fdbu) - (v - FLOAT(0xb3bbbd2eu));
	return v;
}

// AIW-11.
FUNC float aiw_tanh(float x) {
	float a = absolute(x);
	if (x != x) return NOT_A_NUMBER;
	if (a > 10.0f) return copy_sign(1.0f, x);
	if (a <= 0.625f) {
		float u = x * x;
		float p = horner6(u, 0x3b0d671fu, 0xbc0644afu, 0x3cb1d68cu, 0xbd5cf910u, 0x3e08883eu, 0xbeaaaaaau);
		float ux = u * x;
		return FUSED(ux, p, x);
	}
	float e = aiw_exp(2.0f * a) + 1.0f;
	return copy_sign(1.0f - 2.0f / e, x);
}

// exp_half is exp(a)/2 where exp(a) may overflow.
FUNC float exp_half(float a) { return aiw_exp(a - 64.0f) * FLOAT(0x6d212cc1u); }

FUNC float aiw_sinh(float x) {
	float a = absolute(x);
	if (x != x) return NOT_A_NUMBER;
	if (a <= 1.0f) {
		float u = x * x;
		float p = horner4(u, 0x363aeda1u, 0x39501004u, 0x3c088872u, 0x3e2aaaabu);
		float ux = u * x;
		return FUSED(ux, p, x);
	}
	if (a > 88.0f) return copy_sign(exp_half(a), x);
	float e = aiw_exp(a);
	return copy_sign(0.5f * (e - 1.0f / e), x);
}

FUNC float aiw_cosh(float x) {
	float a = absolute(x);
	if (x != x) return NOT_A_NUMBER;
	if (a > 88.0f) return exp_half(a);
	float e = aiw_exp(a);
	return 0.5f * (e + 1.0f / e);
}

FUNC float aiw_asinh(float x) {
	float a = absolute(x);
	if (x != x) return NOT_A_NUMBER;
	if (a > 8192.0f) return copy_sign(aiw_log(a) + FLOAT(0x3f317218u), x);
	float u = a * a;
	float v = u / (1.0f + ROOT(1.0f + u));
	return copy_sign(aiw_log1p(a + v), x);
}

FUNC float aiw_acosh(float x) {
	if (!(x >= 1.0f)) return NOT_A_NUMBER;
	if (x > 8192.0f) return aiw_log(x) + FLOAT(0x3f317218u);
	float t = x - 1.0f;
	float two = 2.0f * t;
	return aiw_log1p(t + ROOT(FUSED(t, t, two)));
}

FUNC float aiw_atanh(float x) {
	float a = absolute(x);
	if (!(a <= 1.0f)) return NOT_A_NUMBER;
	float v = (2.0f * a) / (1.0f - a);
	return copy_sign(0.5f * aiw_log1p(v), x);
}

FUNC float aiw_erf(float x) {
	float a = absolute(x);
	if (x != x) return NOT_A_NUMBER;
	if (a < 1.0f) {
		float u = x * x;
		float p = horner7(u, 0x38a47747u, 0xba51e4c0u, 0x3ba9ffcau, 0xbcdbfc2cu, 0x3de71678u, 0xbec0939fu, 0x3e0375d4u);
		return FUSED(x, p, x);
	}
	if (a > 3.95f) return copy_sign(1.0f, x);
	float p = horner9(a, 0x346325e3u, 0xb7cf9a6eu, 0x39f158edu, 0xbb8bf067u, 0x3ccfa8a0u, 0xbdde6d3du, 0xbf221094u, 0xbf90985bu, 0x3953ed16u);
	return copy_sign(1.0f - aiw_exp(p), x);
}

FUNC float aiw_sigmoid(float x) { return 1.0f / (1.0f + aiw_exp(-x)); }

FUNC float aiw_softplus(float x) { return larger(x, 0.0f) + aiw_log1p(aiw_exp(-absolute(x))); }
