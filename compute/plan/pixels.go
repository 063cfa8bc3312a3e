package plan

import (
	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/operator"
	"github.com/aiwork/aiwork-node/compute/program"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// Values of bytes that lie pixel by pixel, where the path has kernels for that. A value may have both forms: what reads the one that is not
// there has it made. Sums are whole numbers, so that the form changes no bit.

// pixelLen is the number of bytes of a shape pixel by pixel.
func pixelLen(shape []int) int {
	return shape[0] * tensor.Count(shape[2:]) * kernel.PixelStride(shape[1])
}

// convert adds a step that gives a slot its other form. It is no node and costs none of a run's steps.
func (b *builder) convert(slot int, s step) {
	b.steps = append(b.steps, &planned{step: s, reads: []int{slot}})
}

// asPlanes makes planes of slots that lie by pixels only.
func (b *builder) asPlanes(slots ...int) {
	for _, slot := range slots {
		v := &b.values[slot]
		if v.pixels == nil || v.bytes != nil {
			continue
		}
		v.bytes = b.byteScratch(tensor.Count(v.shape))
		b.p.bytePlaces = append(b.p.bytePlaces, bytePlace{slot, v.shape, v.bytes})
		b.convert(slot, &toPlanesStep{formStep{slot, v.pixels, v.shape}})
	}
}

// asPixels gives a slot's pixels.
func (b *builder) asPixels(slot int) *buffer {
	v := &b.values[slot]
	if v.pixels == nil {
		v.pixels = b.byteScratch(pixelLen(v.shape))
		b.convert(slot, &toPixelsStep{formStep{slot, v.pixels, v.shape}})
	}
	return v.pixels
}

// placePixels gives a slot pixels, set by the last step.
func (b *builder) placePixels(slot int, shape []int) *buffer {
	last := len(b.steps) - 1
	buf := b.byteScratch(pixelLen(shape))
	b.values[slot] = value{kind: tensor.Uint8, shape: shape, pixels: buf, made: last, known: true}
	b.steps[last].sets = append(b.steps[last].sets, slot)
	return buf
}

// A formStep is a change between planes, which are in a slot, and pixels.
type formStep struct {
	planes int
	pixels *buffer
	shape  []int
}

type (
	toPlanesStep struct{ formStep }
	toPixelsStep struct{ formStep }
)

const formPixels = 64 // that are turned over at a time

// each calls do for pieces of images: a few pixels of them, and where their planes begin.
func (s *formStep) each(f *frame, do func(planes, pixels []uint8, size, count int)) {
	planes, pixels := f.byteValues(s.planes), f.bytesOf(s.pixels)
	channels, size, stride := s.shape[1], tensor.Count(s.shape[2:]), kernel.PixelStride(s.shape[1])
	parts := (size + formPixels - 1) / formPixels
	per := max(1, parts/(4*f.crew.threads()))
	f.crew.split(s.shape[0]*((parts+per-1)/per), len(pixels), func(part int, _ *worker) {
		image, first := part/((parts+per-1)/per), part%((parts+per-1)/per)*per*formPixels
		for at := first; at < min(first+per*formPixels, size); at += formPixels {
			do(planes[image*channels*size+at:], pixels[(image*size+at)*stride:], size, min(formPixels, size-at))
		}
	})
}

func (s *toPlanesStep) run(f *frame) error {
	channels, stride := s.shape[1], kernel.PixelStride(s.shape[1])
	s.each(f, func(planes, pixels []uint8, size, count int) {
		f.path.TurnBytes(planes, size, pixels, stride, count, channels)
	})
	return nil
}

func (s *toPixelsStep) run(f *frame) error {
	channels, stride := s.shape[1], kernel.PixelStride(s.shape[1])
	s.each(f, func(planes, pixels []uint8, size, count int) {
		f.path.TurnBytes(pixels, stride, planes, size, channels, count)
	})
	return nil
}

// A pixelConvStep is a QLinearConv over two dimensions, either of all channels or of each by itself.
type pixelConvStep struct {
	from, to       *buffer
	batch          int
	in, out        [2]int
	before, stride [2]int
	kernel, reach  [2]int // of a window: its taps, and what lies between the first and the last
	dilation       int    // of rows
	width          int    // of a row with its border
	pixel, made    int    // bytes of a pixel, of the input and of the output
	zero           uint8
	weights        *kernel.PixelProduct // of all channels
	taps           *kernel.PixelTaps    // of each
	rows           int                  // of outputs that are done at a time
	pixels         int                  // of all images, where a window is one pixel
	steps          int
}

// Inputs are laid out so many bytes at a time, which stay in the second cache.
const (
	pixelBytes = 64 << 10
	pixelTile  = 30 // rows: whole tiles of either form
)

// byPixels plans a convolution on pixels; the geometry is that of s.
func (b *builder) byPixels(n *program.Node, s *byteConvStep, g operator.Window, weights []int16, shape []int) bool {
	end := kernel.PixelEnd{Bias: s.bias, Ratios: s.ratios, Zero: s.zeroY}
	single := s.channels == 1 && s.outs == 1 && s.groups > 4
	if !b.r.path.Pixels() || len(shape) != 4 || shape[1] <= 4 || !end.Finite() || s.groups > 1 && !single || g.Dilation[1] != 1 && !single {
		return false
	}
	x := b.values[n.In[0]].shape
	p := &pixelConvStep{
		batch: s.batch, in: s.in, out: s.out, before: s.before, stride: s.stride, kernel: [2]int(g.Kernel), dilation: g.Dilation[0],
		pixel: kernel.PixelStride(x[1]), made: kernel.PixelStride(shape[1]), zero: uint8(s.zeroX),
	}
	for i, k := range p.kernel {
		p.reach[i] = (k-1)*g.Dilation[i] + 1
	}
	p.width = max(p.before[1]+p.in[1], (p.out[1]-1)*p.stride[1]+p.reach[1])
	if tensor.CheckShape([]int{x[0], x[2], p.width, p.pixel}) != nil || pixelLen(shape) > tensor.ElementsMax {
		return false
	}
	p.pack(b, n, s, g, weights, end)
	p.cut()
	p.steps = tensor.Count(shape) * s.channels * tensor.Count(g.Kernel)
	p.from = b.asPixels(n.In[0])
	b.add(p, []int{n.In[0]}, p.steps)
	p.to = b.placePixels(n.Out[0], shape)
	return true
}

// pack lays the weights out.
func (p *pixelConvStep) pack(b *builder, n *program.Node, s *byteConvStep, g operator.Window, weights []int16, end kernel.PixelEnd) {
	if s.groups > 1 {
		var offsets []int32
		for h := range p.kernel[0] {
			for w := range p.kernel[1] {
				offsets = append(offsets, int32((h*p.dilation*p.width+w*g.Dilation[1])*p.pixel))
			}
		}
		p.taps = kernel.PackPixelTaps(weights, offsets, s.zeroX, end)
		return
	}
	length := (p.kernel[1]-1)*p.pixel + s.channels
	key := packKey{b.in(n, 3).constant, layoutPixels, 0, s.outs, p.kernel[0] * length, b.in(n, 5).constant}
	kept := func(data []byte) *kernel.PixelWeights {
		return kernel.KeptPixelWeights(data, s.outs, p.kernel[0], length)
	}
	packed := pack(b.r, key, kept, func() *kernel.PixelWeights {
		rows := make([]int16, s.outs*p.kernel[0]*length)
		for i, w := range weights {
			column, rest := i%p.kernel[1], i/p.kernel[1]
			row, rest := rest%p.kernel[0], rest/p.kernel[0]
			ch, o := rest%s.channels, rest/s.channels
			rows[(o*p.kernel[0]+row)*length+column*p.pixel+ch] = w
		}
		return kernel.PackPixelWeights(rows, s.outs, p.kernel[0], length)
	})
	p.weights = packed.Product(p.dilation*p.width*p.pixel, s.zeroX, end)
}

// cut decides how much is done at a time.
func (p *pixelConvStep) cut() {
	if p.weights != nil && p.kernel == [2]int{1, 1} && p.stride == [2]int{1, 1} && p.in == p.out && p.before == [2]int{} {
		p.pixels = p.batch * p.in[0] * p.in[1]
		return
	}
	row := p.width * p.pixel
	p.rows = min(p.out[0], max(1, (pixelBytes/row-p.reach[0])/p.stride[0]+1))
}

func (p *pixelConvStep) run(f *frame) error {
	x, y := f.bytesOf(p.from), f.bytesOf(p.to)
	if p.pixels > 0 {
		p.points(f, y, x)
		return nil
	}
	rows := p.rows
	if f.crew.threads() > 1 {
		rows = min(rows, max(1, p.out[0]/(2*f.crew.threads())))
	}
	blocks := (p.out[0] + rows - 1) / rows
	f.crew.split(p.batch*blocks, p.steps, func(part int, w *worker) {
		image, first := part/blocks, part%blocks*rows
		last := min(first+rows, p.out[0])
		from := x[image*p.in[0]*p.in[1]*p.pixel:][:p.in[0]*p.in[1]*p.pixel]
		to := y[(image*p.out[0]+first)*p.out[1]*p.made:][:(last-first)*p.out[1]*p.made]
		p.windows(f, w, to, from, first, last)
	})
	return nil
}

// points does windows of one pixel.
func (p *pixelConvStep) points(f *frame, y, x []uint8) {
	blocks := (p.pixels*p.pixel + pixelBytes - 1) / pixelBytes
	panels, groups := p.weights.Panels(), 1
	if threads := f.crew.threads(); threads > 1 {
		blocks = max(blocks, min(4*threads, p.pixels/(2*pixelTile)))
		groups = min(panels, max(1, 4*threads/blocks))
	}
	per := ((p.pixels+blocks-1)/blocks + pixelTile - 1) / pixelTile * pixelTile
	blocks = (p.pixels + per - 1) / per
	f.crew.split(blocks*groups, p.steps, func(part int, w *worker) {
		group, first := part%groups, part/groups*per
		count := min(per, p.pixels-first)
		rows := kernel.PixelRows{X: x[first*p.pixel:][:count*p.pixel], Rows: count, Step: p.pixel}
		f.path.MultiplyPixels(y[first*p.made:], p.made, rows, p.weights, group*panels/groups, (group+1)*panels/groups, &w.pixels)
	})
}

// windows does some rows of outputs.
func (p *pixelConvStep) windows(f *frame, w *worker, y, x []uint8, first, last int) {
	p.lay(w, x, first, last)
	row := p.width * p.pixel
	for h := range last - first {
		to, from := y[h*p.out[1]*p.made:][:p.out[1]*p.made], w.plane8[h*p.stride[0]*row:]
		if p.taps != nil {
			f.path.SlidePixels(to, from, p.out[1], p.stride[1]*p.pixel, p.taps)
			continue
		}
		rows := kernel.PixelRows{X: from, Rows: p.out[1], Step: p.stride[1] * p.pixel}
		f.path.MultiplyPixels(to, p.made, rows, p.weights, 0, p.weights.Panels(), &w.pixels)
	}
}

// lay copies what is under some rows of outputs, with its border.
func (p *pixelConvStep) lay(w *worker, x []uint8, first, last int) {
	row := p.width * p.pixel
	high := (last-first-1)*p.stride[0] + p.reach[0]
	w.plane8 = grown(w.plane8, high*row)
	left, inside := p.before[1]*p.pixel, min(p.in[1], p.width-p.before[1])*p.pixel
	for h := range high {
		to := w.plane8[h*row:][:row]
		if at := first*p.stride[0] + h - p.before[0]; at >= 0 && at < p.in[0] {
			fillBytes(to[:left], p.zero)
			copy(to[left:], x[at*p.in[1]*p.pixel:][:inside])
			fillBytes(to[left+inside:], p.zero)
		} else {
			fillBytes(to, p.zero)
		}
	}
}

// fillBytes fills by copies of twice the length.
func fillBytes(v []uint8, with uint8) {
	if with == 0 || len(v) == 0 {
		clear(v)
		return
	}
	v[0] = with
	for n := 1; n < len(v); n *= 2 {
		copy(v[n:], v[:n])
	}
}
