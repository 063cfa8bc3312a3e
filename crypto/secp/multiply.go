package secp

import dcr "github.com/decred/dcrd/dcrec/secp256k1/v4"

// Products of scalars and points: all terms share their doublings, scalars are halved by the endomorphism
// and written with few digits, and the odd multiples that the digits need are in tables of affine points.

const (
	baseWidth  = 11                   // of digits for G, whose tables are made once
	baseSize   = 1 << (baseWidth - 2) // odd multiples below 2^(width-1)
	pointWidth = 5                    // of digits for other points
	pointSize  = 1 << (pointWidth - 2)
)

// baseTables holds odd multiples of G and of 2^128 G.
type baseTables struct {
	low, high [baseSize]affine
}

// theBase is computed once when the program starts and only read afterwards: 32 KiB each, under a
// millisecond.
var theBase = newBaseTables()

func newBaseTables() *baseTables {
	var t baseTables
	g := generator()
	var p jacobian
	p.setAffine(&g)
	oddMultiples(t.low[:], &g)
	for range 128 {
		p.double()
	}
	g = p.affine()
	oddMultiples(t.high[:], &g)
	return &t
}

// oddMultiples fills out with a, 3a, 5a, ...
func oddMultiples(out []affine, a *affine) {
	points := make([]jacobian, len(out))
	var p jacobian
	p.setAffine(a)
	p.double()
	twice := p.affine()
	p.setAffine(a)
	for i := range points {
		points[i] = p
		p.addAffine(&twice)
	}
	toAffine(out, points)
}

// pick returns digit times the point whose odd multiples are in table.
func pick(table []affine, digit int16, out *affine) {
	if digit > 0 {
		*out = table[digit>>1]
		return
	}
	*out = table[(-digit)>>1]
	out.y.negate(&out.y)
}

// A scaledTable holds odd multiples of a point on a curve scaled so that no inversion is needed: the true
// coordinates are x/scale^2 and y/scale^3. images are the same points times lambda.
type scaledTable struct {
	points, images [pointSize]affine
	scale          fe
}

func (t *scaledTable) set(a *affine) {
	var twice, p jacobian
	twice.setAffine(a)
	twice.double()
	// On the curve scaled by the z of 2a, 2a is affine and a is this:
	var zz fe
	zz.square(&twice.z)
	t.points[0].x.mul(&a.x, &zz)
	zz.mul(&zz, &twice.z)
	t.points[0].y.mul(&a.y, &zz)
	step := affine{twice.x, twice.y}

	var ratios [pointSize]fe // of the z of each multiple to the one before
	p.setAffine(&t.points[0])
	for i := 1; i < pointSize; i++ {
		ratios[i] = p.addScaled(&step, &p.z)
		t.points[i] = affine{p.x, p.y}
	}
	t.scale.mul(&twice.z, &p.z)
	t.level(&ratios)
	beta := betaFactor()
	for i := range t.points {
		t.images[i].x.mul(&t.points[i].x, &beta)
		t.images[i].y = t.points[i].y
	}
}

// level brings all points to the z of the last, so that they are affine on one curve.
func (t *scaledTable) level(ratios *[pointSize]fe) {
	factor := feOne()
	var power fe
	for i := pointSize - 2; i >= 0; i-- {
		factor.mul(&factor, &ratios[i+1])
		power.square(&factor)
		t.points[i].x.mul(&t.points[i].x, &power)
		power.mul(&power, &factor)
		t.points[i].y.mul(&t.points[i].y, &power)
	}
}

// mulBaseAnd returns u G + k a.
func mulBaseAnd(u, k *dcr.ModNScalar, a *affine) jacobian {
	var table scaledTable
	table.set(a)
	var low, high, first, second wnaf
	ul, kl := limbsOf(u), limbsOf(k)
	low.set(part{low: ul[0], high: ul[1]}, baseWidth)
	high.set(part{low: ul[2], high: ul[3]}, baseWidth)
	ka, kb := split(&kl)
	first.set(ka, pointWidth)
	second.set(kb, pointWidth)

	sum := jacobian{identity: true}
	var term affine
	for i := max(low.used, high.used, first.used, second.used) - 1; i >= 0; i-- {
		sum.double()
		if d := first.digits[i]; d != 0 {
			pick(table.points[:], d, &term)
			sum.addAffine(&term)
		}
		if d := second.digits[i]; d != 0 {
			pick(table.images[:], d, &term)
			sum.addAffine(&term)
		}
		if d := low.digits[i]; d != 0 {
			pick(theBase.low[:], d, &term)
			sum.addUnscaled(&term, &table.scale)
		}
		if d := high.digits[i]; d != 0 {
			pick(theBase.high[:], d, &term)
			sum.addUnscaled(&term, &table.scale)
		}
	}
	sum.z.mul(&sum.z, &table.scale)
	return sum
}

// addUnscaled adds a point of the true curve to a sum on the curve scaled by scale.
func (p *jacobian) addUnscaled(a *affine, scale *fe) {
	var z fe
	if p.identity {
		z.square(scale)
		p.x.mul(&a.x, &z)
		z.mul(&z, scale)
		p.y.mul(&a.y, &z)
		p.z = feOne()
		p.identity = false
		return
	}
	z.mul(&p.z, scale)
	p.addScaled(a, &z)
}
