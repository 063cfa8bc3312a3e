package vrf

import dcr "github.com/decred/dcrd/dcrec/secp256k1/v4"

// secpCurve is secp256k1 on dcrd's field and scalar types.
type secpCurve struct{}

// A secpPoint is affine: Z is 1 and the coordinates are normalised.
type secpPoint = dcr.JacobianPoint

func (secpCurve) order() scalar {
	return scalar{
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe,
		0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41,
	}
}

func (secpCurve) generator() secpPoint {
	var one dcr.ModNScalar
	var p dcr.JacobianPoint
	dcr.ScalarBaseMultNonConst(one.SetInt(1), &p)
	p.ToAffine()
	return p
}

func (secpCurve) decode(b encoded) (secpPoint, bool) {
	var p secpPoint
	x := [32]byte(b[1:])
	if b[0] != 2 && b[0] != 3 || p.X.SetBytes(&x) != 0 {
		return p, false
	}
	if !dcr.DecompressY(&p.X, b[0] == 3, &p.Y) {
		return p, false
	}
	p.Y.Normalize()
	p.Z.SetInt(1)
	return p, true
}

func (secpCurve) encode(p secpPoint) encoded {
	b := encoded{2 + byte(p.Y.IsOddBit())}
	copy(b[1:], p.X.Bytes()[:])
	return b
}

func (secpCurve) mul(k *scalar, p secpPoint) secpPoint {
	s := secpScalar(k)
	var r dcr.JacobianPoint
	dcr.ScalarMultNonConst(&s, &p, &r)
	r.ToAffine()
	s.Zero()
	return r
}

func (secpCurve) mulSub(s *scalar, p secpPoint, c *scalar, q secpPoint) (secpPoint, bool) {
	sn, cn := secpScalar(s), secpScalar(c)
	var a, b, r dcr.JacobianPoint
	dcr.ScalarMultNonConst(&sn, &p, &a)
	dcr.ScalarMultNonConst(cn.Negate(), &q, &b)
	dcr.AddNonConst(&a, &b, &r)
	r.ToAffine()
	return r, !(r.X.IsZero() && r.Y.IsZero())
}

func (secpCurve) mulAdd(k, c, x *scalar) scalar {
	kn, cn, xn := secpScalar(k), secpScalar(c), secpScalar(x)
	return xn.Mul(&cn).Add(&kn).Bytes()
}

func secpScalar(b *scalar) dcr.ModNScalar {
	var s dcr.ModNScalar
	s.SetBytes(b)
	return s
}
