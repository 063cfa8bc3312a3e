package mempool

import "math"

// makeRoom lets transactions leave until e, which comes to place i of its account, fits (rule 3). When
// that cannot be done, those that left come back, and it gives false.
//
// A queued transaction of the sender itself, behind the gap that e fills, may be the last of its chain
// and worth nothing; it must not leave for e, since that would empty the place where e belongs, so the
// sender's own are passed over.
func (p *Pool) makeRoom(e *entry, i int) bool {
	if p.fits(1, e.tx.Size()) {
		return true
	}
	worth := e.worthAt(i, p.baseFee)
	own := e.acct.spots[tailHeap].place >= 0
	if own {
		p.worst.set(e.acct, rank{math.MaxUint64, math.MaxUint64})
	}
	left := p.evictBelow(worth, e.tx.Size())
	ok := p.fits(1, e.tx.Size())
	if !ok {
		p.bringBack(left)
	}
	for _, v := range left {
		if ok {
			p.reasons.put(v.tx.Hash(), FaultEvicted)
		}
	}
	if own {
		p.place(e.acct)
	}
	return ok
}

// worthAt is what e is worth at place i, behind the transaction before it.
func (e *entry) worthAt(i int, baseFee uint64) uint64 {
	w := tip(e.feeCap, e.tipCap, baseFee)
	if i > 0 {
		w = min(w, e.acct.txs[i-1].worth(baseFee))
	}
	return w
}

// evictBelow takes out last transactions worth less than worth until size bytes fit.
func (p *Pool) evictBelow(worth uint64, size int) []*entry {
	var left []*entry
	for len(left) < EvictionsMax && !p.fits(1, size) && len(p.worst.nodes) > 0 {
		a := p.worst.nodes[0]
		if p.worst.rankAt(0).hi >= worth {
			break
		}
		last := len(a.txs) - 1
		left = append(left, p.cut(a, last, last+1, 0)...)
	}
	return left
}

// bringBack undoes evictBelow, the last to leave first. An account that was forgotten is placed again.
func (p *Pool) bringBack(left []*entry) {
	for i := len(left) - 1; i >= 0; i-- {
		e := left[i]
		p.put(e, len(e.acct.txs), false)
	}
}
