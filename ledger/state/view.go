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

	// Places where an account or slot was found last, by a few bits of its key. What stands there is compared
	// before it is believed, so that keys chosen to collide cost no more than the maps.
	accountLast [lastAccounts]uint32
	slotLast    [lastSlots]uint32

	journal journal
	// tx counts transactions from 1; an entry is warm, and its value at the transaction's start is
	// known, if it carries this number. So a new transaction costs nothing to set up.
	tx          uint32
	logs        []chain.Log
	refund      uint64
	transients  []transientEntry
	transientAt map[slotKey]uint32
}

// Both are powers of two.
const (
	lastAccounts = 64
	lastSlots    = 512
)

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

type transientEntry struct {
	slotKey
	now chain.Hash
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
	last := &v.accountLast[addr[19]%lastAccounts]
	if i := *last; int(i) < len(v.accounts) && v.accounts[i].addr == addr {
		return i
	}
	i, ok := v.accountAt[addr]
	if !ok {
		i = v.readAccount(addr)
	}
	*last = i
	return i
}

func (v *View) readAccount(addr chain.Address) uint32 {
	acct, _, err := v.base.Account(addr)
	if err != nil {
		v.fail(fmt.Errorf("state: account %s: %w", addr, err))
		// Whoever holds the view throws its result away. Until then code that pays from this account meets
		// no shortage that it would take for a broken ledger.
		acct = Account{Balance: uint256.Int{0, 0, 0, 1 << 62}}
	}
	i := uint32(len(v.accounts))
	v.accounts = append(v.accounts, accountEntry{addr: addr, old: acct, now: acct})
	v.accountAt[addr] = i
	return i
}

// slot gives the entry of a slot. It is good until the next call.
func (v *View) slot(addr *chain.Address, key *chain.Hash) (uint32, *slotEntry) {
	last := &v.slotLast[(uint(key[31])^uint(key[0])<<1^uint(addr[19])<<3)%lastSlots]
	i := *last
	if int(i) >= len(v.slots) || v.slots[i].key != *key || v.slots[i].addr != *addr {
		var ok bool
		if i, ok = v.slotAt[slotKey{*addr, *key}]; !ok {
			i = v.readSlot(*addr, *key)
		}
		*last = i
	}
	e := &v.slots[i]
	if e.startTx != v.tx {
		e.start, e.startTx = e.now, v.tx
	}
	return i, e
}

func (v *View) readSlot(addr chain.Address, key chain.Hash) uint32 {
	val, err := v.base.Slot(addr, key)
	if err != nil {
		v.fail(fmt.Errorf("state: slot %s: %w", key, err))
		val = chain.Hash{}
	}
	i := uint32(len(v.slots))
	v.slots = append(v.slots, slotEntry{slotKey: slotKey{addr, key}, old: val, now: val})
	v.slotAt[slotKey{addr, key}] = i
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
	b := &v.accounts[i].now.Balance
	v.journal.number(changeBalance, i, b)
	_, overflow := b.AddOverflow(b, amount)
	must.Hold(!overflow || v.err != nil, "balance above 2^256")
}

// SubBalance takes amount from addr, which the caller knows to be there.
func (v *View) SubBalance(addr chain.Address, amount *uint256.Int) {
	if amount.IsZero() {
		return
	}
	i := v.account(addr)
	b := &v.accounts[i].now.Balance
	v.journal.number(changeBalance, i, b)
	_, underflow := b.SubOverflow(b, amount)
	must.Hold(!underflow || v.err != nil, "balance below zero")
}

// Nonce gives the number of transactions that addr has sent.
func (v *View) Nonce(addr chain.Address) uint64 { return v.accounts[v.account(addr)].now.Nonce }

// SetNonce sets addr's nonce.
func (v *View) SetNonce(addr chain.Address, nonce uint64) {
	i := v.account(addr)
	e := &v.accounts[i]
	v.journal.number(changeNonce, i, &uint256.Int{e.now.Nonce})
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
	v.journal.code(i, oldCode{hash: e.now.CodeHash, code: e.code, known: e.codeKnown})
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
	_, e := v.slot(&addr, &key)
	return e.now
}

