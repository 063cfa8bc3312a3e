package state

// What is tested: transactions run on a view on top of a view, whose changes the lower one absorbs, leave
// what they leave when they run on one view; and what was touched is told of, also if it was undone.

import (
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
)

// changeAny makes a random change.
func changeAny(v *View, r *rand.Rand) {
	a, k := addr(r.Uint64N(5)), key(r.Uint64N(4))
	switch r.IntN(6) {
	case 0:
		v.AddBalance(a, uint256.NewInt(r.Uint64N(9)))
	case 1:
		v.SetNonce(a, r.Uint64N(3))
	case 2:
		v.SetCode(a, [][]byte{nil, {1}, {2, byte(r.IntN(3))}}[r.IntN(3)])
	case 3, 4:
		v.SetSlot(a, k, key(r.Uint64N(3)))
	case 5:
		_ = v.Code(a)
	}
}

// transaction makes some changes, a part of which it takes back.
func transaction(v *View, r *rand.Rand) {
	v.BeginTx()
	for range r.IntN(6) {
		back := v.Snapshot()
		changeAny(v, r)
		if r.IntN(4) == 0 {
			v.RevertTo(back)
		}
	}
	v.EndTx()
}

func TestAbsorbedIsDone(t *testing.T) {
	for seed := range uint64(200) {
		base := newFlat()
		base.accounts[addr(1)] = Account{Nonce: 1, Balance: *uint256.NewInt(5)}
		base.slots[slotKey{addr(1), key(1)}] = key(2)
		one, low := New(base), New(base)
		a, b := rand.New(rand.NewPCG(seed, 1)), rand.New(rand.NewPCG(seed, 1))
		for range 8 {
			transaction(one, a)
			up := New(low.Below())
			transaction(up, b)
			d := up.Diff()
			low.Absorb(&d)
			if up.Err() != nil || low.Err() != nil {
				t.Fatal(up.Err(), low.Err())
			}
		}
		if got, want := low.Diff(), one.Diff(); !reflect.DeepEqual(got, want) {
			t.Fatalf("seed %d: got %+v, want %+v", seed, got, want)
		}
		for i := range uint64(5) {
			if got, want := low.Code(addr(i)), one.Code(addr(i)); string(got) != string(want) {
				t.Errorf("seed %d: code of account %d: got %x, want %x", seed, i, got, want)
			}
		}
	}
}

func TestTouched(t *testing.T) {
	v := New(newFlat())
	v.BeginTx()
	v.SetNonce(addr(1), 1)
	from, back := v.Extent(), v.Snapshot()
	v.SetNonce(addr(1), 2) // known already
	v.AddBalance(addr(2), uint256.NewInt(1))
	v.SetSlot(addr(1), key(1), key(2))
	if v.IsWarmAddress(addr(2)) || v.IsWarmSlot(addr(1), key(1)) {
		t.Error("a change made something warm")
	}
	v.WarmAddress(addr(2))
	v.WarmSlot(addr(1), key(1))
	if !v.IsWarmAddress(addr(2)) || !v.IsWarmSlot(addr(1), key(1)) || v.IsWarmAddress(addr(3)) || v.IsWarmSlot(addr(3), key(1)) {
		t.Error("what was accessed is warm, and nothing else")
	}
	v.RevertTo(back)
	var accounts []chain.Address
	var slots []slotKey
	v.TouchedSince(from, func(a chain.Address) { accounts = append(accounts, a) },
		func(a chain.Address, k chain.Hash) { slots = append(slots, slotKey{a, k}) })
	if !reflect.DeepEqual(accounts, []chain.Address{addr(2)}) || !reflect.DeepEqual(slots, []slotKey{{addr(1), key(1)}}) {
		t.Errorf("touched: got %v and %v", accounts, slots)
	}
	if v.IsWarmAddress(addr(2)) || v.IsWarmSlot(addr(1), key(1)) {
		t.Error("what was undone is warm")
	}
}
