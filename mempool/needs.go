package mempool

import (
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/holiman/uint256"
)

// State is what the pool needs of the state after a block. It is read by several goroutines at once. It
// stays readable until the next one is set; a read that comes later may fail, and is then done again.
type State interface {
	// Account gives what the state has of an account; the zero Record for one that does not exist.
	Account(chain.Address) (Record, error)
}

// Record is an account as the state has it.
type Record struct {
	Nonce     uint64 // of its next transaction
	Balance   uint256.Int
	Delegated bool // it runs another account's code (EIP-7702)
}
