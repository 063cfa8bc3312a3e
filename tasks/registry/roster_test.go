package registry

import (
	"crypto/sha256"
	"maps"
	"testing"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/dice"
	"github.com/aiwork/aiwork-node/ledger/state"
	"github.com/aiwork/aiwork-node/vm/native"
)

// The roster: whoever reads the weights at the end of a session gets the same answer for as long as draws
// may ask, whatever workers do meanwhile (REG-2). The contract's other verbs are tested with jobs.

type nothing struct{}

func (nothing) Account(chain.Address) (a state.Account, found bool, err error) { return a, false, nil }
func (nothing) Slot(chain.Address, chain.Hash) (h chain.Hash, err error)       { return h, nil }
func (nothing) Code(chain.Hash) ([]byte, error)                                { return nil, nil }

type town struct {
	view   *state.View
	set    *native.Set
	block  native.Block
	params chain.Params
	seen   map[chain.Address]uint64 // what the last read gave
}

func newTown() *town {
	w := &town{view: state.New(nothing{})}
	m := Module()
	// A method for the test, to read as a draw does.
	m.Methods = append(m.Methods, native.Method{Signature: "candidates(uint64)", Returns: "(bool)", Run: func(c *native.Call) {
		s := c.Args.Uint64()
		if !c.Ready() {
			return
		}
		list, ok := Candidates(c, chain.Session(s))
		w.seen = map[chain.Address]uint64{}
		for _, x := range list {
			w.seen[x.Address] = x.Weight
		}
		c.Out.Bool(ok)
	}})
	w.set = native.NewSet(m)
	w.params.Jobs = chain.JobParams{WorkerBondMin: 1_000_000_000, UnbondMs: 1000}
	w.block = native.Block{Params: &w.params}
	return w
}

func (w *town) send(from chain.Address, value uint64, input []byte) bool {
	v := new(uint256.Int).Mul(uint256.NewInt(value), uint256.NewInt(1_000_000_000_000_000_000))
	w.view.BeginTx()
	w.view.AddBalance(chain.AddrRegistry, v)
	res := w.set.Run(native.Frame{State: w.view, Block: &w.block, Caller: from, Self: chain.AddrRegistry, Value: *v, Input: input, Gas: 30_000_000})
	if res.Err != nil {
		w.view.SubBalance(chain.AddrRegistry, v)
	}
	w.view.EndTx()
	return res.Err == nil
}

func (w *town) weights(s chain.Session) (map[chain.Address]uint64, bool) {
	e := native.NewInput("candidates(uint64)")
	e.Uint64(uint64(s))
	res := w.set.Run(native.Frame{State: w.view, Block: &w.block, Self: chain.AddrRegistry, Input: e.Out(), Gas: 30_000_000, Static: true})
	d := native.NewDecoder("(bool)", res.Output)
	return w.seen, d.Bool()
}

func TestSnapshots(t *testing.T) {
	for round := range 20 {
		w, d := newTown(), dice.New(sha256.Sum256([]byte{byte(round)}))
		pick := func(n uint64) uint64 { return d.Below(n) }
		ends := map[chain.Session]map[chain.Address]uint64{}
		changes := 0
		for s := chain.Session(1); s < 400; s++ {
			w.block.Session, w.block.ParentTimeMs = s, uint64(s)*1000
			for range pick(4) {
				a := chain.Address{byte(1 + pick(6))}
				var ok bool
				switch pick(6) {
				case 0:
					ok = w.send(a, 1+pick(9), PackRegister(a, []chain.Hash{{1}}, ""))
				case 1:
					ok = w.send(a, 1+pick(9), PackAddBond())
				case 2:
					ok = w.send(a, 0, PackRefresh(a))
				case 3:
					ok = w.send(a, 0, PackUnregister())
				case 4:
					ok = w.send(a, 0, PackWithdraw())
				case 5:
					ok = w.send(a, 0, PackDrain()) && w.send(a, 0, PackResume())
				}
				if ok {
					changes++
				}
			}
			now, _ := w.weights(s)
			ends[s] = maps.Clone(now)
			back := chain.Session(pick(SnapshotSessions + 1))
			if back >= s {
				continue
			}
			got, ok := w.weights(s - back)
			if !ok || !maps.Equal(got, ends[s-back]) {
				t.Fatalf("round %d, session %d: weights %d sessions ago: got %v (%v), want %v", round, s, back, got, ok, ends[s-back])
			}
		}
		if _, ok := w.weights(w.block.Session - SnapshotSessions - 1); ok {
			t.Errorf("round %d: weights too far back are given", round)
		}
		if changes < 50 {
			t.Errorf("round %d: only %d changes", round, changes)
		}
	}
}

func TestCollateral(t *testing.T) {
	for _, c := range []struct{ value, ppm, want uint64 }{
		{100, 1_000_000, 100}, // all audited: the value
		{100, 125_000, 1050},  // (1-p)/p * 1.5 = 10.5
		{1, 125_000, 11},      // rounded up
		{100, 900_000, 100},   // never below the value
		{100, 500_000, 150},
	} {
		got := Collateral(uint256.NewInt(c.value), c.ppm)
		if got.Uint64() != c.want {
			t.Errorf("value %d at %d ppm: got %s, want %d", c.value, c.ppm, got.Dec(), c.want)
		}
	}
}
