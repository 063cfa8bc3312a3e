package exec

// A Fault says why a transaction cannot stand at its place in a block. Peers are scored by it, so values
// are never reused. The texts are those of other Ethereum nodes wherever wallets read them.
type Fault uint8

// The faults of a transaction.
const (
	FaultNonceLow     Fault = iota + 1 // the nonce was used before
	FaultNonceHigh                     // a transaction of the sender is missing before it
	FaultFunds                         // the sender owns less than gas * fee cap + value
	FaultFeeCap                        // the fee cap is below the base fee
	FaultBlockGas                      // not enough gas is left in the block
	FaultSender                        // the sender is a contract (EIP-3607)
	FaultCallFunds                     // a simulated call moves more than the caller owns
	FaultCallCreation                  // a simulated call without a receiver
)

var faultTexts = [...]string{
	FaultNonceLow:     "nonce too low",
	FaultNonceHigh:    "nonce too high",
	FaultFunds:        "insufficient funds for gas * price + value",
	FaultFeeCap:       "max fee per gas less than block base fee",
	FaultBlockGas:     "gas limit reached",
	FaultSender:       "sender not an externally owned account",
	FaultCallFunds:    "insufficient funds for transfer",
	FaultCallCreation: "contract creation is not available yet: a receiver is required",
}

func (f Fault) Error() string { return faultTexts[f] }
