package vrf

import "math/big"

// p256 is NIST P-256 by schoolbook formulas over math/big: slow, for the RFC's vectors only.
type p256 struct{}

type bigPoint struct{ x, y *big.Int } // x nil: the identity

func bigHex(s string) *big.Int {
	n, ok := new(big.Int).SetString(s, 16)
	if !ok {
		panic("constant is not hex")
	}
	return n
}

func (p256) field() *big.Int {
	return bigHex("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff")
}

func (p256) order() (q scalar) {
	bigHex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551").FillBytes(q[:])
	return q
}

func (p256) generator() bigPoint {
	return bigPoint{
		bigHex("6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"),
		bigHex("4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"),
	}
}

func (c p256) decode(b encoded) (bigPoint, bool) {
	p, x := c.field(), new(big.Int).SetBytes(b[1:])
	if b[0] != 2 && b[0] != 3 || x.Cmp(p) >= 0 {
		return bigPoint{}, false
	}
	rhs := new(big.Int).Exp(x, big.NewInt(3), p) // x^3 - 3x + b
	rhs.Sub(rhs, new(big.Int).Mul(big.NewInt(3), x))
	rhs.Add(rhs, bigHex("5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b"))
	y := new(big.Int).ModSqrt(rhs.Mod(rhs, p), p)
	if y == nil {
		return bigPoint{}, false
	}
	if y.Bit(0) != uint(b[0]&1) {
		y.Sub(p, y)
	}
	return bigPoint{x, y}, true
}

func (p256) encode(p bigPoint) encoded {
	b := encoded{2 + byte(p.y.Bit(0))}
	p.x.FillBytes(b[1:])
	return b
}

func (c p256) add(a, b bigPoint) bigPoint {
	if a.x == nil {
		return b
	}
	if b.x == nil {
		return a
	}
	p := c.field()
	top, bottom := new(big.Int).Sub(b.y, a.y), new(big.Int).Sub(b.x, a.x)
	if bottom.Sign() == 0 {
		if top.Sign() != 0 {
			return bigPoint{}
		}
		top.Mul(a.x, a.x).Mul(top, big.NewInt(3)).Sub(top, big.NewInt(3))
		bottom.Lsh(a.y, 1)
	}
	slope := new(big.Int).ModInverse(bottom.Mod(bottom, p), p)
	slope.Mul(slope, top).Mod(slope, p)
	x := new(big.Int).Mul(slope, slope)
	x.Sub(x, a.x).Sub(x, b.x).Mod(x, p)
	y := new(big.Int).Sub(a.x, x)
	y.Mul(y, slope).Sub(y, a.y).Mod(y, p)
	return bigPoint{x, y}
}

func (c p256) mul(k *scalar, p bigPoint) (r bigPoint) {
	for i := range 256 {
		r = c.add(r, r)
		if k[i/8]>>(7-i%8)&1 == 1 {
			r = c.add(r, p)
		}
	}
	return r
}

func (c p256) mulSub(s *scalar, p bigPoint, k *scalar, q bigPoint) (bigPoint, bool) {
	minus := bigPoint{q.x, new(big.Int).Sub(c.field(), q.y)}
	r := c.add(c.mul(s, p), c.mul(k, minus))
	return r, r.x != nil
}

func (c p256) mulAdd(k, e, x *scalar) (r scalar) {
	q := c.order()
	n := new(big.Int).Mul(new(big.Int).SetBytes(e[:]), new(big.Int).SetBytes(x[:]))
	n.Add(n, new(big.Int).SetBytes(k[:])).Mod(n, new(big.Int).SetBytes(q[:])).FillBytes(r[:])
	return r
}
