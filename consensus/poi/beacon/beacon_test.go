package beacon

import (
	"crypto/sha256"
	"encoding/binary"
	"testing"

	"github.com/aiwork/aiwork-node/consensus/poi/sortition"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/ledger/state"
	"github.com/aiwork/aiwork-node/vm/native"
)

// The seeds of a chain of blocks, against the same computed beside it; what is in the ring and what is not.

type nothing struct{}

func (nothing) Account(chain.Address) (a state.Account, found bool, err error) { return a, false, nil }
func (nothing) Slot(chain.Address, chain.Hash) (h chain.Hash, err error)       { return h, nil }
func (nothing) Code(chain.Hash) ([]byte, error)                                { return nil, nil }

type reader struct{ *state.View }

func (r reader) Slot(a chain.Address, key chain.Hash) (chain.Hash, error) {
	return r.View.Slot(a, key), nil
}

func beta(h chain.Height) [32]byte {
	return sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(h)))
}

func TestSeeds(t *testing.T) {
	view, set := state.New(nothing{}), native.NewSet(Module())
	genesis := chain.Hash{4, 2}
	want := [][32]byte{sortition.FirstSeed(genesis)}
	var betas [][32]byte
	if _, known, _ := Seed(reader{view}, 0); known {
		t.Fatal("R_0 is known before block 1")
	}
	for h := chain.Height(1); h < 200; h++ {
		set.BeginBlock(view, &native.Block{Height: h, Genesis: genesis}, beta(h))
		if betas = append(betas, beta(h)); h%chain.SessionHeights == 0 {
			next := chain.Session(len(want))
			want = append(want, sortition.NextSeed(want[next-1], next, betas))
			betas = nil
		}
		for s := range chain.Session(9) {
			got, known, err := Seed(reader{view}, s)
			if err != nil {
				t.Fatal(err)
			}
			if due := h >= s.FirstHeight(); known != due || (known && got != want[s]) {
				t.Fatalf("height %d, R_%d: got %x, %v; want it known: %v", h, s, got, known, due)
			}
		}
	}
}

// A seed that has left the ring is not known any more.
func TestRing(t *testing.T) {
	view, set := state.New(nothing{}), native.NewSet(Module())
	set.BeginBlock(view, &native.Block{Height: 1}, [32]byte{})
	c := native.Key("latest")
	for _, x := range []struct {
		count uint64
		s     chain.Session
		known bool
	}{{RingSessions, 0, true}, {RingSessions + 1, 0, false}, {RingSessions + 1, 1, true}, {5, 5, false}} {
		view.SetSlot(chain.AddrBeacon, c, native.WordOfUint64(x.count))
		if _, known, _ := Seed(reader{view}, x.s); known != x.known {
			t.Errorf("R_%d of %d: got %v, want %v", x.s, x.count, known, x.known)
		}
	}
}
