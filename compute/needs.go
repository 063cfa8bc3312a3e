package compute

import (
	"context"
	"errors"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/tasks/dispute"
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
	// Send signs, submits and waits for inclusion. *Refused: included, but reverted, or refused at once. ErrFunds: the account cannot
	// pay for it.
	Send(ctx context.Context, c Call) error
}

// A Court is what a party to disputes needs of the chain beside Market. Its methods are safe for concurrent use.
type Court interface {
	// Bond gives what a challenge costs at least, zero on a chain without disputes, and what the market's account has.
	Bond(context.Context) (least, held uint256.Int, err error)
	// Dispute gives a dispute's record.
	Dispute(ctx context.Context, id uint64) (dispute.Dispute, error)
	// Shown gives the entries that the parties of a dispute have shown, the defender's first.
	Shown(ctx context.Context, d *dispute.Dispute) ([2][]byte, error)
	// Unsettled lists batches of others whose results lie open and are not settled.
	Unsettled(ctx context.Context, who chain.Address) ([]Task, error)
}

// Counsel gives advocates.
type Counsel interface {
	// Brief runs an item and keeps every value of the run. The result that its party has given may be handed in. See engine.Brief for its errors.
	Brief(ctx context.Context, model chain.Hash, input, own []byte) (Advocate, error)
}

// An Advocate makes the calls of a party to a dispute from a run of its item. See engine.Advocate.
type Advocate interface {
	// Claim gives the run's result; of a network, with its receipt.
	Claim() *dispute.Claim
	// Against gives the claim with which another result of the item is disputed.
	Against(ctx context.Context, given []byte) (*dispute.Claim, error)
	// Plead gives the call that a record asks of a side now; nil for none.
	Plead(ctx context.Context, d *dispute.Dispute, s dispute.Side, shown [2][]byte) ([]byte, error)
	// Close ends it.
	Close()
}

// Call is a transaction to be, from the market's own account.
type Call struct {
	To    chain.Address
	Value uint256.Int
	Data  []byte
}

// ErrNoBlob says that no reachable node has a blob.
var ErrNoBlob = errors.New("no reachable node has this blob")

// ErrFunds says that an account has too little for a transaction.
var ErrFunds = errors.New("the account has too little for this transaction")

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
