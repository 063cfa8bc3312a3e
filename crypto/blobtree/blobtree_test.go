package blobtree_test

import (
	"math/rand/v2"
	"testing"

	"lukechampine.com/blake3"

	"github.com/aiwork/aiwork-node/crypto/blobtree"
)

// Every chunk of blobs of many sizes is shown under the hash that another function gives of the whole; another byte, place, size or path is not.

func TestEveryChunk(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, size := range []int{0, 1, 64, 1023, 1024, 1025, 2048, 2049, 3072, 5000, 7 * 1024, 8*1024 + 1, 16*1024 + 5, 33 * 1024} {
		blob := make([]byte, size)
		for i := range blob {
			blob[i] = byte(r.Uint32())
		}
		id := blake3.Sum256(blob)
		for chunk := range blobtree.Chunks(uint64(size)) {
			piece, path := blobtree.Prove(blob, chunk)
			if !blobtree.Verify(id, uint64(size), chunk, piece, path) {
				t.Fatalf("%d bytes: chunk %d is not shown", size, chunk)
			}
			refuse(t, id, uint64(size), chunk, piece, path)
		}
	}
}

func refuse(t *testing.T, id [32]byte, size, chunk uint64, piece []byte, path [][32]byte) {
	t.Helper()
	bad := func(what string, id [32]byte, size, chunk uint64, piece []byte, path [][32]byte) {
		t.Helper()
		if blobtree.Verify(id, size, chunk, piece, path) {
			t.Errorf("%d bytes, chunk %d: %s is taken", size, chunk, what)
		}
	}
	if len(piece) > 0 {
		other := append([]byte(nil), piece...)
		other[len(other)/2] ^= 1
		bad("another byte", id, size, chunk, other, path)
		bad("a byte less", id, size, chunk, piece[1:], path)
	}
	for i := range path {
		other := append([][32]byte(nil), path...)
		other[i][5] ^= 4
		bad("another hash", id, size, chunk, piece, other)
	}
	bad("a hash more", id, size, chunk, piece, append(append([][32]byte(nil), path...), id))
	if chunk == blobtree.Chunks(size)-1 {
		bad("another size", id, size+1, chunk, piece, path)
		bad("another size", id, size+1024, chunk, piece, path)
	}
	bad("another place", id, size, chunk+1, piece, path)
	id[0] ^= 1
	bad("another id", id, size, chunk, piece, path)
}

func FuzzVerify(f *testing.F) {
	blob := make([]byte, 5000)
	id := blake3.Sum256(blob)
	piece, path := blobtree.Prove(blob, 2)
	f.Add(uint64(5000), uint64(2), piece, path[0][:])
	f.Fuzz(func(t *testing.T, size, chunk uint64, piece, hash []byte) {
		var list [][32]byte
		for len(hash) >= 32 {
			list, hash = append(list, [32]byte(hash[:32])), hash[32:]
		}
		if blobtree.Verify(id, size, chunk, piece, list) && (chunk > 4 || chunk == blobtree.Chunks(size)-1 && size != 5000) {
			t.Error("a blob of two sizes")
		}
	})
}
