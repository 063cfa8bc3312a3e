package ledger

import (
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/ledger/state"
)

// recentMax is the number of final blocks kept in memory: those that readers who follow the head ask
// for. Their transactions still know their senders, which would have to be recovered from a block that
// comes from disk.
const recentMax = 16

// recent is a ring of the last final blocks with their receipts and the accounts that they changed. The
// Ledger's mutex guards it.
type recent struct {
	ring    [recentMax]*Outcome
	touched [recentMax][]chain.Address
	slots   changedSlots
}

// Blocks whose changed slots are kept, and slots of them all together: who follows one account may be that far behind.
const (
	changedBlocksMax = 1024
	changedSlotsMax  = 1 << 18
)

// changedSlots are the slots that final blocks of late have changed.
type changedSlots struct {
	first  chain.Height // of blocks
	blocks [][]slotID
	held   int
}

func (c *changedSlots) add(h chain.Height, d *state.Diff) {
	if len(c.blocks) == 0 {
		c.first = h
	}
	list := make([]slotID, len(d.Slots))
	for i := range d.Slots {
		list[i] = slotID{d.Slots[i].Address, d.Slots[i].Key}
	}
	c.blocks, c.held = append(c.blocks, list), c.held+len(list)
	for len(c.blocks) > changedBlocksMax || c.held > changedSlotsMax {
		c.held -= len(c.blocks[0])
		c.blocks[0] = nil
		c.blocks, c.first = c.blocks[1:], c.first+1
	}
}

// add keeps what readers ask for of o, and not its changes of the state.
func (r *recent) add(o *Outcome) {
	r.ring[o.Height%recentMax] = &Outcome{
		Block: o.Block, Hash: o.Hash, Height: o.Height, Beta: o.Beta, Receipts: o.Receipts,
	}
	touched := make([]chain.Address, len(o.Diff.Accounts))
	for i := range o.Diff.Accounts {
		touched[i] = o.Diff.Accounts[i].Address
	}
	r.touched[o.Height%recentMax] = touched
	r.slots.add(o.Height, &o.Diff)
}

// at gives the block at a height, or nil.
func (r *recent) at(h chain.Height) *Outcome {
	if o := r.ring[h%recentMax]; o != nil && o.Height == h {
		return o
	}
	return nil
}

// recentAt gives a final block of late, or nil.
func (l *Ledger) recentAt(h chain.Height) *Outcome {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.recent.at(h)
}

// Touched lists the accounts that a final block of late has changed, in ascending order; nil if the block
// is too old.
func (l *Ledger) Touched(h chain.Height) []chain.Address {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.recent.at(h) == nil {
		return nil
	}
	return l.recent.touched[h%recentMax]
}

// ChangedSlots lists the slots of an account that a final block of late has changed; known is false if the block is too old.
func (l *Ledger) ChangedSlots(h chain.Height, a chain.Address) (keys []chain.Hash, known bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := &l.recent.slots
	if h < c.first || h >= c.first+chain.Height(len(c.blocks)) {
		return nil, false
	}
	for _, s := range c.blocks[h-c.first] {
		if s.addr == a {
			keys = append(keys, s.key)
		}
	}
	return keys, true
}
