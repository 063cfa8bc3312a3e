package vm

import "github.com/holiman/uint256"

// fuse gives the instruction for the longest stretch at the beginning of raws that has a form, and how many
// raws that is. What takes gas by its operands or shows gas stands last in every form, so that what the
// block has paid for the rest is known there. After the last raw stand endRaws others that fit nowhere.
func (t *translator) fuse(raws []raw) (instr, int) {
	r := &raws[0]
	switch {
	case r.op == opNothing:
		return instr{form: formNone}, 1
	case r.op == opFall:
		return instr{form: formFall}, 1
	case r.op == INVALID:
		return instr{form: formPlain, arg: r.next}, 1
	case r.op == PUSH32:
		return t.fusePush(raws)
	case r.op >= DUP1 && r.op <= DUP16:
		return t.fuseDup(raws)
	case r.op >= SWAP1 && r.op <= SWAP16:
		return fuseSwap(raws)
	case r.op == POP:
		n := count(raws, POP)
		return instr{form: formPop, n: uint8(n)}, n
	}
	if in, n := t.fuseCompare(raws, 0); n > 0 {
		return in, n
	}
	switch next := raws[1].op; {
	case r.op == ADD && next == MLOAD:
		return instr{form: formAddLoad}, 2
	case r.op == ADD && next == ADD:
		return instr{form: formAdd2}, 2
	case r.op == EQ && next == ISZERO:
		return instr{form: formNotEqual}, 2
	case r.op == LT && next == ISZERO:
		return instr{form: formNotLess}, 2
	case r.op == GT && next == ISZERO:
		return instr{form: formNotGreater}, 2
	case r.op == ISZERO && next == ISZERO:
		return instr{form: formIsNotZero}, 2
	}
	return t.single(r), 1
}

// countMax bounds what a form counts in a byte.
const countMax = 255

// count gives how many of the first raws are op.
func count(raws []raw, op Op) int {
	n := 0
	for n < countMax && raws[n].op == op {
		n++
	}
	return n
}

// single gives an instruction that stands for itself.
func (t *translator) single(r *raw) instr {
	switch r.op {
	case STOP, ADD, MUL, SUB, DIV, MOD, LT, GT, SLT, SGT, EQ, ISZERO, AND, OR, XOR, NOT, SHL, SHR, MLOAD, MSTORE,
		JUMP, JUMPI, GAS, RETURN, REVERT, SELFDESTRUCT:
		return instr{form: form(r.op)}
	}
	return instr{form: formDo, n: uint8(r.op), m: uint16(t.tab[r.op].grow)}
}

// fuseCompare makes a jump of raws from the i-th on: a comparison, perhaps an ISZERO, a constant, a JUMPI.
// n is 0 if they are not that.
func (t *translator) fuseCompare(raws []raw, i int) (in instr, n int) {
	switch raws[i].op {
	case LT:
		in.form = formJumpLt
	case GT:
		in.form = formJumpGt
	case SLT:
		in.form = formJumpSlt
	case SGT:
		in.form = formJumpSgt
	case EQ:
		in.form = formJumpEq
	case ISZERO:
		in.form = formJumpUnless
	default:
		return in, 0
	}
	for n = i + 1; in.form != formJumpUnless && raws[n].op == ISZERO; n++ {
		in.n ^= 1
	}
	if raws[n].op != PUSH32 || raws[n+1].op != JUMPI {
		return in, 0
	}
	dest, ok := t.dest(&t.words[raws[n].word])
	if !ok {
		return in, 0
	}
	in.arg = dest
	return in, n + 2
}

// fusePush makes an instruction that begins with a constant.
func (t *translator) fusePush(raws []raw) (instr, int) {
	c, next := &t.words[raws[0].word], raws[1].op
	if dest, ok := t.dest(c); ok && next == JUMP {
		return instr{form: formJumpTo, arg: dest}, 2
	} else if ok && next == JUMPI {
		return instr{form: formJumpIf, arg: dest}, 2
	}
	if in, n := t.fuseConst(c, next, raws[2].op); n > 0 {
		return in, n
	}
	if !c.LtUint64(1 << 32) {
		return instr{form: formPush, arg: t.constant(c)}, 1
	}
	switch {
	case next == MLOAD:
		return instr{form: formLoadAt, arg: uint32(c[0])}, 2
	case next == MSTORE:
		return instr{form: formStoreAt, arg: uint32(c[0])}, 2
	case next >= DUP1 && next <= DUP16 && dupForm(raws[1:]) == formNone:
		return instr{form: formPushDup, n: uint8(next-DUP1) + 1, arg: uint32(c[0])}, 2
	case next == PUSH32 && c[0] < 1<<16 && t.words[raws[1].word].LtUint64(1<<32) && !t.pushFuses(raws[1:]):
		return instr{form: formPush2, m: uint16(c[0]), arg: uint32(t.words[raws[1].word][0])}, 2
	}
	return instr{form: formPushSmall, arg: uint32(c[0])}, 1
}

