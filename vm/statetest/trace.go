package statetest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/vm"
)

// Trace is a vm.Tracer that writes a line of JSON for each instruction, in the form of EIP-3155, so that
// runs of different machines can be compared line by line. gasCost is what the instruction took in the
// end, so for a call without what came back; a line is written when that is known.
type Trace struct {
	w    *bufio.Writer
	open []*line // by depth, the last instruction of each running call
	err  error
}

type line struct {
	PC      uint64   `json:"pc"`
	Op      byte     `json:"op"`
	Gas     string   `json:"gas"`
	GasCost string   `json:"gasCost"`
	MemSize int      `json:"memSize"`
	Stack   []string `json:"stack"`
	Depth   int      `json:"depth"`
	Refund  uint64   `json:"refund"`
	OpName  string   `json:"opName"`
	Error   string   `json:"error,omitempty"`
	gas     uint64
}

// NewTrace gives a trace that writes to w.
func NewTrace(w io.Writer) *Trace { return &Trace{w: bufio.NewWriter(w)} }

// Enter notes a call.
func (t *Trace) Enter(vm.Call) { t.open = append(t.open, nil) }

// Log says nothing here.
func (t *Trace) Log(*chain.Log) {}

// Step notes an instruction and writes the one before it in the same call.
func (t *Trace) Step(s *vm.Step) {
	t.close(s.Gas, 0)
	l := &line{
		PC: s.PC, Op: byte(s.Op), Gas: hexNumber(s.Gas), MemSize: len(s.Memory), Depth: s.Depth + 1, Refund: s.Refund,
		OpName: s.Op.String(), Stack: make([]string, len(s.Stack)), gas: s.Gas,
	}
	for i := range s.Stack {
		l.Stack[i] = s.Stack[i].Hex()
	}
	t.open[len(t.open)-1] = l
}

// Exit writes the last instruction of a call.
func (t *Trace) Exit(_ []byte, left uint64, fault vm.Fault) {
	t.close(left, fault)
	t.open = t.open[:len(t.open)-1]
}

func (t *Trace) close(left uint64, fault vm.Fault) {
	l := t.open[len(t.open)-1]
	if l == nil {
		return
	}
	l.GasCost = hexNumber(l.gas - min(left, l.gas))
	if fault != 0 {
		l.Error = fault.Error()
	}
	t.write(l)
}

func (t *Trace) write(value any) {
	b, err := json.Marshal(value)
	if err == nil {
		_, err = t.w.Write(append(b, '\n'))
	}
	if t.err == nil {
		t.err = err
	}
}

// Close writes what is left and gives the first error of the writer.
func (t *Trace) Close() error {
	if err := t.w.Flush(); t.err == nil {
		t.err = err
	}
	return t.err
}

func hexNumber(n uint64) string { return fmt.Sprintf("0x%x", n) }

// RunCode runs code as the only contract of an otherwise empty state, without the costs of a transaction.
// The returned function runs it again on a fresh state; t may be nil.
func RunCode(m *vm.Machine, code, input []byte, gas uint64, t vm.Tracer) func() vm.Outcome {
	from, to := chain.Address{19: 0xaa}, chain.Address{19: 0xbb}
	tx := vm.Tx{From: from, To: &to, Gas: gas, Data: input}
	m.SetBlock(vm.Block{ChainID: 1, Number: 1, Time: 1, GasLimit: gas, Hash: blockHash})
	m.Trace(t)
	return func() vm.Outcome {
		w := NewWorld()
		w.AddBalance(from, uint256.NewInt(1e18))
		w.SetCode(to, code)
		w.Begin()
		m.SetState(w)
		return m.Call(&tx)
	}
}
