// Known encodings both ways, every way in which bytes can be not canonical, and a comparison of the
// reader with a plain second one, written from the definition, on random and fuzzed bytes.
package rlp

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/holiman/uint256"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The examples of the definition in Ethereum's documentation, and the borders between forms.
func TestStrings(t *testing.T) {
	lorem := "Lorem ipsum dolor sit amet, consectetur adipisicing elit"
	for in, want := range map[string]string{
		"":                       "80",
		"dog":                    "83646f67",
		"\x00":                   "00",
		"\x7f":                   "7f",
		"\x80":                   "8180",
		lorem:                    "b838" + hex.EncodeToString([]byte(lorem)),
		lorem[:55]:               "b7" + hex.EncodeToString([]byte(lorem[:55])),
		strings.Repeat("a", 256): "b90100" + strings.Repeat("61", 256),
	} {
		got := AppendBytes([]byte{0xee}, []byte(in))
		if hex.EncodeToString(got) != "ee"+want {
			t.Errorf("%q: got %x, want %s", in, got, want)
		}
		if n := SizeBytes([]byte(in)); n != len(want)/2 {
			t.Errorf("%q: size %d, want %d", in, n, len(want)/2)
		}
		r := NewReader(unhex(t, want))
		if back := r.Bytes(); string(back) != in || r.End() != nil {
			t.Errorf("%s: got %q, %v", want, back, r.Err())
		}
	}
}

func TestIntegers(t *testing.T) {
	for want, v := range map[string]string{
		"80": "0", "01": "1", "7f": "127", "8180": "128", "820400": "1024", "83ffffff": "16777215",
		"88ffffffffffffffff":            "18446744073709551615",
		"89010000000000000000":          "18446744073709551616",
		"a0" + strings.Repeat("ff", 32): new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 256), big.NewInt(1)).String(),
	} {
		n := uint256.MustFromDecimal(v)
		got := AppendUint256(nil, n)
		if hex.EncodeToString(got) != want || SizeUint256(n) != len(got) {
			t.Errorf("%s: got %x, want %s", v, got, want)
		}
		r := NewReader(got)
		if back := r.Uint256(); !back.Eq(n) || r.End() != nil {
			t.Errorf("%s: got %s, %v", want, back.Dec(), r.Err())
		}
		r = NewReader(got)
		small := r.Uint64()
		switch {
		case n.IsUint64() && (r.End() != nil || small != n.Uint64()):
			t.Errorf("%s: got %d, %v", want, small, r.Err())
		case !n.IsUint64() && !errors.Is(r.End(), FaultSize):
			t.Errorf("%s: got %v, want %v", want, r.Err(), FaultSize)
		}
		if n.IsUint64() && (!bytes.Equal(AppendUint64(nil, n.Uint64()), got) || SizeUint64(n.Uint64()) != len(got)) {
			t.Errorf("%s: 64 bits give %x", v, AppendUint64(nil, n.Uint64()))
		}
	}
}

func TestLists(t *testing.T) {
	// The set-theoretic three: [ [], [[]], [ [], [[]] ] ].
	empty := AppendList(nil, nil)
	one := AppendList(nil, empty)
	two := AppendList(nil, append(bytes.Clone(empty), one...))
	got := AppendList(nil, append(append(bytes.Clone(empty), one...), two...))
	if want := "c7c0c1c0c3c0c1c0"; hex.EncodeToString(got) != want {
		t.Fatalf("got %x, want %s", got, want)
	}
	long := AppendList(nil, make([]byte, 56))
	if hex.EncodeToString(long[:3]) != "f83800" || len(long) != SizeList(56) {
		t.Fatalf("got %x", long)
	}
	outer := NewReader(got)
	r := outer.List()
	if raw := r.Raw(); !bytes.Equal(raw, empty) {
		t.Fatalf("raw: got %x", raw)
	}
	if !r.IsList() || !bytes.Equal(r.Raw(), one) || !r.More() || !bytes.Equal(r.Raw(), two) || r.More() {
		t.Fatal("items differ")
	}
	if r.End() != nil || outer.End() != nil {
		t.Fatal(r.Err(), outer.Err())
	}
}

