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
//go:generate go run gen_vnni.go

const (
	pixelRowsMax     = 6  // of a tile of words
	pixelByteRowsMax = 5  // and of bytes
	pixelRows512Max  = 12 // of either with registers of 512 bits
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

// panels gives e in the order of lanes, the bias less what the zero point of the input comes to; sums are those of each output's weights.
func (e *PixelEnd) panels(zero int32, sums []int32) PixelEnd {
	must.Hold(len(e.Bias) == len(sums) && len(e.Ratios) == len(sums), "an end that does not fit")
	n := pixelPanels(len(sums)) * pixelWide
	p := PixelEnd{make([]int32, n), make([]float32, n), e.Zero}
	for i, sum := range sums {
		at := i/pixelWide*pixelWide + pixelLane(i%pixelWide)
		p.Bias[at], p.Ratios[at] = e.Bias[i]-sum*zero, e.Ratios[i]
	}
	return p
}

// sumsOf adds up each output's weights.
func sumsOf(weights []int16, each int) []int32 {
	sums := make([]int32, len(weights)/each)
	for i, w := range weights {
		sums[i/each] += int32(w)
	}
	return sums
}

func pixelPanels(outputs int) int { return (outputs + pixelWide - 1) / pixelWide }

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
	steps    int // of a segment
	words    []int16
	bytes    []int8
	extras   []pixelExtra // of each panel
	sums     []int32      // of each output's weights
}

// A pixelExtra is the steps of a panel that come again, with other weights.
type pixelExtra struct {
	steps   []int
	weights []int8
}

const (
	pixelPair    = 2   // k of a step of words
	pixelFour    = 4   // and of bytes
	pixelSumMax  = 128 // of the weights of a pair that have one sign: 255 times as much fits in 16 bits
	pixelManyPer = 5   // more than one extra step for so many are not worth it
)

// Panels is the number of parts that the outputs can be cut in.
func (w *PixelWeights) Panels() int { return pixelPanels(w.N) }

// PackPixelWeights lays weights[output][segment][k] out, less their zero points.
func PackPixelWeights(weights []int16, outputs, segments, length int) *PixelWeights {
	must.Hold(outputs > 0 && length > 0 && len(weights) == outputs*segments*length, "weights that do not fit")
	w := &PixelWeights{N: outputs, segments: segments, sums: sumsOf(weights, segments*length)}
	if !w.packBytes(weights, length) {
		w.bytes, w.extras = nil, nil
		w.packWords(weights, length)
	}
	return w
}

