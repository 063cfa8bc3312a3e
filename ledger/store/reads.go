package store

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/cockroachdb/pebble/v2"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/ledger/state"
	"github.com/aiwork/aiwork-node/ledger/tree"
)

// ErrNotFound says that there is no such block, receipt or seal here.
var ErrNotFound = errors.New("not found")

// reads are the look-ups, of the database as it is or of a snapshot.
type reads struct {
	from interface {
		Get(key []byte) ([]byte, io.Closer, error)
		NewIter(o *pebble.IterOptions) (*pebble.Iterator, error)
	}
}

// get reads one row with decode, which must not keep the bytes. It gives ErrNotFound where none is.
func get[T any](r reads, key []byte, decode func([]byte) (T, error)) (T, error) {
	var none T
	b, closer, err := r.from.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return none, ErrNotFound
	}
	if err != nil {
		return none, fmt.Errorf("database: %w", err)
	}
	v, err := decode(b)
	closeErr := closer.Close()
	if err != nil {
		return none, damaged(key, err)
	}
	return v, closeErr
}

func damaged(key []byte, err error) error {
	return fmt.Errorf("database row %q is damaged: %w (run `aiwork-node db verify`, or delete the data folder "+
		"and let the node fetch the chain again)", key, err)
}

func copied(b []byte) ([]byte, error) { return bytes.Clone(b), nil }

// Account gives an account of the flat state.
func (r reads) Account(addr chain.Address) (state.Account, bool, error) {
	a, err := get(r, accountKey(addr), decodeAccount)
	if errors.Is(err, ErrNotFound) {
		return state.Account{}, false, nil
	}
	return a, err == nil, err
}

// Slot gives a slot of the flat state.
func (r reads) Slot(addr chain.Address, key chain.Hash) (chain.Hash, error) {
	v, err := get(r, slotKey(addr, key), decodeSlot)
	if errors.Is(err, ErrNotFound) {
		return chain.Hash{}, nil
	}
	return v, err
}

// Code gives a code by its Keccak hash, nil where there is none.
func (r reads) Code(hash chain.Hash) ([]byte, error) {
	code, err := get(r, hashKey(kindCode, hash), copied)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	return code, err
}

// Page gives a page of the state tree, nil where there is none.
func (r reads) Page(p tree.Path) ([]byte, error) {
	page, err := get(r, pageKey(p), copied)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	return page, err
}

// Position gives how far the chain has come.
func (r reads) Position() (Position, error) { return get(r, []byte{kindPosition}, decodePosition) }

// Header gives the header at a height.
func (r reads) Header(h chain.Height) (*HeaderRow, error) {
	return get(r, heightKey(kindHeader, h), decodeHeaderRow)
}

// Txs gives the transactions of the block at a height.
func (r reads) Txs(h chain.Height) ([]*chain.Tx, error) {
	return get(r, heightKey(kindBody, h), decodeBody)
}

// Block gives the whole block at a height.
func (r reads) Block(h chain.Height) (*chain.Block, error) {
	row, err := r.Header(h)
	if err != nil {
		return nil, err
	}
	txs, err := r.Txs(h)
	if err != nil {
		return nil, err
	}
	return &chain.Block{Header: row.Header, Ext: row.Ext, Txs: txs}, nil
}

// Receipts gives the receipts of the block at a height.
func (r reads) Receipts(h chain.Height) ([]*chain.Receipt, error) {
	return get(r, heightKey(kindReceipts, h), decodeReceipts)
}

// Seal gives the certificates beside the block at a height.
func (r reads) Seal(h chain.Height) (*chain.Seal, error) {
	return get(r, heightKey(kindSeal, h), chain.DecodeSeal)
}

// HeightOf gives the height of a block by its hash.
func (r reads) HeightOf(hash chain.Hash) (chain.Height, error) {
	return get(r, hashKey(kindHeight, hash), decodeHeight)
}

// Tx gives the place of a transaction by its hash.
func (r reads) Tx(hash chain.Hash) (TxPlace, error) {
	return get(r, hashKey(kindTx, hash), decodeTxPlace)
}

// EachAccount calls f for every account in the order of addresses until it gives an error.
func (r reads) EachAccount(f func(chain.Address, state.Account) error) error {
	return r.each(kindAccount, func(key, value []byte) error {
		if len(key) != 21 {
			return damaged(key, errKey)
		}
		a, err := decodeAccount(value)
		if err != nil {
			return damaged(key, err)
		}
		return f(chain.Address(key[1:]), a)
	})
}

// EachSlot calls f for every slot in the order of addresses and keys until it gives an error.
func (r reads) EachSlot(f func(addr chain.Address, key, value chain.Hash) error) error {
	return r.each(kindSlot, func(key, value []byte) error {
		if len(key) != 53 {
			return damaged(key, errKey)
		}
		v, err := decodeSlot(value)
		if err != nil {
			return damaged(key, err)
		}
		return f(chain.Address(key[1:21]), chain.Hash(key[21:]), v)
	})
}

var errKey = errors.New("key has the wrong length")

func (r reads) each(kind byte, f func(key, value []byte) error) error {
	return r.scan(&pebble.IterOptions{LowerBound: []byte{kind}, UpperBound: []byte{kind + 1}}, f)
}

// scan calls f for every row within the bounds of o until it gives an error.
func (r reads) scan(o *pebble.IterOptions, f func(key, value []byte) error) (err error) {
	it, err := r.from.NewIter(o)
	if err != nil {
		return fmt.Errorf("database: %w", err)
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	for it.First(); it.Valid(); it.Next() {
		if err := f(it.Key(), it.Value()); err != nil {
			return err
		}
	}
	return it.Error()
}

// Snapshot is the database as it stood after a commit. It holds back the deletion of old files: close it.
type Snapshot struct {
	reads
	snap   *pebble.Snapshot
	window window
}

// Close lets go of the snapshot.
func (s *Snapshot) Close() error { return s.snap.Close() }
