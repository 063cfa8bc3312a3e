package vm

import (
	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/vm/fork"
)

// Tx is a transaction as the rules see it: signature checked, sender known.
type Tx struct {
	Type       uint8 // chain.TxTypeLegacy and so on
	From       chain.Address
	To         *chain.Address // nil creates a contract
	Nonce      uint64
	Gas        uint64
	FeeCap     uint256.Int // the gas price of types 0 and 1
	TipCap     uint256.Int // the same as FeeCap for types 0 and 1
	Value      uint256.Int
	Data       []byte
	Access     []chain.AccessTuple
	BlobFeeCap uint256.Int
	Blobs      []chain.Hash
	Auths      []chain.Authorization
}

// Outcome is what became of a transaction.
type Outcome struct {
	GasUsed  uint64 // paid for
	Refunded uint64
	GasPeak  uint64 // what it needed before refunds came
	Fault    Fault  // 0: it went well
	Output   []byte // the answer, or what a revert said; the new code for a creation
	Created  chain.Address
	Burned   uint256.Int // money of accounts that went away, which nobody has any more
}

const (
	gasTxLegacyByte  = 68 // a data byte before Istanbul
	refundAuth       = 12_500
	blobGas          = 1 << 17
	blobsPerTxMax    = 6 // EIP-7594
	refundDivisorOld = 2
	refundDivisor    = 5 // EIP-3529
)

// IntrinsicGas gives what a transaction costs before anything runs, and the floor of EIP-7623, zero
// before Prague.
func IntrinsicGas(f fork.Fork, tx *Tx) (gas, floor uint64) {
	zeros := uint64(0)
	for _, b := range tx.Data {
		if b == 0 {
			zeros++
		}
	}
	others := uint64(len(tx.Data)) - zeros
	perByte := uint64(gasTxLegacyByte)
	if f >= fork.Istanbul {
		perByte = chain.TxGasDataByte
	}
	gas = chain.TxGas + zeros*chain.TxGasZeroByte + others*perByte
	if tx.To == nil && f >= fork.Homestead {
		gas += chain.TxGasCreate
	}
	if tx.To == nil && f >= fork.Shanghai {
		gas += (uint64(len(tx.Data)) + 31) / 32 * chain.TxGasInitWord
	}
	for i := range tx.Access {
		gas += chain.TxGasAddress + uint64(len(tx.Access[i].Slots))*chain.TxGasSlot
	}
	gas += uint64(len(tx.Auths)) * chain.TxGasAuth
	if f >= fork.Prague {
		floor = chain.TxGas + chain.TxGasFloorToken*(zeros+chain.TxTokensDataByte*others)
	}
	return gas, floor
}

// Run runs a transaction. A TxFault says that it cannot stand in a block; then nothing has changed. The
// caller has begun a transaction on the state, and ends it.
func (m *Machine) Run(tx *Tx) (Outcome, error) {
	gas, floor, err := m.check(tx)
	if err != nil {
		return Outcome{}, err
	}
	return m.apply(tx, gas, floor), nil
}

// Try runs a transaction that was not signed and will not stand in a block: the nonce is the sender's next
// one, the sender may be a contract, and there is no limit but its own gas. All else is as in Run.
func (m *Machine) Try(tx *Tx) (Outcome, error) {
	try := *tx
	try.Nonce = m.st.Nonce(tx.From)
	gas, floor, fault := m.checkTry(&try)
	if fault != 0 {
		return Outcome{}, fault
	}
	return m.apply(&try, gas, floor), nil
}

// apply runs a checked transaction.
func (m *Machine) apply(tx *Tx, gas, floor uint64) Outcome {
	price := m.price(tx)
	m.begin(tx.From, &price, tx.Blobs)
	m.pay(tx, &price)
	m.warmUp(tx)
	m.st.SetNonce(tx.From, tx.Nonce+1)
	for i := range tx.Auths {
		m.authorize(&tx.Auths[i])
	}
	out, left := m.top(tx, gas)
	m.settle(tx, &price, &out, left, floor)
	m.end()
	out.Burned = m.burned
	return out
}

func (m *Machine) begin(origin chain.Address, price *uint256.Int, blobs []chain.Hash) {
	m.origin, m.gasPrice, m.blobHashes = origin, *price, blobs
	m.created, m.doomed = m.created[:0], m.doomed[:0]
	m.burned.Clear()
}

func (m *Machine) end() {
	for _, addr := range m.doomed {
		m.amount = m.st.Balance(addr) // what came after the destruction
		m.burned.Add(&m.burned, &m.amount)
		m.st.Destroy(addr)
	}
	m.release()
}

// Call runs the code of tx.To, or tx.Data as creation code, with all of tx.Gas and nothing else of what a
// transaction does: no check, no intrinsic gas, no nonce, no fee, no authorization, no refund. FeeCap is
// the gas price that the code sees. Readers and benchmarks call it on a state that they throw away.
func (m *Machine) Call(tx *Tx) Outcome {
	m.begin(tx.From, &tx.FeeCap, tx.Blobs)
	m.warmUp(tx)
	out, left := m.top(tx, 0)
	out.GasUsed, out.Refunded = tx.Gas-left, m.st.Refund()
	m.end()
	return out
}

