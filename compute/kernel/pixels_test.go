package kernel

import (
	"bytes"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
)

// Convolutions pixel by pixel against sums as the rule has them: odd numbers of outputs and taps, windows of several rows, all zero points,
// the largest numbers.

// pixelEnd draws what makes bytes of n sums.
func pixelEnd(r *rand.Rand, n int) PixelEnd {
	e := PixelEnd{Zero: []int32{0, 255, int32(r.IntN(256))}[r.IntN(3)]}
	for range n {
		e.Bias = append(e.Bias, []int32{0, 1<<31 - 1, -1 << 31, int32(r.IntN(20001) - 10000)}[r.IntN(4)])
		e.Ratios = append(e.Ratios, []float32{1e-4, 0.01, -0.5, 0, 1e30, r.Float32() / 1000}[r.IntN(6)])
	}
	return e
}

func drawWords(r *rand.Rand, n int) []int16 {
	v := make([]int16, n)
	for i := range v {
		v[i] = []int16{127, -128, 255, -255, int16(r.IntN(256) - 128)}[r.IntN(5)]
	}
	return v
}

// drawWeights draws words, bytes of any size, or bytes few of which are large.
func drawWeights(r *rand.Rand, n int) []int16 {
	v := drawWords(r, n)
	if kind := r.IntN(4); kind > 0 {
		for i := range v {
			v[i] = int16(r.IntN(256) - 128)
			if kind > 1 {
				v[i] /= 3
			}
		}
		for range 2 {
			v[r.IntN(n)] = []int16{127, -128}[r.IntN(2)]
		}
	}
	return v
}

// Both forms of weights must come up, and extra steps.
func TestPixelForms(t *testing.T) {
	seen := map[string]bool{}
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 33))
		w := PackPixelWeights(drawWeights(r, 640), 32, 2, 10)
		seen["words"] = seen["words"] || w.words != nil
		for _, e := range w.extras {
			seen["extras"] = seen["extras"] || len(e.steps) > 0
			seen["none"] = seen["none"] || len(e.steps) == 0
		}
	}
	if len(seen) != 3 || !seen["words"] || !seen["extras"] || !seen["none"] {
		t.Errorf("not all forms: %v", seen)
	}
}

// What is kept is what was packed; what was cut short, or names steps that are not there, is nothing.
func TestKeptPixelWeights(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 34))
		n, segments, length := 1+r.IntN(40), 1+r.IntN(3), 1+r.IntN(20)
		w := PackPixelWeights(drawWeights(r, n*segments*length), n, segments, length)
		b := slices.Clone(w.Bytes())
		if got := KeptPixelWeights(b, n, segments, length); !reflect.DeepEqual(got, w) {
			t.Fatalf("seed %d: got %+v, want %+v", seed, got, w)
		}
		for cut := range len(b) {
			if KeptPixelWeights(b[:cut], n, segments, length) != nil {
				t.Fatalf("seed %d: %d of %d bytes make weights", seed, cut, len(b))
			}
		}
		for i, e := range w.extras {
			if len(e.steps) > 0 {
				w.extras[i].steps[0] = segments * w.steps
				if KeptPixelWeights(slices.Clone(w.Bytes()), n, segments, length) != nil {
					t.Fatalf("seed %d: a step that is not there", seed)
				}
				break
			}
		}
	}
}

// Pairs of all weights stay within 16 bits in every step, and come to what they were.
func TestTakePairs(t *testing.T) {
	for a := -255; a <= 255; a++ {
		for b := -255; b <= 255; b++ {
			left, sum, more := []int16{int16(a), int16(b)}, [2]int{}, true
			for steps := 0; more; steps++ {
				step := make([]int8, 2)
				more = takePairs(step, left)
				up, down := 0, 0
				for i, v := range step {
					sum[i] += int(v)
					up, down = up+255*max(int(v), 0), down+255*min(int(v), 0)
				}
				if up > math.MaxInt16 || down < math.MinInt16 || steps == 4 {
					t.Fatalf("%d and %d: step %d is %v", a, b, steps, step)
				}
			}
			if sum != [2]int{a, b} {
				t.Fatalf("%d and %d become %v", a, b, sum)
			}
		}
	}
}

func drawBytes(r *rand.Rand, n int) []uint8 {
	v := make([]uint8, n)
	for i := range v {
		v[i] = []uint8{0, 255, uint8(r.IntN(256))}[r.IntN(3)]
	}
	return v
}

func TestMultiplyPixels(t *testing.T) {
	for seed := range uint64(40) {
		pixelCase(t, seed)
	}
}

func FuzzMultiplyPixels(f *testing.F) {
	f.Add(uint64(100))
	f.Fuzz(pixelCase)
}

