package mempool

import (
	"fmt"
	"testing"

	"github.com/aiwork/aiwork-node/internal/chain"
)

// wide gives n transactions of n/10 senders with known senders.
func wide(b *testing.B, n int) (ledger, []*chain.Tx) {
	b.Helper()
	l := ledger{}
	txs := make([]*chain.Tx, 0, n)
	for k := range (n + 9) / 10 {
		l.set(k, 0, rich)
		for nonce := range uint64(10) {
			txs = append(txs, spec{key: k, nonce: nonce, fee: 2 + uint64(k*7919%500)}.tx(b))
		}
	}
	return l, txs[:n]
}

// BenchmarkAdd takes in transactions whose sender is known, into a pool that grows to n.
func BenchmarkAdd(b *testing.B) {
	for _, n := range []int{1000, 100_000} {
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) {
			l, txs := wide(b, n)
			var p *Pool
			i := n
			for b.Loop() {
				if i == n {
					p, i = newPool(b, testOptions(), l), 0
				}
				if err := p.Add(txs[i], false); err != nil {
					b.Fatal(err)
				}
				i++
			}
		})
	}
}

// BenchmarkBest fills a block of 30 M gas with 1,428 transfers.
func BenchmarkBest(b *testing.B) {
	for _, n := range []int{10_000, 100_000} {
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) {
			l, txs := wide(b, n)
			p := newPool(b, testOptions(), l)
			for _, err := range p.AddBatch(txs, false) {
				if err != nil {
					b.Fatal(err)
				}
			}
			b.ReportAllocs()
			for b.Loop() {
				if got := len(p.Best(30_000_000, chain.BlockSizeMax)); got != 1428 {
					b.Fatalf("got %d transactions, want 1428", got)
				}
			}
		})
	}
}

// BenchmarkSetHead includes a full block, and moves the base fee, so that all senders are ranked anew.
func BenchmarkSetHead(b *testing.B) {
	for _, n := range []int{10_000, 100_000} {
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) {
			l, txs := wide(b, n)
			p := newPool(b, testOptions(), l)
			fee := uint64(1)
			for b.Loop() {
				b.StopTimer()
				for _, tx := range txs {
					_ = p.Add(tx, false) // those of the last round are still here
				}
				best := p.Best(30_000_000, chain.BlockSizeMax)
				fee ^= 3
				h := p.head
				h.BaseFee.SetUint64(fee * gwei)
				h.Txs = best
				b.StartTimer()
				if err := p.SetHead(h, l, []chain.Address{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
