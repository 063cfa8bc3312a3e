package face

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/aiwork/aiwork-node/compute/image"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// The rules without the networks: what outputs become, by networks that give what a test says.

// A given network gives the same outputs whatever it reads.
type given []*tensor.Tensor

func (g given) Run(context.Context, []*tensor.Tensor) ([]*tensor.Tensor, error) { return g, nil }

// detector gives a network that finds faces of certain scores (as logits) at certain anchors.
func detector(anchors map[int][4]float32, logits map[int]float32) given {
	places := tensor.New(tensor.Float32, []int{1, detectorAnchors, 4})
	classes := tensor.New(tensor.Float32, []int{1, detectorAnchors, 3})
	boxes := tensor.New(tensor.Float32, []int{1, detectorAnchors, 4})
	for i := range detectorAnchors {
		tensor.Values[float32](classes)[3*i+1] = -9
	}
	for i, a := range anchors {
		copy(tensor.Values[float32](boxes)[4*i:], a[:])
		tensor.Values[float32](classes)[3*i+1] = logits[i]
	}
	return given{places, classes, boxes}
}

func TestDetect(t *testing.T) {
	m := &image.RGB{Width: 400, Height: 200, Pix: make([]byte, 3*400*200)}
	// Top, left, bottom, right as parts of the square, whose lower half is black.
	anchors := map[int][4]float32{
		7:    {0.1, 0.1, 0.3, 0.3},
		8:    {0.1, 0.11, 0.3, 0.31}, // the same face
		9:    {0.1, 0.2, 0.3, 0.4},   // shares a third of the area with the first
		5000: {-0.1, 0.9, 0.1, 1.1},  // over the edge
		5001: {0.4, 0.4, 0.5, 0.5},   // not sure
	}
	logits := map[int]float32{7: 2, 8: 1.9, 9: 1, 5000: 1.5, 5001: -0.1}
	got, err := Detect(t.Context(), detector(anchors, logits), m)
	if err != nil {
		t.Fatal(err)
	}
	want := []Box{{40, 40, 120, 120}, {360, 0, 400, 40}, {80, 40, 160, 120}}
	if len(got) != len(want) {
		t.Fatalf("%d faces, want %d: %v", len(got), len(want), got)
	}
	for i, w := range want {
		for j, off := range []float32{got[i].Box.Left - w.Left, got[i].Box.Top - w.Top, got[i].Box.Right - w.Right, got[i].Box.Bottom - w.Bottom} {
			if math.Abs(float64(off)) > 1e-4 {
				t.Errorf("face %d, edge %d: box %v, want %v", i, j, got[i].Box, w)
			}
		}
	}
	if !slices.IsSortedFunc(got, func(a, b Face) int { return int(math.Copysign(1, float64(b.Score-a.Score))) }) {
		t.Errorf("not by score: %v", got)
	}
}

// Numbers that are none find nothing and break nothing.
func TestDetectNaN(t *testing.T) {
	nan := float32(math.NaN())
	m := &image.RGB{Width: 4, Height: 9, Pix: make([]byte, 3*4*9)}
	got, err := Detect(t.Context(), detector(map[int][4]float32{1: {0, 0, 1, 1}}, map[int]float32{1: nan}), m)
	if err != nil || len(got) != 0 {
		t.Errorf("a score that is no number: %v, %v", got, err)
	}
	got, err = Detect(t.Context(), detector(map[int][4]float32{1: {nan, 0, 1, 1}}, map[int]float32{1: 3}), m)
	if err != nil || len(got) != 1 {
		t.Fatalf("a place that is no number: %v, %v", got, err)
	}
	if _, err := Describe(t.Context(), given{}, m, got[0].Box); !errors.Is(err, ErrOutside) {
		t.Errorf("described: %v", err)
	}
}

func TestOtherNetwork(t *testing.T) {
	m := &image.RGB{Width: 4, Height: 9, Pix: make([]byte, 3*4*9)}
	other := given{tensor.New(tensor.Float32, []int{1, 5})}
	if _, err := Detect(t.Context(), other, m); err == nil {
		t.Error("Detect took another network's output")
	}
	if _, err := DetectTiny(t.Context(), other, m); err == nil {
		t.Error("DetectTiny took another network's output")
	}
	if _, err := Describe(t.Context(), other, m, Box{0, 0, 4, 9}); err == nil {
		t.Error("Describe took another network's output")
	}
	if _, err := Align(t.Context(), other, m, Box{0, 0, 4, 9}); err == nil {
		t.Error("Align took another network's output")
	}
}

// With eyes and mouth in known places the square is known: the eyes are 50 above the mouth and 30 apart.
func TestAlign(t *testing.T) {
	m := &image.RGB{Width: 400, Height: 300, Pix: make([]byte, 3*400*300)}
	points := tensor.New(tensor.Float32, []int{1, 2 * landmarksCount})
	v := tensor.Values[float32](points)
	place := func(from, to int, x, y float32) { // in pixels of the picture; the box is 100 wide and 200 high
		for i := from; i < to; i++ {
			v[2*i], v[2*i+1] = (x-150+50)/200, (y-60)/200
		}
	}
	place(36, 42, 185, 130)
	place(42, 48, 215, 130)
	place(48, 68, 200, 180)
	got, err := Align(t.Context(), given{points}, m, Box{150, 60, 250, 260})
	if err != nil {
		t.Fatal(err)
	}
	side := float32(math.Floor(math.Hypot(15, 50) / 0.45)) // 116
	x, y := float32(math.Floor(float64(200-side/2))), float32(math.Floor(440.0/3-0.43*float64(side)))
	if want := (Box{x, y, x + side, y + side}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	if v[72] != (185-150+50)/200.0 {
		t.Error("the network's output was changed")
	}
}

func TestCut(t *testing.T) {
	m := &image.RGB{Width: 5, Height: 4}
	for i := range 20 {
		m.Pix = append(m.Pix, byte(i), byte(i), byte(i))
	}
	part, err := cut(m, Box{1.9, -3, 4.2, 2.5})
	if err != nil || part.Width != 2 || part.Height != 2 {
		t.Fatalf("got %v, %v", part, err)
	}
	if want := []byte{1, 1, 1, 2, 2, 2, 6, 6, 6, 7, 7, 7}; !slices.Equal(part.Pix, want) {
		t.Errorf("got %v, want %v", part.Pix, want)
	}
	for _, b := range []Box{{5, 0, 9, 4}, {-3, 0, 0.5, 4}, {3, 3, 2, 4}} {
		if _, err := cut(m, b); !errors.Is(err, ErrOutside) {
			t.Errorf("%v: got %v", b, err)
		}
	}
}
