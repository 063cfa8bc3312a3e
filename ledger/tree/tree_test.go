package tree

// What is tested: random batches of changes on a tree in memory; after each the root that Apply gives
// must equal Rebuild of the flat leaves, whatever the batching and through overlays as well as stored
// pages; proofs hold for every key, present or absent, and no changed proof holds for another value.

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/dice"
	"github.com/aiwork/aiwork-node/ledger/state"
)

type pages map[Path][]byte

func (p pages) Page(path Path) ([]byte, error) { return p[path], nil }

func (p pages) store(u Update) {
	for _, c := range u.Pages {
		if c.Page == nil {
			delete(p, c.Path)
		} else {
			p[c.Path] = c.Page
		}
	}
}

// sparse gives keys that share long prefixes, so that deep pages and their collapse are reached.
func sparse(d *dice.Dice) chain.Hash {
	h := chain.Hash(d.Hash())
	shared := d.Below(4) * 9
	for i := range shared {
		h[i] = 0
	}
	h[31] &= 0x0f // few last nibbles, so that keys repeat in the deepest group
	if shared == 27 {
		h[27], h[28], h[29] = 0, 0, 0
	}
	return h
}

func flatten(leaves map[chain.Hash]chain.Hash) []Leaf {
	var out []Leaf
	for k, v := range leaves {
		out = append(out, Leaf{k, v})
	}
	Sort(out)
	return out
}

func TestApplyEqualsRebuild(t *testing.T) {
	for seed := range uint64(60) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			d := dice.New(chain.Hash{0: byte(seed), 1: 1})
			stored, flat := pages{}, map[chain.Hash]chain.Hash{}
			var known []chain.Hash
			var r Reader = stored
			var pending []Update
			for range 25 {
				batch := map[chain.Hash]chain.Hash{}
				for range d.Below(40) {
					var k chain.Hash
					if len(known) > 0 && d.Below(2) == 0 {
						k = known[d.Below(uint64(len(known)))]
					} else {
						k = sparse(d)
						known = append(known, k)
					}
					v := chain.Hash(d.Hash())
					if d.Below(3) == 0 {
						v = chain.Hash{}
					}
					batch[k] = v
				}
				u, err := Apply(r, flatten(batch))
				if err != nil {
					t.Fatal(err)
				}
				for k, v := range batch {
					if v.IsZero() {
						delete(flat, k)
					} else {
						flat[k] = v
					}
				}
				if got, want := u.Root, Rebuild(flatten(flat)); got != want {
					t.Fatalf("root: got %v, want %v", got, want)
				}
				pending = append(pending, u)
				r = NewOverlay(r, u)
				if d.Below(3) == 0 {
					for _, u := range pending {
						stored.store(u)
					}
					pending, r = nil, stored
				}
			}
			checkProofs(t, r, flat, known[:min(len(known), 60)], d)
			// Taking everything away leaves no page behind.
			var all []Leaf
			for _, l := range flatten(flat) {
				all = append(all, Leaf{Key: l.Key})
			}
			u, err := Apply(r, all)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range pending {
				stored.store(p)
			}
			stored.store(u)
			if len(stored) != 0 || !u.Root.IsZero() {
				t.Fatalf("empty tree: %d pages left, root %v", len(stored), u.Root)
			}
		})
	}
}

func checkProofs(t *testing.T, r Reader, flat map[chain.Hash]chain.Hash, known []chain.Hash, d *dice.Dice) {
	t.Helper()
	root, err := RootOf(r)
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		known = append(known, d.Hash(), sparse(d))
	}
	for _, k := range known {
		p, err := Prove(r, k)
		if err != nil {
			t.Fatal(err)
		}
		got, err := p.Verify(root, k)
		if err != nil || got != flat[k] {
			t.Fatalf("proof of %v: got %v, %v, want %v", k, got, err, flat[k])
		}
		b := p.Encode()
		q, err := DecodeProof(b)
		if err != nil || !bytes.Equal(q.Encode(), b) {
			t.Fatalf("proof of %v does not survive its encoding: %v", k, err)
		}
		if d.Below(8) == 0 {
			mutateProof(t, root, k, flat[k], b, d)
		}
	}
}

