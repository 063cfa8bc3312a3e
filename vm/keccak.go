package vm

import (
	"io"

	"golang.org/x/crypto/sha3"
)

// sponge is a Keccak-256 that is used again and again: KECCAK256 is too frequent to make one each time.
type sponge interface {
	io.Writer
	io.Reader
	Reset()
}

func newSponge() sponge { return sha3.NewLegacyKeccak256().(sponge) }

// hash puts the hash of b into m.digest. Reading ends the sponge in place; it cannot fail.
func (m *Machine) hash(b []byte) {
	m.keccak.Reset()
	m.keccak.Write(b)
	m.keccak.Read(m.digest[:])
}
