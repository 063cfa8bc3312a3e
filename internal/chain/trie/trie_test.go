// Ethereum's published trie vectors (testdata), and a comparison with a second, plain computation of
// the root that inserts one key after the other.
package trie

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"math/rand"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aiwork/aiwork-node/crypto/keccak"
	"github.com/aiwork/aiwork-node/internal/codec/rlp"
)

// text reads a vector's string: hexadecimal behind 0x, else as it stands.
func text(t *testing.T, s string) []byte {
	t.Helper()
	digits, ok := strings.CutPrefix(s, "0x")
	if !ok {
		return []byte(s)
	}
	b, err := hex.DecodeString(digits)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// sorted makes pairs of steps, of which later ones replace earlier ones, and nil removes.
func sorted(steps [][2][]byte) []Pair {
	last := map[string][]byte{}
	for _, s := range steps {
		last[string(s[0])] = s[1]
	}
	var pairs []Pair
	for k, v := range last {
		if v != nil {
			pairs = append(pairs, Pair{[]byte(k), v})
		}
	}
	slices.SortFunc(pairs, func(a, b Pair) int { return bytes.Compare(a.Key, b.Key) })
	return pairs
}

func TestEthereumVectors(t *testing.T) {
	cases := 0
	for _, file := range []struct {
		name   string
		secure bool // keys are hashed
	}{
		{"trietest.json", false},
		{"trieanyorder.json", false},
		{"trieanyorder_secureTrie.json", true},
		{"hex_encoded_securetrie_test.json", true},
	} {
		raw, err := os.ReadFile(filepath.Join("testdata", file.name))
		if err != nil {
			t.Fatal(err)
		}
		var vectors map[string]struct {
			In   json.RawMessage
			Root string
		}
		if err := json.Unmarshal(raw, &vectors); err != nil {
			t.Fatal(err)
		}
		for name, v := range vectors {
			cases++
			steps := readSteps(t, v.In, file.secure)
			got := Root(sorted(steps))
			if want := text(t, v.Root); !bytes.Equal(got[:], want) {
				t.Errorf("%s/%s: got %x, want %x", file.name, name, got, want)
			}
		}
	}
	if cases != 22 {
		t.Errorf("got %d vectors, want 22", cases)
	}
}

// readSteps takes a list of pairs, in which null removes, or an object.
func readSteps(t *testing.T, in json.RawMessage, secure bool) (steps [][2][]byte) {
	t.Helper()
	put := func(key string, value *string) {
		k := text(t, key)
		if secure {
			sum := keccak.Sum256(k)
			k = sum[:]
		}
		var v []byte
		if value != nil {
			v = text(t, *value)
		}
		steps = append(steps, [2][]byte{k, v})
	}
	var list [][2]*string
	if json.Unmarshal(in, &list) == nil {
		for _, p := range list {
			put(*p[0], p[1])
		}
		return steps
	}
	var object map[string]string
	if err := json.Unmarshal(in, &object); err != nil {
		t.Fatal(err)
	}
	for k, v := range object {
		put(k, &v)
	}
	return steps
}

// node is a plain trie of nibbles: a value and sixteen children, without shortened paths.
type node struct {
	value    []byte
	children [16]*node
}

func (n *node) insert(key []byte, value []byte) {
	for i := range 2 * len(key) {
		c := &n.children[nibble(key, i)]
		if *c == nil {
			*c = new(node)
		}
		n = *c
	}
	n.value = value
}

func (n *node) only() (nibble byte, child *node) {
	for i, c := range n.children {
		if c == nil {
			continue
		}
		if child != nil {
			return 0, nil
		}
		nibble, child = byte(i), c
	}
	return nibble, child
}

// encode shortens chains of single children to an extension or a leaf.
func (n *node) encode() []byte {
	var path []byte
	for n.value == nil {
		nib, child := n.only()
		if child == nil {
			break
		}
		path, n = append(path, nib), child
	}
	leaf := n.value != nil && n.children == [16]*node{}
	switch {
	case leaf:
		return rlp.AppendList(nil, rlp.AppendBytes(rlp.AppendBytes(nil, compact(path, true)), n.value))
	case len(path) > 0:
		return rlp.AppendList(nil, append(rlp.AppendBytes(nil, compact(path, false)), n.reference()...))
	}
	var items []byte
	for _, c := range n.children {
		if c == nil {
			items = append(items, 0x80)
			continue
		}
		items = append(items, c.reference()...)
	}
	return rlp.AppendList(nil, rlp.AppendBytes(items, n.value))
}

func (n *node) reference() []byte {
	enc := n.encode()
	if len(enc) < 32 {
		return enc
	}
	sum := keccak.Sum256(enc)
	return rlp.AppendBytes(nil, sum[:])
}

func compact(path []byte, leaf bool) []byte {
	flags := byte(0)
	if leaf {
		flags = 2
	}
	full := []byte{flags, 0}
	if len(path)%2 == 1 {
		full = []byte{flags + 1}
	}
	full = append(full, path...)
	out := make([]byte, len(full)/2)
	for i := range out {
		out[i] = full[2*i]<<4 | full[2*i+1]
	}
	return out
}

func TestAgainstPlainTrie(t *testing.T) {
	for seed := range int64(300) {
		rng := rand.New(rand.NewSource(seed))
		var steps [][2][]byte
		for range 1 + rng.Intn(60) {
			key := make([]byte, rng.Intn(5))
			for i := range key {
				key[i] = byte(rng.Intn(4)) * 0x11
			}
			value := make([]byte, 1+rng.Intn(50))
			rng.Read(value)
			steps = append(steps, [2][]byte{key, value})
		}
		pairs := sorted(steps)
		root := new(node)
		for _, p := range pairs {
			root.insert(p.Key, p.Value)
		}
		if got, want := Root(pairs), keccak.Sum256(root.encode()); got != want {
			t.Fatalf("seed %d: got %x, want %x", seed, got, want)
		}
	}
}

func BenchmarkRoot(b *testing.B) {
	var pairs []Pair
	for i := range uint64(1000) {
		pairs = append(pairs, Pair{rlp.AppendUint64(nil, i), make([]byte, 110)})
	}
	slices.SortFunc(pairs, func(a, b Pair) int { return bytes.Compare(a.Key, b.Key) })
	b.ReportAllocs()
	for b.Loop() {
		Root(pairs)
	}
}
