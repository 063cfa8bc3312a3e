package p2p

// Transactions between real nodes: batches, relay over a node in the middle, verdicts, forwarding.

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"
)

type delivery struct {
	from Peer
	txs  [][]byte
}

// sinkTo gives a sink that hands batches over and answers Accept, or what verdict holds.
func sinkTo(c chan<- delivery, verdict *atomic.Uint32) TxSink {
	return func(ctx context.Context, from Peer, txs [][]byte) Verdict {
		var own [][]byte
		for _, tx := range txs {
			own = append(own, bytes.Clone(tx))
		}
		select {
		case c <- delivery{from, own}:
		case <-ctx.Done():
		}
		if verdict != nil && verdict.Load() != 0 {
			return Verdict(verdict.Load())
		}
		return Accept
	}
}

// chainOf starts three nodes in a row, so that what the last hears came through the middle, and waits
// until probes pass through; only then the middle one answers with verdict.
func chainOf(t *testing.T, verdict Verdict) (nets []*Net, middle, last chan delivery) {
	t.Helper()
	middle, last = make(chan delivery, 1024), make(chan delivery, 1024)
	var answer atomic.Uint32
	var addrs []string
	for i := range 3 {
		o := testOptions(t)
		o.Peers = addrs
		switch i {
		case 1:
			o.Txs = sinkTo(middle, &answer)
		case 2:
			o.Txs = sinkTo(last, nil)
		}
		n, _ := start(t, o)
		nets = append(nets, n)
		addrs = n.Addrs()
	}
	awaitPeers(t, nets[1], 2)
	probes := 0
	until(t, "gossip through the middle", func() bool {
		nets[0].GossipTx(fmt.Append(nil, "probe ", probes))
		probes++
		return len(last) > 0
	})
	nets[0].GossipTx([]byte("last probe"))
	for _, c := range []chan delivery{middle, last} {
		for !contains(<-c, "last probe") {
		}
	}
	answer.Store(uint32(verdict))
	return nets, middle, last
}

func contains(d delivery, tx string) bool {
	return slices.ContainsFunc(d.txs, func(b []byte) bool { return string(b) == tx })
}

func TestGossipIsValidatedAndRelayed(t *testing.T) {
	nets, middle, last := chainOf(t, Accept)
	const count = 250
	for i := range count {
		if !nets[0].GossipTx(fmt.Append(nil, "tx ", i)) {
			t.Fatalf("transaction %d: got refused", i)
		}
	}
	for name, c := range map[string]chan delivery{"middle": middle, "last": last} {
		seen := map[string]bool{}
		batches := 0
		for len(seen) < count {
			d := <-c
			batches++
			for _, tx := range d.txs {
				seen[string(tx)] = true
			}
			if name == "last" && d.from.ID != nets[1].Self().ID {
				t.Errorf("last node: got a batch of %v, want the middle one's", d.from)
			}
			if len(d.txs) > batchTxs {
				t.Errorf("batch of %d, want at most %d", len(d.txs), batchTxs)
			}
		}
		if batches > count/10 {
			t.Errorf("%s: got %d batches for %d transactions, want far fewer", name, batches, count)
		}
	}
}

// TestGossipBurst sends more batches at once than are checked at a time.
func TestGossipBurst(t *testing.T) {
	nets, middle, last := chainOf(t, Accept)
	const count = 100
	for i := range count {
		if err := nets[0].gossip.topic.Publish(t.Context(), EncodeTxs([][]byte{fmt.Append(nil, "burst ", i)})); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]chan delivery{"middle": middle, "last": last} {
		seen := map[string]bool{}
		for len(seen) < count {
			select {
			case d := <-c:
				seen[string(d.txs[0])] = true
			case <-time.After(20 * time.Second):
				t.Fatalf("%s: got %d batches, want %d", name, len(seen), count)
			}
		}
	}
}

func TestGossipNotAcceptedIsNotRelayed(t *testing.T) {
	for _, c := range []struct {
		name    string
		verdict Verdict
		blamed  bool
	}{{"ignored", Ignore, false}, {"rejected", Reject, true}} {
		t.Run(c.name, func(t *testing.T) {
			nets, middle, last := chainOf(t, c.verdict)
			nets[0].GossipTx([]byte("bad"))
			<-middle
			if got := nets[1].scores.score(now(), nets[0].opt.Identity.id); c.blamed {
				until(t, "the blame", func() bool { return nets[1].scores.score(now(), nets[0].opt.Identity.id) > 0 })
			} else if got != 0 {
				t.Errorf("sender's score: got %d, want 0", got)
			}
			// What the middle node gossips itself comes after what it would have relayed.
			nets[1].GossipTx([]byte("good"))
			if d := <-last; string(d.txs[0]) != "good" {
				t.Errorf("last node: got %q, want only 'good'", d.txs)
			}
		})
	}
}

func TestUndecodableGossipIsAFault(t *testing.T) {
	nets, middle, _ := chainOf(t, Accept)
	if err := nets[0].gossip.topic.Publish(t.Context(), []byte{0, 0, 0, 0}); err != nil {
		t.Fatal(err)
	}
	until(t, "the fault", func() bool {
		return counted(t, nets[1].metrics.faults.WithLabelValues(faults[FaultFrame].text)) == 1
	})
	if len(middle) != 0 {
		t.Error("the sink got a batch that does not decode")
	}
}

func TestForwardToLeader(t *testing.T) {
	got := make(chan delivery, 1)
	nets := mesh(t, 2, func(i int, o *Options) {
		if i == 1 {
			o.Txs = sinkTo(got, nil)
		}
	})
	if nets[0].ForwardTxs(2, [][]byte{[]byte("tx")}) {
		t.Error("forward to a validator that is not there: got true")
	}
	if !nets[0].ForwardTxs(1, [][]byte{[]byte("tx 1"), []byte("tx 2")}) {
		t.Fatal("forward: got false")
	}
	if d := <-got; len(d.txs) != 2 || string(d.txs[1]) != "tx 2" || d.from.Validator != 0 {
		t.Errorf("got %q of %v, want both of validator 0", d.txs, d.from)
	}
}

func TestGossipTxLimits(t *testing.T) {
	n, err := New(t.Context(), testOptions(t)) // without Run nobody collects
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	if n.GossipTx(nil) || n.GossipTx(make([]byte, TxBytesMax+1)) {
		t.Error("empty or oversize transaction: got true")
	}
	for range txWaitingMax {
		if !n.GossipTx([]byte{1}) {
			t.Fatal("below the limit: got false")
		}
	}
	if n.GossipTx([]byte{1}) {
		t.Error("full queue: got true")
	}
}

func TestBatches(t *testing.T) {
	var txs [][]byte
	for i := range 1000 {
		txs = append(txs, make([]byte, 1+(i*7919)%TxBytesMax))
	}
	count := 0
	for _, b := range batches(txs) {
		count += len(b)
		if size := len(EncodeTxs(b)); size > BatchBytesMax || len(b) > batchTxs {
			t.Errorf("batch of %d transactions and %d bytes is above the limits", len(b), size)
		}
	}
	if count != len(txs) {
		t.Errorf("got %d transactions in batches, want %d", count, len(txs))
	}
}
