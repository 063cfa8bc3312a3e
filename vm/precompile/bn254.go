package precompile

import (
	"math/big"

	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fp"

	"github.com/aiwork/aiwork-node/vm/fork"
)

// addBN adds 0x06 to 0x08 (EIP-196, EIP-197) at the prices of the rule set (EIP-1108).
func addBN(s *Set, f fork.Fork) {
	add, mul, base, pair := uint64(500), uint64(40_000), uint64(100_000), uint64(80_000)
	if f >= fork.Istanbul {
		add, mul, base, pair = 150, 6_000, 45_000, 34_000
	}
	s.low[6] = &Contract{flat(add), bnAdd}
	s.low[7] = &Contract{flat(mul), bnMul}
	s.low[8] = &Contract{
		func(in []byte) uint64 { return base + pair*(uint64(len(in))/bnPairSize) },
		bnPairing,
	}
}

const bnPairSize = 192

// bnG1 reads a point of the curve; zeros stand for the point at infinity. All points are in the group.
func bnG1(b []byte) (p bn254.G1Affine, ok bool) {
	if p.X.SetBytesCanonical(b[:32]) != nil || p.Y.SetBytesCanonical(b[32:64]) != nil {
		return p, false
	}
	return p, p.IsOnCurve()
}

// bnG2 reads a point of the twist, imaginary parts first, and checks that it is in the group.
func bnG2(b []byte) (p bn254.G2Affine, ok bool) {
	for i, dst := range [4]*fp.Element{&p.X.A1, &p.X.A0, &p.Y.A1, &p.Y.A0} {
		if dst.SetBytesCanonical(b[32*i:32*i+32]) != nil {
			return p, false
		}
	}
	return p, p.IsOnCurve() && p.IsInSubGroup()
}

func bnBytes(p *bn254.G1Affine) []byte {
	x, y := p.X.Bytes(), p.Y.Bytes()
	return append(append(make([]byte, 0, 64), x[:]...), y[:]...)
}

func bnAdd(in []byte) ([]byte, bool) {
	var b [128]byte
	padded(b[:], in, 0)
	p, ok1 := bnG1(b[:64])
	q, ok2 := bnG1(b[64:])
	if !ok1 || !ok2 {
		return nil, false
	}
	return bnBytes(new(bn254.G1Affine).Add(&p, &q)), true
}

func bnMul(in []byte) ([]byte, bool) {
	var b [96]byte
	padded(b[:], in, 0)
	p, ok := bnG1(b[:64])
	if !ok {
		return nil, false
	}
	return bnBytes(new(bn254.G1Affine).ScalarMultiplication(&p, new(big.Int).SetBytes(b[64:]))), true
}

func bnPairing(in []byte) ([]byte, bool) {
	if len(in)%bnPairSize != 0 {
		return nil, false
	}
	var ps []bn254.G1Affine
	var qs []bn254.G2Affine
	for ; len(in) > 0; in = in[bnPairSize:] {
		p, ok1 := bnG1(in[:64])
		if !ok1 {
			return nil, false
		}
		q, ok2 := bnG2(in[64:bnPairSize])
		if !ok2 {
			return nil, false
		}
		if !p.IsInfinity() && !q.IsInfinity() {
			ps, qs = append(ps, p), append(qs, q)
		}
	}
	if len(ps) == 0 {
		return one(), true
	}
	equal, err := bn254.PairingCheck(ps, qs)
	if err != nil {
		return nil, false
	}
	return truth(equal), true
}

func truth(b bool) []byte {
	if b {
		return one()
	}
	return make([]byte, 32)
}
