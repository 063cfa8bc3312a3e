package merkle

// Roots against a separate program that builds the tree top down from the specification; every place of
// every small list proved and verified; every flipped bit of every input of Verify refused; the
// encoding, strict and fuzzed.

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"testing"
)

const testTag = "aiwork/test"

func list(n int) [][]byte {
	leaves := make([][]byte, n)
	for i := range leaves {
		leaves[i] = fmt.Appendf(nil, "leaf %d", i)
	}
	return leaves
}

func TestRootVectors(t *testing.T) {
	for _, v := range []struct {
		n    int
		want string
	}{
		{0, "52f43f5d45d130073652994ef7f22bb364d2f163ed012f66d0a5c4850184af71"},
		{1, "50b092fca3c26dc564b49e05c667f1082b4aa8dd216d8991cba3b8fabad0374f"},
		{2, "3166e86757f3b72014d0ac13a0b236b37a2e4912b4d5b650b476739fcefccdeb"},
		{3, "c3f49fd05653f30039646613863e464655de6ead7bbd02e95c23862ee8d75833"},
		{5, "04793f2458a5ecef9bfab8c805ddc49272178ad6f56a75e995a37d375f95add2"},
		{7, "83d87e9d0281be7d9c896d2cac38a71e0d8cea4441fae70421b5e46f9dd92885"},
		{8, "7cef2febbc2a96f2a2c7452b2429f0be9497e7b1097b1f373d9e860bf9aceabd"},
		{13, "2a74dc97fe62970c594d560e2bd593ef0a476749a27489c40e189f65e35d095a"},
	} {
		root := Root(testTag, list(v.n))
		if got := hex.EncodeToString(root[:]); got != v.want {
			t.Errorf("%d leaves: got %s, want %s", v.n, got, v.want)
		}
	}
}

// Pieces are leaves, around the number that a bush has.
func TestPieces(t *testing.T) {
	data := make([]byte, 7*(3*bushLeaves+2))
	for i := range data {
		data[i] = byte(i * i >> 3)
	}
	for _, size := range []int{1, 7, 32, 256} {
		for _, n := range []int{0, 1, 2, 255, 256, 257, 511, 512, 513, 768, 770} {
			for _, cut := range []int{0, 1, size - 1} {
				piece := data[:max(0, min(n*size, len(data))-cut)]
				want := plainRoot(testTag, slices.Collect(slices.Chunk(piece, size)))
				if got := RootOfPieces(testTag, piece, size); got != want {
					t.Errorf("%d bytes in pieces of %d: got %x, want %x", len(piece), size, got, want)
				}
				if got := Root(testTag, slices.Collect(slices.Chunk(piece, size))); got != want {
					t.Errorf("%d bytes, leaves of %d: got %x, want %x", len(piece), size, got, want)
				}
			}
		}
	}
}

// plainRoot is the root by the rules, one hash after the other, with crypto/sha256.
func plainRoot(tag string, leaves [][]byte) [32]byte {
	text := binary.BigEndian.AppendUint64([]byte("aiwork/merkle/1"), uint64(len(tag)))
	prefix := sha256.Sum256(append(text, tag...))
	hash := func(kind byte, parts ...[]byte) []byte {
		sum := sha256.Sum256(slices.Concat(prefix[:], []byte{kind}, slices.Concat(parts...)))
		return sum[:]
	}
	var level [][]byte
	for _, leaf := range leaves {
		level = append(level, hash(0, leaf))
	}
	for len(level) > 1 {
		var up [][]byte
		for pair := range slices.Chunk(level, 2) {
			if len(pair) == 2 {
				pair = [][]byte{hash(1, pair...)}
			}
			up = append(up, pair[0])
		}
		level = up
	}
	if len(level) == 0 {
		level = [][]byte{make([]byte, 32)}
	}
	return [32]byte(hash(2, binary.BigEndian.AppendUint64(nil, uint64(len(leaves))), level[0]))
}

func TestEveryPlace(t *testing.T) {
	for n := 1; n <= 40; n++ {
		leaves := list(n)
		root := Root(testTag, leaves)
		for i := range leaves {
			proof := Prove(testTag, leaves, i)
			if err := Verify(testTag, root, leaves[i], uint64(i), uint64(n), proof); err != nil {
				t.Fatalf("place %d of %d: %v", i, n, err)
			}
			for j := range leaves {
				if i != j && Verify(testTag, root, leaves[i], uint64(j), uint64(n), proof) == nil {
					t.Fatalf("place %d of %d: the proof passes for place %d", i, n, j)
				}
			}
			for _, count := range []uint64{uint64(n - 1), uint64(n + 1), uint64(2 * n), 1 << 63, 1<<64 - 1} {
				if Verify(testTag, root, leaves[i], uint64(i), count, proof) == nil {
					t.Fatalf("place %d of %d: the proof passes with count %d", i, n, count)
				}
			}
		}
	}
}

