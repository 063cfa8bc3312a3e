package mempool

import "github.com/aiwork/aiwork-node/internal/chain"

// reasonsMax is how many dropped transactions are remembered.
const reasonsMax = 32_768

// reasons remembers why transactions were dropped; the oldest are forgotten first.
type reasons struct {
	why  map[chain.Hash]reason
	ring []chain.Hash // the reason with number n is at n % reasonsMax
	n    uint64
}

type reason struct {
	fault Fault
	n     uint64 // tells whether the ring's mention of the hash is the latest
}

func newReasons() reasons { return reasons{why: make(map[chain.Hash]reason)} }

func (r *reasons) put(hash chain.Hash, why Fault) {
	r.n++
	if len(r.ring) < reasonsMax {
		r.ring = append(r.ring, hash)
	} else {
		place := &r.ring[(r.n-1)%reasonsMax]
		if old := r.why[*place]; old.n == r.n-reasonsMax {
			delete(r.why, *place)
		}
		*place = hash
	}
	r.why[hash] = reason{why, r.n}
}

func (r *reasons) of(hash chain.Hash) (Fault, bool) {
	got, ok := r.why[hash]
	return got.fault, ok
}

func (r *reasons) forget(hash chain.Hash) { delete(r.why, hash) }
