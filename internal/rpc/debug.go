package rpc

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/trace"
	"github.com/aiwork/aiwork-node/ledger/state"
)

func (e *eth) addTraces(t *Table) {
	t.Add(Method{
		Name: "debug_traceTransaction", Summary: "What a transaction did, told by a tracer: instructions, calls, or the state before it.",
		Params: []string{"hash", "config"}, Cost: 30, Class: ClassTrace,
	}, e.traceTx)
	t.Add(Method{
		Name: "debug_traceCall", Summary: "What a call would do on the state after a block, told by a tracer.",
		Params: []string{"call", "block", "config"}, Cost: 30, Class: ClassTrace,
	}, e.traceCall)
	t.Add(Method{
		Name: "debug_traceBlockByNumber", Summary: "What each transaction of a block did, told by a tracer.",
		Params: []string{"block", "config"}, Cost: 100, Class: ClassTrace,
	}, e.traceBlock)
	t.Add(Method{
		Name: "debug_traceBlockByHash", Summary: "What each transaction of a block did, told by a tracer.",
		Params: []string{"hash", "config"}, Cost: 100, Class: ClassTrace,
	}, func(ctx context.Context, hash chain.Hash, config *trace.Config) ([]trace.Result, error) {
		return e.traceBlock(ctx, BlockTag{hash: &hash}, config)
	})
	t.Add(Method{
		Name: "debug_traceBlock", Summary: "Refused: blocks are traced by number or hash, not from bytes.",
		Params: []string{"block", "config"},
	}, func(context.Context, Bytes, *trace.Config) ([]trace.Result, error) {
		return nil, Errorf(CodeRefused, "blocks are not traced from their bytes: ask debug_traceBlockByNumber or debug_traceBlockByHash")
	})
}

// traceCallConfig is a tracer and what is to be otherwise than it is.
type traceCallConfig struct {
	trace.Config
	StateOverrides *stateOverrides `json:"stateOverrides"`
	BlockOverrides *blockOverrides `json:"blockOverrides"`
	TxIndex        *Uint64         `json:"txIndex"` // the transaction of the block before which the call stands
}

func (e *eth) traceTx(ctx context.Context, hash chain.Hash, config *trace.Config) (json.RawMessage, error) {
	if err := config.Check(); err != nil {
		return nil, Errorf(CodeParams, "%s", err)
	}
	var out json.RawMessage
	err := e.replayTx(ctx, hash, func(run *trace.Run, tx *chain.Tx) (err error) {
		out, err = run.Trace(tx, config)
		return err
	})
	return out, err
}

// replayTx brings a run to where a transaction stands and lets do go on with it.
func (e *eth) replayTx(ctx context.Context, hash chain.Hash, do func(*trace.Run, *chain.Tx) error) error {
	h, index, found, err := e.chain.TxPlace(hash)
	if err != nil {
		return err
	}
	if !found {
		return Errorf(CodeRefused, "transaction not found")
	}
	return e.replay(h, func(run *trace.Run, b *chain.Block) error {
		if index >= len(b.Txs) {
			return errors.New("transactions of the block are missing: run `aiwork-node db verify`")
		}
		if err := run.To(pauses(ctx), b.Txs, index); err != nil {
			return err
		}
		return do(run, b.Txs[index])
	})
}

// replay begins a final block anew on the state before it.
func (e *eth) replay(h chain.Height, do func(*trace.Run, *chain.Block) error) error {
	if h == 0 {
		return Errorf(CodeRefused, "genesis is not traceable")
	}
	s, b, err := e.chain.Replay(h)
	if err != nil {
		return err
	}
	defer s.Close()
	view := state.New(s.State)
	run := trace.Begin(view, &s.Input, s.Engine)
	if view.Err() != nil {
		return view.Err()
	}
	return asTraceError(do(run, b))
}

// asTraceError gives the errors of a replay as callers see them.
func asTraceError(err error) error {
	switch {
	case errors.Is(err, trace.ErrTooLarge):
		return Errorf(CodeLimit, "%s", err)
	case cancelled(err):
		return Errorf(CodeLimit, "the trace takes longer than this node lets one take: ask for single transactions")
	}
	return err
}

func (e *eth) traceBlock(ctx context.Context, tag BlockTag, config *trace.Config) ([]trace.Result, error) {
	if err := config.Check(); err != nil {
		return nil, Errorf(CodeParams, "%s", err)
	}
	b, err := e.block(tag)
	if err != nil {
		return nil, err
	}
	if b == nil {
		return nil, tag.notFound()
	}
	var out []trace.Result
	err = e.replay(b.Header.Number, func(run *trace.Run, b *chain.Block) (err error) {
		out, err = run.Block(pauses(ctx), b.Txs, config)
		return err
	})
	return out, err
}

// notFound says that there is no such block, in the words of other nodes.
func (t BlockTag) notFound() error {
	if t.hash != nil {
		return Errorf(CodeRefused, "block %s not found", t.hash)
	}
	if t.height != nil {
		return Errorf(CodeRefused, "block #%d not found", *t.height)
	}
	return Errorf(CodeRefused, "block not found")
}

func (e *eth) traceCall(ctx context.Context, args callArgs, tag *BlockTag, config *traceCallConfig) (json.RawMessage, error) {
	if config == nil {
		config = &traceCallConfig{}
	}
	if err := config.Check(); err != nil {
		return nil, Errorf(CodeParams, "%s", err)
	}
	m, err := args.message(e.params.ChainID)
	if err != nil {
		return nil, err
	}
	if tag != nil && tag.word == "pending" {
		return nil, Errorf(CodeRefused, "tracing on top of pending is not supported: ask for latest, with overrides of the block")
	}
	sc := scene{tag, "latest", config.StateOverrides, config.BlockOverrides}
	st, err := e.openAt(ctx, sc, config.TxIndex)
	if err != nil {
		return nil, err
	}
	defer st.Close()
	run := trace.Resume(state.New(st.State), &st.Input, st.Engine)
	out, err := run.TraceCall(&m, &config.Config)
	if err != nil {
		return nil, asTraceError(st.refused(&m, err))
	}
	return out, nil
}

// openAt opens a stage after a block, or before one of its transactions.
func (e *eth) openAt(ctx context.Context, sc scene, index *Uint64) (*stage, error) {
	if index == nil {
		return e.open(sc)
	}
	tag := BlockTag{word: sc.otherwise}
	if sc.block != nil {
		tag = *sc.block
	}
	h, found, err := e.height(tag)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, tag.notFound()
	}
	if h == 0 {
		return nil, Errorf(CodeRefused, "genesis is not traceable")
	}
	s, b, err := e.chain.Replay(h)
	if err != nil {
		return nil, err
	}
	st := &stage{Sandbox: s}
	if err = st.advance(ctx, b, *index); err == nil {
		err = st.begin(false, &sc)
	}
	if err != nil {
		s.Close()
		return nil, asTraceError(err)
	}
	return st, nil
}

// advance brings a stage from before a block to before one of its transactions.
func (st *stage) advance(ctx context.Context, b *chain.Block, index Uint64) error {
	if n := len(b.Txs); uint64(index) >= uint64(n) && (index > 0 || n > 0) {
		return Errorf(CodeRefused, "transaction index %d out of range for block %s", index, b.Hash())
	}
	view := state.New(st.State)
	run := trace.Begin(view, &st.Input, st.Engine)
	if err := run.To(pauses(ctx), b.Txs, int(index)); err != nil {
		return err
	}
	if view.Err() != nil {
		return view.Err()
	}
	st.State = state.NewOverlay(st.State, view.Diff())
	return nil
}
