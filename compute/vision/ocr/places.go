package ocr

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/aiwork/aiwork-node/compute/image"
	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/vision"
)

const (
	sideMax     = 1280
	sideUnit    = 32
	placesMax   = 1000
	partMin     = 0.3 // probability from which a pixel is text
	meanMin     = 0.6
	sidesMin    = 3   // pixels of a rectangle's shorter side, before it grows
	grownMin    = 5   // and after
	growthRatio = 1.5 // area over circumference, times this, on each side
)

// detectionSize gives the sides that the network reads (OCR-1).
func detectionSize(m *image.RGB) (width, height int) {
	long := max(m.Width, m.Height)
	side := func(n int) int {
		if long > sideMax {
			n = max(n*sideMax/long, 1)
		}
		return (n + sideUnit - 1) / sideUnit * sideUnit
	}
	return side(m.Width), side(m.Height)
}

// places finds where text stands (OCR-2), in no order.
func (r *Reader) places(ctx context.Context, m *image.RGB) ([]vision.Quad, error) {
	width, height := detectionSize(m)
	norm := vision.Norm{Unit: 1000, Mean: [3]int{123675, 116280, 103530}, By: [3]int{58395, 57120, 57375}, BGR: true}
	out, _, err := vision.Run(ctx, r.Detection, vision.Whole(m).Tensor(width, height, vision.Centres, norm), []int{1, 1, height, width})
	if err != nil {
		return nil, fmt.Errorf("detection of text: %w", err)
	}
	var list []vision.Quad
	scaleX, scaleY := float32(m.Width)/float32(width), float32(m.Height)/float32(height)
	for _, c := range components(out[0], width, partMin) {
		if !c.sure(out[0], width) {
			continue
		}
		if q, ok := leastRectangle(hull(c.edge)).grown(scaleX, scaleY); ok {
			list = append(list, q)
		}
		if len(list) > placesMax {
			return nil, fmt.Errorf("more than %d places of text", placesMax)
		}
	}
	return list, nil
}

// A component is a connected part of the network's map.
type component struct {
	pixels []int          // indexes
	edge   []vision.Point // pixels at whose left or right the component ends, by rows
}

// components gives the parts above a threshold, pixels touching at corners too, by their first pixels.
func components(p []float32, width int, above float32) (list []component) {
	seen := make([]bool, len(p))
	height := len(p) / width
	for start := range p {
		if seen[start] || !(p[start] > above) {
			continue
		}
		seen[start] = true
		c := component{pixels: []int{start}}
		for i := 0; i < len(c.pixels); i++ {
			x, y := c.pixels[i]%width, c.pixels[i]/width
			for ny := max(y-1, 0); ny <= min(y+1, height-1); ny++ {
				for nx := max(x-1, 0); nx <= min(x+1, width-1); nx++ {
					if at := ny*width + nx; !seen[at] && p[at] > above {
						seen[at] = true
						c.pixels = append(c.pixels, at)
					}
				}
			}
		}
		slices.Sort(c.pixels)
		c.edge = ends(c.pixels, width)
		list = append(list, c)
	}
	return list
}

// ends gives the first and the last pixel of each row.
func ends(pixels []int, width int) (edge []vision.Point) {
	for i, at := range pixels {
		first := i == 0 || pixels[i-1]/width != at/width
		last := i+1 == len(pixels) || pixels[i+1]/width != at/width
		if first || last {
			edge = append(edge, vision.Point{X: at % width, Y: at / width})
		}
	}
	return edge
}

// sure reports whether the mean of a component's values, cut to 1/65536, is meanMin or more.
func (c component) sure(p []float32, width int) bool {
	sum := 0
	for _, at := range c.pixels {
		sum += int(min(p[at], 1) * 65536)
	}
	return float32(sum)/float32(65536*len(c.pixels)) >= meanMin
}

// grown makes a rectangle larger on all sides and gives it in pixels of the picture, which are scaleX × scaleY
// of its own. One that is too small to hold text is none.
func (r rectangle) grown(scaleX, scaleY float32) (vision.Quad, bool) {
	square := float32(r.dx*r.dx + r.dy*r.dy)
	long := kernel.Sqrt(square)
	width, height := float32(r.right-r.left)/long, float32(r.bottom-r.top)/long
	if min(width, height) < sidesMin {
		return vision.Quad{}, false
	}
	by := float32(width*height) * growthRatio / (2 * (width + height))
	if min(width, height)+float32(2*by) < grownMin {
		return vision.Quad{}, false
	}
	// The corners in units of the direction (dx, dy), and back to x and y.
	by = float32(by * long)
	left, right := float32(r.left)-by, float32(r.right)+by
	top, bottom := float32(r.top)-by, float32(r.bottom)+by
	corner := func(along, across float32) vision.Point {
		x := (float32(along*float32(r.dx)) - float32(across*float32(r.dy))) / square
		y := (float32(along*float32(r.dy)) + float32(across*float32(r.dx))) / square
		return vision.Point{X: nearest(float32(x * scaleX)), Y: nearest(float32(y * scaleY))}
	}
	return vision.Quad{Origin: corner(left, top), Right: corner(right, top), Down: corner(left, bottom)}, true
}

// nearest is the nearest whole number, from a half on the upper one.
func nearest(v float32) int {
	n := int(v + 0.5)
	if float32(n) > v+0.5 {
		n--
	}
	return n
}

// ordered sorts places by rows: the highest begins a row, to which belongs what has its middle no more than
// half of the first one's height below; rows are sorted from left to right.
func ordered(list []vision.Quad) []vision.Quad {
	middle := func(q vision.Quad) (x, y int) { return q.Right.X + q.Down.X, q.Right.Y + q.Down.Y }
	slices.SortStableFunc(list, func(a, b vision.Quad) int {
		ax, ay := middle(a)
		bx, by := middle(b)
		return cmp.Or(cmp.Compare(ay, by), cmp.Compare(ax, bx))
	})
	for from := 0; from < len(list); {
		_, top := middle(list[from])
		_, height := list[from].Size()
		to := from + 1
		for to < len(list) {
			if _, y := middle(list[to]); y-top > height { // twice the distance of middles
				break
			}
			to++
		}
		slices.SortStableFunc(list[from:to], func(a, b vision.Quad) int {
			ax, _ := middle(a)
			bx, _ := middle(b)
			return cmp.Compare(ax, bx)
		})
		from = to
	}
	return list
}
