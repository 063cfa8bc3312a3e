package mempool

import "github.com/aiwork/aiwork-node/internal/chain"

const (
	// skipsMax bounds the senders passed over because their next transaction is too large for what is
	// left of the block.
	skipsMax = 256
	// txFraming is the most that a transaction adds to a block beside its own bytes.
	txFraming = 4
)

// Best gives transactions for a block at the head's base fee, by effective tip, each sender's in the
// order of their nonces, within the gas and bytes given. None has a gas limit above the gas given, but
// what they are counted with is the least that each will use: how much of its limit it uses is known only
// when it is executed, and one that asks for much and uses little must not keep others out. So a block may be
// full before all of them are in. The pool keeps them: they leave when a head that includes them is set.
//
// The time depends on the number given, not on the size of the pool: the heap of senders is walked
// from its top without being changed.
func (p *Pool) Best(gasLimit uint64, bytesMax int) []*chain.Tx {
	p.mu.Lock()
	defer p.mu.Unlock()
	w, limit := walk{pool: p}, gasLimit
	w.pushNode(0)
	var out []*chain.Tx
	for skips := 0; len(w.heap) > 0 && skips < skipsMax && gasLimit >= chain.TxGas; {
		c := w.pop()
		e := c.acct.txs[c.index]
		size := e.tx.Size() + txFraming
		if e.tx.Gas > limit || e.least > gasLimit || size > bytesMax {
			skips++
			continue
		}
		gasLimit -= e.least
		bytesMax -= size
		out = append(out, e.tx)
		w.pushNext(c)
	}
	return out
}

// candidate is the transaction at index of an account. The first of an account is also a node of the
// heap of senders, whose children come after it.
type candidate struct {
	rank  rank
	acct  *account
	index int
	node  int // -1 for one that is not the first of its account
}

// walk gives candidates in order: a heap of those whose forerunners have been given.
type walk struct {
	pool *Pool
	heap []candidate
}

func (w *walk) pushNode(node int) {
	if node >= len(w.pool.best.nodes) {
		return
	}
	a := w.pool.best.nodes[node]
	w.push(candidate{rank: a.spots[headHeap].rank, acct: a, node: node})
}

func (w *walk) pushNext(c candidate) {
	if next := c.index + 1; next < c.acct.pending {
		e := c.acct.txs[next]
		w.push(candidate{rank: e.rank(w.pool.baseFee), acct: c.acct, index: next, node: -1})
	}
}

// push adds c unless its fee cap is below the base fee; then nothing behind it is better.
func (w *walk) push(c candidate) {
	if c.rank.hi == ^uint64(0) {
		return
	}
	w.heap = append(w.heap, c)
	h := w.heap
	for i := len(h) - 1; i > 0; {
		parent := (i - 1) / 2
		if !h[i].rank.before(h[parent].rank) {
			break
		}
		h[i], h[parent] = h[parent], h[i]
		i = parent
	}
}

func (w *walk) pop() candidate {
	h := w.heap
	top, last := h[0], len(h)-1
	h[0] = h[last]
	h = h[:last]
	for i := 0; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < last; child++ {
			if h[child].rank.before(h[least].rank) {
				least = child
			}
		}
		if least == i {
			break
		}
		h[i], h[least] = h[least], h[i]
		i = least
	}
	w.heap = h
	if top.node >= 0 {
		w.pushNode(2*top.node + 1)
		w.pushNode(2*top.node + 2)
	}
	return top
}
