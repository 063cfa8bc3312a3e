package dice

// The stream against values computed by a separate program from the specification, and the fairness of
// Below on a bound where careless code (modulo, or multiply and shift) is visibly unfair.

import (
	"encoding/hex"
	"testing"
)

func counting() (seed [32]byte) {
	for i := range seed {
		seed[i] = byte(i)
	}
	return seed
}

func TestStream(t *testing.T) {
	d := New(counting())
	for i, want := range []uint64{
		0x57cc69aecd3fad83, 0x17f27f0ec5cfba44, 0x031dda574d6f2c8d,
		0x787f798e75a51671, 0xba7aff4864ae3ba8, 0x7e6577331bee2711,
	} {
		if got := d.Uint64(); got != want {
			t.Fatalf("draw %d: got %#x, want %#x", i, got, want)
		}
	}
	for _, v := range []struct{ n, want uint64 }{
		{1, 0},
		{2, 1},
		{10, 0},
		{1000, 533},
		{1 << 63, 4980213582883248373},
		{1<<63 + 1, 3637291798424948341},
		{1<<63 + 1, 342762686435721744},
		{1<<63 + 1, 2101634064559406755},
		{1<<64 - 1, 17603669551890553776},
	} {
		if got := d.Below(v.n); got != v.want {
			t.Fatalf("Below(%d): got %d, want %d", v.n, got, v.want)
		}
	}
	h := d.Hash()
	want := "da5ba143749bcb357ed16f5e26f6ab2a2e715671f9e9e297d03896bd63305866"
	if got := hex.EncodeToString(h[:]); got != want {
		t.Fatalf("Hash: got %s, want %s", got, want)
	}
}

// With n = 3 * 2^62 a plain remainder gives values below 2^62 half of the time instead of a third.
func TestBelowIsFair(t *testing.T) {
	const draws, n = 30000, 3 << 62
	d, low := New(counting()), 0
	for range draws {
		if d.Below(n) < n/3 {
			low++
		}
	}
	if got, want := low, draws/3; got < want-500 || got > want+500 {
		t.Errorf("values in the lowest third: got %d, want %d +- 500", got, want)
	}
}

func TestSeedsDiffer(t *testing.T) {
	a, b := New([32]byte{}), New([32]byte{31: 1})
	if got := b.Hash(); got == a.Hash() {
		t.Errorf("two seeds give the same stream: %x", got)
	}
}

func BenchmarkUint64(b *testing.B) {
	d := New(counting())
	for b.Loop() {
		d.Uint64()
	}
}
