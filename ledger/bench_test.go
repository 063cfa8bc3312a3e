package ledger_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/ledger"
	"github.com/aiwork/aiwork-node/ledger/exec"
	"github.com/aiwork/aiwork-node/ledger/ledgertest"
	"github.com/aiwork/aiwork-node/ledger/state"
	"github.com/aiwork/aiwork-node/vm"
	"github.com/aiwork/aiwork-node/vm/native"
)

// transfers gives n signed transfers of n senders to n other accounts, senders known.
func transfers(b *testing.B, accounts []ledgertest.Account, n int, nonce uint64) []*chain.Tx {
	b.Helper()
	txs := make([]*chain.Tx, 0, n)
	for i := range n {
		to := chain.Address{0: byte(i), 1: byte(i >> 8), 2: 7}
		txs = append(txs, ledgertest.Sign(b, &chain.Tx{
			Type: chain.TxTypeDynamicFee, ChainID: ledgertest.ChainID, Nonce: nonce, Gas: 21_000, To: &to,
			Value: *uint256.NewInt(1), GasTipCap: *uint256.NewInt(1), GasFeeCap: *uint256.NewInt(1e12),
		}, accounts[i]))
		if _, err := txs[i].Sender(); err != nil {
			b.Fatal(err)
		}
	}
	return txs
}

// BenchmarkExec is execution alone, from a warm state: no signatures, no tree, no disk.
func BenchmarkExec(b *testing.B) {
	for _, n := range []int{1000} {
		b.Run(fmt.Sprintf("tx=transfer/n=%d", n), func(b *testing.B) {
			g, accounts, validators := ledgertest.NewGenesis(ledgertest.Options{Accounts: n})
			modules := ledgertest.Modules()
			built := g.Build(modules)
			base := state.NewOverlay(state.Empty{}, built.Diff)
			in := &exec.Input{
				Block: native.Block{
					Height: 1, TimeMs: ledgertest.StartMs + 20, ParentTimeMs: ledgertest.StartMs, ChainID: ledgertest.ChainID,
					Coinbase: validators[0].Address, BaseFee: *uint256.NewInt(1e9), Genesis: built.Hash(), Params: &g.Params,
				},
				GasLimit: 30_000_000, Txs: transfers(b, accounts, n, 0),
			}
			engine := exec.NewEngine(modules, vm.CodesBytesMax)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := exec.Block(state.New(base), in, engine); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/tx")
		})
	}
}

// BenchmarkCommit is the whole path of a block at the proposer and at another node, on a real disk:
// build (or execute) with roots, and commit with one sync.
func BenchmarkCommit(b *testing.B) {
	for _, n := range []int{0, 100, 1000} {
		for _, role := range []string{"proposer", "validator"} {
			b.Run(fmt.Sprintf("role=%s/n=%d", role, n), func(b *testing.B) { benchCommit(b, n, role == "validator") })
		}
	}
}

func benchCommit(b *testing.B, n int, other bool) {
	g, accounts, _ := ledgertest.NewGenesis(ledgertest.Options{Accounts: max(n, 1)})
	c := ledgertest.New(b, ledgertest.Options{Accounts: max(n, 1)})
	l, err := ledger.Open(b.Context(), ledger.Options{Dir: b.TempDir(), Genesis: g, Modules: ledgertest.Modules(), FS: vfs.Default})
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	ctx := context.Background()
	nonce := uint64(0)
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		txs := transfers(b, accounts, n, nonce)
		nonce++
		args := c.Args(txs)
		var blk *chain.Block
		if other {
			if blk, _, _, err = c.Build(ctx, args); err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
			_, err = l.Execute(ctx, blk)
		} else {
			b.StartTimer()
			blk, _, _, err = l.Build(ctx, args)
		}
		if err == nil {
			err = l.Commit(ctx, blk.Hash(), nil)
		}
		b.StopTimer()
		if err != nil {
			b.Fatal(err)
		}
		if _, err := c.Execute(ctx, blk); err != nil {
			b.Fatal(err)
		}
		if err := c.Commit(ctx, blk.Hash(), nil); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
	if n > 0 {
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/tx")
	}
}
