package llama2c

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/aiwork/aiwork-node/compute/gguf"
)

const (
	headBytes = 7 * 4
	sizeMax   = 1 << 20 // of any number in the head
	vocabMin  = 3 + 256
	epsilon   = 1e-5 // llama2.c has it in its code
)

// A shape is the head of a file.
type shape struct {
	dim, hidden, layers, heads, keyHeads, vocab, context int
	tied                                                 bool
}

func readShape(b []byte) (shape, error) {
	if len(b) < headBytes {
		return shape{}, errors.New("too short for a model of llama2.c")
	}
	var n [7]int
	for i := range n {
		n[i] = int(int32(binary.LittleEndian.Uint32(b[4*i:])))
	}
	s := shape{dim: n[0], hidden: n[1], layers: n[2], heads: n[3], keyHeads: n[4], vocab: n[5], context: n[6], tied: n[5] > 0}
	if s.vocab < 0 {
		s.vocab = -s.vocab
	}
	for _, v := range []int{s.dim, s.hidden, s.layers, s.heads, s.keyHeads, s.vocab, s.context} {
		if v < 1 || v > sizeMax {
			return shape{}, fmt.Errorf("no model of llama2.c: %d in its head", v)
		}
	}
	if s.vocab < vocabMin {
		return shape{}, fmt.Errorf("a vocabulary of %d has no room for the %d bytes and controls", s.vocab, vocabMin)
	}
	if s.dim%s.heads != 0 || s.heads%s.keyHeads != 0 {
		return shape{}, fmt.Errorf("%d heads of queries and %d of keys in %d dimensions", s.heads, s.keyHeads, s.dim)
	}
	return s, nil
}

// Convert puts the model in b into w.
func Convert(w *gguf.Writer, name string, b []byte) error {
	s, err := readShape(b)
	if err != nil {
		return err
	}
	w.Text("general.architecture", "llama")
	w.Text("general.name", name)
	for i, n := range s.numbers() {
		w.Uint32("llama."+numbers()[i], n)
	}
	w.Float32("llama.attention.layer_norm_rms_epsilon", epsilon)
	w.Float32("llama.rope.freq_base", 10000)
	Vocabulary(w, s.vocab)
	return s.tensors(&source{w: w, rest: b[headBytes:]})
}

// numbers lists the keys of metadata in the order of shape.numbers.
func numbers() []string {
	return []string{
		"embedding_length", "feed_forward_length", "block_count", "attention.head_count", "attention.head_count_kv",
		"vocab_size", "context_length", "rope.dimension_count",
	}
}

func (s shape) numbers() []uint32 {
	return []uint32{
		uint32(s.dim), uint32(s.hidden), uint32(s.layers), uint32(s.heads), uint32(s.keyHeads),
		uint32(s.vocab), uint32(s.context), uint32(s.dim / s.heads),
	}
}

// A source hands out the weights in the order of the file.
type source struct {
	w    *gguf.Writer
	rest []byte
	err  error
}

func (f *source) take(name string, dims ...int) {
	bytes := 4
	for _, d := range dims {
		bytes *= d
	}
	if f.err == nil && bytes > len(f.rest) {
		f.err = fmt.Errorf("the file ends within %s", name)
	}
	if f.err != nil {
		return
	}
	f.err = f.w.Tensor(name+".weight", gguf.F32, dims, f.rest[:bytes:bytes])
	f.rest = f.rest[bytes:]
}

func (f *source) layers(n int, name string, dims ...int) {
	for i := range n {
		f.take(fmt.Sprintf("blk.%d.%s", i, name), dims...)
	}
}

func (s shape) tensors(f *source) error {
	keys := s.dim / s.heads * s.keyHeads
	f.take("token_embd", s.dim, s.vocab)
	f.layers(s.layers, "attn_norm", s.dim)
	f.layers(s.layers, "attn_q", s.dim, s.dim)
	f.layers(s.layers, "attn_k", s.dim, keys)
	f.layers(s.layers, "attn_v", s.dim, keys)
	f.layers(s.layers, "attn_output", s.dim, s.dim)
	f.layers(s.layers, "ffn_norm", s.dim)
	f.layers(s.layers, "ffn_gate", s.dim, s.hidden)
	f.layers(s.layers, "ffn_down", s.hidden, s.dim)
	f.layers(s.layers, "ffn_up", s.dim, s.hidden)
	f.take("output_norm", s.dim)
	tables := 4 * s.context * (s.dim / s.heads) // of sines and cosines, which nobody reads
	if f.err == nil && len(f.rest) < tables {
		f.err = errors.New("the file ends within its tables")
	}
	if f.err != nil {
		return f.err
	}
	f.rest = f.rest[tables:]
	if !s.tied {
		f.take("output", s.dim, s.vocab)
	}
	if f.err == nil && len(f.rest) > 0 {
		f.err = fmt.Errorf("%d bytes behind the last weight", len(f.rest))
	}
	return f.err
}
