package dispute_test

import (
	"math/rand/v2"
	"testing"

	"github.com/aiwork/aiwork-node/compute/receipt"
	"github.com/aiwork/aiwork-node/compute/receipt/receipttest"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/tasks/dispute"
)

// Both parties play a dispute from the chain alone, each call by an advocate that knows nothing of the calls before, as after a restart
// of its program: what they need stands in the record and, for what was shown, in the logs.
func TestPartiesFromTheChainAlone(t *testing.T) {
	m, in := receipttest.Network(1)
	run := receipttest.Trace(t, m, in)
	for at := range m.Net.OpList {
		liar := receipttest.Lie(run, m.Net.FirstOf(at), rand.New(rand.NewPCG(uint64(at), 5)))
		for honest, want := range map[dispute.Side]dispute.Verdict{dispute.Defender: dispute.Stands, dispute.Challenger: dispute.Wrong} {
			sides := [2]*receipt.Trace{liar, liar}
			sides[honest] = run
			w := newWorld(t)
			id := w.open(receipt.NewAdvocate(sides[0]), receipt.NewAdvocate(sides[1]), m.Net.ID())
			if d := w.fromTheChain(id, sides); d.Verdict != want {
				t.Errorf("a lie at operator %d, side %d being honest: got %v, want %v", at, honest, d.Verdict, want)
			}
		}
	}
}

// fromTheChain plays to the end.
func (w *world) fromTheChain(id uint64, sides [2]*receipt.Trace) dispute.Dispute {
	w.t.Helper()
	for range 1000 {
		d := w.load(id)
		if d.Phase == dispute.Ended {
			return d
		}
		done := false
		for s := range sides {
			input, err := receipt.NewAdvocate(sides[s]).Plead(&d, dispute.Side(s), d.EntriesIn(w.raw))
			if err != nil {
				w.t.Fatalf("%v: side %d: %v", d.Phase, s, err)
			}
			if input != nil {
				w.must(w.send(d.Phase.String(), d.Parties[s], chain.AddrDisputes, none, input))
				done = true
				d = w.load(id)
			}
		}
		if !done {
			w.t.Fatalf("%v: nobody has anything to do", d.Phase)
		}
	}
	w.t.Fatal("the dispute does not end")
	return dispute.Dispute{}
}

// A record of another network, or with places that it does not have, is refused and not read out of bounds.
func TestPleaOfAnotherDispute(t *testing.T) {
	run, liar := twoRuns(t)
	w := newWorld(t)
	p := w.play(liar, run, dispute.Challenger)
	for _, phase := range []dispute.Phase{dispute.Entries, dispute.Showing, dispute.Judging, dispute.Tiles, dispute.Feeding} {
		d := p.Until(t, phase)
		for name, change := range map[string]func(d *dispute.Dispute){
			"another model": func(d *dispute.Dispute) { d.Model[0] ^= 1 },
			"an entry":      func(d *dispute.Dispute) { d.Entry = 1 << 40 },
			"no entry":      func(d *dispute.Dispute) { d.Entry = 0 },
			"a place":       func(d *dispute.Dispute) { d.Index = 1 << 40 },
			"a level":       func(d *dispute.Dispute) { d.Level = 60 },
			"a case":        func(d *dispute.Dispute) { d.Case[0] ^= 1 },
		} {
			e := d
			change(&e)
			for s := range dispute.Side(2) {
				_, _ = receipt.NewAdvocate(run).Plead(&e, s, e.EntriesIn(w.raw)) // must not panic
			}
			if e.Model != d.Model {
				if _, err := receipt.NewAdvocate(run).Plead(&e, dispute.Challenger, e.EntriesIn(w.raw)); err == nil {
					t.Errorf("%v, %s: not refused", phase, name)
				}
			}
		}
	}
}
