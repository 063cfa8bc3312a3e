package node

// The adapters over a real ledger, pool and blob store: what the pool hears of a head, which blobs upkeep
// asks for, what JSON-RPC gets of logs, and the market of a validator's auditor.

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/compute"
	"github.com/aiwork/aiwork-node/internal/blobs"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/rpc"
	"github.com/aiwork/aiwork-node/ledger"
	"github.com/aiwork/aiwork-node/ledger/ledgertest"
	"github.com/aiwork/aiwork-node/mempool"
	"github.com/aiwork/aiwork-node/tasks/job"
	"github.com/aiwork/aiwork-node/tasks/registry"
)

func newChain(t *testing.T) *ledgertest.Chain {
	t.Helper()
	return ledgertest.New(t, ledgertest.Options{Accounts: 4, Validators: 2})
}

func newPool(t *testing.T, c *ledgertest.Chain) *mempool.Pool {
	t.Helper()
	p := mempool.New(mempool.Default(ledgertest.ChainID))
	head, _ := c.Head()
	if err := p.SetHead(poolHead(c.Ledger, head), poolState{c.Ledger}, nil); err != nil {
		t.Fatal(err)
	}
	return p
}

func follow(t *testing.T, c *ledgertest.Chain, p *mempool.Pool) {
	t.Helper()
	head, _ := c.Head()
	if err := followHead(c.Ledger, p, head); err != nil {
		t.Fatal(err)
	}
}

