package kernel

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Windows of all shapes against the definitions, on values of all kinds; nothing but the results is written.

// drawWindows gives windows over memory that is long enough.
func drawWindows(r *rand.Rand, rows, width int) (w *Windows, taps []int, reach int) {
	pitch := width + r.IntN(20)
	for range 1 + r.IntN(30) {
		taps = append(taps, r.IntN(60))
	}
	return NewWindows(rows, width, pitch, taps), taps, rows*pitch + 60
}

func eachWindows(t *testing.T, check func(name string, path Path, r *rand.Rand, rows, width int)) {
	for _, path := range Paths() {
		for width := 1; width <= 150; width += 1 + width/20 {
			for _, rows := range []int{1, 2, 3, 5, 7, 8, 9, 14} {
				check(fmt.Sprintf("%v, %d × %d", path, rows, width), path, rand.New(rand.NewPCG(uint64(width), uint64(rows))), rows, width)
			}
		}
	}
}

// guarded is room for n results with something behind them that must stay.
func guarded(n int) []float32 {
	y := make([]float32, n+16)
	for i := range y[n:] {
		y[n+i] = 7
	}
	return y
}

func checkGuard(t *testing.T, name string, y []float32) {
	t.Helper()
	for i, v := range y {
		if v != 7 {
			t.Fatalf("%s: element %d behind the results was written over", name, i)
		}
	}
}

func TestChainsEqualDefinition(t *testing.T) {
	eachWindows(t, func(name string, path Path, r *rand.Rand, rows, width int) {
		v := newValues(uint64(rows * width))
		w, taps, reach := drawWindows(r, rows, width)
		draw := v.mild
		if r.IntN(2) == 0 {
			draw = v.any
		}
		x, weights := slack(fill(reach, draw)), fill(len(taps), v.mild)
		end := WindowEnd{Bias: v.any(), Scale: 1}
		switch r.IntN(4) {
		case 0:
			end.Clamp, end.Lo, end.Hi = true, -0.5, 1
		case 1:
			end.Scale, end.Shift = v.any(), v.any()
		case 2:
			end.Scale, end.Shift, end.Clamp, end.Hi = v.any(), v.any(), true, 6
		}
		want, got := make([]float32, w.Len()), guarded(w.Len())
		for i := range want {
			var sum Chain
			for t, at := range taps {
				sum.Step(x[i/width*w.pitch+i%width+at], weights[t])
			}
			want[i] = sum.End(end.Bias)
			if end.Scale != 1 || end.Shift != 0 {
				want[i] = FMA(want[i], end.Scale, end.Shift)
			}
			if end.Clamp {
				want[i] = clamp(want[i], end.Lo, end.Hi)
			}
		}
		path.Chains(got[:w.Len()], x, w, weights, end)
		compare(t, name, got[:w.Len()], want)
		checkGuard(t, name, got[w.Len():])
	})
}

func TestLargestEqualsDefinition(t *testing.T) {
	eachWindows(t, func(name string, path Path, r *rand.Rand, rows, width int) {
		v := newValues(uint64(rows * width))
		w, taps, reach := drawWindows(r, rows, width)
		x := slack(fill(reach, v.any))
		want, got := make([]float32, w.Len()), guarded(w.Len())
		end := WindowEnd{Clamp: r.IntN(2) == 0, Hi: 6}
		for i := range want {
			at := i/width*w.pitch + i%width
			want[i] = x[at+taps[0]]
			for _, tap := range taps[1:] {
				want[i] = larger(x[at+tap], want[i])
			}
			if end.Clamp {
				want[i] = clamp(want[i], 0, 6)
			}
		}
		path.Largest(got[:w.Len()], x, w, end)
		compare(t, name, got[:w.Len()], want)
		checkGuard(t, name, got[w.Len():])
	})
}

func TestMeansEqualDefinition(t *testing.T) {
	eachWindows(t, func(name string, path Path, r *rand.Rand, rows, width int) {
		v := newValues(uint64(rows * width))
		pitch, taps := width+r.IntN(20), make([]int, []int{4, 9, 4, 9, 6}[r.IntN(5)])
		for i := range taps {
			taps[i] = r.IntN(60)
		}
		draw := v.mild
		if r.IntN(2) == 0 {
			draw = v.any
		}
		x := slack(fill(rows*pitch+60, draw))
		want, got := make([]float32, rows*width), guarded(rows*width)
		for i := range want {
			under := make([]float32, len(taps))
			for j, tap := range taps {
				under[j] = x[i/width*pitch+i%width+tap]
			}
			want[i] = DefineReduce(ReductionSum, under, 0) / float32(len(taps))
		}
		path.Means(got[:rows*width], x, NewWindows(rows, width, pitch, taps))
		compare(t, name, got[:rows*width], want)
		checkGuard(t, name, got[rows*width:])
	})
}

// Rows arrive in their places, and nothing but a border comes behind them.
func TestWidenAndHalve(t *testing.T) {
	eachWindows(t, func(name string, path Path, r *rand.Rand, rows, width int) {
		v := newValues(uint64(rows * width))
		from, border := fill(rows*width, v.mild), []float32{0, -infinity()}[r.IntN(2)]
		pitch := width + r.IntN(20)
		plain := func() []float32 {
			y := make([]float32, rows*pitch+2*Slack)
			for i := range y {
				y[i] = border
			}
			return y
		}
		want, got := plain(), plain()
		for i, x := range from {
			want[i/width*pitch+i%width] = x
		}
		path.Widen(got, from, rows, width, pitch, border)
		compare(t, name, got, want)
		wants, gots := [2][]float32{plain(), plain()}, [2][]float32{plain(), plain()}
		for i, x := range from {
			wants[i%width%2][i/width*pitch+i%width/2] = x
		}
		path.Halve(gots[0], gots[1], from, rows, width, pitch, border)
		for i := range wants {
			compare(t, name, gots[i], wants[i])
		}
	})
}

// What gentile.go, gen_windows.go and gen_thin.go write is what is checked in.
func TestTilesAndWindowsAreGenerated(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the generator")
	}
	folder := t.TempDir()
	for _, generator := range []string{"gentile.go", "gen_windows.go", "gen_thin.go"} {
		if out, err := exec.Command("go", "run", generator, folder).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", generator, err, out)
		}
	}
	for _, name := range []string{"tile_amd64.s", "tile_amd64.go", "tile_arm64.s", "tile_arm64.go", "windows_amd64.s", "windows_amd64.go", "thin_amd64.s", "thin_amd64.go"} {
		want, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s differs from what its generator writes; run go generate", name)
		}
	}
}
