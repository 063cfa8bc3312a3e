package driver

import (
	"context"
	"errors"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/mempool"
)

// ErrBad is wrapped by errors of Chain.Execute that are the block's fault. All other errors are ours.
var ErrBad = errors.New("block breaks the rules")

// ErrUnknown is wrapped by errors of Archive for what is not there.
var ErrUnknown = errors.New("not known here")

// Head is a block without its transactions.
type Head struct {
	Hash   chain.Hash
	Header chain.Header
	Ext    chain.Extension
}

// A Draft says what to build.
type Draft struct {
	Parent           chain.Hash
	Session          chain.Session
	View, ParentView chain.View
	Proposer         uint16
	Coinbase         chain.Address
	TimeMs           uint64
	VRFProof         [81]byte
	Beta             [32]byte
	Txs              []*chain.Tx // candidates, in order
}

// Chain is what the driver needs of the ledger to go on. Execute and Build are called by one goroutine at
// a time, Commit by another, the rest by any.
type Chain interface {
	// Head gives the last committed block; genesis before the first.
	Head() Head
	// Execute checks a block on its parent, which is the head or was executed, and keeps the outcome.
	Execute(ctx context.Context, b *chain.Block) error
	// Build makes a block and keeps its outcome; skipped are candidates that cannot stand in it.
	Build(ctx context.Context, d Draft) (b *chain.Block, skipped []chain.Hash, err error)
	// Commit makes an executed child of the head the head. The seal's finalization may name a descendant.
	Commit(ctx context.Context, hash chain.Hash, seal *chain.Seal) error
	// Seed gives R_s as the state after the head, which parent names, holds it. The head is the boundary
	// before s or a block of s.
	Seed(s chain.Session, parent chain.Hash) ([32]byte, error)
	// Validators gives the set of session s, in the order of their indexes, once the session's boundary
	// is committed.
	Validators(s chain.Session) ([]chain.Validator, error)
	// Urgent tells of open draws, and of the next deadline in Unix milliseconds, 0 for none, after which
	// a block has work to do.
	Urgent() (open bool, deadlineMs uint64)
}

// Archive is the ledger's past. It is read by any goroutine.
type Archive interface {
	HeadAt(h chain.Height) (Head, error)
	BlockAt(h chain.Height) (*chain.Block, *chain.Seal, error)
	BlockByHash(hash chain.Hash) (*chain.Block, error)
}

// Pool is what the driver needs of the transactions that wait.
type Pool interface {
	Best(gasLimit uint64, bytesMax int) []*chain.Tx
	Get(hash chain.Hash) *chain.Tx
	Changed() <-chan struct{}
	Stats() mempool.Stats
}

// A Message is one frame from a peer.
type Message struct {
	From    string
	Kind    byte
	Payload []byte
}

// Net is what the driver needs of the network. No call blocks.
type Net interface {
	Inbox() <-chan Message
	Broadcast(kind byte, payload []byte) // to all validators
	Announce(kind byte, payload []byte)  // to peers that are no validators
	SendTo(validator int, kind byte, payload []byte) bool
	SendPeer(id string, kind byte, payload []byte) bool
	ForwardTxs(validator int, txs [][]byte) bool
	Punish(id string, f Fault)
}

// Peers is what the driver asks of peers. Calls wait for the answer.
type Peers interface {
	// Block asks one validator for a block; any peer if it is not connected or validator is negative.
	Block(ctx context.Context, validator int, hash chain.Hash) (enc []byte, from string, err error)
	// Blocks asks a peer, or any for "", for blocks with seals, each as SealedBlock encodes them.
	Blocks(ctx context.Context, peer string, from chain.Height, count int) (items [][]byte, by string, err error)
	// Height is the highest finalised height that a connected peer has told of.
	Height() chain.Height
}

// Clock is the wall clock.
type Clock interface{ NowMs() uint64 }
