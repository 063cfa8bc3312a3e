package rpc

import (
	"context"
	"errors"
	"fmt"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/ledger/exec"
	"github.com/aiwork/aiwork-node/ledger/state"
	"github.com/aiwork/aiwork-node/vm"
)

// callGasMax bounds the gas of a call, and is what one has that names none.
const callGasMax = 50_000_000

func (e *eth) addCalls(t *Table) {
	t.Add(Method{
		Name: "eth_call", Summary: "Result of a call that changes nothing, in the surroundings of a block (latest) and on the state after it.",
		Params: []string{"call", "block", "stateOverrides", "blockOverrides"}, Cost: 5, Class: ClassCall,
	}, e.call)
	t.Add(Method{
		Name: "eth_estimateGas", Summary: "Least gas limit with which a transaction succeeds, in the block that comes next (pending).",
		Params: []string{"call", "block", "stateOverrides", "blockOverrides"}, Cost: 10, Class: ClassCall,
	}, e.estimate)
}

// stage is a sandbox in which a block has begun, so that calls can be put to it.
type stage struct {
	*Sandbox
	run *exec.Run
}

// scene says on what stage a call is played.
type scene struct {
	block     *BlockTag
	otherwise string // the word that stands for an absent block
	state     *stateOverrides
	header    *blockOverrides
}

// open makes the stage ready. Close it.
func (e *eth) open(sc scene) (*stage, error) {
	tag := BlockTag{word: sc.otherwise}
	if sc.block != nil {
		tag = *sc.block
	}
	h, found, err := e.height(tag)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, Errorf(CodeRefused, "header not found")
	}
	pending := tag.word == "pending"
	var s *Sandbox
	if pending {
		s, err = e.chain.Next(h)
	} else {
		s, err = e.chain.After(h)
	}
	if err != nil {
		return nil, err
	}
	st := &stage{Sandbox: s}
	if err := st.begin(pending, &sc); err != nil {
		s.Close()
		return nil, err
	}
	return st, nil
}

// begin puts the overrides in place. What a block does before its first transaction is done in its true
// surroundings.
func (st *stage) begin(pending bool, sc *scene) error {
	if pending {
		view := state.New(st.State)
		exec.Begin(view, &st.Input, st.Engine)
		if view.Err() != nil {
			return view.Err()
		}
		st.State = state.NewOverlay(st.State, view.Diff())
	}
	if err := sc.state.apply(st.Sandbox); err != nil {
		return err
	}
	if err := sc.header.apply(st.Sandbox); err != nil {
		return err
	}
	st.run = exec.Resume(state.New(st.State), &st.Input, st.Engine)
	return nil
}

func (e *eth) call(ctx context.Context, args callArgs, tag *BlockTag, over *stateOverrides, block *blockOverrides) (Bytes, error) {
	m, err := args.message(e.params.ChainID)
	if err != nil {
		return nil, err
	}
	st, err := e.open(scene{tag, "latest", over, block})
	if err != nil {
		return nil, err
	}
	defer st.Close()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r, err := st.run.Probe(&m)
	if err != nil {
		return nil, st.refused(&m, err)
	}
	if fault := st.fault(&m, &r); fault != nil {
		return nil, fault
	}
	return append(Bytes{}, r.Output...), nil
}

func (e *eth) estimate(ctx context.Context, args callArgs, tag *BlockTag, over *stateOverrides, block *blockOverrides) (Uint64, error) {
	m, err := args.message(e.params.ChainID)
	if err != nil {
		return 0, err
	}
	st, err := e.open(scene{tag, "pending", over, block})
	if err != nil {
		return 0, err
	}
	defer st.Close()
	gas, err := st.estimate(ctx, &m)
	return Uint64(gas), err
}

// estimate finds the least gas limit of a message within what a transaction may have and its sender can
// pay for.
func (st *stage) estimate(ctx context.Context, m *exec.Message) (uint64, error) {
	if m.Gas < chain.TxGas || m.Gas > chain.TxGasMaxLimit {
		m.Gas = chain.TxGasMaxLimit
	}
	limit, err := st.affordable(m)
	if err != nil {
		return 0, err
	}
	m.Gas = min(m.Gas, limit)
	gas, r, err := st.run.Estimate(m, pauses(ctx).Err)
	switch {
	case tooLittleGas(err), err == nil && r.Fault == vm.FaultGas:
		return 0, Errorf(CodeRefused, "gas required exceeds allowance (%d)", m.Gas)
	case err != nil:
		return 0, st.refused(m, err)
	}
	if fault := st.fault(m, &r); fault != nil {
		return 0, fault
	}
	return gas, nil
}

