package state

// What is tested: a View against a naive model that copies everything at each snapshot. Random calls
// are made on both; after each revert and at the end all values, the warm sets, the logs and the net
// Diff must be equal, and an Overlay of the Diff must read as the View does.

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/crypto/keccak"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/dice"
)

// flat is a Reader over maps; fail makes every read an error.
type flat struct {
	accounts map[chain.Address]Account
	slots    map[slotKey]chain.Hash
	codes    map[chain.Hash][]byte
	fail     error
}

func newFlat() *flat {
	return &flat{map[chain.Address]Account{}, map[slotKey]chain.Hash{}, map[chain.Hash][]byte{}, nil}
}

func (f *flat) Account(a chain.Address) (Account, bool, error) {
	acct, ok := f.accounts[a]
	return acct, ok, f.fail
}

func (f *flat) Slot(a chain.Address, k chain.Hash) (chain.Hash, error) {
	return f.slots[slotKey{a, k}], f.fail
}

func (f *flat) Code(h chain.Hash) ([]byte, error) { return f.codes[h], f.fail }

// model is the naive copy of what a View holds.
type model struct {
	flat
	warmA     map[chain.Address]bool
	warmS     map[slotKey]bool
	transient map[slotKey]chain.Hash
	logs      []chain.Log
	refund    uint64
}

func (m *model) copy() *model {
	c := *m
	c.accounts, c.slots, c.codes = maps.Clone(m.accounts), maps.Clone(m.slots), maps.Clone(m.codes)
	c.warmA, c.warmS, c.transient = maps.Clone(m.warmA), maps.Clone(m.warmS), maps.Clone(m.transient)
	c.logs = slices.Clone(m.logs)
	return &c
}

func (m *model) beginTx() {
	m.warmA, m.warmS = map[chain.Address]bool{}, map[slotKey]bool{}
	m.transient, m.logs, m.refund = map[slotKey]chain.Hash{}, nil, 0
}

func addr(i uint64) chain.Address { return chain.Address{0: byte(i * 37), 19: byte(i)} }
func key(i uint64) chain.Hash     { return chain.Hash{0: byte(i * 91), 31: byte(i)} }

func TestViewEqualsModel(t *testing.T) {
	for seed := range uint64(300) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) { runModel(t, seed) })
	}
}

func runModel(t *testing.T, seed uint64) {
	d := dice.New([32]byte{0: byte(seed), 1: byte(seed >> 8)})
	base := newFlat()
	for i := range uint64(6) {
		code := []byte{byte(i), 0xfe}
		base.codes[keccak.Sum256(code)] = code
		base.accounts[addr(i)] = Account{Nonce: i, Balance: *uint256.NewInt(1000 * i), CodeHash: keccak.Sum256(code)}
		base.slots[slotKey{addr(i), key(i)}] = key(i + 1)
	}
	v := New(base)
	m := &model{flat: flat{maps.Clone(base.accounts), maps.Clone(base.slots), maps.Clone(base.codes), nil}}
	m.beginTx()
	started := m.copy()
	type mark struct {
		id int
		m  *model
	}
	var marks []mark
	for range 200 {
		a, k := addr(d.Below(9)), key(d.Below(6))
		sk := slotKey{a, k}
		acct := m.accounts[a]
		switch d.Below(16) {
		case 0, 1:
			n := *uint256.NewInt(d.Below(500))
			v.AddBalance(a, &n)
			acct.Balance.Add(&acct.Balance, &n)
			m.accounts[a] = acct
		case 2:
			n := *uint256.NewInt(d.Below(500))
			if n.Gt(&acct.Balance) {
				n = acct.Balance
			}
			v.SubBalance(a, &n)
			acct.Balance.Sub(&acct.Balance, &n)
			m.accounts[a] = acct
		case 3:
			v.SetNonce(a, acct.Nonce+1)
			acct.Nonce++
			m.accounts[a] = acct
		case 4:
			code := []byte{byte(d.Below(4)), 1, 2}[:d.Below(4)]
			v.SetCode(a, code)
			acct.CodeHash = chain.Hash{}
			if len(code) > 0 {
				acct.CodeHash = keccak.Sum256(code)
				m.codes[acct.CodeHash] = code
			}
			m.accounts[a] = acct
		case 5, 6, 7:
			val := key(d.Below(4))
			if d.Below(3) == 0 {
				val = chain.Hash{}
			}
			v.SetSlot(a, k, val)
			m.slots[sk] = val
		case 8:
			if got, want := v.WarmAddress(a), m.warmA[a]; got != want {
				t.Fatalf("WarmAddress: got %v, want %v", got, want)
			}
			m.warmA[a] = true
		case 9:
			warm := v.WarmSlot
			if d.Below(2) == 0 {
				warm = func(a chain.Address, k chain.Hash) bool { _, _, was := v.TouchSlot(a, k); return was }
			}
			if got, want := warm(a, k), m.warmS[sk]; got != want {
				t.Fatalf("WarmSlot: got %v, want %v", got, want)
			}
			m.warmS[sk] = true
			now, start, was := v.TouchSlot(a, k)
			if now != m.slots[sk] || start != started.slots[sk] || !was {
				t.Fatalf("TouchSlot: got %v, %v, %v, want %v, %v, true", now, start, was, m.slots[sk], started.slots[sk])
			}
		case 10:
			l := chain.Log{Address: a, Topics: []chain.Hash{k}}
			v.AddLog(l)
			m.logs = append(m.logs, l)
		case 11:
			v.AddRefund(7)
			m.refund += 7
			v.SubRefund(3)
			m.refund -= 3
		case 12:
			val := key(d.Below(4))
			v.SetTransient(a, k, val)
			m.transient[sk] = val
		case 13:
			marks = append(marks, mark{v.Snapshot(), m.copy()})
		case 14:
			if len(marks) > 0 {
				i := d.Below(uint64(len(marks)))
				v.RevertTo(marks[i].id)
				m = marks[i].m.copy()
				marks = marks[:i]
				compare(t, v, m, started)
			}
		case 15:
			if d.Below(4) == 0 {
				v.EndTx()
				v.BeginTx()
				m.beginTx()
				started = m.copy()
				marks = nil
			}
		}
	}
	compare(t, v, m, started)
	diff := v.Diff()
	checkDiff(t, diff, base, m)
	over := NewOverlay(base, diff)
	compare(t, New(over), &model{flat: m.flat}, m)
}

