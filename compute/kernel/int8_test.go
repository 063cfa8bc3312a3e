package kernel

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// Products of whole numbers against their definition: odd sizes, several segments, parts, all zero points and the largest numbers; and the
// taps of windows over planes of bytes.

func TestMultiplyBytesEqualsDefinition(t *testing.T) {
	sizes := [][3]int{{1, 1, 1}, {2, 16, 2}, {6, 15, 513}, {7, 33, 511}, {13, 100, 64}, {50, 49, 1100}, {97, 17, 9}, {200, 64, 600}}
	for i, d := range sizes {
		intProductCase(t, uint64(i), d[0], d[1], d[2])
	}
	r := rand.New(rand.NewPCG(1, 2))
	for seed := range uint64(30) {
		intProductCase(t, seed, 1+r.IntN(40), 1+r.IntN(70), 1+r.IntN(80))
	}
}

func intProductCase(t *testing.T, seed uint64, m, n, k int) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 8))
	zero := []int32{0, 255, 128, int32(r.IntN(256))}[seed%4]
	a, x, b := make([]int16, m*k), make([]uint8, k*n), make([]int16, k*n)
	for i := range a {
		a[i] = []int16{127, -128, 255, -255, int16(r.IntN(256) - 128)}[r.IntN(5)]
	}
	for i := range x {
		x[i] = []uint8{0, 255, uint8(r.IntN(256))}[r.IntN(3)]
		b[i] = int16(int32(x[i]) - zero)
	}
	columns := &ByteColumns{X: x, N: n, Zero: zero}
	for l := range k {
		columns.Offsets = append(columns.Offsets, int32(l*n))
	}
	want := make([]int32, m*n)
	DefineIntProduct(want, a, b, m, n, k)
	rows := PackIntRows(a, m, k)
	all := IntParts(rows, columns)
	for _, path := range Paths() {
		got := make([]int32, m*n)
		s := &IntScratch{}
		row, col := all.RowTo/2, all.ColTo/2
		for _, part := range []Part{{0, row, 0, col}, {row, all.RowTo, 0, col}, {0, row, col, all.ColTo}, {row, all.RowTo, col, all.ColTo}} {
			if part.RowFrom < part.RowTo && part.ColFrom < part.ColTo {
				path.MultiplyBytes(rows, columns, part, s, func(row, column int, sums []int32) { copy(got[row*n+column:], sums) })
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%v, %d × %d × %d, zero %d: differs from the definition", path, m, n, k, zero)
		}
	}
}

func FuzzMultiplyBytes(f *testing.F) {
	f.Add(uint64(1), uint8(7), uint8(33), uint16(513))
	f.Fuzz(func(t *testing.T, seed uint64, m, n uint8, k uint16) {
		intProductCase(t, seed, 1+int(m), 1+int(n), 1+int(k)%1200)
	})
}

// Sums that leave 32 bits wrap in the same way.
func TestMultiplyBytesWraps(t *testing.T) {
	const m, n, k = 3, 16, 70_000
	a, x := slices.Repeat([]int16{255}, m*k), slices.Repeat([]uint8{255}, n*k)
	columns := &ByteColumns{X: x, N: n}
	for l := range k {
		columns.Offsets = append(columns.Offsets, int32(l*n))
	}
	wide := int64(k) * 255 * 255
	rows := PackIntRows(a, m, k)
	for _, path := range Paths() {
		path.MultiplyBytes(rows, columns, IntParts(rows, columns), &IntScratch{}, func(_, _ int, sums []int32) {
			for _, v := range sums {
				if v != int32(wide) {
					t.Fatalf("%v: got %d, want %d", path, v, int32(wide))
				}
			}
		})
	}
}

