package ledgertest

import (
	"context"
	"crypto/sha256"
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/consensus/poi/beacon"
	"github.com/aiwork/aiwork-node/consensus/poi/sortition"
	"github.com/aiwork/aiwork-node/consensus/poi/stake"
	"github.com/aiwork/aiwork-node/crypto/secp"
	"github.com/aiwork/aiwork-node/crypto/vrf"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/genesis"
	"github.com/aiwork/aiwork-node/ledger"
	"github.com/aiwork/aiwork-node/tasks/dispute"
	"github.com/aiwork/aiwork-node/tasks/job"
	"github.com/aiwork/aiwork-node/tasks/registry"
	"github.com/aiwork/aiwork-node/vm/native"
)

// ChainID and StartMs are those of every test chain.
const (
	ChainID = 7357
	StartMs = 1_700_000_000_000
)

// Account is a key with its address.
type Account struct {
	Key     secp.PrivateKey
	Address chain.Address
}

// NewAccount gives the account with that name, the same in every test.
func NewAccount(name string) Account {
	k := key("account/" + name)
	return Account{k, chain.Address(k.Public().Address())}
}

func key(name string) secp.PrivateKey {
	k, err := secp.ParsePrivateKey(sha256.Sum256([]byte("ledgertest/" + name)))
	if err != nil {
		panic(err)
	}
	return k
}

// Validator is a member of the test chain's set with its keys.
type Validator struct {
	Account
	Keys genesis.Keys
}

// Options says what the chain begins with. The zero value is a chain with one validator and one account.
type Options struct {
	Validators int                 // 0 means 1; each has stake and bond of 10,000 tokens and 1,000 tokens of its own
	Accounts   int                 // 0 means 1; each has 1,000,000 tokens
	Params     func(*chain.Params) // changes the devnet's parameters, or nil
	Modules    *native.Set         // nil: all system contracts
	FS         vfs.FS              // disk of the first ledger; nil: one in memory
}

// Chain is two ledgers that go through the same blocks.
type Chain struct {
	*ledger.Ledger // the first
	Check          *ledger.Ledger
	Genesis        *genesis.Genesis
	Built          *genesis.Built
	Accounts       []Account
	Validators     []Validator
	Modules        *native.Set

	t      testing.TB
	nonces map[chain.Address]uint64
	nextMs uint64
}

// Tokens gives whole tokens in base units.
func Tokens(n uint64) *uint256.Int {
	v := uint256.NewInt(n)
	return v.Mul(v, uint256.NewInt(1e18))
}

// Modules gives all system contracts.
func Modules() *native.Set {
	return native.NewSet(stake.Module(), beacon.Module(), registry.Module(), job.Module(), dispute.Module())
}

// NewGenesis gives the genesis of o with the keys of its accounts and validators.
func NewGenesis(o Options) (*genesis.Genesis, []Account, []Validator) {
	var accounts []Account
	var validators []Validator
	var alloc []genesis.Alloc
	var set []genesis.Validator
	for i := range max(o.Accounts, 1) {
		a := NewAccount(fmt.Sprint(i))
		accounts = append(accounts, a)
		alloc = append(alloc, genesis.Alloc{Address: a.Address, Balance: genesis.Amount{Int: *Tokens(1_000_000)}})
	}
	for i := range max(o.Validators, 1) {
		name := fmt.Sprintf("validator/%d", i)
		v := Validator{NewAccount(name), genesis.Keys{Vote: key("vote/" + name), VRF: key("vrf/" + name)}}
		validators = append(validators, v)
		alloc = append(alloc, genesis.Alloc{Address: v.Address, Balance: genesis.Amount{Int: *Tokens(1000)}})
		set = append(set, genesis.NewValidator(ChainID, name, v.Address, v.Keys, Tokens(10_000), Tokens(10_000)))
	}
	g := genesis.Devnet(ChainID, StartMs, alloc, set)
	g.Params.Jobs.ContestMs = 0 // a batch settles with its last reveal, so that a few blocks are a whole life
	if o.Params != nil {
		o.Params(&g.Params)
	}
	return g, accounts, validators
}

