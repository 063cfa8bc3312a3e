package ledger_test

// What is tested: every rule of a block has a block that breaks it alone, refused with the Fault that
// names it, and no refusal changes anything: the good block is accepted after all of them.

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/genesis"
	"github.com/aiwork/aiwork-node/ledger"
	"github.com/aiwork/aiwork-node/ledger/exec"
	"github.com/aiwork/aiwork-node/ledger/ledgertest"
)

// clone gives a copy of b that can be changed.
func clone(t *testing.T, b *chain.Block) *chain.Block {
	t.Helper()
	c, err := chain.DecodeBlock(b.Encode())
	if err != nil {
		t.Fatal(err)
	}
	return &chain.Block{Header: c.Header, Ext: c.Ext, Txs: c.Txs}
}

func TestEveryRuleOfABlock(t *testing.T) {
	c := ledgertest.New(t, ledgertest.Options{Accounts: 3, Validators: 3})
	c.Block(c.Tx(c.Accounts[0], c.Accounts[1].Address, ledgertest.Tokens(1), nil))
	good, _, _, err := c.Build(t.Context(), c.Args([]*chain.Tx{
		c.Tx(c.Accounts[0], c.Accounts[1].Address, ledgertest.Tokens(1), nil),
		c.Tx(c.Accounts[0], chain.AddrStake, nil, []byte{1, 2, 3, 4}),
	}))
	if err != nil {
		t.Fatal(err)
	}
	head, _ := c.Head()
	ext := func(f func(e *chain.Extension)) func(*chain.Block) {
		return func(b *chain.Block) {
			f(&b.Ext)
			b.Header.Extra, b.Header.Time = b.Ext.Hash(), b.Ext.TimeMs/1000
		}
	}
	head1 := func(f func(h *chain.Header)) func(*chain.Block) { return func(b *chain.Block) { f(&b.Header) } }
	body := func(f func(tx *chain.Tx), from int) func(*chain.Block) {
		return func(b *chain.Block) {
			tx := *unsigned(b.Txs[0])
			f(&tx)
			b.Txs = []*chain.Tx{ledgertest.Sign(t, &tx, c.Accounts[from]), b.Txs[1]}
			b.Header.TxRoot = chain.TxRoot(b.Txs)
		}
	}
	for _, tc := range []struct {
		name  string
		want  error
		spoil func(*chain.Block)
	}{
		{"extra", chain.FaultExtension, head1(func(h *chain.Header) { h.Extra[3]++ })},
		{"seconds", chain.FaultTime, head1(func(h *chain.Header) { h.Time++ })},
		{"tx root", chain.FaultTxRoot, head1(func(h *chain.Header) { h.TxRoot[0]++ })},
		{"gas above limit", chain.FaultGasUsed, head1(func(h *chain.Header) { h.GasUsed = h.GasLimit + 1 })},
		{"number", ledger.FaultNumber, head1(func(h *chain.Header) { h.Number++ })},
		{"gas limit", ledger.FaultGasLimit, head1(func(h *chain.Header) { h.GasLimit++ })},
		{"base fee", ledger.FaultBaseFee, head1(func(h *chain.Header) { h.BaseFee.AddUint64(&h.BaseFee, 1) })},
		{"time equal", ledger.FaultTime, ext(func(e *chain.Extension) { e.TimeMs = head.Ext.TimeMs })},
		{"time before", ledger.FaultTime, ext(func(e *chain.Extension) { e.TimeMs = 1 })},
		{"fork id", ledger.FaultForkID, ext(func(e *chain.Extension) { e.ForkID++ })},
		{"session", ledger.FaultSession, ext(func(e *chain.Extension) { e.Session++ })},
		{"view 0", ledger.FaultView, ext(func(e *chain.Extension) { e.View = 0 })},
		{"view of the parent", ledger.FaultView, ext(func(e *chain.Extension) { e.View = e.ParentView })},
		{"parent view", ledger.FaultView, ext(func(e *chain.Extension) { e.ParentView-- })},
		{"proposer unknown", ledger.FaultProposer, ext(func(e *chain.Extension) { e.Proposer = 3 })},
		{"proposer other", ledger.FaultCoinbase, ext(func(e *chain.Extension) { e.Proposer = (e.Proposer + 1) % 3 })},
		{"coinbase", ledger.FaultCoinbase, head1(func(h *chain.Header) { h.Coinbase[5]++ })},
		{"view other than proved", ledger.FaultVRF, ext(func(e *chain.Extension) { e.View++ })},
		{"vrf", ledger.FaultVRF, ext(func(e *chain.Extension) { e.VRFProof[50]++ })},
		{"next set", ledger.FaultNextSet, ext(func(e *chain.Extension) { e.NextSetRoot[0]++ })},
		{"mix hash", ledger.FaultMixHash, head1(func(h *chain.Header) { h.MixHash[0]++ })},
		{"gas used", ledger.FaultGasUsed, head1(func(h *chain.Header) { h.GasUsed-- })},
		{"bloom", ledger.FaultBloom, head1(func(h *chain.Header) { h.Bloom[9] ^= 1 })},
		{"receipts", ledger.FaultReceiptRoot, head1(func(h *chain.Header) { h.ReceiptRoot[0]++ })},
		{"state", ledger.FaultStateRoot, head1(func(h *chain.Header) { h.StateRoot[0]++ })},
		{"tx left out", ledger.FaultGasUsed, func(b *chain.Block) { b.Txs = b.Txs[:1]; b.Header.TxRoot = chain.TxRoot(b.Txs) }},
		{"tx twice", exec.FaultNonceLow, func(b *chain.Block) { b.Txs = append(b.Txs, b.Txs[0]); b.Header.TxRoot = chain.TxRoot(b.Txs) }},
		{"nonce low", exec.FaultNonceLow, body(func(tx *chain.Tx) { tx.Nonce = 0 }, 0)},
		{"nonce high", exec.FaultNonceHigh, body(func(tx *chain.Tx) { tx.Nonce++ }, 0)},
		{"overdraft", exec.FaultFunds, body(func(tx *chain.Tx) { tx.Value = *ledgertest.Tokens(999_999) }, 0)},
		{"cost overflows", chain.TxFeeOverflow, body(func(tx *chain.Tx) { tx.Value.SetAllOne() }, 0)},
		{"fee cap low", exec.FaultFeeCap, body(func(tx *chain.Tx) { tx.GasFeeCap = *uint256.NewInt(1e8) }, 0)},
		{"tip above cap", chain.TxFeeOrder, body(func(tx *chain.Tx) { tx.GasTipCap = *uint256.NewInt(1e12) }, 0)},
		{"gas low", chain.TxGasLow, body(func(tx *chain.Tx) { tx.Gas = 20_999 }, 0)},
		{"gas below floor", chain.TxGasFloor, body(func(tx *chain.Tx) { tx.Data, tx.Gas = make([]byte, 1000), 26_000 }, 0)},
		{"nonce without successor", chain.TxNonceMax, body(func(tx *chain.Tx) { tx.Nonce = math.MaxUint64 }, 0)},
		{"wrong signer", exec.FaultNonceHigh, body(func(*chain.Tx) {}, 2)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := clone(t, good)
			tc.spoil(b)
			_, err := c.Execute(t.Context(), b)
			blamed, ok := errors.AsType[*ledger.BadBlock](err)
			if !ok || !errors.Is(err, tc.want) {
				t.Fatalf("got %v, want a bad block for %v", err, tc.want)
			}
			if blamed.Hash != b.Hash() || !strings.Contains(err.Error(), tc.want.Error()) {
				t.Errorf("%v does not name block and reason", err)
			}
		})
	}
	if _, err := c.Check.Execute(t.Context(), clone(t, good)); err != nil {
		t.Errorf("the good block: %v", err)
	}
}

