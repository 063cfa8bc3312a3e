package mempool

import "github.com/aiwork/aiwork-node/internal/must"

// rank orders: the lower one comes first.
type rank struct{ hi, lo uint64 }

func (a rank) before(b rank) bool {
	if a.hi != b.hi {
		return a.hi < b.hi
	}
	return a.lo < b.lo
}

// spot is an account's rank and place in a heap; place is -1 outside.
type spot struct {
	rank  rank
	place int
}

// The pool's heaps, by their place in account.spots.
const (
	headHeap = 0 // accounts with pending transactions, that with the best first one on top
	tailHeap = 1 // all accounts, that with the least worthy last one on top
)

// accountHeap is a binary heap of accounts by one of their spots.
type accountHeap struct {
	which int
	nodes []*account
}

// set brings a into the heap with rank r, or to where r belongs.
func (h *accountHeap) set(a *account, r rank) {
	s := &a.spots[h.which]
	s.rank = r
	if s.place < 0 {
		s.place = len(h.nodes)
		h.nodes = append(h.nodes, a)
	}
	if !h.up(s.place) {
		h.down(s.place)
	}
}

// remove takes a out, if it is in.
func (h *accountHeap) remove(a *account) {
	i := a.spots[h.which].place
	if i < 0 {
		return
	}
	must.Hold(h.nodes[i] == a, "mempool: account is not where it says")
	last := len(h.nodes) - 1
	h.swap(i, last)
	h.nodes[last] = nil
	h.nodes = h.nodes[:last]
	a.spots[h.which].place = -1
	if i < last && !h.up(i) {
		h.down(i)
	}
}

// order restores the heap after any ranks have changed.
func (h *accountHeap) order() {
	for i := len(h.nodes)/2 - 1; i >= 0; i-- {
		h.down(i)
	}
}

func (h *accountHeap) rankAt(i int) rank { return h.nodes[i].spots[h.which].rank }

func (h *accountHeap) swap(i, j int) {
	h.nodes[i], h.nodes[j] = h.nodes[j], h.nodes[i]
	h.nodes[i].spots[h.which].place = i
	h.nodes[j].spots[h.which].place = j
}

func (h *accountHeap) up(i int) (moved bool) {
	for i > 0 {
		parent := (i - 1) / 2
		if !h.rankAt(i).before(h.rankAt(parent)) {
			break
		}
		h.swap(i, parent)
		i, moved = parent, true
	}
	return moved
}

func (h *accountHeap) down(i int) {
	for {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(h.nodes); child++ {
			if h.rankAt(child).before(h.rankAt(least)) {
				least = child
			}
		}
		if least == i {
			return
		}
		h.swap(i, least)
		i = least
	}
}
