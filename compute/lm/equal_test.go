package lm

// LM-2: the logits of a sequence have the same bits, whichever way the work is cut: token by token, in chunks, together
// with other sequences that join and leave, on several threads, on every path of this machine.

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/aiwork/aiwork-node/compute/gguf"
	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/quant"
)

type digest [sha256.Size]byte

func hashLogits(logits []float32) digest {
	raw := make([]byte, 0, 4*len(logits))
	for _, v := range logits {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(kernel.Canonical(v)))
	}
	return sha256.Sum256(raw)
}

// decodeAll runs tokens one by one and gives the hash of the logits behind each.
func decodeAll(t *testing.T, m *Model, tokens []int32) []digest {
	t.Helper()
	return chunked(t, m, 1, tokens, func() int { return 1 })
}

// chunked runs tokens in chunks of lengths that next gives.
func chunked(t *testing.T, m *Model, threads int, tokens []int32, next func() int) []digest {
	t.Helper()
	run := NewRunner(m, threads)
	seq := NewCache(m.Config, 1+len(tokens)/PageLen).NewSequence()
	var all []digest
	for len(tokens) > 0 {
		n := min(next(), len(tokens))
		part := &Part{Seq: seq, Tokens: tokens[:n], Want: n}
		if err := run.Step([]*Part{part}); err != nil || part.Err != nil {
			t.Fatal(err, part.Err)
		}
		for _, l := range part.Logits {
			all = append(all, hashLogits(l))
		}
		tokens = tokens[n:]
	}
	return all
}

func randomTokens(rnd *rand.Rand, n, vocab int) []int32 {
	tokens := make([]int32, n)
	for i := range tokens {
		tokens[i] = int32(rnd.IntN(vocab))
	}
	return tokens
}

// crowd runs the sequences together, each joining and moving on by chance.
func crowd(t *testing.T, m *Model, rnd *rand.Rand, threads int, texts [][]int32) [][]digest {
	t.Helper()
	run, cache := NewRunner(m, threads), NewCache(m.Config, 4*len(texts))
	all, seqs := make([][]digest, len(texts)), make([]*Sequence, len(texts))
	for i := range seqs {
		seqs[i] = cache.NewSequence()
	}
	for busy := true; busy; {
		var parts []*Part
		var who []int
		busy = false
		for i, text := range texts {
			left := text[seqs[i].Len():]
			if busy = busy || len(left) > 0; len(left) == 0 || rnd.IntN(2) == 0 {
				continue
			}
			n := min(len(left), 1+rnd.IntN(60)*rnd.IntN(2))
			parts, who = append(parts, &Part{Seq: seqs[i], Tokens: left[:n], Want: n}), append(who, i)
		}
		if len(parts) == 0 {
			continue
		}
		if err := run.Step(parts); err != nil {
			t.Fatal(err)
		}
		for j, p := range parts {
			for _, l := range p.Logits {
				all[who[j]] = append(all[who[j]], hashLogits(l))
			}
		}
	}
	return all
}

func compareDigests(t *testing.T, what string, got, want []digest) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d logits, want %d", what, len(got), len(want))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("%s: the logits behind token %d differ", what, i)
		}
	}
}

// checkEqual compares all ways of running n tokens, on the best path, with decoding them.
func checkEqual(t *testing.T, f *gguf.File, sequences, n int) {
	t.Helper()
	m := load(t, f, kernel.Best())
	rnd := rand.New(rand.NewPCG(1, 2))
	var texts [][]int32
	var want [][]digest
	for range sequences {
		texts = append(texts, randomTokens(rnd, n, m.Vocab))
		want = append(want, decodeAll(t, m, texts[len(texts)-1]))
	}
	for i, text := range texts {
		compareDigests(t, "one pass", chunked(t, m, 1, text, func() int { return n }), want[i])
		if i < 2 {
			compareDigests(t, "chunks on 3 threads", chunked(t, m, 3, text, func() int { return 1 + rnd.IntN(100) }), want[i])
		}
	}
	few := min(sequences, 5)
	for i, got := range crowd(t, m, rnd, 2, texts[:few]) {
		compareDigests(t, "crowd", got, want[i])
	}
}

