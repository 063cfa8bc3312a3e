package model

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"unicode/utf8"

	"github.com/aiwork/aiwork-node/compute/graph"
	"github.com/aiwork/aiwork-node/compute/image"
)

// Limits of a model file.
const (
	FileBytesMax    = 64 << 20
	nameBytesMax    = 64
	sourceBytesMax  = 1 << 10
	licenceBytesMax = 64 << 10
	classesMax      = 1024
	pictureSideMin  = 2
	dimMax          = 8192
	rankMax         = 4
)

const (
	magic     = "AIWMODEL"
	version   = 1
	asFloats  = 1
	asSteps   = 2
	inputsMax = 2
	paramsMax = 4
)

// Encode writes s as a canonical file. It refuses what Decode would refuse.
func (s *Spec) Encode() ([]byte, error) {
	file := s.append(nil)
	if _, err := Decode(file); err != nil {
		return nil, err
	}
	return file, nil
}

func (s *Spec) append(b []byte) []byte {
	b = append(b, magic...)
	b = binary.LittleEndian.AppendUint32(b, version)
	for _, text := range []string{s.Name, s.Source, s.Licence} {
		b = appendText(b, text)
	}
	b = appendNumbers(b, s.Picture.Width, s.Picture.Height, len(s.Classes))
	for _, c := range s.Classes {
		b = appendText(b, c)
	}
	b = appendNumbers(b, len(s.Ops))
	for i := range s.Ops {
		b = appendOp(b, &s.Ops[i])
	}
	b = appendNumbers(b, len(s.Tensors))
	for i := range s.Tensors {
		b = appendTensor(b, &s.Tensors[i])
	}
	return b
}

func appendText(b []byte, text string) []byte { return append(appendNumbers(b, len(text)), text...) }

func appendNumbers(b []byte, numbers ...int) []byte {
	for _, n := range numbers {
		b = binary.LittleEndian.AppendUint32(b, uint32(n))
	}
	return b
}

func appendOp(b []byte, op *graph.Op) []byte {
	b = append(b, byte(op.Kind), byte(len(op.Inputs)), byte(len(op.Params)))
	b = appendNumbers(b, op.Inputs...)
	for _, field := range windowFields(op) {
		b = appendNumbers(b, *field)
	}
	if op.Kind == graph.BatchNorm {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(op.Epsilon))
	}
	return b
}

// windowFields lists the numbers of a window that the operator's kind stores.
func windowFields(op *graph.Op) []*int {
	w := &op.Window
	padding := []*int{&w.Top, &w.Bottom, &w.Left, &w.Right}
	switch op.Kind {
	case graph.Conv, graph.DepthwiseConv:
		return append([]*int{&w.KernelHeight, &w.KernelWidth, &w.StrideHeight, &w.StrideWidth}, padding...)
	case graph.ZeroPad:
		return padding
	}
	return nil
}

func appendTensor(b []byte, t *Tensor) []byte {
	encoding := byte(asFloats)
	if t.Steps != nil {
		encoding = asSteps
	}
	b = append(b, encoding, byte(len(t.Dims)))
	b = appendNumbers(b, t.Dims...)
	if t.Steps != nil {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(t.Scale))
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(t.Min))
		return append(b, t.Steps...)
	}
	for _, v := range t.Floats {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}

// A reader takes a file apart. After its first error it gives zeros, and the error stays.
type reader struct {
	rest []byte
	err  error
}

var errShort = errors.New("cut short")

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err, r.rest = err, nil
	}
}

func (r *reader) take(n int) []byte {
	if r.err == nil && n > len(r.rest) {
		r.fail(errShort)
	}
	if r.err != nil {
		return nil
	}
	out := r.rest[:n:n]
	r.rest = r.rest[n:]
	return out
}

