package trace

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strconv"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/must"
	"github.com/aiwork/aiwork-node/vm"
)

// steps is the struct logger: it keeps a line for each instruction. A line's cost is known when the next
// instruction of the same frame comes, or the frame ends; until then the line is open.
type steps struct {
	config *Config
	budget *budget
	env    *Env

	text    []byte // of all lines, without the parts that become known later
	lines   []line
	frames  []stepFrame
	storage map[chain.Address][]slotValue // by contract, sorted by key: what was read or written so far
	size    int                           // of the lines' JSON, against config.Limit

	gasUsed uint64
	output  []byte
	fault   vm.Fault
}

// line is text[start:cost] + cost + depth and error + text[cost:end] + refund.
type line struct {
	start, mid, end int
	depth           int
	cost, refund    uint64
	error           string
}

// stepFrame is a running call.
type stepFrame struct {
	created bool
	silent  bool // it has no code: the end of it is no instruction
	line    int  // index of the open line, -1 without one
	last    last
	given   uint64 // of the call or creation that its last instruction made
	left    uint64 // of that, what came back
	creates bool   // it made a creation, whose gas is no part of the instruction's cost
}

// slotValue is what is known of a slot.
type slotValue struct{ key, val chain.Hash }

// lineBytes is what a line takes beside its text.
const lineBytes = 80

func newSteps(c *Config, b *budget) *steps {
	return &steps{config: c, budget: b, storage: map[chain.Address][]slotValue{}}
}

func (t *steps) Begin(env *Env, _ *Tx) { t.env = env }

func (t *steps) Enter(c vm.Call) {
	if n := len(t.frames); n > 0 {
		f := &t.frames[n-1]
		f.given, f.creates = c.Gas, c.Op == vm.CREATE || c.Op == vm.CREATE2
	}
	created := c.Op == vm.CREATE || c.Op == vm.CREATE2
	t.frames = append(t.frames, stepFrame{created: created, silent: created && len(c.Input) == 0, line: -1, last: last{none: true}})
}

func (t *steps) Step(s *vm.Step) {
	f := &t.frames[len(t.frames)-1]
	if f.silent {
		return
	}
	t.closeLine(f, s.Gas, s.Refund)
	f.given, f.left, f.creates, f.line = 0, 0, false, -1
	f.last.set(t.env, s)
	if t.config.Limit != 0 && t.size > t.config.Limit || t.budget.over {
		return
	}
	f.line = t.openLine(s)
}

func (t *steps) Log(*chain.Log) {}

func (t *steps) Exit(output []byte, gasLeft uint64, fault vm.Fault) {
	f := &t.frames[len(t.frames)-1]
	t.endLine(f, gasLeft, fault)
	t.frames = t.frames[:len(t.frames)-1]
	if n := len(t.frames); n > 0 {
		t.frames[n-1].left = gasLeft
		return
	}
	t.fault, t.output = fault, nil
	if (fault == 0 || fault == vm.FaultRevert) && t.budget.take(2*len(output)) {
		t.output = bytes.Clone(output)
	}
}

func (t *steps) End(gasUsed uint64) { t.gasUsed = gasUsed }

// openLine writes what is known of an instruction before it runs.
func (t *steps) openLine(s *vm.Step) int {
	l := line{start: len(t.text), depth: s.Depth + 1, refund: s.Refund}
	if !t.budget.take(lineBytes + t.estimate(s)) {
		return -1
	}
	b := append(t.text, `{"pc":`...)
	b = strconv.AppendUint(b, s.PC, 10)
	b = append(append(append(b, `,"op":"`...), opName(s.Op)...), `","gas":`...)
	b = strconv.AppendUint(b, s.Gas, 10)
	b = append(b, `,"gasCost":`...)
	l.mid = len(b)
	if !t.config.DisableStack {
		b = appendStack(b, s)
	}
	if t.config.EnableReturnData && len(s.Return) > 0 {
		b = appendHex(append(b, `,"returnData":`...), s.Return)
	}
	if t.config.EnableMemory && len(s.Memory) > 0 {
		b = appendMemory(b, s.Memory)
	}
	if !t.config.DisableStorage {
		b = t.appendStorage(b, s)
	}
	l.end = len(b)
	t.text = b
	t.size += l.end - l.start + len(`,"depth":1`)
	t.lines = append(t.lines, l)
	return len(t.lines) - 1
}

// estimate bounds from above what openLine writes beside lineBytes.
func (t *steps) estimate(s *vm.Step) int {
	n := 64
	if !t.config.DisableStack {
		for i := range s.Stack {
			n += 5 + (s.Stack[i].BitLen()+3)/4
		}
	}
	if t.config.EnableReturnData {
		n += 18 + 2*len(s.Return)
	}
	if t.config.EnableMemory {
		n += 12 + len(s.Memory)/32*70
	}
	if !t.config.DisableStorage && touchesSlot(s) {
		n += 14 + 138*(len(t.storage[s.Self])+1)
	}
	return n
}

