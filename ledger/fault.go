package ledger

import (
	"errors"
	"fmt"

	"github.com/aiwork/aiwork-node/internal/chain"
)

// A Fault says which rule a block breaks. Peers are scored by it, so values are never reused.
type Fault uint8

// The faults of a block.
const (
	FaultNumber      Fault = iota + 1 // not the parent's height and one
	FaultGasLimit                     // not the chain's gas limit
	FaultBaseFee                      // not what follows from the parent and the time
	FaultTime                         // not later than the parent
	FaultForkID                       // not the rules in force at its time
	FaultSession                      // not the session of its height
	FaultView                         // view 0, or a parent view that is not the parent's
	FaultProposer                     // not in the validator set
	FaultCoinbase                     // not the proposer's account
	FaultVRF                          // the proof does not hold for proposer, session, view and seed
	FaultMixHash                      // not the parent's mixed with the VRF output
	FaultNextSet                      // names a validator set where none is due
	FaultSize                         // longer than a block may be
	FaultGasUsed                      // execution used another amount of gas
	FaultReceiptRoot                  // execution gave other receipts
	FaultBloom                        // execution gave other logs
	FaultStateRoot                    // execution gave another state
)

var faultTexts = [...]string{
	FaultNumber:      "height does not follow the parent's",
	FaultGasLimit:    "gas limit is not the chain's",
	FaultBaseFee:     "wrong base fee",
	FaultTime:        "time is not later than the parent's",
	FaultForkID:      "fork id is not that of its time",
	FaultSession:     "session is not that of its height",
	FaultView:        "view or parent view does not fit",
	FaultProposer:    "proposer is not in the validator set",
	FaultCoinbase:    "coinbase is not the proposer's account",
	FaultVRF:         "VRF proof does not hold",
	FaultMixHash:     "wrong mix hash",
	FaultNextSet:     "names a next validator set where none is due",
	FaultSize:        "block too large",
	FaultGasUsed:     "wrong gas used",
	FaultReceiptRoot: "wrong receipt root",
	FaultBloom:       "wrong bloom",
	FaultStateRoot:   "wrong state root",
}

func (f Fault) Error() string { return faultTexts[f] }

// BadBlock says that a block breaks the rules, the same on every node. Fault is inside it: one of this
// package, of chain, or of exec.
type BadBlock struct {
	Height chain.Height
	Hash   chain.Hash
	Why    error
}

func (b *BadBlock) Error() string {
	return fmt.Sprintf("block %d %s is bad: %v", b.Height, b.Hash, b.Why)
}

// Unwrap gives the fault.
func (b *BadBlock) Unwrap() error { return b.Why }

func bad(b *chain.Block, why error) error {
	return &BadBlock{Height: b.Header.Number, Hash: b.Hash(), Why: why}
}

// Errors that say nothing about a block.
var (
	// ErrUnknown says that a block is neither the head nor executed since.
	ErrUnknown = errors.New("block is not the head and was not executed")
	// ErrFinal says that a block's height is final already.
	ErrFinal = errors.New("height is final already")
	// ErrNotFound says that there is no such block, transaction or seal here.
	ErrNotFound = errors.New("not found")
	// ErrUnknownFork says that the chain follows rules that this version does not know.
	ErrUnknownFork = errors.New("this version of aiwork-node does not know the rules in force: install a newer one")
)
