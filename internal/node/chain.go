package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/aiwork/aiwork-node/consensus/poi/driver"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/ledger"
	"github.com/aiwork/aiwork-node/mempool"
	"github.com/aiwork/aiwork-node/tasks/job"
)

// driverChain is the ledger and the pool as the consensus driver needs them.
type driverChain struct {
	ledger *ledger.Ledger
	pool   *mempool.Pool
	log    *slog.Logger

	mu     sync.Mutex
	urgent urgency // of the last head that was asked about
}

type urgency struct {
	of       chain.Hash
	open     bool
	deadline uint64
}

// Head gives the committed head.
func (c *driverChain) Head() driver.Head {
	h, _ := c.ledger.Head()
	return driver.Head{Hash: h.Hash, Header: h.Header, Ext: h.Ext}
}

// Execute runs a block and tells whose fault a failure is.
func (c *driverChain) Execute(ctx context.Context, b *chain.Block) error {
	_, err := c.ledger.Execute(ctx, b)
	if bad, ok := errors.AsType[*ledger.BadBlock](err); ok {
		return fmt.Errorf("%w: %w", driver.ErrBad, bad)
	}
	return err
}

// Build makes a block; candidates that can never stand in one leave the pool.
func (c *driverChain) Build(ctx context.Context, d driver.Draft) (*chain.Block, []chain.Hash, error) {
	b, _, skips, err := c.ledger.Build(ctx, ledger.BuildArgs{
		Parent: d.Parent, Session: d.Session, View: d.View, ParentView: d.ParentView, Proposer: d.Proposer,
		Coinbase: d.Coinbase, TimeMs: d.TimeMs, VRFProof: d.VRFProof, Beta: d.Beta, Txs: d.Txs,
	})
	skipped := make([]chain.Hash, len(skips))
	for i, s := range skips {
		skipped[i] = s.Hash
	}
	return b, skipped, err
}

// Commit makes a block the head and brings the pool up to it, so that the next block is built from what
// is left.
func (c *driverChain) Commit(ctx context.Context, hash chain.Hash, seal *chain.Seal) error {
	if err := c.ledger.Commit(ctx, hash, seal); err != nil {
		return err
	}
	head, _ := c.ledger.Head()
	if err := followHead(c.ledger, c.pool, head); err != nil {
		c.log.Warn("pool not brought up to the head", "height", head.Height, "error", err)
	}
	return nil
}

// Seed gives a session's seed as a block's state has it.
func (c *driverChain) Seed(s chain.Session, parent chain.Hash) ([32]byte, error) {
	return c.ledger.Seed(s, parent)
}

// Validators gives the set of a session.
func (c *driverChain) Validators(s chain.Session) ([]chain.Validator, error) {
	return c.ledger.Validators(s)
}

// Urgent tells of open draws and of the next deadline; it reads the state once a head.
func (c *driverChain) Urgent() (open bool, deadlineMs uint64) {
	head, _ := c.ledger.Head()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.urgent.of == head.Hash {
		return c.urgent.open, c.urgent.deadline
	}
	view, err := c.ledger.State()
	if err != nil {
		c.log.Warn("deadlines unread", "error", err)
		return false, 0
	}
	defer view.Close()
	open, deadlineMs, err = job.Urgent(view, view.Ext.TimeMs, chain.SessionOf(view.Height+1))
	if err != nil {
		c.log.Warn("deadlines unread", "error", err)
		return false, 0
	}
	c.urgent = urgency{view.Hash, open, deadlineMs}
	return open, deadlineMs
}

// archive is the ledger's past as the driver serves and syncs it.
type archive struct{ ledger *ledger.Ledger }

func unknown(err error) error {
	if errors.Is(err, ledger.ErrNotFound) {
		return fmt.Errorf("%w: %w", driver.ErrUnknown, err)
	}
	return err
}

// HeadAt gives a final header.
func (a archive) HeadAt(h chain.Height) (driver.Head, error) {
	head, err := a.ledger.HeadAt(h)
	return driver.Head{Hash: head.Hash, Header: head.Header, Ext: head.Ext}, unknown(err)
}

// BlockAt gives a final block and its seal.
func (a archive) BlockAt(h chain.Height) (*chain.Block, *chain.Seal, error) {
	b, err := a.ledger.BlockByHeight(h)
	if err != nil {
		return nil, nil, unknown(err)
	}
	seal, err := a.ledger.Seal(h)
	return b, seal, unknown(err)
}

// BlockByHash gives a final block.
func (a archive) BlockByHash(hash chain.Hash) (*chain.Block, error) {
	b, err := a.ledger.BlockByHash(hash)
	return b, unknown(err)
}
