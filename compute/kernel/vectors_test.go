package kernel

import (
	"bytes"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "renew testdata/functions.txt, which changes AIW-1")

// testdata/functions.txt locks the bits of the elementary functions: a line is a name, the argument, for Pow
// the second one too, and the result. Another implementation of AIW-1 proves itself by it.
func TestFunctionVectors(t *testing.T) {
	const path = "testdata/functions.txt"
	got := functionVectors()
	if *rewrite {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	gotLines, wantLines := bytes.Split(got, []byte("\n")), bytes.Split(want, []byte("\n"))
	if len(gotLines) != len(wantLines) {
		t.Fatalf("%d lines, want %d", len(gotLines), len(wantLines))
	}
	for i, w := range wantLines {
		if !bytes.Equal(gotLines[i], w) {
			t.Errorf("line %d: got %s, want %s", i+1, gotLines[i], w)
		}
	}
}

// functionVectors computes them. The conversions keep the arguments from being fused, and so the same.
func functionVectors() []byte {
	var b bytes.Buffer
	r := rand.New(rand.NewPCG(5, 5))
	hex := func(v float32) string { return fmt.Sprintf("%08x", math.Float32bits(Canonical(v))) }
	for _, u := range unaries() {
		for _, pattern := range awkward() {
			x := math.Float32frombits(pattern)
			fmt.Fprintln(&b, u.name, hex(x), hex(u.f(x)))
		}
		for i := range 80 {
			x := math.Float32frombits(r.Uint32())
			switch i % 4 {
			case 1:
				x = float32(float64(r.Float64()*20) - 10)
			case 2:
				x = float32(float64(r.Float64()*200) - 100)
			case 3:
				x = float32(float64(r.Float64()*2) - 1)
			}
			fmt.Fprintln(&b, u.name, hex(x), hex(u.f(x)))
		}
	}
	for i := range 300 {
		x, y := math.Float32frombits(r.Uint32()&0x0fffffff+0x38000000), float32(float64(r.Float64()*32)-16)
		if i%3 == 0 {
			x, y = -x, float32(int(y))
		}
		fmt.Fprintln(&b, "Pow", hex(x), hex(y), hex(Pow(x, y)))
	}
	return b.Bytes()
}