func TestRefused(t *testing.T) {
	str := func(r *Reader) { r.Bytes() }
	list := func(r *Reader) { r.List() }
	num := func(r *Reader) { r.Uint64() }
	wide := func(r *Reader) { r.Uint256() }
	fixed := func(r *Reader) { r.Fixed(make([]byte, 2)) }
	for _, c := range []struct {
		in   string
		read func(*Reader)
		want error
	}{
		{"", str, FaultShort},
		{"", list, FaultShort},
		{"83646f", str, FaultShort},
		{"b8", str, FaultShort},
		{"b838", str, FaultShort},
		{"c1", list, FaultShort},
		{"f8", list, FaultShort},
		{"bfffffffffffffffff", str, FaultShort},
		{"ffffffffffffffffff", list, FaultShort},
		{"8100", str, FaultCanonical},
		{"817f", str, FaultCanonical},
		{"b800", str, FaultCanonical},
		{"b801ff", str, FaultCanonical},
		{"b837" + strings.Repeat("61", 55), str, FaultCanonical},
		{"b90038" + strings.Repeat("61", 56), str, FaultCanonical},
		{"f800", list, FaultCanonical},
		{"f837" + strings.Repeat("61", 55), list, FaultCanonical},
		{"f90038" + strings.Repeat("61", 56), list, FaultCanonical},
		{"00", num, FaultCanonical},
		{"820001", num, FaultCanonical},
		{"00", wide, FaultCanonical},
		{"a0" + strings.Repeat("00", 32), wide, FaultCanonical},
		{"89ffffffffffffffffff", num, FaultSize},
		{"a1" + strings.Repeat("ff", 33), wide, FaultSize},
		{"83616263", fixed, FaultSize},
		{"80", fixed, FaultSize},
		{"c0", str, FaultString},
		{"c0", num, FaultString},
		{"80", list, FaultList},
		{"05", list, FaultList},
		{"8080", str, FaultTrailing},
		{"c000", list, FaultTrailing},
	} {
		r := NewReader(unhex(t, c.in))
		c.read(r)
		if err := r.End(); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.in, err, c.want)
		}
		if r.More() || r.Uint64() != 0 || r.Bytes() != nil {
			t.Errorf("%s: reads after the error give something", c.in)
		}
	}
}

// walk reads any item with the Reader and encodes it again.
func walk(r *Reader, dst []byte, depth int) []byte {
	if depth > 100 {
		return append(dst, r.Raw()...)
	}
	if !r.IsList() {
		return AppendBytes(dst, r.Bytes())
	}
	inner := r.List()
	var payload []byte
	for inner.More() {
		payload = walk(inner, payload, depth+1)
	}
	if err := inner.End(); err != nil {
		r.Fail(err)
	}
	return AppendList(dst, payload)
}

// plain measures the item at the front of b as the definition says, or gives -1. It looks into lists.
func plain(b []byte, depth int) int {
	if len(b) == 0 {
		return -1
	}
	p := int(b[0])
	head, size := 1, 0
	switch {
	case p < 0x80:
		return 1
	case p < 0xb8, p >= 0xc0 && p < 0xf8:
		size = p & 0x3f
	default:
		k := p - 0xb7
		if p >= 0xf8 {
			k = p - 0xf7
		}
		if len(b) < 1+k || b[1] == 0 || k > 3 {
			return -1
		}
		head += k
		for _, c := range b[1:head] {
			size = size<<8 + int(c)
		}
		if size < 56 {
			return -1
		}
	}
	if len(b) < head+size || p == 0x81 && b[1] < 0x80 {
		return -1
	}
	for rest := b[head : head+size]; p >= 0xc0 && depth <= 99 && len(rest) > 0; {
		n := plain(rest, depth+1)
		if n < 0 {
			return -1
		}
		rest = rest[n:]
	}
	return head + size
}

func FuzzReader(f *testing.F) {
	for _, s := range []string{
		"c7c0c1c0c3c0c1c0", "83646f67", "b838" + strings.Repeat("61", 56), "f83a" + strings.Repeat("61", 58),
		"f8448080" + strings.Repeat("a1", 66), "c482040001", "8100", "f90038", "c883646f6783636174",
		"c883646f67836361", "bfffffffffffffffff", "c281018080",
	} {
		f.Add(unhex(f, s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 1<<16 {
			return
		}
		r := NewReader(b)
		again := walk(r, nil, 0)
		err := r.End()
		if got, want := err == nil, plain(b, 0) == len(b) && len(b) > 0; got != want {
			t.Fatalf("%x: read says %v, the definition says %v", b, err, want)
		}
		if err == nil && !bytes.Equal(again, b) {
			t.Fatalf("%x encodes again as %x", b, again)
		}
	})
}

func BenchmarkUint256(b *testing.B) {
	v := uint256.MustFromHex("0x123456789abcdef0123456789abcdef")
	var room [40]byte
	for b.Loop() {
		enc := AppendUint256(room[:0], v)
		if got := NewReader(enc).Uint256(); !got.Eq(v) {
			b.Fatal("differs")
		}
	}
}
