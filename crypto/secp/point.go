package secp

import "github.com/aiwork/aiwork-node/internal/must"

// An affine point of the curve y^2 = x^3 + 7. The identity has no such form.
type affine struct {
	x, y fe
}

// A jacobian point stands for x/z^2, y/z^3. The identity is marked, not encoded.
type jacobian struct {
	x, y, z  fe
	identity bool
}

func (p *jacobian) setAffine(a *affine) {
	*p = jacobian{x: a.x, y: a.y, z: feOne()}
}

// lift sets a to the point with this x and the wanted parity of y and tells whether there is one.
func (a *affine) lift(x *fe, odd bool) bool {
	t := rightSide(x)
	if !a.y.root(&t) {
		return false
	}
	a.x = *x
	if a.y.isOdd() != odd {
		a.y.negate(&a.y)
	}
	return true
}

func (a *affine) onCurve() bool {
	var left fe
	left.square(&a.y)
	right := rightSide(&a.x)
	return left.equal(&right)
}

// rightSide is x^3 + 7.
func rightSide(x *fe) (t fe) {
	t.square(x)
	t.mul(&t, x)
	t.add(&t, &fe{7})
	return t
}

// double sets p = 2p: with s = y^2, m = 3/2 x^2, t = x s it is (m^2 - 2t, m (t - x') - s^2, y z). There
// is no point of order two.
func (p *jacobian) double() {
	if p.identity {
		return
	}
	var s, m, t fe
	p.z.mul(&p.z, &p.y)
	s.square(&p.y)
	t.square(&p.x)
	m.add(&t, &t)
	m.add(&m, &t)
	m.half(&m)
	t.mul(&p.x, &s)
	p.x.square(&m)
	p.x.sub(&p.x, &t)
	p.x.sub(&p.x, &t)
	t.sub(&t, &p.x)
	p.y.mul(&m, &t)
	s.square(&s)
	p.y.sub(&p.y, &s)
}

// addAffine sets p = p + a.
func (p *jacobian) addAffine(a *affine) {
	if p.identity {
		p.setAffine(a)
		return
	}
	p.addScaled(a, &p.z)
}

// addScaled adds a to p where the true z of p is given apart from p.z. On return p.z is multiplied by the
// result, which is the ratio of new to old z. Callers use it to stay on a curve whose points are scaled.
func (p *jacobian) addScaled(a *affine, z *fe) (ratio fe) {
	var zz, h, r fe
	zz.square(z)
	h.mul(&a.x, &zz)
	r.mul(&zz, z)
	r.mul(&r, &a.y)
	h.sub(&h, &p.x)
	r.sub(&r, &p.y)
	if h.isZero() {
		return p.addSameX(r.isZero())
	}
	var hh, v fe
	p.z.mul(&p.z, &h)
	hh.square(&h)
	v.mul(&p.x, &hh)
	hh.mul(&hh, &h)
	p.x.square(&r)
	p.x.sub(&p.x, &hh)
	p.x.sub(&p.x, &v)
	p.x.sub(&p.x, &v)
	v.sub(&v, &p.x)
	v.mul(&v, &r)
	hh.mul(&hh, &p.y)
	p.y.sub(&v, &hh)
	return h
}

// addSameX is the sum of points with one x: twice the point or the identity.
func (p *jacobian) addSameX(equal bool) (ratio fe) {
	if !equal {
		p.identity = true
		return fe{}
	}
	ratio = p.y
	p.double()
	return ratio
}

// affine returns the point's affine form. The identity has none.
func (p *jacobian) affine() affine {
	must.Hold(!p.identity, "affine form of the identity")
	var inverse fe
	inverse.invert(&p.z)
	a := p.scaledBy(&inverse)
	if must.Costly {
		must.Hold(a.onCurve(), "result is not a point of the curve")
	}
	return a
}

// scaledBy returns the affine form for a known 1/z.
func (p *jacobian) scaledBy(inverse *fe) affine {
	var a affine
	var zz fe
	zz.square(inverse)
	a.x.mul(&p.x, &zz)
	zz.mul(&zz, inverse)
	a.y.mul(&p.y, &zz)
	return a
}

// toAffine converts points, none of them the identity, with one inversion for all of them.
func toAffine(out []affine, points []jacobian) {
	if len(points) == 0 {
		return
	}
	products := make([]fe, len(points)) // of the z before and including each
	product := feOne()
	for i := range points {
		product.mul(&product, &points[i].z)
		products[i] = product
	}
	var rest, inverse fe
	rest.invert(&product)
	for i := len(points) - 1; i > 0; i-- {
		inverse.mul(&rest, &products[i-1])
		rest.mul(&rest, &points[i].z)
		out[i] = points[i].scaledBy(&inverse)
	}
	out[0] = points[0].scaledBy(&rest)
}

// generator returns G.
func generator() affine {
	return affine{
		x: fe{0x59F2815B16F81798, 0x029BFCDB2DCE28D9, 0x55A06295CE870B07, 0x79BE667EF9DCBBAC},
		y: fe{0x9C47D08FFB10D4B8, 0xFD17B448A6855419, 0x5DA4FBFC0E1108A8, 0x483ADA7726A3C465},
	}
}
