package vm

import (
	"math/bits"

	"github.com/holiman/uint256"
)

// What stands here is small enough for the compiler to put it into the loop, or faster than package uint256
// on the numbers that programs mostly have: those of 64 bits.

// add puts x + y into z, which may be one of them.
func add(z, x, y *uint256.Int) {
	var c uint64
	z[0], c = bits.Add64(x[0], y[0], 0)
	z[1], c = bits.Add64(x[1], y[1], c)
	z[2], c = bits.Add64(x[2], y[2], c)
	z[3], _ = bits.Add64(x[3], y[3], c)
}

// sub puts x - y into z.
func sub(z, x, y *uint256.Int) {
	var b uint64
	z[0], b = bits.Sub64(x[0], y[0], 0)
	z[1], b = bits.Sub64(x[1], y[1], b)
	z[2], b = bits.Sub64(x[2], y[2], b)
	z[3], _ = bits.Sub64(x[3], y[3], b)
}

// less gives 1 if x < y.
func less(x, y *uint256.Int) uint64 {
	_, b := bits.Sub64(x[0], y[0], 0)
	_, b = bits.Sub64(x[1], y[1], b)
	_, b = bits.Sub64(x[2], y[2], b)
	_, b = bits.Sub64(x[3], y[3], b)
	return b
}

// lessSigned gives 1 if x < y as numbers with a sign: with the sign bits turned, order is that of less.
func lessSigned(x, y *uint256.Int) uint64 {
	const sign = 1 << 63
	_, b := bits.Sub64(x[0], y[0], 0)
	_, b = bits.Sub64(x[1], y[1], b)
	_, b = bits.Sub64(x[2], y[2], b)
	_, b = bits.Sub64(x[3]^sign, y[3]^sign, b)
	return b
}

// differ gives zero if x and y are equal.
func differ(x, y *uint256.Int) uint64 {
	return (x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]) | (x[3] ^ y[3])
}

// isZero gives 1 if no bit is set in x.
func isZero(x uint64) uint64 {
	_, b := bits.Sub64(x, 1, 0)
	return b
}

// any has a bit set if x is not zero.
func anyBit(x *uint256.Int) uint64 { return x[0] | x[1] | x[2] | x[3] }

// div puts x / y into z, and zero if y is zero.
func div(z, x, y *uint256.Int) {
	if x[1]|x[2]|x[3]|y[1]|y[2]|y[3] == 0 {
		if y[0] == 0 {
			*z = uint256.Int{}
			return
		}
		*z = uint256.Int{x[0] / y[0]}
		return
	}
	z.Div(x, y)
}

// mod puts x % y into z, and zero if y is zero.
func mod(z, x, y *uint256.Int) {
	if x[1]|x[2]|x[3]|y[1]|y[2]|y[3] == 0 {
		if y[0] == 0 {
			*z = uint256.Int{}
			return
		}
		*z = uint256.Int{x[0] % y[0]}
		return
	}
	z.Mod(x, y)
}

// shiftLeft shifts z by the number n; all bits go if that is 256 or more.
func shiftLeft(z, n *uint256.Int) {
	if n[1]|n[2]|n[3] != 0 || n[0] >= 256 {
		*z = uint256.Int{}
		return
	}
	shl(z, uint(n[0]))
}

// shiftRight is shiftLeft the other way.
func shiftRight(z, n *uint256.Int) {
	if n[1]|n[2]|n[3] != 0 || n[0] >= 256 {
		*z = uint256.Int{}
		return
	}
	shr(z, uint(n[0]))
}

// shl shifts z by n, which is below 256. A shift of a part by 64 gives zero in Go.
func shl(z *uint256.Int, n uint) {
	s := n & 63
	up := 64 - s
	switch n >> 6 {
	case 0:
		z[3] = z[3]<<s | z[2]>>up
		z[2] = z[2]<<s | z[1]>>up
		z[1] = z[1]<<s | z[0]>>up
		z[0] <<= s
	case 1:
		z[3] = z[2]<<s | z[1]>>up
		z[2] = z[1]<<s | z[0]>>up
		z[1], z[0] = z[0]<<s, 0
	case 2:
		z[3] = z[1]<<s | z[0]>>up
		z[2], z[1], z[0] = z[0]<<s, 0, 0
	default:
		z[3], z[2], z[1], z[0] = z[0]<<s, 0, 0, 0
	}
}

// shr is shl the other way.
func shr(z *uint256.Int, n uint) {
	s := n & 63
	down := 64 - s
	switch n >> 6 {
	case 0:
		z[0] = z[0]>>s | z[1]<<down
		z[1] = z[1]>>s | z[2]<<down
		z[2] = z[2]>>s | z[3]<<down
		z[3] >>= s
	case 1:
		z[0] = z[1]>>s | z[2]<<down
		z[1] = z[2]>>s | z[3]<<down
		z[2], z[3] = z[3]>>s, 0
	case 2:
		z[0] = z[2]>>s | z[3]<<down
		z[1], z[2], z[3] = z[3]>>s, 0, 0
	default:
		z[0], z[1], z[2], z[3] = z[3]>>s, 0, 0, 0
	}
}
