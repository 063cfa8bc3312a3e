package vision

import (
	"github.com/aiwork/aiwork-node/compute/image"
	"github.com/aiwork/aiwork-node/compute/tensor"
	"github.com/aiwork/aiwork-node/internal/must"
)

// A Point is a place in a picture, in pixels from the middle of the first one.
type Point struct{ X, Y int }

// A Quad is the parallelogram over three corners: upper left, upper right and lower left as it is read.
type Quad struct{ Origin, Right, Down Point }

const (
	cropUnit     = 1 << 10 // places to a pixel
	cropTimesMax = 8       // places to a sample, along each edge
)

// Size gives the lengths of the upper and the left edge, rounded down.
func (q Quad) Size() (width, height int) {
	return length(q.Right, q.Origin), length(q.Down, q.Origin)
}

func length(a, b Point) int {
	dx, dy := a.X-b.X, a.Y-b.Y
	return root(dx*dx + dy*dy)
}

// root is the square root of a number that is not negative, rounded down.
func root(n int) int {
	x := 0
	for bit := 1 << 31; bit > 0; bit >>= 1 {
		if (x+bit)*(x+bit) <= n {
			x += bit
		}
	}
	return x
}

// Crop gives what lies in a quad as [1, 3, height, width]. Corners may lie outside the picture.
func Crop(m *image.RGB, q Quad, width, height int, norm Norm) *tensor.Tensor {
	must.Hold(width > 0 && height > 0 && width <= SideMax && height <= SideMax, "a crop beyond the limits")
	w, h := q.Size()
	n := min(max((w+width-1)/width, (h+height-1)/height, 1), cropTimesMax)
	t := tensor.New(tensor.Float32, []int{1, 3, height, width})
	out := tensor.Values[float32](t)
	g := grid{q: q, columns: n * width, rows: n * height}
	for y := range height {
		for x := range width {
			var sums [3]int
			for i := range n * n {
				g.add(&sums, m, n*x+i%n, n*y+i/n)
			}
			for channel, sum := range sums {
				out[(norm.plane(channel)*height+y)*width+x] = norm.value(sum, n*n*cropUnit*cropUnit, channel)
			}
		}
	}
	return t
}

// A grid is places in a quad, in the middle of equal parts.
type grid struct {
	q             Quad
	columns, rows int
}

// add adds the pixel values, times cropUnit squared, at one place.
func (g grid) add(sums *[3]int, m *image.RGB, column, row int) {
	x, wx := place(g.q.Origin.X, g.q.Right.X, g.q.Down.X, column, g.columns, row, g.rows, m.Width)
	y, wy := place(g.q.Origin.Y, g.q.Right.Y, g.q.Down.Y, column, g.columns, row, g.rows, m.Height)
	right, below := min(x+1, m.Width-1), min(y+1, m.Height-1)
	a, b := 3*(y*m.Width+x), 3*(y*m.Width+right)
	c, d := 3*(below*m.Width+x), 3*(below*m.Width+right)
	for i := range sums {
		upper := int(m.Pix[a+i])*(cropUnit-wx) + int(m.Pix[b+i])*wx
		lower := int(m.Pix[c+i])*(cropUnit-wx) + int(m.Pix[d+i])*wx
		sums[i] += upper*(cropUnit-wy) + lower*wy
	}
}

// place gives a coordinate as a whole pixel and a part of cropUnit (VIS-2, VIS-3): that of the corner, plus
// the parts of both edges, minus half a pixel.
func place(origin, right, down, column, columns, row, rows, length int) (pixel, part int) {
	whole := 2 * columns * rows
	at := 2*origin*columns*rows + (right-origin)*(2*column+1)*rows + (down-origin)*(2*row+1)*columns - columns*rows
	units := min(max(floorDiv(at*cropUnit, whole), 0), (length-1)*cropUnit)
	return units / cropUnit, units % cropUnit
}

func floorDiv(a, b int) int {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
