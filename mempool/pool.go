package mempool

import (
	"bytes"
	"slices"
	"sync"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/must"
)

// Pool holds transactions that wait for a block. It is safe for concurrent use.
type Pool struct {
	opt Options

	mu       sync.Mutex
	head     Head
	state    State  // nil until the first head
	heads    uint64 // how many heads were set
	baseFee  uint64 // of head, saturated
	accounts map[chain.Address]*account
	byHash   map[chain.Hash]*entry
	lent     map[chain.Address]int // authorizations in the pool, by signer
	best     accountHeap
	worst    accountHeap
	bytes    int
	queued   int
	seq      uint64 // of the last arrival
	sweepMs  uint64 // head time of the next search for expired ones
	news     news
	reasons  reasons
}

// New gives an empty pool, which refuses transactions until SetHead is called. It panics on options
// that Options.Check refuses.
func New(opt Options) *Pool {
	must.Hold(opt.Check() == nil, "mempool: options not checked")
	return &Pool{
		opt:      opt,
		accounts: make(map[chain.Address]*account),
		byHash:   make(map[chain.Hash]*entry),
		lent:     make(map[chain.Address]int),
		best:     accountHeap{which: headHeap},
		worst:    accountHeap{which: tailHeap},
		reasons:  newReasons(),
	}
}

// Has reports whether the transaction is in the pool.
func (p *Pool) Has(hash chain.Hash) bool { return p.Get(hash) != nil }

// Get gives the transaction, or nil. Its sender is known without recovering it again.
func (p *Pool) Get(hash chain.Hash) *chain.Tx {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e := p.byHash[hash]; e != nil {
		return e.tx
	}
	return nil
}

// NonceOf gives the nonce that follows the sender's pending transactions, and false if it has no
// transactions here: then the state's nonce is the next.
func (p *Pool) NonceOf(addr chain.Address) (next uint64, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	a := p.accounts[addr]
	if a == nil {
		return 0, false
	}
	return a.next(), true
}

// ReasonFor tells why the transaction was dropped, as long as that is remembered.
func (p *Pool) ReasonFor(hash chain.Hash) (Fault, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.reasons.of(hash)
}

// Changed gives a channel that is closed when a transaction becomes pending or a head is set.
func (p *Pool) Changed() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.news.wait()
}

// Since gives up to limit transactions that became pending after the cursor, in order, and the next
// cursor; begin with cursor 0. It goes back newsMax transactions; a reader that is later than that
// misses some. Transactions that have left again are not given.
func (p *Pool) Since(cursor uint64, limit int) ([]*chain.Tx, uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.news.since(cursor, limit, func(h chain.Hash) bool { return p.byHash[h] != nil })
}

// Seen is Since with those that have left again: for readers who tell what became pending, not what to do
// about it.
func (p *Pool) Seen(cursor uint64, limit int) ([]*chain.Tx, uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.news.since(cursor, limit, func(chain.Hash) bool { return true })
}

// Stats counts what is in the pool.
type Stats struct {
	Pending, Queued, Senders, Bytes int
}

// Stats counts what is in the pool.
func (p *Pool) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	return Stats{
		Pending: len(p.byHash) - p.queued, Queued: p.queued, Senders: len(p.accounts), Bytes: p.bytes,
	}
}

// SenderTxs are a sender's transactions, ascending by nonce.
type SenderTxs struct {
	Sender          chain.Address
	Pending, Queued []*chain.Tx
}

// Content gives all transactions, by sender in the order of addresses.
func (p *Pool) Content() []SenderTxs {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make([]SenderTxs, 0, len(p.worst.nodes))
	for _, a := range p.worst.nodes {
		all = append(all, a.content())
	}
	slices.SortFunc(all, func(x, y SenderTxs) int { return bytes.Compare(x.Sender[:], y.Sender[:]) })
	return all
}

// ContentFrom gives the transactions of one sender.
func (p *Pool) ContentFrom(sender chain.Address) SenderTxs {
	p.mu.Lock()
	defer p.mu.Unlock()
	if a := p.accounts[sender]; a != nil {
		return a.content()
	}
	return SenderTxs{Sender: sender}
}