// mutateProof changes bytes of a proof, one at a time: it must be refused each time, since all of it is
// in the root's preimage.
func mutateProof(t *testing.T, root, key, want chain.Hash, b []byte, d *dice.Dice) {
	t.Helper()
	for n := range min(len(b), 100) {
		i := n // the header and bitmap, then anywhere
		if n >= 40 {
			i = int(d.Below(uint64(len(b))))
		}
		m := bytes.Clone(b)
		m[i] ^= byte(1) << d.Below(8)
		p, err := DecodeProof(m)
		if err != nil {
			continue
		}
		if got, err := p.Verify(root, key); err == nil {
			t.Fatalf("proof with byte %d changed still holds: value %v, want %v refused", i, got, want)
		}
	}
}

// Roots of small trees, put together by hand from the rules.
func TestRootByHand(t *testing.T) {
	a, b := Leaf{chain.Hash{0: 0x10}, chain.Hash{31: 1}}, Leaf{chain.Hash{0: 0x90}, chain.Hash{31: 2}}
	c := Leaf{chain.Hash{0: 0x98}, chain.Hash{31: 3}}
	la, lb, lc := leafHash(&a), leafHash(&b), leafHash(&c)
	ab := innerHash(&la, &lb)
	// b = 1001 0.., c = 1001 1..: they part at the fifth bit, below three levels with an empty side.
	bc := innerHash(&lb, &lc)
	var none chain.Hash
	bc = innerHash(&none, &bc) // bit 3 is 1
	bc = innerHash(&bc, &none) // bit 2 is 0
	bc = innerHash(&bc, &none) // bit 1 is 0
	abc := innerHash(&la, &bc)
	for _, tc := range []struct {
		name   string
		leaves []Leaf
		want   chain.Hash
	}{
		{"none", nil, none},
		{"one", []Leaf{a}, la},
		{"two", []Leaf{a, b}, ab},
		{"three", []Leaf{a, b, c}, abc},
	} {
		u, err := Apply(pages{}, tc.leaves)
		if err != nil || u.Root != tc.want {
			t.Errorf("%s: Apply got %v, %v, want %v", tc.name, u.Root, err, tc.want)
		}
		if got := Rebuild(tc.leaves); got != tc.want {
			t.Errorf("%s: Rebuild got %v, want %v", tc.name, got, tc.want)
		}
	}
}

// The encoding of values is part of the protocol: these digests change only with it.
func TestConformance(t *testing.T) {
	acct := state.Account{Nonce: 7, Balance: *uint256.NewInt(1e18), CodeHash: chain.Hash{5: 9}}
	d := state.Diff{
		Accounts: []state.AccountChange{{Address: chain.Address{1}, New: acct}, {Address: chain.Address{2}}},
		Slots:    []state.SlotChange{{Address: chain.Address{1}, Key: chain.Hash{3}, New: chain.Hash{4}}},
	}
	u, err := Apply(Empty{}, Changes(d))
	if err != nil {
		t.Fatal(err)
	}
	want := "0x84b76622"
	if got := u.Root.String()[:10]; got != want {
		t.Errorf("root: got %s, want %s", got, want)
	}
}

