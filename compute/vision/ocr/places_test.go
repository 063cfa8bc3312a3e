package ocr

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/aiwork/aiwork-node/compute/vision"
)

// Hulls and rectangles against plain searches.

func points(d *rand.Rand, n, side int) (list []vision.Point) {
	for range n {
		list = append(list, vision.Point{X: d.IntN(side), Y: d.IntN(side)})
	}
	return list
}

func TestHull(t *testing.T) {
	d := rand.New(rand.NewPCG(1, 0))
	for range 300 {
		list := points(d, 1+d.IntN(30), 12)
		h := hull(list)
		for i, p := range h {
			q := h[(i+1)%len(h)]
			if len(h) > 1 && p == q {
				t.Fatalf("%v: corner %v twice", list, p)
			}
			for _, other := range list {
				if !slices.Contains(list, p) || len(h) > 2 && turn(p, q, other) < 0 {
					t.Fatalf("%v: %v lies outside of %v to %v", list, other, p, q)
				}
			}
		}
	}
}

// No direction in steps of a thousandth of a half turn has a rectangle of less area.
func TestLeastRectangle(t *testing.T) {
	d := rand.New(rand.NewPCG(2, 0))
	for range 100 {
		list := points(d, 3+d.IntN(20), 50)
		r := leastRectangle(hull(list))
		square := float64(r.dx*r.dx + r.dy*r.dy)
		got := float64(r.right-r.left) * float64(r.bottom-r.top) / square
		if r.dx <= 0 || r.dy < -r.dx || r.dy >= r.dx {
			t.Errorf("direction %d, %d", r.dx, r.dy)
		}
		for k := range 1000 {
			sin, cos := math.Sincos(math.Pi * float64(k) / 1000)
			var low, high [2]float64
			for i, p := range list {
				at := [2]float64{float64(p.X)*cos + float64(p.Y)*sin, float64(p.Y)*cos - float64(p.X)*sin}
				for j, v := range at {
					if i == 0 {
						low[j], high[j] = v, v
					}
					low[j], high[j] = min(low[j], v), max(high[j], v)
				}
			}
			if area := (high[0] - low[0]) * (high[1] - low[1]); area < got-1e-6 {
				t.Fatalf("%v: area %v, at %d/1000 of a half turn %v", list, got, k, area)
			}
		}
	}
}

func TestComponents(t *testing.T) {
	const width = 7
	p := make([]float32, width*5)
	for _, at := range []int{0, 8, 16, 5, 6, 34, 33} { // a slope that touches at corners, and two others
		p[at] = 0.9
	}
	p[20] = 0.3 // not above
	p[26] = float32(math.NaN())
	list := components(p, width, 0.3)
	if len(list) != 3 || !slices.Equal(list[0].pixels, []int{0, 8, 16}) || !slices.Equal(list[2].pixels, []int{33, 34}) {
		t.Fatalf("got %v", list)
	}
	if want := []vision.Point{{X: 5, Y: 4}, {X: 6, Y: 4}}; !slices.Equal(list[2].edge, want) {
		t.Errorf("edge %v, want %v", list[2].edge, want)
	}
	if !list[0].sure(p, width) {
		t.Error("a mean of 0.9 is not enough")
	}
}

// A rectangle of 40 × 10 grows by 1.5 · 400 / 100 = 6 on each side.
func TestGrown(t *testing.T) {
	r := leastRectangle(hull([]vision.Point{{X: 20, Y: 20}, {X: 60, Y: 20}, {X: 60, Y: 30}, {X: 20, Y: 30}}))
	q, ok := r.grown(2, 0.5)
	if want := (vision.Quad{Origin: vision.Point{X: 28, Y: 7}, Right: vision.Point{X: 132, Y: 7}, Down: vision.Point{X: 28, Y: 18}}); !ok || q != want {
		t.Errorf("got %v, %v, want %v", q, ok, want)
	}
	if _, ok := leastRectangle(hull([]vision.Point{{X: 1, Y: 1}, {X: 50, Y: 2}})).grown(1, 1); ok {
		t.Error("a line without height was taken for text")
	}
}

func TestOrdered(t *testing.T) {
	at := func(x, y int) vision.Quad {
		return vision.Quad{Origin: vision.Point{X: x, Y: y}, Right: vision.Point{X: x + 50, Y: y}, Down: vision.Point{X: x, Y: y + 20}}
	}
	got := ordered([]vision.Quad{at(100, 41), at(300, 5), at(0, 12), at(200, 0), at(0, 45)})
	want := []vision.Quad{at(200, 0), at(300, 5), at(0, 12), at(0, 45), at(100, 41)}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
