package lm

import (
	"fmt"
	"math"

	"github.com/aiwork/aiwork-node/compute/gguf"
	"github.com/aiwork/aiwork-node/compute/pass"
)

// Limits of a model (LM-1).
const (
	LayersMax  = 512
	DimMax     = 1 << 15
	HiddenMax  = 1 << 17
	HeadsMax   = 256
	HeadDimMax = 256
	VocabMax   = 1 << 19
	ContextMax = 1 << 20
)

// A Config is the shape of a model and the numbers of its rules.
type Config struct {
	Arch                        string // "llama" or "qwen2"
	Layers, Dim, Hidden         int
	Heads, KeyHeads, HeadDim    int
	Vocab, Context              int
	Epsilon                     float32
	RotateDims                  int     // of a head, from its first on
	RotateHalves                bool    // pairs are (i, i + n/2), else (2i, 2i + 1)
	RotateBase, RotatePositions float32 // angle = position · RotatePositions · RotateBase^(-2i/RotateDims)
}

func (c Config) keyDim() int { return c.KeyHeads * c.HeadDim }

func (c Config) queryDim() int { return c.Heads * c.HeadDim }

// Shape gives what a model's identity says of its shape. Vocab is the tensors' to tell.
func (c Config) Shape() pass.Shape {
	return pass.Shape{
		Arch: c.Arch, Layers: c.Layers, Dim: c.Dim, Hidden: c.Hidden, Heads: c.Heads, KeyHeads: c.KeyHeads, HeadDim: c.HeadDim,
		Context: c.Context, RotateDims: c.RotateDims, RotateHalves: c.RotateHalves,
		Epsilon: math.Float32bits(c.Epsilon), RotateBase: math.Float32bits(c.RotateBase), RotatePositions: math.Float32bits(c.RotatePositions),
	}
}

// A reader takes numbers from metadata and keeps the first error.
type reader struct {
	file   *gguf.File
	prefix string
	err    error
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
}

// number reads a whole number from 1 to most; one that is missing is otherwise, or an error where that is 0.
func (r *reader) number(key string, most, otherwise int) int {
	v, found := r.file.Value(r.prefix + key)
	if !found && otherwise > 0 {
		return otherwise
	}
	n, ok := v.Uint()
	if !ok || n < 1 || n > uint64(most) {
		r.fail("%s%s must be a number from 1 to %d", r.prefix, key, most)
		return 1
	}
	return int(n)
}

func (r *reader) float(key string, otherwise float32) float32 {
	v, found := r.file.Value(r.prefix + key)
	if !found && otherwise > 0 {
		return otherwise
	}
	f, ok := v.Float32()
	if !ok || !(f > 0) || math.IsInf(float64(f), 0) {
		r.fail("%s%s must be a float above 0", r.prefix, key)
		return 1
	}
	return f
}

// ReadConfig reads a model's shape from its metadata.
func ReadConfig(f *gguf.File) (Config, error) {
	arch, _ := f.String("general.architecture")
	if arch != "llama" && arch != "qwen2" {
		return Config{}, &gguf.Unsupported{What: fmt.Sprintf("architecture %q (llama and qwen2 are)", arch)}
	}
	r := &reader{file: f, prefix: arch + "."}
	c := Config{
		Arch:   arch,
		Layers: r.number("block_count", LayersMax, 0),
		Dim:    r.number("embedding_length", DimMax, 0),
		Hidden: r.number("feed_forward_length", HiddenMax, 0),
		Heads:  r.number("attention.head_count", HeadsMax, 0),
	}
	c.KeyHeads = r.number("attention.head_count_kv", HeadsMax, c.Heads)
	c.HeadDim = r.number("attention.key_length", HeadDimMax, max(1, c.Dim/c.Heads))
	c.Context = r.number("context_length", ContextMax, 0)
	c.Epsilon = r.float("attention.layer_norm_rms_epsilon", 0)
	c.RotateDims = r.number("rope.dimension_count", HeadDimMax, c.HeadDim)
	c.RotateBase = r.float("rope.freq_base", 10000)
	c.RotateHalves = arch == "qwen2"
	c.RotatePositions = 1 / r.scaling()
	switch {
	case r.err != nil:
	case c.Heads%c.KeyHeads != 0:
		r.fail("%d heads of queries do not share %d of keys evenly", c.Heads, c.KeyHeads)
	case c.HeadDim > HeadDimMax || c.queryDim() > DimMax:
		r.fail("%d heads of %d are too many", c.Heads, c.HeadDim)
	case r.number("attention.value_length", HeadDimMax, c.HeadDim) != c.HeadDim:
		r.fail("keys and values of different lengths are not supported")
	case c.RotateDims%2 != 0 || c.RotateDims > c.HeadDim:
		r.fail("%d of %d dimensions cannot be rotated", c.RotateDims, c.HeadDim)
	case r.number("expert_count", 1<<16, 1) != 1:
		r.fail("mixtures of experts are not supported")
	}
	return c, r.err
}

// scaling gives the factor by which positions are stretched.
func (r *reader) scaling() float32 {
	kind, found := r.file.String(r.prefix + "rope.scaling.type")
	if !found || kind == "none" {
		return 1
	}
	if kind != "linear" {
		r.fail("rope.scaling.type %q is not supported (none and linear are)", kind)
		return 1
	}
	return r.float("rope.scaling.factor", 0)
}