// unsigned gives the fields of a signed transaction without what it remembers.
func unsigned(tx *chain.Tx) *chain.Tx {
	return &chain.Tx{
		Type: tx.Type, ChainID: tx.ChainID, Nonce: tx.Nonce, GasTipCap: tx.GasTipCap, GasFeeCap: tx.GasFeeCap,
		Gas: tx.Gas, To: tx.To, Value: tx.Value, Data: tx.Data, AccessList: tx.AccessList,
	}
}

// The builder leaves out what cannot stand in the block, says why, and takes the rest in order.
func TestBuildSkips(t *testing.T) {
	c := ledgertest.New(t, ledgertest.Options{Accounts: 3})
	a, b := c.Accounts[0], c.Accounts[1]
	make := func(from ledgertest.Account, f func(*chain.Tx)) *chain.Tx {
		tx := &chain.Tx{
			Type: chain.TxTypeDynamicFee, ChainID: ledgertest.ChainID, Gas: 21_000, To: &b.Address,
			GasTipCap: *uint256.NewInt(1), GasFeeCap: *uint256.NewInt(1e12), Value: *uint256.NewInt(5),
		}
		f(tx)
		return ledgertest.Sign(t, tx, from)
	}
	first := make(a, func(*chain.Tx) {})
	again := make(a, func(tx *chain.Tx) { tx.Value.AddUint64(&tx.Value, 1) })
	gap := make(a, func(tx *chain.Tx) { tx.Nonce = 2 })
	poor := make(ledgertest.NewAccount("poor"), func(*chain.Tx) {})
	cheap := make(b, func(tx *chain.Tx) { tx.GasFeeCap = *uint256.NewInt(1) })
	second := make(a, func(tx *chain.Tx) { tx.Nonce = 1 })
	other := make(b, func(*chain.Tx) {})
	blk, out, skipped, err := c.Build(t.Context(), c.Args([]*chain.Tx{first, again, gap, poor, cheap, second, other}))
	if err != nil {
		t.Fatal(err)
	}
	if len(blk.Txs) != 3 || blk.Txs[0] != first || blk.Txs[1] != second || blk.Txs[2] != other {
		t.Errorf("took %d transactions, want 3 in order", len(blk.Txs))
	}
	want := []ledger.TxSkip{
		{Hash: again.Hash(), Why: exec.FaultNonceLow},
		{Hash: gap.Hash(), Why: exec.FaultNonceHigh},
		{Hash: poor.Hash(), Why: exec.FaultFunds},
		{Hash: cheap.Hash(), Why: exec.FaultFeeCap},
	}
	if len(skipped) != len(want) {
		t.Fatalf("skipped %v, want %v", skipped, want)
	}
	for i := range want {
		if skipped[i] != want[i] {
			t.Errorf("skipped %d: got %v, want %v", i, skipped[i], want[i])
		}
	}
	// A block that was built here is not executed again: the very same outcome comes back.
	if again, err := c.Execute(t.Context(), blk); err != nil || again != out {
		t.Errorf("execute after build: got %p, %v, want %p", again, err, out)
	}
}

