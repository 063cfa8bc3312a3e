package onnx

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/aiwork/aiwork-node/compute/tensor"
)

// Files are read back as they were written; every way to write a tensor's elements gives the same ones;
// malformed files give the error that says what is wrong and where.

func sample() *Model {
	branch := func(name string) *Graph {
		return &Graph{
			Nodes:   []Node{{Op: "Identity", Inputs: []string{"x"}, Outputs: []string{name}}},
			Outputs: []Value{{Name: name}},
		}
	}
	return &Model{
		IR:     8,
		Opsets: []Opset{{"", 17}, {"other", 1}},
		Graph: &Graph{
			Name: "g",
			Inputs: []Value{
				{Name: "x", Type: tensor.Float32, Ranks: true, Shape: []Dim{{-1, "batch"}, {3, ""}, {-1, ""}}},
				{Name: "c", Type: tensor.Bool, Ranks: true},
			},
			Outputs:      []Value{{Name: "y", Type: tensor.Float32}},
			Initializers: []Initializer{{"w", tensor.Of([]int{2, 2}, []float32{1, 2, 3, float32(math.Inf(-1))})}},
			Nodes: []Node{
				{
					Name: "branches", Op: "If", Inputs: []string{"c"}, Outputs: []string{"z"},
					Attrs: []Attr{
						{Name: "then_branch", Kind: AttrGraph, Graph: branch("t")},
						{Name: "else_branch", Kind: AttrGraph, Graph: branch("e")},
					},
				},
				{
					Op: "Many", Domain: "other", Inputs: []string{"z", "", "w"}, Outputs: []string{"y"},
					Attrs: []Attr{
						{Name: "i", Kind: AttrInt, Int: -7},
						{Name: "f", Kind: AttrFloat, Float: 0.1},
						{Name: "s", Kind: AttrText, Text: "text"},
						{Name: "is", Kind: AttrInts, Ints: []int64{1, -2, 1 << 62}},
						{Name: "fs", Kind: AttrFloats, Floats: []float32{0.5, -3}},
						{Name: "ss", Kind: AttrTexts, Texts: []string{"a", ""}},
						{Name: "t", Kind: AttrTensor, Tensor: tensor.Of([]int{3}, []int64{-1, 0, 1 << 40})},
						{Name: "none", Kind: AttrInts},
					},
				},
			},
		},
	}
}

func TestModelIsReadBack(t *testing.T) {
	file := EncodeModel(sample())
	m, err := DecodeModel(file)
	if err != nil {
		t.Fatal(err)
	}
	if again := EncodeModel(m); !bytes.Equal(again, file) {
		t.Error("what is read back is written differently")
	}
	many := m.Graph.Nodes[1]
	if got := many.Attrs[3].Ints; !slices.Equal(got, []int64{1, -2, 1 << 62}) {
		t.Errorf("ints: got %v", got)
	}
	if got := tensor.Values[int64](many.Attrs[6].Tensor); !slices.Equal(got, []int64{-1, 0, 1 << 40}) {
		t.Errorf("tensor: got %v", got)
	}
	if got := many.Inputs; !slices.Equal(got, []string{"z", "", "w"}) {
		t.Errorf("inputs: got %q", got)
	}
	if got := m.Graph.Inputs[0].Shape; !slices.Equal(got, []Dim{{-1, "batch"}, {3, ""}, {-1, ""}}) {
		t.Errorf("shape: got %v", got)
	}
	if m.Tensors != 16+24 {
		t.Errorf("bytes of tensors: got %d, want 40", m.Tensors)
	}
	s, err := SurveyModel(file)
	if want := []string{"Identity", "If", "other:Many"}; err != nil || !slices.Equal(s.Operators, want) {
		t.Errorf("survey: got %v, %v, want %v", s.Operators, err, want)
	}
}

// head is a tensor of two elements without them.
func head(kind int64) *writer {
	w := &writer{}
	w.int(1, 2)
	w.int(2, kind)
	return w
}

func TestTensorFields(t *testing.T) {
	cases := []struct {
		name string
		kind int64
		fill func(w *writer)
		want []int64
	}{
		{"int64 one by one", 7, func(w *writer) { w.int(7, -5); w.int(7, 1<<40) }, []int64{-5, 1 << 40}},
		{"int64 packed", 7, func(w *writer) { w.bytes(7, binary.AppendUvarint([]byte{3}, math.MaxUint64)) }, []int64{3, -1}},
		{"int64 in two pieces", 7, func(w *writer) { w.bytes(7, []byte{3}); w.bytes(7, []byte{4}) }, []int64{3, 4}},
		{"int8 as int32", 3, func(w *writer) { w.int(5, -128); w.int(5, 127) }, []int64{-128, 127}},
		{"uint32", 12, func(w *writer) { w.int(11, 1<<32-1); w.int(11, 0) }, []int64{1<<32 - 1, 0}},
		{"int16 raw", 5, func(w *writer) { w.bytes(9, []byte{0xff, 0xff, 1, 2}) }, []int64{-1, 0x201}},
	}
	for _, c := range cases {
		w := head(c.kind)
		c.fill(w)
		got, err := DecodeTensor(w.b)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		} else if !slices.Equal(got.Ints(), c.want) {
			t.Errorf("%s: got %v, want %v", c.name, got.Ints(), c.want)
		}
	}
	w := head(1)
	w.float(4, 1.5)
	w.float(4, -2)
	got, err := DecodeTensor(w.b)
	if err != nil || !slices.Equal(tensor.Values[float32](got), []float32{1.5, -2}) {
		t.Errorf("floats one by one: got %v, %v", got, err)
	}
}

