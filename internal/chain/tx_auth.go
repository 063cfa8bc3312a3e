package chain

import (
	"github.com/aiwork/aiwork-node/crypto/keccak"
	"github.com/aiwork/aiwork-node/crypto/secp"
	"github.com/aiwork/aiwork-node/internal/codec/rlp"
	"github.com/holiman/uint256"
)

// authMagic stands before what the signer of an authorization signs.
const authMagic = 0x05

// Authorization lets an account run the code of another one (EIP-7702). Its signature is checked when the
// transaction runs: one that does not hold is passed over there, and makes no transaction bad.
type Authorization struct {
	ChainID uint256.Int // 0: any chain
	Address Address     // whose code to run; zero takes a delegation away
	Nonce   uint64      // of the signer
	V       uint8       // parity of the signature
	R, S    uint256.Int
}

// SigningHash gives what the signer signed.
func (a *Authorization) SigningHash() Hash {
	payload := rlp.AppendUint256(nil, &a.ChainID)
	payload = rlp.AppendBytes(payload, a.Address[:])
	payload = rlp.AppendUint64(payload, a.Nonce)
	return keccak.Sum256([]byte{authMagic}, rlp.AppendList(nil, payload))
}

// Signer gives the account that signed, or TxSignature.
func (a *Authorization) Signer() (Address, error) {
	half, order := halfOrder(), groupOrder()
	if a.V > 1 || a.R.IsZero() || a.S.IsZero() || !a.R.Lt(&order) || a.S.Gt(&half) {
		return Address{}, TxSignature
	}
	signer, err := secp.RecoverAddress(a.SigningHash(), secp.Signature{R: a.R.Bytes32(), S: a.S.Bytes32(), V: a.V})
	if err != nil {
		return Address{}, because(TxSignature, err)
	}
	return Address(signer), nil
}

// SignAuthorization gives an authorization signed with key.
func SignAuthorization(a Authorization, key secp.PrivateKey) Authorization {
	sig := secp.Sign(key, a.SigningHash())
	a.R.SetBytes(sig.R[:])
	a.S.SetBytes(sig.S[:])
	a.V = sig.V
	return a
}

func (t *Tx) readAuths(r *rlp.Reader) {
	list := r.List()
	for list.More() {
		var a Authorization
		item := list.List()
		a.ChainID = item.Uint256()
		item.Fixed(a.Address[:])
		a.Nonce = item.Uint64()
		v := item.Uint64()
		a.V = uint8(v)
		if v > 0xff {
			item.Fail(rlp.FaultSize)
		}
		a.R, a.S = item.Uint256(), item.Uint256()
		endInto(list, item)
		t.Auths = append(t.Auths, a)
	}
	endInto(r, list)
}

func (a *Authorization) size() int {
	return rlp.SizeUint256(&a.ChainID) + addressItemSize + rlp.SizeUint64(a.Nonce) + rlp.SizeUint64(uint64(a.V)) +
		rlp.SizeUint256(&a.R) + rlp.SizeUint256(&a.S)
}

func (t *Tx) authsSize() int {
	n := 0
	for i := range t.Auths {
		n += rlp.SizeList(t.Auths[i].size())
	}
	return n
}

func (t *Tx) appendAuths(dst []byte) []byte {
	dst = rlp.AppendListHeader(dst, t.authsSize())
	for i := range t.Auths {
		a := &t.Auths[i]
		dst = rlp.AppendListHeader(dst, a.size())
		dst = rlp.AppendUint256(dst, &a.ChainID)
		dst = rlp.AppendBytes(dst, a.Address[:])
		dst = rlp.AppendUint64(dst, a.Nonce)
		dst = rlp.AppendUint64(dst, uint64(a.V))
		dst = rlp.AppendUint256(dst, &a.R)
		dst = rlp.AppendUint256(dst, &a.S)
	}
	return dst
}