// New starts a chain, which is closed with the test.
func New(t testing.TB, o Options) *Chain {
	t.Helper()
	if o.Modules == nil {
		o.Modules = Modules()
	}
	if o.FS == nil {
		o.FS = vfs.NewMem()
	}
	c := &Chain{t: t, Modules: o.Modules, nonces: make(map[chain.Address]uint64)}
	c.Genesis, c.Accounts, c.Validators = NewGenesis(o)
	if err := c.Genesis.Check(); err != nil {
		t.Fatal(err)
	}
	c.Built = c.Genesis.Build(o.Modules)
	c.Ledger, c.Check = c.open(o.FS), c.open(vfs.NewMem())
	t.Cleanup(func() {
		if err := c.Ledger.Close(); err != nil {
			t.Error(err)
		}
		if err := c.Check.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func (c *Chain) open(fs vfs.FS) *ledger.Ledger {
	c.t.Helper()
	l, err := ledger.Open(c.t.Context(), ledger.Options{Dir: "chain", Genesis: c.Genesis, Modules: c.Modules, FS: fs})
	if err != nil {
		c.t.Fatal(err)
	}
	return l
}

// Advance moves the time of the next block on by ms, beside the step of 20 ms that each block takes.
func (c *Chain) Advance(ms uint64) { c.nextMs += ms }

// NowMs gives the time of the last block, which is the protocol time inside the next one.
func (c *Chain) NowMs() uint64 {
	head, _ := c.Head()
	return head.Ext.TimeMs
}

// Args gives what a block on the head is built from: the proposer takes turns by height.
func (c *Chain) Args(txs []*chain.Tx) ledger.BuildArgs {
	c.t.Helper()
	head, _ := c.Head()
	return c.ArgsOn(head, head.Ext.TimeMs+20+c.nextMs, txs)
}

// ArgsOn gives what a block on any parent, final or not, is built from.
func (c *Chain) ArgsOn(parent ledger.Head, timeMs uint64, txs []*chain.Tx) ledger.BuildArgs {
	c.t.Helper()
	height := parent.Height + 1
	s := chain.SessionOf(height)
	a := ledger.BuildArgs{
		Parent: parent.Hash, Session: s, View: 1, TimeMs: timeMs, Txs: txs,
		Proposer: uint16(uint64(height) % uint64(len(c.Validators))),
	}
	if height != s.FirstHeight() {
		a.ParentView, a.View = parent.Ext.View, parent.Ext.View+1
	}
	proposer := c.Validators[a.Proposer]
	a.Coinbase = proposer.Address
	seed, err := c.Seed(s, parent.Hash)
	if err != nil {
		c.t.Fatal(err)
	}
	a.VRFProof, a.Beta = vrf.Prove(proposer.Keys.VRF, sortition.Alpha(c.Ledger.Genesis(), s, a.View, seed))
	return a
}

// Try makes one block final on both ledgers, and gives its receipts and the candidates left out.
func (c *Chain) Try(txs ...*chain.Tx) ([]*chain.Receipt, []ledger.TxSkip) {
	c.t.Helper()
	ctx := context.Background()
	before := c.Supply()
	built, out, skipped, err := c.Build(ctx, c.Args(txs))
	if err != nil {
		c.t.Fatalf("build: %v", err)
	}
	sent, err := chain.DecodeBlock(built.Encode())
	if err != nil {
		c.t.Fatalf("decode: %v", err)
	}
	if _, err := c.Check.Execute(ctx, sent); err != nil {
		c.t.Fatalf("execute: %v", err)
	}
	for _, l := range []*ledger.Ledger{c.Ledger, c.Check} {
		if err := l.Commit(ctx, out.Hash, nil); err != nil {
			c.t.Fatalf("commit: %v", err)
		}
	}
	c.nextMs = 0
	c.conserved(&before)
	return out.Receipts, skipped
}

// conserved fails the test unless all balances add up to the supply, and the supply has not grown.
func (c *Chain) conserved(before *uint256.Int) {
	c.t.Helper()
	sum, err := c.SumBalances()
	if err != nil {
		c.t.Fatal(err)
	}
	if supply := c.Supply(); !sum.Eq(&supply) || supply.Gt(before) {
		c.t.Fatalf("balances add up to %s, the supply is %s and was %s", sum.Dec(), supply.Dec(), before.Dec())
	}
}

// Block makes one block of exactly these transactions final and gives their receipts.
func (c *Chain) Block(txs ...*chain.Tx) []*chain.Receipt {
	c.t.Helper()
	receipts, skipped := c.Try(txs...)
	for _, s := range skipped {
		c.t.Fatalf("transaction %s left out: %v", s.Hash, s.Why)
	}
	if len(receipts) != len(txs) {
		c.t.Fatalf("%d receipts for %d transactions: the block is full", len(receipts), len(txs))
	}
	return receipts
}

// Blocks makes n empty blocks final.
func (c *Chain) Blocks(n int) {
	c.t.Helper()
	for range n {
		c.Block()
	}
}

// Tx signs a transaction with the sender's next nonce, with enough gas and fee for nearly everything.
func (c *Chain) Tx(from Account, to chain.Address, value *uint256.Int, data []byte) *chain.Tx {
	c.t.Helper()
	gas := uint64(21_000)
	if len(data) > 0 || c.Modules.Has(to) {
		gas = 10_000_000
	}
	nonce, ok := c.nonces[from.Address]
	if !ok {
		a, err := c.Account(from.Address)
		if err != nil {
			c.t.Fatal(err)
		}
		nonce = a.Nonce
	}
	c.nonces[from.Address] = nonce + 1
	tx := &chain.Tx{
		Type: chain.TxTypeDynamicFee, ChainID: ChainID, Nonce: nonce, Gas: gas, To: &to, Data: data,
		GasTipCap: *uint256.NewInt(1e8), GasFeeCap: *uint256.NewInt(1e11),
	}
	if value != nil {
		tx.Value = *value
	}
	return Sign(c.t, tx, from)
}

// Sign signs any transaction for the test chain.
func Sign(t testing.TB, tx *chain.Tx, from Account) *chain.Tx {
	t.Helper()
	signed, err := chain.SignTx(tx, from.Key, ChainID)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// Send makes a block with one transaction final and gives its receipt, whatever its status.
func (c *Chain) Send(from Account, to chain.Address, value *uint256.Int, data []byte) *chain.Receipt {
	c.t.Helper()
	return c.Block(c.Tx(from, to, value, data))[0]
}

// MustSend is Send for a call that has to succeed.
func (c *Chain) MustSend(from Account, to chain.Address, value *uint256.Int, data []byte) *chain.Receipt {
	c.t.Helper()
	r := c.Send(from, to, value, data)
	if r.Status != chain.StatusOK {
		c.t.Fatalf("call failed: %s", r.Reason)
	}
	return r
}

// Balance gives what an account owns at the head.
func (c *Chain) Balance(addr chain.Address) uint256.Int {
	c.t.Helper()
	a, err := c.Account(addr)
	if err != nil {
		c.t.Fatal(err)
	}
	return a.Balance
}

// View gives the state at the head, closed with the test; typed readers of contracts read from it.
func (c *Chain) View() *ledger.View {
	c.t.Helper()
	v, err := c.State()
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = v.Close() })
	return v
}
