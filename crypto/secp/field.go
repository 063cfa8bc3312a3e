package secp

import (
	"encoding/binary"
	"math/bits"
)

// A fe is an element of the field of p = 2^256 - fold elements: four limbs, the least significant first.
// Values from p up to 2^256-1 are allowed between operations; normalise, isZero, equal and bytes see
// through them. Time depends on the value a little, so only public values come here.
type fe [4]uint64

// fold is 2^256 modulo p: what overflows the four limbs comes back multiplied by it.
const fold = 0x1000003D1

func feOne() fe { return fe{1} }

// setBytes reads 32 bytes, big-endian, and tells whether they are below p.
func (z *fe) setBytes(b *[32]byte) bool {
	for i := range z {
		z[i] = binary.BigEndian.Uint64(b[24-8*i:])
	}
	return !z.fromPOn()
}

func (z *fe) bytes() (b [32]byte) {
	n := *z
	n.normalise()
	for i := range n {
		binary.BigEndian.PutUint64(b[24-8*i:], n[i])
	}
	return b
}

// fromPOn tells whether the limbs hold p or more.
func (z *fe) fromPOn() bool {
	_, c := bits.Add64(z[0], fold, 0)
	_, c = bits.Add64(z[1], 0, c)
	_, c = bits.Add64(z[2], 0, c)
	_, c = bits.Add64(z[3], 0, c)
	return c == 1
}

func (z *fe) normalise() {
	if z.fromPOn() {
		var c uint64
		z[0], c = bits.Add64(z[0], fold, 0)
		z[1], c = bits.Add64(z[1], 0, c)
		z[2], c = bits.Add64(z[2], 0, c)
		z[3], _ = bits.Add64(z[3], 0, c)
	}
}

func (z *fe) isZero() bool {
	if z[0]|z[1]|z[2]|z[3] == 0 {
		return true
	}
	return z[3] == ^uint64(0) && z[2] == ^uint64(0) && z[1] == ^uint64(0) && z[0] == ^uint64(fold)+1
}

func (z *fe) equal(x *fe) bool {
	var d fe
	d.sub(z, x)
	return d.isZero()
}

func (z *fe) isOdd() bool {
	n := *z
	n.normalise()
	return n[0]&1 == 1
}

// add sets z = x + y.
func (z *fe) add(x, y *fe) {
	t0, c := bits.Add64(x[0], y[0], 0)
	t1, c := bits.Add64(x[1], y[1], c)
	t2, c := bits.Add64(x[2], y[2], c)
	t3, c := bits.Add64(x[3], y[3], c)
	t0, c = bits.Add64(t0, fold&-c, 0)
	if c != 0 { // once in 2^31 sums
		t1, c = bits.Add64(t1, 0, c)
		t2, c = bits.Add64(t2, 0, c)
		t3, c = bits.Add64(t3, 0, c)
		t0 += fold & -c // a second overflow leaves less than fold, so this one cannot carry
	}
	z[0], z[1], z[2], z[3] = t0, t1, t2, t3
}

// sub sets z = x - y.
func (z *fe) sub(x, y *fe) {
	t0, c := bits.Sub64(x[0], y[0], 0)
	t1, c := bits.Sub64(x[1], y[1], c)
	t2, c := bits.Sub64(x[2], y[2], c)
	t3, c := bits.Sub64(x[3], y[3], c)
	t0, c = bits.Sub64(t0, fold&-c, 0)
	if c != 0 { // once in 2^31 differences
		t1, c = bits.Sub64(t1, 0, c)
		t2, c = bits.Sub64(t2, 0, c)
		t3, c = bits.Sub64(t3, 0, c)
		t0 -= fold & -c // a second borrow leaves nearly 2^256, so this one cannot borrow
	}
	z[0], z[1], z[2], z[3] = t0, t1, t2, t3
}

func (z *fe) negate(x *fe) {
	var zero fe
	z.sub(&zero, x)
}

// half sets z = x / 2: an odd x is made even by adding p, and the carry comes in at the top.
func (z *fe) half(x *fe) {
	odd := -(x[0] & 1)
	t0, b := bits.Sub64(x[0], fold&odd, 0)
	t1, b := bits.Sub64(x[1], 0, b)
	t2, b := bits.Sub64(x[2], 0, b)
	t3, b := bits.Sub64(x[3], 0, b)
	top := odd&1 - b // 2^256 from adding p = 2^256 - fold, less what was borrowed
	z[0] = t0>>1 | t1<<63
	z[1] = t1>>1 | t2<<63
	z[2] = t2>>1 | t3<<63
	z[3] = t3>>1 | top<<63
}

