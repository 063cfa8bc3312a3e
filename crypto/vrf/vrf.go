package vrf

import "github.com/aiwork/aiwork-node/crypto/secp"

// ProofSize is the length of a proof: a point, a challenge, a scalar.
const ProofSize = pointSize + challengeSize + scalarSize

const suiteName = "\xFEaiwork/ecvrf-secp256k1-sha256-tai/1" // VRF-1

func ours() scheme[secpPoint, secpCurve] {
	return scheme[secpPoint, secpCurve]{suite: suiteName, form: formRFC9381}
}

// Prove computes the output beta of alpha under a key, with the proof for it. Equal arguments give equal
// results.
func Prove(sk secp.PrivateKey, alpha []byte) (proof [ProofSize]byte, beta [32]byte) {
	secret := sk.Bytes()
	proof, beta = ours().prove(&secret, sk.Public().Compressed(), alpha)
	clear(secret[:])
	return proof, beta
}

// Verify checks the proof for alpha under a compressed public key and returns the output. It returns a
// Fault when anything is not exactly as VRF-4 says.
func Verify(pk [33]byte, alpha []byte, proof [ProofSize]byte) (beta [32]byte, err error) {
	return ours().verify(pk, alpha, proof)
}

// A Fault says why a proof is refused. Values are never reused.
type Fault uint8

// The faults of proofs.
const (
	FaultKey    Fault = iota + 1 // the public key is no canonical point
	FaultGamma                   // the proof's point is no canonical point
	FaultScalar                  // s is not below the group order
	FaultProof                   // the proof does not hold for this key and input
)

// Error tells the reason in words.
func (f Fault) Error() string {
	switch f {
	case FaultKey:
		return "vrf: public key is not a canonical point"
	case FaultGamma:
		return "vrf: proof begins with no canonical point"
	case FaultScalar:
		return "vrf: scalar of the proof out of range"
	case FaultProof:
		return "vrf: proof does not hold"
	}
	return "vrf: unknown fault"
}
