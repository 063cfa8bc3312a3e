package mempool

import (
	"fmt"

	"github.com/holiman/uint256"
)

// Options are the pool's limits. Default gives working ones.
type Options struct {
	ChainID        uint64
	FeeCapMin      uint256.Int // wei per gas: a lower fee cap is refused, as it is never includable
	BytesMax       int         // of all transactions
	TxsMax         int         // of all senders
	PerSenderMax   int         // transactions of a sender, queued ones included
	SenderBytesMax int         // bytes of a sender's transactions
	QueuedMax      int         // queued transactions of all senders
	SenderQueueMax int         // queued transactions of a sender
	PriceBumpPct   uint64      // by how much a replacement raises each cap
	LifetimeMs     uint64      // a sender whose first transaction waits longer loses all its transactions
}

// Default gives limits that keep the pool below about 100 MB: a transfer takes some 700 bytes of memory.
func Default(chainID uint64) Options {
	return Options{
		ChainID:        chainID,
		BytesMax:       64 << 20,
		TxsMax:         100_000,
		PerSenderMax:   1024,
		SenderBytesMax: 4 << 20,
		QueuedMax:      4096,
		SenderQueueMax: 64,
		PriceBumpPct:   10,
		LifetimeMs:     3 * 3600 * 1000,
	}
}

// Check refuses limits with which the pool cannot work.
func (o Options) Check() error {
	switch {
	case o.ChainID == 0:
		return fmt.Errorf("mempool: chain id is zero")
	case o.BytesMax < 1<<20:
		return fmt.Errorf("mempool: bytes limit %d is below 1 MiB", o.BytesMax)
	case o.TxsMax < 1 || o.PerSenderMax < 1 || o.SenderBytesMax < 128<<10:
		return fmt.Errorf("mempool: limits leave no room for one transaction")
	case o.QueuedMax < 0 || o.SenderQueueMax < 0:
		return fmt.Errorf("mempool: negative queue limit")
	case o.PriceBumpPct > 1000:
		return fmt.Errorf("mempool: price bump of %d %% is above 1000 %%", o.PriceBumpPct)
	case o.LifetimeMs == 0:
		return fmt.Errorf("mempool: lifetime is zero")
	}
	return nil
}
