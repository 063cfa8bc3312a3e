package chain

import (
	"math"

	"github.com/holiman/uint256"
)

// Gas that a transaction costs before anything runs (EIP-2028, 2930, 3860, 7623), and limits on it.
const (
	TxGas            = 21_000  // every transaction
	TxGasCreate      = 32_000  // more for a creation
	TxGasZeroByte    = 4       // a zero byte of data
	TxGasDataByte    = 16      // any other byte of data
	TxGasAddress     = 2_400   // an address in the access list
	TxGasSlot        = 1_900   // a slot in the access list
	TxGasInitWord    = 2       // 32 bytes of creation code
	TxGasAuth        = 25_000  // an authorization
	TxGasFloorToken  = 10      // floor price of a token: a zero byte is one, another four
	TxTokensDataByte = 4       // tokens of a byte that is not zero
	TxGasMaxLimit    = 1 << 24 // most gas a transaction may ask for (EIP-7825)
	InitCodeSizeMax  = 49_152  // longest creation code
)

// Check refuses, with a TxFault, what needs no state to be refused: another chain, more bytes or gas
// than allowed, less gas than the bytes cost, caps in the wrong order, a malformed signature. It does not
// recover the sender, nor the signers of authorizations.
func (t *Tx) Check(chainID uint64) error {
	switch {
	case t.Type == TxTypeLegacy && t.ChainID == 0:
		return TxUnprotected
	case t.ChainID != chainID:
		return TxChainID
	case t.Size() > TxSizeMax:
		return TxSize
	case t.Gas > TxGasMaxLimit:
		return TxGasMax
	}
	return t.checkRules()
}

// checkRules holds what Ethereum's Prague demands of a transaction by itself, on any chain.
func (t *Tx) checkRules() error {
	if t.Nonce == math.MaxUint64 {
		return TxNonceMax
	}
	if t.GasFeeCap.Lt(&t.GasTipCap) {
		return TxFeeOrder
	}
	if _, overflow := t.Cost(); overflow {
		return TxFeeOverflow
	}
	if t.Type == TxTypeSetCode && t.To == nil {
		return TxAuthCreate
	}
	if t.Type == TxTypeSetCode && len(t.Auths) == 0 {
		return TxAuthNone
	}
	if err := t.checkSignature(); err != nil {
		return err
	}
	intrinsic, err := t.IntrinsicGas()
	switch {
	case err != nil:
		return err
	case t.Gas < intrinsic:
		return TxGasLow
	case t.Gas < t.FloorGas():
		return TxGasFloor
	}
	return nil
}

// halfOrder is half the order of the group of secp256k1, the greatest s of a signature (EIP-2).
func halfOrder() uint256.Int {
	return uint256.Int{0xdfe92f46681b20a0, 0x5d576e7357a4501d, 0xffffffffffffffff, 0x7fffffffffffffff}
}

// groupOrder is the order of that group.
func groupOrder() uint256.Int {
	return uint256.Int{0xbfd25e8cd0364141, 0xbaaedce6af48a03b, 0xfffffffffffffffe, 0xffffffffffffffff}
}

func (t *Tx) checkSignature() error {
	half, order := halfOrder(), groupOrder()
	if t.R.IsZero() || t.S.IsZero() || !t.R.Lt(&order) || t.S.Gt(&half) {
		return TxSignature
	}
	_, err := t.parity()
	return err
}

// IntrinsicGas gives the gas used before anything runs, without regard to FloorGas. It fails with
// TxInitCode when creation code is too long.
func (t *Tx) IntrinsicGas() (uint64, error) {
	zero, other := t.dataBytes()
	gas := TxGas + TxGasZeroByte*zero + TxGasDataByte*other
	for i := range t.AccessList {
		gas += TxGasAddress + TxGasSlot*uint64(len(t.AccessList[i].Slots))
	}
	gas += TxGasAuth * uint64(len(t.Auths))
	if t.To != nil {
		return gas, nil
	}
	if len(t.Data) > InitCodeSizeMax {
		return 0, TxInitCode
	}
	words := (uint64(len(t.Data)) + 31) / 32
	return gas + TxGasCreate + TxGasInitWord*words, nil
}

// FloorGas gives the least gas that the transaction uses, whatever runs (EIP-7623): a price for its
// data that only transactions that do little reach.
func (t *Tx) FloorGas() uint64 {
	zero, other := t.dataBytes()
	return TxGas + TxGasFloorToken*(zero+TxTokensDataByte*other)
}

func (t *Tx) dataBytes() (zero, other uint64) {
	for _, c := range t.Data {
		if c == 0 {
			zero++
		}
	}
	return zero, uint64(len(t.Data)) - zero
}
