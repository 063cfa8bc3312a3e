package driver

// A node that catches up believes nobody: each way in which a peer can lie about final blocks is refused
// and punished, and the node gets the blocks from another.

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aiwork/aiwork-node/internal/chain"
)

// liar answers requests for blocks with what spoil makes of the true answer, once.
type liar struct {
	*node
	spoil func(items []*SealedBlock) []*SealedBlock
	lied  bool
}

func (l *liar) Blocks(ctx context.Context, peer string, from chain.Height, count int) ([][]byte, string, error) {
	items, by, err := l.node.Blocks(ctx, peer, from, count)
	if err != nil || l.lied {
		return items, by, err
	}
	l.lied = true
	var sealed []*SealedBlock
	for _, item := range items {
		s, err := DecodeSealedBlock(item)
		if err != nil {
			return nil, "", err
		}
		sealed = append(sealed, s)
	}
	items = nil
	for _, s := range l.spoil(sealed) {
		items = append(items, s.Encode())
	}
	return items, "liar", nil
}

func TestSyncBelievesNobody(t *testing.T) {
	for name, spoil := range map[string]func([]*SealedBlock) []*SealedBlock{
		"other block": func(s []*SealedBlock) []*SealedBlock {
			s[2].Block = sealAgain(s[2].Block)
			return s
		},
		"gap": func(s []*SealedBlock) []*SealedBlock { return append(s[:2], s[3:]...) },
		"signature flipped": func(s []*SealedBlock) []*SealedBlock {
			c := *s[1].Seal.Finalization
			c.Sigs = append([][64]byte(nil), c.Sigs...)
			c.Sigs[0][9] ^= 1
			s[1].Seal = &chain.Seal{Finalization: &c}
			return s
		},
		"too few signers": func(s []*SealedBlock) []*SealedBlock {
			c := *s[1].Seal.Finalization
			c.Signers, c.Sigs = []byte{c.Signers[0] & -c.Signers[0]}, c.Sigs[:1]
			s[1].Seal = &chain.Seal{Finalization: &c}
			return s
		},
		"certificate of another session": func(s []*SealedBlock) []*SealedBlock {
			c := *s[1].Seal.Finalization
			c.Session++
			s[1].Seal = &chain.Seal{Finalization: &c}
			return s
		},
		"no finalization at all": func(s []*SealedBlock) []*SealedBlock {
			for i := range s {
				s[i].Seal = &chain.Seal{}
			}
			return s
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, 4)
				defer w.stopAll()
				w.params.HeartbeatMs = 100
				f := w.addNode(nil)
				for _, n := range w.nodes[:4] {
					n.start()
				}
				w.until("height 40", time.Minute, func() bool { return w.nodes[0].height() >= 40 })
				f.peers = &liar{node: f, spoil: spoil}
				f.start()
				w.reach(44, 30*time.Second)
				w.agree()
				w.mu.Lock()
				defer w.mu.Unlock()
				// Who leaves the proof away may just not have it: that is no fault where others do.
				if len(w.faults) != 1 && name != "no finalization at all" {
					t.Errorf("faults: got %v, want one of the liar", w.faults)
				}
			})
		})
	}
}

// sealAgain gives another block that hangs together in itself.
func sealAgain(b *chain.Block) *chain.Block {
	c := &chain.Block{Header: b.Header, Ext: b.Ext, Txs: b.Txs}
	c.Ext.TimeMs++
	c.Header.Extra, c.Header.Time = c.Ext.Hash(), c.Ext.TimeMs/1000
	return c
}

// TestCertifiedBadBlockStopsTheNode gives a follower a ledger that refuses what a quorum made final.
func TestCertifiedBadBlockStopsTheNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 4)
		defer w.stopAll()
		f := w.addNode(nil)
		for _, n := range w.nodes[:4] {
			n.start()
		}
		w.until("height 3", time.Minute, func() bool { return w.nodes[0].height() >= 3 })
		f.start()
		f.ledger.mu.Lock()
		f.chain.fail = fmt.Errorf("%w: on purpose", ErrBad)
		f.ledger.mu.Unlock()
		err := <-f.ended
		f.up = false
		if err == nil {
			t.Error("run: got no error")
		}
		if s := f.driver.Status(); s.Silent == "" {
			t.Errorf("status: got %+v, want a reason", s)
		}
	})
}
