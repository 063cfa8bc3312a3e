package vm

import (
	"github.com/aiwork/aiwork-node/internal/must"
)

// ending says whether a frame is over, and how.
type ending struct {
	over  bool
	fault Fault
}

// slow runs the i-th instruction of a program, for which something must be called. It gives the stack and the
// gas after it.
func (m *Machine) slow(f *frame, p *program, i uint32, sp uint, gas uint64) (uint, uint64, ending) {
	in := &p.ins[i]
	switch in.form {
	case formDo:
		return m.exact(f, &p.rest[i], Op(in.n), sp, gas)

	// Memory grows, or cannot. The operands are put where the instruction by itself has them.
	case form(MLOAD), formAddLoad:
		return m.exact(f, &p.rest[i], MLOAD, sp, gas)
	case formLoadAt:
		return m.exact(f, &p.rest[i], MLOAD, sp+1, gas)
	case formLoadDup:
		f.stack[sp&stackMask] = *f.at(sp, uint(in.n)-1)
		return m.exact(f, &p.rest[i], MLOAD, sp+1, gas)
	case form(MSTORE):
		return m.exact(f, &p.rest[i], MSTORE, sp, gas)
	case formStoreAt:
		return m.exact(f, &p.rest[i], MSTORE, sp+1, gas)
	case formStoreDup:
		f.stack[sp&stackMask] = *f.at(sp, uint(in.n)-1)
		return m.exact(f, &p.rest[i], MSTORE, sp+1, gas)
	case formStoreSwap:
		x, y := f.at(sp, 0), f.at(sp, 1)
		*x, *y = *y, *x
		return m.exact(f, &p.rest[i], MSTORE, sp, gas)

	case form(STOP):
		f.gas = gas
		return 0, 0, ending{over: true}
	case form(RETURN), form(REVERT):
		return 0, 0, ending{true, f.giveBack(Op(in.form), sp, gas)}
	case form(SELFDESTRUCT):
		left, fault := m.destruct(f, f.at(sp, 0).Bytes20(), gas)
		f.gas = left
		return 0, 0, ending{true, fault}
	case formPlain:
		return 0, 0, ending{true, m.run(f, uint64(in.arg), sp, gas)}
	}
	return f.calculate(p, in, sp), gas, ending{}
}

// exact runs an instruction for which gas matters, with what is left as the plain loop would have it: what the
// block has paid for the instructions after it counts too. If the instruction takes so much that those cannot
// be paid, the plain loop goes on after it, and the frame ends there.
func (m *Machine) exact(f *frame, r *rest, op Op, sp uint, gas uint64) (uint, uint64, ending) {
	left, fault := m.do(f, op, sp, gas+uint64(r.gas))
	if fault != 0 {
		return 0, 0, ending{true, fault}
	}
	sp += uint(int(m.table[op].grow))
	if left < uint64(r.gas) {
		return 0, 0, ending{true, m.run(f, uint64(r.pc), sp, left)}
	}
	return sp, left - uint64(r.gas), ending{}
}

// calculate runs arithmetic that is too long for the loop, and gives the stack after it.
func (f *frame) calculate(p *program, in *instr, sp uint) uint {
	x := f.at(sp, 0)
	switch in.form {
	case formMulConst:
		x.Mul(x, &p.consts[in.arg])
		return sp
	case formMulDup:
		x.Mul(x, f.at(sp, uint(in.n)-1))
		return sp
	case formDivByConst:
		div(x, x, &p.consts[in.arg])
		return sp
	case formShlWide:
		shl(x, uint(in.n))
		return sp
	case formShrWide:
		shr(x, uint(in.n))
		return sp
	case formSarWide:
		x.SRsh(x, uint(in.n))
		return sp
	}
	y := f.at(sp, 1)
	switch in.form {
	case form(MUL):
		y.Mul(x, y)
	case form(DIV):
		div(y, x, y)
	case form(MOD):
		mod(y, x, y)
	case form(SHL):
		shiftLeft(y, x)
	case form(SHR):
		shiftRight(y, x)
	default:
		must.Hold(false, "vm: a form that no loop knows")
	}
	return sp - 1
}
