package keccak

// Fixed vectors: the empty string, "abc" and Ethereum's event topics, which every wallet relies on; and
// inputs around the sponge's rate of 136 bytes against the streaming hash fed byte by byte.

import (
	"bytes"
	"encoding/hex"
	"testing"

	"golang.org/x/crypto/sha3"
)

func TestVectors(t *testing.T) {
	for _, v := range []struct{ in, want string }{
		{"", "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"},
		{"abc", "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"},
		{"\x80", "56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421"},
		{"\xc0", "1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347"},
		{"Transfer(address,address,uint256)", "ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"},
		{"Approval(address,address,uint256)", "8c5be1e5ebec7d5bd14f71427d1e84f3dd0314c0f7b2291e5b200ac8c7c3b925"},
		{"The quick brown fox jumps over the lazy dog", "4d741b6f1eb29cb2a9b9911c82f56fa8d73b04959d3d9d222895df6c0b28aa15"},
	} {
		sum := Sum256([]byte(v.in))
		if got := hex.EncodeToString(sum[:]); got != v.want {
			t.Errorf("Sum256(%q): got %s, want %s", v.in, got, v.want)
		}
	}
}

func TestPartsAndLengths(t *testing.T) {
	data := bytes.Repeat([]byte("0123456789abcdef!"), 30)
	for n := range data {
		h := sha3.NewLegacyKeccak256()
		for _, b := range data[:n] {
			h.Write([]byte{b})
		}
		want := [32]byte(h.Sum(nil))
		if got := Sum256(data[:n]); got != want {
			t.Fatalf("%d bytes: got %x, want %x", n, got, want)
		}
		if got := Sum256(data[:n/3], nil, data[n/3:n]); got != want {
			t.Fatalf("%d bytes in parts: got %x, want %x", n, got, want)
		}
	}
}

func TestAllocations(t *testing.T) {
	data := make([]byte, 200)
	got := testing.AllocsPerRun(100, func() { Sum256(data, data[:20]) })
	if want := 1.0; got > want {
		t.Errorf("allocations: got %v, want at most %v", got, want)
	}
}

func BenchmarkSum256(b *testing.B) {
	for _, size := range []struct {
		name string
		n    int
	}{{"bytes=64", 64}, {"bytes=532", 532}, {"bytes=4096", 4096}} {
		data := make([]byte, size.n)
		b.Run(size.name, func(b *testing.B) {
			b.SetBytes(int64(size.n))
			b.ReportAllocs()
			for b.Loop() {
				Sum256(data)
			}
		})
	}
}
