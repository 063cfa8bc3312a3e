package vrf

import (
	"bytes"
	"crypto/sha256"

	"github.com/aiwork/aiwork-node/internal/must"
)

const (
	pointSize     = 33
	scalarSize    = 32
	challengeSize = 16
	triesMax      = 256 // of try-and-increment: ctr is one byte
)

// The domains of a suite's hashes.
const (
	domainPoint     = 0x01
	domainChallenge = 0x02
	domainOutput    = 0x03
)

// A form is the way in which a version of the text arranges what is hashed.
type form uint8

const (
	formRFC9381 form = iota // the challenge covers the key; a zero byte ends every input
	formDraft06             // neither; met only in old vectors
)

type (
	scalar  = [scalarSize]byte // big-endian
	encoded = [pointSize]byte  // a compressed point
)

// A curve is a group of prime order between 2^255 and 2^256 over a field of the same size. P is a point of
// it; decode and mulSub never return the identity.
type curve[P any] interface {
	order() scalar
	generator() P
	decode(b encoded) (P, bool)                      // false unless canonical and on the curve
	encode(p P) encoded                              // p is not the identity
	mul(k *scalar, p P) P                            // 0 < k < order
	mulSub(s *scalar, p P, c *scalar, q P) (P, bool) // s*p - c*q; false for the identity
	mulAdd(k, c, x *scalar) scalar                   // k + c*x modulo the order
}

// A scheme is ECVRF with try-and-increment and SHA-256 over one curve, suite and form.
type scheme[P any, C curve[P]] struct {
	curve C
	suite string
	form  form
}

func (s scheme[P, C]) prove(sk *scalar, pk encoded, alpha []byte) (proof [ProofSize]byte, beta [32]byte) {
	hPoint, hBytes, found := s.hashToCurve(pk, alpha)
	must.Hold(found, "vrf: 256 hashes and none of them a point")
	gamma := s.curve.encode(s.curve.mul(sk, hPoint))
	k := nonce(sk, sha256.Sum256(hBytes[:]), s.curve.order())
	u := s.curve.encode(s.curve.mul(&k, s.curve.generator()))
	v := s.curve.encode(s.curve.mul(&k, hPoint))
	c := s.challenge(pk, hBytes, gamma, u, v)
	answer := s.curve.mulAdd(&k, &c, sk)
	clear(k[:])

	copy(proof[:], gamma[:])
	copy(proof[pointSize:], c[scalarSize-challengeSize:])
	copy(proof[pointSize+challengeSize:], answer[:])
	return proof, s.output(gamma)
}

func (s scheme[P, C]) verify(pk encoded, alpha []byte, proof [ProofSize]byte) (beta [32]byte, err error) {
	y, ok := s.curve.decode(pk)
	if !ok {
		return beta, FaultKey
	}
	gammaBytes := encoded(proof[:pointSize])
	gamma, ok := s.curve.decode(gammaBytes)
	if !ok {
		return beta, FaultGamma
	}
	var c scalar
	copy(c[scalarSize-challengeSize:], proof[pointSize:])
	answer, order := scalar(proof[pointSize+challengeSize:]), s.curve.order()
	if bytes.Compare(answer[:], order[:]) >= 0 {
		return beta, FaultScalar
	}
	hPoint, hBytes, ok := s.hashToCurve(pk, alpha)
	if !ok {
		return beta, FaultProof
	}
	u, ok := s.curve.mulSub(&answer, s.curve.generator(), &c, y)
	if !ok {
		return beta, FaultProof
	}
	v, ok := s.curve.mulSub(&answer, hPoint, &c, gamma)
	if !ok {
		return beta, FaultProof
	}
	if s.challenge(pk, hBytes, gammaBytes, s.curve.encode(u), s.curve.encode(v)) != c {
		return beta, FaultProof
	}
	return s.output(gammaBytes), nil
}

// hashToCurve finds H by try-and-increment (VRF-2).
func (s scheme[P, C]) hashToCurve(pk encoded, alpha []byte) (P, encoded, bool) {
	for ctr := range triesMax {
		x := s.hash(domainPoint, pk[:], alpha, []byte{byte(ctr)})
		b := encoded{2}
		copy(b[1:], x[:])
		if p, ok := s.curve.decode(b); ok {
			return p, b, true
		}
	}
	var none P
	return none, encoded{}, false
}

// challenge hashes the points of a proof to 16 bytes, given back as a scalar (VRF-3).
func (s scheme[P, C]) challenge(pk, h, gamma, u, v encoded) (c scalar) {
	points := [][]byte{pk[:], h[:], gamma[:], u[:], v[:]}
	if s.form == formDraft06 {
		points = points[1:]
	}
	sum := s.hash(domainChallenge, points...)
	copy(c[scalarSize-challengeSize:], sum[:])
	return c
}

func (s scheme[P, C]) output(gamma encoded) [32]byte {
	return s.hash(domainOutput, gamma[:])
}

func (s scheme[P, C]) hash(domain byte, parts ...[]byte) (sum [32]byte) {
	h := sha256.New()
	h.Write([]byte(s.suite))
	h.Write([]byte{domain})
	for _, p := range parts {
		h.Write(p)
	}
	if s.form == formRFC9381 {
		h.Write([]byte{0})
	}
	h.Sum(sum[:0])
	return sum
}
