package vision

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/aiwork/aiwork-node/compute/image"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// Resizing and cropping against their rules in exact fractions, and against compute/image where both apply.

func noise(width, height int) *image.RGB {
	d := rand.New(rand.NewPCG(7, 0))
	m := &image.RGB{Width: width, Height: height}
	for range 3 * width * height {
		m.Pix = append(m.Pix, byte(d.IntN(256)))
	}
	return m
}

// at is the place of output i of n over a length, by the rule as it is written.
func (r Rule) at(i, length, n int) *big.Rat {
	switch r {
	case Corners:
		return big.NewRat(int64(i*(length-1)), int64(n-1))
	case Edges:
		return big.NewRat(int64(i*length), int64(n))
	}
	return new(big.Rat).Sub(big.NewRat(int64((2*i+1)*length), int64(2*n)), big.NewRat(1, 2))
}

// exact is the bilinear value of a canvas at a place, whose coordinates are clamped to it.
func exact(c Canvas, x, y *big.Rat, channel int) *big.Rat {
	clamp := func(v *big.Rat, length int) (first, second int, part *big.Rat) {
		if v.Sign() < 0 {
			v = new(big.Rat)
		}
		if top := big.NewRat(int64(length-1), 1); v.Cmp(top) > 0 {
			v = top
		}
		q := int(new(big.Int).Quo(v.Num(), v.Denom()).Int64())
		return q, min(q+1, length-1), new(big.Rat).Sub(v, big.NewRat(int64(q), 1))
	}
	x0, x1, px := clamp(x, c.Width)
	y0, y1, py := clamp(y, c.Height)
	between := func(a, b, part *big.Rat) *big.Rat {
		d := new(big.Rat).Sub(b, a)
		return d.Add(a, d.Mul(d, part))
	}
	at := func(x, y int) *big.Rat { return big.NewRat(int64(c.at(x, y, channel)), 1) }
	return between(between(at(x0, y0), at(x1, y0), px), between(at(x0, y1), at(x1, y1), px), py)
}

func TestTensorIsExact(t *testing.T) {
	m := noise(13, 7)
	norm := Norm{Unit: 1000, Mean: [3]int{123675, 116280, 103530}, By: [3]int{58395, 57120, 57375}, BGR: true}
	for _, rule := range []Rule{Corners, Edges, Centres} {
		for _, c := range []Canvas{Whole(m), Square(m, false), Square(m, true)} {
			for _, size := range [][2]int{{5, 9}, {13, 7}, {40, 2}} {
				width, height := size[0], size[1]
				got := tensor.Values[float32](c.Tensor(width, height, rule, norm))
				for i, v := range got {
					x, y, plane := i%width, i/width%height, i/width/height
					channel := 2 - plane
					want := exact(c, rule.at(x, c.Width, width), rule.at(y, c.Height, height), channel)
					want.Mul(want, big.NewRat(1000, 1)).Sub(want, big.NewRat(int64(norm.Mean[channel]), 1))
					want.Quo(want, big.NewRat(int64(norm.By[channel]), 1))
					w, _ := want.Float64()
					if math.Abs(float64(v)-w) > 3e-7*max(math.Abs(w), 1) { // three roundings to float32
						t.Fatalf("rule %d, %v, element %d: got %v, want %v", rule, size, i, v, w)
					}
				}
			}
		}
	}
}

// With corners on corners and nothing but a division by 255, it is what models on the chain read (IMG-4).
func TestTensorEqualsImage(t *testing.T) {
	m := noise(300, 170)
	got := tensor.Values[float32](Whole(m).Tensor(224, 200, Corners, Norm{Unit: 1, By: [3]int{255, 255, 255}}))
	for i, want := range m.Tensor(224, 200) {
		if g := got[i]; math.Float32bits(g) != math.Float32bits(want) {
			t.Fatalf("element %d: got %v, want %v", i, g, want)
		}
	}
}

// A picture's own rectangle gives the picture; turned corners turn it.
func TestCrop(t *testing.T) {
	m := noise(16, 8)
	plain := Norm{Unit: 1, By: [3]int{1, 1, 1}}
	pixel := func(x, y, c int) float32 { return float32(m.Pix[3*(y*16+x)+c]) }
	same := tensor.Values[float32](Crop(m, Quad{Point{0, 0}, Point{16, 0}, Point{0, 8}}, 16, 8, plain))
	around := tensor.Values[float32](Crop(m, Quad{Point{16, 8}, Point{0, 8}, Point{16, 0}}, 16, 8, plain))
	left := tensor.Values[float32](Crop(m, Quad{Point{16, 0}, Point{16, 8}, Point{0, 0}}, 8, 16, plain))
	for c := range 3 {
		for y := range 8 {
			for x := range 16 {
				want := pixel(x, y, c)
				if got := same[(c*8+y)*16+x]; got != want {
					t.Fatalf("%d, %d: got %v, want %v", x, y, got, want)
				}
				if got := around[(c*8+7-y)*16+15-x]; got != want {
					t.Fatalf("%d, %d turned around: got %v, want %v", x, y, got, want)
				}
				if got := left[(c*16+15-x)*8+y]; got != want {
					t.Fatalf("%d, %d turned left: got %v, want %v", x, y, got, want)
				}
			}
		}
	}
}

// Where a crop shrinks to a half, a sample is the mean of four places, each of which is a pixel here.
func TestCropShrinks(t *testing.T) {
	m := noise(16, 8)
	got := tensor.Values[float32](Crop(m, Quad{Point{0, 0}, Point{16, 0}, Point{0, 8}}, 8, 4, Norm{Unit: 1, By: [3]int{1, 1, 1}}))
	for y := range 4 {
		for x := range 8 {
			sum := 0
			for i := range 4 {
				sum += int(m.Pix[3*((2*y+i/2)*16+2*x+i%2)])
			}
			if want := float32(sum) / 4; got[y*8+x] != want {
				t.Errorf("%d, %d: got %v, want %v", x, y, got[y*8+x], want)
			}
		}
	}
	// Far outside, all is the edge.
	out := tensor.Values[float32](Crop(m, Quad{Point{-900, -900}, Point{-890, -900}, Point{-900, -890}}, 2, 2, Norm{Unit: 1, By: [3]int{1, 1, 1}}))
	if want := float32(m.Pix[0]); out[0] != want || out[3] != want {
		t.Errorf("outside: got %v, want %v", out, want)
	}
}

func TestRoot(t *testing.T) {
	for n := range 100000 {
		if got, want := root(n), int(math.Sqrt(float64(n))); got != want {
			t.Fatalf("root of %d: got %d, want %d", n, got, want)
		}
	}
	if got := root(1 << 60); got != 1<<30 {
		t.Errorf("root of 2^60: got %d", got)
	}
}