// mul sets z = x * y, row by row.
func (z *fe) mul(x, y *fe) {
	x0, x1, x2, x3 := x[0], x[1], x[2], x[3]
	var c uint64

	v := y[0]
	h0, t0 := bits.Mul64(x0, v)
	h1, t1 := bits.Mul64(x1, v)
	h2, t2 := bits.Mul64(x2, v)
	h3, t3 := bits.Mul64(x3, v)
	t1, c = bits.Add64(t1, h0, 0)
	t2, c = bits.Add64(t2, h1, c)
	t3, c = bits.Add64(t3, h2, c)
	t4 := h3 + c

	v = y[1]
	h0, l0 := bits.Mul64(x0, v)
	h1, l1 := bits.Mul64(x1, v)
	h2, l2 := bits.Mul64(x2, v)
	h3, l3 := bits.Mul64(x3, v)
	l1, c = bits.Add64(l1, h0, 0)
	l2, c = bits.Add64(l2, h1, c)
	l3, c = bits.Add64(l3, h2, c)
	h3 += c
	t1, c = bits.Add64(t1, l0, 0)
	t2, c = bits.Add64(t2, l1, c)
	t3, c = bits.Add64(t3, l2, c)
	t4, c = bits.Add64(t4, l3, c)
	t5 := h3 + c

	v = y[2]
	h0, l0 = bits.Mul64(x0, v)
	h1, l1 = bits.Mul64(x1, v)
	h2, l2 = bits.Mul64(x2, v)
	h3, l3 = bits.Mul64(x3, v)
	l1, c = bits.Add64(l1, h0, 0)
	l2, c = bits.Add64(l2, h1, c)
	l3, c = bits.Add64(l3, h2, c)
	h3 += c
	t2, c = bits.Add64(t2, l0, 0)
	t3, c = bits.Add64(t3, l1, c)
	t4, c = bits.Add64(t4, l2, c)
	t5, c = bits.Add64(t5, l3, c)
	t6 := h3 + c

	v = y[3]
	h0, l0 = bits.Mul64(x0, v)
	h1, l1 = bits.Mul64(x1, v)
	h2, l2 = bits.Mul64(x2, v)
	h3, l3 = bits.Mul64(x3, v)
	l1, c = bits.Add64(l1, h0, 0)
	l2, c = bits.Add64(l2, h1, c)
	l3, c = bits.Add64(l3, h2, c)
	h3 += c
	t3, c = bits.Add64(t3, l0, 0)
	t4, c = bits.Add64(t4, l1, c)
	t5, c = bits.Add64(t5, l2, c)
	t6, c = bits.Add64(t6, l3, c)
	t7 := h3 + c

	// Eight limbs become five, then four.
	h0, l0 = bits.Mul64(t4, fold)
	h1, l1 = bits.Mul64(t5, fold)
	h2, l2 = bits.Mul64(t6, fold)
	h3, l3 = bits.Mul64(t7, fold)
	l1, c = bits.Add64(l1, h0, 0)
	l2, c = bits.Add64(l2, h1, c)
	l3, c = bits.Add64(l3, h2, c)
	h3 += c
	t0, c = bits.Add64(t0, l0, 0)
	t1, c = bits.Add64(t1, l1, c)
	t2, c = bits.Add64(t2, l2, c)
	t3, c = bits.Add64(t3, l3, c)
	h0, l0 = bits.Mul64(h3+c, fold)
	t0, c = bits.Add64(t0, l0, 0)
	t1, c = bits.Add64(t1, h0, c)
	t2, c = bits.Add64(t2, 0, c)
	t3, c = bits.Add64(t3, 0, c)
	t0, c = bits.Add64(t0, fold&-c, 0) // after an overflow the rest is below 2^68
	z[0], z[1], z[2], z[3] = t0, t1+c, t2, t3
}

