package testnet

import (
	"context"
	"slices"
	"time"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/client"
)

const (
	headsAgain    = 200 * time.Millisecond // after a subscription broke
	blocksAtOnce  = 32                     // blocks asked for in one request
	watchFallback = time.Second            // asks without being told, should a notice be lost
)

// watch follows the chain through one node's subscription, the next node's when that breaks, and finds
// the phase's transfers in the blocks.
func (l *Load) watch(ctx context.Context) {
	for i := 0; ctx.Err() == nil; i++ {
		l.follow(ctx, l.clients[i%len(l.clients)])
		_ = pause(ctx, headsAgain)
	}
}

// follow ends when the subscription breaks.
func (l *Load) follow(ctx context.Context, c *client.Client) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	heads, lost := make(chan chain.Height, 1), make(chan error, 1)
	go func() { lost <- c.Heads(ctx, heads) }()
	again := time.NewTicker(watchFallback)
	defer again.Stop()
	for {
		var head chain.Height
		select {
		case head = <-heads:
		case <-again.C:
			if l.ask(ctx, c) != nil {
				return
			}
			continue
		case <-lost:
			_ = l.ask(ctx, c) // a node without subscriptions is asked again and again
			return
		}
		if l.catchUp(ctx, c, head) != nil {
			return
		}
	}
}

// ask catches up with a node that told nothing.
func (l *Load) ask(ctx context.Context, c *client.Client) error {
	var n client.Uint64
	if err := c.Call(ctx, &n, "eth_blockNumber"); err != nil {
		return err
	}
	return l.catchUp(ctx, c, chain.Height(n))
}

// here notes where the chain stands, so that a phase looks at its own blocks only.
func (l *Load) here(ctx context.Context) error {
	var err error
	for _, c := range l.clients {
		var n client.Uint64
		if err = c.Call(ctx, &n, "eth_blockNumber"); err == nil {
			l.mu.Lock()
			l.height = max(l.height, chain.Height(n))
			l.mu.Unlock()
			return nil
		}
	}
	return err
}

type blockForm struct {
	Hash         chain.Hash    `json:"hash"`
	Number       client.Uint64 `json:"number"`
	GasUsed      client.Uint64 `json:"gasUsed"`
	Transactions []chain.Hash  `json:"transactions"`
}

// catchUp reads the blocks up to head.
func (l *Load) catchUp(ctx context.Context, c *client.Client, head chain.Height) error {
	for {
		l.mu.Lock()
		from := l.height + 1
		l.mu.Unlock()
		if from > head {
			return nil
		}
		to := min(head, from+blocksAtOnce-1)
		blocks := make([]*blockForm, to-from+1)
		items := make([]client.Request, len(blocks))
		for i := range items {
			items[i] = client.Request{
				Method: "eth_getBlockByNumber", Params: []any{client.Uint64(from) + client.Uint64(i), false}, Result: &blocks[i],
			}
		}
		if err := c.Batch(ctx, items); err != nil {
			return err
		}
		for i, b := range blocks {
			if items[i].Err != nil {
				return items[i].Err
			}
			if b == nil {
				return nil // this node is not there yet
			}
			l.saw(b)
		}
	}
}

// saw notes a block and the transfers in it.
func (l *Load) saw(b *blockForm) {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	h := chain.Height(b.Number)
	l.blocks[h] = SeenBlock{b.Hash, len(b.Transactions), uint64(b.GasUsed), now}
	l.height = max(l.height, h)
	for _, hash := range b.Transactions {
		t := l.txs[hash]
		if t == nil || !t.seen.IsZero() {
			continue
		}
		t.seen = now
		s := t.from
		s.done = max(s.done, t.at+1)
		s.next = max(s.next, s.done)
		if t.at < s.top {
			l.open--
		}
		l.receipt = append(l.receipt, Acknowledged{Tx: hash, Block: b.Hash, Height: h, Sent: t.due, At: now})
	}
}

// blocksIn gives the blocks that were seen in a stretch of time, in order of height.
func (l *Load) blocksIn(from, to time.Time) []SeenBlock {
	l.mu.Lock()
	defer l.mu.Unlock()
	var heights []chain.Height
	for h, b := range l.blocks {
		if !b.At.Before(from) && b.At.Before(to) {
			heights = append(heights, h)
		}
	}
	slices.Sort(heights)
	out := make([]SeenBlock, len(heights))
	for i, h := range heights {
		out[i] = l.blocks[h]
	}
	return out
}