// pushFuses reports whether a constant makes a form with what follows it.
func (t *translator) pushFuses(raws []raw) bool {
	next := raws[1].op
	if next == JUMP || next == JUMPI || next == MLOAD || next == MSTORE {
		return true
	}
	f, _ := constForm(&t.words[raws[0].word], next, raws[2].op)
	return f != formNone
}

// fuseConst makes an instruction of a constant and the operation on it.
func (t *translator) fuseConst(c *uint256.Int, next, second Op) (in instr, n int) {
	in.form, n = constForm(c, next, second)
	switch in.form {
	case formNone:
		return in, 0
	case formShlBy, formShrBy, formSarBy:
		if in.n = uint8(c[0]); in.n == 0 || in.n >= 64 {
			in.form += formShlWide - formShlBy
		}
	case formAddSmall:
		in.arg = uint32(c[0])
	case formTakeConst:
		in.form, in.arg = formAddConst, t.constant(new(uint256.Int).Neg(c))
	default:
		in.arg = t.constant(c)
	}
	return in, n
}

// constForm gives the form of an operation on a constant and the word below it, and how many raws that is.
func constForm(c *uint256.Int, next, second Op) (form, int) {
	small := c.LtUint64(256)
	switch {
	case next == ADD && c.LtUint64(1<<32):
		return formAddSmall, 2
	case next == ADD:
		return formAddConst, 2
	case next == MUL:
		return formMulConst, 2
	case next == AND:
		return formAndConst, 2
	case next == EQ:
		return formEqConst, 2
	case next == SUB:
		return formSubConst, 2
	case next == LT:
		return formLtConst, 2
	case next == GT:
		return formGtConst, 2
	case next == SHL && small:
		return formShlBy, 2
	case next == SHR && small:
		return formShrBy, 2
	case next == SAR && small:
		return formSarBy, 2
	case next == SWAP1 && second == SUB:
		return formTakeConst, 3
	case next == SWAP1 && second == DIV:
		return formDivByConst, 3
	}
	return formNone, 0
}

// fuseDup makes an instruction that begins with a copy of a word.
func (t *translator) fuseDup(raws []raw) (instr, int) {
	n := uint8(raws[0].op-DUP1) + 1
	if in, taken := t.fuseCompare(raws, 1); taken > 0 && in.form >= formJumpLt && in.form <= formJumpEq {
		in.form, in.m = in.form+(formJumpLtDup-formJumpLt), uint16(n)
		return in, taken
	}
	if f := dupForm(raws); f != formNone {
		return instr{form: f, n: n}, 2
	}
	next := raws[1].op
	if next >= DUP1 && next <= DUP16 && dupForm(raws[1:]) == formNone {
		return instr{form: formDup2, n: n, m: uint16(next-DUP1) + 1}, 2
	}
	return instr{form: formDup, n: n}, 1
}

// dupForm gives the form of a copy and the operation on it and the word below, formNone if there is none.
func dupForm(raws []raw) form {
	switch raws[1].op {
	case ADD:
		return formAddDup
	case SUB:
		return formSubDup
	case MUL:
		return formMulDup
	case AND:
		return formAndDup
	case OR:
		return formOrDup
	case LT:
		return formLtDup
	case GT:
		return formGtDup
	case SLT:
		return formSltDup
	case SGT:
		return formSgtDup
	case EQ:
		return formEqDup
	case MLOAD:
		return formLoadDup
	case MSTORE:
		return formStoreDup
	}
	return formNone
}

// fuseSwap makes an instruction that begins with an exchange.
func fuseSwap(raws []raw) (instr, int) {
	n := uint8(raws[0].op-SWAP1) + 1
	next := raws[1].op
	switch {
	case next == POP:
		pops := min(count(raws[1:], POP), int(n))
		return instr{form: formSlide, n: n, m: uint16(pops)}, 1 + pops
	case n == 1 && next == MSTORE:
		return instr{form: formStoreSwap}, 2
	case next >= SWAP1 && next <= SWAP16:
		return instr{form: formSwap2, n: n, m: uint16(next-SWAP1) + 1}, 2
	}
	return instr{form: formSwap, n: n}, 1
}
