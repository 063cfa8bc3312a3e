package kernel

import (
	"slices"

	"github.com/aiwork/aiwork-node/internal/must"
)

// Convolutions of bytes that lie pixel by pixel: all channels of a pixel are neighbours, PixelStride bytes from the next pixel's. So what is
// under a row of a window is one piece of memory, nothing is turned over, and sums are made bytes while they are in registers.

//go:generate go run gen_pixels.go

const (
	pixelRowsMax = 6  // of a tile
	pixelWide    = 16 // outputs of a panel
)

// PixelStride is the number of bytes of a pixel: its channels, and some more that may hold anything.
func PixelStride(channels int) int {
	if channels <= 4 {
		return 4
	}
	return (channels + pixelWide - 1) / pixelWide * pixelWide
}

// pixelLane is the place of an output in its panel, from which packing within halves of registers brings it back.
func pixelLane(j int) int { return j&3 | j&4<<1 | j&8>>1 }

// A PixelEnd makes bytes of sums: (sum + Bias)·Ratio, rounded, plus Zero and saturated. Ratios are finite.
type PixelEnd struct {
	Bias   []int32 // of each output
	Ratios []float32
	Zero   int32
}

// Finite says whether the kernels can do with e, for which an infinite ratio could make NaN of 0.
func (e *PixelEnd) Finite() bool {
	return !slices.ContainsFunc(e.Ratios, func(r float32) bool { return r-r != 0 })
}

// panels gives e in the order of lanes, the bias less what the zero point of the input comes to.
func (e *PixelEnd) panels(zero int32, weights []int16, each int) PixelEnd {
	n := (len(e.Bias) + pixelWide - 1) / pixelWide * pixelWide
	p := PixelEnd{make([]int32, n), make([]float32, n), e.Zero}
	for i, b := range e.Bias {
		at := i/pixelWide*pixelWide + pixelLane(i%pixelWide)
		for _, w := range weights[i*each:][:each] {
			b -= int32(w) * zero
		}
		p.Bias[at], p.Ratios[at] = b, e.Ratios[i]
	}
	return p
}

// of makes a byte of the sum of the output in a lane.
func (e *PixelEnd) of(sum int32, lane int) uint8 {
	return uint8(unsigned().of(float32(float32(sum+e.Bias[lane])*e.Ratios[lane]), e.Zero))
}

// PixelWeights are the weights of a convolution, in panels of 16 outputs.
type PixelWeights struct {
	N        int // outputs
	segments int // of k: rows of the window
	pairs    int // of k in a segment
	data     []int16
	end      PixelEnd
}

// Panels is the number of parts that the outputs can be cut in.
func (w *PixelWeights) Panels() int { return len(w.end.Bias) / pixelWide }

// PackPixelWeights lays weights[output][segment][k] out, less their zero points; zero is that of the input.
func PackPixelWeights(weights []int16, segments, length int, zero int32, end PixelEnd) *PixelWeights {
	n := len(end.Bias)
	must.Hold(n > 0 && len(weights) == n*segments*length && length > 0, "weights that do not fit")
	w := &PixelWeights{N: n, segments: segments, pairs: (length + 1) / 2, end: end.panels(zero, weights, segments*length)}
	w.data = make([]int16, 2*len(w.end.Bias)*segments*w.pairs)
	for i := range n {
		panel := w.data[i/pixelWide*w.panelLen():]
		for s := range segments {
			for k, v := range weights[(i*segments+s)*length:][:length] {
				panel[((s*w.pairs+k/2)*pixelWide+pixelLane(i%pixelWide))*2+k%2] = v
			}
		}
	}
	return w
}

// panelLen is the number of elements of a panel.
func (w *PixelWeights) panelLen() int { return 2 * pixelWide * w.segments * w.pairs }

// PixelRows are the windows of neighbouring pixels, as words: segment s of window r begins at element r·Step + s·Jump.
type PixelRows struct {
	X          []int16
	Rows       int
	Step, Jump int
}

// A pixelTile is what a micro-kernel does in one call: tiles of rows, one below the other, times one panel. Strides are in bytes.
type pixelTile struct {
	a        *int16
	b        *int16
	c        *uint8
	bias     *int32
	ratio    *float32
	lda      int
	jump     int
	segments int
	pairs    int
	ldc      int
	tiles    int
	high     float32
	zero     int32
}

// MultiplyPixels makes outputs of panels first to last-1 for all rows: those of row r lie at y[r·stride].
func (p Path) MultiplyPixels(y []uint8, stride int, x PixelRows, w *PixelWeights, first, last int) {
	must.Hold(stride >= pixelWide*last, "pixels without room for their outputs")
	for panel := first; panel < last; panel++ {
		whole := x.Rows / pixelRowsMax * pixelRowsMax
		p.pixelTiles(y[panel*pixelWide:], stride, x, w, panel, 0, whole, pixelRowsMax)
		p.pixelTiles(y[panel*pixelWide:], stride, x, w, panel, whole, x.Rows, x.Rows-whole)
	}
}

