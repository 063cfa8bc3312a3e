package operator

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// What goes row by row against the forms that go element by element, over windows of all kinds: strides,
// dilations, padding of either side, kernels that reach over the whole input.

func randomAttrs(r *rand.Rand) windowAttrs {
	pair := func(least, n int) []int64 { return []int64{int64(least + r.IntN(n)), int64(least + r.IntN(n))} }
	w := windowAttrs{autoPad: "NOTSET", kernel: pair(1, 4), strides: pair(1, 3), dilations: pair(1, 2)}
	w.pads = append(pair(0, 3), pair(0, 3)...)
	w.ceil = r.IntN(3) == 0
	return w
}

func testCall(path kernel.Path, in ...*tensor.Tensor) *Call {
	return &Call{In: in, Outs: 1, Path: path, Budget: &Budget{Bytes: 1 << 28, Steps: 1 << 32}}
}

func wildTensor(r *rand.Rand, shape ...int) *tensor.Tensor {
	t := tensor.New(tensor.Float32, shape)
	for i := range floatsOf(t) {
		floatsOf(t)[i] = wild(r)
	}
	return t
}

func TestConvolutionRows(t *testing.T) {
	r := rand.New(rand.NewPCG(60, 60))
	tried := 0
	for range 600 {
		w, in := randomAttrs(r), []int{1 + r.IntN(12), 1 + r.IntN(40)}
		w.ceil = false
		g, err := w.resolve(in, nil)
		if err != nil || tensor.Count(g.out) == 0 {
			continue
		}
		tried++
		outs, channels := 1+r.IntN(3), 1+r.IntN(3)
		taps := tensor.Count(g.kernel)
		x, weights := wildTensor(r, channels, in[0], in[1]), wildTensor(r, outs, channels, taps)
		var bias []float32
		if r.IntN(2) == 0 {
			bias = floatsOf(random(r, outs))
		}
		var want []float32
		for i, rule := range []func(out, tap []int) int{g.source, nil} {
			for _, path := range kernel.Paths() {
				c := testCall(path)
				v, err := c.convolution(g, rule, outs, channels)
				if err != nil {
					t.Fatal(err)
				}
				v.weights, v.bias = floatsOf(weights), bias
				got := floatsOf(random(r, outs*v.positions))
				if err := c.convolve(&v, got, floatsOf(x)); err != nil {
					t.Fatal(err)
				}
				if want == nil {
					want = got
				}
				equalBits(t, fmt.Sprintf("%v: form %d of %d × %d channels, %+v", path, i, outs, channels, g), got, want)
			}
		}
	}
	if tried < 200 {
		t.Errorf("%d geometries were tried", tried)
	}
}

func TestPoolRows(t *testing.T) {
	r := rand.New(rand.NewPCG(61, 61))
	fast := 0
	for range 600 {
		w, x := randomAttrs(r), wildTensor(r, 1, 2, 1+r.IntN(12), 1+r.IntN(40))
		if g, err := w.resolve(x.Shape()[2:], nil); err != nil || tensor.Count(g.out) == 0 {
			continue
		}
		for _, path := range kernel.Paths() {
			c := testCall(path, x)
			for _, padded := range []bool{false, true} {
				out, ok, err := c.poolRows(w, true, func(p rowPool, y, x []float32) { p.average(y, x, padded) })
				if err != nil {
					t.Fatal(err)
				}
				if !ok {
					continue
				}
				fast++
				want, err := c.poolFloats(w, func(out []int, g geometry, row []float32) float32 {
					n := len(row)
					if padded {
						n = g.covered(out)
					}
					return kernel.DefineReduce(kernel.ReductionSum, row, 0) / float32(n)
				})
				if err != nil {
					t.Fatal(err)
				}
				equalBits(t, fmt.Sprintf("%v: average %+v of %v", path, w, x.Shape()), floatsOf(out), floatsOf(want[0]))
			}
			out, ok, err := c.poolRows(w, false, func(p rowPool, y, x []float32) { p.largest(y, x) })
			if err != nil {
				t.Fatal(err)
			}
			if !ok {
				continue
			}
			before := beforeOf(x)
			var want []float32
			_, err = c.pooled(w, x, func(plane, o int, _ []int, g geometry, under []int32) {
				if want == nil {
					want = make([]float32, 2*tensor.Count(g.out))
				}
				best := int32(-1)
				for _, s := range under {
					if i := int32(plane*tensor.Count(g.in)) + s; best < 0 || before(i, best) {
						best = i
					}
				}
				want[plane*tensor.Count(g.out)+o] = floatsOf(x)[best]
			})
			if err != nil {
				t.Fatal(err)
			}
			equalBits(t, fmt.Sprintf("%v: largest %+v of %v", path, w, x.Shape()), floatsOf(out), want)
		}
	}
	if fast < 200 {
		t.Errorf("%d pools went by rows", fast)
	}
}

func TestTransposedPhases(t *testing.T) {
	r := rand.New(rand.NewPCG(62, 62))
	for round := range 300 {
		w, in := randomAttrs(r), []int{1 + r.IntN(6), 1 + r.IntN(12)}
		w.ceil = false
		kernelSize := []int{int(w.kernel[0]), int(w.kernel[1])}
		g, err := w.transposed(in, kernelSize, nil, nil)
		if err != nil || tensor.Count(g.out) == 0 {
			continue
		}
		outs, channels := 1+r.IntN(3), 1+r.IntN(3)
		if round%4 == 0 {
			channels = 90 + r.IntN(200) // several segments
		}
		taps := tensor.Count(g.kernel)
		x, weights := wildTensor(r, channels, in[0], in[1]), random(r, outs, channels, taps)
		for _, path := range kernel.Paths() {
			c := testCall(path)
			v, err := c.convolution(g, g.origin, outs, channels)
			if err != nil {
				t.Fatal(err)
			}
			v.weights = floatsOf(weights)
			if round%2 == 0 {
				v.bias = floatsOf(random(r, outs))
			}
			want, got := make([]float32, outs*v.positions), floatsOf(random(r, outs*v.positions))
			if err := c.convolve(&v, want, floatsOf(x)); err != nil {
				t.Fatal(err)
			}
			list, buffers, err := c.transposedPhases(g, outs, channels)
			if err != nil {
				t.Fatal(err)
			}
			if err := c.convolveTransposed(&v, g, list, buffers, got, floatsOf(x)); err != nil {
				t.Fatal(err)
			}
			equalBits(t, fmt.Sprintf("%v: %d × %d channels, %+v", path, outs, channels, g), got, want)
		}
	}
}
