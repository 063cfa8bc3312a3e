package state

import "github.com/aiwork/aiwork-node/internal/chain"

// IsWarmAddress reports whether addr was accessed in this transaction, without accessing it.
func (v *View) IsWarmAddress(addr chain.Address) bool {
	i, ok := v.accountAt[addr]
	return ok && v.accounts[i].warm == v.tx
}

// IsWarmSlot reports whether a slot was accessed in this transaction, without accessing it.
func (v *View) IsWarmSlot(addr chain.Address, key chain.Hash) bool {
	i, ok := v.slotAt[slotKey{addr, key}]
	return ok && v.slots[i].warm == v.tx
}

// Extent is how much a view has read so far.
type Extent struct{ accounts, slots int }

// Extent gives how much the view has read so far, for TouchedSince.
func (v *View) Extent() Extent { return Extent{len(v.accounts), len(v.slots)} }

// TouchedSince tells, in the order of their first reading, of all accounts and slots that the view had not
// read at an earlier extent; what was undone counts too.
func (v *View) TouchedSince(e Extent, account func(chain.Address), slot func(addr chain.Address, key chain.Hash)) {
	for i := e.accounts; i < len(v.accounts); i++ {
		account(v.accounts[i].addr)
	}
	for i := e.slots; i < len(v.slots); i++ {
		slot(v.slots[i].addr, v.slots[i].key)
	}
}

// Absorb makes the changes of a Diff, whose Old values are those of the view now. It stands between two
// transactions.
func (v *View) Absorb(d *Diff) {
	for i := range d.Accounts {
		c := &d.Accounts[i]
		e := &v.accounts[v.account(c.Address)]
		if e.now.CodeHash != c.New.CodeHash {
			e.code, e.codeKnown = nil, c.New.CodeHash.IsZero()
		}
		e.now = c.New
	}
	for i := range d.Codes {
		v.keepCode(&d.Codes[i], d.Accounts)
	}
	for i := range d.Slots {
		_, e := v.slot(&d.Slots[i].Address, &d.Slots[i].Key)
		e.now = d.Slots[i].New
	}
	v.reset()
}

// keepCode gives a new code to the accounts that have it: the reader below does not know it.
func (v *View) keepCode(c *CodeChange, accounts []AccountChange) {
	for i := range accounts {
		if accounts[i].New.CodeHash == c.Hash {
			e := &v.accounts[v.account(accounts[i].Address)]
			e.code, e.codeKnown = c.Code, true
		}
	}
}

// Below gives the view as a Reader for another view on top of it, which shows it as it is now. The lower
// one is not changed while the upper one is in use.
func (v *View) Below() Reader { return below{v} }

type below struct{ v *View }

func (b below) Account(addr chain.Address) (Account, bool, error) {
	a := b.v.Account(addr)
	return a, !a.Empty(), b.v.err
}

func (b below) Slot(addr chain.Address, key chain.Hash) (chain.Hash, error) {
	return b.v.Slot(addr, key), b.v.err
}

// Code finds a code by its hash, below the view or among those that it made.
func (b below) Code(hash chain.Hash) ([]byte, error) {
	code, err := b.v.base.Code(hash)
	if code != nil || err != nil {
		return code, err
	}
	for i := range b.v.accounts {
		if e := &b.v.accounts[i]; e.codeKnown && e.now.CodeHash == hash {
			return e.code, nil
		}
	}
	return nil, nil
}
