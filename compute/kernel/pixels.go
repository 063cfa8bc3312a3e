package kernel

import (
	"math"
	"slices"
	"unsafe"

	"github.com/aiwork/aiwork-node/internal/must"
)

// Convolutions of bytes that lie pixel by pixel: all channels of a pixel are neighbours, PixelStride bytes from the next pixel's. So what is
// under a row of a window is one piece of memory, nothing is turned over, and sums are made bytes while they are in registers.

//go:generate go run gen_pixels.go

const (
	pixelRowsMax     = 6  // of a tile of words
	pixelByteRowsMax = 5  // and of bytes
	pixelWide        = 16 // outputs of a panel
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

// PixelWeights are the weights of a convolution, in panels of 16 outputs. The first form has words, two k in a step. The second has bytes,
// four k in a step, and multiplies them by bytes: pairs of products are added in 16 bits, which 255 times the weights of the pair
// must not leave. What is too large for that is left to extra steps at the end.
type PixelWeights struct {
	N        int // outputs
	segments int // of k: rows of the window
	jump     int // from one to the next, in bytes of the input
	steps    int // of a segment
	words    []int16
	bytes    []int8
	extras   []pixelExtra // of each panel
	end      PixelEnd
}

// A pixelExtra is the steps of a panel that come again, with other weights.
type pixelExtra struct {
	offsets []int32 // in the window, in bytes
	weights []int8
}

const (
	pixelPair    = 2   // k of a step of words
	pixelFour    = 4   // and of bytes
	pixelSumMax  = 128 // of the weights of a pair that have one sign: 255 times as much fits in 16 bits
	pixelManyPer = 5   // more than one extra step for so many are not worth it
)

// Panels is the number of parts that the outputs can be cut in.
func (w *PixelWeights) Panels() int { return len(w.end.Bias) / pixelWide }

// PackPixelWeights lays weights[output][segment][k] out, less their zero points; segments of the input are jump bytes apart, and zero is its
// zero point.
func PackPixelWeights(weights []int16, segments, length, jump int, zero int32, end PixelEnd) *PixelWeights {
	n := len(end.Bias)
	must.Hold(n > 0 && len(weights) == n*segments*length && length > 0, "weights that do not fit")
	w := &PixelWeights{N: n, segments: segments, jump: jump, end: end.panels(zero, weights, segments*length)}
	if !w.packBytes(weights, length) {
		w.bytes, w.extras = nil, nil
		w.packWords(weights, length)
	}
	return w
}

func (w *PixelWeights) packWords(weights []int16, length int) {
	w.steps = (length + pixelPair - 1) / pixelPair
	w.words = make([]int16, len(w.end.Bias)*w.segments*w.steps*pixelPair)
	for i, v := range weights {
		w.words[w.place(i, length, pixelPair)] = v
	}
}

// place is where element i of weights lies in panels with so many k in a step.
func (w *PixelWeights) place(i, length, each int) int {
	k, s, n := i%length, i/length%w.segments, i/length/w.segments
	step := (n/pixelWide*w.segments+s)*w.steps + k/each
	return (step*pixelWide+pixelLane(n%pixelWide))*each + k%each
}

// packBytes says whether bytes are worth it.
func (w *PixelWeights) packBytes(weights []int16, length int) bool {
	const size = pixelWide * pixelFour
	w.steps = (length + pixelFour - 1) / pixelFour
	left := make([]int16, len(w.end.Bias)*w.segments*w.steps*pixelFour)
	for i, v := range weights {
		left[w.place(i, length, pixelFour)] = v
	}
	w.bytes = make([]int8, len(left))
	w.extras = make([]pixelExtra, w.Panels())
	all, extra := w.segments*w.steps, 0
	for i := range w.extras {
		e := &w.extras[i]
		for s := range all {
			at := (i*all + s) * size
			for more := takePairs(w.bytes[at:][:size], left[at:]); more; extra++ {
				part := make([]int8, size)
				more = takePairs(part, left[at:])
				e.offsets = append(e.offsets, int32(s/w.steps*w.jump+s%w.steps*pixelFour))
				e.weights = append(e.weights, part...)
			}
		}
	}
	return extra*pixelManyPer <= all*len(w.extras)
}

// takePairs moves as much of the pairs of weights to a step as its sums have room for, and says whether something is left.
func takePairs(step []int8, left []int16) (more bool) {
	for i := 0; i < len(step); i += 2 {
		large, small := i, i+1
		if max(left[i], -left[i]) < max(left[i+1], -left[i+1]) {
			large, small = small, large
		}
		s := max(-pixelSumMax/2, min(left[small], pixelSumMax/2))
		low, high := -pixelSumMax-min(s, 0), pixelSumMax-max(s, 0)
		l := max(low, min(left[large], high, math.MaxInt8))
		step[small], step[large] = int8(s), int8(l)
		left[small], left[large] = left[small]-s, left[large]-l
		more = more || left[small] != 0 || left[large] != 0
	}
	return more
}

// PixelRows are the windows of neighbouring pixels: that of row r begins at byte r·Step.
type PixelRows struct {
	X          []uint8
	Rows, Step int
}

// A pixelTile is what a micro-kernel does in one call: tiles of rows, one below the other, times one panel. Strides are in bytes.
type pixelTile struct {
	a            unsafe.Pointer
	b            unsafe.Pointer
	c            *uint8
	bias         *int32
	ratio        *float32
	extraOffsets *int32
	extraWeights *int8
	extras       int
	lda          int
	jump         int
	segments     int
	steps        int
	ldc          int
	tiles        int
	high         float32
	zero         int32
}

// PixelScratch is what one thread needs for products of pixels. Its zero value is ready.
type PixelScratch struct{ words []int16 }

// MultiplyPixels makes outputs of panels first to last-1 for all rows: those of row r lie at y[r·stride].
func (p Path) MultiplyPixels(y []uint8, stride int, x PixelRows, w *PixelWeights, first, last int, s *PixelScratch) {
	each, height := pixelFour, pixelByteRowsMax
	if w.words != nil {
		each, height = pixelPair, pixelRowsMax
	}
	size := (x.Rows-1)*x.Step + (w.segments-1)*w.jump + w.steps*each
	_, _ = x.X[:size], y[:(x.Rows-1)*stride+last*pixelWide]
	must.Hold(x.Rows > 0 && stride >= pixelWide*last, "pixels without room for their outputs")
	if w.words != nil {
		if len(s.words) < size {
			s.words = make([]int16, size)
		}
		p.WidenBytes(s.words, x.X[:size])
	}
	whole := x.Rows / height * height
	for panel := first; panel < last; panel++ {
		for _, part := range [][3]int{{0, whole, height}, {whole, x.Rows, x.Rows - whole}} {
			if part[0] < part[1] {
				p.pixelTiles(y[panel*pixelWide:], stride, x, w, panel, part, s)
			}
		}
	}
}

// pixelTiles does the rows from one to another in tiles of some height; MultiplyPixels has checked that they are there.
func (p Path) pixelTiles(y []uint8, stride int, x PixelRows, w *PixelWeights, panel int, part [3]int, s *PixelScratch) {
	from, to, height := part[0], part[1], part[2]
	if !p.Pixels() {
		for r := from; r < to; r++ {
			w.row(y[r*stride:], x.X[r*x.Step:], panel)
		}
		return
	}
	t := &pixelTile{
		c: &y[from*stride], bias: &w.end.Bias[panel*pixelWide], ratio: &w.end.Ratios[panel*pixelWide], lda: x.Step, jump: w.jump,
		segments: w.segments, steps: w.steps, ldc: stride, tiles: (to - from) / height, high: float32(255 - w.end.Zero), zero: w.end.Zero,
	}
	at := panel * w.segments * w.steps * pixelWide
	if w.words != nil {
		t.a, t.b = unsafe.Pointer(&s.words[from*x.Step]), unsafe.Pointer(&w.words[at*pixelPair])
		t.lda, t.jump = 2*x.Step, 2*w.jump
		p.pixelWords(height, t)
		return
	}
	t.a, t.b = unsafe.Pointer(&x.X[from*x.Step]), unsafe.Pointer(&w.bytes[at*pixelFour])
	if e := w.extras[panel]; e.offsets != nil {
		t.extras, t.extraOffsets, t.extraWeights = len(e.offsets), &e.offsets[0], &e.weights[0]
	}
	p.pixelBytes(height, t)
}

// row is the portable form: a panel of one row.
func (w *PixelWeights) row(y, x []uint8, panel int) {
	for j := range pixelWide {
		lane, sum := pixelLane(j), int32(0)
		for step := range w.segments * w.steps {
			at, from := (panel*w.segments*w.steps+step)*pixelWide+lane, step/w.steps*w.jump
			if w.words != nil {
				for k, v := range w.words[at*pixelPair:][:pixelPair] {
					sum += int32(v) * int32(x[from+step%w.steps*pixelPair+k])
				}
				continue
			}
			for k, v := range w.bytes[at*pixelFour:][:pixelFour] {
				sum += int32(v) * int32(x[from+step%w.steps*pixelFour+k])
			}
		}
		if w.words == nil {
			e := &w.extras[panel]
			for i, o := range e.offsets {
				for k, v := range e.weights[(i*pixelWide+lane)*pixelFour:][:pixelFour] {
					sum += int32(v) * int32(x[int(o)+k])
				}
			}
		}
		y[j] = w.end.of(sum, panel*pixelWide+lane)
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
		n = p.widenBytes(to[:len(from)], from)
	}
	for i := n; i < len(from); i++ {
		to[i] = int16(from[i])
	}
}