func (w *PixelWeights) packWords(weights []int16, length int) {
	w.steps = (length + pixelPair - 1) / pixelPair
	w.words = make([]int16, w.Panels()*pixelWide*w.segments*w.steps*pixelPair)
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
	left := make([]int16, w.Panels()*pixelWide*w.segments*w.steps*pixelFour)
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
				e.steps = append(e.steps, s)
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

// A PixelProduct is weights with what is done to sums, for inputs of some zero point whose segments are jump bytes apart.
type PixelProduct struct {
	*PixelWeights
	jump    int
	end     PixelEnd
	offsets [][]int32 // of the extra steps of each panel, in bytes
}

// Product makes one.
func (w *PixelWeights) Product(jump int, zero int32, end PixelEnd) *PixelProduct {
	p := &PixelProduct{PixelWeights: w, jump: jump, end: end.panels(zero, w.sums), offsets: make([][]int32, len(w.extras))}
	for i, e := range w.extras {
		for _, s := range e.steps {
			p.offsets[i] = append(p.offsets[i], int32(s/w.steps*jump+s%w.steps*pixelFour))
		}
	}
	return p
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
	c            unsafe.Pointer
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
	floats       int // 1: outputs are floats
	high         float32
	zero         int32
}

// PixelScratch is what one thread needs for products of pixels. Its zero value is ready.
type PixelScratch struct {
	words []int16
	edge  []float32
}

// MultiplyPixels makes outputs of panels first to last-1 for all rows: those of row r lie at y[r·stride].
func (p Path) MultiplyPixels(y []uint8, stride int, x PixelRows, w *PixelProduct, first, last int, s *PixelScratch) {
	must.Hold(stride >= pixelWide*last, "pixels without room for their outputs")
	p.pixelPanels(pixelOut{bytes: y, stride: stride}, x, w, first, last, s)
}

// MultiplyPixelsFloat is MultiplyPixels for products whose outputs are floats: (sum + Bias)·Ratio. Rows of y have no room behind w.N.
func (p Path) MultiplyPixelsFloat(y []float32, stride int, x PixelRows, w *PixelProduct, first, last int, s *PixelScratch) {
	whole := min(last, w.N/pixelWide)
	if first < whole {
		p.pixelPanels(pixelOut{floats: y, stride: stride}, x, w, first, whole, s)
	}
	if whole == last {
		return
	}
	if len(s.edge) < x.Rows*pixelWide {
		s.edge = make([]float32, x.Rows*pixelWide)
	}
	p.pixelPanels(pixelOut{floats: s.edge, stride: pixelWide, left: whole}, x, w, whole, last, s)
	for r := range x.Rows {
		copy(y[r*stride+whole*pixelWide:][:w.N%pixelWide], s.edge[r*pixelWide:])
	}
}

// A pixelOut is where outputs go: bytes, or else floats. The first panels are left out.
type pixelOut struct {
	bytes        []uint8
	floats       []float32
	stride, left int
}

func (p Path) pixelPanels(y pixelOut, x PixelRows, w *PixelProduct, first, last int, s *PixelScratch) {
	each, height := pixelFour, p.pixelRows(true, y.floats != nil)
	if w.words != nil {
		each, height = pixelPair, p.pixelRows(false, y.floats != nil)
	}
	size, end := (x.Rows-1)*x.Step+(w.segments-1)*w.jump+w.steps*each, (x.Rows-1)*y.stride+(last-y.left)*pixelWide
	must.Hold(x.Rows > 0 && len(x.X) >= size && max(len(y.bytes), len(y.floats)) >= end, "rows that are not there")
	if w.words != nil {
		if len(s.words) < size {
			s.words = make([]int16, size)
		}
		p.WidenBytes(s.words, x.X[:size])
	}
	whole := x.Rows / height * height
	for panel := first; panel < last; panel++ {
		for _, part := range [][3]int{{0, whole, height}, {whole, x.Rows, x.Rows - whole}} {
			switch {
			case part[0] == part[1]:
			case p.Pixels():
				p.pixelTiles(y, x, w, panel, part, s)
			default:
				w.rows(y, x, panel, part)
			}
		}
	}
}

// pixelTiles does the rows from one to another in tiles of some height; pixelPanels has checked that they are there.
func (p Path) pixelTiles(y pixelOut, x PixelRows, w *PixelProduct, panel int, part [3]int, s *PixelScratch) {
	from, to, height := part[0], part[1], part[2]
	t := &pixelTile{
		bias: &w.end.Bias[panel*pixelWide], ratio: &w.end.Ratios[panel*pixelWide], lda: x.Step, jump: w.jump,
		segments: w.segments, steps: w.steps, ldc: y.stride, tiles: (to - from) / height, high: float32(255 - w.end.Zero), zero: w.end.Zero,
	}
	if at := from*y.stride + (panel-y.left)*pixelWide; y.bytes != nil {
		t.c = unsafe.Pointer(&y.bytes[at])
	} else {
		t.c, t.floats, t.ldc = unsafe.Pointer(&y.floats[at]), 1, 4*y.stride
	}
	at := panel * w.segments * w.steps * pixelWide
	if w.words != nil {
		t.a, t.b = unsafe.Pointer(&s.words[from*x.Step]), unsafe.Pointer(&w.words[at*pixelPair])
		t.lda, t.jump = 2*x.Step, 2*w.jump
		p.pixelWords(height, t)
		return
	}
	t.a, t.b = unsafe.Pointer(&x.X[from*x.Step]), unsafe.Pointer(&w.bytes[at*pixelFour])
	if o := w.offsets[panel]; o != nil {
		t.extras, t.extraOffsets, t.extraWeights = len(o), &o[0], &w.extras[panel].weights[0]
	}
	p.pixelBytes(height, t)
}

// rows is the portable form of pixelTiles.
func (w *PixelProduct) rows(y pixelOut, x PixelRows, panel int, part [3]int) {
	for r := part[0]; r < part[1]; r++ {
		for j := range pixelWide {
			lane := panel*pixelWide + pixelLane(j)
			sum, at := w.sum(x.X[r*x.Step:], panel, pixelLane(j)), r*y.stride+(panel-y.left)*pixelWide+j
			if y.bytes != nil {
				y.bytes[at] = w.end.of(sum, lane)
			} else {
				y.floats[at] = float32(float32(sum+w.end.Bias[lane]) * w.end.Ratios[lane])
			}
		}
	}
}

// sum is that of one output of a panel.
func (w *PixelProduct) sum(x []uint8, panel, lane int) (sum int32) {
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
		for i, o := range w.offsets[panel] {
			for k, v := range w.extras[panel].weights[(i*pixelWide+lane)*pixelFour:][:pixelFour] {
				sum += int32(v) * int32(x[int(o)+k])
			}
		}
	}
	return sum
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
	t := &PixelTaps{offsets: slices.Clone(offsets), end: end.panels(zero, sumsOf(weights, taps)), reach: int(slices.Max(offsets))}
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

// TurnBytes exchanges rows and columns: to[c·ldTo+r] becomes from[r·ldFrom+c].
func (p Path) TurnBytes(to []uint8, ldTo int, from []uint8, ldFrom, rows, cols int) {
	if rows == 0 || cols == 0 {
		return
	}
	_, _ = to[:(cols-1)*ldTo+rows], from[:(rows-1)*ldFrom+cols]
	const side = pixelWide
	if !p.Pixels() || rows < side || cols < side {
		for r := range rows {
			for c, v := range from[r*ldFrom:][:cols] {
				to[c*ldTo+r] = v
			}
		}
		return
	}
	for r := 0; r < rows; r += side { // the last ones of both begin so that they end with the last row or column
		r = min(r, rows-side)
		p.turnBytes(to[r:], ldTo, side*ldTo, from[r*ldFrom:], ldFrom, side, cols/side)
		if cols%side > 0 {
			c := cols - side
			p.turnBytes(to[r+c*ldTo:], ldTo, 0, from[r*ldFrom+c:], ldFrom, 0, 1)
		}
	}
}