// A damaged or missing page is an error, never a root.
func TestDamagedPages(t *testing.T) {
	d := dice.New(chain.Hash{9})
	stored := pages{}
	var leaves []Leaf
	for range 300 {
		leaves = append(leaves, Leaf{d.Hash(), d.Hash()})
	}
	Sort(leaves)
	u, err := Apply(stored, leaves)
	if err != nil {
		t.Fatal(err)
	}
	stored.store(u)
	lost := Path{}.Child(nibble(&leaves[0].Key, 0))
	delete(stored, lost)
	if _, err := Apply(stored, leaves[:1]); !errors.Is(err, FaultPageLost) {
		t.Errorf("Apply over a lost page: got %v, want %v", err, FaultPageLost)
	}
	if _, err := Prove(stored, leaves[0].Key); !errors.Is(err, FaultPageLost) {
		t.Errorf("Prove over a lost page: got %v, want %v", err, FaultPageLost)
	}
	stored[lost] = []byte{0, 1, 0, 1}
	if _, err := Apply(stored, leaves[:1]); !errors.Is(err, FaultPageSize) {
		t.Errorf("Apply over a cut page: got %v, want %v", err, FaultPageSize)
	}
}

func FuzzDecodePage(f *testing.F) {
	d := dice.New(chain.Hash{3})
	var leaves []Leaf
	for range 40 {
		leaves = append(leaves, Leaf{d.Hash(), d.Hash()})
	}
	Sort(leaves)
	u, err := Apply(Empty{}, leaves)
	if err != nil {
		f.Fatal(err)
	}
	for _, c := range u.Pages {
		f.Add(c.Page, c.Path.n, c.Path.bits[0])
		cut := bytes.Clone(c.Page[:len(c.Page)-32])
		cut[0] ^= 0x80
		f.Add(cut, c.Path.n, c.Path.bits[0])
	}
	f.Fuzz(func(t *testing.T, b []byte, n, first byte) {
		path := Path{n: n % 3, bits: [32]byte{first}}
		if path.n < 2 {
			path.bits[0] &= 0xf0 * path.n
		}
		p, err := decodePage(b, path)
		if err != nil {
			return
		}
		if !bytes.Equal(p.encode(), b) {
			t.Fatalf("page %x has another encoding %x", b, p.encode())
		}
		if len(b) > PageSizeMax {
			t.Fatalf("page of %d bytes accepted", len(b))
		}
	})
}

func FuzzDecodeProof(f *testing.F) {
	d := dice.New(chain.Hash{4})
	var leaves []Leaf
	for range 20 {
		leaves = append(leaves, Leaf{d.Hash(), d.Hash()})
	}
	Sort(leaves)
	u, err := Apply(Empty{}, leaves)
	if err != nil {
		f.Fatal(err)
	}
	stored := pages{}
	stored.store(u)
	for _, l := range leaves {
		for _, k := range []chain.Hash{l.Key, d.Hash()} {
			p, err := Prove(stored, k)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(p.Encode())
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := DecodeProof(b)
		if err != nil {
			return
		}
		if !bytes.Equal(p.Encode(), b) {
			t.Fatalf("proof %x has another encoding %x", b, p.Encode())
		}
		for _, l := range leaves {
			if got, err := p.Verify(u.Root, l.Key); err == nil && got != l.Value {
				t.Fatalf("proof of a wrong value: got %v, want %v", got, l.Value)
			}
		}
	})
}

func BenchmarkTree(b *testing.B) {
	for _, n := range []int{10_000, 1_000_000} {
		for _, k := range []int{16, 2000} {
			b.Run(fmt.Sprintf("op=apply/leaves=%d/changes=%d", n, k), func(b *testing.B) {
				d := dice.New(chain.Hash{5})
				leaves := make([]Leaf, n)
				for i := range leaves {
					leaves[i] = Leaf{d.Hash(), d.Hash()}
				}
				picked := make([]Leaf, k)
				for i := range picked {
					picked[i] = leaves[i*(n/k)]
				}
				Sort(leaves)
				Sort(picked)
				stored := pages{}
				u, err := Apply(stored, leaves)
				if err != nil {
					b.Fatal(err)
				}
				stored.store(u)
				b.ReportAllocs()
				for b.Loop() {
					for i := range picked {
						picked[i].Value[0]++
						picked[i].Value[31] = 1
					}
					if u, err = Apply(stored, picked); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(len(u.Pages)), "pages/op")
			})
		}
	}
}
