package lm

import (
	"fmt"
	"math"
	"slices"

	"github.com/aiwork/aiwork-node/compute/gguf"
	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/quant"
)

// A Model is weights in the layout of a path. It is not changed once loaded, and safe for concurrent use.
type Model struct {
	Config
	path      kernel.Path
	embedding *quant.Matrix
	layers    []layer
	norm      []float32
	output    *quant.Matrix // the embedding's where they are tied
	turns     []float32     // angle of each rotated pair at position 1
	scale     float32       // of scores: 1 / sqrt(HeadDim)
}

type layer struct {
	attentionNorm, forwardNorm    []float32
	query, key, value, attention  *quant.Matrix
	queryBias, keyBias, valueBias []float32 // nil for none
	gate, up, down                *quant.Matrix
}

// Load takes the model from a file, which must stay open as long as the model is used.
func Load(f *gguf.File, path kernel.Path) (*Model, error) { return LoadKept(f, path, nil) }

// LoadKept is Load with weights that a shelf has as the path takes them; it is given those that it has not. The shelf is that of this file and
// stays open as long as the model is used. It may be nil.
func LoadKept(f *gguf.File, path kernel.Path, shelf quant.Shelf) (*Model, error) {
	c, err := ReadConfig(f)
	if err != nil {
		return nil, err
	}
	l := &loader{file: f, path: path, shelf: shelf}
	embedding, ok := f.Tensor("token_embd.weight")
	if !ok || len(embedding.Dims) != 2 || embedding.Dims[1] > VocabMax {
		return nil, fmt.Errorf("token_embd.weight is missing, or no matrix of at most %d tokens", VocabMax)
	}
	c.Vocab = embedding.Dims[1]
	m := &Model{Config: c, path: path, scale: 1 / kernel.Sqrt(float32(c.HeadDim))}
	m.embedding = l.matrix("token_embd", c.Vocab, c.Dim)
	m.norm = l.vector("output_norm.weight", c.Dim)
	m.output = m.embedding
	if _, ok := f.Tensor("output.weight"); ok {
		m.output = l.matrix("output", c.Vocab, c.Dim)
	}
	for i := range c.Layers {
		m.layers = append(m.layers, l.layer(c, fmt.Sprintf("blk.%d.", i)))
		if l.err != nil {
			break
		}
	}
	m.turns = l.turns(c)
	return m, l.err
}

// TensorNames lists the tensors of a file that a model computes with, in the order of their places: an identity covers them all.
func TensorNames(f *gguf.File, c Config) []string {
	shape := c.Shape()
	return slices.DeleteFunc(shape.TensorNames(), func(name string) bool {
		_, ok := f.Tensor(name)
		return !ok
	})
}

// A loader fetches tensors and keeps the first error.
type loader struct {
	file  *gguf.File
	path  kernel.Path
	shelf quant.Shelf
	err   error
}

func (l *loader) layer(c Config, prefix string) layer {
	return layer{
		attentionNorm: l.vector(prefix+"attn_norm.weight", c.Dim),
		forwardNorm:   l.vector(prefix+"ffn_norm.weight", c.Dim),
		query:         l.matrix(prefix+"attn_q", c.queryDim(), c.Dim),
		key:           l.matrix(prefix+"attn_k", c.keyDim(), c.Dim),
		value:         l.matrix(prefix+"attn_v", c.keyDim(), c.Dim),
		attention:     l.matrix(prefix+"attn_output", c.Dim, c.queryDim()),
		queryBias:     l.bias(prefix+"attn_q.bias", c.queryDim()),
		keyBias:       l.bias(prefix+"attn_k.bias", c.keyDim()),
		valueBias:     l.bias(prefix+"attn_v.bias", c.keyDim()),
		gate:          l.matrix(prefix+"ffn_gate", c.Hidden, c.Dim),
		up:            l.matrix(prefix+"ffn_up", c.Hidden, c.Dim),
		down:          l.matrix(prefix+"ffn_down", c.Dim, c.Hidden),
	}
}

// tensor finds a tensor of a shape, its fastest dimension first.
func (l *loader) tensor(name string, dims ...int) *gguf.Tensor {
	if l.err != nil {
		return nil
	}
	t, ok := l.file.Tensor(name)
	switch {
	case !ok:
		l.err = fmt.Errorf("tensor %s is missing", name)
	case !slices.Equal(t.Dims, dims):
		l.err = fmt.Errorf("tensor %s is of %v, want %v", name, t.Dims, dims)
	default:
		return t
	}
	return nil
}

func (l *loader) matrix(name string, n, k int) *quant.Matrix {
	t := l.tensor(name+".weight", k, n)
	if t == nil {
		return nil
	}
	format, err := quant.FormatOf(t.Type)
	if err == nil {
		var m *quant.Matrix
		if m, err = quant.NewKept(l.shelf, name, l.path, format, n, k, t.Data); err == nil {
			return m
		}
	}
	l.err = fmt.Errorf("tensor %s: %w", name, err)
	return nil
}

func (l *loader) vector(name string, n int) []float32 {
	t := l.tensor(name, n)
	if t == nil {
		return nil
	}
	format, err := quant.FormatOf(t.Type)
	if err != nil {
		l.err = fmt.Errorf("tensor %s: %w", name, err)
		return nil
	}
	v := make([]float32, n)
	format.ReadRow(v, t.Data)
	return v
}

func (l *loader) bias(name string, n int) []float32 {
	if _, ok := l.file.Tensor(name); !ok {
		return nil
	}
	return l.vector(name, n)
}

// turns gives the angles by which position 1 turns each pair (LM-4).
func (l *loader) turns(c Config) []float32 {
	turns := make([]float32, c.RotateDims/2)
	var factors []float32
	if _, ok := l.file.Tensor("rope_freqs.weight"); ok {
		factors = l.vector("rope_freqs.weight", len(turns))
	}
	for i := range turns {
		turns[i] = kernel.Pow(c.RotateBase, -float32(2*i)/float32(c.RotateDims))
		if factors != nil {
			turns[i] /= factors[i]
		}
		if t := float64(turns[i]); math.IsNaN(t) || math.IsInf(t, 0) {
			l.err = fmt.Errorf("the rotation's frequencies are not finite")
		}
	}
	return turns
}
