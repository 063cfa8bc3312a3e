package state

import (
	"fmt"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/crypto/keccak"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/must"
)

// View is a journaled view of the state: reads go to the Reader once, changes stay in the View. It is
// for one goroutine. Calls outside BeginTx and EndTx (block start, genesis) are journaled too.
type View struct {
	base Reader
	err  error

	accounts  []accountEntry
	accountAt map[chain.Address]uint32
	slots     []slotEntry
	slotAt    map[slotKey]uint32

	journal []change
	// tx counts transactions from 1; an entry is warm, and its value at the transaction's start is
	// known, if it carries this number. So a new transaction costs nothing to set up.
	tx        uint32
	logs      []chain.Log
	refund    uint64
	transient map[slotKey]chain.Hash
}

type slotKey struct {
	addr chain.Address
	key  chain.Hash
}

type accountEntry struct {
	addr      chain.Address
	old, now  Account
	warm      uint32 // the transaction in which it is warm
	code      []byte
	codeKnown bool
}

type slotEntry struct {
	slotKey
	old, now chain.Hash
	start    chain.Hash // value at the start of transaction startTx
	startTx  uint32
	warm     uint32
}

// New gives a view over base, with nothing changed.
func New(base Reader) *View {
	return &View{
		base:      base,
		accountAt: make(map[chain.Address]uint32),
		slotAt:    make(map[slotKey]uint32),
		tx:        1,
	}
}

// Err gives the first error of the Reader. When it is not nil, everything that was computed with the
// view must be thrown away: it says nothing about the block.
func (v *View) Err() error { return v.err }

func (v *View) fail(err error) {
	if v.err == nil {
		v.err = err
	}
}

// account gives the index of addr's entry. Entries are never removed.
func (v *View) account(addr chain.Address) uint32 {
	if i, ok := v.accountAt[addr]; ok {
		return i
	}
	acct, _, err := v.base.Account(addr)
	if err != nil {
		v.fail(fmt.Errorf("state: account 0x%x: %w", addr[:], err))
		// Whoever holds the view throws its result away. Until then code that pays from this account meets
		// no shortage that it would take for a broken ledger.
		acct = Account{Balance: uint256.Int{0, 0, 0, 1 << 62}}
	}
	i := uint32(len(v.accounts))
	v.accounts = append(v.accounts, accountEntry{addr: addr, old: acct, now: acct})
	v.accountAt[addr] = i
	return i
}

func (v *View) slot(addr chain.Address, key chain.Hash) uint32 {
	k := slotKey{addr, key}
	i, ok := v.slotAt[k]
	if !ok {
		val, err := v.base.Slot(addr, key)
		if err != nil {
			v.fail(fmt.Errorf("state: slot %s: %w", key, err))
			val = chain.Hash{}
		}
		i = uint32(len(v.slots))
		v.slots = append(v.slots, slotEntry{slotKey: k, old: val, now: val})
		v.slotAt[k] = i
	}
	e := &v.slots[i]
	if e.startTx != v.tx {
		e.start, e.startTx = e.now, v.tx
	}
	return i
}

// Account gives all of addr's account at once.
func (v *View) Account(addr chain.Address) Account { return v.accounts[v.account(addr)].now }

// Balance gives what addr owns, in base units.
func (v *View) Balance(addr chain.Address) uint256.Int {
	return v.accounts[v.account(addr)].now.Balance
}

// AddBalance gives amount to addr. The supply is capped far below 2^256, so an overflow is our mistake.
func (v *View) AddBalance(addr chain.Address, amount *uint256.Int) {
	if amount.IsZero() {
		return
	}
	i := v.account(addr)
	v.journal = append(v.journal, change{kind: changeBalance, index: i, number: v.accounts[i].now.Balance})
	b := &v.accounts[i].now.Balance
	_, overflow := b.AddOverflow(b, amount)
	must.Hold(!overflow || v.err != nil, "balance above 2^256")
}

