package statetest

import (
	"bytes"
	"slices"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/crypto/keccak"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/chain/trie"
	"github.com/aiwork/aiwork-node/internal/codec/rlp"
)

// World is a state in maps for one transaction. Unlike that of the ledger it knows accounts that are there
// although they are empty, which the oldest rule sets have. It is for one goroutine.
type World struct {
	accounts  map[chain.Address]*account
	slots     map[slotKey]*slot
	transient map[slotKey]chain.Hash
	journal   []change
	logs      []chain.Log
	refund    uint64
}

type slotKey struct {
	addr chain.Address
	key  chain.Hash
}

type account struct {
	fields
	warm bool
	keys []chain.Hash // of all slots ever read or set
}

// fields are what an undo restores at once.
type fields struct {
	exists, touched bool
	nonce           uint64
	balance         uint256.Int
	hash            chain.Hash
	code            []byte
}

type slot struct {
	now, start chain.Hash
	warm       bool
}

// change is how to take one step back. What is not nil or set is restored.
type change struct {
	account *account
	fields  fields
	slot    *slot
	val     chain.Hash
	key     slotKey
	refund  uint64
	what    uint8
}

const (
	undoFields = iota
	undoSlot
	undoWarmAccount
	undoWarmSlot
	undoTransient
	undoLog
	undoRefund
)

// NewWorld gives an empty state.
func NewWorld() *World {
	return &World{
		accounts: map[chain.Address]*account{}, slots: map[slotKey]*slot{}, transient: map[slotKey]chain.Hash{},
	}
}

// Begin starts a transaction: nothing is warm or can be undone, and slots have their committed values.
func (w *World) Begin() {
	w.journal, w.logs, w.refund = w.journal[:0], nil, 0
	clear(w.transient)
	for _, a := range w.accounts {
		a.warm, a.touched = false, false
	}
	for _, s := range w.slots {
		s.warm, s.start = false, s.now
	}
}

// End ends a transaction. With sweep set, empty accounts that were touched go (EIP-161).
func (w *World) End(sweep bool) {
	for _, a := range w.accounts {
		if sweep && a.exists && a.touched && a.empty() {
			a.exists = false
		}
	}
}

// Logs gives the logs of the transaction.
func (w *World) Logs() []chain.Log { return w.logs }

func (a *account) empty() bool { return a.nonce == 0 && a.balance.IsZero() && a.hash.IsZero() }

func (w *World) account(addr chain.Address) *account {
	a := w.accounts[addr]
	if a == nil {
		a = &account{}
		w.accounts[addr] = a
	}
	return a
}

// change gives an account to be changed: it is there from now on.
func (w *World) change(addr chain.Address) *account {
	a := w.account(addr)
	w.journal = append(w.journal, change{what: undoFields, account: a, fields: a.fields})
	a.exists, a.touched = true, true
	return a
}

func (w *World) slot(addr chain.Address, key chain.Hash) *slot {
	k := slotKey{addr, key}
	s := w.slots[k]
	if s == nil {
		s = &slot{}
		w.slots[k] = s
		a := w.account(addr)
		a.keys = append(a.keys, key)
	}
	return s
}

// Snapshot is a method of vm.State, as are those that follow.
func (w *World) Snapshot() int { return len(w.journal) }

// RevertTo undoes what was done since the snapshot.
func (w *World) RevertTo(snapshot int) {
	for i := len(w.journal) - 1; i >= snapshot; i-- {
		switch c := &w.journal[i]; c.what {
		case undoFields:
			c.account.fields = c.fields
		case undoSlot:
			c.slot.now = c.val
		case undoWarmAccount:
			c.account.warm = false
		case undoWarmSlot:
			c.slot.warm = false
		case undoTransient:
			w.transient[c.key] = c.val
		case undoLog:
			w.logs = w.logs[:len(w.logs)-1]
		case undoRefund:
			w.refund = c.refund
		}
	}
	w.journal = w.journal[:snapshot]
}

// Exists reports whether the account is there.
func (w *World) Exists(addr chain.Address) bool { return w.account(addr).exists }

// Empty reports whether nonce, balance and code are zero.
func (w *World) Empty(addr chain.Address) bool { return w.account(addr).empty() }

// Balance gives what the account owns.
func (w *World) Balance(addr chain.Address) uint256.Int { return w.account(addr).balance }

// AddBalance gives money to an account, which is there afterwards even if that is none.
func (w *World) AddBalance(addr chain.Address, amount *uint256.Int) {
	a := w.change(addr)
	a.balance.Add(&a.balance, amount)
}

// SubBalance takes money from an account.
func (w *World) SubBalance(addr chain.Address, amount *uint256.Int) {
	a := w.change(addr)
	a.balance.Sub(&a.balance, amount)
}

// Nonce gives the account's nonce.
func (w *World) Nonce(addr chain.Address) uint64 { return w.account(addr).nonce }

// SetNonce sets the account's nonce.
func (w *World) SetNonce(addr chain.Address, nonce uint64) { w.change(addr).nonce = nonce }

// CodeHash gives the hash of the account's code, zero if it has none.
func (w *World) CodeHash(addr chain.Address) chain.Hash { return w.account(addr).hash }

// Code gives the account's code.
func (w *World) Code(addr chain.Address) []byte { return w.account(addr).code }

// SetCode sets or removes the account's code.
func (w *World) SetCode(addr chain.Address, code []byte) {
	a := w.change(addr)
	a.code, a.hash = code, chain.Hash{}
	if len(code) > 0 {
		a.hash = keccak.Sum256(code)
	}
}

