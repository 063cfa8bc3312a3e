package ledgertest

import (
	"testing"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
)

// A transfer moves exactly its value, the sender pays the fee, and the coinbase gets the tip alone.
func TestTransfer(t *testing.T) {
	c := New(t, Options{Accounts: 2, Validators: 4})
	from, to := c.Accounts[0], NewAccount("nobody")
	before := c.Balance(from.Address)
	r := c.Send(from, to.Address, Tokens(7), nil)
	if r.Status != chain.StatusOK || r.GasUsed != 21_000 {
		t.Fatalf("receipt: status %d, gas %d, want 1, 21000 (%s)", r.Status, r.GasUsed, r.Reason)
	}
	if got, want := c.Balance(to.Address), *Tokens(7); got != want {
		t.Errorf("receiver: got %s, want %s", got.Dec(), want.Dec())
	}
	want := r.EffectivePrice
	want.Mul(&want, uint256.NewInt(r.GasUsed))
	want.Add(&want, Tokens(7))
	want.Sub(&before, &want)
	if got := c.Balance(from.Address); got != want {
		t.Errorf("sender: got %s, want %s", got.Dec(), want.Dec())
	}
	head, _ := c.Head()
	tip := Tokens(1000)
	tip.AddUint64(tip, 21_000*1e8)
	if got := c.Balance(head.Header.Coinbase); got != *tip {
		t.Errorf("coinbase: got %s, want %s", got.Dec(), tip.Dec())
	}
}

// Sessions pass, the beacon's seeds with them, and the whole database holds together after it.
func TestSessions(t *testing.T) {
	c := New(t, Options{Validators: 3})
	c.Blocks(3*chain.SessionHeights + 2)
	if err := c.Verify(t.Context(), nil); err != nil {
		t.Error(err)
	}
	a, _ := c.Head()
	b, _ := c.Check.Head()
	if a.Hash != b.Hash || a.Height != 3*chain.SessionHeights+2 {
		t.Errorf("heads: %d %s and %d %s", a.Height, a.Hash, b.Height, b.Hash)
	}
}
