package precompile

import (
	"math/big"
	"math/bits"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/vm/fork"
)

// modexpLengthMax bounds each of the three numbers from Osaka on (EIP-7823), in bytes.
const modexpLengthMax = 1024

// lengths are what the first 96 bytes of the input say. Those beyond 64 bits are never paid for.
type lengths struct {
	base, exp, mod uint64
	huge           bool // one of them has more than 64 bits
}

func readLengths(in []byte) (l lengths) {
	var b [96]byte
	padded(b[:], in, 0)
	for i, dst := range [3]*uint64{&l.base, &l.exp, &l.mod} {
		var n uint256.Int
		n.SetBytes32(b[32*i : 32*i+32])
		if !n.IsUint64() {
			l.huge = true
			*dst = 1<<64 - 1
			continue
		}
		*dst = n[0]
	}
	return l
}

// modexp is 0x05: base^exp mod modulus. Its price was changed by EIP-2565 and EIP-7883.
func modexp(f fork.Fork) *Contract {
	bounded := f >= fork.Osaka
	price := price198
	switch {
	case f >= fork.Osaka:
		price = price7883
	case f >= fork.Berlin:
		price = price2565
	}
	return &Contract{
		Price: func(in []byte) uint64 {
			l := readLengths(in)
			if bounded && l.aboveMax() {
				return Never
			}
			if l.base == 0 && l.mod == 0 && !bounded {
				// Whatever the length of the exponent, there is nothing to do.
				if f >= fork.Berlin {
					return 200
				}
				return 0
			}
			return price(l, in)
		},
		Run: runModexp,
	}
}

func (l lengths) aboveMax() bool {
	return l.base > modexpLengthMax || l.exp > modexpLengthMax || l.mod > modexpLengthMax
}

// head gives the first 32 bytes of the exponent as a number, shifted to its true size.
func (l lengths) head(in []byte) *big.Int {
	n := int(min(l.exp, 32))
	b := make([]byte, n)
	if l.base < uint64(len(in)) {
		padded(b, in, 96+int(l.base))
	}
	return new(big.Int).SetBytes(b)
}

// iterations is the number of squarings that the exponent stands for.
func (l lengths) iterations(in []byte, perByte uint64) (n uint64, ok bool) {
	if l.exp > 32 {
		hi, lo := bits.Mul64(l.exp-32, perByte)
		if hi != 0 {
			return 0, false
		}
		n = lo
	}
	if size := uint64(l.head(in).BitLen()); size > 0 {
		var carry uint64
		if n, carry = bits.Add64(n, size-1, 0); carry != 0 {
			return 0, false
		}
	}
	return max(n, 1), true
}

// price198 has the complexity in three ranges and divides by 20.
func price198(l lengths, in []byte) uint64 {
	x := new(big.Int).SetUint64(max(l.base, l.mod))
	square := new(big.Int).Mul(x, x)
	switch {
	case x.Cmp(big.NewInt(64)) <= 0:
	case x.Cmp(big.NewInt(1024)) <= 0:
		square.Rsh(square, 2)
		square.Add(square, x.Mul(x, big.NewInt(96)))
		square.Sub(square, big.NewInt(3072))
	default:
		square.Rsh(square, 4)
		square.Add(square, x.Mul(x, big.NewInt(480)))
		square.Sub(square, big.NewInt(199680))
	}
	n, ok := l.iterations(in, 8)
	if !ok {
		return Never
	}
	square.Mul(square, new(big.Int).SetUint64(n))
	return clamp(square.Div(square, big.NewInt(20)))
}

// price2565 squares the number of 8-byte words, divides by 3 and has a floor of 200.
func price2565(l lengths, in []byte) uint64 {
	words := new(big.Int).SetUint64(max(l.base, l.mod))
	words.Rsh(words.Add(words, big.NewInt(7)), 3)
	n, ok := l.iterations(in, 8)
	if !ok {
		return Never
	}
	words.Mul(words, words)
	words.Mul(words, new(big.Int).SetUint64(n))
	return max(200, clamp(words.Div(words, big.NewInt(3))))
}

// price7883 counts at least 16 for short numbers, twice the squared words for long ones, 16 for each
// byte of a long exponent, and has a floor of 500. The lengths are within modexpLengthMax.
func price7883(l lengths, in []byte) uint64 {
	complexity, longest := uint64(16), max(l.base, l.mod)
	if longest > 32 {
		words := (longest + 7) / 8
		complexity = 2 * words * words
	}
	n, _ := l.iterations(in, 16)
	return max(500, complexity*n)
}

func clamp(x *big.Int) uint64 {
	if !x.IsUint64() {
		return Never
	}
	return x.Uint64()
}

func runModexp(in []byte) ([]byte, bool) {
	l := readLengths(in)
	if l.base == 0 && l.mod == 0 {
		return nil, true
	}
	// What has been paid for has lengths that a machine can hold; anything else was refused by its price.
	if l.huge || max(l.base, l.exp, l.mod) > 1<<31 {
		return nil, false
	}
	number := func(at, n uint64) *big.Int {
		b := make([]byte, n)
		padded(b, in, int(at))
		return new(big.Int).SetBytes(b)
	}
	out := make([]byte, l.mod)
	mod := number(96+l.base+l.exp, l.mod)
	if mod.BitLen() <= 1 {
		return out, true // modulo 0 and 1 everything is 0
	}
	base, exp := number(96, l.base), number(96+l.base, l.exp)
	base.Exp(base, exp, mod).FillBytes(out)
	return out, true
}
