package secp

import dcr "github.com/decred/dcrd/dcrec/secp256k1/v4"

// terms is a sum of points times scalars that is being collected. Its tables need one inversion for all
// points together.
type terms struct {
	points []affine
	parts  []term
}

// A term is a short scalar times a point or the point's image under the endomorphism.
type term struct {
	point  int
	image  bool
	digits wnaf
}

func newTerms(points int) *terms {
	return &terms{points: make([]affine, 0, points), parts: make([]term, 0, 2*points)}
}

func (t *terms) add(a *affine, k *dcr.ModNScalar) {
	limbs := limbsOf(k)
	first, second := split(&limbs)
	t.addShort(a, first)
	t.parts = append(t.parts, term{point: len(t.points) - 1, image: true})
	t.parts[len(t.parts)-1].digits.set(second, pointWidth)
}

func (t *terms) addShort(a *affine, k part) {
	t.points = append(t.points, *a)
	t.parts = append(t.parts, term{point: len(t.points) - 1})
	t.parts[len(t.parts)-1].digits.set(k, pointWidth)
}

// sumWithBase returns all terms and u G, added.
func (t *terms) sumWithBase(u *dcr.ModNScalar) jacobian {
	tables, beta := t.tables(), betaFactor()
	var low, high wnaf
	limbs := limbsOf(u)
	low.set(part{low: limbs[0], high: limbs[1]}, baseWidth)
	high.set(part{low: limbs[2], high: limbs[3]}, baseWidth)

	sum := jacobian{identity: true}
	var a affine
	for i := digitsMax - 1; i >= 0; i-- {
		sum.double()
		for j := range t.parts {
			p := &t.parts[j]
			d := p.digits.digits[i]
			if d == 0 {
				continue
			}
			pick(tables[p.point*pointSize:][:pointSize], d, &a)
			if p.image {
				a.x.mul(&a.x, &beta)
			}
			sum.addAffine(&a)
		}
		if d := low.digits[i]; d != 0 {
			pick(theBase.low[:], d, &a)
			sum.addAffine(&a)
		}
		if d := high.digits[i]; d != 0 {
			pick(theBase.high[:], d, &a)
			sum.addAffine(&a)
		}
	}
	return sum
}

// tables holds pointSize odd multiples of each point.
func (t *terms) tables() []affine {
	twice := make([]jacobian, len(t.points))
	for i := range t.points {
		twice[i].setAffine(&t.points[i])
		twice[i].double()
	}
	steps := make([]affine, len(t.points))
	toAffine(steps, twice)
	multiples := make([]jacobian, len(t.points)*pointSize)
	for i := range t.points {
		var p jacobian
		p.setAffine(&t.points[i])
		for j := range pointSize {
			multiples[i*pointSize+j] = p
			p.addAffine(&steps[i])
		}
	}
	out := make([]affine, len(multiples))
	toAffine(out, multiples)
	return out
}
