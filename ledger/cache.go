package ledger

import (
	"sync"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/ledger/state"
	"github.com/aiwork/aiwork-node/ledger/tree"
)

// Sizes of the caches above the database, in entries of each of two generations.
const (
	cachedAccountsMax = 1 << 15
	cachedSlotsMax    = 1 << 15
	cachedPagesMax    = 1 << 12
)

// twoGen is a cache of two generations: what is used in the life of one generation survives into the
// next. Absence is cached like any value.
type twoGen[K comparable, V any] struct {
	young, old map[K]V
	sizeMax    int
}

func newTwoGen[K comparable, V any](sizeMax int) twoGen[K, V] {
	return twoGen[K, V]{young: make(map[K]V), sizeMax: sizeMax}
}

func (c *twoGen[K, V]) get(k K) (V, bool) {
	if v, ok := c.young[k]; ok {
		return v, true
	}
	v, ok := c.old[k]
	if ok {
		c.put(k, v)
	}
	return v, ok
}

func (c *twoGen[K, V]) put(k K, v V) {
	if len(c.young) >= c.sizeMax {
		c.old, c.young = c.young, make(map[K]V, c.sizeMax)
	}
	c.young[k] = v
}

type slotID struct {
	addr chain.Address
	key  chain.Hash
}

// source is the state on disk, as the database and its snapshots give it.
type source interface {
	state.Reader
	tree.Reader
}

// hot reads the state on disk through caches. It gives the newest committed state, which may move on
// while it is read: what is executed on it lies under overlays of all blocks since the head that the
// execution began with, so that a block committed meanwhile is hidden by its own overlay.
type hot struct {
	from source

	mu sync.Mutex
	// commits counts the commits, so that a value read from disk before one is not cached after it.
	commits  uint64
	accounts twoGen[chain.Address, state.Account]
	slots    twoGen[slotID, chain.Hash]
	pages    twoGen[tree.Path, []byte]
}

func newHot(from source) *hot {
	return &hot{
		from:     from,
		accounts: newTwoGen[chain.Address, state.Account](cachedAccountsMax),
		slots:    newTwoGen[slotID, chain.Hash](cachedSlotsMax),
		pages:    newTwoGen[tree.Path, []byte](cachedPagesMax),
	}
}

// through looks k up in c, and reads and keeps it where it is missing.
func through[K comparable, V any](h *hot, c *twoGen[K, V], k K, read func() (V, error)) (V, error) {
	h.mu.Lock()
	v, ok := c.get(k)
	commits := h.commits
	h.mu.Unlock()
	if ok {
		return v, nil
	}
	v, err := read()
	if err != nil {
		return v, err
	}
	h.mu.Lock()
	if h.commits == commits {
		c.put(k, v)
	}
	h.mu.Unlock()
	return v, nil
}

// Account gives an account of the newest committed state.
func (h *hot) Account(addr chain.Address) (state.Account, bool, error) {
	a, err := through(h, &h.accounts, addr, func() (state.Account, error) {
		a, _, err := h.from.Account(addr)
		return a, err
	})
	return a, !a.Empty(), err
}

// Slot gives a slot of the newest committed state.
func (h *hot) Slot(addr chain.Address, key chain.Hash) (chain.Hash, error) {
	return through(h, &h.slots, slotID{addr, key}, func() (chain.Hash, error) { return h.from.Slot(addr, key) })
}

// Code gives a code; codes do not change.
func (h *hot) Code(hash chain.Hash) ([]byte, error) { return h.from.Code(hash) }

// Page gives a page of the newest committed tree.
func (h *hot) Page(p tree.Path) ([]byte, error) {
	return through(h, &h.pages, p, func() ([]byte, error) { return h.from.Page(p) })
}

// committed brings the caches up to a block that is on disk now.
func (h *hot) committed(o *Outcome) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.commits++
	for i := range o.Diff.Accounts {
		h.accounts.put(o.Diff.Accounts[i].Address, o.Diff.Accounts[i].New)
	}
	for i := range o.Diff.Slots {
		s := &o.Diff.Slots[i]
		h.slots.put(slotID{s.Address, s.Key}, s.New)
	}
	for i := range o.tree.Pages {
		h.pages.put(o.tree.Pages[i].Path, o.tree.Pages[i].Page)
	}
}
