package secp

import (
	"math/bits"

	dcr "github.com/decred/dcrd/dcrec/secp256k1/v4"
)

// Modular inversion by the division steps of Bernstein and Yang ("Fast constant-time gcd computation and
// modular inversion", 2019), in the variant that skips zero bits at once and so takes time that depends
// on the value. Only public values come here.
//
// The pair (f, g) begins as (m, x). A step on an odd f either halves g, or adds f to g, or exchanges
// both, and then halves; g reaches 0 and f becomes plus or minus the gcd, 1. As the low bits alone decide
// the steps, 62 of them are made on single words and gathered in a matrix, which is then applied to the
// long numbers. The same matrices take (d, e) from (0, 1) to (plus or minus 1/x, 0) modulo m.

const (
	wordBits = 62
	wordMask = 1<<wordBits - 1
)

// A long is a signed number of five words of 62 bits: the lower four are in [0, 2^62), the highest
// has the sign.
type long [5]int64

func toLong(x *[4]uint64) long {
	return long{
		int64(x[0] & wordMask),
		int64((x[0]>>62 | x[1]<<2) & wordMask),
		int64((x[1]>>60 | x[2]<<4) & wordMask),
		int64((x[2]>>58 | x[3]<<6) & wordMask),
		int64(x[3] >> 56),
	}
}

func (l *long) limbs() [4]uint64 {
	return [4]uint64{
		uint64(l[0]) | uint64(l[1])<<62,
		uint64(l[1])>>2 | uint64(l[2])<<60,
		uint64(l[2])>>4 | uint64(l[3])<<58,
		uint64(l[3])>>6 | uint64(l[4])<<56,
	}
}

// A wide is a signed number of 128 bits.
type wide struct {
	high, low uint64
}

// addProduct adds a b.
func (w *wide) addProduct(a, b int64) {
	h, l := bits.Mul64(uint64(a), uint64(b))
	h -= uint64(a>>63&b) + uint64(b>>63&a) // from unsigned to signed
	var c uint64
	w.low, c = bits.Add64(w.low, l, 0)
	w.high, _ = bits.Add64(w.high, h, c)
}

// next takes the lowest word off.
func (w *wide) next() int64 {
	word := int64(w.low & wordMask)
	w.low = w.low>>wordBits | w.high<<(64-wordBits)
	w.high = uint64(int64(w.high) >> wordBits)
	return word
}

// A matrix gathers 62 division steps: (f, g) becomes (u f + v g, q f + r g) / 2^62.
type matrix struct {
	u, v, q, r int64
}

// steps makes 62 division steps on the low words. eta is minus the excess of f over g in the measure of the
// algorithm.
func steps(eta int64, f, g uint64) (int64, matrix) {
	u, v, q, r := uint64(1), uint64(0), uint64(0), uint64(1)
	for left := wordBits; ; {
		zeros := bits.TrailingZeros64(g | ^uint64(0)<<left)
		g >>= zeros
		u <<= zeros
		v <<= zeros
		eta -= int64(zeros)
		left -= zeros
		if left == 0 {
			return eta, matrix{int64(u), int64(v), int64(q), int64(r)}
		}
		if eta < 0 {
			eta = -eta
			f, g = g, -f
			u, q = q, -u
			v, r = r, -v
		}
		// Several steps without exchange are one addition of a multiple of f that clears as many low
		// bits of g: w = -g/f, where 1/f is f (2 - f^2) modulo 64 for every odd f.
		cleared := min(eta+1, int64(left), 6)
		w := f * g * (f*f - 2) & (1<<cleared - 1)
		g += f * w
		q += u * w
		r += v * w
	}
}

