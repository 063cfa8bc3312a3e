package precompile

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"math/big"

	//lint:ignore SA1019 the contract at 0x03 is this hash
	"golang.org/x/crypto/ripemd160"

	"github.com/aiwork/aiwork-node/crypto/secp"
)

// recoverSigner is 0x01: hash, v, r, s, 32 bytes each. A signature that does not recover gives no bytes,
// which is an answer and not a refusal.
func recoverSigner(in []byte) ([]byte, bool) {
	var b [128]byte
	padded(b[:], in, 0)
	if [31]byte(b[32:63]) != ([31]byte{}) || b[63] != 27 && b[63] != 28 {
		return nil, true
	}
	sig := secp.Signature{R: [32]byte(b[64:96]), S: [32]byte(b[96:128]), V: b[63] - 27}
	key, err := secp.RecoverAnyS([32]byte(b[:32]), sig)
	if err != nil {
		return nil, true
	}
	addr := key.Address()
	return append(make([]byte, 12, 32), addr[:]...), true
}

func hashSHA256(in []byte) ([]byte, bool) {
	h := sha256.Sum256(in)
	return h[:], true
}

func hashRIPEMD(in []byte) ([]byte, bool) {
	h := ripemd160.New()
	h.Write(in)
	return h.Sum(make([]byte, 12, 32)), true
}

func identity(in []byte) ([]byte, bool) { return in, true }

// verifyP256 is 0x100 (EIP-7951): hash, r, s, x, y. Anything but a valid signature gives no bytes.
func verifyP256(in []byte) ([]byte, bool) {
	if len(in) != 160 {
		return nil, true
	}
	var point [65]byte
	point[0] = 4
	copy(point[1:], in[96:])
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point[:])
	if err != nil {
		return nil, true
	}
	r, s := new(big.Int).SetBytes(in[32:64]), new(big.Int).SetBytes(in[64:96])
	if !ecdsa.Verify(key, in[:32], r, s) {
		return nil, true
	}
	return one(), true
}
