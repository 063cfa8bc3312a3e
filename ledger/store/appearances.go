package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/ledger/state"
)

// Appearance says that an address has to do with a transaction of a block.
type Appearance struct {
	Address chain.Address
	Index   uint32
}

// AppearancesOf gives who appears in the transactions of a block, sorted, each once a transaction: the
// sender, the receiver, the contract that it created by itself, and the contracts that logged.
func AppearancesOf(txs []*chain.Tx, receipts []*chain.Receipt) []Appearance {
	var out []Appearance
	for i, tx := range txs {
		index := uint32(i)
		if from, err := tx.Sender(); err == nil { // as of every transaction of a block
			out = append(out, Appearance{from, index})
		}
		if tx.To != nil {
			out = append(out, Appearance{*tx.To, index})
		}
		r := receipts[i]
		if r.ContractAddress != nil {
			out = append(out, Appearance{*r.ContractAddress, index})
		}
		for j := range r.Logs {
			out = append(out, Appearance{r.Logs[j].Address, index})
		}
	}
	slices.SortFunc(out, func(a, b Appearance) int {
		if c := bytes.Compare(a.Address[:], b.Address[:]); c != 0 {
			return c
		}
		return int(a.Index) - int(b.Index)
	})
	return slices.Compact(out)
}

// created gives the accounts that got code of their own in a block: not one that they delegate to.
func created(d *state.Diff) []chain.Address {
	var out []chain.Address
	for i := range d.Accounts {
		a := &d.Accounts[i]
		if a.New.CodeHash.IsZero() || a.New.CodeHash == a.Old.CodeHash {
			continue
		}
		j := slices.IndexFunc(d.Codes, func(c state.CodeChange) bool { return c.Hash == a.New.CodeHash })
		if j < 0 {
			continue // the Diff names the code of every account that got another one
		}
		if _, delegates := chain.DelegationOf(d.Codes[j].Code); !delegates {
			out = append(out, a.Address)
		}
	}
	return out
}

const (
	appearanceKeyBytes = 1 + 20 + heightBytes + 4
	sentKeyBytes       = 1 + 20 + 8
	createdKeyBytes    = 1 + 20
)

func appearanceKey(b []byte, a chain.Address, h chain.Height, index uint32) []byte {
	b = binary.BigEndian.AppendUint64(append(append(b, kindAppearance), a[:]...), uint64(h))
	return binary.BigEndian.AppendUint32(b, index)
}

func sentKey(b []byte, a chain.Address, nonce uint64) []byte {
	return binary.BigEndian.AppendUint64(append(append(b, kindSent), a[:]...), nonce)
}

func createdKey(a chain.Address) []byte { return append([]byte{kindCreated}, a[:]...) }

// putAppearances writes the block into the indexes of addresses.
func (c *Commit) putAppearances(b *pebble.Batch) error {
	p := putter{b: b}
	h := c.Block.Header.Number
	key := make([]byte, 0, appearanceKeyBytes)
	for _, a := range AppearancesOf(c.Block.Txs, c.Receipts) {
		key = appearanceKey(key[:0], a.Address, h, a.Index)
		p.set(key, nil)
	}
	for i, tx := range c.Block.Txs {
		from, err := tx.Sender()
		if err != nil {
			return fmt.Errorf("transaction %d: %w", i, err) // blocks with such are not executed
		}
		key = sentKey(key[:0], from, tx.Nonce)
		place := TxPlace{h, uint32(i)}
		p.set(key, place.encode())
	}
	for _, a := range created(&c.Diff) {
		p.set(createdKey(a), encodeHeight(h))
	}
	return p.err
}

// Appearances calls f for the transactions from block from to block to, both included, in which an
// address appears: upwards, or with back from the last one down. It ends when f wants no more.
func (s *Snapshot) Appearances(a chain.Address, from, to chain.Height, back bool, f func(TxPlace) (more bool, err error)) (err error) {
	if from > to {
		return nil
	}
	it, err := s.from.NewIter(&pebble.IterOptions{
		LowerBound: appearanceKey(nil, a, from, 0), UpperBound: append(appearanceKey(nil, a, to, 1<<32-1), 0),
	})
	if err != nil {
		return fmt.Errorf("database: %w", err)
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	first, next := it.First, it.Next
	if back {
		first, next = it.Last, it.Prev
	}
	for ok := first(); ok; ok = next() {
		place, err := decodeAppearance(it.Key())
		if err != nil {
			return err
		}
		if more, err := f(place); err != nil || !more {
			return err
		}
	}
	return it.Error()
}

func decodeAppearance(key []byte) (TxPlace, error) {
	if len(key) != appearanceKeyBytes {
		return TxPlace{}, damaged(key, errKey)
	}
	return TxPlace{chain.Height(binary.BigEndian.Uint64(key[21:])), binary.BigEndian.Uint32(key[29:])}, nil
}

// Sent gives the place of the transaction that an account has sent with a nonce.
func (r reads) Sent(a chain.Address, nonce uint64) (TxPlace, error) {
	return get(r, sentKey(nil, a, nonce), decodeTxPlace)
}

// Created gives the height at which an account got its code.
func (r reads) Created(a chain.Address) (chain.Height, error) {
	return get(r, createdKey(a), decodeHeight)
}

// HasAppearance reports whether the index names a transaction for an address.
func (s *Snapshot) HasAppearance(a chain.Address, place TxPlace) (bool, error) {
	_, err := get(s.reads, appearanceKey(nil, a, place.Height, place.Index), copied)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// AddressRows are the numbers of rows in the indexes of addresses.
type AddressRows struct{ Appearances, Sent, Created uint64 }

// CountAddressRows counts them; all have the right form.
func (s *Snapshot) CountAddressRows() (n AddressRows, err error) {
	err = errors.Join(
		s.count(kindAppearance, appearanceKeyBytes, &n.Appearances, func(value []byte) error {
			if len(value) > 0 {
				return errValue
			}
			return nil
		}),
		s.count(kindSent, sentKeyBytes, &n.Sent, func(value []byte) error { _, err := decodeTxPlace(value); return err }),
		s.count(kindCreated, createdKeyBytes, &n.Created, func(value []byte) error { _, err := decodeHeight(value); return err }),
	)
	return n, err
}

func (s *Snapshot) count(kind byte, keyBytes int, n *uint64, check func(value []byte) error) error {
	return s.each(kind, func(key, value []byte) error {
		if len(key) != keyBytes {
			return damaged(key, errKey)
		}
		if err := check(value); err != nil {
			return damaged(key, err)
		}
		*n++
		return nil
	})
}
