package plan

import (
	"bytes"
	"context"
	"testing"

	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/program"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// A memoryShelf keeps copies, and finds it a mistake when something is packed that it has.
type memoryShelf struct {
	t     *testing.T
	kept  map[[32]byte][]byte
	taken int
	cut   int // bytes that are missing at the end of what it gives
}

func (s *memoryShelf) Take(name [32]byte) []byte {
	b, ok := s.kept[name]
	if !ok {
		return nil
	}
	s.taken++
	return b[:len(b)-s.cut]
}

func (s *memoryShelf) Keep(name [32]byte, b []byte) {
	if _, ok := s.kept[name]; ok && s.cut == 0 {
		s.t.Error("weights are packed that the shelf has")
	}
	s.kept[name] = bytes.Clone(b)
}

func (s *memoryShelf) NameOf(*tensor.Tensor) (name [32]byte, ok bool) { return name, false }

// What a shelf has is taken from it, for every kind of packing; what does not have the size that it must have is packed anew. That the results are
// equal is checked with every program of these tests (checkEqual).
func TestShelf(t *testing.T) {
	p, inputs := drawBytes(t, 3)
	net := mobileNet()
	float, err := program.Compile(net.model)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		p      *program.Program
		inputs []*tensor.Tensor
	}{{"bytes", p, inputs}, {net.name, float, net.inputs}} {
		shelf := &memoryShelf{t: t, kept: map[[32]byte][]byte{}}
		var want []*tensor.Tensor
		for round := range 3 {
			shelf.taken, shelf.cut = 0, 0
			if round == 2 {
				shelf.cut = 2
			}
			r := newRunner(t, c.p, Options{Path: kernel.Best(), Shelf: shelf})
			got, err := r.Run(context.Background(), c.inputs, program.DefaultLimits())
			if err != nil {
				t.Fatal(err)
			}
			if round == 0 {
				want = got
				if len(shelf.kept) == 0 {
					t.Fatalf("%s packs nothing", c.name)
				}
				continue
			}
			if shelf.taken != len(shelf.kept) {
				t.Errorf("%s, round %d: %d of %d are taken", c.name, round, shelf.taken, len(shelf.kept))
			}
			if d := differ(got, want); d != "" {
				t.Errorf("%s, round %d: %s", c.name, round, d)
			}
		}
	}
}
