package vm

import (
	"encoding/binary"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/vm/fork"
)

// emptyCodeHash is the Keccak-256 hash of nothing.
var emptyCodeHash = chain.Hash{
	0xc5, 0xd2, 0x46, 0x01, 0x86, 0xf7, 0x23, 0x3c, 0x92, 0x7e, 0x7d, 0xb2, 0xdc, 0xc7, 0x03, 0xc0,
	0xe5, 0x00, 0xb6, 0x53, 0xca, 0x82, 0x27, 0x3b, 0x7b, 0xfa, 0xd8, 0x04, 0x5d, 0x85, 0xa4, 0x70,
}

// account answers BALANCE, EXTCODESIZE and EXTCODEHASH, already paid for.
func (m *Machine) account(op Op, addr chain.Address, x *uint256.Int) {
	switch op {
	case BALANCE:
		*x = m.st.Balance(addr)
	case EXTCODESIZE:
		*x = uint256.Int{}
		if c := m.codeOf(addr); c != nil {
			x[0] = uint64(c.size)
		}
	default:
		hash := m.st.CodeHash(addr)
		if hash.IsZero() && !m.st.Empty(addr) {
			hash = emptyCodeHash
		}
		x.SetBytes32(hash[:])
	}
}

// extCodeCopy copies another account's code; sp is the stack without the four operands.
func (m *Machine) extCodeCopy(f *frame, sp uint, gas uint64) (uint64, Fault) {
	addr := chain.Address(f.stack[(sp+3)&stackMask].Bytes20())
	gas, o, n, ok := f.touchCopy(gas, &f.stack[(sp+2)&stackMask], &f.stack[sp&stackMask], gasCopyWord)
	if !ok {
		return 0, FaultGas
	}
	if m.fork >= fork.Berlin {
		cost := m.warmGas(addr)
		if gas < cost {
			return 0, FaultGas
		}
		gas -= cost
	}
	var code []byte
	if c := m.codeOf(addr); c != nil {
		code = c.padded[:c.size]
	}
	copyPadded(f.mem[o:o+n], code, &f.stack[(sp+1)&stackMask])
	return gas, 0
}

// blockHash answers for the 256 blocks before this one; all others are zero.
func (m *Machine) blockHash(x *uint256.Int) {
	n := x[0]
	if !x.IsUint64() || n >= m.block.Number || m.block.Number-n > 256 || m.block.Hash == nil {
		x.Clear()
		return
	}
	hash := m.block.Hash(n)
	x.SetBytes32(hash[:])
}

// moveMemory is MCOPY: both ranges must be there before the bytes move.
func (f *frame) moveMemory(gas uint64, dst, src, size *uint256.Int) (uint64, bool) {
	furthest := dst
	if src.Gt(dst) {
		furthest = src
	}
	gas, _, n, ok := f.touchCopy(gas, furthest, size, gasCopyWord)
	if !ok {
		return 0, false
	}
	if n > 0 {
		copy(f.mem[dst[0]:dst[0]+n], f.mem[src[0]:src[0]+n])
	}
	return gas, true
}

// log is LOG0 to LOG4. The log's bytes outlive the frame, so they are copied.
func (m *Machine) log(f *frame, sp uint, gas uint64, topics uint) (uint64, Fault) {
	if f.static {
		return 0, FaultStatic
	}
	gas, o, n, ok := f.touchRange(gas, f.at(sp, 0), f.at(sp, 1))
	if !ok || gas/gasLogByte < n {
		return 0, FaultGas
	}
	l := chain.Log{Address: f.self, Topics: m.logs.topics(topics), Data: m.logs.data(f.mem[o : o+n])}
	for i := range l.Topics {
		l.Topics[i] = f.at(sp, 2+uint(i)).Bytes32()
	}
	m.st.AddLog(l)
	if m.tracer != nil {
		traced := l // only this one goes to the heap
		m.tracer.Log(&traced)
	}
	return gas - n*gasLogByte, 0
}

// logMemory is where the parts of logs are put, one after the other: a transaction has many, all small.
type logMemory struct {
	hashes []chain.Hash
	bytes  []byte
}

const (
	logHashes = 64
	logBytes  = 2048
)

// topics gives room for n topics; nil for none.
func (l *logMemory) topics(n uint) []chain.Hash {
	if n == 0 {
		return nil
	}
	if uint(len(l.hashes)) < n {
		l.hashes = make([]chain.Hash, logHashes)
	}
	room := l.hashes[:n:n]
	l.hashes = l.hashes[n:]
	return room
}

// data copies b, which may be long.
func (l *logMemory) data(b []byte) []byte {
	if len(b) > logBytes/4 {
		return append([]byte(nil), b...)
	}
	if len(l.bytes) < len(b) {
		l.bytes = make([]byte, logBytes)
	}
	room := l.bytes[:len(b):len(b)]
	l.bytes = l.bytes[len(b):]
	copy(room, b)
	return room
}

// destruct is SELFDESTRUCT: all money goes to heir. Since Cancun only an account that was created in the
// same transaction goes away itself (EIP-6780).
func (m *Machine) destruct(f *frame, heir chain.Address, gas uint64) (uint64, Fault) {
	if f.static {
		return 0, FaultStatic
	}
	var cost uint64
	if m.fork >= fork.Berlin && !m.warm(heir) {
		cost = gasColdAccount
	}
	m.amount = m.st.Balance(f.self)
	switch {
	case m.fork >= fork.Spurious:
		if !m.amount.IsZero() && m.st.Empty(heir) {
			cost += gasNewAccount
		}
	case m.fork >= fork.Tangerine:
		if !m.st.Exists(heir) {
			cost += gasNewAccount
		}
	}
	if gas < cost {
		return 0, FaultGas
	}
	m.tracePayment(f, heir, &m.amount)
	dies := m.fork < fork.Cancun || contains(m.created, f.self)
	if heir != f.self || dies {
		m.st.SubBalance(f.self, &m.amount)
	}
	if heir != f.self {
		m.st.AddBalance(heir, &m.amount)
	} else if dies {
		m.burned.Add(&m.burned, &m.amount)
	}
	if dies && !contains(m.doomed, f.self) {
		m.doomed = append(m.doomed, f.self)
		if m.fork < fork.London {
			m.st.AddRefund(refundDestruct)
		}
	}
	return gas - cost, 0
}

// createAddress is the address of the contract that creator makes with this nonce: the end of the
// Keccak-256 hash of the RLP list of both.
func createAddress(creator chain.Address, nonce uint64) chain.Address {
	var b [32]byte
	list := append(b[:0], 0, 0x80+20)
	list = append(list, creator[:]...)
	switch {
	case nonce == 0:
		list = append(list, 0x80)
	case nonce < 0x80:
		list = append(list, byte(nonce))
	default:
		var be [8]byte
		binary.BigEndian.PutUint64(be[:], nonce)
		i := 0
		for be[i] == 0 {
			i++
		}
		list = append(append(list, 0x80+byte(8-i)), be[i:]...)
	}
	list[0] = 0xc0 + byte(len(list)-1)
	return addressOf(list)
}
