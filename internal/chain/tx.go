package chain

import (
	"sync/atomic"

	"github.com/aiwork/aiwork-node/crypto/keccak"
	"github.com/holiman/uint256"
)

// Types of transactions (EIP-2718).
const (
	TxTypeLegacy     = 0 // before EIP-2718: no type byte
	TxTypeAccessList = 1 // EIP-2930
	TxTypeDynamicFee = 2 // EIP-1559
	TxTypeBlob       = 3 // EIP-4844, refused
	TxTypeSetCode    = 4 // EIP-7702
)

// AccessTuple names an account and slots of it that a transaction says it will touch.
type AccessTuple struct {
	Address Address
	Slots   []Hash
}

// Tx is a signed transaction. It does not change after its first use, and is then safe for concurrent
// use: hash, encoding and sender are computed once and remembered.
type Tx struct {
	Type       uint8
	ChainID    uint64 // of a legacy transaction: what its V says, 0 when V names no chain
	Nonce      uint64
	GasTipCap  uint256.Int // wei per gas; types 0 and 1: equal to GasFeeCap
	GasFeeCap  uint256.Int // wei per gas
	Gas        uint64
	To         *Address // nil creates a contract
	Value      uint256.Int
	Data       []byte
	AccessList []AccessTuple
	Auths      []Authorization // type 4 only
	V          uint64          // as on the wire: 27, 28 or EIP-155 for legacy, else the parity 0 or 1
	R, S       uint256.Int

	form   atomic.Pointer[txForm]
	sender atomic.Pointer[Address]

	// Room that a decoded transaction uses instead of three allocations.
	ownForm   txForm
	ownTo     Address
	ownSender Address
}

// dynamicFee reports whether the transaction names a tip cap of its own.
func (t *Tx) dynamicFee() bool { return t.Type == TxTypeDynamicFee || t.Type == TxTypeSetCode }

// txForm is the encoded transaction and its hash.
type txForm struct {
	enc  []byte
	hash Hash
}

// Encode gives the EIP-2718 bytes, which the caller does not change.
func (t *Tx) Encode() []byte { return t.encoded().enc }

// Hash gives the Keccak-256 hash of Encode.
func (t *Tx) Hash() Hash { return t.encoded().hash }

// Size gives the length of Encode.
func (t *Tx) Size() int { return len(t.encoded().enc) }

func (t *Tx) encoded() *txForm {
	if f := t.form.Load(); f != nil {
		return f
	}
	enc := t.appendEnvelope(nil, true)
	f := &txForm{enc: enc, hash: keccak.Sum256(enc)}
	t.form.Store(f)
	return f
}

// Cost gives the most that the transaction can take from its sender, gas * GasFeeCap + Value, and
// whether that overflowed 256 bits.
func (t *Tx) Cost() (cost uint256.Int, overflow bool) {
	gas := uint256.Int{t.Gas}
	if _, overflow = cost.MulOverflow(&gas, &t.GasFeeCap); overflow {
		return uint256.Int{}, true
	}
	if _, overflow = cost.AddOverflow(&cost, &t.Value); overflow {
		return uint256.Int{}, true
	}
	return cost, false
}

// EffectiveTip gives what the proposer earns per gas: min(GasTipCap, GasFeeCap - baseFee), or zero
// when the fee cap is below the base fee.
func (t *Tx) EffectiveTip(baseFee *uint256.Int) uint256.Int {
	var over uint256.Int
	if t.GasFeeCap.Lt(baseFee) {
		return over
	}
	over.Sub(&t.GasFeeCap, baseFee)
	if t.GasTipCap.Lt(&over) {
		return t.GasTipCap
	}
	return over
}

// EffectivePrice gives what the sender pays per gas: the base fee plus the effective tip, and the fee
// cap when that is below the base fee (then the transaction cannot be included).
func (t *Tx) EffectivePrice(baseFee *uint256.Int) uint256.Int {
	if t.GasFeeCap.Lt(baseFee) {
		return t.GasFeeCap
	}
	tip := t.EffectiveTip(baseFee)
	tip.Add(&tip, baseFee)
	return tip
}
