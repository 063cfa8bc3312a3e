package ledger

import (
	"context"
	"fmt"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/genesis"
	"github.com/aiwork/aiwork-node/internal/must"
	"github.com/aiwork/aiwork-node/ledger/exec"
	"github.com/aiwork/aiwork-node/ledger/state"
)

// blockRoom is kept free of transactions in a block's size: header, extension, list prefixes.
const blockRoom = 4096

// BuildArgs says what to build. TimeMs is later than the parent's time; VRFProof and Beta are the
// proposer's for Session and View.
type BuildArgs struct {
	Parent           chain.Hash
	Session          chain.Session
	View, ParentView chain.View
	Proposer         uint16
	Coinbase         chain.Address
	TimeMs           uint64
	VRFProof         [81]byte
	Beta             [32]byte
	Txs              []*chain.Tx // candidates in order
}

// TxSkip is a candidate that cannot stand in the block, and why. Candidates for which the block has
// only too little room left are not among them.
type TxSkip struct {
	Hash chain.Hash
	Why  error
}

// Build makes a block from the candidates that can stand in it, in their order, and keeps its outcome as
// Execute would.
func (l *Ledger) Build(ctx context.Context, a BuildArgs) (*chain.Block, *Outcome, []TxSkip, error) {
	parent, err := l.baseOf(a.Parent)
	if err != nil {
		return nil, nil, nil, err
	}
	if fork, unknown := genesis.UnknownFork(l.params.Forks, a.TimeMs); unknown {
		return nil, nil, nil, fmt.Errorf("%w (fork %s)", ErrUnknownFork, fork.Name)
	}
	must.Hold(a.TimeMs > parent.Ext.TimeMs, "ledger: a block built at or before its parent's time")
	must.Hold(a.ParentView == parentView(parent, a.Session), "ledger: a block built with another parent view")
	if err := l.recoverSenders(ctx, a.Txs); err != nil {
		return nil, nil, nil, err
	}
	b := l.draft(parent, &a)
	view := state.New(parent.state)
	run := exec.Begin(view, l.input(&parent.Head, b, a.Beta), l.engine)
	skipped := fill(run, view, b, a.Txs)
	if view.Err() != nil {
		return nil, nil, nil, fmt.Errorf("block %d: %w", b.Header.Number, view.Err())
	}
	out := run.End()
	o, err := l.finish(parent, view, &out, b.Header.Number)
	if err != nil {
		return nil, nil, nil, err
	}
	seal(b, &out, o.tree.Root)
	o.Block, o.Hash, o.Beta = b, b.Hash(), a.Beta
	if o, err = l.keep(o, parent); err != nil {
		return nil, nil, nil, err
	}
	return b, o, skipped, nil
}

// draft makes the block with everything that does not depend on its transactions.
func (l *Ledger) draft(parent *base, a *BuildArgs) *chain.Block {
	b := &chain.Block{Ext: chain.Extension{
		Version: chain.ExtensionVersion, ForkID: genesis.ForkID(l.genesis, l.params.Forks, a.TimeMs),
		Session: a.Session, View: a.View, ParentView: a.ParentView, Proposer: a.Proposer,
		TimeMs: a.TimeMs, VRFProof: a.VRFProof,
	}}
	b.Header = chain.Header{
		ParentHash: parent.Hash, Coinbase: a.Coinbase, Number: parent.Height + 1,
		GasLimit: l.params.BlockGasLimit, Time: a.TimeMs / 1000, Extra: b.Ext.Hash(),
		MixHash: mix(&parent.Header.MixHash, &a.Beta), BaseFee: l.baseFee(parent, a.TimeMs),
	}
	return b
}

// fill applies candidates until the block is full. Who follows one that was passed over for want of room,
// with a higher nonce of the same sender, is passed over too.
func fill(run *exec.Run, view *state.View, b *chain.Block, candidates []*chain.Tx) []TxSkip {
	var skipped []TxSkip
	passed := make(map[chain.Address]bool)
	size := blockRoom
	for _, tx := range candidates {
		if run.GasLeft() < chain.TxGas || len(b.Txs) == chain.BlockTxsMax || view.Err() != nil {
			break
		}
		sender, _ := tx.CachedSender() // one that has none is refused below
		if passed[sender] {
			continue
		}
		if size+tx.Size()+8 > chain.BlockSizeMax || tx.Gas > run.GasLeft() {
			passed[sender] = true
			continue
		}
		if err := run.Apply(tx); err != nil {
			skipped = append(skipped, TxSkip{tx.Hash(), err})
			continue
		}
		size += tx.Size() + 8
		b.Txs = append(b.Txs, tx)
	}
	return skipped
}

// seal writes what execution gave into the header.
func seal(b *chain.Block, out *exec.Output, root chain.Hash) {
	b.Header.TxRoot = chain.TxRoot(b.Txs)
	b.Header.ReceiptRoot = chain.ReceiptRoot(out.Receipts)
	b.Header.Bloom = out.Bloom
	b.Header.GasUsed = out.GasUsed
	b.Header.StateRoot = root
}
