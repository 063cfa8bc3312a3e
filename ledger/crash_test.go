package ledger_test

// What is tested: the disk may lose power at any write, fail, or fill up. A disk in memory is cloned
// before every write operation, once with only what was synced and once with a random part of the rest;
// every clone must open at a height that was committed, none below what Commit had confirmed, hold
// together under Verify, and go on.

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/aiwork/aiwork-node/consensus/poi/stake"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/ledger"
	"github.com/aiwork/aiwork-node/ledger/ledgertest"
	"github.com/aiwork/aiwork-node/ledger/store"
)

// work gives the transactions of a block of a busy chain: transfers, a call with a log, a call that fails.
func work(c *ledgertest.Chain, rng *rand.Rand) []*chain.Tx {
	var txs []*chain.Tx
	for range rng.IntN(6) {
		from := c.Accounts[rng.IntN(len(c.Accounts))]
		to := ledgertest.NewAccount(fmt.Sprint("to", rng.IntN(50)))
		txs = append(txs, c.Tx(from, to.Address, ledgertest.Tokens(1), nil))
	}
	v := c.Validators[rng.IntN(len(c.Validators))].Address
	txs = append(txs, c.Tx(c.Accounts[0], chain.AddrStake, ledgertest.Tokens(2), stake.PackTopUp(v)))
	return append(txs, c.Tx(c.Accounts[0], chain.AddrStake, nil, []byte{1, 2, 3, 4}))
}

type crash struct {
	fs        *vfs.MemFS
	confirmed chain.Height // by Commit, when power was lost
	at        string
}

func TestCrashAtEveryWrite(t *testing.T) {
	disk := vfs.NewCrashableMem()
	rng := rand.New(rand.NewPCG(1, 2))
	var mu sync.Mutex
	var crashes []crash
	var confirmed atomic.Uint64
	var armed atomic.Bool
	fs := errorfs.Wrap(disk, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if !armed.Load() || op.Kind.ReadOrWrite() != errorfs.OpIsWrite {
			return nil
		}
		mu.Lock()
		defer mu.Unlock()
		h := chain.Height(confirmed.Load())
		for _, percent := range []int{0, 10 + rng.IntN(90)} {
			clone := disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: rng})
			crashes = append(crashes, crash{clone, h, fmt.Sprintf("op %d on %s, %d%% unsynced", op.Kind, op.Path, percent)})
		}
		return nil
	}))
	armed.Store(true)
	c := ledgertest.New(t, ledgertest.Options{Accounts: 4, Validators: 2, FS: fs})
	hashes := []chain.Hash{c.Built.Hash()}
	blocks := 10
	if testing.Short() {
		blocks = 4
	}
	work := func() []*chain.Tx { return work(c, rand.New(rand.NewPCG(3, uint64(len(hashes))))) }
	for range blocks {
		c.Try(work()...)
		head, _ := c.Head()
		hashes = append(hashes, head.Hash)
		confirmed.Store(uint64(head.Height))
	}
	armed.Store(false)
	if len(crashes) < 20 {
		t.Fatalf("only %d crashes: the disk is not watched", len(crashes))
	}
	heights := map[chain.Height]int{}
	for _, x := range crashes {
		heights[checkCrash(t, c, x, hashes)]++
	}
	t.Logf("%d crashes; heights after them: %v", len(crashes), heights)
	if len(heights) < blocks {
		t.Errorf("crashes ended at %d different heights, want %d at least", len(heights), blocks)
	}
}

// checkCrash opens the disk after a crash and gives the height that it holds.
func checkCrash(t *testing.T, c *ledgertest.Chain, x crash, hashes []chain.Hash) chain.Height {
	t.Helper()
	l, err := ledger.Open(t.Context(), ledger.Options{Dir: "chain", Genesis: c.Genesis, Modules: c.Modules, FS: x.fs})
	if err != nil {
		t.Fatalf("%s: open: %v", x.at, err)
	}
	defer func() {
		if err := l.Close(); err != nil {
			t.Errorf("%s: close: %v", x.at, err)
		}
	}()
	head, _ := l.Head()
	if head.Height < x.confirmed || head.Height > x.confirmed+1 || head.Hash != hashes[head.Height] {
		t.Fatalf("%s: opened at block %d %s, block %d was confirmed", x.at, head.Height, head.Hash, x.confirmed)
	}
	if err := l.Verify(t.Context(), nil); err != nil {
		t.Fatalf("%s: verify: %v", x.at, err)
	}
	if int(head.Height)+1 < len(hashes) {
		next, err := c.BlockByHeight(head.Height + 1)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := l.Execute(t.Context(), next); err != nil {
			t.Fatalf("%s: go on: %v", x.at, err)
		}
		if err := l.Commit(t.Context(), next.Hash(), nil); err != nil {
			t.Fatalf("%s: go on: %v", x.at, err)
		}
	}
	return head.Height
}