// closeLine tells of an instruction that the next one of the same frame has followed.
func (t *steps) closeLine(f *stepFrame, gas, refund uint64) {
	if f.line < 0 {
		return
	}
	l := &t.lines[f.line]
	l.cost = f.last.gas - gas + f.left
	if f.creates {
		l.cost -= f.given
	}
	if f.last.op == vm.SSTORE {
		l.refund = refund // which go-ethereum books before it tells of the instruction
	}
}

// endLine tells of the last instruction of a frame.
func (t *steps) endLine(f *stepFrame, gasLeft uint64, fault vm.Fault) {
	if f.line < 0 {
		return
	}
	l := &t.lines[f.line]
	switch {
	case fault != 0 && fault != vm.FaultRevert:
		e := f.last.explain(t.env.Fork, fault, f.created)
		l.cost, l.error = e.cost, e.error
	case f.last.op == vm.RETURN || f.last.op == vm.REVERT:
		l.cost, _ = f.last.memoryGas() // a new contract's code is paid for later
	case f.last.op != vm.STOP:
		l.cost = f.last.gas - gasLeft
	}
}

func appendStack(b []byte, s *vm.Step) []byte {
	b = append(b, `,"stack":[`...)
	for i := range s.Stack {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(append(b, '"'), s.Stack[i].Hex()...), '"')
	}
	return append(b, ']')
}

func appendMemory(b, memory []byte) []byte {
	must.Hold(len(memory)%32 == 0, "trace: memory that is not whole words")
	b = append(b, `,"memory":[`...)
	for i := 0; i < len(memory); i += 32 {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendHex(b, memory[i:i+32])
	}
	return append(b, ']')
}

func appendHex(b, data []byte) []byte {
	return append(hex.AppendEncode(append(b, `"0x`...), data), '"')
}

func touchesSlot(s *vm.Step) bool {
	return s.Op == vm.SLOAD && len(s.Stack) >= 1 || s.Op == vm.SSTORE && len(s.Stack) >= 2
}

// appendStorage notes the slot that an instruction reads or writes, and writes all that is known of the
// contract's slots.
func (t *steps) appendStorage(b []byte, s *vm.Step) []byte {
	if !touchesSlot(s) {
		return b
	}
	top := len(s.Stack) - 1
	v := slotValue{key: s.Stack[top].Bytes32()}
	if s.Op == vm.SLOAD {
		v.val = t.env.State.Slot(s.Self, v.key)
	} else {
		v.val = s.Stack[top-1].Bytes32()
	}
	known := noteSlot(t.storage[s.Self], v)
	t.storage[s.Self] = known
	b = append(b, `,"storage":{`...)
	for i := range known {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendHex(b, known[i].key[:]), ':')
		b = appendHex(b, known[i].val[:])
	}
	return append(b, '}')
}

func noteSlot(known []slotValue, v slotValue) []slotValue {
	i, found := slices.BinarySearchFunc(known, v.key, func(have slotValue, key chain.Hash) int {
		return bytes.Compare(have.key[:], key[:])
	})
	if found {
		known[i] = v
		return known
	}
	return slices.Insert(known, i, v)
}

func (t *steps) Result() (json.RawMessage, error) {
	if err := t.budget.err(); err != nil {
		return nil, err
	}
	b := make([]byte, 0, len(t.text)+lineBytes*len(t.lines)+2*len(t.output)+128)
	b = append(b, `{"gas":`...)
	b = strconv.AppendUint(b, t.gasUsed, 10)
	b = strconv.AppendBool(append(b, `,"failed":`...), t.fault != 0)
	b = appendHex(append(b, `,"returnValue":`...), t.output)
	b = append(b, `,"structLogs":[`...)
	for i := range t.lines {
		if i > 0 {
			b = append(b, ',')
		}
		b = t.appendLine(b, &t.lines[i])
	}
	return append(b, "]}"...), nil
}

func (t *steps) appendLine(b []byte, l *line) []byte {
	b = append(b, t.text[l.start:l.mid]...)
	b = strconv.AppendUint(b, l.cost, 10)
	b = strconv.AppendInt(append(b, `,"depth":`...), int64(l.depth), 10)
	if l.error != "" {
		b = strconv.AppendQuote(append(b, `,"error":`...), l.error)
	}
	b = append(b, t.text[l.mid:l.end]...)
	if l.refund != 0 {
		b = strconv.AppendUint(append(b, `,"refund":`...), l.refund, 10)
	}
	return append(b, '}')
}