// SubBalance takes amount from addr, which the caller knows to be there.
func (v *View) SubBalance(addr chain.Address, amount *uint256.Int) {
	if amount.IsZero() {
		return
	}
	i := v.account(addr)
	v.journal = append(v.journal, change{kind: changeBalance, index: i, number: v.accounts[i].now.Balance})
	b := &v.accounts[i].now.Balance
	_, underflow := b.SubOverflow(b, amount)
	must.Hold(!underflow || v.err != nil, "balance below zero")
}

// Nonce gives the number of transactions that addr has sent.
func (v *View) Nonce(addr chain.Address) uint64 { return v.accounts[v.account(addr)].now.Nonce }

// SetNonce sets addr's nonce.
func (v *View) SetNonce(addr chain.Address, nonce uint64) {
	i := v.account(addr)
	e := &v.accounts[i]
	v.journal = append(v.journal, change{kind: changeNonce, index: i, number: uint256.Int{e.now.Nonce}})
	e.now.Nonce = nonce
}

// CodeHash gives the Keccak hash of addr's code, zero if it has none.
func (v *View) CodeHash(addr chain.Address) chain.Hash {
	return v.accounts[v.account(addr)].now.CodeHash
}

// Code gives addr's code, which the caller does not change; nil if it has none.
func (v *View) Code(addr chain.Address) []byte {
	e := &v.accounts[v.account(addr)]
	if e.now.CodeHash.IsZero() {
		return nil
	}
	if !e.codeKnown {
		code, err := v.base.Code(e.now.CodeHash)
		if err == nil && code == nil {
			err = fmt.Errorf("code %s: missing", e.now.CodeHash)
		}
		if err != nil {
			v.fail(fmt.Errorf("state: %w", err))
			return nil
		}
		e.code, e.codeKnown = code, true
	}
	return e.code
}

// SetCode gives addr a code, which the caller does not change afterwards. Empty code removes it.
func (v *View) SetCode(addr chain.Address, code []byte) {
	must.Hold(len(code) <= CodeSizeMax, "code above its size limit")
	i := v.account(addr)
	e := &v.accounts[i]
	v.journal = append(v.journal, change{
		kind: changeCode, index: i, hash: e.now.CodeHash, code: e.code, codeKnown: e.codeKnown,
	})
	e.now.CodeHash, e.code, e.codeKnown = chain.Hash{}, nil, true
	if len(code) > 0 {
		e.now.CodeHash, e.code = keccak.Sum256(code), code
	}
}

// Exists reports whether addr is not empty.
func (v *View) Exists(addr chain.Address) bool { return !v.Empty(addr) }

// Empty reports whether addr has nonce 0, balance 0 and no code.
func (v *View) Empty(addr chain.Address) bool { return v.accounts[v.account(addr)].now.Empty() }

// Slot gives the value of a slot, zero if nothing was ever stored.
func (v *View) Slot(addr chain.Address, key chain.Hash) chain.Hash {
	return v.slots[v.slot(addr, key)].now
}

// CommittedSlot gives the value that the slot had when the transaction began.
func (v *View) CommittedSlot(addr chain.Address, key chain.Hash) chain.Hash {
	return v.slots[v.slot(addr, key)].start
}

// SetSlot stores a value; zero clears the slot.
func (v *View) SetSlot(addr chain.Address, key, val chain.Hash) {
	i := v.slot(addr, key)
	e := &v.slots[i]
	if e.now == val {
		return
	}
	v.journal = append(v.journal, change{kind: changeSlot, index: i, hash: e.now})
	e.now = val
}

// WarmAddress marks addr as accessed in this transaction and reports whether it was already (EIP-2929).
func (v *View) WarmAddress(addr chain.Address) (wasWarm bool) {
	i := v.account(addr)
	e := &v.accounts[i]
	if e.warm == v.tx {
		return true
	}
	v.journal = append(v.journal, change{kind: changeWarmAddress, index: i})
	e.warm = v.tx
	return false
}

