package node

import (
	"context"
	"errors"
	"time"

	"github.com/aiwork/aiwork-node/internal/blobs"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/rpc"
	"github.com/aiwork/aiwork-node/ledger"
	"github.com/aiwork/aiwork-node/ledger/state"
	"github.com/aiwork/aiwork-node/mempool"
	"github.com/aiwork/aiwork-node/p2p"
)

// rpcChain is the ledger as JSON-RPC reads it.
type rpcChain struct{ ledger *ledger.Ledger }

func (c rpcChain) Head() (rpc.Head, <-chan struct{}) {
	h, changed := c.ledger.Head()
	return rpc.Head(h), changed
}

func (c rpcChain) StateAt(h chain.Height) (state.Reader, rpc.Head, func(), error) {
	v, err := c.ledger.StateAt(h)
	if err != nil {
		return nil, rpc.Head{}, nil, err
	}
	return v, rpc.Head(v.Head), func() { _ = v.Close() }, nil
}

// What eth_capabilities says of the ledger is so.
var _ [ledger.HistoryHeightsMax]struct{} = [rpc.StateHeightsMax]struct{}{}

func (c rpcChain) OldestState() chain.Height { return c.ledger.OldestState() }

func (c rpcChain) After(h chain.Height) (*rpc.Sandbox, error) {
	s, err := c.ledger.After(h)
	if err != nil {
		return nil, err
	}
	return rpcSandbox(s), nil
}

// Next is the block that could come now: at the earliest a millisecond after its parent.
func (c rpcChain) Next(h chain.Height) (*rpc.Sandbox, error) {
	s, err := c.ledger.Next(h, 0)
	if err != nil {
		return nil, err
	}
	return rpcSandbox(s), nil
}

func (c rpcChain) Replay(h chain.Height) (*rpc.Sandbox, *chain.Block, error) {
	s, b, err := c.ledger.Replay(h)
	if err != nil {
		return nil, nil, err
	}
	return rpcSandbox(s), b, nil
}

func rpcSandbox(s *ledger.Sandbox) *rpc.Sandbox {
	return &rpc.Sandbox{
		State: s.View, At: rpc.Head(s.Head), Input: s.Input, Engine: s.Engine,
		Prove: s.Prove, Close: func() { _ = s.Close() },
	}
}

// absent turns "not found" into nil without an error.
func absent[T any](v *T, err error) (*T, error) {
	if errors.Is(err, ledger.ErrNotFound) {
		return nil, nil
	}
	return v, err
}

func (c rpcChain) BlockByHeight(h chain.Height) (*chain.Block, error) {
	return absent(c.ledger.BlockByHeight(h))
}

func (c rpcChain) BlockByHash(hash chain.Hash) (*chain.Block, error) {
	return absent(c.ledger.BlockByHash(hash))
}

func (c rpcChain) Seal(h chain.Height) (*chain.Seal, error) { return absent(c.ledger.Seal(h)) }

func (c rpcChain) Receipts(h chain.Height) ([]*chain.Receipt, error) {
	r, err := c.ledger.Receipts(h)
	if errors.Is(err, ledger.ErrNotFound) {
		return nil, nil
	}
	return r, err
}

func (c rpcChain) TxPlace(hash chain.Hash) (chain.Height, int, bool, error) {
	return c.ledger.TxLookup(hash)
}

// logsTimeMax is how long one query for logs may search.
const logsTimeMax = 2 * time.Second

func (c rpcChain) Logs(ctx context.Context, q rpc.LogQuery) ([]rpc.LogEntry, error) {
	ctx, cancel := context.WithTimeout(ctx, logsTimeMax)
	defer cancel()
	entries, err := c.ledger.Logs(ctx, ledger.LogQuery(q))
	if tooMuch, ok := errors.AsType[*ledger.RangeError](err); ok {
		return nil, rpc.Errorf(rpc.CodeLimit, "%s", tooMuch)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return nil, rpc.Errorf(rpc.CodeLimit, "nothing was found in %s: ask for fewer alternatives, or when the node has less to do", logsTimeMax)
	}
	out := make([]rpc.LogEntry, len(entries))
	for i, e := range entries {
		out[i] = rpc.LogEntry{
			Log: e.Log, Height: e.Height, BlockHash: e.BlockHash, Time: e.TimeMs / 1000,
			TxHash: e.TxHash, TxIndex: e.TxIndex, Index: e.Index,
		}
	}
	return out, err
}

