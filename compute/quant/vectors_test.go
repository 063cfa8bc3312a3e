package quant

import (
	"bytes"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/aiwork/aiwork-node/compute/kernel"
)

var rewrite = flag.Bool("rewrite", false, "renew testdata/blocks.txt, which changes AIW-1")

// testdata/blocks.txt locks rules AIW-13 to AIW-15. A line "q" is a block of 32 activations, d, the sum of the whole numbers
// and they; any other is a format, a row of weights in it, as many activations, and their product. Floats are given by bits.
func TestBlockVectors(t *testing.T) {
	const path = "testdata/blocks.txt"
	got := blockVectors()
	if *rewrite {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs from what the code gives; -rewrite shows how", path)
	}
}

func blockVectors() []byte {
	var b bytes.Buffer
	rnd := rand.New(rand.NewPCG(9, 9))
	hex := func(x []float32) (s string) {
		for _, v := range x {
			s += fmt.Sprintf("%08x", math.Float32bits(kernel.Canonical(v)))
		}
		return s
	}
	x := make([]float32, BlockLen)
	for i := range 40 {
		randomFloats(rnd, x, i%2 == 1)
		if i == 0 {
			clear(x)
		}
		q := make([]int8, BlockLen)
		s := DefineBlock(q, x)
		fmt.Fprintf(&b, "q %s %s %d %v\n", hex(x), hex([]float32{s.d}), -s.neg, q)
	}
	for _, f := range quantised() {
		for i := range 8 {
			var a Activations
			a.Resize(1, f.superLen()*(1+i%3*256/f.superLen()))
			randomFloats(rnd, a.Float, i == 7)
			a.Quantise(kernel.Best(), 0, 1)
			raw := randomBytes(rnd, f, 1, a.K)
			fmt.Fprintf(&b, "%v %x %s %s\n", f, raw, hex(a.Float), hex([]float32{DefineDot(f, raw, &a, 0)}))
		}
	}
	return b.Bytes()
}