// price is what a unit of gas costs the sender (EIP-1559).
func (m *Machine) price(tx *Tx) uint256.Int {
	if m.fork < fork.London {
		return tx.FeeCap
	}
	var price uint256.Int
	if _, over := price.AddOverflow(&m.block.BaseFee, &tx.TipCap); over || tx.FeeCap.Lt(&price) {
		return tx.FeeCap
	}
	return price
}

// pay takes the gas and the blobs from the sender in advance.
func (m *Machine) pay(tx *Tx, price *uint256.Int) {
	var blobs uint256.Int
	m.amount.Mul(price, uint256.NewInt(tx.Gas))
	blobs.Mul(&m.block.BlobBaseFee, uint256.NewInt(uint64(len(tx.Blobs))*blobGas))
	m.amount.Add(&m.amount, &blobs)
	m.st.SubBalance(tx.From, &m.amount)
}

// warmUp makes warm what the rules name (EIP-2929, EIP-2930, EIP-3651), but for built-in contracts: see warm.
func (m *Machine) warmUp(tx *Tx) {
	if m.fork < fork.Berlin {
		return
	}
	m.st.WarmAddress(tx.From)
	if tx.To != nil {
		m.st.WarmAddress(*tx.To)
	}
	if m.fork >= fork.Shanghai {
		m.st.WarmAddress(m.block.Coinbase)
	}
	for i := range tx.Access {
		m.st.WarmAddress(tx.Access[i].Address)
		for _, slot := range tx.Access[i].Slots {
			m.st.WarmSlot(tx.Access[i].Address, slot)
		}
	}
}

// authorize sets or clears the delegation of an account that signed for it.
func (m *Machine) authorize(a *chain.Authorization) {
	if !a.ChainID.IsZero() && (!a.ChainID.IsUint64() || a.ChainID[0] != m.block.ChainID) || a.Nonce+1 == 0 {
		return
	}
	signer, err := a.Signer()
	if err != nil {
		return
	}
	m.st.WarmAddress(signer)
	if code := m.codeOf(signer); code != nil && !code.delegated || m.st.Nonce(signer) != a.Nonce {
		return
	}
	if m.st.Exists(signer) {
		m.st.AddRefund(refundAuth)
	}
	var code []byte
	if !a.Address.IsZero() {
		code = chain.DelegationTo(a.Address)
	}
	m.st.SetCode(signer, code)
	m.st.SetNonce(signer, a.Nonce+1)
}

// top runs the transaction's own call or creation with the gas that is left after the intrinsic part.
func (m *Machine) top(tx *Tx, intrinsic uint64) (out Outcome, left uint64) {
	c := m.frame(0)
	c.caller, c.value, c.gas, c.static = tx.From, tx.Value, tx.Gas-intrinsic, false
	if tx.To == nil {
		c.self = createAddress(tx.From, tx.Nonce)
		out.Created = c.self
		out.Fault = m.create(c, CREATE, tx.Data)
	} else {
		c.self, c.input, c.code = *tx.To, tx.Data, m.codeOf(*tx.To)
		if c.code != nil && c.code.delegated && m.fork >= fork.Prague {
			m.st.WarmAddress(c.code.target)
			c.code = m.codeOf(c.code.target)
		}
		out.Fault = m.enter(c, CALL, *tx.To)
	}
	out.Output = append([]byte(nil), c.out...)
	return out, c.gas
}

// settle gives back what was not used and pays the proposer.
func (m *Machine) settle(tx *Tx, price *uint256.Int, out *Outcome, left, floor uint64) {
	used := tx.Gas - left
	divisor := uint64(refundDivisorOld)
	if m.fork >= fork.London {
		divisor = refundDivisor
	}
	out.Refunded = min(m.st.Refund(), used/divisor)
	out.GasUsed, out.GasPeak = max(used-out.Refunded, floor), max(used, floor)
	m.amount.Mul(price, uint256.NewInt(tx.Gas-out.GasUsed))
	m.st.AddBalance(tx.From, &m.amount)
	tip := *price
	if m.fork >= fork.London {
		tip.Sub(price, &m.block.BaseFee)
	}
	m.amount.Mul(&tip, uint256.NewInt(out.GasUsed))
	m.st.AddBalance(m.block.Coinbase, &m.amount)
}

// cost is the most that a transaction can take from its sender; ok is false if that has no 256 bits.
func cost(tx *Tx) (total uint256.Int, ok bool) {
	over1, over2, over3, over4 := false, false, false, false
	var blobs uint256.Int
	_, over1 = total.MulOverflow(&tx.FeeCap, uint256.NewInt(tx.Gas))
	_, over2 = blobs.MulOverflow(&tx.BlobFeeCap, uint256.NewInt(uint64(len(tx.Blobs))*blobGas))
	_, over3 = total.AddOverflow(&total, &blobs)
	_, over4 = total.AddOverflow(&total, &tx.Value)
	return total, !over1 && !over2 && !over3 && !over4
}
