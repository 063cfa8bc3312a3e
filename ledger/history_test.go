package ledger_test

// What is tested: the state of every height of a chain is what it was when that height was the head, also
// after reopening; heights without a state answer why; a block's row says all that it was executed from.

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/ledger"
	"github.com/aiwork/aiwork-node/ledger/ledgertest"
	"github.com/aiwork/aiwork-node/ledger/state"
	"github.com/aiwork/aiwork-node/ledger/tree"
	"github.com/aiwork/aiwork-node/vm/native"
)

// watched gives what a state says about everybody in the test and about some slots.
func watched(t *testing.T, c *ledgertest.Chain, r state.Reader) []string {
	t.Helper()
	var all []string
	addrs := []chain.Address{chain.AddrStake, chain.AddrBeacon}
	for _, a := range c.Accounts {
		addrs = append(addrs, a.Address)
	}
	for _, v := range c.Validators {
		addrs = append(addrs, v.Address)
	}
	for i := range 50 { // those that work sends to
		addrs = append(addrs, ledgertest.NewAccount(fmt.Sprint("to", i)).Address)
	}
	for _, addr := range addrs {
		a, there, err := r.Account(addr)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprintf("%s %d %s %v", addr, a.Nonce, a.Balance.Dec(), there))
	}
	for _, addr := range []chain.Address{chain.AddrStake, chain.AddrBeacon} {
		v, err := r.Slot(addr, native.BurnedKey())
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprintf("%s %s", addr, v))
	}
	return all
}

func TestStateAt(t *testing.T) {
	disk := vfs.NewCrashableMem()
	c := ledgertest.New(t, ledgertest.Options{Accounts: 4, Validators: 2, FS: disk})
	rng := rand.New(rand.NewPCG(1, 2))
	states := [][]string{watched(t, c, c.View())}
	for range 40 {
		c.Try(work(c, rng)...)
		states = append(states, watched(t, c, c.View()))
	}
	again, err := ledger.Open(t.Context(), ledger.Options{
		Dir: "chain", Genesis: c.Genesis, Modules: c.Modules, FS: disk.CrashClone(vfs.CrashCloneCfg{}),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range []*ledger.Ledger{c.Ledger, again} {
		for h, want := range states {
			checkStateAt(t, c, l, chain.Height(h), want)
		}
		if _, err := l.StateAt(chain.Height(len(states))); !errors.Is(err, ledger.ErrNotFound) {
			t.Errorf("above the head: got %v", err)
		}
		if oldest := l.OldestState(); oldest != 0 {
			t.Errorf("oldest state: got %d", oldest)
		}
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}

func checkStateAt(t *testing.T, c *ledgertest.Chain, l *ledger.Ledger, h chain.Height, want []string) {
	t.Helper()
	v, err := l.StateAt(h)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	for i, got := range watched(t, c, v) {
		if got != want[i] {
			t.Errorf("height %d: got %s, want %s", h, got, want[i])
		}
	}
	if head, err := l.HeadAt(h); err != nil || v.Head != head {
		t.Errorf("height %d: the view is of block %d %s, %v", h, v.Height, v.Hash, err)
	}
	head, _ := l.Head()
	_, err = v.Prove(tree.AccountKey(c.Accounts[0].Address))
	if atHead := h == head.Height; atHead && err != nil || !atHead && !errors.Is(err, ledger.ErrPastProof) {
		t.Errorf("height %d: proof: got %v", h, err)
	}
}

func TestBlockRow(t *testing.T) {
	c := ledgertest.New(t, ledgertest.Options{Accounts: 2, Validators: 2})
	var betas [][32]byte
	for range 30 { // more than are kept in memory
		args := c.Args(nil)
		betas = append(betas, args.Beta)
		c.Block(c.Tx(c.Accounts[0], c.Accounts[1].Address, ledgertest.Tokens(1), nil))
	}
	for i, beta := range betas {
		h := chain.Height(i + 1)
		row, err := c.BlockRow(h)
		if err != nil {
			t.Fatal(err)
		}
		want, err := c.BlockByHeight(h)
		if err != nil || row.Block.Hash() != want.Hash() || row.Block.Ext != want.Ext || len(row.Block.Txs) != 1 || row.Beta != beta {
			t.Errorf("block %d: got block %s with %d transactions and VRF output %x, %v", h, row.Block.Hash(), len(row.Block.Txs), row.Beta, err)
		}
	}
	if _, err := c.BlockRow(31); !errors.Is(err, ledger.ErrNotFound) {
		t.Errorf("above the head: got %v", err)
	}
}
