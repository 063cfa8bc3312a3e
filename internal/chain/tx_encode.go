package chain

import (
	"github.com/aiwork/aiwork-node/crypto/keccak"
	"github.com/aiwork/aiwork-node/internal/codec/rlp"
)

// SigningHash gives what the sender signed: the Keccak-256 hash of the envelope without the signature.
func (t *Tx) SigningHash() Hash {
	var room [256]byte
	return keccak.Sum256(t.appendEnvelope(room[:0], false))
}

// appendEnvelope appends the type byte, unless legacy, and the list of fields. The sizes are computed
// first, so that each byte is written once.
func (t *Tx) appendEnvelope(dst []byte, signed bool) []byte {
	access := t.accessListSize()
	n := t.payloadSize(access, signed)
	if dst == nil {
		dst = make([]byte, 0, 1+rlp.SizeList(n))
	}
	if t.Type != TxTypeLegacy {
		dst = append(dst, t.Type)
	}
	dst = rlp.AppendListHeader(dst, n)
	return t.appendPayload(dst, access, signed)
}

func (t *Tx) payloadSize(access int, signed bool) int {
	n := rlp.SizeUint64(t.Nonce) + rlp.SizeUint256(&t.GasFeeCap) + rlp.SizeUint64(t.Gas) +
		t.toSize() + rlp.SizeUint256(&t.Value) + rlp.SizeBytes(t.Data)
	if t.Type != TxTypeLegacy {
		n += rlp.SizeUint64(t.ChainID) + rlp.SizeList(access)
	}
	if t.dynamicFee() {
		n += rlp.SizeUint256(&t.GasTipCap)
	}
	if t.Type == TxTypeSetCode {
		n += rlp.SizeList(t.authsSize())
	}
	switch {
	case signed:
		n += rlp.SizeUint64(t.V) + rlp.SizeUint256(&t.R) + rlp.SizeUint256(&t.S)
	case t.replayProtected():
		n += rlp.SizeUint64(t.ChainID) + 2
	}
	return n
}

func (t *Tx) appendPayload(dst []byte, access int, signed bool) []byte {
	if t.Type != TxTypeLegacy {
		dst = rlp.AppendUint64(dst, t.ChainID)
	}
	dst = rlp.AppendUint64(dst, t.Nonce)
	if t.dynamicFee() {
		dst = rlp.AppendUint256(dst, &t.GasTipCap)
	}
	dst = rlp.AppendUint256(dst, &t.GasFeeCap)
	dst = rlp.AppendUint64(dst, t.Gas)
	dst = t.appendTo(dst)
	dst = rlp.AppendUint256(dst, &t.Value)
	dst = rlp.AppendBytes(dst, t.Data)
	if t.Type != TxTypeLegacy {
		dst = t.appendAccessList(dst, access)
	}
	if t.Type == TxTypeSetCode {
		dst = t.appendAuths(dst)
	}
	switch {
	case signed:
		dst = rlp.AppendUint64(dst, t.V)
		dst = rlp.AppendUint256(dst, &t.R)
		dst = rlp.AppendUint256(dst, &t.S)
	case t.replayProtected():
		dst = rlp.AppendUint64(dst, t.ChainID)
		dst = append(dst, 0x80, 0x80)
	}
	return dst
}

// replayProtected reports whether a legacy transaction signs its chain id in the place of V (EIP-155).
func (t *Tx) replayProtected() bool { return t.Type == TxTypeLegacy && t.ChainID != 0 }

func (t *Tx) toSize() int {
	if t.To == nil {
		return 1
	}
	return 1 + len(t.To)
}

func (t *Tx) appendTo(dst []byte) []byte {
	if t.To == nil {
		return append(dst, 0x80)
	}
	return rlp.AppendBytes(dst, t.To[:])
}

const (
	addressItemSize = 21 // RLP of 20 bytes
	hashItemSize    = 33 // RLP of 32 bytes
)

func tupleSize(a *AccessTuple) int {
	return addressItemSize + rlp.SizeList(hashItemSize*len(a.Slots))
}

func (t *Tx) accessListSize() int {
	n := 0
	for i := range t.AccessList {
		n += rlp.SizeList(tupleSize(&t.AccessList[i]))
	}
	return n
}

func (t *Tx) appendAccessList(dst []byte, size int) []byte {
	dst = rlp.AppendListHeader(dst, size)
	for i := range t.AccessList {
		tuple := &t.AccessList[i]
		dst = rlp.AppendListHeader(dst, tupleSize(tuple))
		dst = rlp.AppendBytes(dst, tuple.Address[:])
		dst = rlp.AppendListHeader(dst, hashItemSize*len(tuple.Slots))
		for j := range tuple.Slots {
			dst = rlp.AppendBytes(dst, tuple.Slots[j][:])
		}
	}
	return dst
}
