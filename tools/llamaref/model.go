package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"

	"github.com/aiwork/aiwork-node/compute/gguf"
	"github.com/aiwork/aiwork-node/compute/lm/llama2c"
	"github.com/aiwork/aiwork-node/compute/quant"
)

const (
	layers  = 12
	dim     = 1024
	hidden  = 2816
	heads   = 16
	vocab   = 32000
	context = 2048
)

func formatByName(name string) (quant.Format, error) {
	for f := quant.F32; f <= quant.Q6_K; f++ {
		if strings.EqualFold(f.String(), name) {
			return f, nil
		}
	}
	return 0, fmt.Errorf("no format %q", name)
}

// makeModel writes the random model.
func makeModel(path string, f quant.Format) error {
	var w gguf.Writer
	w.Text("general.architecture", "llama")
	w.Text("general.name", "random")
	for _, n := range []struct {
		key   string
		value uint32
	}{
		{"context_length", context},
		{"embedding_length", dim},
		{"block_count", layers},
		{"feed_forward_length", hidden},
		{"attention.head_count", heads},
		{"attention.head_count_kv", heads},
		{"rope.dimension_count", dim / heads},
		{"vocab_size", vocab},
	} {
		w.Uint32("llama."+n.key, n.value)
	}
	w.Float32("llama.attention.layer_norm_rms_epsilon", 1e-5)
	w.Float32("llama.rope.freq_base", 10000)
	llama2c.Vocabulary(&w, vocab)
	m := &maker{w: &w, format: f, random: rand.New(rand.NewPCG(1, 1))}
	m.matrix("token_embd", dim, vocab)
	m.matrix("output", dim, vocab)
	m.ones("output_norm", dim)
	for i := range layers {
		blk := fmt.Sprintf("blk.%d.", i)
		m.ones(blk+"attn_norm", dim)
		m.ones(blk+"ffn_norm", dim)
		for _, name := range []string{"attn_q", "attn_k", "attn_v", "attn_output"} {
			m.matrix(blk+name, dim, dim)
		}
		m.matrix(blk+"ffn_gate", dim, hidden)
		m.matrix(blk+"ffn_up", dim, hidden)
		m.matrix(blk+"ffn_down", hidden, dim)
	}
	if m.err != nil {
		return m.err
	}
	return save(path, &w)
}

func save(path string, w *gguf.Writer) error {
	out, err := os.Create(path)
	if err != nil {
		return err
	}
	if _, err := w.WriteTo(out); err != nil {
		return err
	}
	return out.Close()
}

// A maker makes tensors and keeps the first error.
type maker struct {
	w      *gguf.Writer
	format quant.Format
	random *rand.Rand
	err    error
}

func (m *maker) add(name string, f quant.Format, v []float32, dims ...int) {
	raw, err := quant.Encode(f, v)
	if err == nil {
		err = m.w.Tensor(name+".weight", f.Type(), dims, raw)
	}
	if m.err == nil {
		m.err = err
	}
}

func (m *maker) matrix(name string, k, n int) {
	v := make([]float32, k*n)
	for i := range v {
		v[i] = float32(0.02 * m.random.NormFloat64())
	}
	m.add(name, m.format, v, k, n)
}

func (m *maker) ones(name string, n int) {
	v := make([]float32, n)
	for i := range v {
		v[i] = 1
	}
	m.add(name, quant.F32, v, n)
}