func TestFlippedBits(t *testing.T) {
	const n, place = 11, 6
	leaves := list(n)
	root, proof := Root(testTag, leaves), Prove(testTag, leaves, place)
	flips := 0
	refuse := func(what string, bits []byte, verify func() error) {
		for i := range 8 * len(bits) {
			bits[i/8] ^= 1 << (i % 8)
			if err := verify(); !errors.Is(err, FaultRoot) {
				t.Errorf("%s, bit %d flipped: got %v, want %v", what, i, err, FaultRoot)
			}
			bits[i/8] ^= 1 << (i % 8)
			flips++
		}
	}
	leaf, tag := slices.Clone(leaves[place]), []byte(testTag)
	verify := func() error { return Verify(string(tag), root, leaf, place, n, proof) }
	refuse("root", root[:], verify)
	refuse("leaf", leaf, verify)
	refuse("tag", tag, verify)
	for i := range proof {
		refuse(fmt.Sprintf("hash %d", i), proof[i][:], verify)
	}
	if err := verify(); err != nil || flips < 1000 {
		t.Errorf("after %d flips: got %v, want nil after at least 1000", flips, err)
	}
}

func TestFaults(t *testing.T) {
	leaves := list(5)
	root, proof := Root(testTag, leaves), Prove(testTag, leaves, 4)
	for _, c := range []struct {
		name         string
		index, count uint64
		proof        Proof
		want         error
	}{
		{"no list", 0, 0, nil, FaultIndex},
		{"place after the end", 5, 5, proof, FaultIndex},
		{"hash missing", 4, 5, proof[:0], FaultShape},
		{"hash too many", 4, 5, append(slices.Clone(proof), proof[0]), FaultShape},
		{"other place", 3, 5, Prove(testTag, leaves, 2), FaultRoot},
	} {
		if got := Verify(testTag, root, leaves[4], c.index, c.count, c.proof); !errors.Is(got, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}

// An inner node given as a leaf must not pass, or a short proof could be made from a long one.
func TestNodeIsNoLeaf(t *testing.T) {
	tr, leaves := newTree(testTag), list(4)
	level := tr.up(tr.leaves(leaves))
	pair := tr.leaves(leaves)
	inner := slices.Clone(pair[:64])
	proof := Proof{level.at(1)}
	for _, count := range []uint64{2, 4} {
		if Verify(testTag, Root(testTag, leaves), inner, 0, count, proof) == nil {
			t.Errorf("an inner node passes for a leaf with count %d", count)
		}
	}
}

func FuzzDecodeProof(f *testing.F) {
	for _, n := range []int{1, 2, 3, 9, 33} {
		enc := Prove(testTag, list(n), n/2).Encode(nil)
		f.Add(enc)
		f.Add(append(slices.Clone(enc), 0))
		enc = slices.Clone(enc)
		enc[len(enc)-1] ^= 0x80
		f.Add(enc)
	}
	f.Add(Proof(make([][32]byte, DepthMax)).Encode(nil))
	f.Add(append([]byte{DepthMax + 1}, make([]byte, 32*(DepthMax+1))...))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := DecodeProof(b)
		if err != nil {
			if !errors.Is(err, FaultEncoding) {
				t.Fatalf("fault: got %v, want %v", err, FaultEncoding)
			}
			return
		}
		if got := p.Encode(nil); !bytes.Equal(got, b) {
			t.Fatalf("encoded again: got %x, want %x", got, b)
		}
		leaves := list(9)
		valid := bytes.Equal(b, Prove(testTag, leaves, 4).Encode(nil))
		if got := Verify(testTag, Root(testTag, leaves), leaves[4], 4, 9, p) == nil; got != valid {
			t.Fatalf("verified: got %v, want %v", got, valid)
		}
	})
}

func BenchmarkRoot(b *testing.B) {
	for _, n := range []int{16, 1000} {
		leaves := list(n)
		b.Run(fmt.Sprintf("leaves=%d", n), func(b *testing.B) {
			for b.Loop() {
				Root(testTag, leaves)
			}
		})
	}
}

// BenchmarkTiles is the root of 16 MiB of tiles of 64 float32 each.
func BenchmarkTiles(b *testing.B) {
	data := make([]byte, 16<<20)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		RootOfPieces(testTag, data, 256)
	}
}

func BenchmarkVerify(b *testing.B) {
	leaves := list(1000)
	root, proof := Root(testTag, leaves), Prove(testTag, leaves, 500)
	b.Run("leaves=1000", func(b *testing.B) {
		for b.Loop() {
			if err := Verify(testTag, root, leaves[500], 500, 1000, proof); err != nil {
				b.Fatal(err)
			}
		}
	})
}
