package native

import (
	"errors"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/holiman/uint256"
)

// Block is what a call may know of the block that it stands in.
type Block struct {
	Height               chain.Height
	TimeMs, ParentTimeMs uint64
	Coinbase             chain.Address
	BaseFee              uint256.Int
	Session              chain.Session
	ChainID              uint64
	Genesis              chain.Hash
	Params               *chain.Params
}

// Frame is one call to a module. The value has been moved from Caller to Self before Run; whoever moved
// it takes it back when the result is an error.
type Frame struct {
	State        State
	Block        *Block
	Caller, Self chain.Address
	Value        uint256.Int
	Input        []byte
	Gas          uint64
	Static       bool // nothing may be changed
	Delegate     bool // DELEGATECALL or CALLCODE: refused
	Depth        int
}

// Result is the outcome of a frame. Err is nil, ErrOutOfGas, a *Revert, or State.Err (NATIVE-9).
type Result struct {
	Output  []byte // the ABI-encoded results, or Revert.Data
	GasLeft uint64
	Err     error
}

// ErrOutOfGas ends a call that cannot pay for its next step. All its gas is gone.
var ErrOutOfGas = errors.New("out of gas")

// Revert ends a call that a module refuses. Gas not used is given back.
type Revert struct {
	Reason string
	Data   []byte // the reason as Error(string)
}

// ReasonBytesMax bounds the text of a Revert.
const ReasonBytesMax = 256

// NewRevert gives a Revert with its encoded form. Longer reasons are cut to ReasonBytesMax.
func NewRevert(reason string) *Revert {
	if len(reason) > ReasonBytesMax {
		reason = reason[:ReasonBytesMax]
	}
	e := NewInput("Error(string)")
	e.String(reason)
	return &Revert{Reason: reason, Data: e.Out()}
}

// Error tells the reason.
func (r *Revert) Error() string { return "reverted: " + r.Reason }
