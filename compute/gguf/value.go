package gguf

import (
	"encoding/binary"
	"math"
)

// A Value is one value of metadata. Its methods say false where it is of another kind or does not fit, or is the zero
// Value that stands for one that is missing.
type Value struct {
	Kind Kind
	Elem Kind // of an array
	Len  int  // of an array
	raw  []byte
}

// Value finds a value of metadata by its key.
func (f *File) Value(key string) (Value, bool) {
	i, ok := f.entries[key]
	if !ok {
		return Value{}, false
	}
	return f.Entries[i].Value, true
}

// Int gives the value of any whole kind.
func (v Value) Int() (int64, bool) {
	b := v.raw
	if len(b) == 0 {
		return 0, false
	}
	switch v.Kind {
	case KindUint8:
		return int64(b[0]), true
	case KindInt8:
		return int64(int8(b[0])), true
	case KindUint16:
		return int64(binary.LittleEndian.Uint16(b)), true
	case KindInt16:
		return int64(int16(binary.LittleEndian.Uint16(b))), true
	case KindUint32:
		return int64(binary.LittleEndian.Uint32(b)), true
	case KindInt32:
		return int64(int32(binary.LittleEndian.Uint32(b))), true
	case KindUint64:
		n := binary.LittleEndian.Uint64(b)
		return int64(n), n <= math.MaxInt64
	case KindInt64:
		return int64(binary.LittleEndian.Uint64(b)), true
	}
	return 0, false
}

// Uint gives the value of any whole kind that is not negative.
func (v Value) Uint() (uint64, bool) {
	if v.Kind == KindUint64 {
		return binary.LittleEndian.Uint64(v.raw), true
	}
	n, ok := v.Int()
	return uint64(n), ok && n >= 0
}

// Float32 gives the value of a float32, or of a float64 rounded.
func (v Value) Float32() (float32, bool) {
	switch v.Kind {
	case KindFloat32:
		return math.Float32frombits(binary.LittleEndian.Uint32(v.raw)), true
	case KindFloat64:
		return float32(math.Float64frombits(binary.LittleEndian.Uint64(v.raw))), true
	}
	return 0, false
}

// Bool gives the value of a bool.
func (v Value) Bool() (value, ok bool) {
	if v.Kind != KindBool {
		return false, false
	}
	return v.raw[0] == 1, true
}

// Text gives the value of a string.
func (v Value) Text() (string, bool) {
	if v.Kind != KindString {
		return "", false
	}
	return string(v.raw), true
}

// Strings gives an array of strings.
func (v Value) Strings() ([]string, bool) {
	if v.Kind != KindArray || v.Elem != KindString {
		return nil, false
	}
	list, rest := make([]string, v.Len), v.raw
	for i := range list {
		n := binary.LittleEndian.Uint64(rest)
		list[i], rest = string(rest[8:8+n]), rest[8+n:]
	}
	return list, true
}

// Floats gives an array of float32.
func (v Value) Floats() ([]float32, bool) {
	if v.Kind != KindArray || v.Elem != KindFloat32 {
		return nil, false
	}
	list := make([]float32, v.Len)
	for i := range list {
		list[i] = math.Float32frombits(binary.LittleEndian.Uint32(v.raw[4*i:]))
	}
	return list, true
}

// Ints gives an array of any whole kind.
func (v Value) Ints() ([]int64, bool) {
	size := v.Elem.size()
	if v.Kind != KindArray || size == 0 {
		return nil, false
	}
	list := make([]int64, v.Len)
	for i := range list {
		n, ok := Value{Kind: v.Elem, raw: v.raw[i*size : (i+1)*size]}.Int()
		if !ok {
			return nil, false
		}
		list[i] = n
	}
	return list, true
}

// Uint finds a whole number that is not negative by its key.
func (f *File) Uint(key string) (uint64, bool) {
	v, ok := f.Value(key)
	if !ok {
		return 0, false
	}
	return v.Uint()
}

// Float32 finds a float by its key.
func (f *File) Float32(key string) (float32, bool) {
	v, ok := f.Value(key)
	if !ok {
		return 0, false
	}
	return v.Float32()
}

// Bool finds a bool by its key.
func (f *File) Bool(key string) (value, ok bool) {
	v, ok := f.Value(key)
	if !ok {
		return false, false
	}
	return v.Bool()
}

// String finds a string by its key.
func (f *File) String(key string) (string, bool) {
	v, ok := f.Value(key)
	if !ok {
		return "", false
	}
	return v.Text()
}
