// Rows of elements: sums by AIW-3, extremes by AIW-4, and what is made of them. LANES items share a row, each a lane of AIW-3; a
// work-group does ROWS of them. Items of a row that is not there go along, for the barriers' sake, and touch nothing.

#define LANES 32

// Rows says where rows lie: row r begins at place(outer, r), its element i lies at place(inner, i) from there.
typedef struct {
	int count, length;
	Walk outer, inner;
} Rows;

// tree adds the lanes of a row pairwise; every lane gets the sum.
FUNC float tree(SHARED float *lanes, int lane, float own) {
	lanes[lane] = own;
	for (int h = LANES / 2; h > 0; h /= 2) {
		SYNC();
		if (lane < h) lanes[lane] = lanes[lane] + lanes[lane + h];
	}
	SYNC();
	float sum = lanes[0];
	SYNC();
	return sum;
}

// ROW begins a kernel over rows: its lane, and where the row begins in x and in the result. A row that is not there has no length.
#define ROW \
	SHARED float all[ROWS * LANES]; \
	int lane = LOCAL_ID(0), row = GROUP_ID(0) * ROWS + LOCAL_ID(1); \
	SHARED float *lanes = all + LOCAL_ID(1) * LANES; \
	int length = row < rows.count ? rows.length : 0; \
	GLOBAL const float *from = x + (length > 0 ? place(rows.outer, row) : 0);

#define ELEMENT from[place(rows.inner, i)]

// SUM sets result to the sum of f, in which v is an element.
#define SUM(result, f) \
	float result; \
	{ \
		float own = 0.0f; \
		for (int i = lane; i < length; i += LANES) { \
			float v = ELEMENT; \
			own = own + (f); \
		} \
		result = tree(lanes, lane, own); \
	}

// beats says whether an element comes out of a maximum (sign 1) or minimum (sign -1) against one with a smaller index: unless that is
// strictly better, the later one stays (AIW-4).
FUNC int beats(float earlier, float later, int sign) { return sign > 0 ? !(earlier > later) : !(earlier < later); }

// extreme gives the maximum or minimum of a row to every lane. Ties, which are zeros of two signs, go to the last element.
FUNC float extreme(SHARED float *lanes, SHARED int *at, int lane, GLOBAL const float *from, Walk inner, int length, int sign) {
	float best = 0.0f;
	int where_best = -1;
	for (int i = lane; i < length; i += LANES) {
		float v = from[place(inner, i)];
		if (where_best < 0 || (best == best && (v != v || beats(best, v, sign)))) {
			best = v;
			where_best = i;
		}
	}
	lanes[lane] = best;
	at[lane] = where_best;
	for (int h = LANES / 2; h > 0; h /= 2) {
		SYNC();
		if (lane < h) {
			float a = lanes[lane], b = lanes[lane + h];
			int ia = at[lane], ib = at[lane + h], take = 0;
			if (ib >= 0 && a == a) {
				if (b != b) take = 1;
				else if (ia < ib) take = beats(a, b, sign);
				else take = !beats(b, a, sign);
			}
			if (take) {
				lanes[lane] = b;
				at[lane] = ib;
			}
		}
	}
	SYNC();
	float result = lanes[0];
	SYNC();
	return result != result ? NOT_A_NUMBER : result;
}

#define REDUCE(name, f, end) \
	KERNEL void reduce_##name(GLOBAL const float *x, GLOBAL float *y, Rows rows) { \
		ROW \
		float n = (float)rows.length; \
		SUM(sum, f) \
		if (lane == 0 && length > 0) y[row] = (n > 0.0f) ? (end) : 0.0f; \
	}

REDUCE(sum, v, sum)
REDUCE(mean, v, sum / n)
REDUCE(l1, absolute(v), sum)
REDUCE(sum_square, v * v, sum)
REDUCE(l2, v * v, ROOT(sum))
REDUCE(log_sum, v, aiw_log(sum))

#define EXTREME(name, sign) \
	KERNEL void reduce_##name(GLOBAL const float *x, GLOBAL float *y, Rows rows) { \
		SHARED int places[ROWS * LANES]; \
		ROW \
		float top = extreme(lanes, places + LOCAL_ID(1) * LANES, lane, from, rows.inner, length, sign); \
		if (lane == 0 && length > 0) y[row] = top; \
	}

EXTREME(max, 1)
EXTREME(min, -1)

KERNEL void reduce_log_sum_exp(GLOBAL const float *x, GLOBAL float *y, Rows rows) {
	SHARED int places[ROWS * LANES];
	ROW
	float top = extreme(lanes, places + LOCAL_ID(1) * LANES, lane, from, rows.inner, length, 1);
	SUM(sum, aiw_exp(v - top))
	if (lane == 0 && length > 0) y[row] = top - top != 0.0f ? top : top + aiw_log(sum);
}