func TestSlideBytes(t *testing.T) {
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 9))
		taps, n := 1+r.IntN(26), 1+r.IntN(90)
		zero := int32(r.IntN(256))
		weights, offsets := make([]int16, taps), make([]int32, taps)
		for i := range weights {
			weights[i], offsets[i] = []int16{-255, 255, 127, int16(r.IntN(255) - 127)}[r.IntN(4)], int32(r.IntN(200))
		}
		x := make([]uint8, 320)
		for i := range x {
			x[i] = uint8(r.IntN(256))
		}
		want := make([]int32, n)
		for i := range want {
			for j, w := range weights {
				want[i] += (int32(x[i+int(offsets[j])]) - zero) * int32(w)
			}
		}
		packed := PackByteTaps(weights, offsets, zero)
		for _, path := range Paths() {
			got := make([]int32, n+SlideSlack)
			path.SlideBytes(got, x, packed, n)
			if !slices.Equal(got[:n], want) {
				t.Errorf("%v, %d taps, %d elements: got %v, want %v", path, taps, n, got[:n], want)
			}
		}
	}
}

func TestRequantizeBytes(t *testing.T) {
	ratios := []float32{0.001, 0.5, 1, 3e-9, 1e30, math.MaxFloat32, -0.25, 0, float32(math.Inf(1)), NaN(), 1e-40}
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 10))
		n, bias, zero := r.IntN(140), int32(r.Uint32())>>r.IntN(32), int32(r.IntN(256))
		sums := make([]int32, n)
		for i := range sums {
			sums[i] = []int32{0, math.MaxInt32, math.MinInt32, -bias, int32(r.Uint32()) >> r.IntN(32)}[r.IntN(5)]
		}
		for _, ratio := range append(ratios, r.Float32()) {
			want := make([]uint8, n)
			for i, v := range sums {
				want[i] = uint8(unsigned().of(float32(float32(v+bias)*ratio), zero))
			}
			for _, path := range Paths() {
				got := make([]uint8, n)
				path.RequantizeBytes(got, sums, bias, ratio, zero)
				if !slices.Equal(got, want) {
					t.Fatalf("%v, seed %d, ratio %v, bias %d, zero %d: got %v, want %v", path, seed, ratio, bias, zero, got, want)
				}
			}
		}
	}
}

func TestEvenBytes(t *testing.T) {
	from := make([]uint8, 201)
	for i := range from {
		from[i] = uint8(7 * i)
	}
	for _, path := range Paths() {
		for n := range 101 {
			to := make([]uint8, n+1)
			path.EvenBytes(to[:n], from[:max(0, 2*n-1)])
			for i, v := range to[:n] {
				if v != from[2*i] {
					t.Fatalf("%v, %d bytes: element %d is %d, want %d", path, n, i, v, from[2*i])
				}
			}
			if to[n] != 0 {
				t.Errorf("%v, %d bytes: one more is written", path, n)
			}
		}
	}
}

// What the generator writes is what is checked in.
func TestInt8Generated(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the generator")
	}
	folder := t.TempDir()
	if out, err := exec.Command("go", "run", "gen_int8.go", folder).CombinedOutput(); err != nil {
		t.Fatalf("gen_int8.go: %v\n%s", err, out)
	}
	for _, name := range []string{"int8_amd64.s", "int8_amd64.go", "int8_arm64.s", "int8_arm64.go"} {
		want, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s differs from what gen_int8.go writes; run go generate", name)
		}
	}
}

func BenchmarkMultiplyBytes(b *testing.B) {
	for _, size := range [][3]int{{768, 768, 768}, {96, 3136, 24}, {960, 49, 160}} {
		m, n, k := size[0], size[1], size[2]
		a, x := make([]int16, m*k), make([]uint8, k*n)
		for i := range a {
			a[i] = int16(i%255 - 127)
		}
		for i := range x {
			x[i] = uint8(i * 7)
		}
		columns := &ByteColumns{X: x, N: n, Zero: 128}
		for l := range k {
			columns.Offsets = append(columns.Offsets, int32(l*n))
		}
		rows := PackIntRows(a, m, k)
		for _, path := range Paths()[1:] {
			b.Run(fmt.Sprintf("path=%v/%dx%dx%d", path, m, n, k), func(b *testing.B) {
				s := &IntScratch{}
				y := make([]uint8, m*n)
				for b.Loop() {
					path.MultiplyBytes(rows, columns, IntParts(rows, columns), s, func(row, column int, sums []int32) {
						path.RequantizeBytes(y[row*n+column:][:len(sums)], sums, 5, 0.001, 128)
					})
				}
				b.ReportMetric(2*float64(m)*float64(n)*float64(k)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GOP/s")
			})
		}
	}
}
