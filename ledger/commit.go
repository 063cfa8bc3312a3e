package ledger

import (
	"context"
	"fmt"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/ledger/store"
)

// Commit makes an executed child of the head the new head: when it returns nil, the block, its state,
// receipts, indexes and seal are safe on disk. What does not descend from it is given up. A second call
// for the head does nothing. ctx is looked at before the write only.
func (l *Ledger) Commit(ctx context.Context, hash chain.Hash, seal *chain.Seal) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	l.mu.Lock()
	o, head, supply := l.pending.byHash[hash], l.head, l.supply
	l.mu.Unlock()
	switch {
	case hash == head.Hash:
		return nil
	case o == nil:
		return fmt.Errorf("commit %s: %w", hash, ErrUnknown)
	case o.Block.Header.ParentHash != head.Hash:
		return fmt.Errorf("commit block %d %s: its parent is not the head, block %d: %w", o.Height, hash, head.Height,
			ErrUnknown)
	}
	supply.Sub(&supply, &o.burned)
	if seal == nil {
		seal = new(chain.Seal)
	}
	c := &store.Commit{
		Block: o.Block, Hash: hash, Beta: o.Beta, Receipts: o.Receipts, Seal: *seal,
		Diff: o.Diff, Pages: o.tree.Pages, Supply: supply,
	}
	if err := l.db.Commit(c); err != nil {
		return fmt.Errorf("block %d: %w", o.Height, err)
	}
	l.hot.committed(o)

	l.mu.Lock()
	defer l.mu.Unlock()
	l.head, l.supply = headOf(o.Block, hash), supply
	l.recent.add(o)
	l.pending.prune(hash)
	close(l.moved)
	l.moved = make(chan struct{})
	return nil
}
