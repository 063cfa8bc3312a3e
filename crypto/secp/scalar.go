package secp

import (
	"encoding/binary"
	"math/bits"

	dcr "github.com/decred/dcrd/dcrec/secp256k1/v4"

	"github.com/aiwork/aiwork-node/internal/must"
)

// limbsOf returns a scalar as four limbs, the least significant first.
func limbsOf(s *dcr.ModNScalar) (l [4]uint64) {
	b := s.Bytes()
	for i := range l {
		l[i] = binary.BigEndian.Uint64(b[24-8*i:])
	}
	return l
}

func scalarOf(l [4]uint64) (s dcr.ModNScalar) {
	var b [32]byte
	for i := range l {
		binary.BigEndian.PutUint64(b[24-8*i:], l[i])
	}
	s.SetBytes(&b)
	return s
}

// A part is a scalar of at most 128 bits with a sign.
type part struct {
	low, high uint64
	negative  bool
}

// The curve has an endomorphism (x, y) -> (betaFactor x, y) that multiplies points by lambda. Vectors (a1, b1)
// and (a2, b2) with a + b lambda = 0 modulo n form a short lattice basis: a1 = b2, b1 is negative.
const (
	latticeA1Low, latticeA1High   = 0xE86C90E49284EB15, 0x3086D221A7D46BCD
	latticeB1Low, latticeB1High   = 0x6F547FA90ABFE4C3, 0xE4437ED6010E8828 // -b1
	latticeA2Low, latticeA2Middle = 0x57C1108D9D44CFD8, 0x14CA50F7A8E2F3F6
	latticeA2High                 = 1
)

func betaFactor() fe {
	return fe{0xC1396C28719501EE, 0x9CF0497512F58995, 0x6E64479EAC3434E9, 0x7AE96A2B657C0710}
}

// split writes k as a + b lambda modulo n with short a and b: the nearest lattice point is c1 (a1, b1) +
// c2 (a2, b2), where c1 and c2 are k b2 / n and -k b1 / n, rounded. What remains fits into 192 bits with
// its sign, so all of it is computed modulo 2^192.
func split(k *[4]uint64) (a, b part) {
	c1Low, c1High := mulShift384(k, &[4]uint64{
		0xE893209A45DBB031, 0x3DAA8A1471E8CA7F, 0xE86C90E49284EB15, 0x3086D221A7D46BCD,
	})
	c2Low, c2High := mulShift384(k, &[4]uint64{
		0x1571B4AE8AC47F71, 0x221208AC9DF506C6, 0x6F547FA90ABFE4C4, 0xE4437ED6010E8828,
	})
	rest := [3]uint64{k[0], k[1], k[2]}
	rest = sub192(rest, mul192(c1Low, c1High, latticeA1Low, latticeA1High, 0))
	rest = sub192(rest, mul192(c2Low, c2High, latticeA2Low, latticeA2Middle, latticeA2High))
	other := mul192(c1Low, c1High, latticeB1Low, latticeB1High, 0)
	other = sub192(other, mul192(c2Low, c2High, latticeA1Low, latticeA1High, 0))
	return signed(rest), signed(other)
}

// mulShift384 is k g / 2^384, rounded.
func mulShift384(k, g *[4]uint64) (low, high uint64) {
	var t [8]uint64
	for i, x := range k {
		var carry uint64
		for j, y := range g {
			h, l := bits.Mul64(x, y)
			var c uint64
			l, c = bits.Add64(l, t[i+j], 0)
			h += c
			t[i+j], c = bits.Add64(l, carry, 0)
			carry = h + c
		}
		t[i+4] = carry
	}
	low, c := bits.Add64(t[6], t[5]>>63, 0)
	return low, t[7] + c
}

// mul192 multiplies two and three limbs modulo 2^192.
func mul192(x0, x1, y0, y1, y2 uint64) (t [3]uint64) {
	h00, l00 := bits.Mul64(x0, y0)
	h01, l01 := bits.Mul64(x0, y1)
	h10, l10 := bits.Mul64(x1, y0)
	t[0] = l00
	t1, c1 := bits.Add64(h00, l01, 0)
	t1, c2 := bits.Add64(t1, l10, 0)
	t[1] = t1
	t[2] = h01 + h10 + x1*y1 + x0*y2 + c1 + c2
	return t
}

func sub192(x, y [3]uint64) (t [3]uint64) {
	var b uint64
	t[0], b = bits.Sub64(x[0], y[0], 0)
	t[1], b = bits.Sub64(x[1], y[1], b)
	t[2], _ = bits.Sub64(x[2], y[2], b)
	return t
}

// signed reads a two's complement number whose magnitude has at most 128 bits.
func signed(t [3]uint64) part {
	negative := t[2]>>63 == 1
	if negative {
		t = sub192([3]uint64{}, t)
	}
	must.Hold(t[2] == 0, "half of a split scalar has more than 128 bits")
	return part{low: t[0], high: t[1], negative: negative}
}

// digitsMax is the number of signed digits of 128 bits: a carry may need one more.
const digitsMax = 129

// A wnaf writes a part as a sum of digits times powers of two: digits are odd, below 2^(width-1) in
// magnitude, and at least width places apart.
type wnaf struct {
	digits [digitsMax]int16
	used   int // digits from here on are zero
}

func (w *wnaf) set(k part, width uint) {
	*w = wnaf{}
	carry := uint64(0)
	for i := uint(0); i < digitsMax; {
		if k.bitsFrom(i)&1 == carry {
			i++
			continue
		}
		word := k.bitsFrom(i)&(1<<width-1) + carry
		carry = word >> (width - 1) & 1
		digit := int16(word) - int16(carry<<width)
		if k.negative {
			digit = -digit
		}
		w.digits[i] = digit
		w.used = int(i) + 1
		i += width
	}
}

// bitsFrom returns at least 64-i%64 bits from bit i on; above bit 127 there are zeros.
func (k *part) bitsFrom(i uint) uint64 {
	switch {
	case i >= 128:
		return 0
	case i >= 64:
		return k.high >> (i - 64)
	}
	return k.low>>i | k.high<<1<<(63-i)
}
