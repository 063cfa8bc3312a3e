package lm

// Files that somebody has tampered with give a model or an error, and a model that loads runs; nothing panics.

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/aiwork/aiwork-node/compute/gguf"
	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/quant"
)

func TestHostileModels(t *testing.T) {
	rounds := 3000
	if testing.Short() {
		rounds = 300
	}
	var raws [][]byte
	for _, f := range []quant.Format{quant.F32, quant.Q8_0, quant.Q4_0} {
		raws = append(raws, randomBytesOf(t, shape{arch: "llama", layers: 1, dim: 32, hidden: 32, heads: 2, keyHeads: 1, vocab: 40, context: 64, format: f}))
	}
	rnd := rand.New(rand.NewPCG(4, 4))
	loaded := 0
	for i := range rounds {
		raw := slices.Clone(raws[i%len(raws)])
		for range 1 + rnd.IntN(3) {
			at := rnd.IntN(len(raw))
			if rnd.IntN(2) == 0 {
				at = rnd.IntN(min(len(raw), 1500)) // metadata and names
			}
			switch rnd.IntN(3) {
			case 0:
				raw[at] = byte(rnd.Uint32())
			case 1:
				raw[at] ^= 1 << rnd.IntN(8)
			case 2:
				if at+4 <= len(raw) {
					binary.LittleEndian.PutUint32(raw[at:], rnd.Uint32()>>rnd.IntN(32))
				}
			}
		}
		f, err := gguf.Parse(raw)
		if err != nil {
			continue
		}
		m, err := Load(f, kernel.Best())
		if err != nil {
			continue
		}
		loaded++
		part := &Part{Seq: NewCache(m.Config, 1).NewSequence(), Tokens: []int32{1, 2, 3}, Want: 1}
		if err := NewRunner(m, 1).Step([]*Part{part}); err == nil && part.Err == nil {
			Greedy(part.Logits[0])
		}
	}
	if t.Logf("%d of %d loaded", loaded, rounds); loaded == 0 || loaded == rounds {
		t.Errorf("%d of %d loaded", loaded, rounds)
	}
}

func randomBytesOf(t *testing.T, s shape) []byte {
	var b bytes.Buffer
	if _, err := randomWriter(t, s).WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// A part whose values are not finite fails alone.
func TestNotFinite(t *testing.T) {
	s := shape{arch: "llama", layers: 1, dim: 32, hidden: 32, heads: 2, keyHeads: 1, vocab: 40, context: 64, format: quant.F32, tied: true}
	f := randomFile(t, s)
	embedding, _ := f.Tensor("token_embd.weight")
	binary.LittleEndian.PutUint32(embedding.Data[4*32*7:], 0x7f800000) // of token 7
	m := load(t, f, kernel.Best())
	cache := NewCache(m.Config, 2)
	good, bad := &Part{Seq: cache.NewSequence(), Tokens: []int32{1, 2}, Want: 2}, &Part{Seq: cache.NewSequence(), Tokens: []int32{1, 7}, Want: 1}
	if err := NewRunner(m, 2).Step([]*Part{bad, good}); err != nil {
		t.Fatal(err)
	}
	if bad.Err != ErrNotFinite || bad.Seq.Len() != 0 || good.Err != nil || good.Seq.Len() != 2 {
		t.Errorf("bad: %v, %d long; good: %v, %d long", bad.Err, bad.Seq.Len(), good.Err, good.Seq.Len())
	}
	want := decodeAll(t, m, good.Tokens)
	for i, l := range good.Logits {
		if hashLogits(l) != want[i] {
			t.Errorf("logits %d of the good part differ", i)
		}
	}
	if cache.FreePages() != 1 {
		t.Errorf("%d pages are free, want 1", cache.FreePages())
	}
}
