package driver

import (
	"math/rand/v2"
	"testing"

	"github.com/aiwork/aiwork-node/consensus/poi"
	"github.com/aiwork/aiwork-node/internal/chain"
)

// What bodies counts as taken is at every moment what a look at all its bodies finds, whatever came, was
// asked for and was committed in what order, with transactions that stand in several bodies.
func TestBodiesTaken(t *testing.T) {
	dice := rand.New(rand.NewPCG(7, 7))
	var txs []*chain.Tx
	for i := range 40 {
		txs = append(txs, &chain.Tx{Type: 2, Nonce: uint64(i), To: &chain.Address{}})
	}
	s := newBodies()
	var all []*body
	head := chain.Height(0)
	for step := range 2000 {
		switch dice.IntN(4) {
		case 0, 1:
			b := &body{block: &chain.Block{}, enc: []byte{1}, ref: poi.BlockRef{Height: head + 1 + chain.Height(dice.IntN(4)), View: chain.View(step)}}
			b.ref.Hash[0], b.ref.Hash[1] = byte(step), byte(step>>8)
			for range dice.IntN(6) {
				b.block.Txs = append(b.block.Txs, txs[dice.IntN(len(txs))])
			}
			all = append(all, b)
			if s.push(b); dice.IntN(2) == 0 {
				s.pin(b)
			}
		case 2:
			if len(all) > 0 {
				s.ask(all[dice.IntN(len(all))].ref.Hash)
			}
		case 3:
			head++
			var done []chain.Hash
			for _, b := range all {
				if b.ref.Height == head && len(done) == 0 {
					done = append(done, b.ref.Hash)
				}
			}
			s.committed(head, done)
		}
		if got, want := len(s.without(append([]*chain.Tx{}, txs...))), countFree(s, txs); got != want {
			t.Fatalf("step %d: %d transactions free, want %d", step, got, want)
		}
	}
	if len(s.counted) == 0 || len(s.taken) == 0 {
		t.Fatal("nothing was counted: the test shows nothing")
	}
}

// countFree looks at every body.
func countFree(s *bodies, txs []*chain.Tx) (n int) {
	taken := map[chain.Hash]bool{}
	note := func(b *body) {
		for _, tx := range b.block.Txs {
			taken[tx.Hash()] = true
		}
	}
	for h, b := range s.byHash {
		if s.pinned[h] {
			note(b)
		}
	}
	for _, b := range s.done {
		note(b)
	}
	for _, tx := range txs {
		if !taken[tx.Hash()] {
			n++
		}
	}
	return n
}