// affordable gives the most gas that the sender of a message can pay for at the price that it names.
func (st *stage) affordable(m *exec.Message) (uint64, error) {
	if m.FeeCap.IsZero() {
		return m.Gas, nil
	}
	left := st.run.View().Balance(m.From)
	if left.Lt(&m.Value) {
		return 0, Errorf(CodeRefused, "insufficient funds for transfer")
	}
	left.Sub(&left, &m.Value)
	left.Div(&left, &m.FeeCap)
	if !left.IsUint64() {
		return m.Gas, nil
	}
	return left.Uint64(), st.run.View().Err()
}

// refused gives the error of a message that cannot run at all, in the words that clients look for.
func (st *stage) refused(m *exec.Message, err error) error {
	if cancelled(err) {
		return Errorf(CodeRefused, "execution aborted: the call takes longer than this node lets one take")
	}
	switch {
	case errors.Is(err, exec.FaultFunds):
		want, _ := cost(m)
		have := st.run.View().Balance(m.From)
		return Errorf(CodeRefused, "%s: address %s have %s want %s", err, m.From.Checksum(), have.Dec(), want.Dec())
	case errors.Is(err, exec.FaultFeeCap):
		return Errorf(CodeRefused, "%s: address %s, maxFeePerGas: %s, baseFee: %s", err, m.From.Checksum(), m.FeeCap.Dec(), st.Input.Block.BaseFee.Dec())
	case refusal(err) == vm.TxFaultTip:
		return Errorf(CodeRefused, "%s: address %s, maxPriorityFeePerGas: %s, maxFeePerGas: %s", err, m.From.Checksum(), m.TipCap.Dec(), m.FeeCap.Dec())
	case tooLittleGas(err):
		gas, floor := intrinsic(m)
		return Errorf(CodeRefused, "%s: have %d, want %d", err, m.Gas, max(gas, floor))
	}
	return err
}

// refusal gives the machine's own word for why a message cannot run, 0 if it said nothing.
func refusal(err error) vm.TxFault {
	if r, ok := errors.AsType[*exec.Refusal](err); ok {
		return r.Why
	}
	return 0
}

func tooLittleGas(err error) bool {
	return refusal(err) == vm.TxFaultIntrinsic || refusal(err) == vm.TxFaultFloor
}

func cancelled(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// cost is the most that a message can take from its sender.
func cost(m *exec.Message) (total uint256.Int, ok bool) {
	_, over1 := total.MulOverflow(&m.FeeCap, uint256.NewInt(m.Gas))
	_, over2 := total.AddOverflow(&total, &m.Value)
	return total, !over1 && !over2
}

// fault gives the error of a message that ran and failed; nil if it did not. Reverts have code 3 and the
// data from which clients decode the reason.
func (st *stage) fault(m *exec.Message, r *exec.CallResult) *Error {
	if r.Fault == 0 {
		return nil
	}
	if r.Fault == vm.FaultRevert {
		return reverted(r.Output)
	}
	if r.Fault == vm.FaultInstruction {
		return Errorf(CodeRefused, "invalid opcode: %s", st.culprit(m))
	}
	return Errorf(CodeRefused, "%s", faultText(r.Fault))
}

func reverted(output []byte) *Error {
	text := "execution reverted"
	if said, ok := exec.RevertReason(output); ok {
		text += ": " + said
	}
	return &Error{Code: CodeReverted, Message: text, Data: Bytes(output)}
}

// faultText gives the words of other nodes where ours differ.
func faultText(f vm.Fault) string {
	switch f {
	case vm.FaultStatic:
		return "write protection"
	case vm.FaultDepth:
		return "max call depth exceeded"
	case vm.FaultCodeSize:
		return "max code size exceeded"
	case vm.FaultInitSize:
		return "max initcode size exceeded"
	case vm.FaultCodePrefix:
		return "invalid code: must not begin with 0xef"
	case vm.FaultOverflow:
		return "stack limit reached"
	}
	return f.Error()
}

// culprit runs a failed message again to see at which instruction it ends.
func (st *stage) culprit(m *exec.Message) string {
	var last lastStep
	st.run.Trace(&last)
	defer st.run.Trace(nil)
	if _, err := st.run.Probe(m); err != nil {
		return "unknown"
	}
	if last.op == vm.INVALID {
		return "INVALID"
	}
	return fmt.Sprintf("opcode %#x not defined", byte(last.op))
}

// lastStep remembers the last instruction.
type lastStep struct{ op vm.Op }

func (*lastStep) Enter(vm.Call)                 {}
func (l *lastStep) Step(s *vm.Step)             { l.op = s.Op }
func (*lastStep) Log(*chain.Log)                {}
func (*lastStep) Exit([]byte, uint64, vm.Fault) {}
