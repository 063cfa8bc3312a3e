package pass

// Passes: the operators of a locked example, their numbers and places; and bytes of any kind given to the decoders. What the operators
// compute is held against compute/lm by its tests, what items and answers are against compute/language.

import (
	"crypto/sha256"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/tile"
)

func example() Pass {
	s := Shape{
		Arch: "llama", Layers: 2, Dim: 64, Hidden: 172, Heads: 8, KeyHeads: 4, HeadDim: 8, Context: 512, RotateDims: 8,
		Epsilon: 0x3727c5ac, RotateBase: 0x461c4000, RotatePositions: 0x3f800000,
	}
	return Pass{Shape: s, Tokens: 9, Draw: Draw{TemperaturePpm: 900_000, TopK: 40, TopPPpm: 950_000, PenaltyPpm: 1_100_000, PenaltyReach: 64, Seed: 7}}
}

// tensors are all there but the output matrix, factors and biases.
func (p *Pass) tensors(place int) Tensor {
	name := p.Shape.TensorNames()[place]
	if name == "output.weight" || name == "rope_freqs.weight" || strings.HasSuffix(name, ".bias") {
		return Tensor{}
	}
	return Tensor{Name: name, Format: tile.FormatQ8_0, Dims: []uint64{64, 32}, Root: sha256.Sum256([]byte(name))}
}

// What an operator is called, reads and makes, and the encodings, are locked: a change is a change of the protocol. AIWORK_REWRITE=1 writes the
// file anew, and the difference is to be read.
func TestConformance(t *testing.T) {
	const path = "testdata/conformance.txt"
	p := example()
	var b strings.Builder
	fmt.Fprintf(&b, "shape %x\npass %x\nplaces %d\n", p.Shape.Encode(), p.Encode(), p.Shape.Places())
	first := p.tensors(0)
	fmt.Fprintf(&b, "tensor %x\n", first.Encode())
	for i := range p.Ops() {
		op, err := p.Op(i, p.tensors)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(op.Encode())
		fmt.Fprintf(&b, "%d %s %d reads %d, %x\n", i, op.Name, p.FirstOf(i), op.In, sum[:8])
	}
	if os.Getenv("AIWORK_REWRITE") == "1" {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

// Operators make values without gaps, read only what was made before, and ask for the tensors that they name.
func TestOrder(t *testing.T) {
	for _, d := range []Draw{{}, example().Draw, {TemperaturePpm: 1}, {TemperaturePpm: 1, TopPPpm: 1}, {PenaltyPpm: ppm}} {
		p := example()
		p.Draw = d
		next := net.Value(1 + p.Shape.Places())
		for i := range p.Ops() {
			asked := map[int]bool{}
			op, err := p.Op(i, func(place int) Tensor {
				asked[place] = true
				return p.tensors(place)
			})
			if err != nil {
				t.Fatal(err)
			}
			if got := p.FirstOf(i); got != next {
				t.Fatalf("%+v: operator %d makes value %d first, want %d", d, i, got, next)
			}
			for _, v := range op.In {
				if v != net.None && v >= next {
					t.Errorf("%+v: operator %d reads value %d, its own are from %d on", d, i, v, next)
				}
				if v > 0 && int(v) <= p.Shape.Places() && !asked[int(v)-1] {
					t.Errorf("%+v: operator %d reads tensor %d unasked", d, i, v-1)
				}
			}
			needs := map[int]bool{}
			for _, place := range p.Needs(i) {
				needs[place] = true
			}
			for place := range asked {
				if !needs[place] {
					t.Errorf("%+v: operator %d asks for tensor %d, which Needs does not name", d, i, place)
				}
			}
			next += net.Value(op.Made())
		}
		if got := p.Values(); got != next {
			t.Errorf("%+v: %d values, want %d", d, got, next)
		}
	}
}

func TestAgreed(t *testing.T) {
	for _, c := range []struct {
		a, b []uint32
		n    int
		ok   bool
	}{
		{[]uint32{1, 2, 3}, []uint32{1, 2, 4, 5}, 2, true},
		{[]uint32{1}, []uint32{2}, 0, true},
		{[]uint32{1, 2}, []uint32{1, 2}, 2, false},
		{[]uint32{1, 2}, []uint32{1, 2, 3}, 2, false},
	} {
		if n, ok := Agreed(c.a, c.b); n != c.n || ok != c.ok {
			t.Errorf("%v and %v: got %d, %v, want %d, %v", c.a, c.b, n, ok, c.n, c.ok)
		}
	}
}

// FuzzDecode gives bytes to every decoder: what one takes has one encoding, and its operators can be asked for.
func FuzzDecode(f *testing.F) {
	p := example()
	first := p.tensors(0)
	f.Add(p.Shape.Encode())
	f.Add(p.Encode())
	f.Add(first.Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := DecodeShape(b); err == nil {
			if string(s.Encode()) != string(b) {
				t.Errorf("the shape %x has another encoding, %x", b, s.Encode())
			}
			q := Pass{Shape: s, Tokens: 1, Draw: p.Draw}
			for _, i := range []int{0, 1, q.Ops() / 2, q.Ops() - 1} {
				_, _ = q.Op(i, func(int) Tensor { return first })
			}
		}
		if q, err := Decode(p.Shape, b); err == nil && string(q.Encode()) != string(b) {
			t.Errorf("the pass %x has another encoding", b)
		}
		if d, err := DecodeTensor(b); err == nil && len(b) > 0 && string(d.Encode()) != string(b) {
			t.Errorf("the tensor %x has another encoding", b)
		}
		_, _ = DecodeItem(b)
		_, _ = DecodeAnswer(b)
	})
}
