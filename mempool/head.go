package mempool

import (
	"fmt"
	"slices"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/holiman/uint256"
)

// sweepEveryMs is the head time between searches for transactions that waited too long.
const sweepEveryMs = 60_000

// Head is what the pool must know of the last block.
type Head struct {
	Height   chain.Height
	TimeMs   uint64      // protocol time; lifetimes are measured in it
	BaseFee  uint256.Int // of the next block
	GasLimit uint64      // of the next block
	Txs      []*chain.Tx // that the block included
}

// SetHead moves the pool to a new block and the state after it. Transactions that the block included
// or made stale leave. Touched lists the other accounts whose balance or nonce changed, besides the
// senders of head.Txs; nil means that any may have. It is called by one goroutine at a time. On an
// error of the state the pool stays at the old head.
func (p *Pool) SetHead(head Head, state State, touched []chain.Address) error {
	if touched != nil {
		touched = withSenders(touched, head.Txs)
	}
	read := make(map[chain.Address]Record)
	for {
		missing := p.applyOrMissing(head, state, touched, read)
		if len(missing) == 0 {
			return nil
		}
		// Each pass reads what came in during the last one; touched is finite, so this ends.
		for _, addr := range missing {
			r, err := state.Account(addr)
			if err != nil {
				return fmt.Errorf("mempool: height %d: account %s: %w", head.Height, addr, err)
			}
			read[addr] = r
		}
	}
}

func withSenders(touched []chain.Address, txs []*chain.Tx) []chain.Address {
	all := slices.Grow(slices.Clone(touched), len(txs))
	for _, tx := range txs {
		// A transaction that was executed has a sender, which it remembers.
		if sender, err := tx.Sender(); err == nil {
			all = append(all, sender)
		}
	}
	return all
}

// applyOrMissing sets the head if read holds all touched accounts that are in the pool, else it tells
// which ones are missing.
func (p *Pool) applyOrMissing(
	head Head, state State, touched []chain.Address, read map[chain.Address]Record,
) (missing []chain.Address) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if touched == nil {
		for _, a := range p.worst.nodes {
			touched = append(touched, a.addr)
		}
	}
	for _, addr := range touched {
		if _, ok := read[addr]; !ok && p.accounts[addr] != nil {
			missing = append(missing, addr)
		}
	}
	if len(missing) > 0 {
		return missing
	}
	p.setHead(head, state)
	for _, tx := range head.Txs {
		if e := p.byHash[tx.Hash()]; e != nil {
			e.included = true
		}
	}
	for _, addr := range touched {
		if a := p.accounts[addr]; a != nil && a.renewed != p.heads {
			p.renew(a, read[addr])
		}
	}
	p.sweep()
	p.news.tell()
	return nil
}

func (p *Pool) setHead(head Head, state State) {
	p.head, p.state = head, state
	p.head.Txs = nil // not needed any more, and large
	p.heads++
	fee := saturate(&head.BaseFee)
	if fee == p.baseFee {
		return
	}
	p.baseFee = fee
	for _, a := range p.worst.nodes {
		a.spots[tailHeap].rank = a.tailRank(fee)
	}
	for _, a := range p.best.nodes {
		a.spots[headHeap].rank = a.txs[0].rank(fee)
	}
	p.worst.order()
	p.best.order()
}

// renew brings the account to what the state says: used nonces leave, then what is no longer covered,
// from the end.
func (p *Pool) renew(a *account, r Record) {
	used := 0
	for used < len(a.txs) && a.txs[used].tx.Nonce < r.Nonce {
		used++
	}
	a.nonce, a.balance, a.delegated, a.renewed = r.Nonce, r.Balance, r.Delegated, p.heads
	p.cut(a, 0, used, FaultStale)
	for len(a.txs) > 0 && a.total.Gt(&a.balance) {
		last := len(a.txs) - 1
		p.cut(a, last, last+1, FaultUncover)
	}
	if p.lendable(a) && len(a.txs) > 1 {
		p.cut(a, 1, len(a.txs), FaultDelegated)
	}
	p.announce(a)
}

// sweep takes out the senders whose first transaction waited too long.
func (p *Pool) sweep() {
	if p.head.TimeMs < p.sweepMs {
		return
	}
	p.sweepMs = p.head.TimeMs + sweepEveryMs
	var expired []*account
	for _, a := range p.worst.nodes {
		first := a.txs[0]
		if !first.local && p.head.TimeMs > first.addedMs+p.opt.LifetimeMs {
			expired = append(expired, a)
		}
	}
	for _, a := range expired {
		p.cut(a, 0, len(a.txs), FaultExpired)
	}
}