KERNEL void reduce_prod(GLOBAL const float *x, GLOBAL float *y, Rows rows) {
	int row = GLOBAL_ID(0);
	if (row >= rows.count) return;
	GLOBAL const float *from = x + place(rows.outer, row);
	float p = 1.0f;
	for (int i = 0; i < rows.length; i++) p = p * ELEMENT;
	y[row] = p;
}

// INTO begins with ROW and adds where the row's result goes.
#define INTO \
	ROW \
	GLOBAL float *to = y + (length > 0 ? place(rows.outer, row) : 0);

#define EACH(result) \
	for (int i = lane; i < length; i += LANES) { \
		float v = ELEMENT; \
		to[place(rows.inner, i)] = (result); \
	}

KERNEL void softmax(GLOBAL const float *x, GLOBAL float *y, Rows rows) {
	SHARED int places[ROWS * LANES];
	INTO
	float top = extreme(lanes, places + LOCAL_ID(1) * LANES, lane, from, rows.inner, length, 1);
	float own = 0.0f;
	for (int i = lane; i < length; i += LANES) {
		int at = place(rows.inner, i);
		float e = aiw_exp(from[at] - top);
		to[at] = e;
		own = own + e;
	}
	float sum = tree(lanes, lane, own);
	for (int i = lane; i < length; i += LANES) {
		int at = place(rows.inner, i);
		to[at] = to[at] / sum;
	}
}

KERNEL void log_softmax(GLOBAL const float *x, GLOBAL float *y, Rows rows) {
	SHARED int places[ROWS * LANES];
	INTO
	float top = extreme(lanes, places + LOCAL_ID(1) * LANES, lane, from, rows.inner, length, 1);
	SUM(sum, aiw_exp(v - top))
	float all_log = aiw_log(sum);
	EACH((v - top) - all_log)
}

FUNC float squared(float v) { return v * v; }

// normalise sets y = (x - mean) / sqrt(variance + epsilon).
KERNEL void normalise(GLOBAL const float *x, GLOBAL float *y, Rows rows, float epsilon) {
	INTO
	float n = (float)rows.length;
	SUM(sum, v)
	float mean = sum / n;
	SUM(squares, squared(v - mean))
	float root = ROOT(squares / n + epsilon);
	EACH((v - mean) / root)
}

KERNEL void normalise_root_mean_square(GLOBAL const float *x, GLOBAL float *y, Rows rows, float epsilon) {
	INTO
	float n = (float)rows.length;
	SUM(squares, squared(v))
	float root = ROOT(squares / n + epsilon);
	EACH(v / root)
}

KERNEL void normalise_mean_variance(GLOBAL const float *x, GLOBAL float *y, Rows rows) {
	INTO
	float n = (float)rows.length;
	SUM(sum, v)
	float mean = sum / n;
	SUM(squares, squared(v - mean))
	float root = ROOT(squares / n) + FLOAT(0x3089705fu);
	EACH((v - mean) / root)
}

KERNEL void normalise_length(GLOBAL const float *x, GLOBAL float *y, Rows rows, int p) {
	INTO
	SUM(sum, p == 1 ? absolute(v) : squared(v))
	float norm = p == 1 ? sum : ROOT(sum);
	EACH(norm != 0.0f ? v / norm : 0.0f)
}

// scale_shift sets y = fma(x, scale, shift) by channel; each element of the vectors is for so many channels.
KERNEL void scale_shift(GLOBAL const float *x, GLOBAL const float *scale, GLOBAL const float *shift, GLOBAL float *y, int n, int plane, int channels, int each) {
	int i = GLOBAL_ID(0);
	if (i >= n) return;
	int c = i / plane % channels / each;
	y[i] = FUSED(x[i], scale[c], shift[c]);
}

// batch_norm lowers the four vectors for every element anew: two roundings more are cheaper than another pass.
KERNEL void batch_norm(GLOBAL const float *x, GLOBAL const float *gamma, GLOBAL const float *beta, GLOBAL const float *mean, GLOBAL const float *variance, GLOBAL float *y, int n, int plane, int channels, float epsilon) {
	int i = GLOBAL_ID(0);
	if (i >= n) return;
	int c = i / plane % channels;
	float root = ROOT(variance[c] + epsilon);
	float scale = gamma[c] / root;
	float shift = FUSED(-mean[c], scale, beta[c]);
	y[i] = FUSED(x[i], scale, shift);
}