func (r *reader) octet() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) bits() uint32 {
	if b := r.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (r *reader) float() float32 { return math.Float32frombits(r.bits()) }

// number reads one of at least least and at most limit.
func (r *reader) number(what string, least, limit int) int {
	n := r.bits()
	if r.err == nil && (int64(n) < int64(least) || int64(n) > int64(limit)) {
		r.fail(fmt.Errorf("%s %d, want %d to %d", what, n, least, limit))
	}
	if r.err != nil {
		return 0
	}
	return int(n)
}

func (r *reader) text(what string, limit int) string {
	text := string(r.take(r.number(what+" bytes", 1, limit)))
	if r.err == nil && !utf8.ValidString(text) {
		r.fail(fmt.Errorf("%s is not UTF-8", what))
	}
	return text
}

func decodeSpec(file []byte) (*Spec, error) {
	if len(file) > FileBytesMax {
		return nil, fmt.Errorf("over %d bytes", FileBytesMax)
	}
	r := &reader{rest: file}
	if string(r.take(len(magic))) != magic {
		return nil, errors.New("does not begin with " + magic)
	}
	r.number("version", version, version)
	s := &Spec{
		Name:    r.text("name", nameBytesMax),
		Source:  r.text("source", sourceBytesMax),
		Licence: r.text("licence", licenceBytesMax),
	}
	s.Picture.Width = r.number("width", pictureSideMin, image.TensorSideMax)
	s.Picture.Height = r.number("height", pictureSideMin, image.TensorSideMax)
	r.classes(s)
	params := 0
	for range r.number("operators", 1, graph.OpsMax) {
		s.Ops = append(s.Ops, r.op(&params))
	}
	for range r.number("tensors", params, params) {
		s.Tensors = append(s.Tensors, r.tensor())
	}
	if r.err == nil && len(r.rest) > 0 {
		r.fail(fmt.Errorf("%d bytes behind the end", len(r.rest)))
	}
	return s, r.err
}

func (r *reader) classes(s *Spec) {
	for range r.number("classes", 1, classesMax) {
		name := r.text("class", nameBytesMax)
		if r.err != nil {
			return
		}
		if slices.Contains(s.Classes, name) {
			r.fail(fmt.Errorf("class %q twice", name))
		}
		s.Classes = append(s.Classes, name)
	}
}

// op reads one operator; params counts the tensors given to operators so far.
func (r *reader) op(params *int) graph.Op {
	op := graph.Op{Kind: graph.Kind(r.octet())}
	inputs, tensors := int(r.octet()), int(r.octet())
	if inputs > inputsMax || tensors > paramsMax {
		r.fail(fmt.Errorf("operator of %d inputs and %d tensors", inputs, tensors))
	}
	if r.err != nil {
		return op
	}
	for range inputs {
		op.Inputs = append(op.Inputs, r.number("input", 0, graph.OpsMax))
	}
	for range tensors {
		op.Params = append(op.Params, *params)
		*params++
	}
	for _, field := range windowFields(&op) {
		*field = r.number("window", 0, dimMax)
	}
	if op.Kind == graph.BatchNorm {
		op.Epsilon = r.float()
	}
	return op
}

func (r *reader) tensor() Tensor {
	encoding, rank := r.octet(), int(r.octet())
	if r.err == nil && (rank < 1 || rank > rankMax) {
		r.fail(fmt.Errorf("tensor of %d dimensions", rank))
	}
	var t Tensor
	if r.err != nil {
		return t
	}
	size := 1
	for range rank {
		t.Dims = append(t.Dims, r.number("dimension", 1, dimMax))
		size = min(size*t.Dims[len(t.Dims)-1], FileBytesMax+1)
	}
	switch encoding {
	case asFloats:
		raw := r.take(4 * size)
		t.Floats = make([]float32, len(raw)/4)
		for i := range t.Floats {
			t.Floats[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
		}
	case asSteps:
		t.Scale, t.Min = r.float(), r.float()
		t.Steps = r.take(size)
	default:
		r.fail(fmt.Errorf("tensor encoding %d", encoding))
	}
	return t
}
