package ledger

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/consensus/poi/beacon"
	"github.com/aiwork/aiwork-node/consensus/poi/sortition"
	"github.com/aiwork/aiwork-node/crypto/vrf"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/genesis"
	"github.com/aiwork/aiwork-node/internal/must"
	"github.com/aiwork/aiwork-node/ledger/exec"
	"github.com/aiwork/aiwork-node/ledger/state"
	"github.com/aiwork/aiwork-node/ledger/tree"
	"github.com/aiwork/aiwork-node/vm/native"
)

// Execute checks b in full and keeps what it does, for its children and for Commit. The parent is the
// head or a block that was executed. Whether the proposer leads the view, and whether the block comes
// from the future, is for consensus. A second call with the same block costs nothing. An error is a
// *BadBlock or of this machine.
func (l *Ledger) Execute(ctx context.Context, b *chain.Block) (*Outcome, error) {
	hash := b.Hash()
	if o := l.outcome(hash); o != nil {
		return o, nil
	}
	if head, _ := l.Head(); b.Header.Number <= head.Height {
		return nil, fmt.Errorf("block %d: %w", b.Header.Number, ErrFinal)
	}
	parent, err := l.baseOf(b.Header.ParentHash)
	if err != nil {
		return nil, err
	}
	beta, err := l.checkHeader(parent, b)
	if err != nil {
		return nil, err
	}
	if err := l.recoverSenders(ctx, b.Txs); err != nil {
		return nil, err
	}
	view := state.New(parent.state)
	out, err := exec.Block(view, l.input(&parent.Head, b, beta), l.engine)
	if view.Err() != nil {
		return nil, fmt.Errorf("block %d: %w", b.Header.Number, view.Err())
	}
	if err != nil {
		return nil, bad(b, err)
	}
	o, err := l.finish(parent, view, &out, b.Header.Number)
	if err != nil {
		return nil, err
	}
	if fault := compare(&b.Header, &out, o.tree.Root); fault != 0 {
		return nil, bad(b, fault)
	}
	o.Block, o.Hash, o.Beta = b, hash, beta
	return l.keep(o, parent)
}

func (l *Ledger) outcome(hash chain.Hash) *Outcome {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.pending.byHash[hash]
}

// keep stores an outcome, unless its parent has been given up in the meantime.
func (l *Ledger) keep(o *Outcome, parent *base) (*Outcome, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, ok := l.pending.chain(l.head.Hash, parent.Hash); !ok {
		return nil, fmt.Errorf("parent %s: %w", parent.Hash, ErrUnknown)
	}
	l.pending.add(o, parent.path)
	return o, nil
}

// checkHeader checks everything that stands in header and extension but what execution gives.
func (l *Ledger) checkHeader(parent *base, b *chain.Block) (beta [32]byte, err error) {
	if fork, unknown := genesis.UnknownFork(l.params.Forks, b.Ext.TimeMs); unknown {
		return beta, fmt.Errorf("%w (fork %s)", ErrUnknownFork, fork.Name)
	}
	if err := b.CheckBody(); err != nil {
		return beta, bad(b, err)
	}
	if fault := l.checkFields(parent, b); fault != 0 {
		return beta, bad(b, fault)
	}
	proposer := &l.validators[b.Ext.Proposer]
	seed, err := l.seedAfter(parent, b.Ext.Session)
	if err != nil {
		return beta, err
	}
	alpha := sortition.Alpha(l.genesis, b.Ext.Session, b.Ext.View, seed)
	if beta, err = vrf.Verify(proposer.VRFKey, alpha, b.Ext.VRFProof); err != nil {
		return beta, bad(b, errors.Join(FaultVRF, err))
	}
	if b.Header.MixHash != mix(&parent.Header.MixHash, &beta) {
		return beta, bad(b, FaultMixHash)
	}
	return beta, nil
}

func (l *Ledger) checkFields(parent *base, b *chain.Block) Fault {
	h, e := &b.Header, &b.Ext
	if h.Number != parent.Height+1 {
		return FaultNumber
	}
	if e.TimeMs <= parent.Ext.TimeMs {
		return FaultTime
	}
	fee := l.baseFee(parent, e.TimeMs)
	switch {
	case h.GasLimit != l.params.BlockGasLimit:
		return FaultGasLimit
	case !h.BaseFee.Eq(&fee):
		return FaultBaseFee
	case e.ForkID != genesis.ForkID(l.genesis, l.params.Forks, e.TimeMs):
		return FaultForkID
	case e.Session != chain.SessionOf(h.Number):
		return FaultSession
	case e.ParentView != parentView(parent, e.Session) || e.View <= e.ParentView:
		return FaultView
	case int(e.Proposer) >= len(l.validators):
		return FaultProposer
	case h.Coinbase != l.validators[e.Proposer].Address:
		return FaultCoinbase
	case !e.NextSetRoot.IsZero():
		return FaultNextSet
	case len(b.Encode()) > chain.BlockSizeMax:
		return FaultSize
	}
	return 0
}

// parentView gives what a block in session s names as its parent's view: views count from the start of
// each session.
func parentView(parent *base, s chain.Session) chain.View {
	if parent.Height == 0 || parent.Ext.Session != s {
		return 0
	}
	return parent.Ext.View
}

