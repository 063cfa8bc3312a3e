package compute

import (
	"context"
	"errors"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
)

// Market is what a worker or auditor needs of the chain. Its methods are safe for concurrent use.
type Market interface {
	// Genesis gives the hash that names the chain.
	Genesis(context.Context) (chain.Hash, error)
	// Heads gives a channel that receives after commits; a slow reader misses some. It is closed when
	// the connection to the node is lost, and soon after ctx ends.
	Heads(context.Context) (<-chan chain.Height, error)
	// Agenda gives what the head's state asks of an address.
	Agenda(ctx context.Context, who chain.Address) (Agenda, error)
	// Over reports whether the head shows that an attempt at a batch has ended: see AttemptOver.
	Over(ctx context.Context, k Key) (bool, error)
	// Blob gives the bytes behind an id, checked against it. ErrNoBlob: nobody has it now.
	Blob(ctx context.Context, id chain.Hash) ([]byte, error)
	// PutBlob hands bytes to the node, which keeps them if an open job names them.
	PutBlob(ctx context.Context, data []byte) error
	// Send signs, submits and waits for inclusion. *Refused: included, but reverted, or refused at once.
	Send(ctx context.Context, c Call) error
}

// Call is a transaction to be, from the market's own account.
type Call struct {
	To    chain.Address
	Value uint256.Int
	Data  []byte
}

// ErrNoBlob says that no reachable node has a blob.
var ErrNoBlob = errors.New("no reachable node has this blob")

// Refused says that the chain did not accept a transaction, and why.
type Refused struct{ Reason string }

func (e *Refused) Error() string { return "refused by the chain: " + e.Reason }

// Engine runs models. See engine.Engine for its errors.
type Engine interface {
	Run(ctx context.Context, model chain.Hash, input []byte) ([]byte, error)
}

// GasLimit gives what to offer for a call that took so much gas on the head's state: by the time it is
// executed it may be the last of several that were awaited, and then carries out what follows too.
func GasLimit(estimate uint64) uint64 { return min(2*estimate+200_000, chain.TxGasMaxLimit) }
