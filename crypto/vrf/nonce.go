package vrf

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
)

// nonce is RFC 6979, section 3.2, with SHA-256, for a group order between 2^255 and 2^256, so that bit
// lengths need no shift. The result is in [1, order).
func nonce(sk *scalar, hash [32]byte, order scalar) scalar {
	hash = reduce(hash, order)
	var key [32]byte
	v := bytes.Repeat([]byte{1}, 32)
	for _, round := range []byte{0, 1} {
		key = mac(key, v, []byte{round}, sk[:], hash[:])
		next := mac(key, v)
		v = next[:]
	}
	for {
		k := mac(key, v)
		if k != (scalar{}) && bytes.Compare(k[:], order[:]) < 0 {
			return k
		}
		key = mac(key, k[:], []byte{0})
		next := mac(key, k[:])
		v = next[:]
	}
}

func mac(key [32]byte, parts ...[]byte) (sum [32]byte) {
	h := hmac.New(sha256.New, key[:])
	for _, p := range parts {
		h.Write(p)
	}
	h.Sum(sum[:0])
	return sum
}

// reduce subtracts the order once when a is not below it, which is enough as the order exceeds 2^255.
func reduce(a, order scalar) scalar {
	if bytes.Compare(a[:], order[:]) < 0 {
		return a
	}
	var difference scalar
	borrow := uint64(0)
	for i := scalarSize - 8; i >= 0; i -= 8 {
		var d uint64
		d, borrow = bits.Sub64(binary.BigEndian.Uint64(a[i:]), binary.BigEndian.Uint64(order[i:]), borrow)
		binary.BigEndian.PutUint64(difference[i:], d)
	}
	return difference
}
