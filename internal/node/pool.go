package node

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/ledger"
	"github.com/aiwork/aiwork-node/mempool"
	"github.com/aiwork/aiwork-node/mempool/recover"
	"github.com/aiwork/aiwork-node/p2p"
)

// poolState is the head's state as the pool reads it.
type poolState struct{ ledger *ledger.Ledger }

// Account gives what the pool must know of a sender.
func (s poolState) Account(a chain.Address) (mempool.Record, error) {
	acc, err := s.ledger.Account(a)
	// Of the accounts that sign transactions only those that have delegated have code (EIP-3607).
	return mempool.Record{Nonce: acc.Nonce, Balance: acc.Balance, Delegated: !acc.CodeHash.IsZero()}, err
}

// followHead tells the pool of a new head: which transactions are in it and which accounts it has changed.
func followHead(l *ledger.Ledger, p *mempool.Pool, head ledger.Head) error {
	b, err := l.BlockByHeight(head.Height)
	if err != nil {
		return err
	}
	h := poolHead(l, head)
	h.Txs = b.Txs
	return p.SetHead(h, poolState{l}, l.Touched(head.Height))
}

// poolHead gives what a pool must know of a head. The next block's base fee is that of the next
// millisecond: waiting can only lower it.
func poolHead(l *ledger.Ledger, head ledger.Head) mempool.Head {
	return mempool.Head{
		Height: head.Height, TimeMs: head.Ext.TimeMs, BaseFee: l.NextBaseFee(head, head.Ext.TimeMs+1),
		GasLimit: l.Params().BlockGasLimit,
	}
}

// intake brings gossiped and forwarded transactions into the pool and says whether they are relayed.
func intake(pool *mempool.Pool) p2p.TxSink {
	return func(_ context.Context, _ p2p.Peer, encoded [][]byte) p2p.Verdict {
		txs := make([]*chain.Tx, 0, len(encoded))
		for _, enc := range encoded {
			tx, err := chain.DecodeTx(enc)
			if err != nil {
				return p2p.Reject
			}
			txs = append(txs, tx)
		}
		verdict := p2p.Ignore
		for _, err := range recover.Add(pool, txs, false) {
			if err == nil {
				verdict = p2p.Accept
			} else if _, bad := errors.AsType[chain.TxFault](err); bad {
				return p2p.Reject // wrong for every node, not only for ours
			}
		}
		return verdict
	}
}

// loadJournal brings back what waited when the node stopped. A damaged journal costs the transactions in
// it and no more.
func (n *Node) loadJournal() {
	f, err := os.Open(n.home.Journal())
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err != nil {
		n.log.Warn("waiting transactions not read", "error", err)
		return
	}
	defer f.Close()
	added, err := n.pool.Load(f)
	if err != nil {
		n.log.Warn("waiting transactions not read", "error", err)
		return
	}
	n.log.Info("waiting transactions read", "count", added)
}

func (n *Node) saveJournal() error {
	tmp := n.home.Journal() + ".new"
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("waiting transactions: %w", err)
	}
	if err := errors.Join(n.pool.Save(f), f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("waiting transactions: %w", err)
	}
	if err := os.Rename(tmp, n.home.Journal()); err != nil {
		return fmt.Errorf("waiting transactions: %w", err)
	}
	return nil
}