func TestPoolFollowsTheHead(t *testing.T) {
	c := newChain(t)
	p := newPool(t, c)
	a, b := c.Accounts[0], ledgertest.NewAccount("poor")
	first, second := c.Tx(a, b.Address, ledgertest.Tokens(1), nil), c.Tx(a, b.Address, ledgertest.Tokens(1), nil)
	spend := c.Tx(b, a.Address, uint256.NewInt(1e15), nil)
	for _, tx := range []*chain.Tx{first, second} {
		if err := p.Add(tx, true); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Add(spend, true); err == nil {
		t.Fatal("a transaction of an account without tokens: got it into the pool")
	}
	c.Block(first)
	follow(t, c, p)
	if p.Has(first.Hash()) || !p.Has(second.Hash()) {
		t.Errorf("got the included one %v, the waiting one %v", p.Has(first.Hash()), p.Has(second.Hash()))
	}
	if err := p.Add(spend, true); err != nil {
		t.Errorf("after the recipient was paid: got %v, want nil", err)
	}
}

// Whoever a block pays must be looked at anew, also by way of a contract.
func TestTouched(t *testing.T) {
	c := newChain(t)
	a := c.Accounts
	c.Send(a[1], chain.AddrRegistry, ledgertest.Tokens(500), registry.PackRegister(a[2].Address, []chain.Hash{{9}}, ""))
	head, _ := c.Head()
	got := c.Touched(head.Height)
	for _, want := range []chain.Address{head.Header.Coinbase, a[1].Address, chain.AddrRegistry} {
		if !slices.Contains(got, want) {
			t.Errorf("got %v, want %s in it", got, want)
		}
	}
	if slices.Contains(got, a[3].Address) {
		t.Errorf("got %v, which has an account that nothing happened to", got)
	}
	if got := c.Touched(head.Height + 1); got != nil {
		t.Errorf("a block that is not there: got %v", got)
	}
}

func newBlobs(t *testing.T, w blobs.Wanted) *blobs.Store {
	t.Helper()
	s, err := blobs.Open(blobs.Options{Dir: t.TempDir(), Wanted: w, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func create(c *ledgertest.Chain, items ...chain.Hash) {
	spec := job.Spec{Model: chain.Hash{9}, ItemCount: uint32(len(items)), Items: items, Price: *uint256.NewInt(1), BatchItems: 32}
	c.MustSend(c.Accounts[0], chain.AddrJobs, ledgertest.Tokens(10), job.PackCreate(&spec))
}

// A job whose many inputs never come does not keep upkeep from the inputs of others.
func TestMissingBlobs(t *testing.T) {
	c := newChain(t)
	c.MustSend(c.Accounts[1], chain.AddrRegistry, ledgertest.Tokens(500), registry.PackRegister(c.Accounts[1].Address, []chain.Hash{{9}}, ""))
	n := &Node{ledger: c.Ledger, blobs: newBlobs(t, wanted{c.Ledger})}
	if got, err := n.missingBlobs(); err != nil || len(got) != 0 {
		t.Fatalf("without jobs: got %v, %v", got, err)
	}
	var never []chain.Hash
	for i := range 100 {
		never = append(never, chain.Hash{1, byte(i)})
	}
	data := []byte("an input")
	id := blobs.IDOf(data)
	create(c, never...)
	create(c, chain.Hash(id))
	seen := map[blobs.ID]bool{}
	for range 4 {
		got, err := n.missingBlobs()
		if err != nil || len(got) > fetchesMax {
			t.Fatalf("got %d, %v, want %d at most", len(got), err, fetchesMax)
		}
		for _, b := range got {
			seen[b] = true
		}
	}
	if !seen[id] {
		t.Error("the second job's input was not asked for in four rounds")
	}
	if len(seen) <= fetchesMax+1 {
		t.Errorf("inputs asked for in four rounds: got %d, want others each time", len(seen))
	}
	if err := n.blobs.Put(t.Context(), data, id); err != nil {
		t.Fatalf("an input that a job names: got %v", err)
	}
	for range 4 {
		if got, _ := n.missingBlobs(); slices.Contains(got, id) {
			t.Error("an input that is here was asked for")
		}
	}
	other := []byte("nobody wants this")
	if err := n.blobs.Put(t.Context(), other, blobs.IDOf(other)); err == nil {
		t.Error("a blob that no job names: got it in")
	}
}

func TestLogLimitsReachTheCaller(t *testing.T) {
	c := newChain(t)
	_, err := rpcChain{c.Ledger}.Logs(t.Context(), rpc.LogQuery{From: 0, To: ledger.RangeBlocksMax})
	fault, ok := errors.AsType[*rpc.Error](err)
	if !ok || fault.Code != rpc.CodeLimit || !strings.Contains(fault.Message, "ask for blocks") {
		t.Errorf("got %v, want a limit that says what to ask for", err)
	}
	late, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	_, err = rpcChain{c.Ledger}.Logs(late, rpc.LogQuery{To: 1})
	if fault, ok := errors.AsType[*rpc.Error](err); !ok || fault.Code != rpc.CodeLimit {
		t.Errorf("out of time: got %v, want a limit", err)
	}
}

// newMarket gives the market of an account whose transactions get into blocks as soon as they are sent.
func newMarket(t *testing.T, c *ledgertest.Chain, who ledgertest.Account) *market {
	t.Helper()
	return &market{
		ledger: c.Ledger, book: compute.NewBook(bookStates{c.Ledger}), blobs: newBlobs(t, wanted{c.Ledger}), key: who.Key, who: who.Address,
		nonce: func(chain.Address) (uint64, bool) { return 0, false },
		submit: func(_ context.Context, tx *chain.Tx) error {
			c.Block(tx)
			return nil
		},
	}
}

func TestMarket(t *testing.T) {
	c := newChain(t)
	m := newMarket(t, c, c.Accounts[1])
	if g, err := m.Genesis(t.Context()); err != nil || g != c.Built.Hash() {
		t.Errorf("genesis: got %s, %v, want %s", g, err, c.Built.Hash())
	}
	call := compute.Call{To: chain.AddrRegistry, Value: *ledgertest.Tokens(500), Data: registry.PackRegister(c.Accounts[1].Address, []chain.Hash{{9}}, "")}
	if err := m.Send(t.Context(), call); err != nil {
		t.Fatalf("register: %v", err)
	}
	before, _ := c.Head()
	refused, ok := errors.AsType[*compute.Refused](m.Send(t.Context(), call))
	if !ok || !strings.Contains(refused.Reason, "worker already") {
		t.Errorf("register twice: got %v, want it refused with the reason", refused)
	}
	if after, _ := c.Head(); after.Height != before.Height {
		t.Error("what the head refuses was sent all the same, and cost gas")
	}
	if _, err := m.Blob(t.Context(), chain.Hash{1}); !errors.Is(err, compute.ErrNoBlob) {
		t.Errorf("a blob that nobody has: got %v, want %v", err, compute.ErrNoBlob)
	}
	create(c, chain.Hash{1})
	if over, err := m.Over(t.Context(), compute.Key{Job: 1}); over || err != nil {
		t.Errorf("a live job: got over %v, %v", over, err)
	}
	c.MustSend(c.Accounts[0], chain.AddrJobs, nil, job.PackCancel(1))
	if over, err := m.Over(t.Context(), compute.Key{Job: 1}); !over || err != nil {
		t.Errorf("a cancelled job: got over %v, %v", over, err)
	}
	if a, err := m.Agenda(t.Context(), m.who); err != nil || len(a.Tasks) != 0 {
		t.Errorf("agenda: got %+v, %v", a, err)
	}
}

func TestMarketGivesUpOnALostTransaction(t *testing.T) {
	c := newChain(t)
	m := newMarket(t, c, c.Accounts[1])
	ctx, cancel := context.WithCancel(t.Context())
	m.submit = func(context.Context, *chain.Tx) error { cancel(); return nil }
	call := compute.Call{To: chain.AddrRegistry, Value: *ledgertest.Tokens(500), Data: registry.PackRegister(c.Accounts[1].Address, []chain.Hash{{9}}, "")}
	if err := m.Send(ctx, call); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "in no block") {
		t.Errorf("got %v, want that it is in no block", err)
	}
}

func TestHeads(t *testing.T) {
	c := newChain(t)
	m := newMarket(t, c, c.Accounts[1])
	ctx, cancel := context.WithCancel(t.Context())
	heads, err := m.Heads(ctx)
	if err != nil {
		t.Fatal(err)
	}
	first := <-heads
	c.Block()
	if next := <-heads; next <= first {
		t.Errorf("got head %d after %d", next, first)
	}
	cancel()
	for range heads {
	}
}
