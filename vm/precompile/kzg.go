package precompile

import (
	"crypto/sha256"
	"encoding/hex"
	"math/big"

	bls "github.com/consensys/gnark-crypto/ecc/bls12-381"
	"github.com/consensys/gnark-crypto/ecc/bls12-381/fr"

	"github.com/aiwork/aiwork-node/internal/must"
)

// ceremonyG2 is the secret of Ethereum's ceremony times the generator of G2, compressed. The rest of the
// setup is needed to make proofs only.
const ceremonyG2 = "b5bfd7dd8cdeb128843bc287230af38926187075cbfbefa81009a2ce615ac53d2914e5870cb452d2afaaab24f3499f72" +
	"185cbfee53492714734429b7b38608e23926c911cceceac9a36851477ba4c60b087041de621000edc98edada20c1def2"

// setupG2 is ceremonyG2 as a point; it never changes.
var setupG2 = parseSetup()

func parseSetup() (p bls.G2Affine) {
	b, err := hex.DecodeString(ceremonyG2)
	must.Hold(err == nil, "the ceremony's point is hexadecimal")
	n, err := p.SetBytes(b)
	must.Hold(err == nil && n == len(b), "the ceremony's point is a point of the group")
	return p
}

// pointEvaluation is 0x0a (EIP-4844): versioned hash, z, y, commitment, proof. It shows that the
// committed polynomial has the value y at z, and answers the two constants of the EIP.
func pointEvaluation(in []byte) ([]byte, bool) {
	if len(in) != 192 {
		return nil, false
	}
	hash := sha256.Sum256(in[96:144])
	hash[0] = 1
	if hash != [32]byte(in[:32]) {
		return nil, false
	}
	var z, y fr.Element
	var commitment, proof bls.G1Affine
	if z.SetBytesCanonical(in[32:64]) != nil || y.SetBytesCanonical(in[64:96]) != nil ||
		!compressedG1(&commitment, in[96:144]) || !compressedG1(&proof, in[144:192]) {
		return nil, false
	}
	if !opens(&commitment, &proof, &z, &y) {
		return nil, false
	}
	modulus := fr.Modulus()
	out := make([]byte, 64)
	big.NewInt(4096).FillBytes(out[:32])
	modulus.FillBytes(out[32:])
	return out, true
}

// compressedG1 reads the 48-byte form and checks that the point is in the group.
func compressedG1(p *bls.G1Affine, b []byte) bool {
	if b[0]&0x80 == 0 {
		return false
	}
	n, err := p.SetBytes(b)
	return err == nil && n == len(b)
}

// opens checks e(commitment - y, 1) = e(proof, secret - z), both sides on one pairing.
func opens(commitment, proof *bls.G1Affine, z, y *fr.Element) bool {
	_, _, g1, g2 := bls.Generators()
	var yG1, left, minusProof bls.G1Affine
	var zG2, right bls.G2Affine
	yG1.ScalarMultiplication(&g1, y.BigInt(new(big.Int)))
	left.Sub(commitment, &yG1)
	zG2.ScalarMultiplication(&g2, z.BigInt(new(big.Int)))
	right.Sub(&setupG2, &zG2)
	minusProof.Neg(proof)
	equal, err := bls.PairingCheck([]bls.G1Affine{left, minusProof}, []bls.G2Affine{g2, right})
	return err == nil && equal
}
