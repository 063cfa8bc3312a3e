package vm

import (
	"math/bits"

	"github.com/holiman/uint256"
)

// runProgram is run for a code that has been translated: it begins with a block, and does what the plain loop
// would do. Where it cannot (see program), it leaves the rest of the frame to that one.
//
// The inner loop calls nothing, so that its variables stay in registers. A form for which something must be
// called, always or with the operands at hand, breaks out of it, to slow.
func (m *Machine) runProgram(f *frame, p *program, next uint32, sp uint, gas uint64) Fault {
	var (
		st   = &f.stack
		ins  = p.ins
		x, y *uint256.Int
	)
	f.gas = 0
blocks:
	for {
		b := &p.blocks[next]
		if gas < b.gas || sp-uint(b.need) > uint(b.room) {
			return m.run(f, uint64(b.pc), sp, gas)
		}
		gas -= b.gas
		i := b.first
		for {
		fast:
			for {
				in := &ins[i]
				i++
				switch in.form {
				case form(ADD):
					sp--
					x, y = &st[sp&stackMask], &st[(sp-1)&stackMask]
					add(y, x, y)
				case form(MUL):
					x, y = &st[(sp-1)&stackMask], &st[(sp-2)&stackMask]
					if x[1]|x[2]|x[3]|y[1]|y[2]|y[3] != 0 {
						break fast
					}
					sp--
					hi, lo := bits.Mul64(x[0], y[0])
					*y = uint256.Int{lo, hi}
				case form(SUB):
					sp--
					x, y = &st[sp&stackMask], &st[(sp-1)&stackMask]
					sub(y, x, y)
				case formFall:
					next++
					continue blocks
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
					if next = p.blockAt(&st[sp&stackMask]); next == noBlock {
						return FaultJump
					}
					continue blocks
				case form(JUMPI):
					sp -= 2
					if anyBit(&st[sp&stackMask]) == 0 {
						next++
						continue blocks
					}
					if next = p.blockAt(&st[(sp+1)&stackMask]); next == noBlock {
						return FaultJump
					}
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
					x, y = &st[(sp-1)&stackMask], &p.consts[in.arg]
					if x[1]|x[2]|x[3]|y[1]|y[2]|y[3] != 0 {
						break fast
					}
					hi, lo := bits.Mul64(x[0], y[0])
					*x = uint256.Int{lo, hi}
				case formAndConst:
					x, y = &st[(sp-1)&stackMask], &p.consts[in.arg]
					x[0], x[1], x[2], x[3] = x[0]&y[0], x[1]&y[1], x[2]&y[2], x[3]&y[3]
				case formEqConst:
					x = &st[(sp-1)&stackMask]
					*x = uint256.Int{isZero(differ(x, &p.consts[in.arg]))}
				case formSubConst:
					x = &st[(sp-1)&stackMask]
					sub(x, &p.consts[in.arg], x)
				case formLtConst:
					x = &st[(sp-1)&stackMask]
					*x = uint256.Int{less(&p.consts[in.arg], x)}
				case formGtConst:
					x = &st[(sp-1)&stackMask]
					*x = uint256.Int{less(x, &p.consts[in.arg])}
				case formShlBy:
					x = &st[(sp-1)&stackMask]
					up, down := in.n&63, -in.n&63
					x[3], x[2] = x[3]<<up|x[2]>>down, x[2]<<up|x[1]>>down
					x[1], x[0] = x[1]<<up|x[0]>>down, x[0]<<up
				case formShrBy:
					x = &st[(sp-1)&stackMask]
					down, up := in.n&63, -in.n&63
					x[0], x[1] = x[0]>>down|x[1]<<up, x[1]>>down|x[2]<<up
					x[2], x[3] = x[2]>>down|x[3]<<up, x[3]>>down
				case formSarBy:
					x = &st[(sp-1)&stackMask]
					down, up := in.n&63, -in.n&63
					x[0], x[1] = x[0]>>down|x[1]<<up, x[1]>>down|x[2]<<up
					x[2], x[3] = x[2]>>down|x[3]<<up, uint64(int64(x[3])>>down)
				case formAddDup:
					x, y = &st[(sp-uint(in.n))&stackMask], &st[(sp-1)&stackMask]
					add(y, x, y)
				case formSubDup:
					x, y = &st[(sp-uint(in.n))&stackMask], &st[(sp-1)&stackMask]
					sub(y, x, y)
				case formMulDup:
					x, y = &st[(sp-uint(in.n))&stackMask], &st[(sp-1)&stackMask]
					if x[1]|x[2]|x[3]|y[1]|y[2]|y[3] != 0 {
						break fast
					}
					hi, lo := bits.Mul64(x[0], y[0])
					*y = uint256.Int{lo, hi}
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
					if !f.has(x) {
						break fast
					}
					readWord(x, f.mem[x[0]:])
				case formLoadAt:
					x = &st[sp&stackMask]
					*x = uint256.Int{uint64(in.arg)}
					if !f.has(x) {
						break fast
					}
					readWord(x, f.mem[x[0]:])
					sp++
				case formLoadDup:
					y = &st[(sp-uint(in.n))&stackMask]
					if !f.has(y) {
						break fast
					}
					readWord(&st[sp&stackMask], f.mem[y[0]:])
					sp++
				case formAddLoad:
					sp--
					x, y = &st[sp&stackMask], &st[(sp-1)&stackMask]
					add(y, x, y)
					if !f.has(y) {
						break fast
					}
					readWord(y, f.mem[y[0]:])
				case form(MSTORE):
					x, y = &st[(sp-1)&stackMask], &st[(sp-2)&stackMask]
					if !f.has(x) {
						break fast
					}
					writeWord(f.mem[x[0]:], y)
					sp -= 2
				case formStoreAt:
					x, y = &st[sp&stackMask], &st[(sp-1)&stackMask]
					*x = uint256.Int{uint64(in.arg)}
					if !f.has(x) {
						break fast
					}
					writeWord(f.mem[x[0]:], y)
					sp--
				case formStoreDup:
					x, y = &st[(sp-uint(in.n))&stackMask], &st[(sp-1)&stackMask]
					if !f.has(x) {
						break fast
					}
					writeWord(f.mem[x[0]:], y)
					sp--
				case formStoreSwap:
					x, y = &st[(sp-1)&stackMask], &st[(sp-2)&stackMask]
					if !f.has(y) {
						break fast
					}
					writeWord(f.mem[y[0]:], x)
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
					st[sp&stackMask] = uint256.Int{gas + uint64(p.rest[i-1].gas)}
					sp++
				default:
					break fast
				}
			}
			var end ending
			if sp, gas, end = m.slow(f, p, i-1, sp, gas); end.over {
				return end.fault
			}
		}
	}
}

// branch gives the block after a jump that is made if cond is not zero.
func branch(cond uint64, target, next uint32) uint32 {
	if cond != 0 {
		return target
	}
	return next + 1
}
