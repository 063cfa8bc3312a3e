package state

import (
	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/must"
)

type changeKind uint8

const (
	changeBalance changeKind = iota + 1
	changeNonce
	changeCode
	changeSlot
	changeWarmAddress
	changeWarmSlot
	changeLog
	changeRefund
	changeTransient
)

// change says what to take one step back. What was there before lies on the stack for its kind.
type change struct {
	kind  changeKind
	index uint32 // into accounts, slots or transients
}

// journal is how to take back what was done since the transaction began: small values in growing arrays.
type journal struct {
	changes []change
	numbers []uint256.Int // old balances, nonces, refunds
	words   []chain.Hash  // old slots and transient values
	codes   []oldCode
}

type oldCode struct {
	hash  chain.Hash
	code  []byte
	known bool
}

func (j *journal) mark(kind changeKind, index uint32) {
	j.changes = append(j.changes, change{kind, index})
}

func (j *journal) number(kind changeKind, index uint32, old *uint256.Int) {
	j.numbers = append(j.numbers, *old)
	j.mark(kind, index)
}

func (j *journal) word(kind changeKind, index uint32, old *chain.Hash) {
	j.words = append(j.words, *old)
	j.mark(kind, index)
}

func (j *journal) code(index uint32, old oldCode) {
	j.codes = append(j.codes, old)
	j.mark(changeCode, index)
}

func (j *journal) reset() {
	clear(j.codes)
	j.changes, j.numbers, j.words, j.codes = j.changes[:0], j.numbers[:0], j.words[:0], j.codes[:0]
}

// pop takes the last value of a stack.
func pop[T any](stack *[]T) T {
	last := len(*stack) - 1
	val := (*stack)[last]
	*stack = (*stack)[:last]
	return val
}

// Snapshot names the present state for RevertTo. Snapshots nest; taking one is free.
func (v *View) Snapshot() int { return len(v.journal.changes) }

// RevertTo undoes everything since the snapshot, logs, warmth and refunds included.
func (v *View) RevertTo(snapshot int) {
	must.Hold(snapshot >= 0 && snapshot <= len(v.journal.changes), "revert to a snapshot that is gone")
	for len(v.journal.changes) > snapshot {
		v.undo(pop(&v.journal.changes))
	}
}

func (v *View) undo(c change) {
	j := &v.journal
	switch c.kind {
	case changeBalance:
		v.accounts[c.index].now.Balance = pop(&j.numbers)
	case changeNonce:
		v.accounts[c.index].now.Nonce = pop(&j.numbers)[0]
	case changeCode:
		e, old := &v.accounts[c.index], pop(&j.codes)
		e.now.CodeHash, e.code, e.codeKnown = old.hash, old.code, old.known
	case changeSlot:
		v.slots[c.index].now = pop(&j.words)
	case changeWarmAddress:
		v.accounts[c.index].warm = 0
	case changeWarmSlot:
		v.slots[c.index].warm = 0
	case changeLog:
		v.logs = v.logs[:len(v.logs)-1]
	case changeRefund:
		v.refund = pop(&j.numbers)[0]
	case changeTransient:
		v.transients[c.index].now = pop(&j.words)
	default:
		must.Hold(false, "unknown change in the journal")
	}
}
