package vm

import (
	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
)

// Tracer is told what the machine does. It changes nothing, and keeps none of the slices it is given.
type Tracer interface {
	// Enter is told of a call or creation before it runs.
	Enter(c Call)
	// Step is told of an instruction before it is paid for.
	Step(s *Step)
	// Log is told of a log, after it was written.
	Log(l *chain.Log)
	// Exit is told of the end of the last call entered; fault 0 means that it returned.
	Exit(output []byte, gasLeft uint64, fault Fault)
}

// Call is a call about to run, or one that is refused before it runs: then its Exit follows at once.
type Call struct {
	Op       Op // CALL for the transaction's own call, CREATE for its creation, SELFDESTRUCT for its payment
	Depth    int
	From, To chain.Address // From is the contract that calls
	Value    uint256.Int   // for DELEGATECALL the one that the code sees
	Gas      uint64
	Input    []byte
}

// Step is an instruction about to run.
type Step struct {
	PC     uint64
	Op     Op
	Gas    uint64
	Refund uint64
	Depth  int
	Self   chain.Address
	Stack  []uint256.Int // the top is the last
	Memory []byte
	Return []byte // of the last call
}

func (m *Machine) step(f *frame, pc uint64, op byte, gas uint64, sp uint) {
	m.tracer.Step(&Step{
		PC: pc, Op: Op(op), Gas: gas, Refund: m.st.Refund(), Depth: f.depth, Self: f.self,
		Stack: f.stack[:sp], Memory: f.mem, Return: f.ret,
	})
}

func (m *Machine) traceEnter(op Op, f *frame, to chain.Address, value *uint256.Int, input []byte) {
	if m.tracer == nil {
		return
	}
	from := f.caller
	if op == DELEGATECALL {
		from = f.self // whose call it is; the caller that the code sees is the one before
	}
	m.tracer.Enter(Call{Op: op, Depth: f.depth, From: from, To: to, Value: *value, Gas: f.gas, Input: input})
}

func (m *Machine) traceExit(f *frame, fault Fault) {
	if m.tracer != nil {
		m.tracer.Exit(f.out, f.gas, fault)
	}
}

// traceRefused tells of a call that does not start, for want of depth or money.
func (m *Machine) traceRefused(op Op, f *frame, to chain.Address, value *uint256.Int, gas uint64, input []byte) {
	if m.tracer == nil {
		return
	}
	fault := FaultBalance
	if f.depth == depthMax {
		fault = FaultDepth
	}
	if op == DELEGATECALL {
		value = &f.value
	}
	m.tracer.Enter(Call{Op: op, Depth: f.depth + 1, From: f.self, To: to, Value: *value, Gas: gas, Input: input})
	m.tracer.Exit(nil, gas, fault)
}

// tracePayment tells of the money that a self-destruction moves.
func (m *Machine) tracePayment(f *frame, heir chain.Address, amount *uint256.Int) {
	if m.tracer != nil {
		m.tracer.Enter(Call{Op: SELFDESTRUCT, Depth: f.depth + 1, From: f.self, To: heir, Value: *amount})
		m.tracer.Exit(nil, 0, 0)
	}
}
