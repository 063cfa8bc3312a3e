package trace

import (
	"bytes"
	"encoding/json"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/vm"
)

// Frame is a call, creation or self-destruction inside a transaction.
type Frame struct {
	Op       vm.Op
	Depth    int
	From, To chain.Address
	Value    uint256.Int
	Input    []byte
	Output   []byte   // the answer, or what a revert said
	Fault    vm.Fault // 0: it went well
	Undone   bool     // it failed, or a call around it did
}

// Frames is a Tracer that lists calls in the order in which they begin.
type Frames struct {
	budget budget
	list   []Frame
	open   []int // of the running ones, their places in list; -1 for one that there was no room for
}

// frameBytes is what a Frame takes in JSON beside its data.
const frameBytes = 280

// NewFrames gives a tracer for one transaction.
func NewFrames() *Frames { return &Frames{budget: budget{left: ResultBytesMax}} }

// Begin is told of the transaction.
func (t *Frames) Begin(*Env, *Tx) {}

// Enter notes a call.
func (t *Frames) Enter(c vm.Call) {
	if !t.budget.take(frameBytes + 2*len(c.Input)) {
		t.open = append(t.open, -1)
		return
	}
	t.open = append(t.open, len(t.list))
	t.list = append(t.list, Frame{
		Op: c.Op, Depth: len(t.open) - 1, From: c.From, To: c.To, Value: c.Value, Input: bytes.Clone(c.Input),
	})
}

// Step is told of an instruction.
func (t *Frames) Step(*vm.Step) {}

// Log is told of a log.
func (t *Frames) Log(*chain.Log) {}

// Exit notes how a call ended.
func (t *Frames) Exit(output []byte, _ uint64, fault vm.Fault) {
	i := t.open[len(t.open)-1]
	t.open = t.open[:len(t.open)-1]
	if i < 0 {
		return
	}
	if (fault == 0 || fault == vm.FaultRevert) && t.budget.take(2*len(output)) {
		t.list[i].Output = bytes.Clone(output)
	}
	t.list[i].Fault = fault
	if fault != 0 {
		for j := i; j < len(t.list); j++ {
			t.list[j].Undone = true
		}
	}
}

// End is told what the transaction pays for.
func (t *Frames) End(uint64) {}

// List gives all of them, or ErrTooLarge.
func (t *Frames) List() ([]Frame, error) { return t.list, t.budget.err() }

// Result gives nothing: a list is no JSON form of anybody.
func (t *Frames) Result() (json.RawMessage, error) { return json.RawMessage("{}"), t.budget.err() }
