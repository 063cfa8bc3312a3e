package trace

import (
	"encoding/json"
	"errors"
	"maps"

	"github.com/aiwork/aiwork-node/crypto/keccak"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/ledger/state"
	"github.com/aiwork/aiwork-node/vm"
	"github.com/aiwork/aiwork-node/vm/fork"
)

// prestate is prestateTracer: what the transaction found of the accounts and slots that it touched, or
// with diffMode what it found and left of those that it changed.
type prestate struct {
	config prestateConfig
	budget *budget
	env    *Env

	pre, post map[chain.Address]*account
	created   map[chain.Address]bool
	deleted   map[chain.Address]bool
	waiting   touch // what the last instruction touches, if it can be paid for
	open      []openTouch
}

type prestateConfig struct {
	DiffMode       bool `json:"diffMode"`
	DisableCode    bool `json:"disableCode"`
	DisableStorage bool `json:"disableStorage"`
	IncludeEmpty   bool `json:"includeEmpty"`
}

// account is what is told of an account. Code is a pointer so that code that went away can be told of.
type account struct {
	Balance  *amount                   `json:"balance,omitempty"`
	Code     *data                     `json:"code,omitempty"`
	CodeHash *chain.Hash               `json:"codeHash,omitempty"`
	Nonce    uint64                    `json:"nonce,omitempty"`
	Storage  map[chain.Hash]chain.Hash `json:"storage,omitempty"`

	empty bool
}

// touch is an account, or a slot of it.
type touch struct {
	what touchKind
	addr chain.Address
	key  chain.Hash
}

type touchKind uint8

const (
	touchNothing touchKind = iota
	touchAccount
	touchSlot
)

// openTouch is a running call; of one to a contract of the chain, how far the state had been read before.
type openTouch struct {
	native bool
	before state.Extent
}

// reach is a State that can say what a contract of the chain has touched.
type reach interface {
	Extent() state.Extent
	TouchedSince(e state.Extent, account func(chain.Address), slot func(chain.Address, chain.Hash))
}

// differ is a State that was made for this transaction and knows all that it changed.
type differ interface{ Diff() state.Diff }

// accountBytes and slotBytes are what they take in JSON, once before and once after.
const (
	accountBytes = 360
	slotBytes    = 280
)

func newPrestate(config json.RawMessage, b *budget) (Tracer, error) {
	t := &prestate{
		budget: b, pre: map[chain.Address]*account{}, post: map[chain.Address]*account{},
		created: map[chain.Address]bool{}, deleted: map[chain.Address]bool{},
	}
	if err := readConfig(config, &t.config); err != nil {
		return nil, err
	}
	if t.config.DiffMode && t.config.IncludeEmpty {
		return nil, errors.New("cannot use diffMode with includeEmpty")
	}
	return t, nil
}

func (t *prestate) Begin(env *Env, tx *Tx) {
	t.env = env
	t.account(tx.From)
	t.account(env.Coinbase)
	if tx.To != nil {
		t.callee(*tx.To)
	}
	for i := range tx.Auths {
		if signer, err := tx.Auths[i].Signer(); err == nil {
			t.account(signer)
		}
	}
}

// callee notes an account that is called, and the one whose code it has put in its place (EIP-7702).
func (t *prestate) callee(a chain.Address) {
	t.account(a)
	if target, ok := chain.DelegationOf(t.env.State.Code(a)); ok {
		t.account(target)
	}
}

func (t *prestate) Enter(c vm.Call) {
	t.settle()
	o := openTouch{}
	switch c.Op {
	case vm.CREATE, vm.CREATE2:
		t.account(c.To)
		t.created[c.To] = true
	case vm.SELFDESTRUCT:
		t.account(c.To)
		if t.created[c.From] || t.env.Fork < fork.Cancun {
			t.deleted[c.From] = true
		}
	default:
		if len(t.open) > 0 {
			t.callee(c.To) // the transaction's own was noted before its authorizations took effect
		}
		if r, ok := t.env.State.(reach); ok && t.env.Native != nil && t.env.Native(c.To) {
			o = openTouch{native: true, before: r.Extent()}
		}
	}
	t.open = append(t.open, o)
}

// Step notes what an instruction is about to touch. It counts only if the instruction can be paid for,
// which what comes next tells.
func (t *prestate) Step(s *vm.Step) {
	t.settle()
	top := len(s.Stack) - 1
	if top < 0 {
		return
	}
	switch s.Op {
	case vm.SLOAD, vm.SSTORE:
		t.waiting = touch{touchSlot, s.Self, s.Stack[top].Bytes32()}
	case vm.EXTCODECOPY, vm.EXTCODEHASH, vm.EXTCODESIZE, vm.BALANCE:
		t.waiting = touch{what: touchAccount, addr: s.Stack[top].Bytes20()}
	}
}

func (t *prestate) settle() {
	switch t.waiting.what {
	case touchAccount:
		t.account(t.waiting.addr)
	case touchSlot:
		t.slot(t.waiting.addr, t.waiting.key)
	}
	t.waiting = touch{}
}

