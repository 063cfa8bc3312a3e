package keccak

import "golang.org/x/crypto/sha3"

// Sum256 returns the Keccak-256 hash of the parts, one after the other.
func Sum256(parts ...[]byte) [32]byte {
	var sum [32]byte
	h := sha3.NewLegacyKeccak256()
	for _, p := range parts {
		h.Write(p)
	}
	// Read ends the sponge in place, where Sum would copy it first. It cannot fail.
	h.(interface{ Read([]byte) (int, error) }).Read(sum[:])
	return sum
}
