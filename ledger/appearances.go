package ledger

import (
	"context"
	"errors"
	"fmt"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/ledger/state"
	"github.com/aiwork/aiwork-node/ledger/store"
)

// Place is where a final transaction stands.
type Place struct {
	Height chain.Height
	Index  int
}

// AppearanceQuery asks for the transactions in which an address appears, from the blocks From to To, both
// included: as sender, receiver, contract created by the transaction itself, or as a contract that logged.
type AppearanceQuery struct {
	Address  chain.Address
	From, To chain.Height
	Back     bool // the newest first
	// Enough ends the search: the block with the last one that is needed is searched to its end, so that the
	// next question can begin at another block.
	Enough int
}

// Appearances gives the places of such transactions, and whether there are more behind the last one.
func (l *Ledger) Appearances(ctx context.Context, q *AppearanceQuery) (places []Place, more bool, err error) {
	head, _ := l.Head()
	snap := l.db.Snapshot()
	defer func() { err = errors.Join(err, snap.Close()) }()
	err = snap.Appearances(q.Address, q.From, min(q.To, head.Height), q.Back, func(p store.TxPlace) (bool, error) {
		if n := len(places); n >= q.Enough && (n == 0 || places[n-1].Height != p.Height) {
			more = true
			return false, nil
		}
		places = append(places, Place{p.Height, int(p.Index)})
		return true, ctx.Err()
	})
	return places, more, err
}

// SentTx gives the place of the transaction that an account has sent with a nonce.
func (l *Ledger) SentTx(a chain.Address, nonce uint64) (Place, bool, error) {
	p, err := l.db.Sent(a, nonce)
	if errors.Is(err, store.ErrNotFound) {
		return Place{}, false, nil
	}
	if head, _ := l.Head(); err == nil && p.Height > head.Height {
		return Place{}, false, nil // being written
	}
	return Place{p.Height, int(p.Index)}, err == nil, err
}

// CreatedAt gives the height at which an account got code of its own.
func (l *Ledger) CreatedAt(a chain.Address) (chain.Height, bool, error) {
	h, err := l.db.Created(a)
	if errors.Is(err, store.ErrNotFound) {
		return 0, false, nil
	}
	if head, _ := l.Head(); err == nil && h > head.Height {
		return 0, false, nil
	}
	return h, err == nil, err
}

// verifyAppearances looks for a block's rows in the indexes of addresses and adds up their numbers.
func verifyAppearances(snap *store.Snapshot, h chain.Height, txs []*chain.Tx, receipts []*chain.Receipt, rows *store.AddressRows) error {
	all := store.AppearancesOf(txs, receipts)
	for _, a := range all {
		there, err := snap.HasAppearance(a.Address, store.TxPlace{Height: h, Index: a.Index})
		if err != nil || !there {
			return errors.Join(fmt.Errorf("index of addresses: %s is missing at transaction %d", a.Address, a.Index), err)
		}
	}
	for i, tx := range txs {
		from, err := tx.Sender()
		if err != nil {
			return fmt.Errorf("transaction %d: %w", i, err)
		}
		if p, err := snap.Sent(from, tx.Nonce); err != nil || p != (store.TxPlace{Height: h, Index: uint32(i)}) {
			return errors.Join(fmt.Errorf("index of senders: does not name transaction %d", i), err)
		}
	}
	rows.Appearances += uint64(len(all))
	rows.Sent += uint64(len(txs))
	return nil
}

// verifyAddressRows holds the indexes of addresses against the numbers of rows that the blocks ask for, and
// against the accounts that have code of their own.
func verifyAddressRows(snap *store.Snapshot, want store.AddressRows) error {
	err := snap.EachAccount(func(addr chain.Address, a state.Account) error {
		own, err := ownCode(snap, &a)
		if err != nil || !own {
			return err
		}
		want.Created++
		h, err := snap.Created(addr)
		if err == nil {
			err = verifyCreated(snap, addr, h)
		}
		if err != nil {
			return fmt.Errorf("index of contracts: %s: %w", addr, err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	have, err := snap.CountAddressRows()
	if err == nil && have != want {
		err = fmt.Errorf("indexes of addresses: %+v rows, the blocks ask for %+v", have, want)
	}
	return err
}

// ownCode reports whether an account has code that it does not borrow from another.
func ownCode(codes state.Reader, a *state.Account) (bool, error) {
	if a.CodeHash.IsZero() {
		return false, nil
	}
	code, err := codes.Code(a.CodeHash)
	_, delegates := chain.DelegationOf(code)
	return !delegates, err
}

// verifyCreated looks at the states before and after the block in which a contract is said to have got its
// code, as far as they are kept.
func verifyCreated(snap *store.Snapshot, addr chain.Address, h chain.Height) error {
	oldest, head, err := snap.Window()
	if err != nil {
		return err
	}
	if h > head {
		return fmt.Errorf("block %d is not there yet", h)
	}
	for _, at := range []struct {
		height chain.Height
		own    bool
	}{{h - 1, false}, {h, true}} {
		if at.height < oldest || at.height >= head { // h - 1 of block 0 is above every head
			continue
		}
		own, err := ownCodeAt(snap, addr, at.height)
		if err != nil {
			return err
		}
		if own != at.own {
			return fmt.Errorf("it did not get its code in block %d", h)
		}
	}
	return nil
}

func ownCodeAt(snap *store.Snapshot, addr chain.Address, h chain.Height) (own bool, err error) {
	past, err := snap.At(h)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, past.Close()) }()
	a, _, err := past.Account(addr)
	if err != nil {
		return false, err
	}
	return ownCode(snap, &a)
}
