package exec

import (
	"errors"

	"github.com/aiwork/aiwork-node/internal/must"
	"github.com/aiwork/aiwork-node/vm"
)

// A Fault says why a transaction cannot stand at its place in a block. Peers are scored by it, so values
// are never reused. The texts are those of other Ethereum nodes wherever wallets read them.
type Fault uint8

// The faults of a transaction.
const (
	FaultNonceLow  Fault = iota + 1 // the nonce was used before
	FaultNonceHigh                  // a transaction of the sender is missing before it
	FaultFunds                      // the sender owns less than gas * fee cap + value
	FaultFeeCap                     // the fee cap is below the base fee
	FaultBlockGas                   // not enough gas is left in the block
	FaultSender                     // the sender is a contract (EIP-3607)
	_                               // retired: funds of a simulated call
	_                               // retired: a simulated creation
	FaultForm                       // what the transaction says of itself is refused; only tried messages meet it
)

var faultTexts = [...]string{
	FaultNonceLow:  "nonce too low",
	FaultNonceHigh: "nonce too high",
	FaultFunds:     "insufficient funds for gas * price + value",
	FaultFeeCap:    "max fee per gas less than block base fee",
	FaultBlockGas:  "gas limit reached",
	FaultSender:    "sender not an eoa",
	FaultForm:      "invalid message",
}

func (f Fault) Error() string { return faultTexts[f] }

// faultOf gives this package's name for what the machine refuses; of what a tried message says of
// itself, both names.
func faultOf(err error) error {
	fault, ok := errors.AsType[vm.TxFault](err)
	must.Hold(ok, "exec: the machine gave an error that is no fault")
	switch fault {
	case vm.TxFaultNonceLow:
		return FaultNonceLow
	case vm.TxFaultNonceHigh:
		return FaultNonceHigh
	case vm.TxFaultFunds:
		return FaultFunds
	case vm.TxFaultFeeCap:
		return FaultFeeCap
	case vm.TxFaultBlockGas:
		return FaultBlockGas
	case vm.TxFaultSenderCode:
		return FaultSender
	}
	return &Refusal{fault}
}

// Refusal is FaultForm with what is wrong.
type Refusal struct{ Why vm.TxFault }

func (r *Refusal) Error() string { return r.Why.Error() }

// Unwrap gives FaultForm.
func (r *Refusal) Unwrap() error { return FaultForm }
