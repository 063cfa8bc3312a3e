package vm

import (
	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/crypto/keccak"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/must"
	"github.com/aiwork/aiwork-node/vm/fork"
)

// callGas is what a call costs before its own gas, in the order in which the account is touched.
func (m *Machine) callGas(op Op, addr chain.Address, value *uint256.Int) (cost uint64, code *Code) {
	if m.fork >= fork.Berlin {
		cost = m.warmGas(addr)
	}
	if !value.IsZero() {
		cost += gasCallValue
	}
	if op == CALL {
		if m.fork >= fork.Spurious {
			if !value.IsZero() && m.st.Empty(addr) {
				cost += gasNewAccount
			}
		} else if !m.st.Exists(addr) {
			cost += gasNewAccount
		}
	}
	code = m.codeOf(addr)
	if code != nil && code.delegated && m.fork >= fork.Prague {
		cost += m.warmGas(code.target)
		code = m.codeOf(code.target)
	}
	return cost, code
}

// opCall is CALL and its relatives: the word that says whether it went well takes the place of the last
// operand. A fault is one of the calling frame.
func (m *Machine) opCall(f *frame, op Op, sp uint, gas uint64) (uint64, Fault) {
	var value *uint256.Int
	i := uint(2)
	if op == CALL || op == CALLCODE {
		value, i = f.at(sp, 2), 3
	} else {
		value = &uint256.Int{}
	}
	if op == CALL && f.static && !value.IsZero() {
		return 0, FaultStatic
	}
	gas, in, inSize, ok := f.touchRange(gas, f.at(sp, i), f.at(sp, i+1))
	if !ok {
		return 0, FaultGas
	}
	gas, out, outSize, ok := f.touchRange(gas, f.at(sp, i+2), f.at(sp, i+3))
	if !ok {
		return 0, FaultGas
	}
	addr := chain.Address(f.at(sp, 1).Bytes20())
	cost, code := m.callGas(op, addr, value)
	if gas < cost {
		return 0, FaultGas
	}
	gas -= cost
	given, ok := m.givenGas(gas, f.at(sp, 0))
	if !ok {
		return 0, FaultGas
	}
	gas -= given
	if !value.IsZero() {
		given += gasCallStipend
	}

	result := f.at(sp, i+3)
	f.ret = f.ret[:0]
	result.Clear()
	if f.depth == depthMax || !value.IsZero() && m.tooPoor(f.self, value) {
		m.traceRefused(op, f, addr, value, given, f.mem[in:in+inSize])
		return gas + given, 0
	}
	c := m.frame(f.depth + 1)
	c.gas, c.input, c.static, c.code = given, f.mem[in:in+inSize], f.static || op == STATICCALL, code
	c.caller, c.self, c.value = f.self, addr, *value
	switch op {
	case CALLCODE:
		c.self = f.self
	case DELEGATECALL:
		c.caller, c.self, c.value = f.caller, f.self, f.value
	}
	fault := m.enter(c, op, addr)
	if fault == 0 {
		result[0] = 1
	}
	f.ret = append(f.ret, c.out...)
	copy(f.mem[out:out+outSize], f.ret)
	return gas + c.gas, 0
}

func (m *Machine) tooPoor(addr chain.Address, value *uint256.Int) bool {
	balance := m.st.Balance(addr)
	return balance.Lt(value)
}

// givenGas is what a call gets of the gas left: at most all but a 64th (EIP-150), before that exactly what
// was asked for.
func (m *Machine) givenGas(gas uint64, asked *uint256.Int) (uint64, bool) {
	if m.fork < fork.Tangerine {
		return asked[0], asked.IsUint64() && asked[0] <= gas
	}
	most := gas - gas/64
	if asked.IsUint64() && asked[0] < most {
		return asked[0], true
	}
	return most, true
}

// enter runs a prepared call. Afterwards the frame holds what is left of its gas and its answer.
func (m *Machine) enter(c *frame, op Op, addr chain.Address) (fault Fault) {
	m.traceEnter(op, c, addr, &c.value, c.input)
	back := m.mark()
	switch op {
	case CALL:
		m.transfer(c.caller, c.self, &c.value)
	case STATICCALL:
		m.transfer(c.caller, c.self, &c.value)
	}
	if built := m.pre.At(&addr); built != nil {
		fault = c.runBuilt(built.Price, built.Run)
	} else if m.natives != nil && m.natives.Has(addr) {
		fault = m.runNative(c, op, addr)
	} else if c.code != nil {
		fault = m.execute(c)
	}
	m.leave(c, back, fault)
	return fault
}

// leave undoes what a call that failed did, and takes its gas unless it reverted by itself.
func (m *Machine) leave(c *frame, back mark, fault Fault) {
	if fault != 0 {
		m.revert(back)
		if fault != FaultRevert {
			c.gas, c.out = 0, nil
		}
	}
	m.traceExit(c, fault)
}

func (m *Machine) execute(c *frame) Fault {
	if m.tracer != nil {
		return m.runTraced(c, 0, 0, c.gas)
	}
	if p := m.ready(c.code); p != nil {
		return m.runProgram(c, p, 0, 0, c.gas)
	}
	return m.run(c, 0, 0, c.gas)
}

func (c *frame) runBuilt(price func([]byte) uint64, run func([]byte) ([]byte, bool)) Fault {
	cost := price(c.input)
	if c.gas < cost {
		return FaultGas
	}
	c.gas -= cost
	out, ok := run(c.input)
	if !ok {
		return FaultPrecompile
	}
	c.out = out
	return 0
}

