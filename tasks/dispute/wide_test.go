package dispute_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/receipt"
	"github.com/aiwork/aiwork-node/compute/receipt/receipttest"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/tasks/dispute"
)

// A classifier of a thousand classes gives some 4,000 bytes, which lie in a blob: a lie about any value loses all the same.
func TestNetworkInBlob(t *testing.T) {
	m, in := receipttest.Wide(1000)
	run := receipttest.Trace(t, m, in)
	if given := givenOf(receipt.NewAdvocate(run)); given.Blob.IsZero() {
		t.Fatal("the result does not lie in a blob")
	}
	first, end := m.Net.FirstOf(0), m.Net.FirstOf(len(m.Net.OpList))
	for v := first; v < end; v++ {
		liar := receipttest.Lie(run, v, rand.New(rand.NewPCG(uint64(v), 3)))
		if d, _ := settle(t, run, liar, dispute.Defender); d.Verdict != dispute.Stands {
			t.Errorf("value %d, a lying challenger: got %v", v, d.Verdict)
		}
		if d, _ := settle(t, liar, run, dispute.Challenger); d.Verdict != dispute.Wrong || d.Entry != uint64(v-first)+1 {
			t.Errorf("value %d, a lying defender: got %v at entry %d", v, d.Verdict, d.Entry)
		}
	}
}

// What a claim shows must be the blob, and another result than the challenger's; and it has an end.
func TestNetworkInBlobRules(t *testing.T) {
	m, in := receipttest.Wide(1000)
	run := receipttest.Trace(t, m, in)
	liar := receipttest.Lie(run, m.Net.FirstOf(len(m.Net.OpList))-1, rand.New(rand.NewPCG(1, 3)))
	honest, other := receipt.NewAdvocate(run), receipt.NewAdvocate(liar)

	w := newWorld(t)
	if res := w.send("open", challenger, court, tokens(10), packOpen(m.Net.ID(), worker, givenOf(honest), honest.Claim())); res.Err == nil || !strings.Contains(res.Err.Error(), "are the same") {
		t.Errorf("the defender's own result: got %v", res.Err)
	}
	id := w.open(other, honest, m.Net.ID())
	if res := w.send("answer", worker, chain.AddrDisputes, none, dispute.PackAnswer(id, honest.Claim())); res.Err == nil || !strings.Contains(res.Err.Error(), "the result is another") {
		t.Errorf("an answer with another result than the blob's: got %v", res.Err)
	}
	w.must(w.send("answer", worker, chain.AddrDisputes, none, dispute.PackAnswer(id, other.Claim())))

	m, in = receipttest.Wide(dispute.ResultBytesMax / net.Float32.Size())
	run = receipttest.Trace(t, m, in)
	liar = receipttest.Lie(run, m.Net.FirstOf(0), rand.New(rand.NewPCG(1, 3)))
	honest, other = receipt.NewAdvocate(run), receipt.NewAdvocate(liar)
	w = newWorld(t)
	if res := w.send("open", challenger, court, tokens(10), packOpen(m.Net.ID(), worker, givenOf(other), honest.Claim())); res.Err == nil {
		t.Error("a result that is too long is disputed")
	}
}