// WarmSlot marks a slot as accessed in this transaction and reports whether it was already (EIP-2929).
func (v *View) WarmSlot(addr chain.Address, key chain.Hash) (wasWarm bool) {
	i := v.slot(addr, key)
	e := &v.slots[i]
	if e.warm == v.tx {
		return true
	}
	v.journal = append(v.journal, change{kind: changeWarmSlot, index: i})
	e.warm = v.tx
	return false
}

// AddLog appends a log to the transaction's receipt. The view keeps l's slices.
func (v *View) AddLog(l chain.Log) {
	v.journal = append(v.journal, change{kind: changeLog})
	v.logs = append(v.logs, l)
}

// Logs gives the logs since BeginTx. The slice is the caller's after EndTx.
func (v *View) Logs() []chain.Log { return v.logs }

// AddRefund adds to the gas that the transaction gets back at its end.
func (v *View) AddRefund(gas uint64) {
	v.journal = append(v.journal, change{kind: changeRefund, number: uint256.Int{v.refund}})
	v.refund += gas
}

// SubRefund takes back a part of an earlier AddRefund.
func (v *View) SubRefund(gas uint64) {
	must.Hold(gas <= v.refund, "refund below zero")
	v.journal = append(v.journal, change{kind: changeRefund, number: uint256.Int{v.refund}})
	v.refund -= gas
}

// Refund gives the gas collected by AddRefund in this transaction.
func (v *View) Refund() uint64 { return v.refund }

// Transient gives a value that lives until the end of the transaction (EIP-1153).
func (v *View) Transient(addr chain.Address, key chain.Hash) chain.Hash {
	return v.transient[slotKey{addr, key}]
}

// SetTransient stores a value that lives until the end of the transaction.
func (v *View) SetTransient(addr chain.Address, key, val chain.Hash) {
	k := slotKey{addr, key}
	if v.transient == nil {
		v.transient = make(map[slotKey]chain.Hash)
	}
	v.journal = append(v.journal, change{kind: changeTransient, addr: addr, key: key, hash: v.transient[k]})
	v.transient[k] = val
}

// BeginTx starts a transaction: nothing is warm, no logs, no refund, no transient values, and the
// values of slots now are their committed ones. Snapshots taken before are void.
func (v *View) BeginTx() { v.reset() }

// EndTx ends a transaction. Its changes cannot be taken back any more.
func (v *View) EndTx() { v.reset() }

func (v *View) reset() {
	v.journal = v.journal[:0]
	v.tx++
	v.logs = nil
	v.refund = 0
	clear(v.transient)
}

// Diff gives the net changes since New in sorted order. The view may be used on; a later Diff holds
// the earlier changes too.
func (v *View) Diff() Diff {
	var d Diff
	for i := range v.accounts {
		e := &v.accounts[i]
		if e.now == e.old {
			continue
		}
		d.Accounts = append(d.Accounts, AccountChange{Address: e.addr, Old: e.old, New: e.now})
		if e.now.CodeHash != e.old.CodeHash && len(e.code) > 0 {
			d.Codes = append(d.Codes, CodeChange{Hash: e.now.CodeHash, Code: e.code})
		}
	}
	for i := range v.slots {
		e := &v.slots[i]
		if e.now != e.old {
			d.Slots = append(d.Slots, SlotChange{Address: e.addr, Key: e.key, Old: e.old, New: e.now})
		}
	}
	d.sort()
	d.Codes = dedupCodes(d.Codes)
	return d
}

func dedupCodes(codes []CodeChange) []CodeChange {
	kept := codes[:0]
	for i := range codes {
		if i == 0 || codes[i].Hash != codes[i-1].Hash {
			kept = append(kept, codes[i])
		}
	}
	return kept
}
