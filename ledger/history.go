package ledger

import (
	"errors"
	"fmt"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/ledger/store"
	"github.com/aiwork/aiwork-node/ledger/tree"
)

// HistoryHeightsMax is how many heights have a state that can be read, the head's among them.
const HistoryHeightsMax = store.HistoryHeightsMax

// PrunedError says that the state of a height is not kept any more.
type PrunedError struct {
	Height chain.Height
	Oldest chain.Height // the first height whose state is kept
}

func (e *PrunedError) Error() string {
	return fmt.Sprintf("state of height %d is pruned: this node keeps the states from height %d to its head, the last %d",
		e.Height, e.Oldest, HistoryHeightsMax)
}

// ErrPastProof says that a proof is asked for of a state that is not the head's.
var ErrPastProof = errors.New("proofs are made for the head's state only: of older ones the tree's pages are not kept")

// noTree stands for the tree of a state in the past.
type noTree struct{}

func (noTree) Page(tree.Path) ([]byte, error) { return nil, ErrPastProof }

// OldestState gives the first height that StateAt can give at present.
func (l *Ledger) OldestState() chain.Height {
	head, _ := l.Head()
	return l.db.OldestState(head.Height)
}

// StateAt gives the state after the final block at a height. It is a *PrunedError below OldestState and
// ErrNotFound above the head.
func (l *Ledger) StateAt(h chain.Height) (*View, error) {
	snap := l.db.Snapshot()
	v, err := viewAt(snap, h)
	if err != nil {
		return nil, errors.Join(err, snap.Close())
	}
	return v, nil
}

func viewAt(snap *store.Snapshot, h chain.Height) (*View, error) {
	oldest, newest, err := snap.Window()
	switch {
	case err != nil:
		return nil, err
	case h > newest:
		return nil, fmt.Errorf("state of height %d, the head is %d: %w", h, newest, ErrNotFound)
	case h < oldest:
		return nil, &PrunedError{Height: h, Oldest: oldest}
	}
	row, err := snap.Header(h)
	if err != nil {
		return nil, fmt.Errorf("block %d: %w", h, err)
	}
	head := Head{Height: h, Hash: row.Header.Hash(), Header: row.Header, Ext: row.Ext}
	if h == newest {
		return &View{Reader: snap, Head: head, tree: snap, snap: snap}, nil
	}
	past, err := snap.At(h)
	if err != nil {
		return nil, err
	}
	return &View{Reader: past, Head: head, tree: noTree{}, snap: snap, past: past}, nil
}

// BlockRow is all that is kept of what a final block was executed from, beside the state before it.
type BlockRow struct {
	Block *chain.Block
	Beta  [32]byte // VRF output of the proposer, zero for block 0
}

// BlockRow gives the final block at a height with its VRF output: with StateAt of the height below,
// what it takes to execute it again. Late ones come from memory and know their senders.
func (l *Ledger) BlockRow(h chain.Height) (BlockRow, error) {
	if o := l.recentAt(h); o != nil {
		return BlockRow{o.Block, o.Beta}, nil
	}
	row, err := l.db.Header(h)
	if err != nil {
		return BlockRow{}, notFound(err, "block %d", h)
	}
	txs, err := l.db.Txs(h)
	if err != nil {
		return BlockRow{}, notFound(err, "block %d", h)
	}
	return BlockRow{&chain.Block{Header: row.Header, Ext: row.Ext, Txs: txs}, row.Beta}, nil
}
