package secp

// pairs adds many pairs of affine points with one inversion: first the denominators of all slopes are
// collected, then they are inverted together, then the sums are computed in the same order.
type pairs struct {
	denominators []fe
	products     []fe // of the denominators up to and including each
}

func newPairs(n int) *pairs {
	return &pairs{denominators: make([]fe, 0, n), products: make([]fe, 0, n)}
}

func (p *pairs) reset() {
	p.denominators, p.products = p.denominators[:0], p.products[:0]
}

// append notes the pair a, b.
func (p *pairs) append(a, b *affine) {
	var d fe
	d.sub(&b.x, &a.x)
	if d.isZero() {
		d.add(&a.y, &b.y) // twice y for equal points; zero for opposite ones, which have no slope
		if d.isZero() {
			d = feOne()
		}
	}
	product := d
	if n := len(p.products); n > 0 {
		product.mul(&p.products[n-1], &d)
	}
	p.denominators = append(p.denominators, d)
	p.products = append(p.products, product)
}

// invert replaces all denominators by their inverses.
func (p *pairs) invert() {
	n := len(p.denominators)
	if n == 0 {
		return
	}
	var rest, inverse fe
	rest.invert(&p.products[n-1])
	for i := n - 1; i > 0; i-- {
		inverse.mul(&rest, &p.products[i-1])
		rest.mul(&rest, &p.denominators[i])
		p.denominators[i] = inverse
	}
	p.denominators[0] = rest
}

// sum sets out to a + b, which is pair i, or returns false for the identity. out may be a or b.
func (p *pairs) sum(i int, a, b, out *affine) bool {
	var slope, x, y fe
	slope.sub(&b.x, &a.x)
	if slope.isZero() {
		if !a.y.equal(&b.y) {
			return false
		}
		slope.square(&a.x)
		x.add(&slope, &slope)
		slope.add(&slope, &x)
	} else {
		slope.sub(&b.y, &a.y)
	}
	slope.mul(&slope, &p.denominators[i])
	x.square(&slope)
	x.sub(&x, &a.x)
	x.sub(&x, &b.x)
	y.sub(&a.x, &x)
	y.mul(&y, &slope)
	y.sub(&y, &a.y)
	out.x, out.y = x, y
	return true
}

// pairsMin is the number of pairs from which on an inversion for all of them is worth its price.
const pairsMin = 24

// addColumns adds the points of each column in pairs, and the sums again, until so few pairs remain that
// the caller had better add them one by one.
func addColumns(columns [][]affine) {
	p := newPairs(0)
	for {
		n := 0
		for _, c := range columns {
			n += len(c) / 2
		}
		if n < pairsMin {
			return
		}
		p.reset()
		for _, c := range columns {
			for i := 0; i+1 < len(c); i += 2 {
				p.append(&c[i], &c[i+1])
			}
		}
		p.invert()
		p.halve(columns)
	}
}

// halve replaces the pairs of each column by their sums, in place.
func (p *pairs) halve(columns [][]affine) {
	n := 0
	for place, c := range columns {
		sums := c[:0]
		var sum affine
		for i := 0; i+1 < len(c); i += 2 {
			if p.sum(n, &c[i], &c[i+1], &sum) {
				sums = append(sums, sum)
			}
			n++
		}
		if len(c)%2 == 1 {
			sums = append(sums, c[len(c)-1])
		}
		columns[place] = sums
	}
}