func (l *Ledger) baseFee(parent *base, timeMs uint64) uint256.Int {
	return exec.NextBaseFee(&l.params, &parent.Header.BaseFee, parent.Header.GasUsed, timeMs-parent.Ext.TimeMs)
}

// mix is the chain's randomness in Ethereum's PREVRANDAO: a proposer cannot play with its own output.
func mix(before *chain.Hash, beta *[32]byte) chain.Hash {
	var b [64]byte
	copy(b[:], before[:])
	copy(b[32:], beta[:])
	return sha256.Sum256(b[:])
}

func (l *Ledger) input(parent *Head, b *chain.Block, beta [32]byte) *exec.Input {
	return &exec.Input{
		Block: native.Block{
			Height: b.Header.Number, TimeMs: b.Ext.TimeMs, ParentTimeMs: parent.Ext.TimeMs,
			Coinbase: b.Header.Coinbase, BaseFee: b.Header.BaseFee, Session: b.Ext.Session,
			ChainID: l.params.ChainID, Genesis: l.genesis, Params: &l.params,
		},
		ParentHash: parent.Hash, MixHash: b.Header.MixHash, Beta: beta, GasLimit: b.Header.GasLimit, Txs: b.Txs,
	}
}

// finish takes the net changes out of the view, holds them against the rule that no tokens are made, and
// computes the state tree.
func (l *Ledger) finish(parent *base, view *state.View, out *exec.Output, height chain.Height) (*Outcome, error) {
	o := &Outcome{Height: height, Receipts: out.Receipts, Diff: view.Diff()}
	burned, ok := burned(&o.Diff)
	reported := l.reportedBurns(&o.Diff, &out.Burned)
	must.Hold(ok && burned.Eq(&reported), "ledger: balances changed by another amount than was burned")
	o.burned = burned
	var err error
	if o.tree, err = tree.Apply(parent.tree, tree.Changes(o.Diff)); err != nil {
		return nil, fmt.Errorf("block %d: %w", height, err)
	}
	return o, nil
}

// burned gives by how much all balances together have sunk; ok is false if they have grown.
func burned(d *state.Diff) (sum uint256.Int, ok bool) {
	var before, after uint256.Int
	for i := range d.Accounts {
		before.Add(&before, &d.Accounts[i].Old.Balance)
		after.Add(&after, &d.Accounts[i].New.Balance)
	}
	_, underflow := sum.SubOverflow(&before, &after)
	return sum, !underflow
}

// reportedBurns adds what modules say that they burned to the base fees.
func (l *Ledger) reportedBurns(d *state.Diff, fees *uint256.Int) uint256.Int {
	sum := *fees
	for i := range d.Slots {
		s := &d.Slots[i]
		if s.Key != l.burnedKey || !l.modules.Has(s.Address) {
			continue
		}
		var before, after uint256.Int
		before.SetBytes32(s.Old[:])
		after.SetBytes32(s.New[:])
		sum.Add(&sum, after.Sub(&after, &before))
	}
	return sum
}

func compare(h *chain.Header, out *exec.Output, root chain.Hash) Fault {
	switch {
	case h.GasUsed != out.GasUsed:
		return FaultGasUsed
	case h.Bloom != out.Bloom:
		return FaultBloom
	case h.ReceiptRoot != chain.ReceiptRoot(out.Receipts):
		return FaultReceiptRoot
	case h.StateRoot != root:
		return FaultStateRoot
	}
	return 0
}

// Seed gives R_s as the state after the block with that hash holds it, or fixes it if that block is the
// last of the session before.
func (l *Ledger) Seed(s chain.Session, parent chain.Hash) ([32]byte, error) {
	b, err := l.baseOf(parent)
	if err != nil {
		return [32]byte{}, err
	}
	return l.seedAfter(b, s)
}

func (l *Ledger) seedAfter(parent *base, s chain.Session) ([32]byte, error) {
	seed, known, err := beacon.Seed(parent.state, s)
	if known || err != nil {
		return seed, err
	}
	if parent.Height+1 != s.FirstHeight() {
		return seed, fmt.Errorf("seed of session %d: not known at height %d", s, parent.Height)
	}
	// The session's first block is going to fix it: let it do so on a view that is thrown away.
	view := state.New(parent.state)
	l.modules.BeginBlock(view, &native.Block{
		Height: parent.Height + 1, TimeMs: parent.Ext.TimeMs, ParentTimeMs: parent.Ext.TimeMs, Session: s,
		ChainID: l.params.ChainID, Genesis: l.genesis, Params: &l.params,
	}, [32]byte{})
	seed, known, err = beacon.Seed(viewReader{view}, s)
	if err = errors.Join(err, view.Err()); err != nil {
		return seed, err
	}
	must.Hold(known, "ledger: a session's first block does not fix its seed")
	return seed, nil
}

// viewReader reads slots as a view has them.
type viewReader struct{ view *state.View }

func (r viewReader) Slot(addr chain.Address, key chain.Hash) (chain.Hash, error) {
	return r.view.Slot(addr, key), nil
}
