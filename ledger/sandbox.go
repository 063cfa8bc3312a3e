package ledger

import (
	"context"
	"errors"
	"fmt"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/ledger/exec"
	"github.com/aiwork/aiwork-node/ledger/state"
	"github.com/aiwork/aiwork-node/vm/native"
)

const (
	// sparesMax bounds the engines that wait for readers; more are made and dropped when more read at once.
	sparesMax = 2
	// spareCodeBytesMax bounds the programs that each of them keeps.
	spareCodeBytesMax = 4 << 20
)

// Sandbox is what it takes to run something that will not become final: a state, the surroundings of a
// block, and an engine. It belongs to one goroutine, which may change Input and put overlays on Reader
// before it begins. Close it soon.
//
//	view := state.New(s.Reader)
//	run := exec.Resume(view, &s.Input, s.Engine) // or exec.Begin, where a block begins
type Sandbox struct {
	*View
	Input  exec.Input
	Engine *exec.Engine
	ledger *Ledger
}

// Close gives back the engine and the view.
func (s *Sandbox) Close() error {
	select {
	case s.ledger.engines <- s.Engine:
	default:
	}
	return s.View.Close()
}

func (l *Ledger) sandbox(v *View) *Sandbox {
	s := &Sandbox{View: v, ledger: l}
	select {
	case s.Engine = <-l.engines:
	default:
		s.Engine = exec.NewEngine(l.modules, spareCodeBytesMax)
	}
	return s
}

// After is the state after the block at a height, and that block's surroundings: what eth_call means by a
// block. Go on with exec.Resume.
func (l *Ledger) After(h chain.Height) (*Sandbox, error) {
	row, err := l.BlockRow(h)
	if err != nil {
		return nil, err
	}
	parent := Head{Ext: row.Block.Ext}
	if h > 0 {
		if parent, err = l.HeadAt(h - 1); err != nil {
			return nil, err
		}
	}
	v, err := l.StateAt(h)
	if err != nil {
		return nil, err
	}
	s := l.sandbox(v)
	s.Input = *l.input(&parent, row.Block, row.Beta)
	s.Input.Txs = nil
	return s, nil
}

// Next is the state after the block at a height, and the surroundings of one that would follow it at
// timeMs, or a millisecond later than it if that is later: what pending means. Go on with exec.Begin.
func (l *Ledger) Next(h chain.Height, timeMs uint64) (*Sandbox, error) {
	v, err := l.StateAt(h)
	if err != nil {
		return nil, err
	}
	s := l.sandbox(v)
	timeMs = max(timeMs, v.Ext.TimeMs+1)
	s.Input = exec.Input{
		Block: native.Block{
			Height: h + 1, TimeMs: timeMs, ParentTimeMs: v.Ext.TimeMs, Session: chain.SessionOf(h + 1),
			Coinbase: v.Header.Coinbase, BaseFee: l.NextBaseFee(v.Head, timeMs), ChainID: l.params.ChainID,
			Genesis: l.genesis, Params: &l.params,
		},
		ParentHash: v.Hash, MixHash: v.Header.MixHash, GasLimit: l.params.BlockGasLimit,
	}
	return s, nil
}

// Replay is the state before the block at a height, which is at least 1, and that block's surroundings and
// transactions. Go on with exec.Begin.
func (l *Ledger) Replay(h chain.Height) (*Sandbox, *chain.Block, error) {
	if h == 0 {
		return nil, nil, fmt.Errorf("block 0 executes nothing: %w", ErrNotFound)
	}
	row, err := l.BlockRow(h)
	if err != nil {
		return nil, nil, err
	}
	v, err := l.StateAt(h - 1)
	if err != nil {
		return nil, nil, err
	}
	s := l.sandbox(v)
	s.Input = *l.input(&v.Head, row.Block, row.Beta)
	return s, row.Block, nil
}

// Estimate gives the least gas limit with which a message succeeds, at most m.Gas, in a block that would follow
// the head at timeMs. If it does not succeed, the result says why.
func (l *Ledger) Estimate(ctx context.Context, m *exec.Message, timeMs uint64) (gas uint64, res exec.CallResult, err error) {
	if err := ctx.Err(); err != nil {
		return 0, res, err
	}
	head, _ := l.Head()
	s, err := l.Next(head.Height, timeMs)
	if err != nil {
		return 0, res, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return exec.Begin(state.New(s.Reader), &s.Input, s.Engine).Estimate(m, ctx.Err)
}
