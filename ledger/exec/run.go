package exec

import (
	"errors"
	"fmt"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/must"
	"github.com/aiwork/aiwork-node/ledger/state"
	"github.com/aiwork/aiwork-node/vm/native"
)

// Input is what a block is executed from. Gas limit and base fee have been checked.
type Input struct {
	Block      native.Block
	ParentHash chain.Hash
	Beta       [32]byte // the VRF output of the block's proposer
	GasLimit   uint64
	Txs        []*chain.Tx
}

// Output is the outcome of a block, beside what the view holds.
type Output struct {
	Receipts []*chain.Receipt
	GasUsed  uint64
	Bloom    chain.Bloom
	Burned   uint256.Int // base fees, not what modules burn
}

// Run is a block in the making. It is for one goroutine.
type Run struct {
	view    *state.View
	in      *Input
	modules *native.Set
	out     Output
}

// Begin starts a block on a view of its parent's state (EXEC-1).
func Begin(view *state.View, in *Input, modules *native.Set) *Run {
	must.Hold(in.Block.Height > 0, "exec: the genesis block is not executed")
	writeHistory(view, in.Block.Height, in.ParentHash)
	modules.BeginBlock(view, &in.Block, in.Beta)
	return &Run{view: view, in: in, modules: modules}
}

// End gives the outcome.
func (r *Run) End() Output { return r.out }

// GasLeft gives how much gas the block can still take.
func (r *Run) GasLeft() uint64 { return r.in.GasLimit - r.out.GasUsed }

// Block executes a whole block. An error is either a refusal of one of its transactions, which makes
// the block bad and is a Fault or chain.TxFault inside; or it is view.Err(), a fault of this machine.
func Block(view *state.View, in *Input, modules *native.Set) (Output, error) {
	r := Begin(view, in, modules)
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
	v, price := r.view, tx.EffectivePrice(&r.in.Block.BaseFee)
	v.BeginTx()
	prepaid := fee(tx.Gas, &price)
	v.SubBalance(sender, &prepaid)
	v.SetNonce(sender, tx.Nonce+1)
	intrinsic, err := tx.IntrinsicGas()
	must.Hold(err == nil && intrinsic <= tx.Gas, "exec: intrinsic gas was not checked")
	res := r.call(&call{
		from: sender, to: *tx.To, value: tx.Value, data: tx.Data, gas: tx.Gas - intrinsic, access: tx.AccessList,
	})
	used := max(tx.Gas-res.GasLeft-refund(v.Refund(), tx.Gas-res.GasLeft), tx.FloorGas())
	must.Hold(used <= tx.Gas, "exec: more gas used than there was")
	r.settle(tx, sender, &price, used)
	r.receipt(tx, &price, used, res.Err)
	v.EndTx()
	return nil
}

// check is EXEC-2, cheap things first.
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
	sender, err := tx.Sender()
	if err != nil {
		return sender, err
	}
	acct := r.view.Account(sender)
	cost, overflow := tx.Cost()
	switch {
	case tx.Nonce < acct.Nonce:
		return sender, FaultNonceLow
	case tx.Nonce > acct.Nonce:
		return sender, FaultNonceHigh
	case !acct.CodeHash.IsZero():
		return sender, FaultSender
	case overflow || acct.Balance.Lt(&cost):
		return sender, FaultFunds
	}
	return sender, nil
}

// settle is EXEC-3: gives back what was not used, pays the tip, counts what is burned.
func (r *Run) settle(tx *chain.Tx, sender chain.Address, price *uint256.Int, used uint64) {
	back := fee(tx.Gas-used, price)
	r.view.AddBalance(sender, &back)
	tip := tx.EffectiveTip(&r.in.Block.BaseFee)
	tip = fee(used, &tip)
	r.view.AddBalance(r.in.Block.Coinbase, &tip)
	burned := fee(used, &r.in.Block.BaseFee)
	r.out.Burned.Add(&r.out.Burned, &burned)
}

func (r *Run) receipt(tx *chain.Tx, price *uint256.Int, used uint64, failed error) {
	r.out.GasUsed += used
	rec := &chain.Receipt{
		TxType: tx.Type, Status: chain.StatusOK, CumulativeGas: r.out.GasUsed,
		GasUsed: used, EffectivePrice: *price,
	}
	if failed != nil {
		rec.Status, rec.Reason = chain.StatusFailed, reason(failed)
		must.Hold(len(r.view.Logs()) == 0, "exec: logs of a failed transaction")
	} else if logs := r.view.Logs(); len(logs) > 0 {
		rec.Logs = logs
		rec.Bloom.AddLogs(logs)
		r.out.Bloom.Or(&rec.Bloom)
	}
	r.out.Receipts = append(r.out.Receipts, rec)
}

// reason gives the text for people, cut to its limit.
func reason(err error) string {
	text := err.Error()
	if revert, ok := errors.AsType[*native.Revert](err); ok {
		text = revert.Reason
	}
	return text[:min(len(text), chain.ReceiptReasonMax)]
}

func fee(gas uint64, price *uint256.Int) uint256.Int {
	var f uint256.Int
	_, overflow := f.MulOverflow(&uint256.Int{gas}, price)
	must.Hold(!overflow, "exec: fee above 2^256") // gas * fee cap was checked, and prices are not above it
	return f
}

// refund is EIP-3529: at most a fifth of the gas used comes back.
func refund(collected, used uint64) uint64 { return min(collected, used/5) }
