package registry

import (
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/codec"
	"github.com/aiwork/aiwork-node/vm/native"
)

// The roster is a list of words, each: account, weight before, weight now, session of the change. A
// worker's place plus one is kept beside it. Removing moves the last entry into the gap; draws do not
// depend on the order.
func rosterKey() chain.Hash               { return native.Key("roster") }
func placeKey(a chain.Address) chain.Hash { return native.Key("place", a[:]) }
func entryKey(place uint64) chain.Hash    { return native.At(rosterKey(), place) }

type entry struct {
	address     chain.Address
	before, now uint16
	since       chain.Session
}

func (e entry) word() chain.Hash {
	w := codec.NewWriter(32)
	w.Fixed(e.address[:])
	w.U16(e.before)
	w.U16(e.now)
	w.U64(uint64(e.since))
	return chain.Hash(w.Out())
}

func entryOf(word chain.Hash) (e entry) {
	r := codec.NewReader(word[:])
	r.Fixed(e.address[:])
	e.before, e.now = r.U16(), r.U16()
	e.since = chain.Session(r.U64())
	return e
}

// weightAt gives the weight at the end of session s (REG-2).
func (e entry) weightAt(s chain.Session) uint64 {
	if e.since <= s {
		return uint64(e.now)
	}
	return uint64(e.before)
}

// open reports whether the weight may change in session now without loss of what draws can look at.
func (e entry) open(now chain.Session) bool {
	return e.since == now || now > e.since+SnapshotSessions
}

// reweigh sets a worker's weight if it may change yet, and reports whether it holds.
func reweigh(c *native.Call, a chain.Address, weight uint64) bool {
	place := c.Uint64(placeKey(a))
	if place == 0 || c.Failed() {
		return false
	}
	e, session := entryOf(c.Get(entryKey(place))), c.Block().Session
	switch {
	case uint64(e.now) == weight:
		return true
	case !e.open(session):
		return false
	case e.since != session:
		e.before = e.now
	}
	e.now, e.since = uint16(weight), session
	c.Set(entryKey(place), e.word())
	return !c.Failed()
}

// enlist adds a worker with a weight from the present session on.
func enlist(c *native.Call, a chain.Address, weight uint64) {
	n := c.Uint64(rosterKey())
	if !c.Require(n < WorkersMax, "registry: the roster is full") {
		return
	}
	e := entry{address: a, now: uint16(weight), since: c.Block().Session}
	c.Set(entryKey(n+1), e.word())
	c.SetUint64(placeKey(a), n+1)
	c.SetUint64(rosterKey(), n+1)
}

// delist takes a worker out once no draw can look at a weight it had, and reports whether it could.
func delist(c *native.Call, a chain.Address) bool {
	place, n := c.Uint64(placeKey(a)), c.Uint64(rosterKey())
	if place == 0 || n == 0 || c.Failed() {
		return false
	}
	e := entryOf(c.Get(entryKey(place)))
	if e.now != 0 || c.Block().Session <= e.since+SnapshotSessions {
		return false
	}
	if last := c.Get(entryKey(n)); place != n {
		c.Set(entryKey(place), last)
		c.SetUint64(placeKey(entryOf(last).address), place)
	}
	c.Set(entryKey(n), chain.Hash{})
	c.SetUint64(placeKey(a), 0)
	c.SetUint64(rosterKey(), n-1)
	return !c.Failed()
}

// Candidate is a worker as draws see it.
type Candidate struct {
	Address chain.Address
	Weight  uint64
}

// Candidates reads the workers that had weight at the end of session s, in no order that means anything.
// ok is false when s lies too far back to be known. It reads one slot for each entry of the roster.
func Candidates(c *native.Call, s chain.Session) (list []Candidate, ok bool) {
	r := c.As(chain.AddrRegistry)
	if c.Block().Session > s+SnapshotSessions {
		return nil, false
	}
	n := r.Uint64(rosterKey())
	for place := uint64(1); place <= n && !c.Failed(); place++ {
		e := entryOf(r.Get(entryKey(place)))
		if w := e.weightAt(s); w > 0 {
			list = append(list, Candidate{e.address, w})
		}
	}
	return list, !c.Failed()
}
