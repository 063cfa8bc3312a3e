package plan

import (
	"slices"

	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/operator"
	"github.com/aiwork/aiwork-node/compute/program"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// Values of bytes lie in an arena of their own. What has scales and zero points that are known, and activations of uint8, has a fast form;
// sums are whole numbers, so that nothing about them depends on an order.

// A bytePlace is a value of uint8 in the arena of bytes.
type bytePlace struct {
	slot   int
	shape  []int
	buffer *buffer
}

// bytesOf gives a buffer's bytes.
func (f *frame) bytesOf(b *buffer) []uint8 { return f.bytes[b.at : b.at+b.elements : b.at+b.elements] }

func (f *frame) byteValues(slot int) []uint8 { return tensor.Values[uint8](f.slots[slot]) }

func (b *builder) byteScratch(elements int) *buffer {
	buf := &buffer{elements: elements}
	b.byteBuffers = append(b.byteBuffers, buf)
	return buf
}

// placeBytes gives a slot of uint8 a buffer, set by the last step.
func (b *builder) placeBytes(slot int, shape []int) {
	shape = slices.Clone(shape)
	last := len(b.steps) - 1
	buf := b.byteScratch(tensor.Count(shape))
	b.values[slot] = value{kind: tensor.Uint8, shape: shape, bytes: buf, made: last, known: true}
	b.steps[last].sets = append(b.steps[last].sets, slot)
	b.p.bytePlaces = append(b.p.bytePlaces, bytePlace{slot, shape, buf})
}

// quantized plans a node on bytes.
func (b *builder) quantized(n *program.Node) bool {
	if n.Wanted != 1 || n.Out[0] == program.None {
		return false
	}
	switch n.Op {
	case "QLinearConv":
		return b.byteConv(n)
	case "QuantizeLinear":
		return b.quantize(n)
	case "DequantizeLinear":
		return b.dequantize(n)
	}
	return false
}

// A coding is what bytes stand for: (byte - zero)·scale.
type coding struct {
	scale float32
	zero  int32
}

// coding gives a constant scale and zero point of uint8, which are those inputs of a node.
func (b *builder) coding(n *program.Node, scale, zero int) (c coding, ok bool) {
	s, z := b.in(n, scale), b.in(n, zero)
	if s == nil || s.constant == nil || s.constant.Len() != 1 || s.kind != tensor.Float32 {
		return c, false
	}
	c.scale = tensor.Values[float32](s.constant)[0]
	if z == nil {
		return c, n.Op == "QuantizeLinear"
	}
	if z.constant == nil || z.constant.Len() != 1 || z.kind != tensor.Uint8 {
		return c, false
	}
	c.zero = int32(tensor.Values[uint8](z.constant)[0])
	return c, true
}

// A quantizeStep turns floats into bytes.
type quantizeStep struct {
	coding
	x, y, elements int
}

func (b *builder) quantize(n *program.Node) bool {
	x := b.in(n, 0)
	c, ok := b.coding(n, 1, 2)
	if !ok || x == nil || x.kind != tensor.Float32 || x.constant != nil || tensor.Count(x.shape) == 0 {
		return false
	}
	s := &quantizeStep{c, n.In[0], n.Out[0], tensor.Count(x.shape)}
	b.add(s, []int{s.x}, s.elements)
	b.placeBytes(s.y, x.shape)
	return true
}

func (s *quantizeStep) run(f *frame) error {
	x, y := f.values(s.x), f.byteValues(s.y)
	f.pieces(s.elements, s.elements, func(at, end int, _ *worker) {
		f.path.QuantizeUint8(y[at:end], x[at:end], s.scale, s.zero)
	})
	return nil
}

// pieces does something for all pieces of a tensor, of which each worker takes several.
func (f *frame) pieces(elements, steps int, do func(at, end int, w *worker)) {
	parts := (elements + tileLen - 1) / tileLen
	per := max(1, parts/(4*f.crew.threads()))
	f.crew.split((parts+per-1)/per, steps, func(part int, w *worker) {
		for at := part * per * tileLen; at < min((part+1)*per*tileLen, elements); at += tileLen {
			do(at, min(at+tileLen, elements), w)
		}
	})
}

// A dequantizeStep turns bytes into floats, and runs the chains that follow.
type dequantizeStep struct {
	ended
	coding
	x, elements int
}

func (b *builder) dequantize(n *program.Node) bool {
	x := b.in(n, 0)
	c, ok := b.coding(n, 1, 2)
	if !ok || x == nil || x.kind != tensor.Uint8 || x.constant != nil || tensor.Count(x.shape) == 0 {
		return false
	}
	s := &dequantizeStep{ended{y: n.Out[0]}, c, n.In[0], tensor.Count(x.shape)}
	b.add(s, []int{s.x}, s.elements)
	b.place(s.y, x.shape)
	return true
}

func (s *dequantizeStep) run(f *frame) error {
	x, y := f.byteValues(s.x), f.values(s.y)
	f.pieces(s.elements, s.elements*(1+len(s.chains)), func(at, end int, w *worker) {
		out := y[at:end]
		f.path.DequantizeUint8(out, x[at:end], s.scale, s.zero)
		if s.clamp {
			f.path.Unary(kernel.UnaryClip, out, out, s.lo, s.hi)
		}
		s.after(f, w, out, at)
	})
	return nil
}

// A byteSumStep adds two values of bytes as floats.
type byteSumStep struct {
	in       [2]int
	codings  [2]coding
	y        int
	out      coding
	elements int
	pixels   []*buffer // of both and of y, if that is how they lie
}

const byteSumLen = 4 // two DequantizeLinear, an Add, a QuantizeLinear

// byteSum plans a sum of bytes that begins at a node: what is between is nobody else's.
func (b *builder) byteSum(i int) bool {
	if i+byteSumLen > len(b.g.Nodes) {
		return false
	}
	n := b.g.Nodes[i : i+byteSumLen]
	for j, op := range []string{"DequantizeLinear", "DequantizeLinear", "Add", "QuantizeLinear"} {
		if n[j].Op != op || n[j].Wanted != 1 || n[j].Out[0] == program.None || j < byteSumLen-1 && b.uses[n[j].Out[0]] != 1 {
			return false
		}
	}
	if !slices.Equal(n[2].In, []int{n[0].Out[0], n[1].Out[0]}) || n[3].In[0] != n[2].Out[0] {
		return false
	}
	s := &byteSumStep{y: n[3].Out[0]}
	for j := range s.in {
		x := b.in(&n[j], 0)
		c, ok := b.coding(&n[j], 1, 2)
		if !ok || x == nil || x.kind != tensor.Uint8 || x.constant != nil || !slices.Equal(x.shape, b.in(&n[0], 0).shape) {
			return false
		}
		s.in[j], s.codings[j] = n[j].In[0], c
	}
	out, ok := b.coding(&n[3], 1, 2)
	shape := b.in(&n[0], 0).shape
	if s.elements = tensor.Count(shape); !ok || s.elements == 0 {
		return false
	}
	s.out = out
	if b.values[s.in[0]].pixels != nil || b.values[s.in[1]].pixels != nil {
		s.pixels = []*buffer{b.asPixels(s.in[0]), b.asPixels(s.in[1])}
		b.add(s, s.in[:], byteSumLen*s.elements)
		s.pixels = append(s.pixels, b.placePixels(s.y, shape))
		s.elements = pixelLen(shape)
		return true
	}
	b.add(s, s.in[:], byteSumLen*s.elements)
	b.placeBytes(s.y, shape)
	return true
}

// operands gives what is added, and where to.
func (s *byteSumStep) operands(f *frame) (x, other, y []uint8) {
	if s.pixels != nil {
		return f.bytesOf(s.pixels[0]), f.bytesOf(s.pixels[1]), f.bytesOf(s.pixels[2])
	}
	return f.byteValues(s.in[0]), f.byteValues(s.in[1]), f.byteValues(s.y)
}

func (s *byteSumStep) run(f *frame) error {
	x, other, y := s.operands(f)
	f.pieces(s.elements, byteSumLen*s.elements, func(at, end int, w *worker) {
		w.fit(0, tileLen)
		a, b := w.tile[:end-at], w.row[:end-at]
		f.path.DequantizeUint8(a, x[at:end], s.codings[0].scale, s.codings[0].zero)
		f.path.DequantizeUint8(b, other[at:end], s.codings[1].scale, s.codings[1].zero)
		f.path.Binary(kernel.BinaryAdd, a, a, b)
		f.path.QuantizeUint8(y[at:end], a, s.out.scale, s.out.zero)
	})
	return nil
}

// A byteConvStep is a QLinearConv over at most two dimensions.
type byteConvStep struct {
	cutting
	x, y          int
	zeroX, zeroY  int32
	plain         bool    // the planes are as they come
	padded        *buffer // or else here
	batch, groups int
	channels      int // of the input, in each group
	outs          int // likewise
	rows          []*kernel.IntRows
	at            []int32            // offsets of each k of a group
	taps          []*kernel.ByteTaps // of each output, if each group has one channel; then there are no rows
	ratios        []float32
	bias          []int32
}

func (b *builder) byteConv(n *program.Node) bool {
	x, w := b.in(n, 0), b.in(n, 3)
	if x == nil || x.kind != tensor.Uint8 || x.constant != nil || len(x.shape) < 3 || len(x.shape) > 4 ||
		w.constant == nil || len(w.shape) != len(x.shape) {
		return false
	}
	g, err := operator.ConvWindow(n.Attrs, x.shape[2:], w.shape[2:])
	if err != nil || tensor.CheckShape(g.Kernel) != nil || g.Groups < 1 || w.shape[1]*g.Groups != x.shape[1] || w.shape[0]%g.Groups != 0 {
		return false
	}
	shape := append([]int{x.shape[0], w.shape[0]}, g.Out...)
	if tensor.CheckShape(shape) != nil || tensor.Count(shape) == 0 || tensor.Count(x.shape) == 0 {
		return false
	}
	s := &byteConvStep{
		cutting: cut(g), x: n.In[0], y: n.Out[0], batch: x.shape[0], groups: g.Groups, channels: w.shape[1], outs: w.shape[0] / g.Groups,
	}
	if !s.fits() || x.shape[1]*s.elements > tensor.ElementsMax {
		return false
	}
	weights, ok := b.byteConvEnds(n, s)
	if !ok {
		return false
	}
	if b.byPixels(n, s, g, weights, shape) {
		return true
	}
	b.asPlanes(s.x)
	s.plain = s.stride == [2]int{1, 1} && s.part == s.in
	s.pack(b, w.constant, b.in(n, 5).constant, weights)
	p := b.add(s, []int{s.x}, tensor.Count(shape)*s.channels*tensor.Count(g.Kernel))
	if !s.plain && s.taps == nil {
		s.padded = b.byteScratch(x.shape[1] * s.elements)
		p.scratch = append(p.scratch, s.padded)
	}
	b.placeBytes(s.y, shape)
	return true
}

// byteConvEnds reads scales, zero points and bias; it gives the weights less theirs.
func (b *builder) byteConvEnds(n *program.Node, s *byteConvStep) (weights []int16, ok bool) {
	x, okX := b.coding(n, 1, 2)
	y, okY := b.coding(n, 6, 7)
	w, scales, zeros := b.in(n, 3).constant, b.in(n, 4), b.in(n, 5)
	outs := s.outs * s.groups
	if !okX || !okY || scales.constant == nil || zeros.constant == nil || len(scales.shape) > 1 || len(zeros.shape) > 1 {
		return nil, false
	}
	if c, z := scales.constant.Len(), zeros.constant.Len(); c != 1 && c != outs || z != 1 && z != outs {
		return nil, false
	}
	s.zeroX, s.zeroY = x.zero, y.zero
	for i := range outs {
		v := tensor.Values[float32](scales.constant)
		s.ratios = append(s.ratios, float32(x.scale*v[i%len(v)])/y.scale)
	}
	s.bias = make([]int32, outs)
	if bias := b.in(n, 8); bias != nil {
		if bias.constant == nil || !slices.Equal(bias.shape, []int{outs}) {
			return nil, false
		}
		s.bias = tensor.Values[int32](bias.constant)
	}
	z, each := zeros.constant.Ints(), w.Len()/outs
	weights = make([]int16, w.Len())
	for i, v := range w.Ints() {
		weights[i] = int16(v - z[i/each%len(z)])
	}
	return weights, true
}

// pack lays the weights out: taps of each output where it has one channel and several taps, else rows.
func (s *byteConvStep) pack(b *builder, constant, zero *tensor.Tensor, weights []int16) {
	taps := len(s.offsets)
	within := make([]int32, taps)
	for i, o := range s.offsets {
		within[i] = o / 4
	}
	if s.channels == 1 && s.groups > 1 && taps > 1 {
		for o := range s.outs * s.groups {
			s.taps = append(s.taps, kernel.PackByteTaps(weights[o*taps:][:taps], within, s.zeroX))
		}
		return
	}
	for ch := range s.channels {
		for _, o := range within {
			s.at = append(s.at, int32(ch*s.elements)+o)
		}
	}
	each := s.outs * s.channels * taps
	for g := range s.groups {
		key := packKey{constant, layoutBytes, g * each, s.outs, s.channels * taps, zero}
		kept := func(data []byte) *kernel.IntRows { return kernel.KeptIntRows(data, key.rows, key.k) }
		s.rows = append(s.rows, pack(b.r, key, kept, func() *kernel.IntRows {
			return kernel.PackIntRows(weights[g*each:][:each], key.rows, key.k)
		}))
	}
}

func (s *byteConvStep) run(f *frame) error {
	x, y := f.byteValues(s.x), f.byteValues(s.y)
	if s.taps != nil {
		s.depthwise(f, y, x)
		return nil
	}
	size := s.in[0] * s.in[1]
	planes := s.channels * s.groups
	for i := range s.batch {
		from := x[i*planes*size:][:planes*size]
		if !s.plain {
			padded := f.bytesOf(s.padded)
			f.planes(planes, 2*len(padded), func(*worker) {}, func(p int, _ *worker) {
				s.lay(f.path, padded[p*s.elements:][:s.elements], from[p*size:][:size])
			})
			from = padded
		}
		for g := range s.groups {
			s.group(f, y, from, i, g)
		}
	}
	return nil
}

// lay copies an input plane to where the windows want it, with its border.
func (s *byteConvStep) lay(p kernel.Path, to, from []uint8) {
	fillBytes(to, uint8(s.zeroX))
	if s.stride == [2]int{1, 1} {
		at := s.before[0]*s.part[1] + s.before[1]
		for h := 0; h < len(from); h += s.in[1] {
			copy(to[at:at+s.in[1]], from[h:])
			at += s.part[1]
		}
		return
	}
	for h := range s.in[0] {
		y := h + s.before[0]
		if y/s.stride[0] >= s.part[0] {
			return // rows that no window reaches
		}
		row := from[h*s.in[1]:][:s.in[1]]
		base := y%s.stride[0]*s.stride[1]*s.phase + y/s.stride[0]*s.part[1]
		for first := range min(s.stride[1], s.in[1]) {
			x := first + s.before[1]
			at := base + x%s.stride[1]*s.phase + x/s.stride[1]
			count := min((s.in[1]-first+s.stride[1]-1)/s.stride[1], s.part[1]-x/s.stride[1])
			if count <= 0 {
				continue
			}
			spacedBytes(p, to[at:][:count], row[first:], s.stride[1])
		}
	}
}

// spacedBytes copies every step-th byte.
func spacedBytes(p kernel.Path, to, from []uint8, step int) {
	switch step {
	case 1:
		copy(to, from)
	case 2:
		p.EvenBytes(to, from)
	default:
		for i := range to {
			to[i] = from[i*step]
		}
	}
}

// group multiplies the weights of one group by its windows.
func (s *byteConvStep) group(f *frame, y, from []uint8, image, g int) {
	a := s.rows[g]
	columns := &kernel.ByteColumns{X: from[g*s.channels*s.elements:], Offsets: s.at, N: s.length, Zero: s.zeroX}
	all := kernel.IntParts(a, columns)
	positions := s.out[0] * s.out[1]
	first := g * s.outs
	f.share(all, a.M*a.K*s.length, func(p kernel.Part, w *worker) {
		f.path.MultiplyBytes(a, columns, p, &w.ints, func(row, column int, sums []int32) {
			o := first + row
			out := y[(image*s.outs*s.groups+o)*positions:][:positions]
			s.finish(f, w, out, column, sums, o)
		})
	})
}

// finish makes bytes of sums, and leaves out those between rows that nobody wants.
func (s *byteConvStep) finish(f *frame, w *worker, y []uint8, column int, sums []int32, o int) {
	if s.part[1] == s.out[1] {
		f.path.RequantizeBytes(y[column:][:len(sums)], sums, s.bias[o], s.ratios[o], s.zeroY)
		return
	}
	w.bytes = grown(w.bytes, len(sums))
	row := w.bytes[:len(sums)]
	f.path.RequantizeBytes(row, sums, s.bias[o], s.ratios[o], s.zeroY)
	h, at := column/s.part[1], column%s.part[1]
	for len(row) > 0 {
		if at < s.out[1] {
			copy(y[h*s.out[1]+at:][:min(s.out[1]-at, len(row))], row)
		}
		row = row[min(s.part[1]-at, len(row)):]
		h, at = h+1, 0
	}
}

// grown gives a slice of at least n elements, whose content does not matter.
func grown[E any](s []E, n int) []E {
	if len(s) >= n {
		return s
	}
	return make([]E, n)
}

// depthwise convolves each channel by itself.
func (s *byteConvStep) depthwise(f *frame, y, x []uint8) {
	size, positions := s.in[0]*s.in[1], s.out[0]*s.out[1]
	ready := func(w *worker) {
		w.plane8 = grown(w.plane8, s.elements+2*kernel.Slack)
		w.sums = grown(w.sums, s.length+2*kernel.Slack)
	}
	f.planes(s.batch*s.groups, s.batch*s.groups*s.outs*positions*len(s.offsets), ready, func(p int, w *worker) {
		s.lay(f.path, w.plane8[:s.elements], x[p*size:][:size])
		for o := range s.outs {
			which := p%s.groups*s.outs + o
			f.path.SlideBytes(w.sums, w.plane8, s.taps[which], s.length)
			s.finish(f, w, y[(p*s.outs+o)*positions:][:positions], 0, w.sums[:s.length], which)
		}
	})
}