func (c rpcChain) Appearances(ctx context.Context, q rpc.AppearanceQuery) ([]rpc.Place, bool, error) {
	found, more, err := c.ledger.Appearances(ctx, (*ledger.AppearanceQuery)(&q))
	places := make([]rpc.Place, len(found))
	for i := range found {
		places[i] = rpc.Place(found[i])
	}
	return places, more, err
}

func (c rpcChain) SentTx(a chain.Address, nonce uint64) (rpc.Place, bool, error) {
	p, found, err := c.ledger.SentTx(a, nonce)
	return rpc.Place(p), found, err
}

func (c rpcChain) CreatedAt(a chain.Address) (chain.Height, bool, error) {
	return c.ledger.CreatedAt(a)
}

// rpcPool is the pool as JSON-RPC uses it.
type rpcPool struct {
	*mempool.Pool
	node *Node
}

// Submit checks a transaction, keeps it and passes it on.
func (p rpcPool) Submit(ctx context.Context, tx *chain.Tx) error { return p.node.submit(ctx, tx) }

// submit takes a transaction of ours in and offers it to the peers.
func (n *Node) submit(_ context.Context, tx *chain.Tx) error {
	if err := n.pool.Add(tx, true); err != nil {
		return err
	}
	n.net.GossipTx(tx.Encode())
	return nil
}

// rpcBlobs is the blob store as JSON-RPC uses it.
type rpcBlobs struct{ store *blobs.Store }

func (b rpcBlobs) Put(ctx context.Context, data []byte) (chain.Hash, error) {
	id := blobs.IDOf(data)
	return chain.Hash(id), b.store.Put(ctx, data, id)
}

func (b rpcBlobs) Get(ctx context.Context, id chain.Hash) ([]byte, error) {
	data, err := b.store.Fetch(ctx, blobs.ID(id))
	if errors.Is(err, blobs.ErrMissing) {
		return nil, nil
	}
	return data, err
}

// PeerCount gives the number of connected peers.
func (n *Node) PeerCount() int {
	count := 0
	for _, p := range n.net.Peers() {
		if p.Connected {
			count++
		}
	}
	return count
}

// Behind says how far the node lags.
func (n *Node) Behind() (current, highest chain.Height, syncing bool) {
	head, _ := n.ledger.Head()
	s := n.driver.Status()
	return head.Height, max(head.Height, s.PeersHeight), s.Syncing && s.PeersHeight > head.Height
}

// Consensus tells how consensus stands.
func (n *Node) Consensus() rpc.ConsensusStatus {
	s := n.driver.Status()
	out := rpc.ConsensusStatus{
		Session: rpc.Uint64(s.Session), View: rpc.Uint64(s.View), Leader: rpc.Uint64(s.Leader), Final: rpc.Uint64(s.FinalHeight),
		Voting: s.Member && s.Silent == "", Silent: s.Silent, NullifiedViews: rpc.Uint64(s.Nullified),
		DeltaMs: rpc.Uint64(s.Delta.Milliseconds()), FinalityMs: float64(s.LastFinality.Microseconds()) / 1000,
	}
	if s.Member {
		index := rpc.Uint64(s.Index)
		out.Validator = &index
	}
	return out
}

// Peers lists the peers.
func (n *Node) Peers() []rpc.PeerForm {
	out := []rpc.PeerForm{}
	for _, p := range n.net.Peers() {
		f := rpc.PeerForm{ID: p.ID, Address: p.Address, Connected: p.Connected, Height: rpc.Uint64(p.Height), Listens: p.Listens, LastError: p.LastError}
		if p.Validator != p2p.NoValidator {
			f.Validator = &p.Validator
		}
		out = append(out, f)
	}
	return out
}

// P2PAddresses gives the multiaddrs at which peers reach this node.
func (n *Node) P2PAddresses() []string { return n.net.Addrs() }

// GenesisFile gives the file that names the network.
func (n *Node) GenesisFile() []byte { return n.genesisFile }

// Models lists the models that can be run here.
func (n *Node) Models() []rpc.ModelInfo { return n.shelf.list() }