func pixelCase(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 31))
	n, rows, segments, length := 1+r.IntN(50), 1+r.IntN(20), 1+r.IntN(3), 1+r.IntN(40)
	step, zero := 1+r.IntN(60), []int32{0, 255, int32(r.IntN(256))}[r.IntN(3)]
	jump := length + 1 + r.IntN(9)
	weights, end := drawWeights(r, n*segments*length), pixelEnd(r, n)
	from := drawBytes(r, (rows-1)*step+segments*jump+length+3)
	w := PackPixelWeights(weights, n, segments, length).Product(jump, zero, end)
	stride := PixelStride(max(n, 5))
	want, sums := make([]uint8, rows*n), make([]int32, rows*n)
	for i := range rows {
		for j := range n {
			sum := end.Bias[j]
			for k := range segments * length {
				sum += (int32(from[i*step+k/length*jump+k%length]) - zero) * int32(weights[j*segments*length+k])
			}
			want[i*n+j], sums[i*n+j] = uint8(unsigned().of(float32(float32(sum)*end.Ratios[j]), end.Zero)), sum
		}
	}
	for _, path := range Paths() {
		floats := make([]float32, rows*n)
		path.MultiplyPixelsFloat(floats, n, PixelRows{from, rows, step}, w, 0, w.Panels(), &PixelScratch{})
		for i, sum := range sums {
			if v := float32(float32(sum) * end.Ratios[i%n]); floats[i] != v {
				t.Fatalf("%v, seed %d, row %d, output %d: got %v, want %v", path, seed, i/n, i%n, floats[i], v)
			}
		}
		y, half := make([]uint8, rows*stride), w.Panels()/2
		for _, part := range [][2]int{{0, half}, {half, w.Panels()}} {
			path.MultiplyPixels(y, stride, PixelRows{from, rows, step}, w, part[0], part[1], &PixelScratch{})
		}
		for i := range rows {
			if got := y[i*stride:][:n]; !slices.Equal(got, want[i*n:][:n]) {
				t.Fatalf("%v, seed %d, row %d: got %v, want %v", path, seed, i, got, want[i*n:][:n])
			}
		}
	}
}

func TestSlidePixels(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 32))
		channels, n, taps := 1+r.IntN(60), 1+r.IntN(12), 1+r.IntN(26)
		stride := PixelStride(max(channels, 5))
		step, zero := stride*(1+r.IntN(2)), int32(r.IntN(256))
		weights, end, offsets := drawWords(r, channels*taps), pixelEnd(r, channels), make([]int32, taps)
		for i := range offsets {
			offsets[i] = int32(stride * r.IntN(9))
		}
		x := drawBytes(r, n*step+9*stride)
		packed := PackPixelTaps(weights, offsets, zero, end)
		for _, path := range Paths() {
			y := make([]uint8, n*stride)
			path.SlidePixels(y, x, n, step, packed)
			for i := range n * channels {
				pixel, ch := i/channels, i%channels
				sum := end.Bias[ch]
				for l, o := range offsets {
					sum += (int32(x[pixel*step+int(o)+ch]) - zero) * int32(weights[ch*taps+l])
				}
				want := uint8(unsigned().of(float32(float32(sum)*end.Ratios[ch]), end.Zero))
				if got := y[pixel*stride+ch]; got != want {
					t.Fatalf("%v, seed %d, pixel %d, channel %d: got %d, want %d", path, seed, pixel, ch, got, want)
				}
			}
		}
	}
}

func TestTurnBytes(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 35))
		rows, cols := 1+r.IntN(70), 1+r.IntN(70)
		ldTo, ldFrom := rows+r.IntN(9), cols+r.IntN(9)
		from := drawBytes(r, rows*ldFrom)
		for _, path := range Paths() {
			to := make([]uint8, cols*ldTo)
			path.TurnBytes(to[:(cols-1)*ldTo+rows], ldTo, from[:(rows-1)*ldFrom+cols], ldFrom, rows, cols)
			for i, v := range to {
				want := uint8(0)
				if r, c := i%ldTo, i/ldTo; r < rows {
					want = from[r*ldFrom+c]
				}
				if v != want {
					t.Fatalf("%v, seed %d, %d × %d, element %d: got %d, want %d", path, seed, rows, cols, i, v, want)
				}
			}
		}
	}
}

// What the generator writes is what is checked in.
func TestPixelsGenerated(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the generator")
	}
	folder := t.TempDir()
	if out, err := exec.Command("go", "run", "gen_pixels.go", folder).CombinedOutput(); err != nil {
		t.Fatalf("gen_pixels.go: %v\n%s", err, out)
	}
	for _, name := range []string{"pixels_amd64.s", "pixels_amd64.go"} {
		want, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s differs from what gen_pixels.go writes; run go generate", name)
		}
	}
}
