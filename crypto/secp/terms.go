package secp

import dcr "github.com/decred/dcrd/dcrec/secp256k1/v4"

// terms is a sum of points times scalars that is being collected. Adding affine points costs less than half
// of a mixed addition when one inversion serves many of them, so multiples and sums are made in bulk.
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
	var low, high wnaf
	limbs := limbsOf(u)
	low.set(part{low: limbs[0], high: limbs[1]}, baseWidth)
	high.set(part{low: limbs[2], high: limbs[3]}, baseWidth)
	columns := t.columns()
	addColumns(columns[:])

	sum := jacobian{identity: true}
	var a affine
	for i := digitsMax - 1; i >= 0; i-- {
		sum.double()
		for j := range columns[i] {
			sum.addAffine(&columns[i][j])
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

// columns lists for each place of the digits the points that are to be added there.
func (t *terms) columns() (columns [digitsMax][]affine) {
	var counts [digitsMax]int
	total := 0
	for i := range t.parts {
		for place, d := range t.parts[i].digits.digits {
			if d != 0 {
				counts[place]++
				total++
			}
		}
	}
	all := make([]affine, total)
	for place, n := range counts {
		columns[place], all = all[:0:n], all[n:]
	}
	multiples, beta := t.oddMultiples(), betaFactor()
	var a affine
	for i := range t.parts {
		p := &t.parts[i]
		for place, d := range p.digits.digits[:p.digits.used] {
			if d == 0 {
				continue
			}
			pick(multiples[p.point*pointSize:][:pointSize], d, &a)
			if p.image {
				a.x.mul(&a.x, &beta)
			}
			columns[place] = append(columns[place], a)
		}
	}
	return columns
}

// oddMultiples returns pointSize odd multiples of each point, one point after the other.
func (t *terms) oddMultiples() []affine {
	n := len(t.points)
	out := make([]affine, n*pointSize)
	pairs := newPairs(n)
	for i := range t.points {
		pairs.append(&t.points[i], &t.points[i])
	}
	twice := make([]affine, n)
	pairs.invert()
	for i := range t.points {
		out[i*pointSize] = t.points[i]
		pairs.sum(i, &t.points[i], &t.points[i], &twice[i])
	}
	for j := 1; j < pointSize; j++ {
		pairs.reset()
		for i := range twice {
			pairs.append(&out[i*pointSize+j-1], &twice[i])
		}
		pairs.invert()
		for i := range twice {
			pairs.sum(i, &out[i*pointSize+j-1], &twice[i], &out[i*pointSize+j])
		}
	}
	return out
}
