// Package blobtree shows that bytes lie at a place of a blob, whose id is the BLAKE3-256 hash of the whole: that hash is the root of a tree
// over chunks of 1,024 bytes.
//
//	BLOBTREE-1: a piece is a whole chunk, the last one being as long as the blob's size leaves it; an empty blob has one empty chunk.
//	BLOBTREE-2: a path holds the chaining values beside the way, from the chunk upwards. For a size and a place it has one length.
//	BLOBTREE-3: the last chunk proves the blob's size with it; another one proves its place alone, which sizes nearby share.
//
// Callers: tasks/dispute, and those who want to win there. The package is pure.
//
//	piece, path := blobtree.Prove(blob, 3)
//	ok := blobtree.Verify(id, size, 3, piece, path)
package blobtree

import (
	"encoding/binary"
	"math/bits"

	"lukechampine.com/blake3/guts"

	"github.com/aiwork/aiwork-node/internal/must"
)

// ChunkBytes is the length of all chunks but the last.
const ChunkBytes = guts.ChunkSize

// DepthMax bounds a path: no blob has more than 2^64 bytes.
const DepthMax = 64 - 10

// Chunks is the number of chunks of a blob of so many bytes.
func Chunks(size uint64) uint64 {
	return max(1, size/ChunkBytes+(size%ChunkBytes+ChunkBytes-1)/ChunkBytes)
}

// chunkLen is the length of a chunk.
func chunkLen(size, chunk uint64) int { return int(min(ChunkBytes, size-min(size, chunk*ChunkBytes))) }

// Prove gives a chunk of a blob, which must be there, with its path.
func Prove(blob []byte, chunk uint64) (piece []byte, path [][32]byte) {
	must.Hold(chunk < Chunks(uint64(len(blob))), "blobtree: no such chunk")
	first, n := uint64(0), Chunks(uint64(len(blob)))
	var down [][32]byte
	for n > 1 {
		left := leftOf(n)
		if chunk < first+left {
			down = append(down, bytesOf(valueOf(blob, first+left, n-left)))
			n = left
			continue
		}
		down = append(down, bytesOf(valueOf(blob, first, left)))
		first, n = first+left, n-left
	}
	for i := range down {
		path = append(path, down[len(down)-1-i])
	}
	return blob[chunk*ChunkBytes:][:chunkLen(uint64(len(blob)), chunk)], path
}

// leftOf is how many of n chunks, two at least, are on the left: the largest power of two that leaves some on the right.
func leftOf(n uint64) uint64 { return 1 << (bits.Len64(n-1) - 1) }

// valueOf is the chaining value of n chunks, from the given one on.
func valueOf(blob []byte, first, n uint64) [8]uint32 {
	if n == 1 {
		return guts.ChainingValue(leaf(blob[first*ChunkBytes:][:chunkLen(uint64(len(blob)), first)], first))
	}
	left := leftOf(n)
	return guts.ChainingValue(guts.ParentNode(valueOf(blob, first, left), valueOf(blob, first+left, n-left), &guts.IV, 0))
}

func leaf(piece []byte, chunk uint64) guts.Node { return guts.CompressChunk(piece, &guts.IV, chunk, 0) }

// Verify says whether a piece is a chunk of the blob of so many bytes that has this id.
func Verify(id [32]byte, size, chunk uint64, piece []byte, path [][32]byte) bool {
	n := Chunks(size)
	if chunk >= n || len(piece) != chunkLen(size, chunk) || len(path) > DepthMax {
		return false
	}
	var lefts []bool // of the way down, whether it goes to the left
	for first := uint64(0); n > 1; {
		left := leftOf(n)
		goes := chunk < first+left
		lefts = append(lefts, goes)
		if goes {
			n = left
		} else {
			first, n = first+left, n-left
		}
	}
	if len(path) != len(lefts) {
		return false
	}
	node := leaf(piece, chunk)
	for i, sibling := range path {
		own, other := guts.ChainingValue(node), wordsOf(sibling)
		if lefts[len(lefts)-1-i] {
			node = guts.ParentNode(own, other, &guts.IV, 0)
		} else {
			node = guts.ParentNode(other, own, &guts.IV, 0)
		}
	}
	node.Flags |= guts.FlagRoot
	return bytesOf(guts.ChainingValue(node)) == id
}

func bytesOf(words [8]uint32) (b [32]byte) {
	for i, w := range words {
		binary.LittleEndian.PutUint32(b[4*i:], w)
	}
	return b
}

func wordsOf(b [32]byte) (words [8]uint32) {
	for i := range words {
		words[i] = binary.LittleEndian.Uint32(b[4*i:])
	}
	return words
}
