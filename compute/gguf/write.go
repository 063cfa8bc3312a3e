package gguf

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math"
)

// A Writer collects metadata and tensors and writes them as a file of version 3. Its zero value is ready.
// It keeps what it is given until WriteTo; nothing is checked but the sizes of tensors, which must fit.
type Writer struct {
	entries []written
	tensors []Tensor
}

// written is an entry with its value as it stands in the file.
type written struct {
	key  string
	kind Kind
	raw  []byte
}

func (w *Writer) add(key string, kind Kind, raw []byte) {
	w.entries = append(w.entries, written{key, kind, raw})
}

// Uint32 adds a number.
func (w *Writer) Uint32(key string, v uint32) {
	w.add(key, KindUint32, binary.LittleEndian.AppendUint32(nil, v))
}

// Float32 adds a float.
func (w *Writer) Float32(key string, v float32) {
	w.add(key, KindFloat32, binary.LittleEndian.AppendUint32(nil, math.Float32bits(v)))
}

// Bool adds a bool.
func (w *Writer) Bool(key string, v bool) {
	raw := []byte{0}
	if v {
		raw[0] = 1
	}
	w.add(key, KindBool, raw)
}

// Text adds a string.
func (w *Writer) Text(key, v string) { w.add(key, KindString, appendText(nil, v)) }

// Strings adds an array of strings.
func (w *Writer) Strings(key string, list []string) {
	raw := arrayHead(KindString, len(list))
	for _, s := range list {
		raw = appendText(raw, s)
	}
	w.add(key, KindArray, raw)
}

// Floats adds an array of float32.
func (w *Writer) Floats(key string, list []float32) {
	raw := arrayHead(KindFloat32, len(list))
	for _, v := range list {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
	}
	w.add(key, KindArray, raw)
}

// Int32s adds an array of int32.
func (w *Writer) Int32s(key string, list []int32) {
	raw := arrayHead(KindInt32, len(list))
	for _, v := range list {
		raw = binary.LittleEndian.AppendUint32(raw, uint32(v))
	}
	w.add(key, KindArray, raw)
}

func arrayHead(elem Kind, n int) []byte {
	return binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint32(nil, uint32(elem)), uint64(n))
}

func appendText(b []byte, s string) []byte {
	return append(binary.LittleEndian.AppendUint64(b, uint64(len(s))), s...)
}

// Tensor adds a tensor; dims count the fastest dimension first. The data is not copied.
func (w *Writer) Tensor(name string, t TensorType, dims []int, data []byte) error {
	elements, bytes, known := t.Block()
	tensor := Tensor{Name: name, Type: t, Dims: dims, Data: data}
	if !known || dims[0]%elements != 0 || tensor.Elements()/elements*bytes != len(data) {
		return fmt.Errorf("tensor %q: %d bytes for %v of %v", name, len(data), dims, t)
	}
	w.tensors = append(w.tensors, tensor)
	return nil
}

// WriteTo writes the file.
func (w *Writer) WriteTo(out io.Writer) (int64, error) {
	b := bufio.NewWriterSize(out, 1<<20)
	total := int64(0)
	put := func(p []byte) error {
		n, err := b.Write(p)
		total += int64(n)
		return err
	}
	if err := put(w.head()); err != nil {
		return total, err
	}
	zeros := make([]byte, defaultAlignment)
	for _, t := range w.tensors {
		if err := put(zeros[:padding(total)]); err != nil {
			return total, err
		}
		if err := put(t.Data); err != nil {
			return total, err
		}
	}
	return total, b.Flush()
}

func padding(at int64) int64 { return -at & (defaultAlignment - 1) }

// head gives all that stands before the tensors' bytes.
func (w *Writer) head() []byte {
	le := binary.LittleEndian
	b := le.AppendUint32([]byte(magic), 3)
	b = le.AppendUint64(b, uint64(len(w.tensors)))
	b = le.AppendUint64(b, uint64(len(w.entries)))
	for _, e := range w.entries {
		b = append(le.AppendUint32(appendText(b, e.key), uint32(e.kind)), e.raw...)
	}
	offset := int64(0)
	for _, t := range w.tensors {
		b = le.AppendUint32(appendText(b, t.Name), uint32(len(t.Dims)))
		for _, d := range t.Dims {
			b = le.AppendUint64(b, uint64(d))
		}
		offset += padding(offset)
		b = le.AppendUint64(le.AppendUint32(b, uint32(t.Type)), uint64(offset))
		offset += int64(len(t.Data))
	}
	return b
}
