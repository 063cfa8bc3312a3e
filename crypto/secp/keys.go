package secp

import (
	"fmt"

	dcr "github.com/decred/dcrd/dcrec/secp256k1/v4"

	"github.com/aiwork/aiwork-node/crypto/keccak"
	"github.com/aiwork/aiwork-node/internal/must"
)

// A PrivateKey is a secret scalar together with its public key. Make it with ParsePrivateKey. It does
// not show itself when printed.
type PrivateKey struct {
	d   dcr.ModNScalar
	pub PublicKey
}

// ParsePrivateKey reads a big-endian scalar and refuses 0 and everything from n on (SECP-1).
func ParsePrivateKey(b [32]byte) (PrivateKey, error) {
	var k PrivateKey
	if k.d.SetBytes(&b) != 0 || k.d.IsZero() {
		return PrivateKey{}, FaultPrivateKey
	}
	var p dcr.JacobianPoint
	dcr.ScalarBaseMultNonConst(&k.d, &p)
	k.pub = publicFromJacobian(&p)
	return k, nil
}

// Bytes returns the secret scalar, big-endian.
func (k PrivateKey) Bytes() [32]byte { return k.d.Bytes() }

// Public returns the public key, which was computed when the key was parsed.
func (k PrivateKey) Public() PublicKey {
	k.check()
	return k.pub
}

// Zero overwrites the secret. The key must not be used afterwards.
func (k *PrivateKey) Zero() {
	k.d.Zero()
	k.pub = PublicKey{}
}

// Format writes a placeholder for every verb, so that no log or error shows the secret.
func (k PrivateKey) Format(s fmt.State, _ rune) {
	fmt.Fprint(s, "secp.PrivateKey(hidden)")
}

func (k *PrivateKey) check() {
	must.Hold(!k.d.IsZero(), "private key used before parsing or after Zero")
}

// A PublicKey is a point of the curve other than the identity. Make it with ParsePublicKey or
// PrivateKey.Public; two keys are equal when == says so.
type PublicKey struct {
	x, y [32]byte
}

func publicFromJacobian(p *dcr.JacobianPoint) PublicKey {
	p.ToAffine()
	return PublicKey{x: *p.X.Bytes(), y: *p.Y.Bytes()}
}

// ParsePublicKey reads the compressed form of 33 bytes or the uncompressed form of 65 (SECP-1).
func ParsePublicKey(b []byte) (PublicKey, error) {
	switch {
	case len(b) != 33 && len(b) != 65:
		return PublicKey{}, FaultLength
	case len(b) == 33 && b[0] != 2 && b[0] != 3, len(b) == 65 && b[0] != 4:
		return PublicKey{}, FaultPrefix
	}
	var x, y fe
	if px := [32]byte(b[1:33]); !x.setBytes(&px) {
		return PublicKey{}, FaultPoint
	}
	if len(b) == 33 {
		var a affine
		if !a.lift(&x, b[0] == 3) {
			return PublicKey{}, FaultPoint
		}
		return a.public(), nil
	}
	if py := [32]byte(b[33:]); !y.setBytes(&py) || !(&affine{x, y}).onCurve() {
		return PublicKey{}, FaultPoint
	}
	return (&affine{x, y}).public(), nil
}

// Compressed returns the parity of y as 0x02 or 0x03, then x.
func (k PublicKey) Compressed() [33]byte {
	var b [33]byte
	b[0] = 2 + k.y[31]&1
	copy(b[1:], k.x[:])
	return b
}

// Uncompressed returns 0x04, x, y.
func (k PublicKey) Uncompressed() [65]byte {
	var b [65]byte
	b[0] = 4
	copy(b[1:], k.x[:])
	copy(b[33:], k.y[:])
	return b
}

// XOnly returns x, which is the key's form in BIP-340.
func (k PublicKey) XOnly() [32]byte { return k.x }

// Address returns the last 20 bytes of the Keccak hash of x and y, which is the key's Ethereum address.
func (k PublicKey) Address() [20]byte {
	h := keccak.Sum256(k.x[:], k.y[:])
	return [20]byte(h[12:])
}

func (a *affine) public() PublicKey {
	return PublicKey{x: a.x.bytes(), y: a.y.bytes()}
}
