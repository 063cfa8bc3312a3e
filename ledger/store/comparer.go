package store

import (
	"github.com/cockroachdb/pebble/v2"
)

// comparerName is written into every file of the database. Format 1 had Pebble's default.
const comparerName = "aiwork-node/2"

// Lengths of keys of history before their height: what a look-up knows of them.
const (
	pastAccountPrefix = 1 + 4 + 20
	pastSlotPrefix    = 1 + 4 + 20 + 32
	heightBytes       = 8
)

// Comparer orders keys by their bytes, and tells the filters which part of a key a look-up knows. Whoever opens
// the database without this package needs it.
func Comparer() *pebble.Comparer {
	c := *pebble.DefaultComparer
	c.Name = comparerName
	c.Split = prefixLen
	c.ImmediateSuccessor = prefixAfter
	return &c
}

// prefixLen gives how much of a key belongs to its filter: rows of history are looked for without their
// height, so that a partition in which an account did not change is passed over without reading it. It
// keeps the order of all byte strings, also of those that are no keys: the database makes up some.
func prefixLen(key []byte) int { return min(len(key), prefixMax(key)) }

func prefixMax(key []byte) int {
	switch {
	case len(key) > 0 && key[0] == kindPastAccount:
		return pastAccountPrefix
	case len(key) > 0 && key[0] == kindPastSlot:
		return pastSlotPrefix
	}
	return len(key) + 1
}

// prefixAfter appends the smallest prefix above prefix a to dst.
func prefixAfter(dst, a []byte) []byte {
	n := len(dst)
	dst = append(dst, a...)
	if len(a) < prefixMax(a) {
		return append(dst, 0)
	}
	for i := len(dst) - 1; i > n; i-- {
		if dst[i] != 0xff {
			dst[i]++
			return dst[:i+1]
		}
	}
	dst[n]++
	return dst[:n+1]
}
