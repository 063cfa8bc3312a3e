package sortition

// Draws against values made by a separate program from the rules, and their frequencies.

import (
	"encoding/binary"
	"encoding/hex"
	"math/big"
	"slices"
	"testing"

	"github.com/aiwork/aiwork-node/internal/chain"
)

func counting() (b [32]byte) {
	for i := range b {
		b[i] = byte(i)
	}
	return b
}

func TestVectors(t *testing.T) {
	genesis := chain.Hash(counting())
	r0 := FirstSeed(genesis)
	r1 := NextSeed(r0, 1, [][32]byte{{1}, {2}})
	alpha := Alpha(genesis, 1, 2, r0)
	for _, v := range []struct{ name, got, want string }{
		{"R_0", hex.EncodeToString(r0[:]), "6a7d082ccc506209131c6b025b868cf80c9fe2d022d1293bcdffdf7d005edf4e"},
		{"R_1", hex.EncodeToString(r1[:]), "16f73cfec93847e0ed0b5b740252b77689ea44be7f8f916870c0268526eeb9ea"},
		{"alpha", hex.EncodeToString(alpha), "000c6169776f726b2d7672662f31000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f000000000000000100000000000000026a7d082ccc506209131c6b025b868cf80c9fe2d022d1293bcdffdf7d005edf4e"},
	} {
		if v.got != v.want {
			t.Errorf("%s: got %s, want %s", v.name, v.got, v.want)
		}
	}
	w, err := NewWheel([]uint64{10, 0, 30, 1 << 40, 60})
	if err != nil {
		t.Fatal(err)
	}
	var got []int
	small, err := NewWheel([]uint64{10, 0, 30, 60})
	if err != nil {
		t.Fatal(err)
	}
	for v := range chain.View(12) {
		got = append(got, small.Leader(genesis, 5, v, r0))
	}
	if want := []int{2, 3, 2, 3, 3, 2, 2, 3, 0, 2, 2, 0}; !slices.Equal(got, want) {
		t.Errorf("leaders: got %v, want %v", got, want)
	}
	if got, want := w.Leader(genesis, 5, 3, r0), 3; got != want {
		t.Errorf("leader by a great weight: got %d, want %d", got, want)
	}
}

// scale against big integers.
func TestScale(t *testing.T) {
	for i := range uint64(200) {
		h := FirstSeed(chain.Hash{byte(i), 7})
		total := binary.BigEndian.Uint64(h[16:])>>(i%64) | 1
		want := new(big.Int).SetBytes(h[:16])
		want.Mul(want, new(big.Int).SetUint64(total)).Rsh(want, 128)
		if got := scale(h[:], total); got != want.Uint64() {
			t.Fatalf("scale by %d: got %d, want %v", total, got, want)
		}
	}
	ones := slices.Repeat([]byte{0xff}, 16)
	if got, want := scale(ones, 1<<63-1), uint64(1<<63-2); got != want {
		t.Errorf("greatest point: got %d, want %d", got, want)
	}
}

func TestWheelRefuses(t *testing.T) {
	for _, weights := range [][]uint64{nil, {0, 0}, {1 << 63}, {1 << 62, 1 << 62}} {
		if _, err := NewWheel(weights); err == nil {
			t.Errorf("NewWheel(%v): got no error", weights)
		}
	}
}

func TestLeaderFrequency(t *testing.T) {
	w, err := NewWheel([]uint64{10, 0, 30, 60})
	if err != nil {
		t.Fatal(err)
	}
	const draws = 20_000
	var got [4]int
	for v := range chain.View(draws) {
		got[w.Leader(chain.Hash{3}, 1, v, [32]byte{4})]++
	}
	for i, want := range [4]int{2000, 0, 6000, 12000} {
		if got[i] < want-300 || got[i] > want+300 || (want == 0) != (got[i] == 0) {
			t.Errorf("leader %d: got %d of %d, want about %d", i, got[i], draws, want)
		}
	}
}

func TestPanel(t *testing.T) {
	weights := []uint64{5, 0, 7, 1, 9, 3}
	banned := func(i int) bool { return i == 4 }
	for n := range byte(100) {
		request := chain.Hash{n}
		panel := Panel([32]byte{1}, request, weights, 3, banned)
		if len(panel) != 3 {
			t.Fatalf("panel %v: got %d members, want 3", panel, len(panel))
		}
		for i, x := range panel {
			if weights[x] == 0 || banned(x) || slices.Contains(panel[:i], x) {
				t.Errorf("panel %v holds %d", panel, x)
			}
		}
		if again := Panel([32]byte{1}, request, weights, 3, banned); !slices.Equal(panel, again) {
			t.Errorf("the same draw: got %v, want %v", again, panel)
		}
		if longer := Panel([32]byte{1}, request, weights, 4, banned); !slices.Equal(longer[:3], panel) {
			t.Errorf("a longer panel begins otherwise: got %v, want %v", longer, panel)
		}
	}
	if got := Panel([32]byte{1}, chain.Hash{}, weights, 9, nil); len(got) != 5 {
		t.Errorf("panel of all: got %v", got)
	}
	if got := Panel([32]byte{1}, chain.Hash{}, []uint64{0}, 2, nil); len(got) != 0 {
		t.Errorf("panel of nobody: got %v", got)
	}
}

// The first seat by weight, also when the weights need more than 64 bits together.
func TestPanelFrequency(t *testing.T) {
	for _, weights := range [][]uint64{{1, 2, 7}, {1 << 62, 1 << 63, 7 << 61}} {
		var got [3]int
		const draws = 6000
		for n := range uint64(draws) {
			var request chain.Hash
			binary.BigEndian.PutUint64(request[:], n)
			got[Panel([32]byte{9}, request, weights, 1, nil)[0]]++
		}
		var total float64
		for _, w := range weights {
			total += float64(w)
		}
		for i, w := range weights {
			if want := draws * float64(w) / total; float64(got[i]) < want-200 || float64(got[i]) > want+200 {
				t.Errorf("weights %v, first seat of %d: got %d, want about %.0f", weights, i, got[i], want)
			}
		}
	}
}
