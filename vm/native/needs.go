package native

import (
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/holiman/uint256"
)

// State is what modules need of the journaled state view; *state.View satisfies it.
type State interface {
	Balance(chain.Address) uint256.Int
	AddBalance(chain.Address, *uint256.Int)
	SubBalance(chain.Address, *uint256.Int)
	Slot(chain.Address, chain.Hash) chain.Hash
	CommittedSlot(chain.Address, chain.Hash) chain.Hash // the value when the transaction began
	SetSlot(chain.Address, chain.Hash, chain.Hash)
	WarmAddress(chain.Address) (wasWarm bool)
	WarmSlot(chain.Address, chain.Hash) (wasWarm bool)
	AddLog(chain.Log)
	Snapshot() int
	RevertTo(int)
	Err() error // the first read that failed: from then on nothing that was computed means anything
}

// SlotReader is what typed readers of a module's records need: a state, or a node far away.
type SlotReader interface {
	Slot(chain.Address, chain.Hash) (chain.Hash, error)
}