// runNative runs a contract of the chain itself. It gives back all gas that it did not use, unless it ran
// out of it.
func (m *Machine) runNative(c *frame, op Op, addr chain.Address) Fault {
	n := &m.native
	*n = NativeCall{
		Address: addr, Caller: c.caller, Value: c.value, Input: c.input, Gas: c.gas, Depth: c.depth, Static: c.static,
		Delegate: op == DELEGATECALL || op == CALLCODE,
	}
	m.natives.Run(n)
	must.Hold(n.Gas <= c.gas, "vm: a native contract gave back more gas than it got")
	c.gas, c.out = n.Gas, n.Output
	if m.tracer != nil && n.Fault == 0 {
		for i := range n.Logs {
			m.tracer.Log(&n.Logs[i])
		}
	}
	return n.Fault
}

// transfer moves money; with an amount of zero the receiver is touched only.
func (m *Machine) transfer(from, to chain.Address, amount *uint256.Int) {
	m.amount = *amount
	if !amount.IsZero() {
		m.st.SubBalance(from, &m.amount)
	}
	m.st.AddBalance(to, &m.amount)
}

// opCreate is CREATE and CREATE2: the new address, or zero, takes the place of the last operand.
func (m *Machine) opCreate(f *frame, op Op, sp uint, gas uint64) (uint64, Fault) {
	if f.static {
		return 0, FaultStatic
	}
	gas, o, n, ok := f.touchRange(gas, f.at(sp, 1), f.at(sp, 2))
	if !ok {
		return 0, FaultGas
	}
	perWord := uint64(0)
	if m.fork >= fork.Shanghai {
		if n > chain.InitCodeSizeMax {
			return 0, FaultInitSize
		}
		perWord = gasInitWord
	}
	if op == CREATE2 {
		perWord += gasKeccakWord
	}
	cost := (n + 31) / 32 * perWord
	if gas < cost {
		return 0, FaultGas
	}
	gas -= cost
	given := gas
	if m.fork >= fork.Tangerine {
		given -= gas / 64
	}
	gas -= given

	init, value, result := f.mem[o:o+n], f.at(sp, 0), f.at(sp, 2)
	if op == CREATE2 {
		result = f.at(sp, 3)
	}
	f.ret = f.ret[:0]
	nonce := m.st.Nonce(f.self)
	var addr chain.Address
	if op == CREATE2 {
		salt, hash := result.Bytes32(), keccak.Sum256(init)
		addr = addressOf([]byte{0xff}, f.self[:], salt[:], hash[:])
	} else {
		addr = createAddress(f.self, nonce)
	}
	if f.depth == depthMax || m.tooPoor(f.self, value) || nonce+1 == 0 {
		m.traceRefused(op, f, addr, value, given, init)
		result.Clear()
		return gas + given, 0
	}
	m.st.SetNonce(f.self, nonce+1)
	c := m.frame(f.depth + 1)
	c.caller, c.self, c.value, c.gas = f.self, addr, *value, given
	result.Clear()
	switch fault := m.create(c, op, init); fault {
	case 0:
		result.SetBytes20(addr[:])
	case FaultRevert:
		f.ret = append(f.ret, c.out...)
	}
	return gas + c.gas, 0
}

// create runs creation code in a prepared frame and gives the account the code that it returns. The
// creator's nonce has been raised already.
func (m *Machine) create(c *frame, op Op, init []byte) Fault {
	c.input, c.static = nil, false
	c.init.prepare(init)
	c.code = &c.init
	if m.fork >= fork.Berlin {
		m.st.WarmAddress(c.self)
	}
	m.traceEnter(op, c, c.self, &c.value, init)
	back := m.mark()
	if m.st.Nonce(c.self) != 0 || !m.st.CodeHash(c.self).IsZero() || m.st.HasStorage(c.self) {
		m.leave(c, back, FaultCollision)
		return FaultCollision
	}
	m.created = append(m.created, c.self)
	if m.fork >= fork.Spurious {
		m.st.SetNonce(c.self, 1)
	}
	m.transfer(c.caller, c.self, &c.value)
	fault := m.execute(c)
	if fault == 0 {
		fault = m.deposit(c)
	}
	m.leave(c, back, fault)
	return fault
}

// deposit pays for the code of a new contract and puts it in place.
func (m *Machine) deposit(c *frame) Fault {
	if m.fork >= fork.Spurious && len(c.out) > codeSizeMax {
		return FaultCodeSize
	}
	if m.fork >= fork.London && len(c.out) > 0 && c.out[0] == 0xef {
		return FaultCodePrefix
	}
	cost := uint64(len(c.out)) * gasCodeByte
	if c.gas < cost {
		if m.fork < fork.Homestead {
			c.out = nil // the contract is there, without code
			return 0
		}
		return FaultGas
	}
	c.gas -= cost
	if len(c.out) > 0 {
		m.st.SetCode(c.self, append([]byte(nil), c.out...))
	}
	return 0
}

// codeSizeMax is the greatest length of a contract (EIP-170).
const codeSizeMax = 24_576

// addressOf is the end of a Keccak-256 hash.
func addressOf(parts ...[]byte) chain.Address {
	hash := keccak.Sum256(parts...)
	return chain.Address(hash[12:])
}
