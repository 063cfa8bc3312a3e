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
func Feeds(c Chain, p Pool, n Network) map[string]Feed {
	return map[string]Feed{
		"newHeads": func(json.RawMessage) (Stream, *Error) {
			return func(ctx context.Context, send func(any) error) error {
				return eachBlock(ctx, c, func(b *chain.Block) error { return send(formHeader(&b.Header)) })
			}, nil
		},
		"logs": func(params json.RawMessage) (Stream, *Error) { return logFeed(c, params) },
		"newPendingTransactions": func(params json.RawMessage) (Stream, *Error) {
			full := false
			if len(params) > 0 && json.Unmarshal(params, &full) != nil {
				return nil, Errorf(CodeParams, "invalid argument 1 (full): want true or false")
			}
			return func(ctx context.Context, send func(any) error) error { return pendingFeed(ctx, p, full, send) }, nil
		},
		"syncing": func(json.RawMessage) (Stream, *Error) {
			return func(ctx context.Context, send func(any) error) error { return syncFeed(ctx, c, n, send) }, nil
		},
	}
}

// syncNews is what a subscriber of syncing hears while the node catches up; when it has, he hears false.
type syncNews struct {
	Syncing bool     `json:"syncing"`
	Status  syncForm `json:"status"`
}

// syncFeed tells how it stands at once, and whenever catching up begins or ends.
func syncFeed(ctx context.Context, c Chain, n Network, send func(any) error) error {
	told, first := false, true
	for {
		_, changed := c.Head()
		current, highest, syncing := n.Behind()
		if first || syncing != told {
			var news any = false
			if syncing {
				news = syncNews{true, formSync(current, highest)}
			}
			if err := send(news); err != nil {
				return err
			}
			told, first = syncing, false
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
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

func logFeed(c Chain, params json.RawMessage) (Stream, *Error) {
	var f logFilter
	if len(params) > 0 && string(params) != "null" {
		if err := json.Unmarshal(params, &f); err != nil {
			return nil, Errorf(CodeParams, "invalid argument 1 (filter): %v", err)
		}
	}
	return func(ctx context.Context, send func(any) error) error {
		return eachBlock(ctx, c, func(b *chain.Block) error { return sendLogs(c, b, &f, send) })
	}, nil
}

func sendLogs(c Chain, b *chain.Block, f *logFilter, send func(any) error) error {
	receipts, err := c.Receipts(b.Header.Number)
	if err != nil {
		return err
	}
	for _, r := range formReceipts(b, receipts) {
		for _, l := range r.Logs {
			if !f.matches(&chain.Log{Address: l.Address, Topics: l.Topics, Data: l.Data}) {
				continue
			}
			if err := send(l); err != nil {
				return err
			}
		}
	}
	return nil
}

func pendingFeed(ctx context.Context, p Pool, full bool, send func(any) error) error {
	_, cursor := p.Seen(0, math.MaxInt)
	for {
		changed := p.Changed()
		txs, next := p.Seen(cursor, feedTxsMax)
		cursor = next
		for _, tx := range txs {
			var news any = tx.Hash()
			if full {
				news = formTx(tx, nil, 0)
			}
			if err := send(news); err != nil {
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
