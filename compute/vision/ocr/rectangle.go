package ocr

import (
	"cmp"
	"math/bits"
	"slices"

	"github.com/aiwork/aiwork-node/compute/vision"
)

// A rectangle lies along the direction (dx, dy): its points p have left <= p·(dx, dy) <= right and
// top <= p·(-dy, dx) <= bottom. All are whole numbers. The direction is the one nearest to the right.
type rectangle struct {
	dx, dy                   int
	left, right, top, bottom int
}

// hull gives the corners of the convex hull of points, anticlockwise in the plane of x and y.
func hull(points []vision.Point) []vision.Point {
	points = slices.Clone(points)
	slices.SortFunc(points, func(a, b vision.Point) int { return cmp.Or(cmp.Compare(a.X, b.X), cmp.Compare(a.Y, b.Y)) })
	points = slices.Compact(points)
	if len(points) < 3 {
		return points
	}
	var out []vision.Point
	half := func(p vision.Point, least int) {
		for len(out) >= least && turn(out[len(out)-2], out[len(out)-1], p) <= 0 {
			out = out[:len(out)-1]
		}
		out = append(out, p)
	}
	for _, p := range points {
		half(p, 2)
	}
	lower := len(out)
	for i := len(points) - 2; i >= 0; i-- {
		half(points[i], lower+1)
	}
	return out[:len(out)-1]
}

// turn is positive if a, b, c go anticlockwise.
func turn(a, b, c vision.Point) int {
	return (b.X-a.X)*(c.Y-a.Y) - (b.Y-a.Y)*(c.X-a.X)
}

// leastRectangle gives the rectangle of least area around a hull; one of its sides lies on one of the hull's.
// Of equal ones the first counts, and the upright one before all.
func leastRectangle(hull []vision.Point) rectangle {
	best := around(hull, 1, 0)
	for i, p := range hull {
		q := hull[(i+1)%len(hull)]
		dx, dy := q.X-p.X, q.Y-p.Y
		if dx == 0 && dy == 0 {
			continue
		}
		if r := around(hull, dx, dy); r.smaller(best) {
			best = r
		}
	}
	return best
}

// around gives the rectangle around points along a direction or one square to it: the one that is nearest to
// the right, upwards before downwards.
func around(points []vision.Point, dx, dy int) rectangle {
	for range 4 {
		if dx > 0 && -dx <= dy && dy < dx {
			break
		}
		dx, dy = -dy, dx
	}
	r := rectangle{dx: dx, dy: dy}
	for i, p := range points {
		along, across := p.X*dx+p.Y*dy, p.Y*dx-p.X*dy
		if i == 0 {
			r.left, r.right, r.top, r.bottom = along, along, across, across
		}
		r.left, r.right = min(r.left, along), max(r.right, along)
		r.top, r.bottom = min(r.top, across), max(r.bottom, across)
	}
	return r
}

// smaller reports whether r has less area than other: extents over squares of lengths, multiplied out.
func (r rectangle) smaller(other rectangle) bool {
	area := func(a, b rectangle) (hi, lo uint64) { // of a, times b's square
		return bits.Mul64(uint64((a.right-a.left)*(a.bottom-a.top)), uint64(b.dx*b.dx+b.dy*b.dy))
	}
	hi, lo := area(r, other)
	otherHi, otherLo := area(other, r)
	return hi < otherHi || hi == otherHi && lo < otherLo
}
