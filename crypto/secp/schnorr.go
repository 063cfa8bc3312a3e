package secp

import (
	"crypto/sha256"

	dcr "github.com/decred/dcrd/dcrec/secp256k1/v4"

	"github.com/aiwork/aiwork-node/internal/must"
)

// SignSchnorr signs a message of any length as BIP-340 says. aux is fresh randomness; zeros are allowed
// and only weaken the protection against faults and observers.
func SignSchnorr(k PrivateKey, msg []byte, aux [32]byte) [64]byte {
	k.check()
	d, px := k.d, k.pub.x
	if k.pub.y[31]&1 == 1 {
		d.Negate()
	}
	nonce := schnorrNonce(&d, px, msg, aux)
	var point dcr.JacobianPoint
	dcr.ScalarBaseMultNonConst(&nonce, &point)
	point.ToAffine()
	if point.Y.IsOdd() {
		nonce.Negate()
	}
	var sig [64]byte
	copy(sig[:32], point.X.Bytes()[:])
	e := schnorrChallenge(sig[:32], px[:], msg)
	e.Mul(&d).Add(&nonce)
	e.PutBytesUnchecked(sig[32:])
	d.Zero()
	nonce.Zero()
	return sig
}

func schnorrNonce(d *dcr.ModNScalar, px [32]byte, msg []byte, aux [32]byte) dcr.ModNScalar {
	masked := d.Bytes()
	for i, b := range taggedHash("BIP0340/aux", aux[:]) {
		masked[i] ^= b
	}
	seed := taggedHash("BIP0340/nonce", masked[:], px[:], msg)
	var nonce dcr.ModNScalar
	nonce.SetBytes(&seed)
	clear(masked[:])
	clear(seed[:])
	must.Hold(!nonce.IsZero(), "schnorr nonce is zero")
	return nonce
}

// VerifySchnorr checks a BIP-340 signature. Callers that meet a key often parse it once instead.
func VerifySchnorr(pub [32]byte, msg []byte, sig [64]byte) error {
	k, err := ParseSchnorrKey(pub)
	if err != nil {
		return err
	}
	return k.Verify(msg, sig)
}

// A SchnorrKey is a public key of BIP-340 whose point has been computed already. Keys are equal when ==
// says so.
type SchnorrKey struct {
	x     [32]byte
	point affine // with even y
}

// ParseSchnorrKey refuses 32 bytes that are not the x of a point.
func ParseSchnorrKey(pub [32]byte) (SchnorrKey, error) {
	k := SchnorrKey{x: pub}
	var err error
	k.point, err = liftX(&pub)
	if err != nil {
		return SchnorrKey{}, err
	}
	return k, nil
}

// Bytes returns the 32 bytes that ParseSchnorrKey reads.
func (k SchnorrKey) Bytes() [32]byte { return k.x }

// Verify checks a BIP-340 signature over a message of any length (SECP-4).
func (k SchnorrKey) Verify(msg []byte, sig [64]byte) error {
	s, err := schnorrScalar(&sig)
	if err != nil {
		return err
	}
	e := schnorrChallenge(sig[:32], k.x[:], msg)
	r := mulBaseAnd(&s, e.Negate(), &k.point)
	if r.identity {
		return FaultSignature
	}
	a := r.affine()
	if a.y.isOdd() || a.x.bytes() != [32]byte(sig[:32]) {
		return FaultSignature
	}
	return nil
}

func schnorrScalar(sig *[64]byte) (dcr.ModNScalar, error) {
	var s dcr.ModNScalar
	b := [32]byte(sig[32:])
	if s.SetBytes(&b) != 0 {
		return s, FaultRange
	}
	return s, nil
}

// liftX returns the point with this x and an even y.
func liftX(b *[32]byte) (affine, error) {
	var x fe
	var a affine
	if !x.setBytes(b) || !a.lift(&x, false) {
		return affine{}, FaultPoint
	}
	return a, nil
}

func schnorrChallenge(rx, px, msg []byte) dcr.ModNScalar {
	h := taggedHash("BIP0340/challenge", rx, px, msg)
	var e dcr.ModNScalar
	e.SetBytes(&h)
	return e
}

// taggedHash is SHA-256(SHA-256(tag) || SHA-256(tag) || parts).
func taggedHash(tag string, parts ...[]byte) (sum [32]byte) {
	prefix := sha256.Sum256([]byte(tag))
	h := sha256.New()
	h.Write(prefix[:])
	h.Write(prefix[:])
	for _, p := range parts {
		h.Write(p)
	}
	h.Sum(sum[:0])
	return sum
}