// compare checks every value that the calls of the test can have touched.
func compare(t *testing.T, v *View, m, started *model) {
	t.Helper()
	if v.Err() != nil {
		t.Fatalf("view error: %v", v.Err())
	}
	if got, want := v.Refund(), m.refund; got != want {
		t.Fatalf("refund: got %d, want %d", got, want)
	}
	if got, want := v.Logs(), m.logs; len(got) != len(want) || len(got) > 0 && !reflect.DeepEqual(got, want) {
		t.Fatalf("logs: got %v, want %v", got, want)
	}
	for i := range uint64(9) {
		a := addr(i)
		acct := m.accounts[a]
		if got := v.Account(a); got != acct {
			t.Fatalf("account %x: got %+v, want %+v", a, got, acct)
		}
		if got, want := v.Code(a), m.codes[acct.CodeHash]; !bytes.Equal(got, want) {
			t.Fatalf("code of %x: got %x, want %x", a, got, want)
		}
		if got, want := v.Exists(a), !acct.Empty(); got != want {
			t.Fatalf("exists %x: got %v, want %v", a, got, want)
		}
		for j := range uint64(7) {
			sk := slotKey{a, key(j)}
			if got, want := v.Slot(a, key(j)), m.slots[sk]; got != want {
				t.Fatalf("slot %x: got %v, want %v", a, got, want)
			}
			if got, want := v.CommittedSlot(a, key(j)), started.slots[sk]; got != want {
				t.Fatalf("committed slot %x: got %v, want %v", a, got, want)
			}
			if got, want := v.Transient(a, key(j)), m.transient[sk]; got != want {
				t.Fatalf("transient %x: got %v, want %v", a, got, want)
			}
		}
	}
}

func checkDiff(t *testing.T, d Diff, base *flat, m *model) {
	t.Helper()
	if !slices.IsSortedFunc(d.Accounts, compareAccounts) || !slices.IsSortedFunc(d.Slots, compareSlots) ||
		!slices.IsSortedFunc(d.Codes, compareCodes) {
		t.Fatal("diff is not sorted")
	}
	accounts, slots := maps.Clone(base.accounts), maps.Clone(base.slots)
	for _, c := range d.Accounts {
		if c.Old == c.New || c.Old != base.accounts[c.Address] {
			t.Fatalf("account change %+v: old %+v", c, base.accounts[c.Address])
		}
		accounts[c.Address] = c.New
	}
	for _, c := range d.Slots {
		if c.Old == c.New || c.Old != base.slots[slotKey{c.Address, c.Key}] {
			t.Fatalf("slot change %+v", c)
		}
		slots[slotKey{c.Address, c.Key}] = c.New
	}
	for a, want := range m.accounts {
		if got := accounts[a]; got != want {
			t.Fatalf("account %x after diff: got %+v, want %+v", a, got, want)
		}
	}
	for k, want := range m.slots {
		if got := slots[k]; got != want {
			t.Fatalf("slot %x after diff: got %v, want %v", k.addr, got, want)
		}
	}
}

// A Reader's error sticks: later reads that work do not hide it, and arithmetic on the zeros that a
// failed read gives does not panic.
func TestErrorSticks(t *testing.T) {
	base := newFlat()
	gone := errors.New("disk gone")
	base.fail = gone
	v := New(base)
	v.SubBalance(addr(1), uint256.NewInt(5))
	base.fail = nil
	v.Balance(addr(2))
	if !errors.Is(v.Err(), gone) {
		t.Fatal("error was lost")
	}
	if got, want := v.Err().Error(), "state: account 0x2500000000000000000000000000000000000001: disk gone"; got != want {
		t.Fatalf("got %q, want %q", got, want)
	}
}

func TestOverdraftIsOurMistake(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Fatal("balance below zero was accepted")
		}
	}()
	New(Empty{}).SubBalance(addr(1), uint256.NewInt(1))
}

func BenchmarkView(b *testing.B) {
	b.Run("op=transfer", func(b *testing.B) {
		base := newFlat()
		for i := range uint64(256) {
			base.accounts[addr(i)] = Account{Balance: *uint256.NewInt(1 << 60)}
		}
		v := New(base)
		one := uint256.NewInt(1)
		b.ReportAllocs()
		i := uint64(0)
		for b.Loop() {
			v.BeginTx()
			v.SubBalance(addr(i%256), one)
			v.AddBalance(addr((i+1)%256), one)
			v.EndTx()
			i++
		}
	})
}
