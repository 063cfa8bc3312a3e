// Products of matrices and convolutions: chains of AIW-2. A work-group of SIDE × SIDE items computes a tile of TILE × TILE outputs,
// each item SPREAD × SPREAD of them, whose operands it brings to shared memory DEPTH steps of k at a time. DEPTH divides the
// segment of 256, so that a join never falls inside of it. Nothing is ever split over k.

#define SEGMENT 256
#define DEPTH 16
#define SPREAD 4
#define TILE (SIDE * SPREAD)

// join adds a segment's sum to the total.
#define JOIN(total, acc, first) \
	do { \
		total = (first) ? (acc) : (total) + (acc); \
		acc = 0.0f; \
	} while (0)

typedef struct {
	int m, n, k;
	int a_row, a_column, b_row, b_column; // distances in the operands
	int c_row, c_column;                  // of what is added, if has_c
	int has_c;
	float alpha, beta; // alpha is left out if it is 1
} Product;

// FETCH brings DEPTH steps of k of TILE rows or columns of an operand, from first on; what lies outside is not read. Neighbouring items take
// neighbouring elements, along k where these lie side by side.
#define FETCH(tile, src, first, limit, step, k0, depth, k_step) \
	for (int e = item; e < TILE * DEPTH; e += SIDE * SIDE) { \
		int l = (k_step) == 1 ? e % DEPTH : e / TILE, r = (k_step) == 1 ? e / DEPTH : e % TILE; \
		tile[l * (TILE + 1) + r] = (first) + r < (limit) && l < (depth) ? src[((first) + r) * (step) + ((k0) + l) * (k_step)] : 0; \
	}

// ends gives the end of a chain, and what Gemm adds.
FUNC float gemm_end(float total, GLOBAL const float *c, int row, int column, Product p) {
	float v = (total + 0.0f) + 0.0f;
	if (p.alpha != 1.0f) v = v * p.alpha;
	if (p.has_c) {
		float added = p.beta * c[row * p.c_row + column * p.c_column];
		v = (v + added) + 0.0f;
	}
	return v;
}

// gemm computes a stack of products; the walks go over where the operands of each begin.
KERNEL void gemm(GLOBAL const float *a, GLOBAL const float *b, GLOBAL const float *c, GLOBAL float *y, Product p, Walk at_a, Walk at_b) {
	SHARED float left[DEPTH * (TILE + 1)];
	SHARED float right[DEPTH * (TILE + 1)];
	int tx = LOCAL_ID(0), ty = LOCAL_ID(1), item = ty * SIDE + tx, z = GROUP_ID(2);
	int row = GROUP_ID(1) * TILE, column = GROUP_ID(0) * TILE;
	GLOBAL const float *from_a = a + place(at_a, z);
	GLOBAL const float *from_b = b + place(at_b, z);
	float acc[SPREAD][SPREAD], total[SPREAD][SPREAD];
	for (int i = 0; i < SPREAD; i++)
		for (int j = 0; j < SPREAD; j++) acc[i][j] = total[i][j] = 0.0f;
	for (int k = 0; k < p.k; k += DEPTH) {
		int depth = p.k - k < DEPTH ? p.k - k : DEPTH;
		FETCH(left, from_a, row, p.m, p.a_row, k, depth, p.a_column)
		FETCH(right, from_b, column, p.n, p.b_column, k, depth, p.b_row)
		SYNC();
		for (int l = 0; l < depth; l++) {
			float x[SPREAD], w[SPREAD];
			for (int i = 0; i < SPREAD; i++) {
				x[i] = left[l * (TILE + 1) + ty + i * SIDE];
				w[i] = right[l * (TILE + 1) + tx + i * SIDE];
			}
			for (int i = 0; i < SPREAD; i++)
				for (int j = 0; j < SPREAD; j++) acc[i][j] = FUSED(x[i], w[j], acc[i][j]);
		}
		SYNC();
		if ((k + depth) % SEGMENT == 0 || k + depth == p.k)
			for (int i = 0; i < SPREAD; i++)
				for (int j = 0; j < SPREAD; j++) JOIN(total[i][j], acc[i][j], k < SEGMENT);
	}
	GLOBAL float *out = y + z * p.m * p.n;
	for (int i = 0; i < SPREAD; i++)
		for (int j = 0; j < SPREAD; j++) {
			int r = row + ty + i * SIDE, q = column + tx + j * SIDE;
			if (r < p.m && q < p.n) out[r * p.n + q] = gemm_end(total[i][j], c, r, q, p);
		}
}

