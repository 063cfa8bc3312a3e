package secp

// The field against math/big, on edge values and seeded chance, also with operands that are not normalised.

import (
	"math/big"
	"testing"
)

func fieldPrime() *big.Int {
	p := new(big.Int).Lsh(big.NewInt(1), 256)
	return p.Sub(p, big.NewInt(fold))
}

func (z *fe) big() *big.Int {
	n := new(big.Int)
	for i := 3; i >= 0; i-- {
		n.Lsh(n, 64).Or(n, new(big.Int).SetUint64(z[i]))
	}
	return n
}

// fieldValues are the edges of the representation and values from chance, some of them near the edges.
func fieldValues() []fe {
	const top, p0 = ^uint64(0), ^uint64(fold) + 1
	list := []fe{
		{},
		{1},
		{2},
		{3},
		{fold},
		{fold - 1},
		{fold + 1},
		{0, 1},
		{0, 0, 1},
		{0, 0, 0, 1},
		{0, 0, 0, 1 << 63},
		{top, top, top, top},
		{top - 1, top, top, top},
		{top - 1<<33, top, top, top},
		{p0 - 1<<32, top, top, top}, // its square carries in the last step of the reduction
		{p0, top, top, top},
		{p0 - 1, top, top, top},
		{p0 + 1, top, top, top},
		{top},
		{top, top},
		{top, top, top},
		{0, top, top, top},
		{top, 0, top, 0},
		{0, 0, top, top},
	}
	d := seeded(30)
	for range 60 {
		list = append(list, fe{d.Uint64(), d.Uint64(), d.Uint64(), d.Uint64()})
		list = append(list, fe{d.Uint64(), top, top, top})
	}
	return list
}

func TestFieldBinary(t *testing.T) {
	p := fieldPrime()
	values := fieldValues()
	for i := range values {
		for j := range values {
			x, y := values[i], values[j]
			check := func(name string, got fe, want *big.Int) {
				want.Mod(want, p)
				got.normalise()
				if got.big().Cmp(want) != 0 {
					t.Fatalf("%x %s %x: got %x, want %x", x, name, y, got.big(), want)
				}
			}
			var z fe
			z.add(&x, &y)
			check("+", z, new(big.Int).Add(x.big(), y.big()))
			z.sub(&x, &y)
			check("-", z, new(big.Int).Sub(x.big(), y.big()))
			z.mul(&x, &y)
			check("*", z, new(big.Int).Mul(x.big(), y.big()))
			z = x
			z.mul(&z, &y)
			check("*=", z, new(big.Int).Mul(x.big(), y.big()))
			d := new(big.Int).Sub(x.big(), y.big())
			if got, want := x.equal(&y), d.Mod(d, p).Sign() == 0; got != want {
				t.Fatalf("%x = %x: got %v, want %v", x, y, got, want)
			}
		}
	}
}

func TestFieldUnary(t *testing.T) {
	p := fieldPrime()
	for _, x := range fieldValues() {
		check := func(name string, got fe, want *big.Int) {
			want.Mod(want, p)
			got.normalise()
			if got.big().Cmp(want) != 0 {
				t.Fatalf("%s %x: got %x, want %x", name, x, got.big(), want)
			}
		}
		n := new(big.Int).Mod(x.big(), p)
		var z fe
		z.square(&x)
		check("square", z, new(big.Int).Mul(n, n))
		z.negate(&x)
		check("negate", z, new(big.Int).Neg(n))
		z.half(&x)
		check("half", z, new(big.Int).Mul(n, new(big.Int).ModInverse(big.NewInt(2), p)))
		z.invert(&x)
		check("invert", z, new(big.Int).Exp(n, new(big.Int).Sub(p, big.NewInt(2)), p))
		want := new(big.Int).ModSqrt(n, p)
		if got := z.root(&x); got != (want != nil) {
			t.Fatalf("root %x: got %v, want %v", x, got, want != nil)
		}
		if want != nil {
			z.square(&z)
			check("square of root", z, new(big.Int).Set(n))
		}
		if got, want := x.isZero(), n.Sign() == 0; got != want {
			t.Fatalf("isZero %x: got %v, want %v", x, got, want)
		}
		if got, want := x.isOdd(), n.Bit(0) == 1; got != want {
			t.Fatalf("isOdd %x: got %v, want %v", x, got, want)
		}
		b := x.bytes()
		var back fe
		if !back.setBytes(&b) || !back.equal(&x) || new(big.Int).SetBytes(b[:]).Cmp(n) != 0 {
			t.Fatalf("bytes %x: got %x, want %x", x, b, n)
		}
	}
}

func BenchmarkField(b *testing.B) {
	x, y := fieldValues()[30], fieldValues()[40]
	for _, op := range []struct {
		name string
		do   func()
	}{
		{"op=mul", func() { x.mul(&x, &y) }},
		{"op=square", func() { x.square(&x) }},
		{"op=add", func() { x.add(&x, &y) }},
		{"op=invert", func() { x.invert(&x) }},
		{"op=root", func() { y.root(&x) }},
	} {
		b.Run(op.name, func(b *testing.B) {
			for b.Loop() {
				op.do()
			}
		})
	}
}
