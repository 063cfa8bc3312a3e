package dispute_test

import (
	"errors"
	"testing"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/compute/receipt"
	"github.com/aiwork/aiwork-node/compute/receipt/receipttest"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/ledger/state"
	"github.com/aiwork/aiwork-node/tasks/dispute"
	"github.com/aiwork/aiwork-node/vm/native"
)

// A world is the contract over a real journaled state, beside one that opens disputes for whoever asks. After every
// call the money is counted.
type world struct {
	t      testing.TB
	view   *state.View
	set    *native.Set
	params chain.Params
	block  native.Block
	minted uint256.Int
	gas    map[string]uint64 // the dearest call of each method
	last   uint64            // of the last call
	logs   []dispute.Log
	raw    []chain.Log
}

type nothing struct{}

func (nothing) Account(chain.Address) (a state.Account, found bool, err error) { return a, false, nil }
func (nothing) Slot(chain.Address, chain.Hash) (h chain.Hash, err error)       { return h, nil }
func (nothing) Code(chain.Hash) ([]byte, error)                                { return nil, nil }

func (w *world) Slot(a chain.Address, key chain.Hash) (chain.Hash, error) {
	return w.view.Slot(a, key), nil
}

var (
	court      = chain.Address{19: 0xEE}
	worker     = chain.Address{0: 1}
	stranger   = chain.Address{0: 3}
	challenger = chain.Address{0: 2}
)

// host opens disputes: a challenger pays the bond to it, as it does to the contract of jobs.
func host() native.Module {
	return native.Module{Name: "court", Address: court, Methods: []native.Method{{
		Signature: "open(bytes32,address,bytes,bytes32,uint64," + dispute.ClaimTypes + ")", Returns: "(uint64)", Mutability: native.Payable,
		Run: func(c *native.Call) {
			model, defender := c.Args.Hash(), c.Args.Address()
			given := dispute.Subject{Result: c.Args.Bytes(255), Blob: c.Args.Hash(), Size: uint32(c.Args.Uint64())}
			k := dispute.ReadClaim(c.Args)
			if !c.Ready() {
				return
			}
			bond := c.Value()
			c.Pay(chain.AddrDisputes, &bond)
			given.Model, given.Defender = model, defender
			c.Out.Uint64(dispute.Open(c.As(chain.AddrDisputes), &given, c.Caller(), &k, &bond))
		},
	}, {
		Signature: "outcome(uint64)", Returns: "(uint8,bool)", Mutability: native.NonPayable,
		Run: func(c *native.Call) {
			id := c.Args.Uint64()
			if !c.Ready() {
				return
			}
			v, ended := dispute.Outcome(c.As(chain.AddrDisputes), id)
			c.Out.Uint64(uint64(v))
			c.Out.Bool(ended)
		},
	}}}
}

func packOpen(model chain.Hash, defender chain.Address, given *dispute.Subject, k *dispute.Claim) []byte {
	e := native.NewInput("open(bytes32,address,bytes,bytes32,uint64," + dispute.ClaimTypes + ")")
	e.Hash(model)
	e.Address(defender)
	e.Bytes(given.Result)
	e.Hash(given.Blob)
	e.Uint64(uint64(given.Size))
	k.Write(e)
	return e.Out()
}

func tokens(n uint64) *uint256.Int {
	return new(uint256.Int).Mul(uint256.NewInt(n), uint256.NewInt(1_000_000_000_000_000_000))
}

var none = new(uint256.Int)

func newWorld(t testing.TB) *world {
	w := &world{t: t, view: state.New(nothing{}), set: native.NewSet(host(), dispute.Module()), gas: map[string]uint64{}}
	w.params.Jobs = chain.JobParams{DisputeBond: 10_000_000_000, DisputeFirstMs: 120_000, DisputeAnswerMs: 20_000, DisputeFeedMs: 60_000}
	w.block = native.Block{ChainID: 7, Params: &w.params, Genesis: chain.Hash{9}, TimeMs: 1_000_000, ParentTimeMs: 1_000_000}
	for _, a := range []chain.Address{worker, challenger, stranger} {
		w.view.AddBalance(a, tokens(1000))
		w.minted.Add(&w.minted, tokens(1000))
	}
	return w
}

func (w *world) wait(ms uint64) { w.block.ParentTimeMs += ms }

