package mempool

import (
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/holiman/uint256"
)

// State is what the pool needs of the state after a block. It is read by several goroutines at once. It
// stays readable until the next one is set; a read that comes later may fail, and is then done again.
type State interface {
	// Account gives the account's next nonce and balance; both are zero for one that does not exist.
	Account(chain.Address) (nonce uint64, balance uint256.Int, err error)
}