// square sets z = x * x: the products of different limbs once, doubled, and then the squares.
func (z *fe) square(x *fe) {
	x0, x1, x2, x3 := x[0], x[1], x[2], x[3]
	var c uint64

	h0, t1 := bits.Mul64(x0, x1)
	h1, t2 := bits.Mul64(x0, x2)
	h2, t3 := bits.Mul64(x0, x3)
	h3, l3 := bits.Mul64(x1, x2)
	h4, t4 := bits.Mul64(x1, x3)
	t6, t5 := bits.Mul64(x2, x3)
	t2, c = bits.Add64(t2, h0, 0)
	t3, c = bits.Add64(t3, h1, c)
	t4, c = bits.Add64(t4, h2, c)
	t5, c = bits.Add64(t5, h4, c)
	t6 += c
	t3, c = bits.Add64(t3, l3, 0)
	t4, c = bits.Add64(t4, h3, c)
	t5, c = bits.Add64(t5, 0, c)
	t6 += c

	t7 := t6 >> 63
	t6 = t6<<1 | t5>>63
	t5 = t5<<1 | t4>>63
	t4 = t4<<1 | t3>>63
	t3 = t3<<1 | t2>>63
	t2 = t2<<1 | t1>>63
	t1 <<= 1

	h0, t0 := bits.Mul64(x0, x0)
	h1, l1 := bits.Mul64(x1, x1)
	h2, l2 := bits.Mul64(x2, x2)
	h3, l3 = bits.Mul64(x3, x3)
	t1, c = bits.Add64(t1, h0, 0)
	t2, c = bits.Add64(t2, l1, c)
	t3, c = bits.Add64(t3, h1, c)
	t4, c = bits.Add64(t4, l2, c)
	t5, c = bits.Add64(t5, h2, c)
	t6, c = bits.Add64(t6, l3, c)
	t7 += h3 + c

	h0, l0 := bits.Mul64(t4, fold)
	h1, l1 = bits.Mul64(t5, fold)
	h2, l2 = bits.Mul64(t6, fold)
	h3, l3 = bits.Mul64(t7, fold)
	l1, c = bits.Add64(l1, h0, 0)
	l2, c = bits.Add64(l2, h1, c)
	l3, c = bits.Add64(l3, h2, c)
	h3 += c
	t0, c = bits.Add64(t0, l0, 0)
	t1, c = bits.Add64(t1, l1, c)
	t2, c = bits.Add64(t2, l2, c)
	t3, c = bits.Add64(t3, l3, c)
	h0, l0 = bits.Mul64(h3+c, fold)
	t0, c = bits.Add64(t0, l0, 0)
	t1, c = bits.Add64(t1, h0, c)
	t2, c = bits.Add64(t2, 0, c)
	t3, c = bits.Add64(t3, 0, c)
	t0, c = bits.Add64(t0, fold&-c, 0)
	z[0], z[1], z[2], z[3] = t0, t1+c, t2, t3
}

func (z *fe) squareTimes(x *fe, n int) {
	z.square(x)
	for range n - 1 {
		z.square(z)
	}
}

// ones returns powers of z whose exponents are runs of ones, of the lengths named.
func (z *fe) ones() (x2, x22, x223 fe) {
	x := z
	var x3, x6, x9, x11, x44, x88, x176, x220 fe
	step := func(z, a *fe, n int, b *fe) {
		var t fe
		t.squareTimes(a, n)
		z.mul(&t, b)
	}
	step(&x2, x, 1, x)
	step(&x3, &x2, 1, x)
	step(&x6, &x3, 3, &x3)
	step(&x9, &x6, 3, &x3)
	step(&x11, &x9, 2, &x2)
	step(&x22, &x11, 11, &x11)
	step(&x44, &x22, 22, &x22)
	step(&x88, &x44, 44, &x44)
	step(&x176, &x88, 88, &x88)
	step(&x220, &x176, 44, &x44)
	step(&x223, &x220, 3, &x3)
	return x2, x22, x223
}

// root sets z to a square root of x as x^((p+1)/4) and tells whether x has one. The exponent is 223 ones,
// a zero, 22 ones, 00001100.
func (z *fe) root(x *fe) bool {
	x2, x22, x223 := x.ones()
	base := *x
	var t, check fe
	t.squareTimes(&x223, 23)
	t.mul(&t, &x22)
	t.squareTimes(&t, 6)
	t.mul(&t, &x2)
	t.squareTimes(&t, 2)
	check.square(&t)
	*z = t
	return check.equal(&base)
}
