package recover

import (
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/mempool"
)

// batchMin is how many transactions are worth another goroutine.
const batchMin = 2

// Senders recovers the sender of each transaction that does not remember it, on as many cores as there
// are, and returns when all are done. A bad signature is left to be found by [chain.Tx.Sender].
func Senders(txs []*chain.Tx) {
	workers := min(runtime.GOMAXPROCS(0), len(txs)/batchMin)
	if workers <= 1 {
		each(txs, new(atomic.Int64))
		return
	}
	var next atomic.Int64
	var wait sync.WaitGroup
	for range workers {
		wait.Go(func() { each(txs, &next) })
	}
	wait.Wait()
}

// Add brings transactions into the pool in order and gives as many errors. Those that the pool does not
// want at first sight are refused before anything dear is done for them.
func Add(p *mempool.Pool, txs []*chain.Tx, local bool) []error {
	errs := make([]error, len(txs))
	wanted := make([]*chain.Tx, 0, len(txs))
	for i, tx := range txs {
		if errs[i] = p.Precheck(tx); errs[i] == nil {
			wanted = append(wanted, tx)
		}
	}
	Senders(wanted)
	for i, tx := range txs {
		if errs[i] == nil {
			errs[i] = p.Add(tx, local)
		}
	}
	return errs
}

// each takes transactions, one after the other, until none is left.
func each(txs []*chain.Tx, next *atomic.Int64) {
	for {
		i := next.Add(1) - 1
		if i >= int64(len(txs)) {
			return
		}
		if _, known := txs[i].CachedSender(); !known {
			_, _ = txs[i].Sender() // the error comes again to whoever asks for the sender
		}
	}
}