// CommittedSlot gives the value that the slot had when the transaction began.
func (v *View) CommittedSlot(addr chain.Address, key chain.Hash) chain.Hash {
	_, e := v.slot(&addr, &key)
	return e.start
}

// TouchSlot is Slot, CommittedSlot and WarmSlot in one.
func (v *View) TouchSlot(addr chain.Address, key chain.Hash) (now, start chain.Hash, wasWarm bool) {
	i, e := v.slot(&addr, &key)
	if wasWarm = e.warm == v.tx; !wasWarm {
		v.journal.mark(changeWarmSlot, i)
		e.warm = v.tx
	}
	return e.now, e.start, wasWarm
}

// SetSlot stores a value; zero clears the slot.
func (v *View) SetSlot(addr chain.Address, key, val chain.Hash) {
	i, e := v.slot(&addr, &key)
	if e.now == val {
		return
	}
	v.journal.word(changeSlot, i, &e.now)
	e.now = val
}

// WarmAddress marks addr as accessed in this transaction and reports whether it was already (EIP-2929).
func (v *View) WarmAddress(addr chain.Address) (wasWarm bool) {
	i := v.account(addr)
	e := &v.accounts[i]
	if e.warm == v.tx {
		return true
	}
	v.journal.mark(changeWarmAddress, i)
	e.warm = v.tx
	return false
}

// WarmSlot marks a slot as accessed in this transaction and reports whether it was already (EIP-2929).
func (v *View) WarmSlot(addr chain.Address, key chain.Hash) (wasWarm bool) {
	i, e := v.slot(&addr, &key)
	if e.warm == v.tx {
		return true
	}
	v.journal.mark(changeWarmSlot, i)
	e.warm = v.tx
	return false
}

// AddLog appends a log to the transaction's receipt. The view keeps l's slices.
func (v *View) AddLog(l chain.Log) {
	v.journal.mark(changeLog, 0)
	v.logs = append(v.logs, l)
}

// Logs gives the logs since BeginTx. The slice is the caller's after EndTx.
func (v *View) Logs() []chain.Log { return v.logs }

// AddRefund adds to the gas that the transaction gets back at its end.
func (v *View) AddRefund(gas uint64) {
	v.journal.number(changeRefund, 0, &uint256.Int{v.refund})
	v.refund += gas
}

// SubRefund takes back a part of an earlier AddRefund.
func (v *View) SubRefund(gas uint64) {
	must.Hold(gas <= v.refund, "refund below zero")
	v.journal.number(changeRefund, 0, &uint256.Int{v.refund})
	v.refund -= gas
}

// Refund gives the gas collected by AddRefund in this transaction.
func (v *View) Refund() uint64 { return v.refund }

// Transient gives a value that lives until the end of the transaction (EIP-1153).
func (v *View) Transient(addr chain.Address, key chain.Hash) chain.Hash {
	if i, ok := v.transientAt[slotKey{addr, key}]; ok {
		return v.transients[i].now
	}
	return chain.Hash{}
}

// SetTransient stores a value that lives until the end of the transaction.
func (v *View) SetTransient(addr chain.Address, key, val chain.Hash) {
	k := slotKey{addr, key}
	i, ok := v.transientAt[k]
	if !ok {
		if v.transientAt == nil {
			v.transientAt = make(map[slotKey]uint32)
		}
		i = uint32(len(v.transients))
		v.transients = append(v.transients, transientEntry{slotKey: k})
		v.transientAt[k] = i
	}
	e := &v.transients[i]
	v.journal.word(changeTransient, i, &e.now)
	e.now = val
}

// BeginTx starts a transaction: nothing is warm, no logs, no refund, no transient values, and the
// values of slots now are their committed ones. Snapshots taken before are void.
func (v *View) BeginTx() { v.reset() }

// EndTx ends a transaction. Its changes cannot be taken back any more.
func (v *View) EndTx() { v.reset() }

func (v *View) reset() {
	v.journal.reset()
	v.tx++
	v.logs = nil
	v.refund = 0
	v.transients = v.transients[:0]
	clear(v.transientAt)
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