func (a *account) content() SenderTxs {
	s := SenderTxs{Sender: a.addr}
	for i, e := range a.txs {
		if i < a.pending {
			s.Pending = append(s.Pending, e.tx)
		} else {
			s.Queued = append(s.Queued, e.tx)
		}
	}
	return s
}

// Drop takes out a transaction that the executor refused; what followed it becomes queued.
func (p *Pool) Drop(hash chain.Hash) {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.byHash[hash]
	if e == nil {
		return
	}
	i, found := e.acct.find(e.tx.Nonce)
	must.Hold(found && e.acct.txs[i] == e, "mempool: entry is not in its account")
	p.cut(e.acct, i, i+1, FaultInvalid)
	p.trimQueue(e.acct)
}

// trimQueue holds a queue that grew, because a gap opened in front, to its limit.
func (p *Pool) trimQueue(a *account) {
	if over := a.queued() - p.opt.SenderQueueMax; over > 0 {
		n := len(a.txs)
		p.cut(a, n-over, n, FaultNonceGap)
	}
}

// cut takes the transactions in [i, j) out of the account and the pool, which remembers why.
func (p *Pool) cut(a *account, i, j int, why Fault) []*entry {
	before := a.queued()
	out := a.cut(i, j)
	p.queued += a.queued() - before
	for _, e := range out {
		p.unlist(e)
		if why != 0 && !e.included {
			p.reasons.put(e.tx.Hash(), why)
		}
	}
	p.place(a)
	return out
}

// put brings e into its account at place i; the transaction there, when it is replaced, leaves.
func (p *Pool) put(e *entry, i int, replace bool) {
	a := e.acct
	before := a.queued()
	if replace {
		old := a.txs[i]
		p.unlist(old)
		p.reasons.put(old.tx.Hash(), FaultReplaced)
	}
	a.put(e, i, replace)
	p.queued += a.queued() - before
	p.list(e)
	p.place(a)
}

// list counts e in.
func (p *Pool) list(e *entry) {
	p.byHash[e.tx.Hash()] = e
	p.bytes += e.tx.Size()
	for _, signer := range e.signers {
		p.lent[signer]++
	}
}

// unlist counts e out.
func (p *Pool) unlist(e *entry) {
	delete(p.byHash, e.tx.Hash())
	p.bytes -= e.tx.Size()
	for _, signer := range e.signers {
		if p.lent[signer]--; p.lent[signer] == 0 {
			delete(p.lent, signer)
		}
	}
}

// announce tells the readers of Since of transactions that became pending: they stand at the end of
// the pending ones.
func (p *Pool) announce(a *account) {
	first := a.pending
	for first > 0 && !a.txs[first-1].announced {
		first--
	}
	for _, e := range a.txs[first:a.pending] {
		e.announced = true
		p.news.add(e.tx)
	}
}

// place gives the account its places in both heaps, or forgets it when it is empty.
func (p *Pool) place(a *account) {
	if len(a.txs) == 0 {
		p.best.remove(a)
		p.worst.remove(a)
		delete(p.accounts, a.addr)
		return
	}
	p.accounts[a.addr] = a
	p.worst.set(a, a.tailRank(p.baseFee))
	if a.pending == 0 {
		p.best.remove(a)
		return
	}
	p.best.set(a, a.txs[0].rank(p.baseFee))
}

// rank puts a better tip before, then an earlier arrival.
func (e *entry) rank(baseFee uint64) rank { return rank{^tip(e.feeCap, e.tipCap, baseFee), e.seq} }

// tailRank puts less worth before, then a later arrival.
func (a *account) tailRank(baseFee uint64) rank {
	last := a.txs[len(a.txs)-1]
	return rank{last.worth(baseFee), ^last.seq}
}

// newAccount is not in the pool until it is placed.
func newAccount(addr chain.Address, r Record) *account {
	return &account{addr: addr, nonce: r.Nonce, balance: r.Balance, delegated: r.Delegated, spots: [2]spot{{place: -1}, {place: -1}}}
}