// gemm_thin is gemm for few rows: an item computes one output, and neighbours read neighbouring columns of b.
KERNEL void gemm_thin(GLOBAL const float *a, GLOBAL const float *b, GLOBAL const float *c, GLOBAL float *y, Product p, Walk at_a, Walk at_b) {
	int column = GLOBAL_ID(0), row = GLOBAL_ID(1), z = GROUP_ID(2);
	if (column >= p.n || row >= p.m) return;
	GLOBAL const float *x = a + place(at_a, z) + row * p.a_row;
	GLOBAL const float *w = b + place(at_b, z) + column * p.b_column;
	float total = 0.0f;
	for (int first = 0; first < p.k; first += SEGMENT) {
		int last = first + SEGMENT < p.k ? first + SEGMENT : p.k;
		float acc = 0.0f;
		for (int k = first; k < last; k++) acc = FUSED(x[k * p.a_column], w[k * p.b_row], acc);
		JOIN(total, acc, first == 0);
	}
	y[(z * p.m + row) * p.n + column] = gemm_end(total, c, row, column, p);
}

// A Window moves over up to three spatial dimensions; missing ones are 1.
typedef struct {
	int in[3], span[3], stride[3], dilation[3], before[3], after[3], out[3];
	int size, taps, positions;              // products of in, span, out
	int outs, channels, groups;             // outs and channels of a group
	int w_group, w_out, w_channel;          // distances in the weights
	int transposed, biased;
} Window;

// A Spot is a position of the output by its dimensions. Finding it costs divisions, so it is done once for many taps.
typedef struct { int at[3]; } Spot;

FUNC Spot spot_of(Window w, int position) {
	Spot s;
	int rest = position / w.out[2];
	s.at[2] = position - rest * w.out[2];
	s.at[0] = w.out[0] > 1 ? rest / w.out[1] : 0;
	s.at[1] = rest - s.at[0] * w.out[1];
	return s;
}

// along gives the index along a dimension that lies under a tap, -1 where there is none.
FUNC int along(Window w, int d, int at, int tap) {
	int p = at * w.stride[d] + tap * w.dilation[d] - w.before[d];
	if (w.transposed) {
		p = at + w.before[d] - tap * w.dilation[d];
		if (p < 0 || p % w.stride[d] != 0) return -1;
		p = p / w.stride[d];
	}
	return p < w.in[d] ? p : -1;
}

// under gives the offset of the element under a tap at a position, -1 where there is none.
FUNC int under(Window w, Spot s, int tap) {
	int row = tap / w.span[2];
	int plane = w.span[0] > 1 ? row / w.span[1] : 0;
	int x = along(w, 2, s.at[2], tap - row * w.span[2]);
	int y = along(w, 1, s.at[1], row - plane * w.span[1]);
	int z = along(w, 0, s.at[0], plane);
	return x < 0 || y < 0 || z < 0 ? -1 : (z * w.in[1] + y) * w.in[2] + x;
}

FUNC float conv_end(float total, GLOBAL const float *bias, int out, Window w) {
	float v = (total + 0.0f) + 0.0f;
	if (w.biased) v = (v + bias[out]) + 0.0f;
	return v;
}

