package plan

import (
	"math"
	"slices"

	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/operator"
	"github.com/aiwork/aiwork-node/compute/program"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// Convolutions. The input is copied once with its padding; a window is then a column of a matrix whose rows
// lie at fixed distances, so that nothing is unfolded.

var infinity = float32(math.Inf(1))

func negativeZero(v float32) bool { return math.Float32bits(v) == 1<<31 }

// dims is how many spatial dimensions there are, with those that are missing taken as 1.
const dims = 3

type triple [dims]int

// three fills a list of sizes up from the front.
func three(list []int, with int) (t triple) {
	for i := range t {
		t[i] = with
	}
	copy(t[dims-len(list):], list)
	return t
}

func (t triple) count() int { return t[0] * t[1] * t[2] }

// A spread is how an input is laid out for a convolution: planes with padding, or as they come.
type spread struct {
	in, padded, before triple
	plain              bool // no padding
}

// A convStep is a convolution in groups.
type convStep struct {
	ended
	x             int // slot
	spread        spread
	halves        *sheet // instead of spread
	padded        *buffer
	batch, groups int
	channels      int // of the input, in each group
	outs          int // likewise
	positions     int
	rows          []*kernel.Rows // of each group
	columns       kernel.Columns // of the first group, without X
}

func (s *convStep) run(f *frame) error {
	x, y := f.values(s.x), f.values(s.y)
	each := s.channels * s.groups * s.spread.in.count()
	for i := range s.batch {
		from := x[i*each:]
		switch {
		case s.halves != nil:
			from = f.floats(s.padded)
			s.halves.pad(f, from, x[i*each:][:each], s.channels*s.groups)
		case !s.spread.plain:
			from = f.floats(s.padded)
			s.spread.pad(f, from, x[i*each:][:each], s.channels*s.groups)
		}
		s.products(f, y, from, i*s.groups)
	}
	return nil
}

// planeLen is the elements of an input plane as it is laid out.
func (s *convStep) planeLen() int {
	if s.halves != nil {
		return s.halves.elements
	}
	return s.spread.padded.count()
}

// products computes all groups of an input, the first of which is the given one of the batch.
func (s *convStep) products(f *frame, y, from []float32, first int) {
	rows := s.rows[0]
	steps := s.groups * rows.M * rows.K * s.positions
	all := f.path.Parts(rows, &s.columns)
	grid := f.gridOf(all, steps, s.groups, s.short(s.positions))
	if s.groups == 1 && rows.M > s.positions {
		grid = f.byRows(grid)
	}
	f.shareBy(grid, steps, func(g int, p kernel.Part, w *worker) {
		columns := s.columns
		columns.X = from[g*s.channels*s.planeLen():]
		at := (first + g) * s.outs * s.positions
		end := s.end(f, w, g*s.outs, at, s.positions)
		f.path.Multiply(y[at:], s.positions, s.rows[g], &columns, &end, p, &w.Scratch)
	})
}

const copySteps = 8 // multiply-adds that take as long as to copy an element

// pad copies planes into larger ones whose border is +0.
func (s *spread) pad(f *frame, to, from []float32, planes int) {
	f.planes(planes, copySteps*len(from), func(*worker) {}, func(i int, _ *worker) {
		s.plane(f.path, to[i*s.padded.count():][:s.padded.count()], from[i*s.in.count():][:s.in.count()])
	})
}

func (s *spread) plane(p kernel.Path, to, from []float32) {
	wide, row, rows := s.padded[2], s.in[2], s.in[1]
	done := 0
	for d := range s.in[0] {
		at, in := ((d+s.before[0])*s.padded[1]+s.before[1])*wide+s.before[2], from[d*rows*row:][:rows*row]
		clear(to[done:at])
		if rows > 1 {
			p.Widen(to[at:], in, rows-1, row, wide, 0)
		}
		for range rows - 1 {
			for i := at + row; i < at+wide; i++ {
				to[i] = 0
			}
			at += wide
		}
		copy(to[at:at+row], in[(rows-1)*row:]) // behind it may lie what another thread has written
		done = at + row
	}
	clear(to[done:])
}

// conv plans a Conv with constant weights.
func (b *builder) conv(n *program.Node) bool {
	x, w := b.in(n, 0), b.in(n, 1)
	if len(x.shape) < 3 || len(x.shape) > 2+dims || x.constant != nil || w.constant == nil || len(w.shape) != len(x.shape) {
		return false
	}
	g, err := operator.ConvWindow(n.Attrs, x.shape[2:], w.shape[2:])
	if err != nil || g.Groups < 1 {
		return false
	}
	bias, ok := b.biasOf(n, w.shape[0])
	if !ok || w.shape[1]*g.Groups != x.shape[1] || w.shape[0]%g.Groups != 0 {
		return false
	}
	shape := append([]int{x.shape[0], w.shape[0]}, g.Out...)
	if tensor.CheckShape(shape) != nil || tensor.Count(shape) == 0 || tensor.Count(x.shape) == 0 {
		return false
	}
	from, g, bordered := b.border(n.In[0], g)
	if !b.depthwise(from, n.Out[0], g, w.constant, shape, bias) && !b.turned(from, n.Out[0], g, w.constant, shape, bias) &&
		!b.dense(from, n.Out[0], g, w.constant, shape, bias) {
		return false
	}
	if bordered {
		b.leaveOut(n.In[0])
	}
	return true
}

// dense plans a convolution of any kind; bias and geometry have been checked.
func (b *builder) dense(x, y int, g operator.Window, w *tensor.Tensor, shape []int, bias []float32) bool {
	in := b.values[x].shape
	s := &convStep{
		ended: ended{y: y, bias: bias, endRows: w.Shape()[0], sums: true}, x: x, batch: in[0], groups: g.Groups, channels: w.Shape()[1],
		outs: w.Shape()[0] / g.Groups, positions: tensor.Count(g.Out),
	}
	taps := tensor.Count(g.Kernel)
	if s.spread = spreadOf(g); !s.spread.fits(in[1]) {
		return false
	}
	s.columns = windowColumns(g, s.spread, s.channels)
	if halves, ok := halvesOf(g, in[1]); ok && s.outs <= kernel.WindowRowsMax {
		s.halves, s.columns = &halves, halves.windowColumns(g, s.channels)
	}
	for i := range g.Groups {
		at := i * s.outs * s.channels * taps
		key := packKey{weights: w, layout: layoutRows, at: at, rows: s.outs, k: s.channels * taps}
		kept := func(data []byte) *kernel.Rows { return b.r.path.KeptRows(data, key.rows, key.k) }
		s.rows = append(s.rows, pack(b.r, key, kept, func() *kernel.Rows {
			return b.r.path.PackRows(tensor.Values[float32](w)[at:], key.rows, key.k, nil)
		}))
	}
	if s.spread.plain && s.halves == nil {
		s.x = b.withSlack(s.x)
	} else {
		s.padded = b.scratch(in[1] * s.planeLen())
	}
	p := b.add(s, []int{s.x}, tensor.Count(shape)*s.channels*taps)
	if s.padded != nil {
		p.scratch = append(p.scratch, s.padded)
	}
	b.place(s.y, shape)
	return true
}

// biasOf gives the constant bias of a convolution, nil for none.
func (b *builder) biasOf(n *program.Node, outs int) ([]float32, bool) {
	c := b.in(n, 2)
	if c == nil {
		return nil, true
	}
	if c.constant == nil || !slices.Equal(c.shape, []int{outs}) {
		return nil, false
	}
	return tensor.Values[float32](c.constant), true
}

func spreadOf(g operator.Window) spread {
	s := spread{in: three(g.In, 1), before: three(g.Before, 0)}
	s.plain = true
	after, kernels := three(g.After, 0), three(g.Kernel, 1)
	stride, dilation, out := three(g.Stride, 1), three(g.Dilation, 1), three(g.Out, 1)
	for i := range s.in {
		reach := (out[i]-1)*stride[i] + (kernels[i]-1)*dilation[i] + 1
		s.padded[i] = max(s.before[i]+s.in[i]+after[i], reach)
		s.plain = s.plain && s.padded[i] == s.in[i] && s.before[i] == 0
	}
	return s
}

// fits reports whether padded planes of all channels are a tensor, whose places are counted in 32 bits.
func (s *spread) fits(channels int) bool {
	return tensor.CheckShape([]int{channels, s.padded[0], s.padded[1], s.padded[2]}) == nil
}

// windowColumns describes the windows of a convolution as columns: channel, then kernel position.
func windowColumns(g operator.Window, s spread, channels int) kernel.Columns {
	kernels, dilation := three(g.Kernel, 1), three(g.Dilation, 1)
	stride, out := three(g.Stride, 1), three(g.Out, 1)
	c := kernel.Columns{Width: out[2], Step: stride[2]}
	for ch := range channels {
		for d := range kernels[0] {
			for h := range kernels[1] {
				for w := range kernels[2] {
					row := (ch*s.padded[0]+d*dilation[0])*s.padded[1] + h*dilation[1]
					c.Offsets = append(c.Offsets, int32(4*(row*s.padded[2]+w*dilation[2])))
				}
			}
		}
	}
	if kernels.count() == 1 && stride.count() == 1 && s.plain {
		c.Width, c.Starts = out.count(), []int32{0}
		return c
	}
	for d := range out[0] {
		for h := range out[1] {
			c.Starts = append(c.Starts, int32((d*stride[0]*s.padded[1]+h*stride[1])*s.padded[2]))
		}
	}
	return c
}