// send makes a call and counts the money. A call that fails must leave everything as it was.
func (w *world) send(method string, from, to chain.Address, value *uint256.Int, input []byte) native.Result {
	w.t.Helper()
	f := native.Frame{State: w.view, Block: &w.block, Caller: from, Self: to, Value: *value, Input: input, Gas: 16_000_000}
	w.view.BeginTx()
	defer w.view.EndTx()
	before := w.view.Snapshot()
	if held := w.view.Balance(from); held.Lt(value) {
		return native.Result{Err: errors.New("overdraft")}
	}
	w.view.SubBalance(from, value)
	w.view.AddBalance(to, value)
	w.view.WarmAddress(to)
	w.view.WarmAddress(from)
	res := w.set.Run(f)
	if res.Err != nil {
		w.view.RevertTo(before)
	} else {
		w.last = f.Gas - res.GasLeft
		w.gas[method] = max(w.gas[method], w.last)
	}
	for i := range w.view.Logs() {
		l, ok := dispute.DecodeLog(&w.view.Logs()[i])
		if !ok {
			w.t.Fatalf("log is not decoded: %x", w.view.Logs()[i].Topics)
		}
		w.logs, w.raw = append(w.logs, l), append(w.raw, w.view.Logs()[i])
	}
	w.check()
	return res
}

// check asserts that no money is made or lost, and that the contract holds the open bonds alone.
func (w *world) check() {
	w.t.Helper()
	var sum, bonds uint256.Int
	for _, a := range []chain.Address{worker, challenger, stranger, court, chain.AddrDisputes} {
		b := w.view.Balance(a)
		sum.Add(&sum, &b)
	}
	slot := w.view.Slot(chain.AddrDisputes, native.BurnedKey())
	sum.Add(&sum, new(uint256.Int).SetBytes(slot[:]))
	if sum != w.minted {
		w.t.Fatalf("supply: got %s, want %s", sum.Dec(), w.minted.Dec())
	}
	n, err := dispute.Count(w)
	if err != nil {
		w.t.Fatal(err)
	}
	for id := uint64(1); id <= n; id++ {
		d := w.load(id)
		bonds.Add(&bonds, &d.Bond)
		if (d.Phase == dispute.Ended) != d.Bond.IsZero() {
			w.t.Fatalf("dispute %d is %v with a bond of %s", id, d.Phase, d.Bond.Dec())
		}
	}
	if held := w.view.Balance(chain.AddrDisputes); held != bonds {
		w.t.Fatalf("the contract holds %s, want %s", held.Dec(), bonds.Dec())
	}
}

func (w *world) load(id uint64) dispute.Dispute {
	w.t.Helper()
	d, err := dispute.Load(w, id)
	if err != nil {
		w.t.Fatal(err)
	}
	return d
}

func (w *world) must(res native.Result) native.Result {
	w.t.Helper()
	if res.Err != nil {
		w.t.Fatalf("call: %v", res.Err)
	}
	return res
}

// open begins a dispute between two runs.
func (w *world) open(defence, attack *receipt.Advocate, model chain.Hash) uint64 {
	w.t.Helper()
	res := w.must(w.send("open", challenger, court, tokens(10), packOpen(model, worker, givenOf(defence), attack.Claim())))
	id, _ := dispute.Count(w)
	_ = res
	return id
}

// settle disputes defence against attack and gives the dispute as it has ended. The honest side feeds.
func settle(t testing.TB, defence, attack *receipt.Trace, honest dispute.Side) (dispute.Dispute, *world) {
	t.Helper()
	w := newWorld(t)
	return w.play(defence, attack, honest).Run(t), w
}

// play opens a dispute; the honest side feeds.
func (w *world) play(defence, attack *receipt.Trace, honest dispute.Side) *receipttest.Play {
	w.t.Helper()
	return w.playOf([2]*receipt.Advocate{receipt.NewAdvocate(defence), receipt.NewAdvocate(attack)}, defence.Model.Net.ID(), honest)
}

// playOf opens a dispute between two advocates, the defender's first.
func (w *world) playOf(sides [2]*receipt.Advocate, model chain.Hash, honest dispute.Side) *receipttest.Play {
	w.t.Helper()
	p := &receipttest.Play{Load: w.load, Third: stranger, Sides: sides}
	p.Feeder = p.Sides[honest]
	p.Send = func(method string, from chain.Address, input []byte) {
		w.t.Helper()
		w.must(w.send(method, from, chain.AddrDisputes, none, input))
	}
	p.ID = w.open(p.Sides[0], p.Sides[1], model)
	return p
}
