package rpc

import (
	"context"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/ledger/exec"
	"github.com/aiwork/aiwork-node/ledger/state"
)

const (
	simulateBlocksMax = 256        // those that fill gaps included
	simulateGasMax    = callGasMax // over all calls of all blocks
	simulateCallsMax  = 5000       // likewise
	simulateStep      = 12         // seconds between blocks that name no time, as other nodes have it
)

// simulateArgs asks for blocks that build on one of the chain.
type simulateArgs struct {
	Blocks         []simulateBlock `json:"blockStateCalls"`
	TraceTransfers bool            `json:"traceTransfers"`
	Validation     bool            `json:"validation"`
	FullTxs        bool            `json:"returnFullTransactions"`
}

type simulateBlock struct {
	Header *blockOverrides `json:"blockOverrides"`
	State  *stateOverrides `json:"stateOverrides"`
	Calls  []callArgs      `json:"calls"`
}

func (e *eth) addSimulate(t *Table) {
	t.Add(Method{
		Name: "eth_simulateV1", Summary: "Blocks of calls that build on each other and on a block of the chain, with overrides of states and headers.",
		Params: []string{"blocks", "block"}, Cost: 50, Class: ClassCall,
	}, e.simulate)
}

func (e *eth) simulate(ctx context.Context, args simulateArgs, tag *BlockTag) ([]simulatedBlock, error) {
	switch {
	case len(args.Blocks) == 0:
		return nil, Errorf(CodeParams, "empty input")
	case len(args.Blocks) > simulateBlocksMax:
		return nil, Errorf(codeTooMany, "too many blocks")
	}
	base := BlockTag{word: "latest"}
	if tag != nil {
		base = *tag
	}
	h, found, err := e.height(base)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, Errorf(CodeRefused, "header not found")
	}
	s, err := e.chain.Next(h)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	sim := &simulation{
		ctx: pauses(ctx), args: &args, params: e.params, box: s, usual: s.Input, state: s.State,
		parent: s.At.Header, parentHash: s.At.Hash, parentMs: s.At.Ext.TimeMs, gasLeft: simulateGasMax, callsLeft: simulateCallsMax,
	}
	return sim.run()
}

// simulation is the chain of blocks in the making.
type simulation struct {
	ctx    context.Context
	args   *simulateArgs
	params *chain.Params
	box    *Sandbox
	usual  exec.Input // of the block after the base
	state  state.Reader

	parent     chain.Header
	parentHash chain.Hash
	parentMs   uint64
	gasLeft    uint64
	callsLeft  int
}

func (sim *simulation) run() ([]simulatedBlock, error) {
	blocks, err := sim.schedule()
	if err != nil {
		return nil, err
	}
	out := make([]simulatedBlock, 0, len(blocks))
	for i := range blocks {
		b, err := sim.block(&blocks[i])
		if err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, nil
}

// schedule gives every block its number and time, and fills gaps with empty ones.
func (sim *simulation) schedule() ([]simulateBlock, error) {
	first, number, seconds := uint64(sim.parent.Number), uint64(sim.parent.Number), sim.parent.Time
	var out []simulateBlock
	for _, b := range sim.args.Blocks {
		header := blockOverrides{}
		if b.Header != nil {
			header = *b.Header
		}
		if err := header.check(); err != nil {
			return nil, err
		}
		at := number + 1
		if header.Number != nil {
			at = uint64(*header.Number)
		}
		switch {
		case at <= number:
			return nil, Errorf(codeNumberOrder, "block numbers must be in order: %d <= %d", at, number)
		case at-first > simulateBlocksMax:
			return nil, Errorf(codeTooMany, "too many blocks")
		}
		for number++; number < at; number++ {
			seconds += simulateStep
			out = append(out, simulateBlock{Header: scheduled(blockOverrides{}, number, seconds)})
		}
		when := seconds + simulateStep
		if header.Time != nil {
			when = uint64(*header.Time)
		}
		if when <= seconds {
			return nil, Errorf(codeTimeOrder, "block timestamps must be in order: %d <= %d", when, seconds)
		}
		seconds = when
		b.Header = scheduled(header, at, when)
		out = append(out, b)
	}
	return out, nil
}

func scheduled(o blockOverrides, number, seconds uint64) *blockOverrides {
	n, t := Uint64(number), Uint64(seconds)
	o.Number, o.Time = &n, &t
	return &o
}

// input gives the surroundings of a block. Without validation gas is free unless a price is named.
func (sim *simulation) input(b *simulateBlock) exec.Input {
	o, in := b.Header, sim.usual
	in.Block.Height = chain.Height(*o.Number)
	in.Block.Session = chain.SessionOf(in.Block.Height)
	in.Block.ParentTimeMs, in.Block.TimeMs = sim.parentMs, max(sim.parentMs+1, uint64(*o.Time)*1000)
	in.Block.Coinbase, in.ParentHash, in.MixHash, in.GasLimit = sim.parent.Coinbase, sim.parentHash, chain.Hash{}, sim.parent.GasLimit
	in.Block.BaseFee = uint256.Int{}
	if sim.args.Validation {
		in.Block.BaseFee = exec.NextBaseFee(sim.params, &sim.parent.BaseFee, sim.parent.GasUsed, in.Block.TimeMs-sim.parentMs)
	}
	in.Seconds = (*uint64)(o.Time)
	return in
}

// block runs one block on the state so far and puts what it changed on top of it.
func (sim *simulation) block(b *simulateBlock) (simulatedBlock, error) {
	if err := sim.ctx.Err(); err != nil {
		return simulatedBlock{}, Errorf(CodeRefused, "execution aborted: the simulation takes longer than this node lets one take")
	}
	box := *sim.box
	box.State, box.Input = sim.state, sim.input(b)
	if err := b.State.apply(&box); err != nil {
		return simulatedBlock{}, err
	}
	// The number is the block's own here, not one that code is made to believe in.
	header := *b.Header
	header.Number, header.Time = nil, nil
	if err := header.apply(&box); err != nil {
		return simulatedBlock{}, err
	}
	view := state.New(box.State)
	run := &simulatedRun{sim: sim, stage: &stage{Sandbox: &box, run: exec.Begin(view, &box.Input, box.Engine)}}
	for i := range b.Calls {
		if err := run.call(&b.Calls[i]); err != nil {
			return simulatedBlock{}, err
		}
	}
	if view.Err() != nil {
		return simulatedBlock{}, view.Err()
	}
	made, seconds := run.seal(), uint64(*b.Header.Time)
	made.Header.Time = seconds
	sim.state = state.NewOverlay(box.State, view.Diff())
	sim.parent, sim.parentHash, sim.parentMs = made.Header, made.Header.Hash(), box.Input.Block.TimeMs
	return run.form(made, sim.args.FullTxs), nil
}
