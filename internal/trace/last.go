package trace

import (
	"fmt"
	"math/bits"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/vm"
	"github.com/aiwork/aiwork-node/vm/fork"
)

// operandsMax is the most operands of an instruction whose price depends on them.
const operandsMax = 7

// last is the instruction that a frame ran last. Package vm reports it before it is paid for, so when the
// frame ends here, what it would have cost and why it was refused is worked out from this.
type last struct {
	op       vm.Op
	gas      uint64
	stack    int // words
	operands [operandsMax]uint256.Int
	memory   uint64 // bytes
	self     chain.Address
	depth    int
	none     bool // no instruction yet

	warm     bool       // the account or slot that it names was touched before
	now, was chain.Hash // of SSTORE: what the slot holds, and held when the transaction began
}

func (l *last) set(env *Env, s *vm.Step) {
	l.op, l.gas, l.stack, l.memory, l.self, l.depth, l.none = s.Op, s.Gas, len(s.Stack), uint64(len(s.Memory)), s.Self, s.Depth, false
	for i := range min(len(s.Stack), operandsMax) {
		l.operands[i] = s.Stack[len(s.Stack)-1-i]
	}
	l.warm = false
	if l.stack < 1 {
		return
	}
	w, ok := env.State.(warmth)
	switch s.Op {
	case vm.SSTORE, vm.SLOAD:
		key := chain.Hash(l.operands[0].Bytes32())
		l.now, l.was = env.State.Slot(s.Self, key), env.State.CommittedSlot(s.Self, key)
		l.warm = ok && w.IsWarmSlot(s.Self, key)
	case vm.SELFDESTRUCT, vm.BALANCE, vm.EXTCODESIZE, vm.EXTCODEHASH, vm.EXTCODECOPY:
		addr := chain.Address(l.operands[0].Bytes20())
		l.warm = env.builtIn(addr) || ok && w.IsWarmAddress(addr)
	}
}

// warmth is what a State may know beside: what this transaction has touched before (EIP-2929).
type warmth interface {
	IsWarmAddress(a chain.Address) bool
	IsWarmSlot(a chain.Address, key chain.Hash) bool
}

// ending is how a frame's last instruction is told of.
type ending struct {
	cost  uint64 // what it took or would have taken
	error string // why it was not run; empty if it was, even if the frame failed then
	text  string // why the frame failed
}

// explain tells of the instruction that a frame with a fault ran last. Costs and texts are those of
// go-ethereum, but that a failure for want of gas never names a second reason.
func (l *last) explain(f fork.Fork, fault vm.Fault, created bool) ending {
	row := vm.RowOf(f, l.op)
	base := constantGas(f, l.op, row.Gas)
	dynamic, ok := l.dynamicGas(f)
	e := ending{cost: base + dynamic, text: faultText(fault)}
	switch fault {
	case vm.FaultInstruction:
		e.cost, e.text = 0, "invalid opcode: "+opName(l.op)
	case vm.FaultUnderflow:
		e.cost, e.text = base, fmt.Sprintf("stack underflow (%d <=> %d)", l.stack, row.Pops)
		e.error = e.text
	case vm.FaultOverflow:
		e.cost, e.text = base, fmt.Sprintf("stack limit reached %d (%d)", l.stack, row.StackMax)
		e.error = e.text
	case vm.FaultGas:
		if created && l.deposits(base, dynamic, ok) {
			e.text = "contract creation code storage out of gas"
			return e
		}
		if l.gas < base || !ok {
			e.cost = base
		}
		e.error = e.text
	case vm.FaultInitSize:
		e.cost, e.error = base, e.text
	case vm.FaultStatic:
		l.explainStatic(&e, base, dynamic, ok)
	}
	return e
}

// explainStatic tells of a change inside a static call. Our machine refuses it first, go-ethereum when the
// constant part is paid for, or with LOG and TSTORE all of it.
func (l *last) explainStatic(e *ending, base, dynamic uint64, ok bool) {
	early := false
	switch l.op {
	case vm.SSTORE, vm.CREATE, vm.CREATE2, vm.CALL, vm.SELFDESTRUCT:
		early = true
	}
	switch {
	case l.gas < base || !early && !ok:
		e.cost, e.text = base, faultText(vm.FaultGas)
	case early:
		e.cost = base
	case l.gas < base+dynamic:
		e.text = faultText(vm.FaultGas)
	default:
		return // it was paid for
	}
	e.error = e.text
}

// deposits reports whether it was the new contract's code that could not be paid for.
func (l *last) deposits(base, dynamic uint64, ok bool) bool {
	return l.op == vm.RETURN && ok && base+dynamic <= l.gas
}

// opName is as go-ethereum writes it.
func opName(op vm.Op) string {
	if op == vm.PREVRANDAO {
		return "DIFFICULTY"
	}
	if name := op.String(); len(name) < 7 || name[:7] != "opcode " {
		return name
	}
	return fmt.Sprintf("opcode %#x not defined", byte(op))
}

// faultText gives go-ethereum's words, which clients look for.
func faultText(f vm.Fault) string {
	switch f {
	case vm.FaultStatic:
		return "write protection"
	case vm.FaultDepth:
		return "max call depth exceeded"
	case vm.FaultNonce:
		return "nonce uint64 overflow"
	case vm.FaultCodeSize:
		return "max code size exceeded"
	case vm.FaultCodePrefix:
		return "invalid code: must not begin with 0xef"
	case vm.FaultInitSize:
		return "max initcode size exceeded"
	}
	return f.Error()
}