func randomShapes() []shape {
	shapes := []shape{
		{arch: "llama", layers: 2, dim: 96, hidden: 160, heads: 6, keyHeads: 2, vocab: 100, context: 1024, format: quant.F32, tied: true},
		{arch: "llama", layers: 2, dim: 96, hidden: 160, heads: 3, keyHeads: 3, vocab: 77, context: 1024, format: quant.F16},
	}
	for _, f := range []quant.Format{quant.Q8_0, quant.Q4_0} {
		shapes = append(shapes, shape{arch: "llama", layers: 2, dim: 128, hidden: 352, heads: 8, keyHeads: 2, vocab: 131, context: 1024, format: f})
	}
	for _, f := range []quant.Format{quant.Q4_K, quant.Q6_K} {
		shapes = append(shapes, shape{arch: "qwen2", layers: 2, dim: 256, hidden: 512, heads: 4, keyHeads: 2, vocab: 90, context: 1024, format: f, tied: true})
	}
	return shapes
}

func TestDecodeEqualsPrefill(t *testing.T) {
	for _, s := range randomShapes() {
		t.Run(s.String(), func(t *testing.T) {
			n := 600 // over two segments of attention
			if testing.Short() {
				n = 280
			}
			checkEqual(t, randomFile(t, s), 2, n)
		})
	}
}

// The real model: sequences decode side by side, a token of each in a step, and each is run again in one pass. With
// AIWORK_SOAK=1 that is 10^5 tokens.
func TestDecodeEqualsPrefillOfStories(t *testing.T) {
	sequences, n := 48, 512
	switch {
	case os.Getenv("AIWORK_SOAK") == "1":
		sequences = 196
	case testing.Short():
		sequences = 8
	}
	m := load(t, storiesFile(t), kernel.Best())
	rnd := rand.New(rand.NewPCG(6, 6))
	run, cache := NewRunner(m, 2), NewCache(m.Config, 2*sequences)
	texts, parts := make([][]int32, sequences), make([]*Part, sequences)
	decoded := make([][]digest, sequences)
	for i := range parts {
		texts[i] = randomTokens(rnd, n, m.Vocab)
		parts[i] = &Part{Seq: cache.NewSequence(), Want: 1}
	}
	for at := range n {
		for i, p := range parts {
			p.Tokens = texts[i][at : at+1]
		}
		if err := run.Step(parts); err != nil {
			t.Fatal(err)
		}
		for i, p := range parts {
			decoded[i] = append(decoded[i], hashLogits(p.Logits[0]))
		}
	}
	for i, text := range texts {
		compareDigests(t, "one pass", chunked(t, m, 2, text, func() int { return n }), decoded[i])
	}
	compareDigests(t, "alone", decodeAll(t, m, texts[0]), decoded[0])
	t.Logf("the logits behind %d tokens are equal", sequences*n)
}

// testdata/logits.txt locks the logits of the random models: a line is a model and the hash of the logits behind each of 40
// tokens. Every processor must give them.
func TestLogitsAreLocked(t *testing.T) {
	var b bytes.Buffer
	for _, s := range randomShapes() {
		tokens := randomTokens(rand.New(rand.NewPCG(3, 4)), 40, s.vocab)
		hash := sha256.New()
		for _, d := range chunked(t, load(t, randomFile(t, s), kernel.Best()), 1, tokens, func() int { return 17 }) {
			hash.Write(d[:])
		}
		fmt.Fprintf(&b, "%v %x\n", s, hash.Sum(nil))
	}
	checkFile(t, "testdata/logits.txt", b.Bytes())
}

func TestPathsAreEqual(t *testing.T) {
	for _, s := range randomShapes() {
		f := randomFile(t, s)
		tokens := randomTokens(rand.New(rand.NewPCG(3, 4)), 40, s.vocab)
		want := chunked(t, load(t, f, kernel.PathGo), 2, tokens, func() int { return 25 })
		for _, path := range kernel.Paths()[1:] {
			compareDigests(t, s.String()+" on "+path.String(), chunked(t, load(t, f, path), 1, tokens, func() int { return 13 }), want)
		}
	}
}
