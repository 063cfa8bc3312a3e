package state

import (
	"bytes"
	"slices"

	"github.com/aiwork/aiwork-node/internal/chain"
)

// Diff is the net change between two states: only what differs is in it, each list is sorted by its
// key and holds a key once. It is not changed after it was made.
type Diff struct {
	Accounts []AccountChange
	Slots    []SlotChange
	Codes    []CodeChange
}

// AccountChange says what an account was and is. An empty New means that it does not exist any more.
type AccountChange struct {
	Address  chain.Address
	Old, New Account
}

// SlotChange says what a slot was and is. A zero New means that it does not exist any more.
type SlotChange struct {
	Address  chain.Address
	Key      chain.Hash
	Old, New chain.Hash
}

// CodeChange brings a code into being. Codes are found by their Keccak hash and never go away.
type CodeChange struct {
	Hash chain.Hash
	Code []byte
}

// Empty reports whether nothing differs.
func (d *Diff) Empty() bool {
	return len(d.Accounts) == 0 && len(d.Slots) == 0 && len(d.Codes) == 0
}

func compareAccounts(a, b AccountChange) int { return bytes.Compare(a.Address[:], b.Address[:]) }

func compareSlots(a, b SlotChange) int {
	if c := bytes.Compare(a.Address[:], b.Address[:]); c != 0 {
		return c
	}
	return bytes.Compare(a.Key[:], b.Key[:])
}

func compareCodes(a, b CodeChange) int { return bytes.Compare(a.Hash[:], b.Hash[:]) }

func (d *Diff) sort() {
	slices.SortFunc(d.Accounts, compareAccounts)
	slices.SortFunc(d.Slots, compareSlots)
	slices.SortFunc(d.Codes, compareCodes)
}

// Overlay is a Reader that shows a Diff on top of another Reader. It adds nothing to the memory of the
// Diff: look-ups are binary searches in its sorted lists.
type Overlay struct {
	base Reader
	diff Diff
}

// NewOverlay puts d on top of base. It is safe for concurrent use if base is.
func NewOverlay(base Reader, d Diff) *Overlay { return &Overlay{base: base, diff: d} }

// Account gives the account after the Diff.
func (o *Overlay) Account(addr chain.Address) (Account, bool, error) {
	i, found := slices.BinarySearchFunc(o.diff.Accounts, addr, func(c AccountChange, a chain.Address) int {
		return bytes.Compare(c.Address[:], a[:])
	})
	if !found {
		return o.base.Account(addr)
	}
	acct := o.diff.Accounts[i].New
	return acct, !acct.Empty(), nil
}

// Slot gives the slot's value after the Diff.
func (o *Overlay) Slot(addr chain.Address, key chain.Hash) (chain.Hash, error) {
	i, found := slices.BinarySearchFunc(o.diff.Slots, SlotChange{Address: addr, Key: key}, compareSlots)
	if !found {
		return o.base.Slot(addr, key)
	}
	return o.diff.Slots[i].New, nil
}

// Code gives a code that the Diff or an earlier block brought.
func (o *Overlay) Code(hash chain.Hash) ([]byte, error) {
	i, found := slices.BinarySearchFunc(o.diff.Codes, CodeChange{Hash: hash}, compareCodes)
	if !found {
		return o.base.Code(hash)
	}
	return o.diff.Codes[i].Code, nil
}