// constantGas is the part of the price that go-ethereum asks for before it looks at the operands.
func constantGas(f fork.Fork, op vm.Op, row uint64) uint64 {
	switch {
	case op == vm.EXP || op >= vm.LOG0 && op <= vm.LOG4:
		return 0
	case f < fork.Berlin:
		return row
	}
	switch op {
	case vm.BALANCE, vm.EXTCODESIZE, vm.EXTCODEHASH, vm.EXTCODECOPY, vm.CALL, vm.CALLCODE, vm.DELEGATECALL, vm.STATICCALL:
		return warmGas
	}
	return row
}

// Prices of the protocol that package vm keeps to itself.
const (
	warmGas        = 100
	coldAccountGas = 2_600
	coldSlotGas    = 2_100
	slotSetGas     = 20_000
	slotResetGas   = 5_000 - coldSlotGas
	stipendGas     = 2_300
	newAccountGas  = 25_000
	destructGas    = 5_000
	memoryWordsMax = 0x1fffffffe0 / 32
)

// dynamicGas is the rest of the price. It is not ok where go-ethereum gives up before it knows.
func (l *last) dynamicGas(f fork.Fork) (gas uint64, ok bool) {
	if l.stack < vm.RowOf(f, l.op).Pops {
		return 0, false
	}
	gas, ok = l.memoryGas()
	if !ok {
		return 0, false
	}
	word := func(i int) uint64 { return l.operands[i].Uint64() }
	words := func(i int, price uint64) uint64 { return (word(i) + 31) / 32 * price }
	switch l.op {
	case vm.KECCAK256:
		gas += words(1, 6)
	case vm.CALLDATACOPY, vm.CODECOPY, vm.RETURNDATACOPY, vm.MCOPY:
		gas += words(2, 3)
	case vm.EXTCODECOPY:
		gas += words(3, 3) + l.coldGas()
	case vm.LOG0, vm.LOG0 + 1, vm.LOG0 + 2, vm.LOG0 + 3, vm.LOG4:
		gas += 375 * (1 + uint64(l.op-vm.LOG0))
		gas += 8 * word(1)
	case vm.CREATE:
		gas += words(2, 2)
	case vm.CREATE2:
		gas += words(2, 2+6)
	case vm.EXP:
		gas += 10 + 50*uint64((l.operands[1].BitLen()+7)/8)
	case vm.BALANCE, vm.EXTCODESIZE, vm.EXTCODEHASH:
		gas += l.coldGas()
	case vm.SLOAD:
		if l.warm {
			return warmGas, true
		}
		return coldSlotGas, true
	case vm.SSTORE:
		return l.storeGas()
	case vm.CALL, vm.CALLCODE, vm.DELEGATECALL, vm.STATICCALL:
		return 0, false
	case vm.SELFDESTRUCT:
		if !l.warm {
			gas = coldAccountGas
		}
		if l.gas < destructGas+gas {
			return 0, false
		}
		gas += newAccountGas
	}
	return gas, true
}

// coldGas is what an account costs beside the constant part of the price.
func (l *last) coldGas() uint64 {
	if l.warm {
		return 0
	}
	return coldAccountGas - warmGas
}

// storeGas is the price of SSTORE without its refunds (EIP-2200, EIP-2929).
func (l *last) storeGas() (gas uint64, ok bool) {
	if l.gas <= stipendGas {
		return 0, false
	}
	if !l.warm {
		gas = coldSlotGas
	}
	switch val := chain.Hash(l.operands[1].Bytes32()); {
	case l.now == val || l.now != l.was:
		return gas + warmGas, true
	case l.was.IsZero():
		return gas + slotSetGas, true
	}
	return gas + slotResetGas, true
}

// memoryGas is the price of the memory that the operands name beyond what there is.
func (l *last) memoryGas() (uint64, bool) {
	end := uint64(0)
	for _, r := range memoryRanges(l.op) {
		size := l.operands[r.size]
		if r.fixed > 0 {
			size.SetUint64(r.fixed)
		}
		if size.IsZero() {
			continue
		}
		off := l.operands[r.offset]
		sum, carry := bits.Add64(off.Uint64(), size.Uint64(), 0)
		if !off.IsUint64() || !size.IsUint64() || carry != 0 {
			return 0, false
		}
		end = max(end, sum)
	}
	had, words := l.memory/32, (end+31)/32
	if words <= had {
		return 0, true
	}
	if end > memoryWordsMax*32 {
		return 0, false
	}
	return 3*words + words*words/512 - 3*had - had*had/512, true
}

// span says which operands name a range of memory; with fixed, its size is no operand.
type span struct {
	offset, size int
	fixed        uint64
}

func memoryRanges(op vm.Op) []span {
	switch op {
	case vm.MLOAD, vm.MSTORE:
		return []span{{offset: 0, fixed: 32}}
	case vm.MSTORE8:
		return []span{{offset: 0, fixed: 1}}
	case vm.KECCAK256, vm.RETURN, vm.REVERT, vm.LOG0, vm.LOG0 + 1, vm.LOG0 + 2, vm.LOG0 + 3, vm.LOG4:
		return []span{{offset: 0, size: 1}}
	case vm.CALLDATACOPY, vm.CODECOPY, vm.RETURNDATACOPY:
		return []span{{offset: 0, size: 2}}
	case vm.MCOPY:
		return []span{{offset: 0, size: 2}, {offset: 1, size: 2}}
	case vm.EXTCODECOPY:
		return []span{{offset: 1, size: 3}}
	case vm.CREATE, vm.CREATE2:
		return []span{{offset: 1, size: 2}}
	case vm.CALL, vm.CALLCODE:
		return []span{{offset: 3, size: 4}, {offset: 5, size: 6}}
	case vm.DELEGATECALL, vm.STATICCALL:
		return []span{{offset: 2, size: 3}, {offset: 4, size: 5}}
	}
	return nil
}
