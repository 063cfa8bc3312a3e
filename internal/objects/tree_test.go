package objects

// Trees against the hash of the whole, and what a peer may say of one that is not true.

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"lukechampine.com/blake3"

	"github.com/aiwork/aiwork-node/p2p"
)

// noise gives bytes that depend on a seed alone.
func noise(seed byte, size int) []byte {
	b := make([]byte, size)
	rand.NewChaCha8([32]byte{seed}).Read(b)
	return b
}

func treeOf(tb testing.TB, data []byte) (*Tree, ID) {
	tb.Helper()
	t, id, err := TreeOf(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		tb.Fatal(err)
	}
	return t, id
}

func TestTreeGivesTheHashOfTheWhole(t *testing.T) {
	data := noise(1, 9*GroupBytes)
	for _, size := range []int{
		1, 1023, 1024, 1025, 16 << 10, 16<<10 + 1, 100_000, GroupBytes - 1, GroupBytes, GroupBytes + 1, GroupBytes + 1024,
		2 * GroupBytes, 2*GroupBytes + 1, 3*GroupBytes - 5, 4 * GroupBytes, 5*GroupBytes + 12345, 7 * GroupBytes, 8 * GroupBytes, 9*GroupBytes - 1024,
	} {
		tree, id := treeOf(t, data[:size])
		if want := ID(blake3.Sum256(data[:size])); id != want {
			t.Errorf("%d bytes: got id %s, want %s", size, id, want)
		}
		for i := range tree.Sums {
			group := data[i*GroupBytes : i*GroupBytes+tree.GroupSize(i)]
			if !tree.Fits(i, group) {
				t.Errorf("%d bytes: group %d does not fit", size, i)
			}
			spoilt := bytes.Clone(group)
			spoilt[len(spoilt)/2] ^= 1
			if tree.Fits(i, spoilt) || tree.Fits(i, group[1:]) || len(tree.Sums) > 1 && tree.Fits((i+1)%len(tree.Sums), group) {
				t.Errorf("%d bytes: wrong bytes fit as group %d", size, i)
			}
		}
	}
	for _, size := range []int64{0, -1, BytesMax + 1} {
		if _, _, err := TreeOf(bytes.NewReader(nil), size); err == nil {
			t.Errorf("an object of %d bytes: got no error", size)
		}
	}
}

func TestUntrueSums(t *testing.T) {
	data := noise(2, 4*GroupBytes+99)
	tree, id := treeOf(t, data)
	honest := func() p2p.ObjectSums {
		return p2p.ObjectSums{Size: uint64(len(data)), Sums: append([][32]byte{}, tree.Sums...), Last: bytes.Clone(data[4*GroupBytes:])}
	}
	if got, err := believe(id, honest()); err != nil || got.Size != int64(len(data)) {
		t.Fatalf("the truth: got %v, %v", got, err)
	}
	pair := func(a, b int) [32]byte { return bytesOf(valueOf(tree.Sums[a:b])) }
	for name, change := range map[string]func(*p2p.ObjectSums){
		"another sum":            func(s *p2p.ObjectSums) { s.Sums[1][0] ^= 1 },
		"one sum less":           func(s *p2p.ObjectSums) { s.Sums = s.Sums[:4] },
		"a size of more groups":  func(s *p2p.ObjectSums) { s.Size += GroupBytes },
		"a byte less at the end": func(s *p2p.ObjectSums) { s.Size--; s.Last = s.Last[1:] },
		"a byte more at the end": func(s *p2p.ObjectSums) { s.Size++; s.Last = append(s.Last, 0) },
		"another last group":     func(s *p2p.ObjectSums) { s.Last[5] ^= 1 },
		"no last group":          func(s *p2p.ObjectSums) { s.Last = nil },
		"nothing":                func(s *p2p.ObjectSums) { *s = p2p.ObjectSums{} },
		// The values of whole subtrees give the id too. Only the last group shows that they are none of groups.
		"subtrees for groups": func(s *p2p.ObjectSums) {
			s.Sums = [][32]byte{pair(0, 4), tree.Sums[4]}
			s.Size = GroupBytes + 99
		},
		"a size beyond all limits": func(s *p2p.ObjectSums) { s.Size = 1 << 63 },
	} {
		said := honest()
		change(&said)
		if got, err := believe(id, said); err == nil {
			t.Errorf("%s: got a tree of %d bytes, want an error", name, got.Size)
		}
	}
}

func BenchmarkTree(b *testing.B) {
	for _, size := range []int{1 << 20, 64 << 20} {
		b.Run(fmt.Sprintf("bytes=%d", size), func(b *testing.B) {
			data := noise(3, size)
			b.SetBytes(int64(size))
			for b.Loop() {
				treeOf(b, data)
			}
		})
	}
}
