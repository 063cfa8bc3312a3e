package node

import (
	"context"
	"sync"
	"time"

	"github.com/aiwork/aiwork-node/consensus/poi/driver"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/ledger"
)

// paceNewsMax bounds how many arrivals are read from the pool at once.
const paceNewsMax = 1024

// idlePause is how long nothing is looked for where nothing waits.
const idlePause = time.Hour

// pacedPool shows consensus a pool in which a transaction rests for a while before a block may take it, and
// in which blocks with transactions keep the same distance. Clients that remember a nonce for 250 ms after
// they asked for it, as ethers does, then never use an old one: by the time their transaction has a receipt
// they ask again. It is for devnets; a node without a pace hands the pool itself to consensus.
//
// The pace is this node's alone and no rule of the chain: a block that comes sooner is as good as any.
type pacedPool struct {
	paceable
	head func() (last ledger.Head, next <-chan struct{})
	pace time.Duration

	mu      sync.Mutex
	arrived map[chain.Hash]time.Time // of what waits
	cursor  uint64                   // into the pool's news
	block   time.Time                // when the last block with transactions was seen
	changed chan struct{}            // closed when the answer of Best may have changed
}

// paceable is the pool below.
type paceable interface {
	driver.Pool
	Since(cursor uint64, limit int) ([]*chain.Tx, uint64)
}

func newPacedPool(p paceable, head func() (ledger.Head, <-chan struct{}), pace time.Duration) *pacedPool {
	return &pacedPool{paceable: p, head: head, pace: pace, arrived: make(map[chain.Hash]time.Time), changed: make(chan struct{})}
}

// Best gives the pool's best that have rested. Behind one that has not, its sender's others wait too.
func (p *pacedPool) Best(gasLimit uint64, bytesMax int) []*chain.Tx {
	best := p.paceable.Best(gasLimit, bytesMax)
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if now.Sub(p.block) < p.pace {
		return nil
	}
	var rested []*chain.Tx
	waits := make(map[chain.Address]bool)
	for _, tx := range best {
		sender, _ := tx.CachedSender() // what is in the pool has one
		at, known := p.arrived[tx.Hash()]
		if !known { // Run has not come to it yet, or the pool's news are too long for it
			at = now
			p.arrived[tx.Hash()] = at
		}
		if waits[sender] || now.Sub(at) < p.pace {
			waits[sender] = true
			continue
		}
		rested = append(rested, tx)
	}
	return rested
}

// Changed gives a channel that closes when the answer of Best may have changed.
func (p *pacedPool) Changed() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.changed
}

// Run notes arrivals and blocks, and wakes consensus when something has rested, until ctx ends.
func (p *pacedPool) Run(ctx context.Context) error {
	timer := time.NewTimer(p.pace)
	defer timer.Stop()
	last, _ := p.head()
	for {
		changed := p.paceable.Changed()
		head, next := p.head()
		if head.Height > last.Height && head.Header.TxRoot != chain.EmptyRoot {
			p.seen(time.Now())
		}
		last = head
		timer.Reset(p.note(time.Now()))
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		case <-next:
		case <-timer.C:
		}
	}
}

func (p *pacedPool) seen(block time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.block = block
}

// note stamps what is new, forgets what is gone, tells those who wait, and gives the time until the next
// transaction has rested.
func (p *pacedPool) note(now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		txs, cursor := p.Since(p.cursor, paceNewsMax)
		p.cursor = cursor
		for _, tx := range txs {
			p.arrived[tx.Hash()] = now
		}
		if len(txs) < paceNewsMax {
			break
		}
	}
	wait := p.pace - min(p.pace, now.Sub(p.block))
	if wait <= 0 {
		wait = idlePause
	}
	for hash, at := range p.arrived {
		if p.Get(hash) == nil {
			delete(p.arrived, hash)
		} else if left := p.pace - now.Sub(at); left > 0 {
			wait = min(wait, left)
		}
	}
	if len(p.arrived) > 0 {
		close(p.changed)
		p.changed = make(chan struct{})
	}
	return wait
}
