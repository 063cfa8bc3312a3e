package vm

import (
	"math/bits"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/vm/fork"
)

// blockRawsMax bounds the instructions of a block, so that their gas and places have room in an instr.
const blockRawsMax = 1 << 15

// raw is an instruction of a block as it stands in the code, or a constant that several made.
type raw struct {
	op   Op // PUSH32 for every push
	word uint256.Int
	gas  uint64
	next uint32 // the place after it in the code
}

// translator makes a program of a code, block by block, in time and memory linear in its size.
type translator struct {
	*program
	code *Code
	tab  *table
	raws []raw // of the current block
}

func newProgram(c *Code, rules fork.Fork, tab *table) *program {
	t := translator{program: &program{rules: rules, entries: make([]uint32, c.size)}, code: c, tab: tab}
	for i := range t.entries {
		t.entries[i] = noBlock
	}
	for pc, ok := 0, true; ok; {
		pc, ok = t.block(pc)
	}
	for i := range t.ins {
		if in := &t.ins[i]; in.form.leads() {
			in.arg = t.entries[in.arg]
		}
	}
	return t.program
}

// block translates the block at pc and gives the place of the next one; ok is false after the last.
func (t *translator) block(pc int) (next int, ok bool) {
	if pc < t.code.size && Op(t.code.padded[pc]) == JUMPDEST {
		t.entries[pc] = uint32(len(t.blocks))
	}
	b := block{first: uint32(len(t.ins)), pc: uint32(pc)}
	pc, dead := t.read(pc, &b)
	t.write(b.gas)
	t.blocks = append(t.blocks, b)
	if !dead {
		return pc, true
	}
	// What follows is not reached but by a jump.
	return t.nextDest(pc)
}

func (t *translator) nextDest(pc int) (int, bool) {
	if pc >= t.code.size {
		return 0, false
	}
	word := t.code.dests[pc>>6] >> (pc & 63) << (pc & 63)
	for i := pc >> 6; ; word = t.code.dests[i] {
		if word != 0 {
			return i<<6 + bits.TrailingZeros64(word), true
		}
		if i++; i == len(t.code.dests) {
			return 0, false
		}
	}
}

// read fills t.raws with the block that begins at pc, and b with what it costs and needs. It gives the place
// after the block, and whether nothing runs on there.
func (t *translator) read(pc int, b *block) (next int, dead bool) {
	t.raws = t.raws[:0]
	height, need, peak := 0, 0, 0
	for first := pc; ; {
		op := Op(t.code.padded[pc]) // beyond the end of the code stands a STOP
		e := &t.tab[op]
		if op == JUMPDEST && pc > first || len(t.raws) == blockRawsMax {
			t.raws = append(t.raws, raw{op: opFall, next: uint32(pc)})
			dead = false
			break
		}
		if e.gas == undefined {
			t.raws = append(t.raws, raw{op: INVALID, next: uint32(pc)})
			pc, dead = pc+1, true
			break
		}
		need = max(need, int(e.need)-height)
		height += int(e.grow)
		peak = max(peak, height)
		b.gas += e.gas
		r := raw{op: op, gas: e.gas}
		pc++
		if op >= PUSH1 && op <= PUSH32 {
			n := int(op-PUSH1) + 1
			r.op = PUSH32
			r.word.SetBytes(t.code.padded[pc : pc+n])
			pc += n
		}
		r.next = uint32(pc)
		t.add(r)
		if op == JUMPI {
			break
		}
		if op == JUMP || op == STOP || op == RETURN || op == REVERT || op == SELFDESTRUCT {
			dead = true
			break
		}
	}
	b.need, b.room = uint16(need), uint16(stackMax-need-peak)
	if need+peak > stackMax {
		b.need, b.room = stackMax+1, 0 // no stack is both high and low enough
	}
	return pc, dead
}

// opFall is a raw that is no instruction: the block ends because a JUMPDEST follows. No code has it as an
// instruction that is defined.
const opFall Op = 0x0c

// add appends an instruction to the block. One whose operands are constants becomes a constant.
func (t *translator) add(r raw) {
	n := len(t.raws)
	switch r.op {
	case JUMPDEST:
		// Only its gas is left of it. The first instruction after it takes that over: nobody can see gas between.
		r.op = opNothing
	case PUSH0:
		r.op = PUSH32
	case PC:
		r.op, r.word = PUSH32, uint256.Int{uint64(r.next) - 1}
	case NOT, ISZERO:
		if n >= 1 && t.raws[n-1].op == PUSH32 {
			x := &t.raws[n-1]
			fold(r.op, &x.word, &x.word)
			x.gas, x.next = x.gas+r.gas, r.next
			return
		}
	case ADD, SUB, MUL, AND, OR, SHL, SHR:
		if n >= 2 && t.raws[n-1].op == PUSH32 && t.raws[n-2].op == PUSH32 {
			x, y := &t.raws[n-1], &t.raws[n-2]
			fold(r.op, &x.word, &y.word)
			y.gas, y.next = x.gas+y.gas+r.gas, r.next
			t.raws = t.raws[:n-1]
			return
		}
	}
	t.raws = append(t.raws, r)
}

// opNothing is a raw that only has gas.
const opNothing Op = 0x0d

// fold puts the result of op on constants into y.
func fold(op Op, x, y *uint256.Int) {
	switch op {
	case NOT:
		y.Not(y)
	case ISZERO:
		*y = truth(y.IsZero())
	case ADD:
		y.Add(x, y)
	case SUB:
		y.Sub(x, y)
	case MUL:
		y.Mul(x, y)
	case AND:
		y.And(x, y)
	case OR:
		y.Or(x, y)
	case SHL:
		shiftLeft(y, x)
	case SHR:
		shiftRight(y, x)
	}
}

// write turns the block's raws into instructions. gas is what the block costs.
func (t *translator) write(gas uint64) {
	for raws := t.raws; len(raws) > 0; {
		in, n := t.fuse(raws)
		for _, r := range raws[:n] {
			gas -= r.gas
		}
		if in.form != formNone {
			t.ins = append(t.ins, in)
			t.rest = append(t.rest, rest{pc: raws[n-1].next, gas: uint32(gas)})
		}
		raws = raws[n:]
	}
}

// constant gives the index of a new constant.
func (t *translator) constant(x *uint256.Int) uint32 {
	t.consts = append(t.consts, *x)
	return uint32(len(t.consts) - 1)
}

// dest gives x as the place of a JUMPDEST.
func (t *translator) dest(x *uint256.Int) (uint32, bool) {
	return uint32(x[0]), x.IsUint64() && t.code.canJump(x[0])
}
