package node

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/ledger"
	"github.com/aiwork/aiwork-node/mempool"
	"github.com/aiwork/aiwork-node/mempool/recover"
	"github.com/aiwork/aiwork-node/p2p"
	"github.com/aiwork/aiwork-node/tasks/job"
)

// poolState is the head's state as the pool reads it.
type poolState struct{ ledger *ledger.Ledger }

// Account gives what the pool must know of a sender.
func (s poolState) Account(a chain.Address) (uint64, uint256.Int, error) {
	acc, err := s.ledger.Account(a)
	return acc.Nonce, acc.Balance, err
}

// followHead tells the pool of a new head: which transactions are in it and whose balances it may have
// changed.
func followHead(l *ledger.Ledger, p *mempool.Pool, head ledger.Head) error {
	b, err := l.BlockByHeight(head.Height)
	if err != nil {
		return err
	}
	receipts, err := l.Receipts(head.Height)
	if err != nil {
		return err
	}
	h := poolHead(l, head)
	h.Txs = b.Txs
	return p.SetHead(h, poolState{l}, touched(b, receipts))
}

// poolHead gives what a pool must know of a head. The next block's base fee is that of the next
// millisecond: waiting can only lower it.
func poolHead(l *ledger.Ledger, head ledger.Head) mempool.Head {
	return mempool.Head{
		Height: head.Height, TimeMs: head.Ext.TimeMs, BaseFee: l.NextBaseFee(head, head.Ext.TimeMs+1),
		GasLimit: l.Params().BlockGasLimit,
	}
}

// touched lists the accounts that a block may have changed: senders, recipients, and whoever a system
// contract's log names, since payments and penalties are logged.
func touched(b *chain.Block, receipts []*chain.Receipt) []chain.Address {
	out := []chain.Address{b.Header.Coinbase}
	for _, tx := range b.Txs {
		if from, err := tx.Sender(); err == nil {
			out = append(out, from)
		}
		if tx.To != nil {
			out = append(out, *tx.To)
		}
	}
	for _, r := range receipts {
		for i := range r.Logs {
			for _, t := range r.Logs[i].Topics[1:] {
				if [12]byte(t[:12]) == [12]byte{} {
					out = append(out, chain.Address(t[12:]))
				}
			}
			if l, ok := job.DecodeLog(&r.Logs[i]); ok && !l.Payout.IsZero() {
				out = append(out, l.Payout) // paid, but not among the topics
			}
		}
	}
	return out
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
