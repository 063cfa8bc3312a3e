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

// change is how to take one step back: the value before it. It is a value without pointers but for
// code, so that the journal is one growing array.
type change struct {
	kind      changeKind
	codeKnown bool
	index     uint32        // into accounts or slots
	addr      chain.Address // transient only
	key       chain.Hash    // transient only
	number    uint256.Int   // balance, nonce, refund
	hash      chain.Hash    // slot, code hash, transient
	code      []byte
}

// Snapshot names the present state for RevertTo. Snapshots nest; taking one is free.
func (v *View) Snapshot() int { return len(v.journal) }

// RevertTo undoes everything since the snapshot, logs, warmth and refunds included.
func (v *View) RevertTo(snapshot int) {
	must.Hold(snapshot >= 0 && snapshot <= len(v.journal), "revert to a snapshot that is gone")
	for i := len(v.journal) - 1; i >= snapshot; i-- {
		v.undo(&v.journal[i])
	}
	v.journal = v.journal[:snapshot]
}

func (v *View) undo(c *change) {
	switch c.kind {
	case changeBalance:
		v.accounts[c.index].now.Balance = c.number
	case changeNonce:
		v.accounts[c.index].now.Nonce = c.number[0]
	case changeCode:
		e := &v.accounts[c.index]
		e.now.CodeHash, e.code, e.codeKnown = c.hash, c.code, c.codeKnown
	case changeSlot:
		v.slots[c.index].now = c.hash
	case changeWarmAddress:
		v.accounts[c.index].warm = 0
	case changeWarmSlot:
		v.slots[c.index].warm = 0
	case changeLog:
		v.logs = v.logs[:len(v.logs)-1]
	case changeRefund:
		v.refund = c.number[0]
	case changeTransient:
		v.transient[slotKey{c.addr, c.key}] = c.hash
	default:
		must.Hold(false, "unknown change in the journal")
	}
}
