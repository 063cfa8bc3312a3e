package ledger_test

// What is tested: the life of blocks that are not final (siblings, descendants, pruning, bounds), what
// Open accepts, the same chain under restarts and under concurrency, and the reads.

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/aiwork/aiwork-node/consensus/poi/beacon"
	"github.com/aiwork/aiwork-node/consensus/poi/sortition"
	"github.com/aiwork/aiwork-node/consensus/poi/stake"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/ledger"
	"github.com/aiwork/aiwork-node/ledger/exec"
	"github.com/aiwork/aiwork-node/ledger/ledgertest"
	"github.com/aiwork/aiwork-node/ledger/store"
	"github.com/aiwork/aiwork-node/ledger/tree"
)

func headOf(b *chain.Block) ledger.Head {
	return ledger.Head{Height: b.Header.Number, Hash: b.Hash(), Header: b.Header, Ext: b.Ext}
}

// build makes a block on any parent at a time after it.
func build(t *testing.T, c *ledgertest.Chain, parent ledger.Head, later uint64, txs ...*chain.Tx) *chain.Block {
	t.Helper()
	b, _, _, err := c.Build(t.Context(), c.ArgsOn(parent, parent.Ext.TimeMs+later, txs))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestForksBeforeFinality(t *testing.T) {
	c := ledgertest.New(t, ledgertest.Options{Accounts: 2})
	root, news := c.Head()
	to := ledgertest.NewAccount("to").Address
	pay := c.Tx(c.Accounts[0], to, ledgertest.Tokens(3), nil)
	// a1 - a2 - a3, and b1 - b2 beside it.
	a1 := build(t, c, root, 20, pay)
	a2 := build(t, c, headOf(a1), 20)
	a3 := build(t, c, headOf(a2), 20, c.Tx(c.Accounts[0], to, ledgertest.Tokens(4), nil))
	b1 := build(t, c, root, 30)
	b2 := build(t, c, headOf(b1), 20, pay)
	for _, tc := range []struct {
		b    *chain.Block
		want uint64
	}{{a1, 3}, {a2, 3}, {a3, 7}, {b1, 0}, {b2, 3}} {
		v, err := c.StateOf(tc.b.Hash())
		if err != nil {
			t.Fatal(err)
		}
		got, _, err := v.Account(to)
		if want := ledgertest.Tokens(tc.want); err != nil || !got.Balance.Eq(want) || v.Hash != tc.b.Hash() {
			t.Errorf("block %s: balance %s, %v, want %s", tc.b.Hash(), got.Balance.Dec(), err, want.Dec())
		}
		proof, err := v.Prove(tree.AccountKey(to))
		if err != nil {
			t.Fatal(err)
		}
		value, err := proof.Verify(tc.b.Header.StateRoot, tree.AccountKey(to))
		if err != nil || value != tree.AccountValue(&got) {
			t.Errorf("block %s: proof of the account: %v, %v", tc.b.Hash(), value, err)
		}
		if err := v.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := c.Commit(t.Context(), a2.Hash(), nil); !errors.Is(err, ledger.ErrUnknown) {
		t.Errorf("commit of a grandchild: got %v, want %v", err, ledger.ErrUnknown)
	}
	if err := c.Commit(t.Context(), a1.Hash(), nil); err != nil {
		t.Fatal(err)
	}
	select {
	case <-news:
	default:
		t.Error("the head moved and its channel is open")
	}
	for _, gone := range []*chain.Block{b1, b2} {
		if _, err := c.StateOf(gone.Hash()); !errors.Is(err, ledger.ErrUnknown) {
			t.Errorf("state of a given-up block: got %v, want %v", err, ledger.ErrUnknown)
		}
	}
	if _, err := c.Execute(t.Context(), b1); !errors.Is(err, ledger.ErrFinal) {
		t.Errorf("execute beside the head: got %v, want %v", err, ledger.ErrFinal)
	}
	if _, err := c.Execute(t.Context(), b2); !errors.Is(err, ledger.ErrUnknown) {
		t.Errorf("execute on a given-up block: got %v, want %v", err, ledger.ErrUnknown)
	}
	for _, b := range []*chain.Block{a2, a3} {
		if err := c.Commit(t.Context(), b.Hash(), nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Commit(t.Context(), a3.Hash(), nil); err != nil {
		t.Errorf("a second commit of the head: %v", err)
	}
	if err := c.Verify(t.Context(), nil); err != nil {
		t.Error(err)
	}
}

// More siblings than are kept: the oldest go, never an ancestor of the newest, and what went can be
// executed again.
func TestOutcomesAreBounded(t *testing.T) {
	c := ledgertest.New(t, ledgertest.Options{})
	root, _ := c.Head()
	trunk := build(t, c, root, 1)
	first := build(t, c, headOf(trunk), 1)
	for i := range uint64(ledger.OutcomesMax) {
		build(t, c, headOf(trunk), 2+i)
	}
	if _, err := c.StateOf(first.Hash()); !errors.Is(err, ledger.ErrUnknown) {
		t.Errorf("the oldest outcome: got %v, want %v", err, ledger.ErrUnknown)
	}
	if _, err := c.Execute(t.Context(), first); err != nil {
		t.Errorf("executed again: %v", err)
	}
	if err := c.Commit(t.Context(), trunk.Hash(), nil); err != nil {
		t.Fatal(err)
	}
	if err := c.Commit(t.Context(), first.Hash(), nil); err != nil {
		t.Fatal(err)
	}
}

func TestOpenRefuses(t *testing.T) {
	disk := vfs.NewMem()
	g, _, _ := ledgertest.NewGenesis(ledgertest.Options{})
	other, _, _ := ledgertest.NewGenesis(ledgertest.Options{Accounts: 2})
	o := ledger.Options{Dir: "chain", Genesis: g, Modules: ledgertest.Modules(), FS: disk}
	l, err := ledger.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ledger.Open(t.Context(), o); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("a folder in use: got %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	wrong := o
	wrong.Genesis = other
	if _, err := ledger.Open(t.Context(), wrong); err == nil || !strings.Contains(err.Error(), "another network") ||
		!strings.Contains(err.Error(), "--home") {
		t.Errorf("a folder of another network: got %v", err)
	}
	for format, want := range map[byte]string{3: "newer version", 0: "delete the folder"} {
		db := openRaw(t, disk, store.Comparer())
		row := append([]byte{0, 0, 0, format}, make([]byte, 32)...)
		if err := errors.Join(db.Set([]byte{'m'}, row, pebble.Sync), db.Close()); err != nil {
			t.Fatal(err)
		}
		if _, err := ledger.Open(t.Context(), o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("format %d: got %v, want %q", format, err, want)
		}
	}
	o.FS = vfs.NewMem()
	if err := openRaw(t, o.FS, pebble.DefaultComparer).Close(); err != nil { // as format 1 was
		t.Fatal(err)
	}
	if _, err := ledger.Open(t.Context(), o); err == nil || !strings.Contains(err.Error(), "delete the folder") {
		t.Errorf("a folder of format 1: got %v", err)
	}
}

// A second process on a real folder is refused too, and a backup opens as a chain of its own.
func TestFolderAndBackup(t *testing.T) {
	dir := t.TempDir()
	c := ledgertest.New(t, ledgertest.Options{Accounts: 2})
	o := ledger.Options{Dir: dir + "/db", Genesis: c.Genesis, Modules: c.Modules}
	l, err := ledger.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		c.Block(c.Tx(c.Accounts[0], c.Accounts[1].Address, ledgertest.Tokens(1), nil))
		head, _ := c.Head()
		b, err := c.BlockByHeight(head.Height)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := l.Execute(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		if err := l.Commit(t.Context(), b.Hash(), nil); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := ledger.Open(t.Context(), o); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("a folder in use: got %v", err)
	}
	if free, err := l.FreeBytes(); err != nil || free == 0 {
		t.Errorf("free bytes: got %d, %v", free, err)
	}
	if err := l.Backup(dir + "/copy"); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	o.Dir = dir + "/copy"
	copied, err := ledger.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer copied.Close()
	steps := 0
	if err := copied.Verify(t.Context(), func(_, _ chain.Height) { steps++ }); err != nil || steps != 6 {
		t.Errorf("verify of the backup: %d steps, %v", steps, err)
	}
}

// Metamorphic: one sequence of blocks, with restarts at random places on one side and none on the other,
// gives one chain. Every root is held against a rebuild from the flat state at the end.
func TestRestartsChangeNothing(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 5))
			c := ledgertest.New(t, ledgertest.Options{Accounts: 4, Validators: 3})
			disk := vfs.NewMem()
			o := ledger.Options{Dir: "chain", Genesis: c.Genesis, Modules: c.Modules, FS: disk}
			l, err := ledger.Open(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			for range 45 {
				c.Try(work(c, rng)...)
				head, _ := c.Head()
				b, err := c.BlockByHeight(head.Height)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := l.Execute(t.Context(), b); err != nil {
					t.Fatal(err)
				}
				if rng.IntN(4) == 0 { // lose what is not final
					l = reopen(t, l, o)
					if _, err := l.Execute(t.Context(), b); err != nil {
						t.Fatal(err)
					}
				}
				if err := l.Commit(t.Context(), b.Hash(), nil); err != nil {
					t.Fatal(err)
				}
				if rng.IntN(4) == 0 {
					l = reopen(t, l, o)
				}
			}
			a, _ := c.Head()
			b, _ := l.Head()
			if a.Hash != b.Hash {
				t.Errorf("heads: got %s, want %s", b.Hash, a.Hash)
			}
			sa, sb := c.Supply(), l.Supply()
			if sa != sb {
				t.Errorf("supply: got %s, want %s", sb.Dec(), sa.Dec())
			}
			if err := errors.Join(l.Verify(t.Context(), nil), c.Verify(t.Context(), nil), l.Close()); err != nil {
				t.Error(err)
			}
		})
	}
}

func reopen(t *testing.T, l *ledger.Ledger, o ledger.Options) *ledger.Ledger {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l, err := ledger.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// One goroutine executes ahead, another commits behind, others read: as the driver does it. Execute holds
// each root against the one that another ledger found alone.
func TestExecuteAheadOfCommit(t *testing.T) {
	c := ledgertest.New(t, ledgertest.Options{Accounts: 4, Validators: 2})
	rng := rand.New(rand.NewPCG(8, 9))
	const blocks = 60
	for range blocks {
		c.Try(work(c, rng)...)
	}
	l, err := ledger.Open(t.Context(), ledger.Options{Dir: "x", Genesis: c.Genesis, Modules: c.Modules, FS: vfs.NewMem()})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, stop := context.WithCancel(t.Context())
	executed := make(chan chain.Hash, 8)
	var group sync.WaitGroup
	group.Go(func() {
		defer close(executed)
		for h := chain.Height(1); h <= blocks; h++ {
			b, err := c.BlockByHeight(h)
			if err == nil {
				_, err = l.Execute(ctx, b)
			}
			if err != nil {
				t.Errorf("block %d: %v", h, err)
				return
			}
			executed <- b.Hash()
		}
	})
	for range 2 {
		group.Go(func() { readAll(ctx, t, l, c) })
	}
	for hash := range executed {
		if err := l.Commit(ctx, hash, nil); err != nil {
			t.Errorf("commit: %v", err)
		}
	}
	stop()
	group.Wait()
	if head, _ := l.Head(); head.Height != blocks {
		t.Errorf("head: got %d, want %d", head.Height, blocks)
	}
	if err := l.Verify(t.Context(), nil); err != nil {
		t.Error(err)
	}
}

// readAll holds what readers see together against itself until ctx ends.
func readAll(ctx context.Context, t *testing.T, l *ledger.Ledger, c *ledgertest.Chain) {
	for ctx.Err() == nil {
		v, err := l.State()
		if err != nil {
			t.Errorf("state: %v", err)
			return
		}
		// Account and root must be of one block: a proof says so.
		a, _, err := v.Account(c.Accounts[0].Address)
		key := tree.AccountKey(c.Accounts[0].Address)
		if err == nil {
			var p tree.Proof
			if p, err = v.Prove(key); err == nil {
				var value chain.Hash
				if value, err = p.Verify(v.Header.StateRoot, key); err == nil && value != tree.AccountValue(&a) {
					err = errors.New("account and proof are of different blocks")
				}
			}
		}
		if err = errors.Join(err, v.Close()); err != nil {
			t.Errorf("block %d: %v", v.Height, err)
			return
		}
		// The state of a named block is that block's, or is refused because the head has moved on.
		head, _ := l.Head()
		v, err = l.StateOf(head.Hash)
		if errors.Is(err, ledger.ErrUnknown) {
			continue
		}
		if err != nil {
			t.Errorf("state of the head: %v", err)
			return
		}
		if v.Hash != head.Hash {
			t.Errorf("state of block %d: got that of block %d", head.Height, v.Height)
		}
		if err := v.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestReads(t *testing.T) {
	c := ledgertest.New(t, ledgertest.Options{Accounts: 2})
	tx := c.Tx(c.Accounts[0], c.Accounts[1].Address, ledgertest.Tokens(1), nil)
	c.Block(tx)
	c.Blocks(2)
	b, err := c.BlockByHeight(1)
	if err != nil || len(b.Txs) != 1 || b.Txs[0].Hash() != tx.Hash() {
		t.Fatalf("block 1: %v", err)
	}
	if same, err := c.BlockByHash(b.Hash()); err != nil || same.Hash() != b.Hash() {
		t.Errorf("block by hash: %v", err)
	}
	h, i, found, err := c.TxLookup(tx.Hash())
	if err != nil || !found || h != 1 || i != 0 {
		t.Errorf("transaction: got %d, %d, %v, %v", h, i, found, err)
	}
	if _, _, found, err := c.TxLookup(chain.Hash{1}); found || err != nil {
		t.Errorf("unknown transaction: got %v, %v", found, err)
	}
	if head, err := c.HeadAt(1); err != nil || head.Hash != b.Hash() {
		t.Errorf("head at 1: %v", err)
	}
	for what, err := range map[string]error{
		"block": second(c.BlockByHeight(9)), "hash": second(c.BlockByHash(chain.Hash{1})),
		"receipts": second(c.Receipts(9)), "seal": second(c.Seal(9)), "head": second(c.HeadAt(9)),
	} {
		if !errors.Is(err, ledger.ErrNotFound) {
			t.Errorf("unknown %s: got %v, want %v", what, err, ledger.ErrNotFound)
		}
	}
	// The history contract has the hash of each block (EIP-2935).
	v := c.View()
	if got, err := v.Slot(exec.HistoryAddress(), exec.HistorySlot(1)); err != nil || got != b.Hash() {
		t.Errorf("history of block 1: got %s, %v, want %s", got, err, b.Hash())
	}
}

// Blocks of late come from memory with their senders; older ones, and those after a restart, from disk, and
// are the same.
func TestRecentBlocks(t *testing.T) {
	disk := vfs.NewMem()
	c := ledgertest.New(t, ledgertest.Options{Accounts: 2, FS: disk})
	const blocks = 40
	for range blocks {
		c.Block(c.Tx(c.Accounts[0], c.Accounts[1].Address, ledgertest.Tokens(1), nil))
	}
	for h := chain.Height(1); h <= blocks; h++ {
		a, errA := c.BlockByHeight(h)
		b, errB := c.Check.BlockByHeight(h)
		if errA != nil || errB != nil || a.Hash() != b.Hash() || a.Header.Number != h {
			t.Fatalf("block %d: %v, %v", h, errA, errB)
		}
		if _, known := a.Txs[0].CachedSender(); known != (h > blocks-16) {
			t.Errorf("block %d: sender known %v", h, known)
		}
		r, err := c.Receipts(h)
		if err != nil || len(r) != 1 || chain.ReceiptRoot(r) != a.Header.ReceiptRoot {
			t.Errorf("receipts of block %d: %v", h, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// The seal that came with a commit is kept beside the block.
func TestSealIsKept(t *testing.T) {
	c := ledgertest.New(t, ledgertest.Options{})
	root, _ := c.Head()
	b := build(t, c, root, 20)
	seal := &chain.Seal{Finalization: &chain.Certificate{
		Version: 1, Kind: chain.VoteFinalize, View: 1, BlockHash: b.Hash(), Signers: []byte{1}, Sigs: [][64]byte{{7}},
	}}
	if err := c.Commit(t.Context(), b.Hash(), seal); err != nil {
		t.Fatal(err)
	}
	got, err := c.Seal(1)
	if err != nil || string(got.Encode()) != string(seal.Encode()) {
		t.Errorf("seal: got %+v, %v", got, err)
	}
}

// Seeds: R_0 from genesis, later ones fixed by the beacon; at a boundary the ledger must say, before the
// session's first block exists, what that block will fix.
func TestSeeds(t *testing.T) {
	c := ledgertest.New(t, ledgertest.Options{Validators: 2})
	if got, err := c.Seed(0, c.Built.Hash()); err != nil || got != sortition.FirstSeed(c.Built.Hash()) {
		t.Errorf("R_0 at genesis: got %x, %v", got, err)
	}
	for s := chain.Session(1); s <= 2; s++ {
		head, _ := c.Head()
		c.Blocks(int((s - 1).LastHeight() - head.Height))
		head, _ = c.Head()
		early, err := c.Seed(s, head.Hash)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Seed(s+1, head.Hash); err == nil {
			t.Errorf("R_%d is known a session early", s+1)
		}
		c.Blocks(1)
		fixed, known, err := beacon.Seed(c.View(), s)
		if err != nil || !known || fixed != early {
			t.Errorf("R_%d: got %x early, then %x, %v, %v", s, early, fixed, known, err)
		}
	}
}

func TestLogs(t *testing.T) {
	c := ledgertest.New(t, ledgertest.Options{Accounts: 2, Validators: 2})
	v0, v1 := c.Validators[0].Address, c.Validators[1].Address
	topUp := func(v chain.Address) *chain.Tx {
		return c.Tx(c.Accounts[0], chain.AddrStake, ledgertest.Tokens(1), stake.PackTopUp(v))
	}
	c.Block(topUp(v0), topUp(v1))
	c.Block()
	c.Block(c.Tx(c.Accounts[1], v0, ledgertest.Tokens(1), nil), topUp(v1))
	all, err := c.Logs(t.Context(), ledger.LogQuery{To: 100})
	if err != nil || len(all) != 3 {
		t.Fatalf("all logs: got %d, %v, want 3", len(all), err)
	}
	if l := all[2]; l.Height != 3 || l.TxIndex != 1 || l.Index != 0 || l.Log.Address != chain.AddrStake {
		t.Errorf("last log: %+v", l)
	}
	if all[1].Index != 1 || all[1].TxIndex != 1 {
		t.Errorf("second log: index %d, transaction %d, want 1, 1", all[1].Index, all[1].TxIndex)
	}
	sig, who := all[0].Log.Topics[0], all[1].Log.Topics[1]
	for _, tc := range []struct {
		name string
		q    ledger.LogQuery
		want int
	}{
		{"range", ledger.LogQuery{From: 2, To: 3}, 1},
		{"address", ledger.LogQuery{To: 3, Addresses: []chain.Address{v0, chain.AddrStake}}, 3},
		{"other address", ledger.LogQuery{To: 3, Addresses: []chain.Address{v0}}, 0},
		{"first topic", ledger.LogQuery{To: 3, Topics: [][]chain.Hash{{sig}}}, 3},
		{"second topic", ledger.LogQuery{To: 3, Topics: [][]chain.Hash{{}, {who}}}, 2},
		{"either", ledger.LogQuery{To: 3, Topics: [][]chain.Hash{{sig}, {who, all[0].Log.Topics[1]}}}, 3},
		{"swapped", ledger.LogQuery{To: 3, Topics: [][]chain.Hash{{who}, {sig}}}, 0},
		{"more topics than the log has", ledger.LogQuery{To: 3, Topics: [][]chain.Hash{{}, {}, {}, {}}}, 0},
	} {
		got, err := c.Logs(t.Context(), tc.q)
		if err != nil || len(got) != tc.want {
			t.Errorf("%s: got %d, %v, want %d", tc.name, len(got), err, tc.want)
		}
	}
	_, err = c.Logs(t.Context(), ledger.LogQuery{From: 5, To: 5 + ledger.RangeBlocksMax})
	if r, ok := errors.AsType[*ledger.RangeError](err); !ok || r.From != 5 || r.To-r.From >= ledger.RangeBlocksMax {
		t.Errorf("too wide a range: got %v", err)
	}
	if _, err := c.Logs(t.Context(), ledger.LogQuery{From: 2, To: 1}); !errors.Is(err, ledger.ErrQuery) {
		t.Errorf("range backwards: got %v", err)
	}
}
