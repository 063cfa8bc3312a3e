package vm

import (
	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/vm/fork"
)

// do runs an instruction that the loops do not run themselves: those that are rare, and those whose own
// work is much more than a call. Its static gas is paid and its need of the stack was checked; sp is the
// stack before it. The loop moves sp afterwards.
func (m *Machine) do(f *frame, op Op, sp uint, gas uint64) (uint64, Fault) {
	x := f.at(sp, 0)
	switch op {
	case SDIV:
		y := f.at(sp, 1)
		y.SDiv(x, y)
	case SMOD:
		y := f.at(sp, 1)
		y.SMod(x, y)
	case ADDMOD:
		z := f.at(sp, 2)
		z.AddMod(x, f.at(sp, 1), z)
	case MULMOD:
		m.mulMod(x, f.at(sp, 1), f.at(sp, 2))
	case EXP:
		return m.exp(gas, x, f.at(sp, 1))
	case SIGNEXTEND:
		y := f.at(sp, 1)
		y.ExtendSign(y, x)
	case BYTE:
		f.at(sp, 1).Byte(x)
	case SAR:
		y := f.at(sp, 1)
		y.SRsh(y, uint(min(x[0], 256)|or256(x)))
	case CLZ:
		*x = uint256.Int{uint64(256 - x.BitLen())}

	case KECCAK256:
		return m.keccak256(f, sp, gas)
	case CALLDATALOAD:
		loadPadded(x, f.input)
	case CALLDATACOPY:
		return f.copyIn(gas, sp, f.input)
	case CODECOPY:
		return f.copyIn(gas, sp, f.code.padded[:f.code.size])
	case RETURNDATACOPY:
		return f.copyReturned(gas, sp)
	case BALANCE, EXTCODESIZE, EXTCODEHASH:
		return m.touchAccount(op, gas, x)
	case EXTCODECOPY:
		return m.extCodeCopy(f, sp-4, gas)
	case BLOCKHASH:
		m.blockHash(x)
	case BLOBHASH:
		if x.LtUint64(uint64(len(m.blobHashes))) {
			x.SetBytes32(m.blobHashes[x[0]][:])
		} else {
			*x = uint256.Int{}
		}

	case MLOAD:
		left, ok := f.touch(gas, x, 32)
		if !ok {
			return 0, FaultGas
		}
		readWord(x, f.mem[x[0]:])
		return left, 0
	case MSTORE:
		left, ok := f.touch(gas, x, 32)
		if !ok {
			return 0, FaultGas
		}
		writeWord(f.mem[x[0]:], f.at(sp, 1))
		return left, 0
	case MSTORE8:
		left, ok := f.touch(gas, x, 1)
		if !ok {
			return 0, FaultGas
		}
		f.mem[x[0]] = byte(f.at(sp, 1)[0])
		return left, 0
	case MCOPY:
		left, ok := f.moveMemory(gas, x, f.at(sp, 1), f.at(sp, 2))
		if !ok {
			return 0, FaultGas
		}
		return left, 0
	case SLOAD:
		return m.load(f, gas, x)
	case SSTORE:
		return m.store(f, gas, x, f.at(sp, 1))
	case TLOAD:
		val := m.st.Transient(f.self, x.Bytes32())
		x.SetBytes32(val[:])
	case TSTORE:
		if f.static {
			return 0, FaultStatic
		}
		m.st.SetTransient(f.self, x.Bytes32(), f.at(sp, 1).Bytes32())

	case LOG0, LOG0 + 1, LOG0 + 2, LOG0 + 3, LOG4:
		return m.log(f, sp, gas, uint(op-LOG0))
	case CALL, CALLCODE, DELEGATECALL, STATICCALL:
		return m.opCall(f, op, sp, gas)
	case CREATE, CREATE2:
		return m.opCreate(f, op, sp, gas)
	default:
		return gas, m.ask(f, op, &f.stack[sp&stackMask])
	}
	return gas, 0
}

