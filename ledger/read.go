package ledger

import (
	"errors"
	"fmt"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/must"
	"github.com/aiwork/aiwork-node/ledger/exec"
	"github.com/aiwork/aiwork-node/ledger/state"
	"github.com/aiwork/aiwork-node/ledger/store"
	"github.com/aiwork/aiwork-node/ledger/tree"
)

// View is the state as it stands after one block, whatever is committed meanwhile. It is safe for
// concurrent use. Close it soon: it holds back the deletion of old files.
type View struct {
	state.Reader
	Head
	tree tree.Reader
	snap *store.Snapshot
	past *store.Past // nil unless the view is of a block below the head
}

// Close lets go of the view.
func (v *View) Close() error {
	if v.past == nil {
		return v.snap.Close()
	}
	return errors.Join(v.past.Close(), v.snap.Close())
}

// Prove makes the proof of an account's or slot's key (tree.AccountKey, tree.SlotKey) under the state
// root of the view's block. Of a block that was below the head when StateAt gave the view it is
// ErrPastProof.
func (v *View) Prove(key chain.Hash) (tree.Proof, error) { return tree.Prove(v.tree, key) }

// State gives the state after the head.
func (l *Ledger) State() (*View, error) {
	snap := l.db.Snapshot()
	head, err := headIn(snap)
	if err != nil {
		return nil, errors.Join(err, snap.Close())
	}
	return &View{Reader: snap, Head: head, tree: snap, snap: snap}, nil
}

func headIn(snap *store.Snapshot) (Head, error) {
	pos, err := snap.Position()
	if err != nil {
		return Head{}, err
	}
	row, err := snap.Header(pos.Height)
	if err != nil {
		return Head{}, fmt.Errorf("block %d: %w", pos.Height, err)
	}
	return Head{Height: pos.Height, Hash: pos.Hash, Header: row.Header, Ext: row.Ext}, nil
}

// StateOf gives the state after the head or after an executed block that is not final.
func (l *Ledger) StateOf(hash chain.Hash) (*View, error) {
	l.mu.Lock()
	head := l.head
	path, ok := l.pending.chain(head.Hash, hash)
	l.mu.Unlock()
	if !ok {
		return nil, fmt.Errorf("state after %s: %w", hash, ErrUnknown)
	}
	v, err := l.State()
	if err != nil {
		return nil, err
	}
	// The snapshot may be newer than the path: then it has to be of a block on the path, which the overlays
	// bring again.
	on := v.Hash == head.Hash
	for _, o := range path {
		on = on || v.Hash == o.Hash
		v.Reader, v.tree = state.NewOverlay(v.Reader, o.Diff), tree.NewOverlay(v.tree, o.tree)
	}
	if !on {
		return nil, errors.Join(fmt.Errorf("state after %s: %w", hash, ErrUnknown), v.Close())
	}
	if n := len(path); n > 0 {
		v.Head = headOf(path[n-1].Block, path[n-1].Hash)
	}
	return v, nil
}

// Account gives an account at the head; it is absent if empty.
func (l *Ledger) Account(addr chain.Address) (state.Account, error) {
	a, _, err := l.db.Account(addr)
	return a, err
}

// notFound gives this package's error for the store's, with what was looked for.
func notFound(err error, what string, args ...any) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, store.ErrNotFound) {
		err = ErrNotFound
	}
	return fmt.Errorf(what+": %w", append(args, err)...)
}

// HeadAt gives the final block at a height without its transactions.
func (l *Ledger) HeadAt(h chain.Height) (Head, error) {
	row, err := l.db.Header(h)
	if err != nil {
		return Head{}, notFound(err, "block %d", h)
	}
	return Head{Height: h, Hash: row.Header.Hash(), Header: row.Header, Ext: row.Ext}, nil
}

// BlockByHeight gives the final block at a height. Late ones come from memory and know their senders.
func (l *Ledger) BlockByHeight(h chain.Height) (*chain.Block, error) {
	if o := l.recentAt(h); o != nil {
		return o.Block, nil
	}
	b, err := l.db.Block(h)
	return b, notFound(err, "block %d", h)
}

// BlockByHash gives a final block, or one that was executed since the head.
func (l *Ledger) BlockByHash(hash chain.Hash) (*chain.Block, error) {
	if o := l.outcome(hash); o != nil {
		return o.Block, nil
	}
	h, err := l.db.HeightOf(hash)
	if err != nil {
		return nil, notFound(err, "block %s", hash)
	}
	return l.BlockByHeight(h)
}

// Receipts gives the receipts of the final block at a height, which are not changed.
func (l *Ledger) Receipts(h chain.Height) ([]*chain.Receipt, error) {
	if o := l.recentAt(h); o != nil {
		return o.Receipts, nil
	}
	r, err := l.db.Receipts(h)
	return r, notFound(err, "receipts of block %d", h)
}

// Seal gives the certificates beside the final block at a height.
func (l *Ledger) Seal(h chain.Height) (*chain.Seal, error) {
	s, err := l.db.Seal(h)
	return s, notFound(err, "seal of block %d", h)
}

// TxLookup gives the place of a final transaction. A block that is being written is not shown before it
// is the head: the store knows its transactions before they are on the disk.
func (l *Ledger) TxLookup(hash chain.Hash) (height chain.Height, index int, found bool, err error) {
	p, err := l.db.Tx(hash)
	if errors.Is(err, store.ErrNotFound) {
		return 0, 0, false, nil
	}
	if head, _ := l.Head(); err == nil && p.Height > head.Height {
		return 0, 0, false, nil
	}
	return p.Height, int(p.Index), err == nil, err
}

// NextBaseFee gives the base fee of a block after head at timeMs, which is later than head.
func (l *Ledger) NextBaseFee(head Head, timeMs uint64) uint256.Int {
	must.Hold(timeMs > head.Ext.TimeMs, "ledger: base fee of a block before its parent")
	return exec.NextBaseFee(&l.params, &head.Header.BaseFee, head.Header.GasUsed, timeMs-head.Ext.TimeMs)
}
