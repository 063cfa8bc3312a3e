package model

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"github.com/aiwork/aiwork-node/compute/graph"
	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/internal/chain"
)

// A Spec is the content of a model file.
type Spec struct {
	Name    string // short, for people
	Source  string // where the weights come from
	Licence string // full text
	Picture Picture
	Classes []string // names of the outputs, in order
	Ops     []graph.Op
	Tensors []Tensor
}

// Picture says how a canonical input becomes the input of the network: resized by image.Tensor to
// Width × Height, three channels, each sample divided by 255.
type Picture struct{ Width, Height int }

// A Tensor is a tensor as it is stored: either Floats, or Steps with Scale and Min.
type Tensor struct {
	Dims       []int
	Floats     []float32
	Steps      []byte
	Scale, Min float32
}

// A Model is a valid model file, ready to be compiled. It is immutable.
type Model struct {
	Spec
	ID     chain.Hash
	Graph  *graph.Graph
	Shapes []graph.Shape
	file   []byte
}

// File returns the canonical file; the caller must not change it.
func (m *Model) File() []byte { return m.file }

const idTag = "aiwork/model/1"

// IDOf gives the id of the model in a file (MODEL-1), without looking whether it is valid.
func IDOf(file []byte) chain.Hash {
	h := sha256.New()
	var length [8]byte
	binary.BigEndian.PutUint64(length[:], uint64(len(idTag)))
	h.Write(length[:])
	h.Write([]byte(idTag))
	h.Write(file)
	return chain.Hash(h.Sum(nil))
}

// Decode reads a model file, which must be canonical to the last byte. The model keeps file.
func Decode(file []byte) (*Model, error) {
	spec, err := decodeSpec(file)
	if err != nil {
		return nil, fmt.Errorf("model file: %w", err)
	}
	m := &Model{Spec: *spec, ID: IDOf(file), Graph: spec.graph(), file: file}
	if m.Shapes, err = m.Graph.Check(); err != nil {
		return nil, fmt.Errorf("model file: network: %w", err)
	}
	out := m.Shapes[len(m.Shapes)-1]
	if out.Height != 1 || out.Width != 1 || out.Channels != len(m.Classes) {
		return nil, fmt.Errorf("model file: output %v for %d classes", out, len(m.Classes))
	}
	return m, nil
}

func (s *Spec) graph() *graph.Graph {
	g := &graph.Graph{
		Input: graph.Shape{Height: s.Picture.Height, Width: s.Picture.Width, Channels: 3},
		Ops:   append([]graph.Op(nil), s.Ops...),
	}
	for _, t := range s.Tensors {
		g.Tensors = append(g.Tensors, graph.Tensor{Dims: t.Dims, Data: t.weights()})
	}
	return g
}

// weights applies MODEL-3.
func (t Tensor) weights() []float32 {
	if t.Steps == nil {
		return t.Floats
	}
	out := make([]float32, len(t.Steps))
	for i, s := range t.Steps {
		out[i] = kernel.FMA(float32(s), t.Scale, t.Min)
	}
	return out
}
