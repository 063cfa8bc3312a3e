package secp

// Points and products against dcrd, on chance and on scalars at the edges; the split of scalars and their
// signed digits against math/big.

import (
	"math/big"
	"testing"

	dcr "github.com/decred/dcrd/dcrec/secp256k1/v4"
)

func groupOrder() *big.Int {
	n, _ := new(big.Int).SetString("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141", 16)
	return n
}

func lambda() *big.Int {
	n, _ := new(big.Int).SetString("5363ad4cc05c30e0a5261c028812645a122e22ea20816678df02967c1b23bd72", 16)
	return n
}

// scalars returns the edges of [0, n), multiples and neighbours of lambda, and chance.
func scalars() []dcr.ModNScalar {
	n := groupOrder()
	var ints []*big.Int
	for i := range int64(6) {
		ints = append(ints, big.NewInt(i), new(big.Int).Sub(n, big.NewInt(i+1)))
		for _, base := range []*big.Int{lambda(), new(big.Int).Rsh(n, 1), new(big.Int).Lsh(big.NewInt(1), 128)} {
			ints = append(ints, new(big.Int).Add(base, big.NewInt(i)), new(big.Int).Sub(base, big.NewInt(i)))
		}
		ints = append(ints, new(big.Int).Mul(lambda(), big.NewInt(i)))
	}
	for i := range uint(256) {
		power := new(big.Int).Lsh(big.NewInt(1), i)
		ints = append(ints, power, new(big.Int).Sub(power, big.NewInt(1)))
	}
	d := seeded(31)
	for range 300 {
		b := d.Hash()
		ints = append(ints, new(big.Int).SetBytes(b[:]))
	}
	list := make([]dcr.ModNScalar, len(ints))
	for i, x := range ints {
		var b [32]byte
		new(big.Int).Mod(x, n).FillBytes(b[:])
		list[i].SetBytes(&b)
	}
	return list
}

func TestInvertScalar(t *testing.T) {
	for _, s := range scalars() {
		var want dcr.ModNScalar
		want.InverseValNonConst(&s)
		if got := invertScalar(&s); !got.Equals(&want) {
			t.Fatalf("1 / %x: got %x, want %x", s.Bytes(), got.Bytes(), want.Bytes())
		}
	}
}

func FuzzInvert(f *testing.F) {
	for _, s := range scalars()[:40] {
		b := s.Bytes()
		f.Add(b[:])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) != 32 {
			return
		}
		var s, want dcr.ModNScalar
		s.SetBytes((*[32]byte)(b))
		want.InverseValNonConst(&s)
		if got := invertScalar(&s); !got.Equals(&want) {
			t.Fatalf("scalar 1 / %x: got %x, want %x", s.Bytes(), got.Bytes(), want.Bytes())
		}
		var x, y fe
		x.setBytes((*[32]byte)(b))
		y.invert(&x)
		y.mul(&y, &x)
		if one := feOne(); !y.equal(&one) && !x.isZero() {
			t.Fatalf("field 1 / %x times it: got %x", x, y)
		}
	})
}

func BenchmarkInvertScalar(b *testing.B) {
	s := scalars()[len(scalars())-1]
	for b.Loop() {
		s = invertScalar(&s)
	}
}

func (k *part) big() *big.Int {
	n := new(big.Int).SetUint64(k.high)
	n.Lsh(n, 64).Or(n, new(big.Int).SetUint64(k.low))
	if k.negative {
		n.Neg(n)
	}
	return n
}

func TestSplit(t *testing.T) {
	n := groupOrder()
	for _, s := range scalars() {
		limbs := limbsOf(&s)
		a, b := split(&limbs)
		got := new(big.Int).Mul(b.big(), lambda())
		got.Add(got, a.big()).Mod(got, n)
		raw := s.Bytes()
		if want := new(big.Int).SetBytes(raw[:]); got.Cmp(want) != 0 {
			t.Fatalf("split of %x: got %x + %x lambda = %x", want, a.big(), b.big(), got)
		}
	}
}

// The short vectors that bound the remainders: whatever k is, both parts stay below 2^128.
func TestSplitBounds(t *testing.T) {
	a1 := (&part{low: latticeA1Low, high: latticeA1High}).big()
	b1 := (&part{low: latticeB1Low, high: latticeB1High}).big()
	a2 := (&part{low: latticeA2Low, high: latticeA2Middle}).big()
	a2.SetBit(a2, 128, 1)
	n := groupOrder()
	for _, v := range [][2]*big.Int{{a1, new(big.Int).Neg(b1)}, {a2, a1}} {
		sum := new(big.Int).Mul(v[1], lambda())
		if sum.Add(sum, v[0]).Mod(sum, n); sum.Sign() != 0 {
			t.Errorf("%x is not in the lattice", v)
		}
	}
	// Both c are off by at most 1/2 from rounding and 2^-126 from the constants: a little over half of each.
	limit := new(big.Int).Lsh(big.NewInt(1), 128)
	for _, v := range [][2]*big.Int{{a1, a2}, {b1, a1}} {
		half := new(big.Int).Add(v[0], v[1])
		half.Rsh(half, 1).Add(half, big.NewInt(16))
		if half.Cmp(limit) >= 0 {
			t.Errorf("bound of a part: got %x, want below %x", half, limit)
		}
	}
}