func TestMalformedTensors(t *testing.T) {
	cases := []struct {
		name, want string
		fill       func(w *writer)
	}{
		{"raw too short", "7 bytes of elements, want 8", func(w *writer) { w.bytes(9, make([]byte, 7)) }},
		{"too few", "1 elements, want 2", func(w *writer) { w.float(4, 1) }},
		{"two places", "in two places", func(w *writer) { w.float(4, 1); w.bytes(9, make([]byte, 8)) }},
		{"wrong field", "in field 7", func(w *writer) { w.int(7, 1); w.int(7, 1) }},
		{"external", "data is in another file", func(w *writer) { w.int(14, 1) }},
		{"too many dimensions", "more than 8 elements", func(w *writer) { w.bytes(1, make([]byte, 9)) }},
		{"negative dimension", "dimension 1 is -1", func(w *writer) { w.int(1, -1) }},
		{"huge", "more than 268435456 elements", func(w *writer) { w.int(1, 1<<28) }},
		{"string", "element type string is not supported", func(w *writer) { w.int(2, 8) }},
		{"double", "element type float64 is not supported", func(w *writer) { w.int(2, 11) }},
		{"no such type", "element type 99, which is none", func(w *writer) { w.int(2, 99) }},
		{"wrong kind", "field 8 has kind 0, want 2", func(w *writer) { w.int(8, 1) }},
	}
	for _, c := range cases {
		w := head(1)
		c.fill(w)
		if _, err := DecodeTensor(w.b); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want an error with %q", c.name, err, c.want)
		}
	}
}

func TestMalformedModels(t *testing.T) {
	model := func(fill func(w *writer)) []byte {
		w := &writer{}
		w.int(1, 8)
		fill(w)
		return w.b
	}
	nested := func(depth int) []byte {
		g := &Graph{}
		for range depth {
			g = &Graph{Nodes: []Node{{Op: "If", Attrs: []Attr{{Name: "then_branch", Kind: AttrGraph, Graph: g}}}}}
		}
		return EncodeModel(&Model{Graph: g})
	}
	good := EncodeModel(sample())
	cases := []struct {
		name, want string
		file       []byte
	}{
		{"empty", "no graph", nil},
		{"cut short", "the bytes end within a field", good[:len(good)-3]},
		{"functions", "functions of its own", model(func(w *writer) { w.bytes(25, nil) })},
		{"group", "kind 3, which is none", []byte{0x0b}},
		{"long number", "more than 64 bits", append([]byte{8}, bytes.Repeat([]byte{0xff}, 11)...)},
		{"field 0", "field number 0", []byte{0, 0}},
		{"two graphs", "a second graph", model(func(w *writer) { w.bytes(7, nil); w.bytes(7, nil) })},
		{"nesting", "more than 8 graphs within each other", nested(NestingMax)},
		{"not UTF-8", "is a text that is not UTF-8", model(func(w *writer) {
			w.message(7, func(w *writer) { w.bytes(2, []byte{0xff}) })
		})},
		{"place", `graph: node 0: Conv: attribute 0 "pads": an attribute of kind 99 is not supported`, model(func(w *writer) {
			w.message(7, func(w *writer) {
				w.node(&Node{})
				w.b = nil
				w.message(1, func(w *writer) {
					w.text(4, "Conv")
					w.message(5, func(w *writer) { w.text(1, "pads"); w.int(20, 99) })
				})
			})
		})},
		{"sequence", `input 0: "s": type: a sequence is not supported`, model(func(w *writer) {
			w.message(7, func(w *writer) {
				w.message(11, func(w *writer) { w.text(1, "s"); w.message(2, func(w *writer) { w.bytes(4, nil) }) })
			})
		})},
		{"many attributes", "more than 64 attributes", EncodeModel(&Model{Graph: &Graph{Nodes: []Node{
			{Op: "X", Attrs: slices.Repeat([]Attr{{Name: "a", Kind: AttrInt}}, AttrsMax+1)},
		}}})},
	}
	for _, c := range cases {
		if _, err := DecodeModel(c.file); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want an error with %q", c.name, err, c.want)
		}
	}
	if _, err := DecodeModel(nested(NestingMax - 1)); err != nil {
		t.Errorf("nesting at its limit: %v", err)
	}
}

func FuzzModel(f *testing.F) {
	f.Add(EncodeModel(sample()))
	f.Add([]byte{8, 1, 0x3a, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _ = SurveyModel(b)
		m, err := DecodeModel(b)
		if err != nil {
			return
		}
		// What was read can be written, and is then read as the same.
		first := EncodeModel(m)
		again, err := DecodeModel(first)
		if err != nil {
			t.Fatalf("read again: %v", err)
		}
		if !bytes.Equal(EncodeModel(again), first) {
			t.Error("written differently after reading again")
		}
	})
}

func FuzzTensor(f *testing.F) {
	f.Add(EncodeTensor("x", tensor.Of([]int{2}, []float32{1, 2})))
	f.Add(EncodeTensor("", tensor.Scalar(true)))
	w := head(7)
	w.int(7, 1)
	w.int(7, 2)
	f.Add(w.b)
	f.Fuzz(func(t *testing.T, b []byte) {
		x, err := DecodeTensor(b)
		if err != nil {
			return
		}
		y, err := DecodeTensor(EncodeTensor("x", x))
		if err != nil || y.Type() != x.Type() || !slices.Equal(y.Shape(), x.Shape()) || !bytes.Equal(y.Raw(), x.Raw()) {
			t.Errorf("written and read again: %v", err)
		}
	})
}
