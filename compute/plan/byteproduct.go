package plan

import (
	"slices"

	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/program"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// Products of bytes by constants, with what makes floats of their sums.

// A byteProductStep is a MatMulInteger, an Add of a bias, a Cast to floats and a Mul by the scales of the columns. Rows of the kernel's
// product are columns of the result, so that its columns are the rows of x, which is turned over.
type byteProductStep struct {
	x, y    int // slots
	m, k, n int
	zero    int32
	turned  *buffer
	rows    *kernel.IntRows
	bias    []int32
	scales  []float32
	pixels  *kernel.PixelProduct // or else this one: rows of x are pixels, and nothing is turned over
}

// byteProduct plans such a product that begins at a node, and gives the number of its nodes, 0 if there is none.
func (b *builder) byteProduct(i int) int {
	nodes := b.g.Nodes[i:]
	first := &nodes[0]
	if first.Op != "MatMulInteger" || first.Wanted != 1 {
		return 0
	}
	s, ok := b.byteFactors(first)
	if !ok {
		return 0
	}
	last := 0
	next := func(op string) bool {
		made := nodes[last].Out[0]
		if last+1 == len(nodes) || made == program.None || b.uses[made] != 1 {
			return false
		}
		n := &nodes[last+1]
		return n.Op == op && n.Wanted == 1 && n.In[0] == made
	}
	if next("Add") {
		v := b.in(&nodes[last+1], 1)
		if v.constant == nil || !slices.Equal(v.shape, []int{s.n}) {
			return 0
		}
		s.bias = tensor.Values[int32](v.constant)
		last++
	}
	if !next("Cast") || attrInt(&nodes[last+1], "to", 0) != onnxFloat {
		return 0
	}
	last++
	if !next("Mul") {
		return 0
	}
	last++
	scales := b.in(&nodes[last], 1)
	if scales.constant == nil || !slices.Equal(scales.shape, []int{s.n}) || nodes[last].Out[0] == program.None {
		return 0
	}
	s.scales, s.y = tensor.Values[float32](scales.constant), nodes[last].Out[0]
	shape := slices.Clone(b.in(first, 0).shape)
	shape[len(shape)-1] = s.n
	if s.byPixels(b, b.in(first, 1).constant, b.in(first, 3)) {
		b.asPlanes(s.x)
		b.add(s, []int{s.x}, s.m*s.n*s.k)
		b.place(s.y, shape)
		return last + 1
	}
	s.pack(b, b.in(first, 1).constant, b.in(first, 3))
	b.asPlanes(s.x)
	s.turned = b.byteScratch(s.m * s.k)
	p := b.add(s, []int{s.x}, s.m*s.n*s.k)
	p.scratch = append(p.scratch, s.turned)
	b.place(s.y, shape)
	return last + 1
}

// onnxFloat is ONNX's number of float32.
const onnxFloat = 1

// byteFactors reads the inputs of a MatMulInteger.
func (b *builder) byteFactors(n *program.Node) (s *byteProductStep, ok bool) {
	x, w := b.in(n, 0), b.in(n, 1)
	if x.kind != tensor.Uint8 || x.constant != nil || len(x.shape) < 2 || w.constant == nil || len(w.shape) != 2 {
		return nil, false
	}
	s = &byteProductStep{x: n.In[0], k: w.shape[0], n: w.shape[1], m: tensor.Count(x.shape[:len(x.shape)-1])}
	if x.shape[len(x.shape)-1] != s.k || s.m*s.k*s.n == 0 || s.m*s.k > tensor.ElementsMax {
		return nil, false
	}
	if z := b.in(n, 2); z != nil {
		if z.constant == nil || z.constant.Len() != 1 {
			return nil, false
		}
		s.zero = int32(z.constant.Ints()[0])
	}
	z := b.in(n, 3)
	return s, z == nil || z.constant != nil && z.constant.Len() == 1
}

// pack turns the weights over, less their zero point.
func (s *byteProductStep) pack(b *builder, w *tensor.Tensor, zero *value) {
	key, z := packKey{weights: w, layout: layoutBytesTurned, rows: s.n, k: s.k}, int64(0)
	if zero != nil {
		key.less, z = zero.constant, zero.constant.Ints()[0]
	}
	kept := func(data []byte) *kernel.IntRows { return kernel.KeptIntRows(data, s.n, s.k) }
	s.rows = pack(b.r, key, kept, func() *kernel.IntRows { return kernel.PackIntRows(s.outputs(w, z), s.n, s.k) })
}

// outputs gives the weights of each column together, less their zero point.
func (s *byteProductStep) outputs(w *tensor.Tensor, zero int64) []int16 {
	v, turned := w.Ints(), make([]int16, w.Len())
	for l := range s.k {
		for j := range s.n {
			turned[j*s.k+l] = int16(v[l*s.n+j] - zero)
		}
	}
	return turned
}

// byPixels packs weights for products by rows of x, if the path has them.
func (s *byteProductStep) byPixels(b *builder, w *tensor.Tensor, zero *value) bool {
	const whole = 4 // k that are read at once
	if !b.r.path.Pixels() || s.k%whole != 0 {
		return false
	}
	key, z := packKey{weights: w, layout: layoutPixelsTurned, rows: s.n, k: s.k}, int64(0)
	if zero != nil {
		key.less, z = zero.constant, zero.constant.Ints()[0]
	}
	kept := func(data []byte) *kernel.PixelWeights { return kernel.KeptPixelWeights(data, s.n, 1, s.k) }
	packed := pack(b.r, key, kept, func() *kernel.PixelWeights { return kernel.PackPixelWeights(s.outputs(w, z), s.n, 1, s.k) })
	end := kernel.PixelEnd{Bias: s.bias, Ratios: s.scales}
	if s.bias == nil {
		end.Bias = make([]int32, s.n)
	}
	s.pixels = packed.Product(0, s.zero, end)
	return true
}

// runPixels shares rows and outputs.
func (s *byteProductStep) runPixels(f *frame) {
	x, y := f.byteValues(s.x), f.values(s.y)
	panels, rows := s.pixels.Panels(), max(pixelTile, pixelBytes/s.k/pixelTile*pixelTile)
	groups := 1
	if threads := f.crew.threads(); threads > 1 {
		rows = min(rows, (s.m/(2*threads)+pixelTile)/pixelTile*pixelTile)
		groups = min(panels, max(1, 4*threads*rows/s.m))
	}
	blocks := (s.m + rows - 1) / rows
	f.crew.split(blocks*groups, s.m*s.n*s.k, func(part int, w *worker) {
		group, first := part%groups, part/groups*rows
		count := min(rows, s.m-first)
		from := kernel.PixelRows{X: x[first*s.k:][:count*s.k], Rows: count, Step: s.k}
		f.path.MultiplyPixelsFloat(y[first*s.n:][:count*s.n], s.n, from, s.pixels, group*panels/groups, (group+1)*panels/groups, &w.pixels)
	})
}

func (s *byteProductStep) run(f *frame) error {
	if s.pixels != nil {
		s.runPixels(f)
		return nil
	}
	x, y, turned := f.byteValues(s.x), f.values(s.y), f.bytesOf(s.turned)
	columns := &kernel.ByteColumns{X: turned, Offsets: make([]int32, s.k), N: s.m, Zero: s.zero}
	for l := range s.k {
		columns.Offsets[l] = int32(l * s.m)
		for i := range s.m {
			turned[l*s.m+i] = x[i*s.k+l]
		}
	}
	f.share(kernel.IntParts(s.rows, columns), s.m*s.n*s.k, func(p kernel.Part, w *worker) {
		f.path.MultiplyBytes(s.rows, columns, p, &w.ints, func(row, column int, sums []int32) {
			scale, bias := s.scales[row], int32(0)
			if s.bias != nil {
				bias = s.bias[row]
			}
			for i, v := range sums {
				y[(column+i)*s.n+row] = float32(float32(v+bias) * scale)
			}
		})
	})
	return nil
}
