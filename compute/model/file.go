package model

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"unicode/utf8"

	"github.com/aiwork/aiwork-node/compute/lower"
	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// Limits of a model file.
const (
	fileBytesMax    = 1<<30 + 64<<20
	nameBytesMax    = 64
	sourceBytesMax  = 1 << 10
	licenceBytesMax = 64 << 10
	partBytesMax    = 1 << 20 // of an operator
)

const (
	fileMagic   = "AIWMODEL"
	fileVersion = 2
	alignment   = 64
	asRaw       = 1 // elements as NET-5 has them
	asPalette   = 2 // up to 256 values of 4 bytes, then a byte for each element
)

// A File is a model with what people want to know of it. Name, Source and Licence are not part of its id.
type File struct {
	Name    string // short
	Source  string // where the weights come from
	Licence string // full text, or its name
	*lower.Model
}

// Check says whether the texts are in order.
func (f *File) Check() error {
	for _, t := range []struct {
		what, text string
		most       int
	}{{"name", f.Name, nameBytesMax}, {"source", f.Source, sourceBytesMax}, {"licence", f.Licence, licenceBytesMax}} {
		if !utf8.ValidString(t.text) || len(t.text) > t.most {
			return fmt.Errorf("%s of a model: %d bytes, want at most %d of UTF-8", t.what, len(t.text), t.most)
		}
	}
	if f.Name == "" {
		return errors.New("a model without a name")
	}
	return nil
}

// Encode writes the file. Weights of few different values take a byte an element.
func (f *File) Encode() []byte {
	b := append([]byte(fileMagic), 0, 0, 0, 0)
	binary.LittleEndian.PutUint32(b[len(fileMagic):], fileVersion)
	for _, t := range []string{f.Name, f.Source, f.Licence} {
		b = appendText(b, t)
	}
	for _, leaf := range f.Net.Leaves() {
		b = appendText(b, string(leaf))
	}
	for _, t := range f.Weights {
		b = appendWeight(b, t)
	}
	return b
}

