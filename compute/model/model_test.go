package model

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"math"
	"strings"
	"testing"

	"github.com/aiwork/aiwork-node/compute/graph"
	"github.com/aiwork/aiwork-node/compute/kernel"
)

// small is a model with every kind of operator and both kinds of tensor.
func small() *Spec {
	window := kernel.Window{KernelHeight: 3, KernelWidth: 3, StrideHeight: 2, StrideWidth: 1, Top: 1, Right: 2}
	four := Tensor{Dims: []int{4}, Floats: []float32{1, 2, 3, 4}}
	steps := func(dims ...int) Tensor {
		size := 1
		for _, n := range dims {
			size *= n
		}
		t := Tensor{Dims: dims, Steps: make([]byte, size), Scale: 0.01, Min: -1}
		for i := range t.Steps {
			t.Steps[i] = byte(i * 37)
		}
		return t
	}
	return &Spec{
		Name: "small", Source: "a test", Licence: "CC0-1.0",
		Picture: Picture{Width: 6, Height: 5},
		Classes: []string{"yes", "no"},
		Ops: []graph.Op{
			{Kind: graph.Conv, Inputs: []int{0}, Params: []int{0, 1}, Window: window},
			{Kind: graph.BatchNorm, Inputs: []int{1}, Params: []int{2, 3, 4, 5}, Epsilon: 0.001},
			{Kind: graph.ReLU6, Inputs: []int{2}},
			{Kind: graph.ZeroPad, Inputs: []int{3}, Window: kernel.Window{Bottom: 1, Left: 1}},
			{Kind: graph.DepthwiseConv, Inputs: []int{4}, Params: []int{6}, Window: kernel.Window{KernelHeight: 1, KernelWidth: 1, StrideHeight: 1, StrideWidth: 1}},
			{Kind: graph.ReLU, Inputs: []int{5}},
			{Kind: graph.Add, Inputs: []int{6, 5}},
			{Kind: graph.GlobalAveragePool, Inputs: []int{7}},
			{Kind: graph.Dense, Inputs: []int{8}, Params: []int{7, 8}},
			{Kind: graph.Softmax, Inputs: []int{9}},
		},
		Tensors: []Tensor{
			steps(3, 3, 3, 4), four, four, four, four, four, steps(1, 1, 4), steps(4, 2),
			{Dims: []int{2}, Floats: []float32{0.5, -0.5}},
		},
	}
}

