package rpc

import (
	"context"
	"encoding/json"
	"math"

	"github.com/aiwork/aiwork-node/internal/chain"
)

// feedBlocksMax is how far a subscriber may fall behind before old news is skipped.
const feedBlocksMax = 256

// feedTxsMax is how many pending transactions one look at the pool takes.
const feedTxsMax = 512

// Feeds gives the subscriptions of eth_subscribe.
func Feeds(c Chain, p Pool) map[string]Feed {
	return map[string]Feed{
		"newHeads": func(ctx context.Context, _ json.RawMessage, send func(any) error) error {
			return eachBlock(ctx, c, func(b *chain.Block) error { return send(formHeader(&b.Header)) })
		},
		"logs": func(ctx context.Context, params json.RawMessage, send func(any) error) error {
			return logFeed(ctx, c, params, send)
		},
		"newPendingTransactions": func(ctx context.Context, _ json.RawMessage, send func(any) error) error {
			return pendingFeed(ctx, p, send)
		},
	}
}

// eachBlock calls f for every block after the present head, in order.
func eachBlock(ctx context.Context, c Chain, f func(*chain.Block) error) error {
	head, changed := c.Head()
	next := head.Height + 1
	for {
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
		head, changed = c.Head()
		if head.Height >= next+feedBlocksMax {
			next = head.Height - feedBlocksMax + 1
		}
		for ; next <= head.Height; next++ {
			b, err := c.BlockByHeight(next)
			if err != nil {
				return err
			}
			if b != nil {
				if err := f(b); err != nil {
					return err
				}
			}
		}
	}
}

func logFeed(ctx context.Context, c Chain, params json.RawMessage, send func(any) error) error {
	var f logFilter
	if len(params) > 0 {
		if err := json.Unmarshal(params, &f); err != nil {
			return err
		}
	}
	return eachBlock(ctx, c, func(b *chain.Block) error {
		receipts, err := c.Receipts(b.Header.Number)
		if err != nil {
			return err
		}
		for _, r := range formReceipts(b, receipts) {
			for _, l := range r.Logs {
				if f.matches(&chain.Log{Address: l.Address, Topics: l.Topics, Data: l.Data}) {
					if err := send(l); err != nil {
						return err
					}
				}
			}
		}
		return nil
	})
}

func pendingFeed(ctx context.Context, p Pool, send func(any) error) error {
	_, cursor := p.Since(0, math.MaxInt)
	for {
		changed := p.Changed()
		txs, next := p.Since(cursor, feedTxsMax)
		cursor = next
		for _, tx := range txs {
			if err := send(tx.Hash()); err != nil {
				return err
			}
		}
		if len(txs) == feedTxsMax {
			continue
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
