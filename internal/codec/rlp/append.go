package rlp

import (
	"math/bits"

	"github.com/holiman/uint256"
)

const (
	strShort  = 0x80 // prefix of an empty string
	strLong   = 0xb7 // prefix of a long string, less the size of its length
	listShort = 0xc0
	listLong  = 0xf7
	shortMax  = 55 // longest payload whose length stands in the prefix itself

	// HeaderMax is the greatest length of a prefix with its length bytes.
	HeaderMax = 9
)

// AppendUint64 appends v as an integer.
func AppendUint64(dst []byte, v uint64) []byte {
	switch {
	case v == 0:
		return append(dst, strShort)
	case v < strShort:
		return append(dst, byte(v))
	}
	n := byteLen(v)
	return appendBigEndian(append(dst, strShort+byte(n)), v, n)
}

// AppendUint256 appends v as an integer.
func AppendUint256(dst []byte, v *uint256.Int) []byte {
	if v.IsUint64() {
		return AppendUint64(dst, v.Uint64())
	}
	full := v.Bytes32()
	n := v.ByteLen()
	return append(append(dst, strShort+byte(n)), full[32-n:]...)
}

// AppendBytes appends b as a string.
func AppendBytes(dst, b []byte) []byte {
	if len(b) == 1 && b[0] < strShort {
		return append(dst, b[0])
	}
	return append(appendHeader(dst, strShort, strLong, len(b)), b...)
}

// AppendList appends a list whose items, already encoded, are payload.
func AppendList(dst, payload []byte) []byte {
	return append(AppendListHeader(dst, len(payload)), payload...)
}

// AppendListHeader appends the prefix of a list whose payload of n bytes the caller appends next.
func AppendListHeader(dst []byte, n int) []byte { return appendHeader(dst, listShort, listLong, n) }

// SizeUint64 gives the number of bytes that AppendUint64 appends.
func SizeUint64(v uint64) int {
	if v < strShort {
		return 1
	}
	return 1 + byteLen(v)
}

// SizeUint256 gives the number of bytes that AppendUint256 appends.
func SizeUint256(v *uint256.Int) int {
	if v.IsUint64() {
		return SizeUint64(v.Uint64())
	}
	return 1 + v.ByteLen()
}

// SizeBytes gives the number of bytes that AppendBytes appends.
func SizeBytes(b []byte) int {
	if len(b) == 1 && b[0] < strShort {
		return 1
	}
	return SizeList(len(b))
}

// SizeList gives the size of a list, or of a string of other than one byte, with a payload of n bytes.
func SizeList(n int) int {
	if n <= shortMax {
		return 1 + n
	}
	return 1 + byteLen(uint64(n)) + n
}

func appendHeader(dst []byte, short, long byte, n int) []byte {
	if n <= shortMax {
		return append(dst, short+byte(n))
	}
	k := byteLen(uint64(n))
	return appendBigEndian(append(dst, long+byte(k)), uint64(n), k)
}

// appendBigEndian appends the lowest n bytes of v.
func appendBigEndian(dst []byte, v uint64, n int) []byte {
	for n--; n >= 0; n-- {
		dst = append(dst, byte(v>>(8*n)))
	}
	return dst
}

func byteLen(v uint64) int { return (bits.Len64(v) + 7) / 8 }