// apply sets (f, g) to the matrix times (f, g), divided by 2^62, which leaves no rest.
func (t *matrix) apply(f, g *long) {
	var a, b wide
	for i := range f {
		fi, gi := f[i], g[i]
		a.addProduct(t.u, fi)
		a.addProduct(t.v, gi)
		b.addProduct(t.q, fi)
		b.addProduct(t.r, gi)
		aw, bw := a.next(), b.next()
		if i > 0 {
			f[i-1], g[i-1] = aw, bw
		}
	}
	f[4], g[4] = int64(a.low), int64(b.low)
}

// applyModulo is apply for (d, e) modulo m: multiples of m make the lowest words zero. Both stay in
// (-2m, m). inverse is 1/m modulo 2^62.
func (t *matrix) applyModulo(d, e, m *long, inverse uint64) {
	md := t.u&(d[4]>>63) + t.v&(e[4]>>63) // one m for every negative factor keeps the range
	me := t.q&(d[4]>>63) + t.r&(e[4]>>63)
	lowD := uint64(t.u)*uint64(d[0]) + uint64(t.v)*uint64(e[0])
	lowE := uint64(t.q)*uint64(d[0]) + uint64(t.r)*uint64(e[0])
	md -= int64((inverse*lowD + uint64(md)) & wordMask)
	me -= int64((inverse*lowE + uint64(me)) & wordMask)
	var a, b wide
	for i := range d {
		di, ei := d[i], e[i]
		a.addProduct(t.u, di)
		a.addProduct(t.v, ei)
		a.addProduct(md, m[i])
		b.addProduct(t.q, di)
		b.addProduct(t.r, ei)
		b.addProduct(me, m[i])
		aw, bw := a.next(), b.next()
		if i > 0 {
			d[i-1], e[i-1] = aw, bw
		}
	}
	d[4], e[4] = int64(a.low), int64(b.low)
}

// addTimes adds k m, where k is -1, 0 or 1.
func (l *long) addTimes(k int64, m *long) {
	carry := int64(0)
	for i := range l {
		carry += l[i] + k*m[i]
		l[i] = carry & wordMask
		carry >>= wordBits
	}
	l[4] |= carry << wordBits
}

func (l *long) negate() {
	carry := int64(0)
	for i := range l {
		carry -= l[i]
		l[i] = carry & wordMask
		carry >>= wordBits
	}
	l[4] |= carry << wordBits
}

// invertModulo returns 1/x modulo an odd prime m for x < m; 0 gives 0.
func invertModulo(x, m *[4]uint64) [4]uint64 {
	modulus := toLong(m)
	inverse := uint64(modulus[0]) // right in 3 bits, as for every odd number; each round doubles them
	for range 5 {
		inverse *= 2 - uint64(modulus[0])*inverse
	}
	f, g, d, e := modulus, toLong(x), long{}, long{1}
	var t matrix
	for eta := int64(-1); g != (long{}); {
		eta, t = steps(eta, uint64(f[0])|uint64(f[1])<<wordBits, uint64(g[0])|uint64(g[1])<<wordBits)
		t.applyModulo(&d, &e, &modulus, inverse)
		t.apply(&f, &g)
	}
	d.addTimes(-(d[4] >> 63), &modulus)
	if f[4] < 0 {
		d.negate()
	}
	d.addTimes(-(d[4] >> 63), &modulus)
	return d.limbs()
}

// invert sets z = 1 / x; 0 gives 0.
func (z *fe) invert(x *fe) {
	n := *x
	n.normalise()
	*z = invertModulo((*[4]uint64)(&n), &[4]uint64{
		0xFFFFFFFEFFFFFC2F, 0xFFFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFFF,
	})
}

// invertScalar returns 1 / s modulo n.
func invertScalar(s *dcr.ModNScalar) dcr.ModNScalar {
	limbs := limbsOf(s)
	return scalarOf(invertModulo(&limbs, &[4]uint64{
		0xBFD25E8CD0364141, 0xBAAEDCE6AF48A03B, 0xFFFFFFFFFFFFFFFE, 0xFFFFFFFFFFFFFFFF,
	}))
}
