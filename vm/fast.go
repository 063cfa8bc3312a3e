package vm

import (
	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/must"
)

// runProgram is run for a code that has been translated: it begins with a block, and does what the plain loop
// would do. Where it cannot (see program), it leaves the rest of the frame to that one.
func (m *Machine) runProgram(f *frame, p *program, next uint32, sp uint, gas uint64) Fault {
	var (
		st  = &f.stack
		ins = p.ins
		x   *uint256.Int
		y   *uint256.Int
	)
	f.gas = 0
blocks:
	for {
		b := &p.blocks[next]
		if gas < b.gas || sp-uint(b.need) > uint(b.room) {
			return m.run(f, uint64(b.pc), sp, gas)
		}
		gas -= b.gas
		for i := b.first; ; i++ {
			in := &ins[i]
			switch in.form {
			case form(STOP):
				f.gas = gas
				return 0
			case form(ADD):
				sp--
				x, y = &st[sp&stackMask], &st[(sp-1)&stackMask]
				add(y, x, y)
			case form(MUL):
				sp--
				x, y = &st[sp&stackMask], &st[(sp-1)&stackMask]
				mul(y, x, y)
			case form(SUB):
				sp--
				x, y = &st[sp&stackMask], &st[(sp-1)&stackMask]
				sub(y, x, y)
			case form(DIV):
				sp--
				x, y = &st[sp&stackMask], &st[(sp-1)&stackMask]
				div(y, x, y)
			case form(MOD):
				sp--
				x, y = &st[sp&stackMask], &st[(sp-1)&stackMask]
				mod(y, x, y)
			case formFall:
				next++
				continue blocks
			case formDo:
				left, ended, fault := m.inProgram(f, &p.rest[i], Op(in.n), sp, gas)
				if ended {
					return fault
				}
				gas = left
				sp += uint(int16(in.m))
			case formPlain:
				return m.run(f, uint64(in.arg), sp, gas)
			case formPushSmall:
				st[sp&stackMask] = uint256.Int{uint64(in.arg)}
				sp++

			case form(LT):
				sp--
				x, y = &st[sp&stackMask], &st[(sp-1)&stackMask]
				*y = uint256.Int{less(x, y)}
			case form(GT):
				sp--
				x, y = &st[sp&stackMask], &st[(sp-1)&stackMask]
				*y = uint256.Int{less(y, x)}
			case form(SLT):
				sp--
				x, y = &st[sp&stackMask], &st[(sp-1)&stackMask]
				*y = uint256.Int{lessSigned(x, y)}
			case form(SGT):
				sp--
				x, y = &st[sp&stackMask], &st[(sp-1)&stackMask]
				*y = uint256.Int{lessSigned(y, x)}
			case form(EQ):
				sp--
				x, y = &st[sp&stackMask], &st[(sp-1)&stackMask]
				*y = uint256.Int{isZero(differ(x, y))}
			case form(ISZERO):
				x = &st[(sp-1)&stackMask]
				*x = uint256.Int{isZero(anyBit(x))}
			case form(AND):
				sp--
				x, y = &st[sp&stackMask], &st[(sp-1)&stackMask]
				y[0], y[1], y[2], y[3] = x[0]&y[0], x[1]&y[1], x[2]&y[2], x[3]&y[3]
			case form(OR):
				sp--
				x, y = &st[sp&stackMask], &st[(sp-1)&stackMask]
				y[0], y[1], y[2], y[3] = x[0]|y[0], x[1]|y[1], x[2]|y[2], x[3]|y[3]
			case form(XOR):
				sp--
				x, y = &st[sp&stackMask], &st[(sp-1)&stackMask]
				y[0], y[1], y[2], y[3] = x[0]^y[0], x[1]^y[1], x[2]^y[2], x[3]^y[3]
			case form(NOT):
				x = &st[(sp-1)&stackMask]
				x[0], x[1], x[2], x[3] = ^x[0], ^x[1], ^x[2], ^x[3]
			case form(SHL):
				sp--
				shiftLeft(&st[(sp-1)&stackMask], &st[sp&stackMask])
			case form(SHR):
				sp--
				shiftRight(&st[(sp-1)&stackMask], &st[sp&stackMask])

			case formPush:
				st[sp&stackMask] = p.consts[in.arg]
				sp++
			case formPush2:
				st[sp&stackMask] = uint256.Int{uint64(in.m)}
				st[(sp+1)&stackMask] = uint256.Int{uint64(in.arg)}
				sp += 2
			case formPushDup:
				st[sp&stackMask] = uint256.Int{uint64(in.arg)}
				sp++
				st[sp&stackMask] = st[(sp-uint(in.n))&stackMask]
				sp++
			case formDup:
				st[sp&stackMask] = st[(sp-uint(in.n))&stackMask]
				sp++
			case formDup2:
				st[sp&stackMask] = st[(sp-uint(in.n))&stackMask]
				sp++
				st[sp&stackMask] = st[(sp-uint(in.m))&stackMask]
				sp++
			case formSwap:
				x, y = &st[(sp-1)&stackMask], &st[(sp-1-uint(in.n))&stackMask]
				*x, *y = *y, *x
			case formSwap2:
				x, y = &st[(sp-1)&stackMask], &st[(sp-1-uint(in.n))&stackMask]
				*x, *y = *y, *x
				y = &st[(sp-1-uint(in.m))&stackMask]
				*x, *y = *y, *x
			case formSlide:
				st[(sp-1-uint(in.n))&stackMask] = st[(sp-1)&stackMask]
				sp -= uint(in.m)
			case formPop:
				sp -= uint(in.n)

			case formJumpTo:
				next = in.arg
				continue blocks
			case formJumpIf:
				sp--
				next = branch(anyBit(&st[sp&stackMask]), in.arg, next)
				continue blocks
			case formJumpUnless:
				sp--
				next = branch(isZero(anyBit(&st[sp&stackMask])), in.arg, next)
				continue blocks
			case form(JUMP):
				sp--
				x = &st[sp&stackMask]
				if !x.IsUint64() || !f.code.canJump(x[0]) {
					return FaultJump
				}
				next = p.blockAt(x[0])
				continue blocks
			case form(JUMPI):
				sp -= 2
				if anyBit(&st[sp&stackMask]) == 0 {
					next++
					continue blocks
				}
				x = &st[(sp+1)&stackMask]
				if !x.IsUint64() || !f.code.canJump(x[0]) {
					return FaultJump
				}
				next = p.blockAt(x[0])
				continue blocks
			case formJumpLt:
				sp -= 2
				x, y = &st[(sp+1)&stackMask], &st[sp&stackMask]
				next = branch(less(x, y)^uint64(in.n), in.arg, next)
				continue blocks
			case formJumpGt:
				sp -= 2
				x, y = &st[(sp+1)&stackMask], &st[sp&stackMask]
				next = branch(less(y, x)^uint64(in.n), in.arg, next)
				continue blocks
			case formJumpSlt:
				sp -= 2
				x, y = &st[(sp+1)&stackMask], &st[sp&stackMask]
				next = branch(lessSigned(x, y)^uint64(in.n), in.arg, next)
				continue blocks
			case formJumpSgt:
				sp -= 2
				x, y = &st[(sp+1)&stackMask], &st[sp&stackMask]
				next = branch(lessSigned(y, x)^uint64(in.n), in.arg, next)
				continue blocks
			case formJumpEq:
				sp -= 2
				x, y = &st[(sp+1)&stackMask], &st[sp&stackMask]
				next = branch(isZero(differ(x, y))^uint64(in.n), in.arg, next)
				continue blocks
			case formJumpLtDup:
				sp--
				x, y = &st[(sp+1-uint(in.m))&stackMask], &st[sp&stackMask]
				next = branch(less(x, y)^uint64(in.n), in.arg, next)
				continue blocks
			case formJumpGtDup:
				sp--
				x, y = &st[(sp+1-uint(in.m))&stackMask], &st[sp&stackMask]
				next = branch(less(y, x)^uint64(in.n), in.arg, next)
				continue blocks
			case formJumpSltDup:
				sp--
				x, y = &st[(sp+1-uint(in.m))&stackMask], &st[sp&stackMask]
				next = branch(lessSigned(x, y)^uint64(in.n), in.arg, next)
				continue blocks
			case formJumpSgtDup:
				sp--
				x, y = &st[(sp+1-uint(in.m))&stackMask], &st[sp&stackMask]
				next = branch(lessSigned(y, x)^uint64(in.n), in.arg, next)
				continue blocks
			case formJumpEqDup:
				sp--
				x, y = &st[(sp+1-uint(in.m))&stackMask], &st[sp&stackMask]
				next = branch(isZero(differ(x, y))^uint64(in.n), in.arg, next)
				continue blocks

			case formAddSmall:
				x = &st[(sp-1)&stackMask]
				add(x, x, &uint256.Int{uint64(in.arg)})
			case formAddConst:
				x = &st[(sp-1)&stackMask]
				add(x, x, &p.consts[in.arg])
			case formMulConst:
				x = &st[(sp-1)&stackMask]
				mul(x, x, &p.consts[in.arg])
			case formAndConst:
				x, y = &st[(sp-1)&stackMask], &p.consts[in.arg]
				x[0], x[1], x[2], x[3] = x[0]&y[0], x[1]&y[1], x[2]&y[2], x[3]&y[3]
			case formEqConst:
				x = &st[(sp-1)&stackMask]
				*x = uint256.Int{isZero(differ(x, &p.consts[in.arg]))}
			case formSubConst:
				x = &st[(sp-1)&stackMask]
				sub(x, &p.consts[in.arg], x)
			case formDivByConst:
				x = &st[(sp-1)&stackMask]
				div(x, x, &p.consts[in.arg])
			case formLtConst:
				x = &st[(sp-1)&stackMask]
				*x = uint256.Int{less(&p.consts[in.arg], x)}
			case formGtConst:
				x = &st[(sp-1)&stackMask]
				*x = uint256.Int{less(x, &p.consts[in.arg])}
			case formShlBy:
				shl(&st[(sp-1)&stackMask], uint(in.n))
			case formShrBy:
				shr(&st[(sp-1)&stackMask], uint(in.n))
			case formSarBy:
				x = &st[(sp-1)&stackMask]
				x.SRsh(x, uint(in.n))

			case formAddDup:
				x, y = &st[(sp-uint(in.n))&stackMask], &st[(sp-1)&stackMask]
				add(y, x, y)
			case formSubDup:
				x, y = &st[(sp-uint(in.n))&stackMask], &st[(sp-1)&stackMask]
				sub(y, x, y)
			case formMulDup:
				x, y = &st[(sp-uint(in.n))&stackMask], &st[(sp-1)&stackMask]
				mul(y, x, y)
			case formAndDup:
				x, y = &st[(sp-uint(in.n))&stackMask], &st[(sp-1)&stackMask]
				y[0], y[1], y[2], y[3] = x[0]&y[0], x[1]&y[1], x[2]&y[2], x[3]&y[3]
			case formOrDup:
				x, y = &st[(sp-uint(in.n))&stackMask], &st[(sp-1)&stackMask]
				y[0], y[1], y[2], y[3] = x[0]|y[0], x[1]|y[1], x[2]|y[2], x[3]|y[3]
			case formLtDup:
				x, y = &st[(sp-uint(in.n))&stackMask], &st[(sp-1)&stackMask]
				*y = uint256.Int{less(x, y)}
			case formGtDup:
				x, y = &st[(sp-uint(in.n))&stackMask], &st[(sp-1)&stackMask]
				*y = uint256.Int{less(y, x)}
			case formSltDup:
				x, y = &st[(sp-uint(in.n))&stackMask], &st[(sp-1)&stackMask]
				*y = uint256.Int{lessSigned(x, y)}
			case formSgtDup:
				x, y = &st[(sp-uint(in.n))&stackMask], &st[(sp-1)&stackMask]
				*y = uint256.Int{lessSigned(y, x)}
			case formEqDup:
				x, y = &st[(sp-uint(in.n))&stackMask], &st[(sp-1)&stackMask]
				*y = uint256.Int{isZero(differ(x, y))}

			case form(MLOAD):
				x = &st[(sp-1)&stackMask]
				if f.has(x) {
					readWord(x, f.mem[x[0]:])
					continue
				}
				left, ended, fault := m.inProgram(f, &p.rest[i], MLOAD, sp, gas)
				if ended {
					return fault
				}
				gas = left
			case formLoadAt:
				x = &st[sp&stackMask]
				*x = uint256.Int{uint64(in.arg)}
				sp++
				if f.has(x) {
					readWord(x, f.mem[x[0]:])
					continue
				}
				left, ended, fault := m.inProgram(f, &p.rest[i], MLOAD, sp, gas)
				if ended {
					return fault
				}
				gas = left
			case formLoadDup:
				x, y = &st[sp&stackMask], &st[(sp-uint(in.n))&stackMask]
				sp++
				if f.has(y) {
					readWord(x, f.mem[y[0]:])
					continue
				}
				*x = *y
				left, ended, fault := m.inProgram(f, &p.rest[i], MLOAD, sp, gas)
				if ended {
					return fault
				}
				gas = left
			case formAddLoad:
				sp--
				x, y = &st[sp&stackMask], &st[(sp-1)&stackMask]
				add(y, x, y)
				if f.has(y) {
					readWord(y, f.mem[y[0]:])
					continue
				}
				left, ended, fault := m.inProgram(f, &p.rest[i], MLOAD, sp, gas)
				if ended {
					return fault
				}
				gas = left
			case form(MSTORE):
				x, y = &st[(sp-1)&stackMask], &st[(sp-2)&stackMask]
				if !f.has(x) {
					left, ended, fault := m.inProgram(f, &p.rest[i], MSTORE, sp, gas)
					if ended {
						return fault
					}
					gas = left
				} else {
					writeWord(f.mem[x[0]:], y)
				}
				sp -= 2
			case formStoreAt:
				x, y = &st[sp&stackMask], &st[(sp-1)&stackMask]
				*x = uint256.Int{uint64(in.arg)}
				if !f.has(x) {
					left, ended, fault := m.inProgram(f, &p.rest[i], MSTORE, sp+1, gas)
					if ended {
						return fault
					}
					gas = left
				} else {
					writeWord(f.mem[x[0]:], y)
				}
				sp--
			case formStoreDup:
				x, y = &st[(sp-uint(in.n))&stackMask], &st[(sp-1)&stackMask]
				if !f.has(x) {
					st[sp&stackMask] = *x
					left, ended, fault := m.inProgram(f, &p.rest[i], MSTORE, sp+1, gas)
					if ended {
						return fault
					}
					gas = left
				} else {
					writeWord(f.mem[x[0]:], y)
				}
				sp--
			case formStoreSwap:
				x, y = &st[(sp-1)&stackMask], &st[(sp-2)&stackMask]
				if !f.has(y) {
					*x, *y = *y, *x
					left, ended, fault := m.inProgram(f, &p.rest[i], MSTORE, sp, gas)
					if ended {
						return fault
					}
					gas = left
				} else {
					writeWord(f.mem[y[0]:], x)
				}
				sp -= 2

			case formAdd2:
				sp -= 2
				x, y = &st[(sp+1)&stackMask], &st[(sp-1)&stackMask]
				add(y, x, y)
				add(y, y, &st[sp&stackMask])
			case formNotEqual:
				sp--
				x, y = &st[sp&stackMask], &st[(sp-1)&stackMask]
				*y = uint256.Int{isZero(differ(x, y)) ^ 1}
			case formNotLess:
				sp--
				x, y = &st[sp&stackMask], &st[(sp-1)&stackMask]
				*y = uint256.Int{less(x, y) ^ 1}
			case formNotGreater:
				sp--
				x, y = &st[sp&stackMask], &st[(sp-1)&stackMask]
				*y = uint256.Int{less(y, x) ^ 1}
			case formIsNotZero:
				x = &st[(sp-1)&stackMask]
				*x = uint256.Int{isZero(anyBit(x)) ^ 1}

			case form(GAS):
				st[sp&stackMask] = uint256.Int{gas + uint64(p.rest[i].gas)}
				sp++
			case form(RETURN), form(REVERT):
				return f.giveBack(Op(in.form), sp, gas)
			case form(SELFDESTRUCT):
				left, fault := m.destruct(f, st[(sp-1)&stackMask].Bytes20(), gas)
				f.gas = left
				return fault
			default:
				must.Hold(false, "vm: a form that the loop does not know")
			}
		}
	}
}

// inProgram runs an instruction for which gas matters, with what is left as the plain loop would have it: what
// the block has paid for the instructions after it counts too. If the instruction takes so much that those
// cannot be paid, the plain loop goes on after it; then, or by a fault, the frame has ended.
func (m *Machine) inProgram(f *frame, r *rest, op Op, sp uint, gas uint64) (left uint64, ended bool, fault Fault) {
	left, fault = m.do(f, op, sp, gas+uint64(r.gas))
	if fault != 0 {
		return 0, true, fault
	}
	if left < uint64(r.gas) {
		return 0, true, m.run(f, uint64(r.pc), sp+uint(int(m.table[op].grow)), left)
	}
	return left - uint64(r.gas), false, 0
}

// branch gives the block after a jump that is made if cond is not zero.
func branch(cond uint64, target, next uint32) uint32 {
	if cond != 0 {
		return target
	}
	return next + 1
}