// conv computes a tile of outputs × positions of one group of one batch.
KERNEL void conv(GLOBAL const float *x, GLOBAL const float *weights, GLOBAL const float *bias, GLOBAL float *y, Window w) {
	SHARED float left[DEPTH * (TILE + 1)];
	SHARED float right[DEPTH * (TILE + 1)];
	int tx = LOCAL_ID(0), ty = LOCAL_ID(1), item = ty * SIDE + tx, z = GROUP_ID(2), group = z % w.groups;
	int row = GROUP_ID(1) * TILE, column = GROUP_ID(0) * TILE, steps = w.channels * w.taps;
	GLOBAL const float *in = x + z * w.channels * w.size;
	GLOBAL const float *by = weights + group * w.w_group;
	// TILE divides the number of items, so an item brings inputs of one position only.
	Spot mine = spot_of(w, column + item % TILE);
	int has_mine = column + item % TILE < w.positions;
	float acc[SPREAD][SPREAD], total[SPREAD][SPREAD];
	for (int i = 0; i < SPREAD; i++)
		for (int j = 0; j < SPREAD; j++) acc[i][j] = total[i][j] = 0.0f;
	for (int k = 0; k < steps; k += DEPTH) {
		int depth = steps - k < DEPTH ? steps - k : DEPTH;
		for (int e = item; e < TILE * DEPTH; e += SIDE * SIDE) {
			int l = e % DEPTH, r = e / DEPTH;
			float v = 0.0f;
			if (row + r < w.outs && l < depth) {
				int channel = (k + l) / w.taps;
				v = by[(row + r) * w.w_out + channel * w.w_channel + k + l - channel * w.taps];
			}
			left[l * (TILE + 1) + r] = v;
		}
		for (int e = item; e < TILE * DEPTH; e += SIDE * SIDE) {
			int l = e / TILE, r = e % TILE;
			float v = 0.0f;
			if (has_mine && l < depth) {
				int channel = (k + l) / w.taps;
				int from = under(w, mine, k + l - channel * w.taps);
				if (from >= 0) v = in[channel * w.size + from];
			}
			right[l * (TILE + 1) + r] = v;
		}
		SYNC();
		for (int l = 0; l < depth; l++) {
			float f[SPREAD], v[SPREAD];
			for (int i = 0; i < SPREAD; i++) {
				f[i] = left[l * (TILE + 1) + ty + i * SIDE];
				v[i] = right[l * (TILE + 1) + tx + i * SIDE];
			}
			for (int i = 0; i < SPREAD; i++)
				for (int j = 0; j < SPREAD; j++) acc[i][j] = FUSED(f[i], v[j], acc[i][j]);
		}
		SYNC();
		if ((k + depth) % SEGMENT == 0 || k + depth == steps)
			for (int i = 0; i < SPREAD; i++)
				for (int j = 0; j < SPREAD; j++) JOIN(total[i][j], acc[i][j], k < SEGMENT);
	}
	for (int i = 0; i < SPREAD; i++)
		for (int j = 0; j < SPREAD; j++) {
			int r = row + ty + i * SIDE, q = column + tx + j * SIDE;
			if (r < w.outs && q < w.positions)
				y[(z * w.outs + r) * w.positions + q] = conv_end(total[i][j], bias, group * w.outs + r, w);
		}
}

// conv_thin is conv for groups of few outputs, depthwise ones above all: an item computes one output.
KERNEL void conv_thin(GLOBAL const float *x, GLOBAL const float *weights, GLOBAL const float *bias, GLOBAL float *y, Window w) {
	int position = GLOBAL_ID(0), out = GLOBAL_ID(1), batch = GROUP_ID(2), group = batch % w.groups, first_out = batch * w.outs;
	if (position >= w.positions || out >= w.outs) return;
	GLOBAL const float *in = x + batch * w.channels * w.size;
	GLOBAL const float *by = weights + group * w.w_group + out * w.w_out;
	Spot mine = spot_of(w, position);
	float total = 0.0f, acc = 0.0f;
	int steps = 0;
	for (int c = 0; c < w.channels; c++)
		for (int i = 0; i < w.span[0]; i++) {
			int z = along(w, 0, mine.at[0], i);
			for (int j = 0; j < w.span[1]; j++) {
				int y_in = along(w, 1, mine.at[1], j), line = (z * w.in[1] + y_in) * w.in[2];
				for (int k = 0; k < w.span[2]; k++) {
					int x_in = along(w, 2, mine.at[2], k);
					float v = z < 0 || y_in < 0 || x_in < 0 ? 0.0f : in[c * w.size + line + x_in];
					acc = FUSED(v, by[c * w.w_channel + (i * w.span[1] + j) * w.span[2] + k], acc);
					steps++;
					if (steps % SEGMENT == 0) JOIN(total, acc, steps == SEGMENT);
				}
			}
		}
	if (steps % SEGMENT != 0) JOIN(total, acc, steps < SEGMENT);
	y[(first_out + out) * w.positions + position] = conv_end(total, bias, group * w.outs + out, w);
}