// A disk that is full, or breaks, at any write: Commit says so, nothing is written any more, and what
// was committed opens again from another disk.
func TestDiskFails(t *testing.T) {
	for _, tc := range []struct {
		name string
		err  error
		want error
		text string
	}{
		{"full", syscall.ENOSPC, store.ErrDiskFull, "free some space"},
		{"broken", syscall.EIO, syscall.EIO, "check the disk"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			disk := vfs.NewCrashableMem()
			var failing atomic.Bool
			fs := errorfs.Wrap(disk, errorfs.InjectorFunc(func(op errorfs.Op) error {
				write := op.Kind == errorfs.OpFileWrite || op.Kind == errorfs.OpFileSync ||
					op.Kind == errorfs.OpFileSyncData || op.Kind == errorfs.OpFileSyncTo
				if failing.Load() && write && strings.HasSuffix(op.Path, ".log") {
					return tc.err
				}
				return nil
			}))
			c := ledgertest.New(t, ledgertest.Options{FS: fs})
			c.Blocks(3)
			ctx := context.Background()
			b, _, _, err := c.Build(ctx, c.Args(nil))
			if err != nil {
				t.Fatal(err)
			}
			failing.Store(true)
			err = c.Commit(ctx, b.Hash(), nil)
			if !errors.Is(err, tc.want) && !strings.Contains(fmt.Sprint(err), tc.err.Error()) {
				t.Fatalf("commit: got %v, want %v", err, tc.want)
			}
			if !strings.Contains(err.Error(), tc.text) || !strings.Contains(err.Error(), "nothing that was committed is lost") {
				t.Errorf("commit: %q does not say what to do", err)
			}
			failing.Store(false)
			if again := c.Commit(ctx, b.Hash(), nil); again == nil {
				t.Error("a second commit after a failed write was accepted")
			}
			if head, _ := c.Head(); head.Height != 3 {
				t.Errorf("head: got %d, want 3", head.Height)
			}
			checkReopened(t, c, disk)
		})
	}
}

func checkReopened(t *testing.T, c *ledgertest.Chain, disk *vfs.MemFS) {
	t.Helper()
	l, err := ledger.Open(t.Context(), ledger.Options{
		Dir: "chain", Genesis: c.Genesis, Modules: c.Modules, FS: disk.CrashClone(vfs.CrashCloneCfg{}),
	})
	if err != nil {
		t.Fatalf("open after the disk failed: %v", err)
	}
	defer l.Close()
	if err := l.Verify(t.Context(), nil); err != nil {
		t.Errorf("verify after the disk failed: %v", err)
	}
	if head, _ := l.Head(); head.Height != 3 {
		t.Errorf("head after the disk failed: got %d, want 3", head.Height)
	}
}

// With little space left nothing is begun, and when space is there again the same node goes on.
func TestLittleSpace(t *testing.T) {
	disk := vfs.NewMem()
	c := ledgertest.New(t, ledgertest.Options{FS: disk})
	c.Blocks(1)
	disk.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: store.CommitSpaceMin - 1})
	ctx := context.Background()
	b, _, _, err := c.Build(ctx, c.Args(nil))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Commit(ctx, b.Hash(), nil); !errors.Is(err, store.ErrDiskFull) {
		t.Errorf("commit: got %v, want %v", err, store.ErrDiskFull)
	}
	if free, err := c.FreeBytes(); err != nil || free != store.CommitSpaceMin-1 {
		t.Errorf("free bytes: got %d, %v", free, err)
	}
	disk.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: store.CommitSpaceMin})
	if err := c.Commit(ctx, b.Hash(), nil); err != nil {
		t.Errorf("commit with space again: %v", err)
	}
}

// A disk that cannot be read makes no block bad.
func TestReadErrorIsNotTheBlocksFault(t *testing.T) {
	disk := vfs.NewMem()
	c := ledgertest.New(t, ledgertest.Options{Accounts: 2000} /* several disk blocks */)
	l, err := ledger.Open(t.Context(), ledger.Options{Dir: "chain", Genesis: c.Genesis, Modules: c.Modules, FS: disk})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil { // what was in memory goes to tables, which have to be read again
		t.Fatal(err)
	}
	var failing atomic.Bool
	fs := errorfs.Wrap(disk, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if failing.Load() && (op.Kind == errorfs.OpFileReadAt || op.Kind == errorfs.OpFileRead) {
			return syscall.EIO
		}
		return nil
	}))
	if l, err = ledger.Open(t.Context(), ledger.Options{Dir: "chain", Genesis: c.Genesis, Modules: c.Modules, FS: fs}); err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx := context.Background()
	b, _, _, err := c.Build(ctx, c.Args([]*chain.Tx{c.Tx(c.Accounts[0], c.Accounts[1999].Address, ledgertest.Tokens(1), nil)}))
	if err != nil {
		t.Fatal(err)
	}
	failing.Store(true)
	_, err = l.Execute(ctx, b)
	if _, blamed := errors.AsType[*ledger.BadBlock](err); err == nil || blamed {
		t.Errorf("execute over a broken disk: got %v, want an error that is not the block's", err)
	}
	failing.Store(false)
	if _, err := l.Execute(ctx, b); err != nil {
		t.Errorf("execute over a disk that works again: %v", err)
	}
}
