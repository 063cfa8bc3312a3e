package rpc

import (
	"context"

	"github.com/aiwork/aiwork-node/compute"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/ledger/exec"
	"github.com/aiwork/aiwork-node/ledger/state"
	"github.com/aiwork/aiwork-node/ledger/tree"
	"github.com/aiwork/aiwork-node/mempool"
)

// Head is the finalised head.
type Head struct {
	Height chain.Height
	Hash   chain.Hash
	Header chain.Header
	Ext    chain.Extension
}

// Chain is what this package reads of the ledger. Absent things are nil without an error; a state that
// is not kept is an error that says which are.
type Chain interface {
	// Head gives the finalised head and a channel that closes at the next commit.
	Head() (Head, <-chan struct{})
	// StateAt gives a consistent view of the state after a final block; release must be called.
	StateAt(chain.Height) (view state.Reader, at Head, release func(), err error)
	BlockByHeight(chain.Height) (*chain.Block, error)
	BlockByHash(chain.Hash) (*chain.Block, error)
	Receipts(chain.Height) ([]*chain.Receipt, error)
	// TxPlace gives the block and the index of a transaction.
	TxPlace(chain.Hash) (height chain.Height, index int, found bool, err error)
	Seal(chain.Height) (*chain.Seal, error)
	Logs(context.Context, LogQuery) ([]LogEntry, error)
	// Appearances gives the places of transactions in which an address appears, and whether there are more.
	Appearances(context.Context, AppearanceQuery) (places []Place, more bool, err error)
	// SentTx gives the place of the transaction that an account has sent with a nonce.
	SentTx(a chain.Address, nonce uint64) (place Place, found bool, err error)
	// CreatedAt gives the height at which an account got code of its own.
	CreatedAt(chain.Address) (height chain.Height, found bool, err error)
	// OldestState gives the first height whose state is kept.
	OldestState() chain.Height

	// After gives the state after a block, and that block's surroundings: go on with exec.Resume.
	After(chain.Height) (*Sandbox, error)
	// Next gives the state after a block, and the surroundings of one that would follow it: go on with exec.Begin.
	Next(chain.Height) (*Sandbox, error)
	// Replay gives the state before a block, which is at least 1, its surroundings and the block itself: go on
	// with exec.Begin and apply its transactions.
	Replay(chain.Height) (*Sandbox, *chain.Block, error)
}

// Sandbox is a state, the surroundings of a block and an engine, for one call and one goroutine. Input may
// be changed, and overlays put on State, before it begins. Close it soon.
type Sandbox struct {
	State  state.Reader
	At     Head
	Input  exec.Input
	Engine *exec.Engine
	// Prove makes the proof of a key under the state root of At, if that is the head.
	Prove func(key chain.Hash) (tree.Proof, error)
	Close func()
}

// LogQuery asks for logs of a range of blocks. Each place of Topics lists alternatives; an empty place
// matches anything.
type LogQuery struct {
	From, To  chain.Height
	Addresses []chain.Address
	Topics    [][]chain.Hash
}

// Place is where a final transaction stands.
type Place struct {
	Height chain.Height
	Index  int
}

// AppearanceQuery asks for transactions in which an address appears, from the blocks From to To. Enough of
// them end the search, with the block of the last one.
type AppearanceQuery struct {
	Address  chain.Address
	From, To chain.Height
	Back     bool // the newest first
	Enough   int
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

// Market tells what the head asks of those who work.
type Market interface {
	Agenda(who chain.Address) (compute.Agenda, error)
	Unsettled(who chain.Address) ([]compute.Task, error)
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
	// Seen gives up to limit transactions that became pending after a cursor, those in blocks by now among
	// them, and the next cursor.
	Seen(cursor uint64, limit int) ([]*chain.Tx, uint64)
}

// Network is what this package shows of the peers.
type Network interface {
	PeerCount() int
	// Behind says how far the node lags, if it is catching up.
	Behind() (current, highest chain.Height, syncing bool)
}
