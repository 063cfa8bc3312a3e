package exec

import (
	"fmt"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/must"
	"github.com/aiwork/aiwork-node/ledger/state"
	"github.com/aiwork/aiwork-node/vm"
	"github.com/aiwork/aiwork-node/vm/native"
	"github.com/aiwork/aiwork-node/vm/precompile"
)

// Input is what a block is executed from. Gas limit and base fee have been checked.
type Input struct {
	Block      native.Block
	ParentHash chain.Hash
	MixHash    chain.Hash // what code sees as PREVRANDAO
	Beta       [32]byte   // the VRF output of the block's proposer
	GasLimit   uint64
	Txs        []*chain.Tx

	// What code sees is to be, for blocks that somebody imagines; nil: what there is.
	Number      *uint64
	Seconds     *uint64
	BlobBaseFee *uint256.Int
	Precompiles *precompile.Set
}

// vm is the block as code sees it.
func (in *Input) vm(view *state.View) vm.Block {
	b := vm.Block{
		ChainID: in.Block.ChainID, Number: uint64(in.Block.Height), Time: in.Block.TimeMs / 1000, GasLimit: in.GasLimit,
		Coinbase: in.Block.Coinbase, BaseFee: in.Block.BaseFee, BlobBaseFee: uint256.Int{chain.BlobBaseFeeMin},
		Hash: func(number uint64) chain.Hash {
			if number >= uint64(in.Block.Height) {
				return chain.Hash{} // only code that believes in another number asks
			}
			return view.Slot(HistoryAddress(), HistorySlot(chain.Height(number)))
		},
	}
	b.Random.SetBytes32(in.MixHash[:])
	if in.Number != nil {
		b.Number = *in.Number
	}
	if in.Seconds != nil {
		b.Time = *in.Seconds
	}
	if in.BlobBaseFee != nil {
		b.BlobBaseFee = *in.BlobBaseFee
	}
	return b
}

// Output is the outcome of a block, beside what the view holds.
type Output struct {
	Receipts []*chain.Receipt
	GasUsed  uint64
	Bloom    chain.Bloom
	Burned   uint256.Int // base fees and money of accounts that went away, not what modules burn
}

// Run is a block in the making. It is for one goroutine.
type Run struct {
	view   *state.View
	in     *Input
	engine *Engine
	out    Output
}

// Begin starts a block on a view of its parent's state (EXEC-1).
func Begin(view *state.View, in *Input, engine *Engine) *Run {
	must.Hold(in.Block.Height > 0, "exec: the genesis block is not executed")
	writeHistory(view, in.Block.Height, in.ParentHash)
	engine.natives.modules.BeginBlock(view, &in.Block, in.Beta)
	return Resume(view, in, engine)
}

// Resume goes on with a block that has begun: on a view of the state at its end, what is run comes after
// its last transaction.
func Resume(view *state.View, in *Input, engine *Engine) *Run {
	engine.use(view, in)
	return &Run{view: view, in: in, engine: engine}
}

// Trace makes what follows report to t; nil ends it.
func (r *Run) Trace(t vm.Tracer) { r.engine.machine.Trace(t) }

// View gives the state as the block has changed it so far.
func (r *Run) View() *state.View { return r.view }

// End gives the outcome.
func (r *Run) End() Output { return r.out }

// GasLeft gives how much gas the block can still take.
func (r *Run) GasLeft() uint64 { return r.in.GasLimit - r.out.GasUsed }

// Block executes a whole block. An error is either a refusal of one of its transactions, which makes
// the block bad and is a Fault or chain.TxFault inside; or it is view.Err(), a fault of this machine.
func Block(view *state.View, in *Input, engine *Engine) (Output, error) {
	r := Begin(view, in, engine)
	for i, tx := range in.Txs {
		err := r.Apply(tx)
		if view.Err() != nil {
			return Output{}, view.Err()
		}
		if err != nil {
			return Output{}, fmt.Errorf("transaction %d: %w", i, err)
		}
	}
	return r.End(), view.Err()
}

// Apply executes one more transaction and makes its receipt, or refuses it with a Fault or chain.TxFault
// and changes nothing. After it, view.Err must be looked at before either answer is believed.
func (r *Run) Apply(tx *chain.Tx) error {
	sender, err := r.check(tx)
	if err != nil {
		return err
	}
	r.view.BeginTx()
	out, err := r.engine.machine.Run(&vm.Tx{
		Type: tx.Type, From: sender, To: tx.To, Nonce: tx.Nonce, Gas: tx.Gas, FeeCap: tx.GasFeeCap, TipCap: tx.GasTipCap,
		Value: tx.Value, Data: tx.Data, Access: tx.AccessList, Auths: tx.Auths,
	})
	if err != nil {
		return faultOf(err)
	}
	r.receipt(tx, &out)
	r.view.EndTx()
	return nil
}

// check is the part of EXEC-2 that needs no state, cheap things first; the machine checks the rest.
func (r *Run) check(tx *chain.Tx) (chain.Address, error) {
	if err := tx.Check(r.in.Block.ChainID); err != nil {
		return chain.Address{}, err
	}
	if tx.GasFeeCap.Lt(&r.in.Block.BaseFee) {
		return chain.Address{}, FaultFeeCap
	}
	if tx.Gas > r.GasLeft() {
		return chain.Address{}, FaultBlockGas
	}
	return tx.Sender()
}

// receipt books what a transaction used (EXEC-3) and makes its receipt.
func (r *Run) receipt(tx *chain.Tx, out *vm.Outcome) {
	must.Hold(out.GasUsed <= tx.Gas, "exec: more gas used than there was")
	r.burn(out)
	r.out.GasUsed += out.GasUsed
	rec := &chain.Receipt{
		TxType: tx.Type, Status: chain.StatusOK, CumulativeGas: r.out.GasUsed,
		GasUsed: out.GasUsed, EffectivePrice: tx.EffectivePrice(&r.in.Block.BaseFee),
	}
	if tx.To == nil {
		rec.ContractAddress = &out.Created
	}
	if out.Fault != 0 {
		rec.Status, rec.Reason = chain.StatusFailed, Reason(out.Fault, out.Output)
		must.Hold(len(r.view.Logs()) == 0, "exec: logs of a failed transaction")
	} else if logs := r.view.Logs(); len(logs) > 0 {
		rec.Logs = logs
		rec.Bloom.AddLogs(logs)
		r.out.Bloom.Or(&rec.Bloom)
	}
	r.out.Receipts = append(r.out.Receipts, rec)
}

func (r *Run) burn(out *vm.Outcome) {
	var fee uint256.Int
	_, over := fee.MulOverflow(&uint256.Int{out.GasUsed}, &r.in.Block.BaseFee)
	must.Hold(!over, "exec: fee above 2^256") // gas * fee cap was checked, and the base fee is not above it
	r.out.Burned.Add(&r.out.Burned, &fee)
	r.out.Burned.Add(&r.out.Burned, &out.Burned)
}
