package model

import (
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aiwork/aiwork-node/compute/lower"
	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/tensor"
	"github.com/aiwork/aiwork-node/internal/chain"
)

// A file gives back what was written, also weights of few values; every changed byte behind the texts is refused or gives another
// id; a store keeps models by id, finds them by name, and is not taken in by a file under a wrong name.

func sampleFile(t testing.TB, name string) *File {
	t.Helper()
	few, many := make([]float32, 600), make([]float32, 700)
	for i := range few {
		few[i] = float32(i%5) - 2
	}
	for i := range many {
		many[i] = float32(i) / 3
	}
	m := &onnx.Model{IR: 8, Opsets: []onnx.Opset{{Version: 17}}, Graph: &onnx.Graph{
		Inputs: []onnx.Value{{Name: "x", Type: tensor.Float32}},
		Initializers: []onnx.Initializer{
			{Name: "few", Tensor: tensor.Of([]int{600}, few)},
			{Name: "many", Tensor: tensor.Of([]int{700}, many)},
			{Name: "shape", Tensor: tensor.Of([]int{1}, []int64{-1})},
		},
		Nodes: []onnx.Node{
			{Op: "Concat", Inputs: []string{"few", "many", "x"}, Outputs: []string{"y"}, Attrs: []onnx.Attr{{Name: "axis", Kind: onnx.AttrInt}}},
			{Op: "Reshape", Inputs: []string{"y", "shape"}, Outputs: []string{"z"}},
		},
		Outputs: []onnx.Value{{Name: "z"}},
	}}
	l, err := lower.Lower(m, lower.Outside{Form: net.FormTensors, Labels: []string{"a"}})
	if err != nil {
		t.Fatal(err)
	}
	return &File{Name: name, Source: "here", Licence: "MIT", Model: l}
}

func TestFile(t *testing.T) {
	f := sampleFile(t, "sample")
	b := f.Encode()
	got, err := DecodeFile(b)
	if err != nil {
		t.Fatal(err)
	}
	if got.Name != f.Name || got.Source != f.Source || got.Licence != f.Licence || got.Net.ID() != f.Net.ID() {
		t.Errorf("got %q %q %q %v", got.Name, got.Source, got.Licence, got.Net.ID())
	}
	for i := range f.Weights {
		if !bytes.Equal(got.Weights[i].Raw(), f.Weights[i].Raw()) {
			t.Errorf("weight %d differs", i)
		}
	}
	if !bytes.Equal(got.Encode(), b) {
		t.Error("written again it is another file")
	}
	if want := 4*700 + 600; len(b) > want+1000 {
		t.Errorf("%d bytes for about %d of weights: few values do not save space", len(b), want)
	}
	front, err := DecodeFront(b[:600])
	if err != nil || front.Net.ID() != f.Net.ID() || front.WeightBytes() != 4*1300+8 {
		t.Errorf("front: %v", err)
	}
}

func TestChangedFile(t *testing.T) {
	f := sampleFile(t, "sample")
	b, id := f.Encode(), f.Net.ID()
	texts := len(fileMagic) + 4 + 3*4 + len("sample") + len("here") + len("MIT")
	for at := texts; at < len(b); at += 1 + at/300 {
		bad := slices.Clone(b)
		bad[at] ^= 1
		if got, err := DecodeFile(bad); err == nil && got.Net.ID() == id {
			t.Errorf("byte %d changed: the same model", at)
		}
	}
	for n := range 400 {
		if _, err := DecodeFile(b[:n]); err == nil {
			t.Errorf("cut to %d bytes it is taken", n)
		}
	}
	if _, err := DecodeFile(append(slices.Clone(b), 0)); err == nil {
		t.Error("a byte behind the end is taken")
	}
	if _, err := DecodeFile([]byte("\x08\x08not a model of ours")); err == nil || !strings.Contains(err.Error(), "model pull") {
		t.Errorf("another file: got %v", err)
	}
}

func TestKernelsMustBeFinite(t *testing.T) {
	m := &onnx.Model{IR: 8, Opsets: []onnx.Opset{{Version: 17}}, Graph: &onnx.Graph{
		Inputs:       []onnx.Value{{Name: "x", Type: tensor.Float32}},
		Initializers: []onnx.Initializer{{Name: "w", Tensor: tensor.Of([]int{1, 1, 1, 2}, []float32{1, float32(math.Inf(1))})}},
		Nodes:        []onnx.Node{{Op: "Conv", Inputs: []string{"x", "w"}, Outputs: []string{"y"}}},
		Outputs:      []onnx.Value{{Name: "y"}},
	}}
	l, err := lower.Lower(m, lower.Outside{Form: net.FormTensors})
	if err != nil {
		t.Fatal(err)
	}
	f := &File{Name: "infinite", Model: l}
	if _, err := DecodeFile(f.Encode()); err == nil || !strings.Contains(err.Error(), "finite") {
		t.Errorf("got %v", err)
	}
}

func TestStore(t *testing.T) {
	s := Store{filepath.Join(t.TempDir(), "models")}
	if list, err := s.List(); err != nil || len(list) != 0 {
		t.Fatalf("a store that is not there: %v, %v", list, err)
	}
	f := sampleFile(t, "sample")
	id, err := s.Put(f)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Put(f); err != nil {
		t.Errorf("put twice: %v", err)
	}
	for _, text := range []string{"sample", id.String(), id.String()[2:], id.String()[:10]} {
		if got, err := s.Find(text); err != nil || got != id {
			t.Errorf("find %q: %v, %v", text, got, err)
		}
	}
	if got, err := s.Get(id); err != nil || got.Net.ID() != id {
		t.Errorf("get: %v", err)
	}
	if _, err := s.Find("other"); !errors.Is(err, ErrNoModel) {
		t.Errorf("find what is not there: %v", err)
	}
	other := chain.Hash{1}
	if err := os.Rename(s.Path(id), s.Path(other)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(other); err == nil || !strings.Contains(err.Error(), "holds the model") {
		t.Errorf("a file under another name: %v", err)
	}
	if _, err := s.Get(id); !errors.Is(err, ErrNoModel) {
		t.Errorf("a model that is gone: %v", err)
	}
	if err := s.Remove(other); err != nil {
		t.Error(err)
	}
}

func FuzzDecodeFile(f *testing.F) {
	f.Add(sampleFile(f, "sample").Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		x, err := DecodeFile(b)
		if err != nil {
			return
		}
		y, err := DecodeFile(x.Encode())
		if err != nil || y.Net.ID() != x.Net.ID() {
			t.Errorf("written and read again: %v", err)
		}
	})
}
