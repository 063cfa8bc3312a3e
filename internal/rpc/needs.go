package rpc

import (
	"context"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/ledger/state"
	"github.com/aiwork/aiwork-node/mempool"
)

// Head is the finalised head.
type Head struct {
	Height chain.Height
	Hash   chain.Hash
	Header chain.Header
	Ext    chain.Extension
}

// Chain is what this package reads of the ledger. Absent things are nil without an error.
type Chain interface {
	// Head gives the finalised head and a channel that closes at the next commit.
	Head() (Head, <-chan struct{})
	// State gives a consistent view of the head's state; release must be called.
	State() (view state.Reader, at Head, release func(), err error)
	BlockByHeight(chain.Height) (*chain.Block, error)
	BlockByHash(chain.Hash) (*chain.Block, error)
	Receipts(chain.Height) ([]*chain.Receipt, error)
	// TxPlace gives the block and the index of a transaction.
	TxPlace(chain.Hash) (height chain.Height, index int, found bool, err error)
	Seal(chain.Height) (*chain.Seal, error)
	Logs(context.Context, LogQuery) ([]LogEntry, error)
	// Call runs a message on the head's state and drops what it changed.
	Call(context.Context, Message) (CallResult, error)
	// Estimate gives the least gas limit, at most the message's, with which it succeeds; if it does not,
	// the result says why.
	Estimate(context.Context, Message) (uint64, CallResult, error)
}

// LogQuery asks for logs of a range of blocks. Each place of Topics lists alternatives; an empty place
// matches anything.
type LogQuery struct {
	From, To  chain.Height
	Addresses []chain.Address
	Topics    [][]chain.Hash
}

// LogEntry is a log and where it stands.
type LogEntry struct {
	Log       chain.Log
	Height    chain.Height
	BlockHash chain.Hash
	Time      uint64 // seconds
	TxHash    chain.Hash
	TxIndex   int
	Index     int // in the block
}

// Message is a call that is not a transaction.
type Message struct {
	From  chain.Address
	To    *chain.Address
	Gas   uint64
	Value uint256.Int
	Data  []byte
}

// CallResult is the outcome of a Message. GasUsed includes the intrinsic gas.
type CallResult struct {
	Output   []byte
	GasUsed  uint64
	Reverted bool
	Reason   string // of the revert or of another failure; empty on success
	OutOfGas bool
}

// Pool is what this package needs of the mempool.
type Pool interface {
	// Submit checks a transaction, keeps it and passes it on to the network.
	Submit(context.Context, *chain.Tx) error
	Get(chain.Hash) *chain.Tx
	// NonceOf gives the next nonce of an account with waiting transactions.
	NonceOf(chain.Address) (next uint64, ok bool)
	// Content lists what waits, by sender.
	Content() []mempool.SenderTxs
	Stats() mempool.Stats
	// ReasonFor tells why a transaction was dropped, if that is remembered.
	ReasonFor(chain.Hash) (mempool.Fault, bool)
	// Changed gives a channel that closes when the pool changes.
	Changed() <-chan struct{}
	// Since gives up to limit transactions that became pending after a cursor, and the next cursor.
	Since(cursor uint64, limit int) ([]*chain.Tx, uint64)
}

// Network is what this package shows of the peers.
type Network interface {
	PeerCount() int
	// Behind says how far the node lags, if it is catching up.
	Behind() (current, highest chain.Height, syncing bool)
}
