package mempool

import (
	"math"
	"slices"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/holiman/uint256"
)

// entry is a transaction in the pool.
type entry struct {
	tx      *chain.Tx
	acct    *account
	cost    uint256.Int // most that it can take from the sender
	least   uint64      // gas that it uses at least
	seq     uint64      // order of arrival
	addedMs uint64      // head time at arrival
	local   bool
	signers []chain.Address // whose authorizations it carries

	announced bool // given to the readers of Since
	included  bool // in the block of the head that is being set

	// Wei per gas, saturated at 64 bits; the chain's are the least up to and with this one, and zero
	// for a queued transaction.
	feeCap, tipCap           uint64
	chainFeeCap, chainTipCap uint64
}

// account is a sender with transactions in the pool.
type account struct {
	addr      chain.Address
	nonce     uint64      // in the state at the head
	balance   uint256.Int // in the state at the head
	delegated bool        // in the state at the head
	total     uint256.Int // cost of all txs, at most balance
	bytes     int         // size of all txs
	txs       []*entry    // ascending by nonce
	pending   int         // how many of them, from the first, follow nonce without a gap

	renewed uint64  // number of the head at which nonce and balance were read again
	spots   [2]spot // in the heaps headHeap and tailHeap
}

func (a *account) queued() int { return len(a.txs) - a.pending }

// next gives the nonce behind the pending transactions.
func (a *account) next() uint64 { return a.nonce + uint64(a.pending) }

// find gives the place of nonce, and whether a transaction with it is there.
func (a *account) find(nonce uint64) (int, bool) {
	if nonce >= a.nonce && nonce-a.nonce < uint64(a.pending) {
		return int(nonce - a.nonce), true
	}
	return slices.BinarySearchFunc(a.txs, nonce, func(e *entry, n uint64) int {
		switch {
		case e.tx.Nonce < n:
			return -1
		case e.tx.Nonce > n:
			return 1
		}
		return 0
	})
}

// reindex counts the pending transactions and their chain's caps anew from place i on.
func (a *account) reindex(i int) {
	a.pending = min(a.pending, i)
	for ; i < len(a.txs); i++ {
		e := a.txs[i]
		if a.pending != i || e.tx.Nonce != a.next() {
			e.chainFeeCap, e.chainTipCap = 0, 0
			continue
		}
		e.chainFeeCap, e.chainTipCap = e.feeCap, e.tipCap
		if i > 0 {
			e.chainFeeCap = min(e.chainFeeCap, a.txs[i-1].chainFeeCap)
			e.chainTipCap = min(e.chainTipCap, a.txs[i-1].chainTipCap)
		}
		a.pending++
	}
}

// put inserts e at place i, or in the place of the transaction there.
func (a *account) put(e *entry, i int, replace bool) {
	if replace {
		a.account(a.txs[i], -1)
		a.txs[i] = e
	} else {
		a.txs = slices.Insert(a.txs, i, e)
	}
	a.account(e, +1)
	a.reindex(i)
}

// cut takes out the transactions in [i, j).
func (a *account) cut(i, j int) []*entry {
	out := slices.Clone(a.txs[i:j])
	for _, e := range out {
		a.account(e, -1)
	}
	if i == 0 {
		// The front goes with each block: move on instead of copying the rest.
		clear(a.txs[:j])
		a.txs = a.txs[j:]
	} else {
		a.txs = slices.Delete(a.txs, i, j)
	}
	a.reindex(i)
	return out
}

func (a *account) account(e *entry, sign int) {
	a.bytes += sign * e.tx.Size()
	if sign > 0 {
		a.total.Add(&a.total, &e.cost)
		return
	}
	a.total.Sub(&a.total, &e.cost)
}

// tip gives what a gas earns under caps at a base fee, plus one; zero when the cap is below the base
// fee. It saturates.
func tip(feeCap, tipCap, baseFee uint64) uint64 {
	if feeCap < baseFee {
		return 0
	}
	t := min(tipCap, feeCap-baseFee)
	if t == math.MaxUint64 {
		return t
	}
	return t + 1
}

// worth gives the least tip of e and the pending transactions before it, as tip does.
func (e *entry) worth(baseFee uint64) uint64 {
	if e.chainFeeCap == 0 {
		return 0
	}
	return tip(e.chainFeeCap, e.chainTipCap, baseFee)
}

func saturate(v *uint256.Int) uint64 {
	if low, overflow := v.Uint64WithOverflow(); !overflow {
		return low
	}
	return math.MaxUint64
}
