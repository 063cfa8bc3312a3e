package lm

// The models of the tests: stories260K, a real one of the shared data, and random ones made here.

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/aiwork/aiwork-node/compute/gguf"
	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/lm/llama2c"
	"github.com/aiwork/aiwork-node/compute/quant"
	"github.com/aiwork/aiwork-node/internal/testutil"
)

// file gives what a writer holds as a file that was read.
func file(t testing.TB, w *gguf.Writer) *gguf.File {
	t.Helper()
	var b bytes.Buffer
	if _, err := w.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	f, err := gguf.Parse(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func storiesFile(t testing.TB) *gguf.File {
	t.Helper()
	raw, err := os.ReadFile(testutil.Shared(t, "data", "models", "stories260K.bin"))
	if err != nil {
		t.Fatal(err)
	}
	var w gguf.Writer
	if err := llama2c.Convert(&w, "stories260K", raw); err != nil {
		t.Fatal(err)
	}
	return file(t, &w)
}

// shape is a random model to make.
type shape struct {
	arch                                                 string
	layers, dim, hidden, heads, keyHeads, vocab, context int
	format                                               quant.Format
	tied                                                 bool
}

func (s shape) String() string { return fmt.Sprintf("%s-%v", s.arch, s.format) }

func randomFile(t testing.TB, s shape) *gguf.File {
	t.Helper()
	return file(t, randomWriter(t, s))
}

func randomWriter(t testing.TB, s shape) *gguf.Writer {
	t.Helper()
	rnd := rand.New(rand.NewPCG(5, uint64(s.format)))
	var w gguf.Writer
	w.Text("general.architecture", s.arch)
	for i, key := range []string{
		"block_count", "embedding_length", "feed_forward_length", "attention.head_count", "attention.head_count_kv", "context_length",
	} {
		w.Uint32(s.arch+"."+key, uint32([]int{s.layers, s.dim, s.hidden, s.heads, s.keyHeads, s.context}[i]))
	}
	w.Float32(s.arch+".attention.layer_norm_rms_epsilon", 1e-5)
	tensor := func(name string, f quant.Format, mean, deviation float64, dims ...int) {
		n := 1
		for _, d := range dims {
			n *= d
		}
		v := make([]float32, n)
		for i := range v {
			v[i] = float32(mean + float64(deviation*rnd.NormFloat64())) // the conversion keeps it from being fused
		}
		raw, err := quant.Encode(f, v)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Tensor(name, f.Type(), dims, raw); err != nil {
			t.Fatal(err)
		}
	}
	keys := s.dim / s.heads * s.keyHeads
	tensor("token_embd.weight", s.format, 0, 1, s.dim, s.vocab)
	if !s.tied {
		tensor("output.weight", s.format, 0, 0.2, s.dim, s.vocab)
	}
	tensor("output_norm.weight", quant.F32, 1, 0.1, s.dim)
	for i := range s.layers {
		blk := func(name string) string { return fmt.Sprintf("blk.%d.%s", i, name) }
		tensor(blk("attn_norm.weight"), quant.F32, 1, 0.1, s.dim)
		tensor(blk("ffn_norm.weight"), quant.F32, 1, 0.1, s.dim)
		tensor(blk("attn_q.weight"), s.format, 0, 0.1, s.dim, s.dim)
		tensor(blk("attn_k.weight"), s.format, 0, 0.1, s.dim, keys)
		tensor(blk("attn_v.weight"), s.format, 0, 0.1, s.dim, keys)
		tensor(blk("attn_output.weight"), s.format, 0, 0.1, s.dim, s.dim)
		tensor(blk("ffn_gate.weight"), s.format, 0, 0.1, s.dim, s.hidden)
		tensor(blk("ffn_up.weight"), s.format, 0, 0.1, s.dim, s.hidden)
		tensor(blk("ffn_down.weight"), s.format, 0, 0.1, s.hidden, s.dim)
		if s.arch == "qwen2" {
			tensor(blk("attn_q.bias"), quant.F32, 0, 0.1, s.dim)
			tensor(blk("attn_k.bias"), quant.F32, 0, 0.1, keys)
			tensor(blk("attn_v.bias"), quant.F32, 0, 0.1, keys)
		}
	}
	return &w
}

func load(t testing.TB, f *gguf.File, path kernel.Path) *Model {
	t.Helper()
	m, err := Load(f, path)
	if err != nil {
		t.Fatal(err)
	}
	return m
}
