package ledger

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/aiwork/aiwork-node/internal/chain"
)

// workersMax bounds the goroutines that recover senders.
const workersMax = 64

func workers(n int) int {
	if n <= 0 {
		n = runtime.GOMAXPROCS(0)
	}
	return min(n, workersMax)
}

// recoverSenders computes the senders that are not known yet, several at a time, and waits for them.
// Transactions without one are found again, and refused, when they are executed.
func (l *Ledger) recoverSenders(ctx context.Context, txs []*chain.Tx) error {
	var unknown []*chain.Tx
	for _, tx := range txs {
		if _, ok := tx.CachedSender(); !ok {
			unknown = append(unknown, tx)
		}
	}
	var next atomic.Int64
	var group sync.WaitGroup
	work := func() {
		for ctx.Err() == nil {
			i := int(next.Add(1)) - 1
			if i >= len(unknown) {
				return
			}
			_, _ = unknown[i].Sender()
		}
	}
	for range min(l.workers, len(unknown)) {
		group.Go(work)
	}
	group.Wait()
	return ctx.Err()
}
