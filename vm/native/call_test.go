package native_test

import (
	"errors"
	"testing"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/ledger/state"
	"github.com/aiwork/aiwork-node/vm/native"
)

// The framework's own rules, with a contract made for the test: gas to the unit, money, lists, byte
// strings and readers. The contracts' matrix is in tasks/job.

type nothing struct{}

func (nothing) Account(chain.Address) (a state.Account, found bool, err error) { return a, false, nil }
func (nothing) Slot(chain.Address, chain.Hash) (h chain.Hash, err error)       { return h, nil }
func (nothing) Code(chain.Hash) ([]byte, error)                                { return nil, nil }

var self = chain.Address{19: 0xFF}

type lab struct {
	view *state.View
	t    *testing.T
}

// run calls a method made of f.
func (l *lab) run(kind native.Mutability, gas uint64, f func(*native.Call)) native.Result {
	set := native.NewSet(native.Module{Name: "lab", Address: self, Methods: []native.Method{
		{Signature: "f()", Returns: "()", Mutability: kind, Run: func(c *native.Call) {
			if c.Ready() {
				f(c)
			}
		}},
	}})
	return set.Run(native.Frame{
		State: l.view, Block: &native.Block{Params: &chain.Params{}}, Caller: chain.Address{1}, Self: self,
		Input: native.NewInput("f()").Out(), Gas: gas,
	})
}

func newLab(t *testing.T) *lab {
	l := &lab{view: state.New(nothing{}), t: t}
	l.view.AddBalance(self, uint256.NewInt(1000))
	return l
}

func TestPrices(t *testing.T) {
	key, one, two := chain.Hash{1}, chain.Hash{31: 1}, chain.Hash{31: 2}
	base := uint64(native.GasCall + native.GasInputWord)
	for _, c := range []struct {
		name string
		want uint64
		f    func(*native.Call)
	}{
		{"nothing", 0, func(*native.Call) {}},
		{"cold read", 2100, func(c *native.Call) { c.Get(key) }},
		{"warm read", 2200, func(c *native.Call) { c.Get(key); c.Get(key) }},
		{"set", 22100, func(c *native.Call) { c.Set(key, one) }},
		{"set and set again", 22300, func(c *native.Call) { c.Set(key, one); c.Set(key, two) }},
		{"set to the same", 2200, func(c *native.Call) { c.Set(key, chain.Hash{}) }},
		{"pay a new account", 2600 + 6700 + 25000, func(c *native.Call) { c.Pay(chain.Address{7}, uint256.NewInt(1)) }},
		{"pay nothing", 0, func(c *native.Call) { c.Pay(chain.Address{7}, uint256.NewInt(0)) }},
		{"log", 375*2 + 8*32, func(c *native.Call) {
			e := native.Event{Signature: "E(uint64)"}
			d := e.Data()
			d.Uint64(1)
			c.Emit(e, nil, d)
		}},
		{"hash of 33 bytes", 60 + 24, func(c *native.Call) { c.Hash(make([]byte, 33)) }},
	} {
		res := newLab(t).run(native.NonPayable, 100_000, c.f)
		if used := 100_000 - res.GasLeft; res.Err != nil || used != base+c.want {
			t.Errorf("%s: used %d with %v, want %d", c.name, used, res.Err, base+c.want)
		}
		if res := newLab(t).run(native.NonPayable, base+c.want, c.f); res.Err != nil || res.GasLeft != 0 {
			t.Errorf("%s with exactly enough: %v, %d left", c.name, res.Err, res.GasLeft)
		}
		res = newLab(t).run(native.NonPayable, base+c.want-1, c.f)
		if !errors.Is(res.Err, native.ErrOutOfGas) || res.GasLeft != 0 {
			t.Errorf("%s with one less: got %v with %d left, want %v", c.name, res.Err, res.GasLeft, native.ErrOutOfGas)
		}
	}
}

// A slot that had a value when the transaction began costs less to change.
func TestReset(t *testing.T) {
	l, key := newLab(t), chain.Hash{1}
	l.view.SetSlot(self, key, chain.Hash{5})
	l.view.BeginTx()
	res := l.run(native.NonPayable, 100_000, func(c *native.Call) { c.Set(key, chain.Hash{6}) })
	if used, want := 100_000-res.GasLeft, uint64(700+3+2100+2900); used != want {
		t.Errorf("got %d, want %d", used, want)
	}
}

