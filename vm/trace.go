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
	// Exit is told of the end of the last call entered; fault 0 means that it returned.
	Exit(output []byte, gasLeft uint64, fault Fault)
}

// Call is a call about to run.
type Call struct {
	Op       Op // CALL for the transaction's own call, CREATE for its creation
	Depth    int
	From, To chain.Address
	Value    uint256.Int
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
	if m.tracer != nil {
		m.tracer.Enter(Call{Op: op, Depth: f.depth, From: f.caller, To: to, Value: *value, Gas: f.gas, Input: input})
	}
}

func (m *Machine) traceExit(f *frame, fault Fault) {
	if m.tracer != nil {
		m.tracer.Exit(f.out, f.gas, fault)
	}
}
