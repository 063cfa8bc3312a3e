package ledger

import (
	"context"
	"errors"
	"fmt"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/ledger/state"
	"github.com/aiwork/aiwork-node/ledger/store"
	"github.com/aiwork/aiwork-node/ledger/tree"
)

// Backup writes a copy of the chain as it stands into a new folder, while the node runs on.
func (l *Ledger) Backup(dir string) error { return l.db.Backup(dir) }

// SumBalances adds up what all accounts own at the head.
func (l *Ledger) SumBalances() (sum uint256.Int, err error) {
	snap := l.db.Snapshot()
	defer func() { err = errors.Join(err, snap.Close()) }()
	return sumBalances(snap)
}

func sumBalances(snap *store.Snapshot) (sum uint256.Int, err error) {
	err = snap.EachAccount(func(_ chain.Address, a state.Account) error {
		_, overflow := sum.AddOverflow(&sum, &a.Balance)
		if overflow {
			return errors.New("balances add up to more than 2^256")
		}
		return nil
	})
	return sum, err
}

// Verify reads the whole database and holds it against itself: every block's hash, parent, body,
// receipts and indexes, the state root against a rebuild from the flat state and against the tree's
// pages, the supply against all balances, and every state of the past against the root in its header.
// progress, if not nil, is told how many of how many heights are done.
func (l *Ledger) Verify(ctx context.Context, progress func(done, all chain.Height)) (err error) {
	snap := l.db.Snapshot()
	defer func() { err = errors.Join(err, snap.Close()) }()
	pos, err := snap.Position()
	if err != nil {
		return err
	}
	var parent store.HeaderRow
	var rows indexRows
	for h := chain.Height(0); h <= pos.Height; h++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		if parent, err = l.verifyBlock(snap, h, parent, &rows); err != nil {
			return fmt.Errorf("block %d: %w", h, err)
		}
		if progress != nil {
			progress(h, pos.Height)
		}
	}
	if hash := parent.Header.Hash(); hash != pos.Hash {
		return fmt.Errorf("block %d: hash %s, the head should be %s", pos.Height, hash, pos.Hash)
	}
	if n, err := snap.CountTerms(); err != nil || n != rows.terms {
		return errors.Join(fmt.Errorf("index of logs: %d rows, the receipts ask for %d", n, rows.terms), err)
	}
	if err := verifyAddressRows(snap, rows.addresses); err != nil {
		return err
	}
	if err := verifyState(snap, &pos); err != nil {
		return err
	}
	return verifyPast(ctx, snap)
}

// indexRows are how many rows the blocks ask for in the indexes.
type indexRows struct {
	terms     uint64
	addresses store.AddressRows
}

// verifyBlock checks one block against the one before it, gives its header, and adds to rows what it asks
// for in the indexes.
func (l *Ledger) verifyBlock(snap *store.Snapshot, h chain.Height, parent store.HeaderRow, rows *indexRows) (store.HeaderRow, error) {
	row, err := snap.Header(h)
	if err != nil {
		return parent, err
	}
	txs, err := snap.Txs(h)
	if err != nil {
		return parent, err
	}
	receipts, err := snap.Receipts(h)
	if err != nil {
		return parent, err
	}
	b := &chain.Block{Header: row.Header, Ext: row.Ext, Txs: txs}
	at, err := snap.HeightOf(b.Hash())
	if err != nil {
		return parent, fmt.Errorf("index of blocks: %w", err)
	}
	if _, err := snap.Seal(h); err != nil {
		return parent, fmt.Errorf("seal: %w", err)
	}
	switch {
	case row.Header.Number != h || at != h:
		return parent, errors.New("stands at another height")
	case row.Header.ReceiptRoot != chain.ReceiptRoot(receipts):
		return parent, FaultReceiptRoot
	case len(receipts) != len(txs):
		return parent, errors.New("as many receipts as transactions are due")
	}
	if err := l.verifyLink(b, row, &parent); err != nil {
		return parent, err
	}
	n, err := verifyTerms(snap, h, receipts)
	if err != nil {
		return parent, err
	}
	rows.terms += n
	if err := verifyAppearances(snap, h, txs, receipts, &rows.addresses); err != nil {
		return parent, err
	}
	return *row, verifyIndex(snap, b)
}

// verifyTerms looks for the block's rows in the index of logs and gives their number.
func verifyTerms(snap *store.Snapshot, h chain.Height, receipts []*chain.Receipt) (uint64, error) {
	terms := store.TermsOf(receipts)
	for _, t := range terms {
		there, err := snap.HasTerm(t, h)
		if err != nil || !there {
			return 0, errors.Join(fmt.Errorf("index of logs: term %x is missing", t), err)
		}
	}
	return uint64(len(terms)), nil
}

// verifyLink checks what ties a block to the one before it, or block 0 to genesis.
func (l *Ledger) verifyLink(b *chain.Block, row, parent *store.HeaderRow) error {
	if b.Header.Number == 0 {
		if b.Hash() != l.genesis || row.Ext != l.origin || row.Beta != [32]byte{} {
			return fmt.Errorf("is not genesis %s", l.genesis)
		}
		return nil
	}
	if b.Header.ParentHash != parent.Header.Hash() {
		return fmt.Errorf("parent is %s, not %s", b.Header.ParentHash, parent.Header.Hash())
	}
	if b.Header.MixHash != mix(&parent.Header.MixHash, &row.Beta) {
		return FaultMixHash
	}
	return b.CheckBody()
}

func verifyIndex(snap *store.Snapshot, b *chain.Block) error {
	for i, tx := range b.Txs {
		p, err := snap.Tx(tx.Hash())
		if err != nil {
			return fmt.Errorf("index of transaction %d: %w", i, err)
		}
		if p.Height != b.Header.Number || int(p.Index) != i {
			return fmt.Errorf("index of transaction %d: names block %d, transaction %d", i, p.Height, p.Index)
		}
	}
	return nil
}

func verifyState(snap *store.Snapshot, pos *store.Position) error {
	row, err := snap.Header(pos.Height)
	if err != nil {
		return err
	}
	want := row.Header.StateRoot
	leaves, err := flatLeaves(snap)
	if err != nil {
		return err
	}
	if got := tree.Rebuild(leaves); got != want {
		return fmt.Errorf("state: accounts and slots give the root %s, block %d says %s", got, pos.Height, want)
	}
	got, err := tree.RootOf(snap)
	if err != nil {
		return err
	}
	if got != want {
		return fmt.Errorf("state: the tree's pages give the root %s, block %d says %s", got, pos.Height, want)
	}
	sum, err := sumBalances(snap)
	if err != nil {
		return err
	}
	if !sum.Eq(&pos.Supply) {
		return fmt.Errorf("state: balances add up to %s, the supply is %s", sum.Dec(), pos.Supply.Dec())
	}
	return nil
}

// flatLeaves reads the whole flat state as sorted leaves.
func flatLeaves(snap *store.Snapshot) ([]tree.Leaf, error) {
	var leaves []tree.Leaf
	err := errors.Join(
		snap.EachAccount(func(addr chain.Address, a state.Account) error {
			leaves = append(leaves, tree.Leaf{Key: tree.AccountKey(addr), Value: tree.AccountValue(&a)})
			return nil
		}),
		snap.EachSlot(func(addr chain.Address, key, value chain.Hash) error {
			leaves = append(leaves, tree.Leaf{Key: tree.SlotKey(addr, key), Value: value})
			return nil
		}),
	)
	tree.Sort(leaves)
	return leaves, err
}
