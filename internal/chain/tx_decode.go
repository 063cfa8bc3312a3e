package chain

import (
	"bytes"

	"github.com/aiwork/aiwork-node/crypto/keccak"
	"github.com/aiwork/aiwork-node/internal/codec/rlp"
)

// TxSizeMax is the greatest length of an encoded transaction.
const TxSizeMax = 128 << 10

// DecodeTx reads an EIP-2718 transaction. It refuses every form but the canonical one, with a TxFault.
// The signature is not checked: Check and Sender do that.
func DecodeTx(b []byte) (*Tx, error) {
	if len(b) > TxSizeMax {
		return nil, TxSize
	}
	return decodeTx(bytes.Clone(b))
}

// decodeTx keeps b, and lets the data of the transaction share its memory.
func decodeTx(b []byte) (*Tx, error) {
	if len(b) > TxSizeMax {
		return nil, TxSize
	}
	kind, payload, err := txKind(b)
	if err != nil {
		return nil, err
	}
	t := &Tx{Type: kind}
	outer := rlp.NewReader(payload)
	r := outer.List()
	t.readFields(r)
	if err := r.End(); err != nil {
		return nil, because(TxEncoding, err)
	}
	if err := outer.End(); err != nil {
		return nil, because(TxEncoding, err)
	}
	if err := t.wireV(); err != nil {
		return nil, err
	}
	t.ownForm = txForm{enc: b, hash: keccak.Sum256(b)}
	t.form.Store(&t.ownForm)
	return t, nil
}

// txKind takes the type byte off. A legacy transaction begins with the prefix of its list.
func txKind(b []byte) (kind uint8, payload []byte, err error) {
	switch {
	case len(b) == 0:
		return 0, nil, because(TxEncoding, rlp.FaultShort)
	case b[0] >= 0xc0:
		return TxTypeLegacy, b, nil
	case b[0] == TxTypeAccessList, b[0] == TxTypeDynamicFee, b[0] == TxTypeSetCode:
		return b[0], b[1:], nil
	case b[0] == TxTypeBlob:
		return 0, nil, TxBlob
	}
	return 0, nil, TxType
}

func (t *Tx) readFields(r *rlp.Reader) {
	if t.Type != TxTypeLegacy {
		t.ChainID = r.Uint64()
	}
	t.Nonce = r.Uint64()
	if t.dynamicFee() {
		t.GasTipCap = r.Uint256()
	}
	t.GasFeeCap = r.Uint256()
	if !t.dynamicFee() {
		t.GasTipCap = t.GasFeeCap
	}
	t.Gas = r.Uint64()
	t.readTo(r)
	t.Value = r.Uint256()
	t.Data = r.Bytes()
	if t.Type != TxTypeLegacy {
		t.readAccessList(r)
	}
	if t.Type == TxTypeSetCode {
		t.readAuths(r)
	}
	t.V = r.Uint64()
	t.R, t.S = r.Uint256(), r.Uint256()
}

func (t *Tx) readTo(r *rlp.Reader) {
	b := r.Bytes()
	switch len(b) {
	case 0:
	case len(t.ownTo):
		t.ownTo = Address(b)
		t.To = &t.ownTo
	default:
		r.Fail(rlp.FaultSize)
	}
}

func (t *Tx) readAccessList(r *rlp.Reader) {
	list := r.List()
	for list.More() {
		var tuple AccessTuple
		item := list.List()
		item.Fixed(tuple.Address[:])
		slots := item.List()
		for slots.More() {
			var slot Hash
			slots.Fixed(slot[:])
			tuple.Slots = append(tuple.Slots, slot)
		}
		endInto(item, slots)
		endInto(list, item)
		t.AccessList = append(t.AccessList, tuple)
	}
	endInto(r, list)
}

// endInto ends the reader of a list and hands its error to the reader around it.
func endInto(outer, inner *rlp.Reader) {
	if err := inner.End(); err != nil {
		outer.Fail(err)
	}
}

// wireV refuses a V that no signer writes, and takes the chain id out of a legacy one.
func (t *Tx) wireV() error {
	if t.Type != TxTypeLegacy {
		if t.V > 1 {
			return TxSignature
		}
		return nil
	}
	switch {
	case t.V == 27 || t.V == 28:
	case t.V >= vProtected+2: // chain id 0 stands for none
		t.ChainID = (t.V - vProtected) / 2
	default:
		return TxSignature
	}
	return nil
}
