package mempool

import "github.com/aiwork/aiwork-node/internal/chain"

// newsMax is how many transactions Since can go back.
const newsMax = 16_384

// news is a ring of the last transactions that became pending, and the channel of those who wait for
// the next.
type news struct {
	ring    []*chain.Tx // that with number n is at n % newsMax
	last    uint64
	waiting chan struct{} // nil while nobody waits
}

func (n *news) add(tx *chain.Tx) {
	if n.ring == nil {
		n.ring = make([]*chain.Tx, newsMax)
	}
	n.last++
	n.ring[n.last%newsMax] = tx
	n.tell()
}

func (n *news) tell() {
	if n.waiting != nil {
		close(n.waiting)
		n.waiting = nil
	}
}

func (n *news) wait() <-chan struct{} {
	if n.waiting == nil {
		n.waiting = make(chan struct{})
	}
	return n.waiting
}

// since gives those after the cursor that pass held.
func (n *news) since(cursor uint64, limit int, held func(chain.Hash) bool) ([]*chain.Tx, uint64) {
	if n.last > newsMax && cursor < n.last-newsMax {
		cursor = n.last - newsMax
	}
	var out []*chain.Tx
	for cursor < n.last && len(out) < limit {
		cursor++
		if tx := n.ring[cursor%newsMax]; held(tx.Hash()) {
			out = append(out, tx)
		}
	}
	return out, cursor
}
