package vm

import (
	"encoding/binary"

	"github.com/holiman/uint256"
)

// run executes the frame's code from pc on, with sp words on the stack and gas left, until it ends. This loop
// is the definition: what package vm does faster must do the same. loop_traced.go is made from this file:
// the comment that begins with "trace:" becomes a statement there, and what stands between "fast" and "end"
// is left out.
//
// Indices are masked so that the compiler needs no bounds checks; that they are in range is what the table
// of the rule set says.
func (m *Machine) run(f *frame, pc uint64, sp uint, gas uint64) Fault {
	var (
		tab  = m.table
		st   = &f.stack
		code = f.code.padded
	)
	f.gas = 0
	for {
		op := code[pc]
		// trace: m.step(f, pc, op, gas, sp)
		e := &tab[op]
		if sp-uint(e.need) > uint(e.room) {
			if sp < uint(e.need) {
				return FaultUnderflow
			}
			return FaultOverflow
		}
		if gas < e.gas {
			if e.gas == undefined {
				return FaultInstruction
			}
			return FaultGas
		}
		gas -= e.gas

		switch Op(op) {
		case STOP:
			f.gas = gas
			return 0

		case ADD:
			sp--
			x, y := &st[sp&stackMask], &st[(sp-1)&stackMask]
			y.Add(x, y)
		case MUL:
			sp--
			x, y := &st[sp&stackMask], &st[(sp-1)&stackMask]
			y.Mul(x, y)
		case SUB:
			sp--
			x, y := &st[sp&stackMask], &st[(sp-1)&stackMask]
			y.Sub(x, y)
		case DIV:
			sp--
			x, y := &st[sp&stackMask], &st[(sp-1)&stackMask]
			y.Div(x, y)
		case MOD:
			sp--
			x, y := &st[sp&stackMask], &st[(sp-1)&stackMask]
			y.Mod(x, y)

		case LT:
			sp--
			x, y := &st[sp&stackMask], &st[(sp-1)&stackMask]
			*y = truth(x.Lt(y))
		case GT:
			sp--
			x, y := &st[sp&stackMask], &st[(sp-1)&stackMask]
			*y = truth(y.Lt(x))
		case SLT:
			sp--
			x, y := &st[sp&stackMask], &st[(sp-1)&stackMask]
			*y = truth(x.Slt(y))
		case SGT:
			sp--
			x, y := &st[sp&stackMask], &st[(sp-1)&stackMask]
			*y = truth(x.Sgt(y))
		case EQ:
			sp--
			x, y := &st[sp&stackMask], &st[(sp-1)&stackMask]
			*y = truth(*x == *y)
		case ISZERO:
			x := &st[(sp-1)&stackMask]
			*x = truth(x[0]|x[1]|x[2]|x[3] == 0)
		case AND:
			sp--
			x, y := &st[sp&stackMask], &st[(sp-1)&stackMask]
			y[0], y[1], y[2], y[3] = x[0]&y[0], x[1]&y[1], x[2]&y[2], x[3]&y[3]
		case OR:
			sp--
			x, y := &st[sp&stackMask], &st[(sp-1)&stackMask]
			y[0], y[1], y[2], y[3] = x[0]|y[0], x[1]|y[1], x[2]|y[2], x[3]|y[3]
		case XOR:
			sp--
			x, y := &st[sp&stackMask], &st[(sp-1)&stackMask]
			y[0], y[1], y[2], y[3] = x[0]^y[0], x[1]^y[1], x[2]^y[2], x[3]^y[3]
		case NOT:
			x := &st[(sp-1)&stackMask]
			x[0], x[1], x[2], x[3] = ^x[0], ^x[1], ^x[2], ^x[3]
		case SHL:
			sp--
			x, y := &st[sp&stackMask], &st[(sp-1)&stackMask]
			if x.LtUint64(256) {
				y.Lsh(y, uint(x[0]))
			} else {
				*y = uint256.Int{}
			}
		case SHR:
			sp--
			x, y := &st[sp&stackMask], &st[(sp-1)&stackMask]
			if x.LtUint64(256) {
				y.Rsh(y, uint(x[0]))
			} else {
				*y = uint256.Int{}
			}

		case POP:
			sp--
		case MLOAD:
			x := &st[(sp-1)&stackMask]
			left, ok := f.touch(gas, x, 32)
			if !ok {
				return FaultGas
			}
			gas = left
			readWord(x, f.mem[x[0]:])
		case MSTORE:
			sp -= 2
			x, y := &st[(sp+1)&stackMask], &st[sp&stackMask]
			left, ok := f.touch(gas, x, 32)
			if !ok {
				return FaultGas
			}
			gas = left
			writeWord(f.mem[x[0]:], y)

		case JUMP:
			sp--
			x := &st[sp&stackMask]
			if !x.IsUint64() || !f.code.canJump(x[0]) {
				return FaultJump
			}
			pc = x[0]
			// fast
			if p := m.hot(f.code); p != nil {
				return m.runProgram(f, p, p.entries[pc], sp, gas)
			}
			// end
			continue
		case JUMPI:
			sp -= 2
			x, y := &st[(sp+1)&stackMask], &st[sp&stackMask]
			if y[0]|y[1]|y[2]|y[3] != 0 {
				if !x.IsUint64() || !f.code.canJump(x[0]) {
					return FaultJump
				}
				pc = x[0]
				// fast
				if p := m.hot(f.code); p != nil {
					return m.runProgram(f, p, p.entries[pc], sp, gas)
				}
				// end
				continue
			}
		case JUMPDEST:
		case PC:
			st[sp&stackMask] = uint256.Int{pc}
			sp++
		case GAS:
			st[sp&stackMask] = uint256.Int{gas}
			sp++

		case PUSH0:
			st[sp&stackMask] = uint256.Int{}
			sp++
		case PUSH1:
			st[sp&stackMask] = uint256.Int{uint64(code[pc+1])}
			sp++
			pc++
		case PUSH2:
			st[sp&stackMask] = uint256.Int{uint64(code[pc+1])<<8 | uint64(code[pc+2])}
			sp++
			pc += 2
		case PUSH1 + 2, PUSH4, PUSH1 + 4, PUSH1 + 5, PUSH1 + 6, PUSH1 + 7:
			n := uint64(op) - uint64(PUSH1) + 1
			st[sp&stackMask] = uint256.Int{binary.BigEndian.Uint64(code[pc+1:]) >> (64 - 8*n)}
			sp++
			pc += n
		case PUSH1 + 8, PUSH1 + 9, PUSH1 + 10, PUSH1 + 11, PUSH1 + 12, PUSH1 + 13, PUSH1 + 14, PUSH1 + 15,
			PUSH1 + 16, PUSH1 + 17, PUSH1 + 18, PUSH20, PUSH1 + 20, PUSH1 + 21, PUSH1 + 22, PUSH1 + 23, PUSH1 + 24,
			PUSH1 + 25, PUSH1 + 26, PUSH1 + 27, PUSH1 + 28, PUSH1 + 29, PUSH1 + 30, PUSH32:
			n := uint64(op) - uint64(PUSH1) + 1
			st[sp&stackMask].SetBytes(code[pc+1:][:n])
			sp++
			pc += n

		case DUP1, DUP1 + 1, DUP1 + 2, DUP1 + 3, DUP1 + 4, DUP1 + 5, DUP1 + 6, DUP1 + 7, DUP1 + 8,
			DUP1 + 9, DUP1 + 10, DUP1 + 11, DUP1 + 12, DUP1 + 13, DUP1 + 14, DUP16:
			st[sp&stackMask] = st[(sp-1-uint(op-byte(DUP1)))&stackMask]
			sp++
		case SWAP1, SWAP1 + 1, SWAP1 + 2, SWAP1 + 3, SWAP1 + 4, SWAP1 + 5, SWAP1 + 6, SWAP1 + 7, SWAP1 + 8,
			SWAP1 + 9, SWAP1 + 10, SWAP1 + 11, SWAP1 + 12, SWAP1 + 13, SWAP1 + 14, SWAP16:
			x, y := &st[(sp-1)&stackMask], &st[(sp-2-uint(op-byte(SWAP1)))&stackMask]
			*x, *y = *y, *x

		case RETURN, REVERT:
			return f.giveBack(Op(op), sp, gas)
		case SELFDESTRUCT:
			left, fault := m.destruct(f, st[(sp-1)&stackMask].Bytes20(), gas)
			f.gas = left
			return fault
		default:
			left, fault := m.do(f, Op(op), sp, gas)
			if fault != 0 {
				return fault
			}
			gas = left
			sp += uint(int(e.grow))
		}
		pc++
	}
}

func truth(b bool) (x uint256.Int) {
	if b {
		x[0] = 1
	}
	return x
}

// readWord reads a word of memory.
func readWord(x *uint256.Int, mem []byte) {
	b := mem[:32]
	x[3], x[2] = binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])
	x[1], x[0] = binary.BigEndian.Uint64(b[16:]), binary.BigEndian.Uint64(b[24:])
}

// writeWord writes a word of memory.
func writeWord(mem []byte, x *uint256.Int) {
	b := mem[:32]
	binary.BigEndian.PutUint64(b, x[3])
	binary.BigEndian.PutUint64(b[8:], x[2])
	binary.BigEndian.PutUint64(b[16:], x[1])
	binary.BigEndian.PutUint64(b[24:], x[0])
}

// giveBack is RETURN and REVERT.
func (f *frame) giveBack(op Op, sp uint, gas uint64) Fault {
	left, o, n, ok := f.touchRange(gas, f.at(sp, 0), f.at(sp, 1))
	if !ok {
		return FaultGas
	}
	f.gas, f.out = left, f.mem[o:o+n]
	if op == REVERT {
		return FaultRevert
	}
	return 0
}