func encode(t testing.TB, s *Spec) []byte {
	t.Helper()
	file, err := s.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func TestDecodeGivesWhatWasEncoded(t *testing.T) {
	file := encode(t, small())
	m, err := Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	if got := m.Spec.append(nil); !bytes.Equal(got, file) {
		t.Error("encoding what was decoded gives other bytes")
	}
	sum := sha256.New()
	sum.Write(binary.BigEndian.AppendUint64(nil, 14))
	sum.Write([]byte("aiwork/model/1"))
	sum.Write(file)
	if want := [32]byte(sum.Sum(nil)); m.ID != want {
		t.Errorf("id: got %v, want %x", m.ID, want)
	}
}

// MODEL-3: one rounding. The product and the sum rounded apart would give another weight.
func TestStepsRoundOnce(t *testing.T) {
	scale, least := float32(1+1.0/4096), float32(-3*(1+1.0/8192))
	got := Tensor{Dims: []int{1}, Steps: []byte{3}, Scale: scale, Min: least}.weights()
	if want := kernel.FMA(3, scale, least); got[0] != want {
		t.Errorf("got %g, want %g", got[0], want)
	}
	if exact := float32(3 * (1.0/4096 - 1.0/8192)); got[0] != exact {
		t.Errorf("got %g, want %g exactly", got[0], exact)
	}
}

// Every cut and every byte too many is refused, and no flipped bit goes without notice: the file is
// refused, or it is another model under another id whose encoding is again the very file.
func TestDecodeIsStrict(t *testing.T) {
	file := encode(t, small())
	for n := range file {
		if _, err := Decode(file[:n]); err == nil {
			t.Fatalf("cut to %d bytes: accepted", n)
		}
	}
	if _, err := Decode(append(bytes.Clone(file), 0)); err == nil || !strings.Contains(err.Error(), "behind the end") {
		t.Errorf("a byte too many: got %v", err)
	}
	id := IDOf(file)
	for i := range file {
		for bit := range 8 {
			other := bytes.Clone(file)
			other[i] ^= 1 << bit
			m, err := Decode(other)
			if err != nil {
				continue
			}
			if m.ID == id || !bytes.Equal(m.Spec.append(nil), other) {
				t.Fatalf("bit %d of byte %d: accepted as the same, or not canonical", bit, i)
			}
		}
	}
}

func TestEncodeRefuses(t *testing.T) {
	cases := []struct {
		name  string
		spoil func(*Spec)
		want  string
	}{
		{"no name", func(s *Spec) { s.Name = "" }, "name bytes 0"},
		{"long name", func(s *Spec) { s.Name = strings.Repeat("x", 65) }, "name bytes 65"},
		{"name in another encoding", func(s *Spec) { s.Name = "\xff" }, "not UTF-8"},
		{"no licence", func(s *Spec) { s.Licence = "" }, "licence bytes 0"},
		{"one class twice", func(s *Spec) { s.Classes = []string{"a", "a"} }, "twice"},
		{"a class too many", func(s *Spec) { s.Classes = append(s.Classes, "maybe") }, "3 classes"},
		{"picture too wide", func(s *Spec) { s.Picture.Width = 257 }, "width 257"},
		{"picture too low", func(s *Spec) { s.Picture.Height = 1 }, "height 1"},
		{"infinite scale", func(s *Spec) { s.Tensors[0].Scale = float32(math.Inf(1)) }, "not finite"},
		{"NaN weight", func(s *Spec) { s.Tensors[1].Floats = []float32{0, 0, 0, float32(math.NaN())} }, "not finite"},
		{"dimension 0", func(s *Spec) { s.Tensors[1].Dims = []int{0} }, "dimension 0"},
		{"five dimensions", func(s *Spec) { s.Tensors[1].Dims = []int{1, 1, 1, 1, 4} }, "5 dimensions"},
		{"a tensor too many", func(s *Spec) { s.Tensors = append(s.Tensors, s.Tensors[1]) }, "tensors 10"},
		{"no operators", func(s *Spec) { s.Ops, s.Tensors = nil, nil }, "operators 0"},
		{"unknown operator", func(s *Spec) { s.Ops[2].Kind = 200 }, "no such operator"},
	}
	for _, c := range cases {
		s := small()
		c.spoil(s)
		if _, err := s.Encode(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want an error with %q", c.name, err, c.want)
		}
	}
}

// A header that promises much memory must be refused before it is taken.
func TestDecodeTakesNoMoreThanTheFile(t *testing.T) {
	file := encode(t, small())
	dims := bytes.LastIndex(file, []byte{asFloats, 1, 2, 0, 0, 0})
	huge := bytes.Clone(file)
	copy(huge[dims:], []byte{asFloats, 1, 0, 0x20, 0, 0}) // 8192 floats in a file of hundreds of bytes
	if _, err := Decode(huge); err == nil || !strings.Contains(err.Error(), "cut short") {
		t.Errorf("got %v, want an error with %q", err, "cut short")
	}
}

func FuzzDecode(f *testing.F) {
	file := encode(f, small())
	f.Add(file)
	for _, at := range []int{8, 40, 90, 150, 220, 300} {
		other := bytes.Clone(file)
		other[at%len(other)] ^= 5
		f.Add(other)
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		m, err := Decode(file)
		if err != nil {
			return
		}
		if !bytes.Equal(m.Spec.append(nil), file) {
			t.Fatal("accepted a file that is not canonical")
		}
	})
}