func TestDigits(t *testing.T) {
	for _, s := range scalars() {
		limbs := limbsOf(&s)
		for _, width := range []uint{pointWidth, baseWidth, 2} {
			for _, negative := range []bool{false, true} {
				k := part{low: limbs[0], high: limbs[1], negative: negative}
				var w wnaf
				w.set(k, width)
				got, last := new(big.Int), -int(width)
				for i := digitsMax - 1; i >= 0; i-- {
					got.Lsh(got, 1).Add(got, big.NewInt(int64(w.digits[i])))
				}
				for i, d := range w.digits {
					if d == 0 {
						continue
					}
					if d&1 == 0 || d >= 1<<(width-1) || d <= -1<<(width-1) || i-last < int(width) || i >= w.used {
						t.Fatalf("digits of %x, width %d: digit %d at %d after %d, used %d", k.big(), width, d, i, last, w.used)
					}
					last = i
				}
				if got.Cmp(k.big()) != 0 {
					t.Fatalf("digits of %x, width %d: got %x", k.big(), width, got)
				}
			}
		}
	}
}

// dcrdPoint converts a result to ours; ok is false for the identity.
func dcrdPoint(p *dcr.JacobianPoint) (pub PublicKey, ok bool) {
	p.ToAffine()
	if p.X.IsZero() && p.Y.IsZero() {
		return PublicKey{}, false
	}
	return publicFromJacobian(p), true
}

func (p *jacobian) public() (PublicKey, bool) {
	if p.identity {
		return PublicKey{}, false
	}
	a := p.affine()
	return a.public(), true
}

func dcrdTimes(k *dcr.ModNScalar, a *affine) (p dcr.JacobianPoint) {
	x, y := a.x.bytes(), a.y.bytes()
	var in dcr.JacobianPoint
	in.X.SetBytes(&x)
	in.Y.SetBytes(&y)
	in.Z.SetInt(1)
	dcr.ScalarMultNonConst(k, &in, &p)
	return p
}

func TestMulBaseAndLikeDcrd(t *testing.T) {
	list := scalars()
	d := seeded(32)
	points := []affine{generator(), theBase.low[1], theBase.high[0], theBase.high[3]}
	for i := range 600 {
		u, k := list[d.Below(uint64(len(list)))], list[d.Below(uint64(len(list)))]
		if i%5 == 0 {
			k.NegateVal(&u)
		}
		a := points[i%len(points)]
		if i%7 == 0 {
			a.y.negate(&a.y)
		}
		var x, want dcr.JacobianPoint
		dcr.ScalarBaseMultNonConst(&u, &x)
		y := dcrdTimes(&k, &a)
		dcr.AddNonConst(&x, &y, &want)
		wantPub, wantOK := dcrdPoint(&want)
		sum := mulBaseAnd(&u, &k, &a)
		if got, ok := sum.public(); ok != wantOK || got != wantPub {
			t.Fatalf("%x G + %x %x: got %x, %v, want %x, %v", u, k, a, got, ok, wantPub, wantOK)
		}
	}
}

func TestTermsLikeDcrd(t *testing.T) {
	list := scalars()
	d := seeded(33)
	for n := range 20 {
		terms := newTerms(2 * n)
		u := list[d.Below(uint64(len(list)))]
		var want dcr.JacobianPoint
		dcr.ScalarBaseMultNonConst(&u, &want)
		for range n {
			a := theBase.low[d.Below(4)] // few points, so that sums meet equal and opposite ones
			k := list[d.Below(uint64(len(list)))]
			short := part{low: d.Uint64(), high: d.Uint64(), negative: d.Below(2) == 0}
			terms.add(&a, &k)
			terms.addShort(&a, short)
			var shortScalar dcr.ModNScalar
			var b [32]byte
			new(big.Int).Mod(short.big(), groupOrder()).FillBytes(b[:])
			shortScalar.SetBytes(&b)
			for _, s := range []*dcr.ModNScalar{&k, &shortScalar} {
				p := dcrdTimes(s, &a)
				dcr.AddNonConst(&want, &p, &want)
			}
		}
		wantPub, wantOK := dcrdPoint(&want)
		sum := terms.sumWithBase(&u)
		if got, ok := sum.public(); ok != wantOK || got != wantPub {
			t.Fatalf("%d terms: got %x, %v, want %x, %v", n, got, ok, wantPub, wantOK)
		}
	}
}

func TestBaseTables(t *testing.T) {
	one, shift := new(dcr.ModNScalar).SetInt(1), new(dcr.ModNScalar)
	shift.SetBytes(&[32]byte{15: 1})
	for _, c := range []struct {
		table *[baseSize]affine
		first *dcr.ModNScalar
	}{{&theBase.low, one}, {&theBase.high, shift}} {
		k := *c.first
		for i := range c.table {
			var want dcr.JacobianPoint
			dcr.ScalarBaseMultNonConst(&k, &want)
			if got := c.table[i].public(); got != publicFromJacobian(&want) {
				t.Fatalf("entry %d: got %x, want %x", i, got, want)
			}
			k.Add(c.first).Add(c.first)
		}
	}
}

func BenchmarkMulBaseAnd(b *testing.B) {
	list := scalars()
	u, k, a := list[len(list)-1], list[len(list)-2], theBase.low[7]
	for b.Loop() {
		mulBaseAnd(&u, &k, &a)
	}
}

func BenchmarkNewBaseTables(b *testing.B) {
	for b.Loop() {
		newBaseTables()
	}
}
