// Pools, and what moves elements without looking at them.

// max_pool takes the first of the largest, NaN being larger than all; a window without an element gives zero.
KERNEL void max_pool(GLOBAL const float *x, GLOBAL float *y, Window w) {
	int position = GLOBAL_ID(0), plane = GROUP_ID(1);
	if (position >= w.positions) return;
	GLOBAL const float *in = x + plane * w.size;
	Spot mine = spot_of(w, position);
	float best = 0.0f;
	int any = 0;
	for (int t = 0; t < w.taps; t++) {
		int from = under(w, mine, t);
		if (from < 0) continue;
		float v = in[from];
		if (!any || v > best || (v != v && best == best)) best = v;
		any = 1;
	}
	y[plane * w.positions + position] = best;
}

// covered counts the taps of a window that lie on elements or padding, not behind it.
FUNC int covered(Window w, Spot s) {
	int n = 1;
	for (int d = 0; d < 3; d++) {
		int left = 0;
		for (int t = 0; t < w.span[d]; t++)
			if (s.at[d] * w.stride[d] - w.before[d] + t * w.dilation[d] < w.in[d] + w.after[d]) left++;
		n *= left;
	}
	return n;
}

// average_pool adds what lies under the window by AIW-3, in one item.
KERNEL void average_pool(GLOBAL const float *x, GLOBAL float *y, Window w, int padded) {
	int position = GLOBAL_ID(0), plane = GROUP_ID(1);
	if (position >= w.positions) return;
	GLOBAL const float *in = x + plane * w.size;
	Spot mine = spot_of(w, position);
	float lanes[LANES];
	for (int i = 0; i < LANES; i++) lanes[i] = 0.0f;
	int n = 0;
	for (int t = 0; t < w.taps; t++) {
		int from = under(w, mine, t);
		if (from < 0) continue;
		lanes[n % LANES] = lanes[n % LANES] + in[from];
		n++;
	}
	for (int h = LANES / 2; h > 0; h /= 2)
		for (int i = 0; i < h; i++) lanes[i] = lanes[i] + lanes[i + h];
	if (padded) n = covered(w, mine);
	y[plane * w.positions + position] = lanes[0] / (float)n;
}

// move copies element i of one walk to element i of another.
#define MOVE(bits, kind) \
	KERNEL void move_##bits(GLOBAL const kind *x, GLOBAL kind *y, int n, int x_start, int y_start, Walk at_x, Walk at_y) { \
		int i = GLOBAL_ID(0); \
		if (i < n) y[y_start + place(at_y, i)] = x[x_start + place(at_x, i)]; \
	}

MOVE(8, u8)
MOVE(16, u16)
MOVE(32, u32)
MOVE(64, u64)

// gather takes, from each of the outer parts of x, the slices of inner elements that at names.
#define GATHER(bits, kind) \
	KERNEL void gather_##bits(GLOBAL const kind *x, GLOBAL const int *at, GLOBAL kind *y, int n, int picked, int axis, int inner) { \
		int i = GLOBAL_ID(0); \
		if (i >= n) return; \
		int q = i % inner, k = i / inner % picked, o = i / inner / picked; \
		y[i] = x[(o * axis + at[k]) * inner + q]; \
	}

GATHER(8, u8)
GATHER(16, u16)
GATHER(32, u32)
GATHER(64, u64)

// A Border is around a shape: own sizes, and how many elements stand before.
typedef struct {
	int rank, mode; // of what lies outside: 0 a value, 1 the edge, 2 reflected, 3 from the other side
	int shape[RANK], own[RANK], before[RANK];
} Border;

// bordered gives the index along an axis that stands at i, -1 for the value.
FUNC int bordered(int i, int n, int mode) {
	if (i >= 0 && i < n) return i;
	if (mode == 0) return -1;
	if (mode == 1) return i < 0 ? 0 : n - 1;
	if (mode == 2) {
		if (n == 1) return 0;
		int period = 2 * (n - 1);
		i = (i % period + period) % period;
		return i < period - i ? i : period - i;
	}
	return (i % n + n) % n;
}

KERNEL void pad(GLOBAL const u32 *x, GLOBAL u32 *y, int n, int value, Border b) {
	int i = GLOBAL_ID(0);
	if (i >= n) return;
	int rest = i, offset = 0, step = 1;
	for (int d = b.rank - 1; d >= 0; d--) {
		int from = bordered(rest % b.shape[d] - b.before[d], b.own[d], b.mode);
		rest /= b.shape[d];
		if (from < 0 || offset < 0) offset = -1;
		else offset += from * step;
		step *= b.own[d];
	}
	y[i] = offset < 0 ? (u32)value : x[offset];
}
