package operator

import (
	"fmt"
	"math"

	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// Operators on pictures.

func imageOperators() []Operator {
	return []Operator{
		{"Upsample", 7, "f>f", resizeOld},
		{"Upsample", 9, "a,f>a", resizeOld},
		{"Upsample", 10, "", nil},
		{"Resize", 10, "n,f>n", resizeOld},
		{"Resize", 11, "n,f?,f?,l?>n", resize},
		{"GridSample", 16, "f,f>f", gridSample},
		{"RoiAlign", 10, "f,f,l>f", roiAlign(false)},
		{"RoiAlign", 16, "f,f,l>f", roiAlign(true)},
		{"AffineGrid", 20, "f,l>f", affineGrid},
	}
}

// A sampler reads a picture between its pixels.
type sampler struct {
	mode, padding string
	corners       bool
}

// gridSample reads a picture at the places of a grid, which runs from -1 to 1.
func gridSample(a *Attrs) Func {
	s := sampler{
		mode:    a.choice("mode", "linear", "bilinear", "nearest", "cubic", "bicubic"),
		padding: a.choice("padding_mode", "zeros", "border", "reflection"),
		corners: a.flag("align_corners", false),
	}
	return func(c *Call) ([]*tensor.Tensor, error) {
		x, grid := c.In[0], c.In[1]
		batch, ch, in, err := spatial(x)
		if err != nil {
			return nil, err
		}
		g := grid.Shape()
		if len(in) != 2 || grid.Rank() != 4 || g[0] != batch || g[3] != 2 || tensor.Count(in) == 0 {
			return nil, fmt.Errorf("a grid of shape %v for shape %v", g, x.Shape())
		}
		out, y, err := c.floats([]int{batch, ch, g[1], g[2]})
		if err != nil {
			return nil, err
		}
		if err := c.Budget.Spend(len(y), 32); err != nil {
			return nil, err
		}
		plane := g[1] * g[2]
		at := floatsOf(grid)
		for i := range y {
			n, p := i/plane/ch, i%plane
			column := s.unit(at[(n*plane+p)*2], in[1])
			row := s.unit(at[(n*plane+p)*2+1], in[0])
			picture := floatsOf(x)[i/plane*in[0]*in[1]:][:in[0]*in[1]]
			y[i] = s.sample(picture, row, column, in[0], in[1])
		}
		return one(out), nil
	}
}

// unit turns a place from -1 to 1 into one among n pixels.
func (s sampler) unit(v float32, n int) float32 {
	if s.corners {
		return float32((v+1)*float32(n-1)) / 2
	}
	return (float32((v+1)*float32(n)) - 1) / 2
}

// pixel reads one pixel; outside, by the rule of padding.
func (s sampler) pixel(picture []float32, row, column float32, h, w int) float32 {
	r, c := s.inside(row, h), s.inside(column, w)
	if r < 0 || c < 0 {
		return 0
	}
	return picture[r*w+c]
}

// inside gives the index that a whole place stands for, -1 for none.
func (s sampler) inside(v float32, n int) int {
	if v >= 0 && v <= float32(n-1) {
		return int(v)
	}
	switch s.padding {
	case "border":
		return int(saturate(v, 0, int64(n-1)))
	case "reflection":
		return s.reflect(v, n)
	}
	return -1
}

// reflect mirrors a whole place at the borders: at the pixels, or at their outer edges.
func (s sampler) reflect(v float32, n int) int {
	i := saturate(v, -1<<40, 1<<40)
	period := int64(2 * n)
	if s.corners {
		if period = 2 * int64(n-1); period == 0 {
			return 0
		}
	}
	i = modulo(i, period)
	if i >= int64(n) {
		i = period - i
		if !s.corners {
			i--
		}
	}
	return int(i)
}

func (s sampler) sample(picture []float32, row, column float32, h, w int) float32 {
	switch s.mode {
	case "nearest":
		return s.pixel(picture, rounded(row), rounded(column), h, w)
	case "cubic", "bicubic":
		return s.sum(picture, row, column, h, w, -1, 4, func(d float32) float32 { return cubicWeight(d, -0.75) })
	}
	return s.sum(picture, row, column, h, w, 0, 2, func(d float32) float32 { return 1 - d })
}

func rounded(v float32) float32 { return float32(math.RoundToEven(float64(v))) }
func floor(v float32) float32   { return float32(math.Floor(float64(v))) }

// sum weighs the pixels around a place: rows of columns, fused sums ascending from +0.
func (s sampler) sum(picture []float32, row, column float32, h, w, first, n int, weight func(d float32) float32) float32 {
	top, left := floor(row), floor(column)
	total := float32(0)
	for i := range n {
		r := top + float32(first+i)
		line := float32(0)
		for j := range n {
			c := left + float32(first+j)
			line = kernel.FMA(s.pixel(picture, r, c, h, w), weight(absolute(column-c)), line)
		}
		total = kernel.FMA(line, weight(absolute(row-r)), total)
	}
	return total
}

// rounderUp is the ceiling.
func rounderUp(v float32) float32 { return float32(math.Ceil(float64(v))) }

// A roiPool is RoiAlign with its attributes read.
type roiPool struct {
	largest             bool
	height, width, grid int
	scale, shift        float32
}

// roiAlign averages a picture over the cells of a grid in regions of it, reading between pixels.
func roiAlign(half bool) func(a *Attrs) Func {
	return func(a *Attrs) Func {
		p := roiPool{
			largest: a.choice("mode", "avg", "max") == "max",
			scale:   a.float("spatial_scale", 1),
		}
		if half && a.choice("coordinate_transformation_mode", "half_pixel", "output_half_pixel") == "half_pixel" {
			p.shift = 0.5
		}
		h, w, grid := a.int("output_height", 1), a.int("output_width", 1), a.int("sampling_ratio", 0)
		if min(h, w) < 1 || max(h, w) > 1<<14 || grid < 0 || grid > 1<<10 {
			a.fail("an output of %d × %d, sampling ratio %d", h, w, grid)
		}
		p.height, p.width, p.grid = int(h), int(w), int(grid)
		return p.run
	}
}

func (p roiPool) run(c *Call) ([]*tensor.Tensor, error) {
	x, regions, which := c.In[0], c.In[1], c.In[2].Ints()
	batch, ch, in, err := spatial(x)
	if err != nil {
		return nil, err
	}
	if len(in) != 2 || regions.Rank() != 2 || regions.Shape()[1] != 4 || len(which) != regions.Shape()[0] || tensor.Count(in) == 0 {
		return nil, fmt.Errorf("regions of shape %v for shape %v", regions.Shape(), x.Shape())
	}
	out, y, err := c.floats([]int{len(which), ch, p.height, p.width})
	if err != nil {
		return nil, err
	}
	cell := 0
	for i, b := range which {
		if b < 0 || b >= int64(batch) {
			return nil, fmt.Errorf("picture %d of %d", b, batch)
		}
		for k := range ch {
			picture := floatsOf(x)[(int(b)*ch+k)*in[0]*in[1]:][:in[0]*in[1]]
			if err := p.region(c, y[cell:][:p.height*p.width], picture, floatsOf(regions)[i*4:][:4], in[0], in[1]); err != nil {
				return nil, err
			}
			cell += p.height * p.width
		}
	}
	return one(out), nil
}

// region computes the cells of one region of one picture.
func (p roiPool) region(c *Call, y, picture, corners []float32, h, w int) error {
	at := [4]float32{} // left, top, right, bottom
	for i, v := range corners {
		at[i] = float32(v*p.scale) - p.shift
	}
	wide, high := at[2]-at[0], at[3]-at[1]
	if p.shift == 0 {
		wide, high = larger(wide, 1), larger(high, 1)
	}
	cellWide, cellHigh := wide/float32(p.width), high/float32(p.height)
	rows, columns := p.grid, p.grid
	if p.grid == 0 {
		rows = int(saturate(rounderUp(cellHigh), 0, 1<<12))
		columns = int(saturate(rounderUp(cellWide), 0, 1<<12))
	}
	if err := c.Budget.Spend(len(y), max(rows, 1), max(columns, 1)); err != nil {
		return err
	}
	samples := make([]float32, 0, 16)
	for i := range y {
		top := at[1] + float32(float32(i/p.width)*cellHigh)
		left := at[0] + float32(float32(i%p.width)*cellWide)
		samples = samples[:0]
		for r := range rows {
			row := top + float32((float32(r)+0.5)*cellHigh)/float32(rows)
			for k := range columns {
				column := left + float32((float32(k)+0.5)*cellWide)/float32(columns)
				samples = append(samples, p.between(picture, row, column, h, w)...)
			}
		}
		y[i] = p.pool(samples, rows*columns)
	}
	return nil
}

func (p roiPool) pool(samples []float32, n int) float32 {
	switch {
	case p.largest && len(samples) == 0:
		return 0
	case p.largest:
		return kernel.DefineReduce(kernel.ReductionMax, samples, 0)
	}
	return kernel.DefineReduce(kernel.ReductionSum, samples, 0) / float32(max(n, 1))
}

// between gives what a place reads: the sum of four weighed pixels or, for the largest, each of them.
func (p roiPool) between(picture []float32, row, column float32, h, w int) []float32 {
	if !(row >= -1 && row <= float32(h) && column >= -1 && column <= float32(w)) {
		if p.largest {
			return []float32{0, 0, 0, 0}
		}
		return []float32{0}
	}
	row, column = clip(row, 0, float32(h-1)), clip(column, 0, float32(w-1))
	top, left := int(row), int(column)
	bottom, right := min(top+1, h-1), min(left+1, w-1)
	down, over := row-float32(top), column-float32(left)
	four := []float32{
		float32(float32((1-down)*(1-over)) * picture[top*w+left]),
		float32(float32((1-down)*over) * picture[top*w+right]),
		float32(float32(down*(1-over)) * picture[bottom*w+left]),
		float32(float32(down*over) * picture[bottom*w+right]),
	}
	if p.largest {
		return four
	}
	return []float32{((four[0] + four[1]) + four[2]) + four[3]}
}

// affineGrid places a grid by matrices, one for each of a batch.
func affineGrid(a *Attrs) Func {
	s := sampler{corners: a.flag("align_corners", false)}
	return func(c *Call) ([]*tensor.Tensor, error) {
		theta := c.In[0]
		size, err := shapeFrom(c.In[1])
		if err != nil {
			return nil, err
		}
		dims := len(size) - 2
		if dims < 2 || dims > 3 || theta.Rank() != 3 || theta.Shape()[0] != size[0] ||
			theta.Shape()[1] != dims || theta.Shape()[2] != dims+1 {
			return nil, fmt.Errorf("matrices of shape %v for a grid of %v", theta.Shape(), size)
		}
		points := size[2:]
		shape := append(append([]int{size[0]}, points...), dims)
		out, y, err := c.floats(shape)
		if err != nil {
			return nil, err
		}
		if len(y) == 0 {
			return one(out), nil
		}
		n := tensor.Count(points)
		at := newPosition(points)
		for p := range n {
			for b := range size[0] {
				for i := range dims {
					row := floatsOf(theta)[(b*dims+i)*(dims+1):][:dims+1]
					acc := float32(0)
					for j := range dims { // x is the last dimension
						d := dims - 1 - j
						acc = kernel.FMA(s.onGrid(at.at[d], points[d]), row[j], acc)
					}
					y[(b*n+p)*dims+i] = acc + row[dims]
				}
			}
			at.next()
		}
		return one(out), nil
	}
}

// onGrid is the place of point i of n, from -1 to 1.
func (s sampler) onGrid(i, n int) float32 {
	if s.corners {
		if n == 1 {
			return 0
		}
		return float32(2*i)/float32(n-1) - 1
	}
	return float32(2*i+1)/float32(n) - 1
}