func appendWeight(b []byte, t *tensor.Tensor) []byte {
	data := t.Raw()
	palette, places := paletteOf(t.Type(), data)
	if palette == nil {
		b = append(b, asRaw)
		for len(b)%alignment != 0 {
			b = append(b, 0)
		}
		return append(b, data...)
	}
	b = append(b, asPalette, byte(len(palette)-1))
	for _, v := range palette {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	return append(b, places...)
}

// paletteOf gives the different elements of four bytes in ascending order and the place of each element in it, or nothing
// where that does not save space.
func paletteOf(kind tensor.Type, data []byte) (palette []uint32, places []byte) {
	n := len(data) / 4
	if kind.Size() != 4 || n < 512 {
		return nil, nil
	}
	place := map[uint32]byte{}
	for i := range n {
		v := binary.LittleEndian.Uint32(data[4*i:])
		if _, known := place[v]; known {
			continue
		}
		if len(palette) == 256 {
			return nil, nil
		}
		place[v] = 0
		palette = append(palette, v)
	}
	slices.Sort(palette)
	for i, v := range palette {
		place[v] = byte(i)
	}
	places = make([]byte, n)
	for i := range places {
		places[i] = place[binary.LittleEndian.Uint32(data[4*i:])]
	}
	return palette, places
}

func appendText(b []byte, text string) []byte {
	return append(binary.LittleEndian.AppendUint32(b, uint32(len(text))), text...)
}

// DecodeFile reads a model file. Everything in it is held against its roots, so the id that the Net then has is that of
// what is computed. Nothing of b is kept.
func DecodeFile(b []byte) (*File, error) {
	f, err := decodeFile(b)
	if err != nil {
		return nil, fmt.Errorf("model file: %w", err)
	}
	return f, nil
}

func decodeFile(b []byte) (*File, error) {
	if len(b) > fileBytesMax {
		return nil, fmt.Errorf("%d bytes, at most %d are allowed", len(b), fileBytesMax)
	}
	r := &fileReader{all: b}
	f, err := r.front()
	if err != nil {
		return nil, err
	}
	if err := f.Check(); err != nil {
		return nil, err
	}
	for i := range f.Net.WeightList {
		t, err := r.weight(&f.Net.WeightList[i])
		if err != nil {
			return nil, fmt.Errorf("weight %d: %w", i, err)
		}
		f.Weights = append(f.Weights, t)
	}
	if r.at != len(b) {
		return nil, fmt.Errorf("%d bytes behind the end", len(b)-r.at)
	}
	return f, f.checkKernels()
}

// DecodeFront reads all of a model file but the weights, of which the first bytes suffice.
func DecodeFront(b []byte) (*File, error) {
	f, err := (&fileReader{all: b}).front()
	if err != nil {
		return nil, fmt.Errorf("model file: %w", err)
	}
	return f, nil
}

// A fileReader takes a file from the front.
type fileReader struct {
	all []byte
	at  int
}

var errCut = errors.New("cut short")

func (r *fileReader) take(n int) ([]byte, error) {
	if n < 0 || n > len(r.all)-r.at {
		return nil, errCut
	}
	r.at += n
	return r.all[r.at-n : r.at : r.at], nil
}

func (r *fileReader) part(most int) ([]byte, error) {
	b, err := r.take(4)
	if err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint32(b)
	if uint64(n) > uint64(most) {
		return nil, fmt.Errorf("a part of %d bytes, at most %d are allowed", n, most)
	}
	b, err = r.take(int(n))
	return slices.Clone(b), err // what is decoded of it may share its memory
}

func (r *fileReader) front() (*File, error) {
	head, err := r.take(len(fileMagic) + 4)
	if err != nil || string(head[:len(fileMagic)]) != fileMagic {
		return nil, errors.New("not a model file: `aiwork-node model pull` makes one of an ONNX file")
	}
	if v := binary.LittleEndian.Uint32(head[len(fileMagic):]); v != fileVersion {
		return nil, fmt.Errorf("version %d of the format, want %d", v, fileVersion)
	}
	f := &File{Model: &lower.Model{Net: &net.Net{}}}
	for _, text := range []*string{&f.Name, &f.Source, &f.Licence} {
		b, err := r.part(licenceBytesMax)
		if err != nil {
			return nil, err
		}
		*text = string(b)
	}
	return f, r.net(f.Net)
}

func (r *fileReader) net(n *net.Net) error {
	b, err := r.part(partBytesMax)
	if err != nil {
		return err
	}
	if n.Head, err = net.DecodeHead(b); err != nil {
		return fmt.Errorf("head: %w", err)
	}
	for i := range n.Weights {
		b, err := r.part(partBytesMax)
		if err != nil {
			return err
		}
		w, err := net.DecodeWeight(b)
		if err != nil {
			return fmt.Errorf("weight %d: %w", i, err)
		}
		n.WeightList = append(n.WeightList, w)
	}
	for i := range n.Ops {
		b, err := r.part(partBytesMax)
		if err != nil {
			return err
		}
		op, err := net.DecodeOp(b)
		if err != nil {
			return fmt.Errorf("operator %d: %w", i, err)
		}
		n.OpList = append(n.OpList, op)
	}
	return n.Check()
}

func (r *fileReader) weight(w *net.Weight) (*tensor.Tensor, error) {
	size := net.Count(w.Shape)
	if size > tensor.ElementsMax {
		return nil, fmt.Errorf("shape %v", w.Shape)
	}
	how, err := r.take(1)
	if err != nil {
		return nil, err
	}
	var data []byte
	switch how[0] {
	case asRaw:
		data, err = r.raw(int(size) * w.Type.Size())
	case asPalette:
		data, err = r.palette(w.Type, int(size))
	default:
		err = fmt.Errorf("encoding %d is not known", how[0])
	}
	if err != nil {
		return nil, err
	}
	t, err := lower.TensorOf(w.Type, w.Shape, data)
	if err != nil {
		return nil, err
	}
	if net.TensorRoot(w.Type, t.RawView()) != w.Root {
		return nil, errors.New("its elements are not those that the model's id stands for")
	}
	return t, nil
}

// checkKernels refuses kernels of convolutions that are not finite: a tap in the padding could be seen (AIW-2).
func (f *File) checkKernels() error {
	first := len(f.Net.Inputs)
	for i := range f.Net.OpList {
		op := &f.Net.OpList[i]
		if op.Name != "Conv" && op.Name != "ConvTranspose" || len(op.In) < 2 {
			continue
		}
		at := int(op.In[1]) - first
		if at < 0 || at >= len(f.Weights) || f.Weights[at].Type() != tensor.Float32 {
			continue
		}
		for j, v := range tensor.Values[float32](f.Weights[at]) {
			if v-v != 0 {
				return fmt.Errorf("operator %d %s: element %d of its kernel is %v; kernels must be finite", i, op.Name, j, v)
			}
		}
	}
	return nil
}

func (r *fileReader) raw(n int) ([]byte, error) {
	for r.at%alignment != 0 {
		b, err := r.take(1)
		if err != nil {
			return nil, err
		}
		if b[0] != 0 {
			return nil, errors.New("padding is not zero")
		}
	}
	return r.take(n)
}

func (r *fileReader) palette(kind net.Type, n int) ([]byte, error) {
	if kind.Size() != 4 {
		return nil, errors.New("a palette for elements that do not have four bytes")
	}
	count, err := r.take(1)
	if err != nil {
		return nil, err
	}
	colours, err := r.take(4 * (int(count[0]) + 1))
	if err != nil {
		return nil, err
	}
	places, err := r.take(n)
	if err != nil {
		return nil, err
	}
	out := make([]byte, 4*n)
	for i, p := range places {
		if int(p) > int(count[0]) {
			return nil, errors.New("an element outside its palette")
		}
		copy(out[4*i:4*i+4], colours[4*int(p):])
	}
	return out, nil
}

// WeightBytes is the size of all weights as they are computed with.
func (f *File) WeightBytes() (n uint64) {
	for _, w := range f.Net.WeightList {
		n += net.Count(w.Shape) * uint64(w.Type.Size())
	}
	return min(n, math.MaxInt64)
}
