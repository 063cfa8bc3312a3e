package secp

import (
	dcr "github.com/decred/dcrd/dcrec/secp256k1/v4"
)

// A Signature is an ECDSA signature with what is needed to recover the signer (SECP-2).
type Signature struct {
	R, S [32]byte
	V    byte // 0 or 1: the parity of the nonce point's y
}

// Sign signs a hash with the nonce of RFC 6979 and a low s (SECP-2, SECP-3).
func Sign(k PrivateKey, hash [32]byte) Signature {
	k.check()
	secret := k.d.Bytes()
	for attempt := uint32(0); ; attempt++ {
		nonce := dcr.NonceRFC6979(secret[:], hash[:], nil, nil, attempt)
		sig, ok := signWith(&k.d, hash, nonce)
		nonce.Zero()
		if ok {
			clear(secret[:])
			return sig
		}
	}
}

// signWith refuses the nonces, never met in practice, that give r = 0, s = 0 or an x from n on.
func signWith(d *dcr.ModNScalar, hash [32]byte, nonce *dcr.ModNScalar) (Signature, bool) {
	var point dcr.JacobianPoint
	dcr.ScalarBaseMultNonConst(nonce, &point)
	point.ToAffine()
	var r, z, s dcr.ModNScalar
	overflow := r.SetBytes(point.X.Bytes())
	if overflow != 0 || r.IsZero() {
		return Signature{}, false
	}
	z.SetBytes(&hash)
	s.Mul2(d, &r).Add(&z)
	var inverse dcr.ModNScalar
	s.Mul(inverse.InverseValNonConst(nonce))
	inverse.Zero()
	if s.IsZero() {
		return Signature{}, false
	}
	v := byte(point.Y.IsOddBit())
	if s.IsOverHalfOrder() {
		s.Negate()
		v ^= 1
	}
	return Signature{R: r.Bytes(), S: s.Bytes(), V: v}, true
}

// Verify checks a signature against a known public key, V included.
func Verify(pub PublicKey, hash [32]byte, sig Signature) error {
	got, err := Recover(hash, sig)
	if err != nil {
		return err
	}
	if got != pub {
		return FaultSignature
	}
	return nil
}

// Recover returns the only public key under which sig covers hash. It refuses every form that SECP-2
// excludes.
func Recover(hash [32]byte, sig Signature) (PublicKey, error) {
	r, s, err := sig.scalars()
	if err != nil {
		return PublicKey{}, err
	}
	if s.IsOverHalfOrder() {
		return PublicKey{}, FaultHighS
	}
	return recoverPoint(hash, sig, &r, &s)
}

// RecoverAddress is Recover and then Address.
func RecoverAddress(hash [32]byte, sig Signature) ([20]byte, error) {
	pub, err := Recover(hash, sig)
	if err != nil {
		return [20]byte{}, err
	}
	return pub.Address(), nil
}

// RecoverAnyS is Recover without the limit on s. Only the EVM's ecrecover, which is older than that
// limit, has a use for it.
func RecoverAnyS(hash [32]byte, sig Signature) (PublicKey, error) {
	r, s, err := sig.scalars()
	if err != nil {
		return PublicKey{}, err
	}
	return recoverPoint(hash, sig, &r, &s)
}

func (sig *Signature) scalars() (r, s dcr.ModNScalar, err error) {
	if r.SetBytes(&sig.R) != 0 || s.SetBytes(&sig.S) != 0 || r.IsZero() || s.IsZero() {
		return r, s, FaultRange
	}
	if sig.V > 1 {
		return r, s, FaultRecovery
	}
	return r, s, nil
}

// recoverPoint computes Q = r^-1 (s R - z G).
func recoverPoint(hash [32]byte, sig Signature, r, s *dcr.ModNScalar) (PublicKey, error) {
	var x fe
	x.setBytes(&sig.R)
	var point affine
	if !point.lift(&x, sig.V == 1) {
		return PublicKey{}, FaultRecovery
	}
	var z, u1, u2 dcr.ModNScalar
	z.SetBytes(&hash)
	inverse := invertScalar(r)
	u1.Mul2(&z, &inverse).Negate()
	u2.Mul2(s, &inverse)
	q := mulBaseAnd(&u1, &u2, &point)
	if q.identity {
		return PublicKey{}, FaultRecovery
	}
	a := q.affine()
	return a.public(), nil
}
