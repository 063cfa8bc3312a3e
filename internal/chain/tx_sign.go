package chain

import (
	"math"

	"github.com/aiwork/aiwork-node/crypto/secp"
)

const (
	vPlain     = 27 // legacy V without a chain id, for parity 0
	vProtected = 35 // legacy V of chain id 0 under EIP-155, for parity 0

	// ChainIDMax is the greatest chain id whose legacy V fits 64 bits.
	ChainIDMax = (math.MaxUint64 - vProtected - 1) / 2
)

// SignTx gives a copy of t that is signed with key for the chain; a legacy one under EIP-155. It reads
// the fields before the signature and may be called again with the same t.
func SignTx(t *Tx, key secp.PrivateKey, chainID uint64) (*Tx, error) {
	if chainID == 0 || chainID > ChainIDMax {
		return nil, TxChainID
	}
	s := &Tx{
		Type: t.Type, ChainID: chainID, Nonce: t.Nonce, GasTipCap: t.GasTipCap, GasFeeCap: t.GasFeeCap,
		Gas: t.Gas, To: t.To, Value: t.Value, Data: t.Data, AccessList: t.AccessList, Auths: t.Auths,
	}
	if t.Type > TxTypeSetCode || t.Type == TxTypeBlob {
		return nil, TxType
	}
	if !t.dynamicFee() {
		s.GasTipCap = s.GasFeeCap
	}
	sig := secp.Sign(key, s.SigningHash())
	s.R.SetBytes(sig.R[:])
	s.S.SetBytes(sig.S[:])
	s.V = uint64(sig.V)
	if s.Type == TxTypeLegacy {
		s.V += vProtected + 2*chainID
	}
	s.ownSender = key.Public().Address()
	s.sender.Store(&s.ownSender)
	return s, nil
}

// Sender gives the account whose key signed the transaction, or TxSignature. The first call recovers
// it, which takes about a tenth of a millisecond; later ones remember.
func (t *Tx) Sender() (Address, error) {
	if a := t.sender.Load(); a != nil {
		return *a, nil
	}
	parity, err := t.parity()
	if err != nil {
		return Address{}, err
	}
	sig := secp.Signature{R: t.R.Bytes32(), S: t.S.Bytes32(), V: parity}
	a, err := secp.RecoverAddress(t.SigningHash(), sig)
	if err != nil {
		return Address{}, because(TxSignature, err)
	}
	sender := Address(a)
	t.sender.Store(&sender)
	return sender, nil
}

// CachedSender gives the sender if it has been recovered.
func (t *Tx) CachedSender() (Address, bool) {
	if a := t.sender.Load(); a != nil {
		return *a, true
	}
	return Address{}, false
}

func (t *Tx) parity() (byte, error) {
	v := t.V
	if t.Type == TxTypeLegacy {
		base := uint64(vPlain)
		if t.ChainID != 0 {
			base = vProtected + 2*t.ChainID
		}
		v -= base // wraps far above 1 when V is too small
	}
	if v > 1 {
		return 0, TxSignature
	}
	return byte(v), nil
}
