package statetest

// What is tested: the ledger's state, ledger/state.View, serves the machine as well as the World of this
// package does. Cases of the archive run on both; gas, logs, fault, answer and all accounts must be equal.
// Left out are cases that the ledger can never meet: accounts that are empty or without code, nonce and
// balance but with slots before the transaction.

import (
	"bytes"
	"testing"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/ledger/state"
	"github.com/aiwork/aiwork-node/vm"
	"github.com/aiwork/aiwork-node/vm/fork"
)

// ledgerState is a View with what it lacks of vm.State.
type ledgerState struct {
	*state.View
	set map[chain.Address][]chain.Hash
}

// HasStorage is never true where a contract can be created: such an account would have had code or a nonce.
func (ledgerState) HasStorage(chain.Address) bool { return false }

// SetSlot notes the key for Destroy.
func (l ledgerState) SetSlot(addr chain.Address, key, val chain.Hash) {
	l.set[addr] = append(l.set[addr], key)
	l.View.SetSlot(addr, key, val)
}

// Destroy removes an account that was created in the same transaction, so all its slots were set in it.
func (l ledgerState) Destroy(addr chain.Address) {
	balance := l.Balance(addr)
	l.SubBalance(addr, &balance)
	l.SetNonce(addr, 0)
	l.SetCode(addr, nil)
	for _, key := range l.set[addr] {
		l.View.SetSlot(addr, key, chain.Hash{})
	}
}

var _ vm.State = ledgerState{}

// reader shows a World to a View.
type reader struct{ w *World }

func (r reader) Account(addr chain.Address) (state.Account, bool, error) {
	a, ok := r.w.accounts[addr]
	if !ok {
		return state.Account{}, false, nil
	}
	return state.Account{Nonce: a.nonce, Balance: a.balance, CodeHash: a.hash}, true, nil
}

func (r reader) Slot(addr chain.Address, key chain.Hash) (chain.Hash, error) {
	if s, ok := r.w.slots[slotKey{addr, key}]; ok {
		return s.now, nil
	}
	return chain.Hash{}, nil
}

func (r reader) Code(hash chain.Hash) ([]byte, error) {
	for _, a := range r.w.accounts {
		if a.hash == hash {
			return a.code, nil
		}
	}
	return nil, nil
}

func TestLedgerStateServes(t *testing.T) {
	files := make(chan []byte, 4)
	done := make(chan int)
	go func() {
		n, r := 0, NewRunner()
		for file := range files {
			tests, err := decode(file)
			if err != nil {
				t.Error(err)
			}
			for name, test := range tests {
				for i := range test.Post["Osaka"] {
					if ordinary(test) {
						n++
						compareStates(t, r, name, test, &test.Post["Osaka"][i])
					}
				}
			}
		}
		done <- n
	}()
	readArchive(t, files, viewStep)
	if n := <-done; n < 500 {
		t.Errorf("got %d cases, want at least 500", n)
	} else {
		t.Logf("%d cases equal", n)
	}
}

// viewStep is which share of the files this test takes.
const viewStep = 7

func ordinary(t *test) bool {
	for _, a := range t.Pre {
		empty := a.Nonce.IsZero() && len(a.Code) == 0
		if empty && (a.Balance.IsZero() || len(a.Storage) > 0) || len(a.Code) > state.CodeSizeMax {
			return false
		}
	}
	return true
}

func compareStates(t *testing.T, r *Runner, name string, test *test, p *post) {
	tx, err := test.tx(p)
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	block, err := test.block(fork.Osaka, "Osaka")
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	base, w := NewWorld(), NewWorld()
	for addr, acct := range test.Pre {
		base.set(addr, &acct)
		w.set(addr, &acct)
	}
	m := r.machine(fork.Osaka)
	m.SetBlock(block)
	w.Begin()
	m.SetState(w)
	want, wantErr := m.Run(&tx)
	w.End(true)

	view := state.New(reader{base})
	view.BeginTx()
	m.SetState(ledgerState{view, map[chain.Address][]chain.Hash{}})
	got, gotErr := m.Run(&tx)
	if gotErr != wantErr || got.GasUsed != want.GasUsed || got.Fault != want.Fault || !bytes.Equal(got.Output, want.Output) {
		t.Errorf("%s: on the ledger's state %+v %v, want %+v %v", name, got, gotErr, want, wantErr)
	}
	if g, e := logsHash(view.Logs()), logsHash(w.Logs()); g != e {
		t.Errorf("%s: logs: got %s, want %s", name, g, e)
	}
	for addr, a := range w.accounts {
		acct := view.Account(addr)
		if acct.Nonce != a.nonce || acct.Balance != a.balance || acct.CodeHash != a.hash || !bytes.Equal(view.Code(addr), a.code) {
			t.Errorf("%s: account %s: got %+v, want %+v", name, addr, acct, a.fields)
		}
		for _, key := range a.keys {
			if g, e := view.Slot(addr, key), w.Slot(addr, key); g != e {
				t.Errorf("%s: account %s slot %s: got %s, want %s", name, addr, key, g, e)
			}
		}
	}
	if err := view.Err(); err != nil {
		t.Errorf("%s: %v", name, err)
	}
}
