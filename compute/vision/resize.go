package vision

import (
	"github.com/aiwork/aiwork-node/compute/image"
	"github.com/aiwork/aiwork-node/compute/tensor"
	"github.com/aiwork/aiwork-node/internal/must"
)

// SideMax bounds the sides that pictures are resized to; with it all whole numbers fit into 63 bits.
const SideMax = 1 << 13

// A Canvas is a picture with its upper left corner at X, Y of a black ground of Width × Height.
type Canvas struct {
	Picture       *image.RGB
	X, Y          int
	Width, Height int
}

// Whole is a picture without ground.
func Whole(m *image.RGB) Canvas { return Canvas{Picture: m, Width: m.Width, Height: m.Height} }

// Square lays a picture on the smallest square: at its upper left corner, or in its middle, where the
// larger half of what is left over lies right or below.
func Square(m *image.RGB, centred bool) Canvas {
	side := max(m.Width, m.Height)
	c := Canvas{Picture: m, Width: side, Height: side}
	if centred {
		c.X, c.Y = (side-m.Width)/2, (side-m.Height)/2
	}
	return c
}

// A Rule says where the pixels of a resized picture lie. Output i of n lies over an input of length L at
type Rule uint8

const (
	Corners Rule = iota + 1 // i·(L-1)/(n-1): corners coincide; n is 2 at least
	Edges                   // i·L/n: as TensorFlow does by default
	Centres                 // (2·i+1)·L/(2·n) - 1/2: as OpenCV does
)

// A Norm turns a sample v, 0 to 255, into (Unit·v - Mean[c]) / By[c], c being 0 for red, 1 for green and 2
// for blue. BGR gives the planes of the tensor in that order, else red comes first.
type Norm struct {
	Unit     int
	Mean, By [3]int
	BGR      bool
}

// A stop is two neighbours on one axis and the second one's weight out of the axis's unit.
type stop struct{ first, second, weight int }

// stops gives the places of n outputs over a length, and the unit of their weights.
func (r Rule) stops(length, n int) ([]stop, int) {
	must.Hold(length > 0 && n > 0 && n <= SideMax && (r != Corners || n > 1), "a picture is resized beyond the limits")
	step, start, unit := 0, 0, 0
	switch r {
	case Corners:
		step, unit = length-1, n-1
	case Edges:
		step, unit = length, n
	case Centres:
		step, start, unit = 2*length, length-n, 2*n
	}
	out := make([]stop, n)
	for i := range out {
		at := max(i*step+start, 0)
		q := at / unit
		if q >= length-1 {
			out[i] = stop{length - 1, length - 1, 0}
			continue
		}
		out[i] = stop{q, q + 1, at % unit}
	}
	return out, unit
}

// Tensor resizes a canvas and gives its samples as [1, 3, height, width].
func (c Canvas) Tensor(width, height int, rule Rule, norm Norm) *tensor.Tensor {
	columns, unitX := rule.stops(c.Width, width)
	rows, unitY := rule.stops(c.Height, height)
	t := tensor.New(tensor.Float32, []int{1, 3, height, width})
	out := tensor.Values[float32](t)
	for y, row := range rows {
		for x, column := range columns {
			for channel := range 3 {
				upper := c.at(column.first, row.first, channel)*(unitX-column.weight) + c.at(column.second, row.first, channel)*column.weight
				lower := c.at(column.first, row.second, channel)*(unitX-column.weight) + c.at(column.second, row.second, channel)*column.weight
				sum := upper*(unitY-row.weight) + lower*row.weight
				out[(norm.plane(channel)*height+y)*width+x] = norm.value(sum, unitX*unitY, channel)
			}
		}
	}
	return t
}

// at gives a sample of the canvas.
func (c Canvas) at(x, y, channel int) int {
	x, y = x-c.X, y-c.Y
	if x < 0 || y < 0 || x >= c.Picture.Width || y >= c.Picture.Height {
		return 0
	}
	return int(c.Picture.Pix[3*(y*c.Picture.Width+x)+channel])
}

func (n Norm) plane(channel int) int {
	if n.BGR {
		return 2 - channel
	}
	return channel
}

// value is the sample sum/whole, normalised (VIS-1).
func (n Norm) value(sum, whole, channel int) float32 {
	return float32(n.Unit*sum-n.Mean[channel]*whole) / float32(n.By[channel]*whole)
}