func TestViewChangesNothing(t *testing.T) {
	for name, f := range map[string]func(*native.Call){
		"set":  func(c *native.Call) { c.SetUint64(chain.Hash{}, 1) },
		"pay":  func(c *native.Call) { c.Pay(chain.Address{2}, uint256.NewInt(1)) },
		"burn": func(c *native.Call) { c.Burn(uint256.NewInt(1)) },
		"log":  func(c *native.Call) { e := native.Event{Signature: "E()"}; c.Emit(e, nil, e.Data()) },
	} {
		l := newLab(t)
		res := l.run(native.View, 100_000, f)
		if revert := new(native.Revert); !errors.As(res.Err, &revert) {
			t.Errorf("%s: got %v, want a revert", name, res.Err)
		}
		if len(l.view.Logs()) > 0 || l.view.Balance(self) != *uint256.NewInt(1000) {
			t.Errorf("%s: something changed", name)
		}
	}
}

// After its first error a call goes on without effect, and the error stays.
func TestSticky(t *testing.T) {
	l := newLab(t)
	res := l.run(native.NonPayable, 100_000, func(c *native.Call) {
		c.SetUint64(chain.Hash{1}, 1)
		c.Fail("first")
		c.Fail("second")
		c.SetUint64(chain.Hash{2}, 2)
		c.Pay(chain.Address{2}, uint256.NewInt(5))
		if got := c.Uint64(chain.Hash{1}); got != 0 {
			t.Errorf("read after an error: got %d, want 0", got)
		}
	})
	if res.Err == nil || res.Err.Error() != "reverted: first" {
		t.Errorf("got %v, want the first error", res.Err)
	}
	if got := l.view.Slot(self, chain.Hash{1}); !got.IsZero() || l.view.Balance(self) != *uint256.NewInt(1000) {
		t.Errorf("a failed call has left something")
	}
}

func TestList(t *testing.T) {
	l, list := newLab(t), native.NewList("things")
	res := l.run(native.NonPayable, 10_000_000, func(c *native.Call) {
		for i := range 5 {
			list.Add(c, chain.Hash{byte(i + 1)})
			list.Add(c, chain.Hash{byte(i + 1)})
		}
		list.Remove(c, chain.Hash{2})
		list.Remove(c, chain.Hash{2})
		list.Remove(c, chain.Hash{4})
		var got []byte
		for i := range list.Len(c) {
			h := list.At(c, i)
			got = append(got, h[0])
		}
		if string(got) != "\x01\x05\x03" {
			t.Errorf("got %v, want [1 5 3]", got)
		}
		for _, v := range []byte{1, 5, 3} {
			list.Remove(c, chain.Hash{v})
		}
		if list.Len(c) != 0 || list.Has(c, chain.Hash{5}) {
			t.Errorf("not empty: %d", list.Len(c))
		}
	})
	if res.Err != nil {
		t.Fatal(res.Err)
	}
	if d := l.view.Diff(); len(d.Slots) != 0 {
		t.Errorf("an emptied list leaves %d slots", len(d.Slots))
	}
}

func TestBytes(t *testing.T) {
	for _, n := range []int{0, 1, 27, 28, 29, 60, 61, 4096} {
		l := newLab(t)
		in := make([]byte, n)
		for i := range in {
			in[i] = byte(i + 1)
		}
		res := l.run(native.NonPayable, 10_000_000, func(c *native.Call) {
			c.SetBytes(chain.Hash{1}, make([]byte, n))
			c.SetBytes(chain.Hash{1}, in)
			if got := c.Bytes(chain.Hash{1}); string(got) != string(in) {
				t.Errorf("%d bytes: got %x", n, got)
			}
		})
		if res.Err != nil {
			t.Errorf("%d bytes: %v", n, res.Err)
		}
	}
}

type broken struct{ after int }

func (b *broken) Slot(chain.Address, chain.Hash) (h chain.Hash, err error) {
	if b.after--; b.after < 0 {
		return h, errors.New("far node is gone")
	}
	return chain.Hash{31: 3}, nil
}

// A reader keeps the error of what it reads from, and gives zeros after it.
func TestInspect(t *testing.T) {
	c := native.Inspect(&broken{after: 1}, self)
	if a, b := c.Uint64(chain.Hash{}), c.Uint64(chain.Hash{}); a != 3 || b != 0 || c.Err() == nil {
		t.Errorf("got %d, %d, %v; want 3, 0 and an error", a, b, c.Err())
	}
}