// pixelTiles does the rows from one to another in tiles of some height.
func (p Path) pixelTiles(y []uint8, stride int, x PixelRows, w *PixelWeights, panel, from, to, height int) {
	if from == to {
		return
	}
	a, b, c := x.X[from*x.Step:], w.data[panel*w.panelLen():][:w.panelLen()], y[from*stride:]
	_ = a[:(to-from-1)*x.Step+(w.segments-1)*x.Jump+2*w.pairs]
	_ = c[:(to-from-1)*stride+pixelWide]
	end := PixelEnd{w.end.Bias[panel*pixelWide:][:pixelWide], w.end.Ratios[panel*pixelWide:][:pixelWide], w.end.Zero}
	if !p.Pixels() {
		for r := range to - from {
			pixelGo(c[r*stride:], a[r*x.Step:], x.Jump, b, w.pairs, &end)
		}
		return
	}
	p.pixelTile(height, &pixelTile{
		a: &a[0], b: &b[0], c: &c[0], bias: &end.Bias[0], ratio: &end.Ratios[0], lda: 2 * x.Step, jump: 2 * x.Jump, segments: w.segments,
		pairs: w.pairs, ldc: stride, tiles: (to - from) / height, high: float32(255 - end.Zero), zero: end.Zero,
	})
}

// pixelGo is the portable form of a panel for one row.
func pixelGo(y []uint8, x []int16, jump int, panel []int16, pairs int, end *PixelEnd) {
	for j := range pixelWide {
		lane, sum := pixelLane(j), int32(0)
		for l := range len(panel) / 2 / pixelWide {
			w, from := panel[(l*pixelWide+lane)*2:], x[l/pairs*jump+l%pairs*2:]
			sum += int32(w[0])*int32(from[0]) + int32(w[1])*int32(from[1])
		}
		y[j] = end.of(sum, lane)
	}
}

// PixelTaps are the taps of a window over each channel by itself, in pairs.
type PixelTaps struct {
	blocks  int // of 16 channels
	offsets []int32
	weights []int16 // of each block and pair
	end     PixelEnd
	reach   int
}

// PackPixelTaps takes weights[channel][tap] less their zero points, the offset of each tap in bytes, and the zero point of the input.
func PackPixelTaps(weights []int16, offsets []int32, zero int32, end PixelEnd) *PixelTaps {
	taps := len(offsets)
	must.Hold(taps > 0 && len(weights) == len(end.Bias)*taps, "taps that do not fit")
	t := &PixelTaps{offsets: slices.Clone(offsets), end: end.panels(zero, weights, taps), reach: int(slices.Max(offsets))}
	if taps%2 == 1 { // any, for its weights are zero
		t.offsets = append(t.offsets, offsets[taps-1])
	}
	must.Hold(slices.Min(offsets) >= 0, "a tap before the first byte")
	t.blocks = len(t.end.Bias) / pixelWide
	t.weights = make([]int16, pixelWide*t.blocks*len(t.offsets))
	for i, w := range weights {
		ch, tap := i/taps, i%taps
		at := (ch/pixelWide*len(t.offsets)/2+tap/2)*pixelWide + pixelLane(ch%pixelWide)
		t.weights[2*at+tap%2] = w
	}
	return t
}

// A pixelSlide is what the micro-kernel of taps does in one call; distances are in bytes.
type pixelSlide struct {
	x, y    *uint8
	offsets *int32
	weights *int16
	bias    *int32
	ratio   *float32
	n       int // pixels
	step    int // from one to the next under the taps
	stride  int // and of outputs
	pairs   int
	blocks  int
	high    float32
	zero    int32
}

// SlidePixels makes n neighbouring pixels of y, all channels, of what is under the taps, which move by step bytes from one to the next.
func (p Path) SlidePixels(y, x []uint8, n, step int, t *PixelTaps) {
	stride := t.blocks * pixelWide
	if n == 0 {
		return
	}
	_, _ = y[:n*stride], x[:(n-1)*step+t.reach+stride]
	if !p.Pixels() {
		slidePixelsGo(y, x, n, step, t)
		return
	}
	p.pixelSlide(&pixelSlide{
		x: &x[0], y: &y[0], offsets: &t.offsets[0], weights: &t.weights[0], bias: &t.end.Bias[0], ratio: &t.end.Ratios[0], n: n, step: step,
		stride: stride, pairs: len(t.offsets) / 2, blocks: t.blocks, high: float32(255 - t.end.Zero), zero: t.end.Zero,
	})
}

func slidePixelsGo(y, x []uint8, n, step int, t *PixelTaps) {
	stride, taps := t.blocks*pixelWide, len(t.offsets)
	for i := range n * stride {
		pixel, ch := i/stride, i%stride
		block, lane, sum := ch/pixelWide, pixelLane(ch%pixelWide), int32(0)
		for l, o := range t.offsets {
			w := t.weights[((block*taps/2+l/2)*pixelWide+lane)*2+l%2]
			sum += int32(w) * int32(x[pixel*step+int(o)+ch])
		}
		y[i] = t.end.of(sum, block*pixelWide+lane)
	}
}

// WidenBytes sets to to the bytes of from.
func (p Path) WidenBytes(to []int16, from []uint8) {
	n := 0
	if p.Pixels() {
		n = p.widen(to[:len(from)], from)
	}
	for i := n; i < len(from); i++ {
		to[i] = int16(from[i])
	}
}
