package ledger

import "github.com/aiwork/aiwork-node/internal/chain"

// recentMax is the number of final blocks kept in memory: those that readers who follow the head ask
// for. Their transactions still know their senders, which would have to be recovered from a block that
// comes from disk.
const recentMax = 16

// recent is a ring of the last final blocks with their receipts and the accounts that they changed. The
// Ledger's mutex guards it.
type recent struct {
	ring    [recentMax]*Outcome
	touched [recentMax][]chain.Address
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
