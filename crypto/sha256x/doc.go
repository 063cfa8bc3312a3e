// Package sha256x hashes many messages at once with SHA-256: the leaves of a tree, its nodes.
//
// A message alone leaves most of a processor idle, since each round waits for the one before. Messages of equal length are therefore hashed
// side by side: two by SHA-NI, whose rounds take turns, or one in each lane of a vector register (8 with AVX2, 16 with AVX-512) where there is
// no SHA-NI. Elsewhere, and with the build tag purego, crypto/sha256 does the work; it is used for a single message everywhere.
//
// Nouns: a way is one of these; a head is what all messages of a call begin with; an edge is what is copied of a message, because head or
// padding share a block with it: its beginning and its end. What lies between is read where it lies.
//
// Each way gives the bytes of SHA-256, so which one it is cannot be seen by a caller; tests hold all against crypto/sha256. The package is pure
// and allocates nothing. crypto/merkle calls it. The assembly is written by gen.go and gen_lanes.go.
//
//	sums := make([]byte, 32*n)
//	sha256x.Sums(sums, head, tiles, 256) // sums[32*i:] is SHA-256(head || tiles[256*i:256*i+256])
package sha256x

//go:generate go run gen.go gen_lanes.go