// Slot gives a slot's value.
func (w *World) Slot(addr chain.Address, key chain.Hash) chain.Hash { return w.slot(addr, key).now }

// CommittedSlot gives the value at the transaction's start.
func (w *World) CommittedSlot(addr chain.Address, key chain.Hash) chain.Hash {
	return w.slot(addr, key).start
}

// TouchSlot gives a slot's value, the one at the transaction's start, and whether it was warm, as it is now.
func (w *World) TouchSlot(addr chain.Address, key chain.Hash) (now, start chain.Hash, wasWarm bool) {
	wasWarm = w.WarmSlot(addr, key)
	return w.Slot(addr, key), w.CommittedSlot(addr, key), wasWarm
}

// SetSlot sets a slot.
func (w *World) SetSlot(addr chain.Address, key, val chain.Hash) {
	s := w.slot(addr, key)
	w.journal = append(w.journal, change{what: undoSlot, slot: s, val: s.now})
	s.now = val
}

// Transient gives a value of this transaction.
func (w *World) Transient(addr chain.Address, key chain.Hash) chain.Hash {
	return w.transient[slotKey{addr, key}]
}

// SetTransient sets a value of this transaction.
func (w *World) SetTransient(addr chain.Address, key, val chain.Hash) {
	k := slotKey{addr, key}
	w.journal = append(w.journal, change{what: undoTransient, key: k, val: w.transient[k]})
	w.transient[k] = val
}

// WarmAddress makes an account warm.
func (w *World) WarmAddress(addr chain.Address) bool {
	a := w.account(addr)
	if a.warm {
		return true
	}
	w.journal = append(w.journal, change{what: undoWarmAccount, account: a})
	a.warm = true
	return false
}

// WarmSlot makes a slot warm.
func (w *World) WarmSlot(addr chain.Address, key chain.Hash) bool {
	s := w.slot(addr, key)
	if s.warm {
		return true
	}
	w.journal = append(w.journal, change{what: undoWarmSlot, slot: s})
	s.warm = true
	return false
}

// AddLog keeps a log.
func (w *World) AddLog(l chain.Log) {
	w.journal = append(w.journal, change{what: undoLog})
	w.logs = append(w.logs, l)
}

// AddRefund adds to the refund.
func (w *World) AddRefund(gas uint64) {
	w.journal = append(w.journal, change{what: undoRefund, refund: w.refund})
	w.refund += gas
}

// SubRefund takes from the refund.
func (w *World) SubRefund(gas uint64) {
	w.journal = append(w.journal, change{what: undoRefund, refund: w.refund})
	w.refund -= gas
}

// Refund gives the refund so far.
func (w *World) Refund() uint64 { return w.refund }

// HasStorage reports whether a slot of the account is set.
func (w *World) HasStorage(addr chain.Address) bool {
	for _, key := range w.account(addr).keys {
		if !w.slots[slotKey{addr, key}].now.IsZero() {
			return true
		}
	}
	return false
}

// Destroy removes an account and its slots.
func (w *World) Destroy(addr chain.Address) {
	a := w.account(addr)
	for _, key := range a.keys {
		w.slots[slotKey{addr, key}].now = chain.Hash{}
	}
	a.fields = fields{}
}

// set puts an account of a test in place.
func (w *World) set(addr chain.Address, from *account0) {
	a := w.account(addr)
	a.fields = fields{exists: true, nonce: from.Nonce.Uint64(), balance: from.Balance.Int, code: from.Code}
	if len(from.Code) > 0 {
		a.hash = keccak.Sum256(from.Code)
	}
	for key, val := range from.Storage {
		s := w.slot(addr, chain.Hash(key))
		s.now, s.start = chain.Hash(val), chain.Hash(val)
	}
}

var emptyCodeHash = keccak.Sum256()

// Root gives the root of Ethereum's trie over all accounts.
func (w *World) Root() chain.Hash {
	var pairs []trie.Pair
	for addr, a := range w.accounts {
		if !a.exists {
			continue
		}
		hash := [32]byte(a.hash)
		if a.hash.IsZero() {
			hash = emptyCodeHash
		}
		root := w.storageRoot(addr, a)
		body := rlp.AppendUint64(nil, a.nonce)
		body = rlp.AppendUint256(body, &a.balance)
		body = rlp.AppendBytes(rlp.AppendBytes(body, root[:]), hash[:])
		key := keccak.Sum256(addr[:])
		pairs = append(pairs, trie.Pair{Key: key[:], Value: rlp.AppendList(nil, body)})
	}
	return rootOf(pairs)
}

func (w *World) storageRoot(addr chain.Address, a *account) chain.Hash {
	var pairs []trie.Pair
	for _, slotKeyOf := range a.keys {
		val := w.slots[slotKey{addr, slotKeyOf}].now
		if val.IsZero() {
			continue
		}
		key := keccak.Sum256(slotKeyOf[:])
		pairs = append(pairs, trie.Pair{Key: key[:], Value: rlp.AppendBytes(nil, bytes.TrimLeft(val[:], "\x00"))})
	}
	return rootOf(pairs)
}

func rootOf(pairs []trie.Pair) chain.Hash {
	slices.SortFunc(pairs, func(a, b trie.Pair) int { return bytes.Compare(a.Key, b.Key) })
	return trie.Root(pairs)
}
