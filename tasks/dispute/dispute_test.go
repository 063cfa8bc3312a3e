package dispute_test

import (
	"math/bits"
	"math/rand/v2"
	"testing"

	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/receipt/receipttest"
	"github.com/aiwork/aiwork-node/tasks/dispute"
)

// Whole disputes about a small network: whichever tensor is false, whoever is, the liar loses within the bound, and
// the money goes where it should.

// rounds is the bound: both trees to their leaves, and the entries shown.
func rounds(d *dispute.Dispute, tiles int) int {
	return bits.Len(uint(d.Ops)) + bits.Len(uint(max(tiles-1, 0))) + 1
}

// rounds is the bound for a dispute that goes into what operators stand for, by its logs: of each receipt the way to its leaves and the entry
// shown, a receipt each to go deeper, and the way to the tile.
func (w *world) rounds(ops int) int {
	sum := bits.Len(uint(ops)) + 1
	for _, l := range w.logs {
		switch l.Kind {
		case dispute.DisputeDeepened:
			sum += 1 + bits.Len(uint(l.Tiles-1)) + 1
		case dispute.DisputeJudged:
			sum += bits.Len(uint(max(l.Tiles, 1) - 1))
		}
	}
	return sum
}

func TestEveryTensor(t *testing.T) {
	m, in := receipttest.Network(1)
	run := receipttest.Trace(t, m, in)
	n := m.Net
	first, end := n.FirstOf(0), n.FirstOf(len(n.OpList))
	for v := first; v < end; v++ {
		r := rand.New(rand.NewPCG(uint64(v), 3))
		liar := receipttest.Lie(run, v, r)
		tiles := (run.Values[v].Len() + net.TileLen - 1) / net.TileLen
		name := n.OpList[v-first].Name
		for _, honest := range []dispute.Side{dispute.Defender, dispute.Challenger} {
			defence, attack, want := run, liar, dispute.Stands
			if honest == dispute.Challenger {
				defence, attack, want = liar, run, dispute.Wrong
			}
			d, w := settle(t, defence, attack, honest)
			if d.Verdict != want {
				t.Errorf("value %d of %s, honest %d: got %v, want %v", v, name, honest, d.Verdict, want)
			}
			if got := int(d.Rounds); got > rounds(&d, tiles) {
				t.Errorf("value %d of %s: %d rounds, want %d at most", v, name, got, rounds(&d, tiles))
			}
			if d.Entry != uint64(v-first)+1 {
				t.Errorf("value %d of %s: decided at entry %d", v, name, d.Entry)
			}
			paid := w.view.Balance(challenger)
			if want == dispute.Wrong && !paid.Eq(tokens(1000)) || want == dispute.Stands && !paid.Eq(tokens(990)) {
				t.Errorf("%v: the challenger has %s", want, paid.Dec())
			}
			if got := w.view.Balance(worker); want == dispute.Stands && !got.Eq(tokens(1005)) {
				t.Errorf("the defender has %s, want half the bond more", got.Dec())
			}
		}
	}
}