// A block stops at its gas limit, and what did not fit is no fault of a transaction.
func TestBuildStopsAtTheGasLimit(t *testing.T) {
	c := ledgertest.New(t, ledgertest.Options{Params: func(p *chain.Params) { p.BlockGasLimit = 1_000_000 }})
	var txs []*chain.Tx
	for range 50 {
		txs = append(txs, c.Tx(c.Accounts[0], c.Accounts[0].Address, nil, nil))
	}
	receipts, skipped := c.Try(txs...)
	if len(receipts) != 47 || len(skipped) != 0 {
		t.Errorf("got %d transactions, %d skipped, want 47 and none", len(receipts), len(skipped))
	}
}

// A fork in force that this version does not know stops it, without blame.
func TestUnknownFork(t *testing.T) {
	at := uint64(ledgertest.StartMs + 100)
	c := ledgertest.New(t, ledgertest.Options{Params: func(p *chain.Params) {
		p.Forks = []chain.Fork{{Name: "later", ActivationMs: at}}
	}})
	c.Blocks(4) // 20 ms each
	_, _, _, err := c.Build(t.Context(), c.Args(nil))
	if !errors.Is(err, ledger.ErrUnknownFork) || !strings.Contains(err.Error(), "later") {
		t.Errorf("build: got %v, want %v naming the fork", err, ledger.ErrUnknownFork)
	}
	head, _ := c.Head()
	b := &chain.Block{Header: head.Header, Ext: head.Ext}
	b.Header.ParentHash, b.Header.Number, b.Ext.TimeMs = head.Hash, head.Height+1, at
	_, err = c.Execute(t.Context(), b)
	if _, blamed := errors.AsType[*ledger.BadBlock](err); blamed || !errors.Is(err, ledger.ErrUnknownFork) {
		t.Errorf("execute: got %v, want %v", err, ledger.ErrUnknownFork)
	}
	if genesis.ForkID(c.Built.Hash(), c.Params().Forks, at) == genesis.ForkID(c.Built.Hash(), c.Params().Forks, at-1) {
		t.Error("fork id does not change with the fork")
	}
}
