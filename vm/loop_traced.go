// Code generated from loop.go by TestTracedLoopIsTheLoop; DO NOT EDIT.

package vm

import (
	"encoding/binary"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/vm/fork"
)

// runTraced is run with a report before each instruction.
func (m *Machine) runTraced(f *frame) Fault {
	var (
		tab  = m.table
		st   = &f.stack
		code = f.code.padded
		gas  = f.gas
		pc   uint64
		sp   uint
	)
	f.gas = 0
	for {
		op := code[pc]
		m.step(f, pc, op, gas, sp)
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
		case SDIV:
			sp--
			x, y := &st[sp&stackMask], &st[(sp-1)&stackMask]
			y.SDiv(x, y)
		case MOD:
			sp--
			x, y := &st[sp&stackMask], &st[(sp-1)&stackMask]
			y.Mod(x, y)
		case SMOD:
			sp--
			x, y := &st[sp&stackMask], &st[(sp-1)&stackMask]
			y.SMod(x, y)
		case ADDMOD:
			sp -= 2
			x, y, z := &st[(sp+1)&stackMask], &st[sp&stackMask], &st[(sp-1)&stackMask]
			z.AddMod(x, y, z)
		case MULMOD:
			sp -= 2
			x, y, z := &st[(sp+1)&stackMask], &st[sp&stackMask], &st[(sp-1)&stackMask]
			z.MulMod(x, y, z)
		case EXP:
			sp--
			x, y := &st[sp&stackMask], &st[(sp-1)&stackMask]
			cost := uint64(y.ByteLen()) * 10
			if m.fork >= fork.Spurious {
				cost *= 5
			}
			if gas < cost {
				return FaultGas
			}
			gas -= cost
			y.Exp(x, y)
		case SIGNEXTEND:
			sp--
			x, y := &st[sp&stackMask], &st[(sp-1)&stackMask]
			y.ExtendSign(y, x)

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
		case BYTE:
			sp--
			x, y := &st[sp&stackMask], &st[(sp-1)&stackMask]
			y.Byte(x)
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
		case SAR:
			sp--
			x, y := &st[sp&stackMask], &st[(sp-1)&stackMask]
			y.SRsh(y, uint(min(x[0], 256)|or256(x)))
		case CLZ:
			x := &st[(sp-1)&stackMask]
			*x = uint256.Int{uint64(256 - x.BitLen())}

		case KECCAK256:
			sp--
			left, o, n, ok := f.touchCopy(gas, &st[sp&stackMask], &st[(sp-1)&stackMask], gasKeccakWord)
			if !ok {
				return FaultGas
			}
			gas = left
			m.hash(f.mem[o : o+n])
			st[(sp-1)&stackMask].SetBytes32(m.digest[:])

		case ADDRESS:
			st[sp&stackMask].SetBytes20(f.self[:])
			sp++
		case ORIGIN:
			st[sp&stackMask].SetBytes20(m.origin[:])
			sp++
		case CALLER:
			st[sp&stackMask].SetBytes20(f.caller[:])
			sp++
		case CALLVALUE:
			st[sp&stackMask] = f.value
			sp++
		case CALLDATALOAD:
			loadPadded(&st[(sp-1)&stackMask], f.input)
		case CALLDATASIZE:
			st[sp&stackMask] = uint256.Int{uint64(len(f.input))}
			sp++
		case CODESIZE:
			st[sp&stackMask] = uint256.Int{uint64(f.code.size)}
			sp++
		case CALLDATACOPY, CODECOPY:
			sp -= 3
			left, o, n, ok := f.touchCopy(gas, &st[(sp+2)&stackMask], &st[sp&stackMask], gasCopyWord)
			if !ok {
				return FaultGas
			}
			gas = left
			src := f.input
			if Op(op) == CODECOPY {
				src = code[:f.code.size]
			}
			copyPadded(f.mem[o:o+n], src, &st[(sp+1)&stackMask])
		case GASPRICE:
			st[sp&stackMask] = m.gasPrice
			sp++
		case RETURNDATASIZE:
			st[sp&stackMask] = uint256.Int{uint64(len(f.ret))}
			sp++
		case RETURNDATACOPY:
			sp -= 3
			off, size := &st[(sp+1)&stackMask], &st[sp&stackMask]
			if !off.IsUint64() || !size.IsUint64() || off[0]+size[0] < size[0] || off[0]+size[0] > uint64(len(f.ret)) {
				return FaultReturnData
			}
			left, o, n, ok := f.touchCopy(gas, &st[(sp+2)&stackMask], size, gasCopyWord)
			if !ok {
				return FaultGas
			}
			gas = left
			copy(f.mem[o:o+n], f.ret[off[0]:])

		case BALANCE, EXTCODESIZE, EXTCODEHASH:
			x := &st[(sp-1)&stackMask]
			addr := chain.Address(x.Bytes20())
			if m.fork >= fork.Berlin {
				cost := m.warmGas(addr)
				if gas < cost {
					return FaultGas
				}
				gas -= cost
			}
			m.account(Op(op), addr, x)
		case EXTCODECOPY:
			sp -= 4
			left, fault := m.extCodeCopy(f, sp, gas)
			if fault != 0 {
				return fault
			}
			gas = left
		case SELFBALANCE:
			st[sp&stackMask] = m.st.Balance(f.self)
			sp++

		case BLOCKHASH:
			m.blockHash(&st[(sp-1)&stackMask])
		case COINBASE:
			st[sp&stackMask].SetBytes20(m.block.Coinbase[:])
			sp++
		case TIMESTAMP:
			st[sp&stackMask] = uint256.Int{m.block.Time}
			sp++
		case NUMBER:
			st[sp&stackMask] = uint256.Int{m.block.Number}
			sp++
		case PREVRANDAO:
			st[sp&stackMask] = m.block.Random
			sp++
		case GASLIMIT:
			st[sp&stackMask] = uint256.Int{m.block.GasLimit}
			sp++
		case CHAINID:
			st[sp&stackMask] = uint256.Int{m.block.ChainID}
			sp++
		case BASEFEE:
			st[sp&stackMask] = m.block.BaseFee
			sp++
		case BLOBBASEFEE:
			st[sp&stackMask] = m.block.BlobBaseFee
			sp++
		case BLOBHASH:
			x := &st[(sp-1)&stackMask]
			if x.LtUint64(uint64(len(m.blobHashes))) {
				x.SetBytes32(m.blobHashes[x[0]][:])
			} else {
				*x = uint256.Int{}
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
			b := f.mem[x[0]:][:32]
			x[3], x[2] = binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])
			x[1], x[0] = binary.BigEndian.Uint64(b[16:]), binary.BigEndian.Uint64(b[24:])
		case MSTORE:
			sp -= 2
			x, y := &st[(sp+1)&stackMask], &st[sp&stackMask]
			left, ok := f.touch(gas, x, 32)
			if !ok {
				return FaultGas
			}
			gas = left
			b := f.mem[x[0]:][:32]
			binary.BigEndian.PutUint64(b, y[3])
			binary.BigEndian.PutUint64(b[8:], y[2])
			binary.BigEndian.PutUint64(b[16:], y[1])
			binary.BigEndian.PutUint64(b[24:], y[0])
		case MSTORE8:
			sp -= 2
			x := &st[(sp+1)&stackMask]
			left, ok := f.touch(gas, x, 1)
			if !ok {
				return FaultGas
			}
			gas = left
			f.mem[x[0]] = byte(st[sp&stackMask][0])
		case MCOPY:
			sp -= 3
			left, ok := f.moveMemory(gas, &st[(sp+2)&stackMask], &st[(sp+1)&stackMask], &st[sp&stackMask])
			if !ok {
				return FaultGas
			}
			gas = left
		case SLOAD:
			left, fault := m.load(f, gas, &st[(sp-1)&stackMask])
			if fault != 0 {
				return fault
			}
			gas = left
		case SSTORE:
			sp -= 2
			left, fault := m.store(f, gas, &st[(sp+1)&stackMask], &st[sp&stackMask])
			if fault != 0 {
				return fault
			}
			gas = left
		case TLOAD:
			x := &st[(sp-1)&stackMask]
			val := m.st.Transient(f.self, x.Bytes32())
			x.SetBytes32(val[:])
		case TSTORE:
			if f.static {
				return FaultStatic
			}
			sp -= 2
			m.st.SetTransient(f.self, st[(sp+1)&stackMask].Bytes32(), st[sp&stackMask].Bytes32())

		case JUMP:
			sp--
			x := &st[sp&stackMask]
			if !x.IsUint64() || !f.code.canJump(x[0]) {
				return FaultJump
			}
			pc = x[0]
			continue
		case JUMPI:
			sp -= 2
			x, y := &st[(sp+1)&stackMask], &st[sp&stackMask]
			if y[0]|y[1]|y[2]|y[3] != 0 {
				if !x.IsUint64() || !f.code.canJump(x[0]) {
					return FaultJump
				}
				pc = x[0]
				continue
			}
		case PC:
			st[sp&stackMask] = uint256.Int{pc}
			sp++
		case MSIZE:
			st[sp&stackMask] = uint256.Int{uint64(len(f.mem))}
			sp++
		case GAS:
			st[sp&stackMask] = uint256.Int{gas}
			sp++
		case JUMPDEST:

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
		case PUSH20:
			b := code[pc+1:][:20]
			st[sp&stackMask] = uint256.Int{
				binary.BigEndian.Uint64(b[12:]), binary.BigEndian.Uint64(b[4:]), uint64(binary.BigEndian.Uint32(b)), 0,
			}
			sp++
			pc += 20
		case PUSH32:
			b := code[pc+1:][:32]
			st[sp&stackMask] = uint256.Int{
				binary.BigEndian.Uint64(b[24:]), binary.BigEndian.Uint64(b[16:]),
				binary.BigEndian.Uint64(b[8:]), binary.BigEndian.Uint64(b),
			}
			sp++
			pc += 32
		case PUSH1 + 8, PUSH1 + 9, PUSH1 + 10, PUSH1 + 11, PUSH1 + 12, PUSH1 + 13, PUSH1 + 14, PUSH1 + 15,
			PUSH1 + 16, PUSH1 + 17, PUSH1 + 18, PUSH1 + 20, PUSH1 + 21, PUSH1 + 22, PUSH1 + 23, PUSH1 + 24,
			PUSH1 + 25, PUSH1 + 26, PUSH1 + 27, PUSH1 + 28, PUSH1 + 29, PUSH1 + 30:
			n := uint64(op) - uint64(PUSH1) + 1
			st[sp&stackMask].SetBytes(code[pc+1:][:n])
			sp++
			pc += n

		case DUP1:
			st[sp&stackMask] = st[(sp-1)&stackMask]
			sp++
		case DUP1 + 1:
			st[sp&stackMask] = st[(sp-2)&stackMask]
			sp++
		case DUP1 + 2, DUP1 + 3, DUP1 + 4, DUP1 + 5, DUP1 + 6, DUP1 + 7, DUP1 + 8,
			DUP1 + 9, DUP1 + 10, DUP1 + 11, DUP1 + 12, DUP1 + 13, DUP1 + 14, DUP16:
			st[sp&stackMask] = st[(sp-1-uint(op-byte(DUP1)))&stackMask]
			sp++
		case SWAP1:
			x, y := &st[(sp-1)&stackMask], &st[(sp-2)&stackMask]
			*x, *y = *y, *x
		case SWAP1 + 1, SWAP1 + 2, SWAP1 + 3, SWAP1 + 4, SWAP1 + 5, SWAP1 + 6, SWAP1 + 7, SWAP1 + 8,
			SWAP1 + 9, SWAP1 + 10, SWAP1 + 11, SWAP1 + 12, SWAP1 + 13, SWAP1 + 14, SWAP16:
			x, y := &st[(sp-1)&stackMask], &st[(sp-2-uint(op-byte(SWAP1)))&stackMask]
			*x, *y = *y, *x

		case LOG0, LOG0 + 1, LOG0 + 2, LOG0 + 3, LOG4:
			left, fault := m.log(f, sp, gas, uint(op-byte(LOG0)))
			if fault != 0 {
				return fault
			}
			gas = left
			sp -= 2 + uint(op-byte(LOG0))

		case CALL, CALLCODE, DELEGATECALL, STATICCALL:
			left, fault := m.opCall(f, Op(op), sp, gas)
			if fault != 0 {
				return fault
			}
			gas = left
			sp -= uint(e.need) - 1
		case CREATE, CREATE2:
			left, fault := m.opCreate(f, Op(op), sp, gas)
			if fault != 0 {
				return fault
			}
			gas = left
			sp -= uint(e.need) - 1
		case RETURN, REVERT:
			left, o, n, ok := f.touchRange(gas, &st[(sp-1)&stackMask], &st[(sp-2)&stackMask])
			if !ok {
				return FaultGas
			}
			f.gas, f.out = left, f.mem[o:o+n]
			if Op(op) == REVERT {
				return FaultRevert
			}
			return 0
		case SELFDESTRUCT:
			left, fault := m.destruct(f, chain.Address(st[(sp-1)&stackMask].Bytes20()), gas)
			f.gas = left
			return fault
		default:
			return FaultInstruction
		}
		pc++
	}
}
