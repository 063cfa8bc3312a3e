package job

import (
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
	"slices"
	"testing"

	"github.com/aiwork/aiwork-node/internal/chain"
)

// Draws: sizes, fairness by chi-square over fixed seeds, independence of how the set is listed.

func seedOf(i int) [32]byte {
	return sha256.Sum256(binary.BigEndian.AppendUint64([]byte("draw"), uint64(i)))
}

func TestSampleSize(t *testing.T) {
	for _, c := range []struct {
		n    int
		ppm  uint64
		want int
	}{{1, 1, 1}, {8, 125_000, 1}, {9, 125_000, 2}, {32, 125_000, 4}, {32, 1_000_000, 32}, {32, 2_000_000, 32}, {0, 1, 0}} {
		if got := SampleSize(c.n, c.ppm); got != c.want {
			t.Errorf("%d items at %d ppm: got %d, want %d", c.n, c.ppm, got, c.want)
		}
	}
}

func TestSampleIsFair(t *testing.T) {
	const draws, n = 20_000, 10
	var hits [n]int
	for i := range draws {
		set := Sample(seedOf(i), n, 300_000)
		if bits.OnesCount64(set) != 3 || set>>n != 0 {
			t.Fatalf("sample %b: want 3 of %d items", set, n)
		}
		for _, k := range Sampled(set) {
			hits[k]++
		}
	}
	chi, want := 0.0, float64(draws)*3/n
	for _, h := range hits {
		chi += (float64(h) - want) * (float64(h) - want) / (want * 0.7)
	}
	if chi > 27.9 { // 99.9 % at 9 degrees
		t.Errorf("chi-square %.1f of %v", chi, hits)
	}
}

func TestOrder(t *testing.T) {
	var runners []Runner
	for i := range 5 {
		runners = append(runners, Runner{Address: chain.Address{byte(i)}, Weight: uint64(i)}) // the first has none
	}
	const draws = 20_000
	var first [5]int
	for i := range draws {
		a, b := NewOrder(seedOf(i), runners), NewOrder(seedOf(i), reversed(runners))
		var seen []byte
		for {
			x, ok := a.Next()
			y, ok2 := b.Next()
			if x != y || ok != ok2 {
				t.Fatalf("draw %d: the order depends on how the set is listed", i)
			}
			if !ok {
				break
			}
			seen = append(seen, x.Address[0])
		}
		first[seen[0]]++
		slices.Sort(seen)
		if string(seen) != "\x01\x02\x03\x04" {
			t.Fatalf("draw %d: got %v, want each runner with weight once", i, seen)
		}
	}
	chi := 0.0
	for i := 1; i < 5; i++ {
		want := float64(draws*i) / 10
		chi += (float64(first[i]) - want) * (float64(first[i]) - want) / want
	}
	if chi > 16.3 { // 99.9 % at 3 degrees
		t.Errorf("chi-square %.1f of %v", chi, first)
	}
}

func reversed(list []Runner) []Runner {
	out := slices.Clone(list)
	slices.Reverse(out)
	return out
}

// Every field that a commitment is bound to changes it.
func TestCommitmentsBind(t *testing.T) {
	p, who, salt := Place{Genesis: chain.Hash{1}, Job: 2, Batch: 3, Attempt: 4}, chain.Address{5}, chain.Hash{6}
	outs := [][]byte{{0, 1}, {0, 2}, {0, 3}}
	root := Root(p, who, 7, salt, outs)
	hashes := []chain.Hash{OutputHash(outs[0]), OutputHash(outs[1])}
	att := Attestation(p, who, salt, hashes)
	for name, q := range map[string]Place{
		"genesis": {chain.Hash{2}, 2, 3, 4}, "job": {chain.Hash{1}, 3, 3, 4},
		"batch": {chain.Hash{1}, 2, 4, 4}, "attempt": {chain.Hash{1}, 2, 3, 5},
	} {
		if Root(q, who, 7, salt, outs) == root || Attestation(q, who, salt, hashes) == att {
			t.Errorf("%s is not bound", name)
		}
	}
	if Root(p, chain.Address{6}, 7, salt, outs) == root || Root(p, who, 8, salt, outs) == root ||
		Root(p, who, 7, chain.Hash{7}, outs) == root || Root(p, who, 7, salt, outs[:2]) == root {
		t.Error("root: worker, first item, salt or count is not bound")
	}
	if Attestation(p, chain.Address{6}, salt, hashes) == att || Attestation(p, who, chain.Hash{7}, hashes) == att ||
		Attestation(p, who, salt, hashes[:1]) == att {
		t.Error("attestation: auditor, salt or count is not bound")
	}
}

func FuzzDecodeOutput(f *testing.F) {
	f.Add(Output{Result: []byte("result")}.Encode())
	f.Add(Output{Fault: FaultTruncated}.Encode())
	f.Add([]byte{byte(FaultTruncated), 1})
	f.Add([]byte{byte(faultEnd)})
	f.Add(make([]byte, OutputBytesMax+1))
	f.Add(Output{Blob: chain.Hash{1}, Size: OutputBytesMax}.Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		if o, ok := DecodeOutput(b); ok && string(o.Encode()) != string(b) {
			t.Fatalf("encoded again: got %x, want %x", o.Encode(), b)
		}
	})
}

func BenchmarkRoot(b *testing.B) {
	outs := make([][]byte, BatchItemsMax)
	for i := range outs {
		outs[i] = make([]byte, 21)
	}
	b.Run("items=32", func(b *testing.B) {
		for b.Loop() {
			Root(Place{}, chain.Address{}, 0, chain.Hash{}, outs)
		}
	})
}