// ask answers the instructions that push a fact about the call, the transaction or the block.
func (m *Machine) ask(f *frame, op Op, x *uint256.Int) Fault {
	switch op {
	case ADDRESS:
		x.SetBytes20(f.self[:])
	case ORIGIN:
		x.SetBytes20(m.origin[:])
	case CALLER:
		x.SetBytes20(f.caller[:])
	case CALLVALUE:
		*x = f.value
	case CALLDATASIZE:
		*x = uint256.Int{uint64(len(f.input))}
	case CODESIZE:
		*x = uint256.Int{uint64(f.code.size)}
	case GASPRICE:
		*x = m.gasPrice
	case RETURNDATASIZE:
		*x = uint256.Int{uint64(len(f.ret))}
	case SELFBALANCE:
		*x = m.st.Balance(f.self)
	case COINBASE:
		x.SetBytes20(m.block.Coinbase[:])
	case TIMESTAMP:
		*x = uint256.Int{m.block.Time}
	case NUMBER:
		*x = uint256.Int{m.block.Number}
	case PREVRANDAO:
		*x = m.block.Random
	case GASLIMIT:
		*x = uint256.Int{m.block.GasLimit}
	case CHAINID:
		*x = uint256.Int{m.block.ChainID}
	case BASEFEE:
		*x = m.block.BaseFee
	case BLOBBASEFEE:
		*x = m.block.BlobBaseFee
	case MSIZE:
		*x = uint256.Int{uint64(len(f.mem))}
	default:
		return FaultInstruction
	}
	return 0
}

// mulMod is MULMOD; the result takes the place of the modulus. Programs mostly have one modulus, so what is
// worked out of it is kept. It helps only where the modulus is as long as a word.
func (m *Machine) mulMod(x, y, z *uint256.Int) {
	if z[3] == 0 {
		z.MulMod(x, y, z)
		return
	}
	if m.modulus != *z {
		m.modulus, m.reciprocal = *z, uint256.Reciprocal(z)
	}
	z.MulModWithReciprocal(x, y, z, &m.reciprocal)
}

// exp is EXP: its price grows with the exponent, whose place the result takes.
func (m *Machine) exp(gas uint64, base, exponent *uint256.Int) (uint64, Fault) {
	cost := uint64(exponent.ByteLen()) * 10
	if m.fork >= fork.Spurious {
		cost *= 5
	}
	if gas < cost {
		return 0, FaultGas
	}
	exponent.Exp(base, exponent)
	return gas - cost, 0
}

func (m *Machine) keccak256(f *frame, sp uint, gas uint64) (uint64, Fault) {
	size := f.at(sp, 1)
	gas, o, n, ok := f.touchCopy(gas, f.at(sp, 0), size, gasKeccakWord)
	if !ok {
		return 0, FaultGas
	}
	m.hash(f.mem[o : o+n])
	size.SetBytes32(m.digest[:])
	return gas, 0
}

// copyIn is CALLDATACOPY and CODECOPY.
func (f *frame) copyIn(gas uint64, sp uint, src []byte) (uint64, Fault) {
	gas, o, n, ok := f.touchCopy(gas, f.at(sp, 0), f.at(sp, 2), gasCopyWord)
	if !ok {
		return 0, FaultGas
	}
	copyPadded(f.mem[o:o+n], src, f.at(sp, 1))
	return gas, 0
}

// copyReturned is RETURNDATACOPY, which may not read beyond what was returned.
func (f *frame) copyReturned(gas uint64, sp uint) (uint64, Fault) {
	off, size := f.at(sp, 1), f.at(sp, 2)
	if !off.IsUint64() || !size.IsUint64() || off[0]+size[0] < size[0] || off[0]+size[0] > uint64(len(f.ret)) {
		return 0, FaultReturnData
	}
	gas, o, n, ok := f.touchCopy(gas, f.at(sp, 0), size, gasCopyWord)
	if !ok {
		return 0, FaultGas
	}
	copy(f.mem[o:o+n], f.ret[off[0]:])
	return gas, 0
}

// touchAccount is BALANCE, EXTCODESIZE and EXTCODEHASH.
func (m *Machine) touchAccount(op Op, gas uint64, x *uint256.Int) (uint64, Fault) {
	addr := chain.Address(x.Bytes20())
	if m.fork >= fork.Berlin {
		cost := m.warmGas(addr)
		if gas < cost {
			return 0, FaultGas
		}
		gas -= cost
	}
	m.account(op, addr, x)
	return gas, 0
}

// or256 gives 256 if x has more than 64 bits, so that a shift by it is one by everything.
func or256(x *uint256.Int) uint64 {
	if x[1]|x[2]|x[3] != 0 {
		return 256
	}
	return 0
}
