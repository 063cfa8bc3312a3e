package node

// What is tested: with a pace, a transaction waits its time before consensus sees it, with those behind it;
// blocks with transactions keep their distance, empty ones do not count; consensus is woken when there is
// something new to see. Time is synctest's.

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/crypto/secp"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/ledger"
	"github.com/aiwork/aiwork-node/mempool"
)

const testPace = 300 * time.Millisecond

// paceWorld is a pool over a state in which everybody is rich, and a head that the test moves.
type paceWorld struct {
	t     *testing.T
	pool  *mempool.Pool
	paced *pacedPool
	head  ledger.Head
	next  chan struct{}
}

func (w *paceWorld) Account(chain.Address) (mempool.Record, error) {
	return mempool.Record{Balance: *uint256.NewInt(1e18)}, nil
}

func runPaced(t *testing.T, test func(*paceWorld)) {
	synctest.Test(t, func(t *testing.T) {
		w := &paceWorld{t: t, pool: mempool.New(mempool.Default(7)), next: make(chan struct{})}
		if err := w.pool.SetHead(mempool.Head{GasLimit: 30_000_000}, w, nil); err != nil {
			t.Fatal(err)
		}
		w.paced = newPacedPool(w.pool, func() (ledger.Head, <-chan struct{}) { return w.head, w.next }, testPace)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- w.paced.Run(ctx) }()
		synctest.Wait()
		test(w)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func (w *paceWorld) add(who byte, nonce uint64) {
	w.t.Helper()
	key, err := secp.ParsePrivateKey([32]byte{31: who})
	if err != nil {
		w.t.Fatal(err)
	}
	tx := &chain.Tx{Type: 2, Nonce: nonce, Gas: 21_000, To: &chain.Address{1}, GasFeeCap: *uint256.NewInt(1e9), GasTipCap: *uint256.NewInt(1)}
	signed, err := chain.SignTx(tx, key, 7)
	if err == nil {
		err = w.pool.Add(signed, true)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	synctest.Wait()
}

// block moves the head; root is what the header says of its transactions.
func (w *paceWorld) block(root chain.Hash) {
	w.head.Height++
	w.head.Header.TxRoot = root
	old := w.next
	w.next = make(chan struct{})
	close(old)
	synctest.Wait()
}

func (w *paceWorld) seen(want int) {
	w.t.Helper()
	if got := len(w.paced.Best(30_000_000, chain.BlockSizeMax)); got != want {
		w.t.Errorf("consensus sees %d transactions, want %d", got, want)
	}
}

func TestTransactionsRest(t *testing.T) {
	runPaced(t, func(w *paceWorld) {
		w.add(1, 0)
		w.seen(0)
		time.Sleep(testPace / 2)
		w.add(1, 1)
		w.add(2, 0)
		changed := w.paced.Changed()
		time.Sleep(testPace/2 - 1)
		w.seen(0)
		select {
		case <-changed:
			t.Error("woken before anything has rested")
		default:
		}
		<-changed
		w.seen(1)
		time.Sleep(testPace / 2)
		w.seen(3)
		if got := w.paced.Stats().Pending; got != 3 {
			t.Errorf("pending: got %d, want 3", got)
		}
	})
}

// What arrives before the one that it follows waits for it.
func TestRestKeepsOrder(t *testing.T) {
	runPaced(t, func(w *paceWorld) {
		w.add(1, 1)
		time.Sleep(testPace / 2)
		w.add(1, 0)
		time.Sleep(testPace * 3 / 4)
		w.seen(0)
		time.Sleep(testPace / 4)
		w.seen(2)
	})
}

func TestBlocksKeepTheirDistance(t *testing.T) {
	runPaced(t, func(w *paceWorld) {
		w.add(1, 0)
		time.Sleep(testPace)
		w.block(chain.EmptyRoot)
		w.seen(1)
		w.block(chain.Hash{1})
		w.seen(0)
		changed := w.paced.Changed()
		time.Sleep(testPace - 1)
		w.seen(0)
		<-changed
		w.seen(1)
	})
}
