package dispute_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/receipt/receipttest"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/tasks/dispute"
)

// A network as large as those that classify pictures: every call of a dispute about it fits a transaction.
func TestMobileNet(t *testing.T) {
	if testing.Short() {
		t.Skip("runs MobileNet v2")
	}
	m, in := receipttest.MobileNet()
	run := receipttest.Trace(t, m, in)
	run.Root() // digests all values, for all that follows
	n := m.Net
	seen := map[string]bool{}
	for i := range n.OpList {
		name := n.OpList[i].Name
		if name == "Conv" && len(n.OpList[i].Attrs) > 0 {
			name += map[bool]string{true: " of depth", false: ""}[group(&n.OpList[i]) > 1]
			if i > 140 && group(&n.OpList[i]) == 1 {
				name += " of 960 channels"
			}
		}
		if seen[name] {
			continue
		}
		seen[name] = true
		v := n.FirstOf(i)
		w := newWorld(t)
		p := w.play(receipttest.Lie(run, v, rand.New(rand.NewPCG(uint64(i), 1))), run, dispute.Challenger)
		send, gas, largest, input := p.Send, uint64(0), uint64(0), 0
		var whole [2]bill // the defender's, and all other calls
		whole[1].add(w.last, packOpen(n.ID(), worker, givenOf(p.Sides[0]), p.Sides[1].Claim()))
		p.Send = func(method string, from chain.Address, b []byte) {
			send(method, from, b)
			whole[map[bool]int{true: 0, false: 1}[from == worker]].add(w.last, b)
			input = max(input, len(b))
			if method == "step" {
				gas += w.last
				largest = max(largest, w.last)
			}
		}
		d := p.Run(t)
		if d.Verdict != dispute.Wrong || d.Entry != uint64(i)+1 {
			t.Errorf("%s: got %v at entry %d, want wrong at %d", name, d.Verdict, d.Entry, i+1)
		}
		if tiles := (run.Values[v].Len() + net.TileLen - 1) / net.TileLen; int(d.Rounds) > rounds(&d, tiles) {
			t.Errorf("%s: %d rounds of %d tiles, want %d at most", name, d.Rounds, tiles, rounds(&d, tiles))
		}
		// With 40 gas for each byte a call must fit the 2^24 gas of a transaction.
		if input > 100_000 || largest+40*uint64(input) > chain.TxGasMaxLimit {
			t.Errorf("%s: a call of %d bytes and %d gas", name, input, largest)
		}
		t.Logf("%s: in all %v for the defender, %v for the challenger", name, whole[0], whole[1])
		t.Logf("%s (operator %d): %d rounds, %d steps of %d gas in all, %d at most; the longest call has %d bytes", name, i, d.Rounds, d.Steps, gas, largest, input)
	}
}

// A bill is what transactions cost.
type bill struct {
	calls, bytes int
	gas          uint64
}

// add adds a transaction: 21,000, its data, and what was executed, or its data at the floor of EIP-7623 if that is more.
func (b *bill) add(executed uint64, input []byte) {
	tokens := uint64(4*len(input) - 3*bytes.Count(input, []byte{0}))
	b.calls++
	b.bytes += len(input)
	b.gas += 21_000 + max(4*tokens+executed, 10*tokens)
}

func (b bill) String() string {
	return fmt.Sprintf("%d calls, %d bytes, %.2f M gas", b.calls, b.bytes, float64(b.gas)/1e6)
}

func group(op *net.Op) int64 {
	for i := range op.Attrs {
		if op.Attrs[i].Name == "group" {
			return op.Attrs[i].Int
		}
	}
	return 1
}