func (t *prestate) Log(*chain.Log) {}

// Exit drops what waits: it is of the instruction that the call ended with, which then was not run.
func (t *prestate) Exit([]byte, uint64, vm.Fault) {
	t.waiting = touch{}
	o := t.open[len(t.open)-1]
	t.open = t.open[:len(t.open)-1]
	if o.native {
		t.env.State.(reach).TouchedSince(o.before, t.account, t.slot)
	}
}

// account notes an account as the transaction found it, unless it is known already.
func (t *prestate) account(a chain.Address) {
	if t.pre[a] != nil || !t.budget.take(accountBytes) {
		return
	}
	st := t.env.Before
	acct := &account{Balance: &amount{st.Balance(a)}, Nonce: st.Nonce(a)}
	if hash := st.CodeHash(a); !hash.IsZero() {
		acct.CodeHash = &hash
	}
	acct.empty = acct.Balance.IsZero() && acct.Nonce == 0 && acct.CodeHash == nil
	if code := data(st.Code(a)); len(code) > 0 && !t.config.DisableCode && t.budget.take(2*len(code)) {
		acct.Code = &code
	}
	if !t.config.DisableStorage {
		acct.Storage = map[chain.Hash]chain.Hash{}
	}
	t.pre[a] = acct
}

// slot notes what the transaction found in a slot, unless it is known already.
func (t *prestate) slot(a chain.Address, key chain.Hash) {
	t.account(a)
	acct := t.pre[a]
	if acct == nil || acct.Storage == nil {
		return
	}
	if _, known := acct.Storage[key]; !known && t.budget.take(slotBytes) {
		acct.Storage[key] = t.env.Before.Slot(a, key)
	}
}

func (t *prestate) End(uint64) {
	if d, ok := t.env.State.(differ); ok {
		t.noteChanges(d.Diff())
	}
	if t.config.DiffMode {
		t.diff()
	}
	if !t.config.IncludeEmpty {
		maps.DeleteFunc(t.pre, func(_ chain.Address, a *account) bool { return a.empty })
	}
}

// noteChanges notes what was changed without an instruction that says so, by contracts of the chain.
func (t *prestate) noteChanges(d state.Diff) {
	for i := range d.Accounts {
		t.account(d.Accounts[i].Address)
	}
	for i := range d.Slots {
		t.slot(d.Slots[i].Address, d.Slots[i].Key)
	}
}

// diff keeps what was changed: before in pre, after in post.
func (t *prestate) diff() {
	for addr, before := range t.pre {
		if t.deleted[addr] && t.gone(addr) {
			continue
		}
		after := t.changed(addr, before)
		if after == nil {
			delete(t.pre, addr)
			continue
		}
		t.post[addr] = after
	}
}

// gone reports whether a self-destruction was not undone.
func (t *prestate) gone(a chain.Address) bool {
	st := t.env.State
	balance := st.Balance(a)
	return balance.IsZero() && st.Nonce(a) == 0 && st.CodeHash(a).IsZero()
}

// changed gives what the transaction left of an account, nil if that is what it found. Slots that it did
// not change, or that held nothing, go out of before.
func (t *prestate) changed(addr chain.Address, before *account) *account {
	st := t.env.State
	after, differs := &account{Storage: map[chain.Hash]chain.Hash{}}, false
	if balance := st.Balance(addr); !balance.Eq(&before.Balance.Int) {
		after.Balance, differs = &amount{balance}, true
	}
	if nonce := st.Nonce(addr); nonce != before.Nonce {
		after.Nonce, differs = nonce, true
	}
	if t.changedCode(addr, before, after) {
		differs = true
	}
	for key, was := range before.Storage {
		now := st.Slot(addr, key)
		if was.IsZero() || was == now {
			delete(before.Storage, key)
		}
		if was == now {
			continue
		}
		differs = true
		if !now.IsZero() {
			after.Storage[key] = now
		}
	}
	if !differs {
		return nil
	}
	return after
}

func (t *prestate) changedCode(addr chain.Address, before, after *account) bool {
	hash := t.env.State.CodeHash(addr)
	if before.CodeHash != nil && hash == *before.CodeHash || before.CodeHash == nil && hash.IsZero() {
		return false
	}
	if hash.IsZero() {
		hash = keccak.Sum256()
	}
	after.CodeHash = &hash
	if code := data(t.env.State.Code(addr)); !t.config.DisableCode && t.budget.take(2*len(code)) {
		after.Code = &code
	}
	return true
}

func (t *prestate) Result() (json.RawMessage, error) {
	if err := t.budget.err(); err != nil {
		return nil, err
	}
	if !t.config.DiffMode {
		return json.Marshal(t.pre)
	}
	return json.Marshal(struct {
		Post map[chain.Address]*account `json:"post"`
		Pre  map[chain.Address]*account `json:"pre"`
	}{t.post, t.pre})
}
