package merkle

// Proofs of many places: every set of places of every small list, every hash of the proof changed, left out and
// added; and the levels, against Root and Node.

import (
	"slices"
	"testing"
)

func TestEverySet(t *testing.T) {
	for n := 1; n <= 9; n++ {
		leaves := list(n)
		root := Root(testTag, leaves)
		for set := range 1 << n {
			var places []uint64
			var chosen [][]byte
			for i := range n {
				if set>>i&1 == 1 {
					places, chosen = append(places, uint64(i)), append(chosen, leaves[i])
				}
			}
			proof := ProveMany(testTag, leaves, places)
			if err := VerifyMany(testTag, root, chosen, places, uint64(n), proof); err != nil {
				t.Fatalf("places %v of %d: %v", places, n, err)
			}
			if len(places) == 1 && !slices.Equal(proof, Prove(testTag, leaves, int(places[0]))) {
				t.Fatalf("place %v of %d: another proof than for one", places, n)
			}
			refuseMany(t, root, chosen, places, uint64(n), proof)
		}
	}
}

func refuseMany(t *testing.T, root [32]byte, leaves [][]byte, places []uint64, count uint64, proof Proof) {
	t.Helper()
	refuse := func(what string, leaves [][]byte, places []uint64, count uint64, proof Proof) {
		t.Helper()
		if VerifyMany(testTag, root, leaves, places, count, proof) == nil {
			t.Fatalf("places %v of %d: passes with %s", places, count, what)
		}
	}
	refuse("a hash too many", leaves, places, count, append(slices.Clone(proof), [32]byte{}))
	for i := range proof {
		other := slices.Clone(proof)
		other[i][7] ^= 1
		refuse("another hash", leaves, places, count, other)
		refuse("a hash less", leaves, places, count, slices.Delete(slices.Clone(proof), i, i+1))
	}
	for i := range leaves {
		other := slices.Clone(leaves)
		other[i] = []byte("another")
		refuse("another leaf", other, places, count, proof)
	}
	if len(places) > 0 {
		refuse("a count less", leaves, places, places[len(places)-1], proof)
		refuse("a leaf missing", leaves[1:], places, count, proof)
		refuse("a place twice", append(slices.Clone(leaves), leaves[len(leaves)-1]), append(slices.Clone(places), places[len(places)-1]), count, proof)
	}
}

func TestLevels(t *testing.T) {
	for n := 1; n <= 20; n++ {
		leaves := list(n)
		levels := Levels(testTag, leaves)
		if len(levels) != Depth(uint64(n))+1 {
			t.Fatalf("%d leaves: %d levels, want %d", n, len(levels), Depth(uint64(n))+1)
		}
		for l := range levels {
			if uint64(len(levels[l])) != Width(uint64(n), l) {
				t.Errorf("%d leaves, level %d: %d nodes, want %d", n, l, len(levels[l]), Width(uint64(n), l))
			}
			for i := range levels[l] {
				want := Leaf(testTag, leaves[i])
				if l > 0 {
					want = levels[l-1][2*i]
					if 2*i+1 < len(levels[l-1]) {
						want = Node(testTag, want, levels[l-1][2*i+1])
					}
				}
				if levels[l][i] != want {
					t.Errorf("%d leaves, level %d, node %d: got %x, want %x", n, l, i, levels[l][i], want)
				}
			}
		}
		if got := Top(testTag, uint64(n), levels[len(levels)-1][0]); got != Root(testTag, leaves) {
			t.Errorf("%d leaves: the top leads to another root", n)
		}
	}
}
