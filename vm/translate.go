package vm

import (
	"encoding/binary"
	"math/bits"
	"slices"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/vm/fork"
)

// blockRawsMax bounds the instructions of a block, so that their gas and places have room in an instr.
const blockRawsMax = 1 << 15

// raw is an instruction of a block as it stands in the code, or a constant that several made.
type raw struct {
	op   Op     // PUSH32 for every push
	word uint32 // of a push: its index in words
	gas  uint32
	next uint32 // the place after it in the code
}

// Raws that are no instructions. No rule set has instructions with these numbers.
const (
	opFall    Op = 0x0c // the block ends because a JUMPDEST follows
	opNothing Op = 0x0d // only gas, of a JUMPDEST
	opEnd     Op = 0x0e // stands endRaws times after the last, so that forms can be looked for without a limit
)

const endRaws = 5

// translator makes programs of codes, block by block, in time and memory linear in their size. It is kept
// from one to the next for its memory.
type translator struct {
	program
	code  *Code
	tab   *table
	raws  []raw         // of the current block
	words []uint256.Int // of the current block's constants
}

// translate gives the program of a code.
func (t *translator) translate(c *Code, rules fork.Fork, tab *table) *program {
	t.code, t.tab = c, tab
	t.ins, t.rest, t.blocks, t.consts = t.ins[:0], t.rest[:0], t.blocks[:0], t.consts[:0]
	t.entries = make([]uint32, c.size)
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
	p := &program{
		rules: rules, ins: slices.Clone(t.ins), rest: slices.Clone(t.rest), blocks: slices.Clone(t.blocks),
		consts: slices.Clone(t.consts), entries: t.entries,
	}
	t.code, t.entries = nil, nil
	if len(t.ins) > translatorKeepMax {
		*t = translator{}
	}
	return p
}

// translatorKeepMax bounds the memory that a translator keeps, in instructions of its last program.
const translatorKeepMax = 1 << 16

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
	t.raws, t.words = t.raws[:0], t.words[:0]
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
		pc++
		if op >= PUSH1 && op <= PUSH32 {
			n := int(op-PUSH1) + 1
			t.words = append(t.words, uint256.Int{})
			pushed(&t.words[len(t.words)-1], t.code.padded[pc:], n)
			pc += n
		}
		t.add(op, uint32(e.gas), uint32(pc))
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

// pushed reads the n bytes of a push. Where they are few, as mostly, it reads eight at once.
func pushed(x *uint256.Int, b []byte, n int) {
	if n <= 8 {
		x[0] = binary.BigEndian.Uint64(b) >> (64 - 8*n)
		return
	}
	x.SetBytes(b[:n])
}

// add appends an instruction to the block; the word of a push stands last in words. An instruction whose
// operands are constants becomes a constant.
func (t *translator) add(op Op, gas, next uint32) {
	n := len(t.raws)
	r := raw{op: op, gas: gas, next: next}
	switch {
	case op == JUMPDEST:
		r.op = opNothing
	case op >= PUSH1 && op <= PUSH32:
		r.op, r.word = PUSH32, uint32(len(t.words)-1)
	case op == PUSH0 || op == PC:
		r.op, r.word = PUSH32, uint32(len(t.words))
		t.words = append(t.words, uint256.Int{})
		if op == PC {
			t.words[r.word][0] = uint64(next) - 1
		}
	case n >= 1 && t.raws[n-1].op == PUSH32 && (op == NOT || op == ISZERO):
		x := &t.raws[n-1]
		fold(op, nil, &t.words[x.word])
		x.gas, x.next = x.gas+gas, next
		return
	case n >= 2 && t.raws[n-1].op == PUSH32 && t.raws[n-2].op == PUSH32 && folds(op):
		x, y := &t.raws[n-1], &t.raws[n-2]
		fold(op, &t.words[x.word], &t.words[y.word])
		y.gas, y.next = x.gas+y.gas+gas, next
		t.raws = t.raws[:n-1]
		return
	}
	t.raws = append(t.raws, r)
}

// folds reports whether op on two constants becomes a constant.
func folds(op Op) bool {
	switch op {
	case ADD, SUB, MUL, AND, OR, SHL, SHR:
		return true
	}
	return false
}

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
	n := len(t.raws)
	for range endRaws {
		t.raws = append(t.raws, raw{op: opEnd})
	}
	for i := 0; i < n; {
		in, taken := t.fuse(t.raws[i:])
		for ; taken > 0; taken-- {
			gas -= uint64(t.raws[i].gas)
			i++
		}
		if in.form != formNone {
			t.ins = append(t.ins, in)
			t.rest = append(t.rest, rest{pc: t.raws[i-1].next, gas: uint32(gas)})
		}
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
