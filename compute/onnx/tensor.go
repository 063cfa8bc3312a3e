package onnx

import (
	"encoding/binary"
	"fmt"

	"github.com/aiwork/aiwork-node/compute/tensor"
)

// TypeFrom gives the type of elements that the format numbers so; the ones that are not provided are
// Unsupported.
func TypeFrom(number int64) (tensor.Type, error) {
	known := [...]tensor.Type{
		1: tensor.Float32, 2: tensor.Uint8, 3: tensor.Int8, 4: tensor.Uint16, 5: tensor.Int16,
		6: tensor.Int32, 7: tensor.Int64, 9: tensor.Bool, 12: tensor.Uint32, 13: tensor.Uint64,
	}
	if number > 0 && number < int64(len(known)) && known[number] != 0 {
		return known[number], nil
	}
	names := [...]string{
		8: "string", 10: "float16", 11: "float64", 14: "complex64", 15: "complex128", 16: "bfloat16",
		17: "float8e4m3fn", 18: "float8e4m3fnuz", 19: "float8e5m2", 20: "float8e5m2fnuz",
		21: "uint4", 22: "int4", 23: "float4e2m1",
	}
	if number > 0 && number < int64(len(names)) && names[number] != "" {
		return 0, unsupported("element type %s", names[number])
	}
	return 0, fmt.Errorf("element type %d, which is none", number)
}

// NumberOf gives the number that the format has for a type.
func NumberOf(t tensor.Type) int64 {
	for n := int64(1); n < 14; n++ {
		if k, err := TypeFrom(n); err == nil && k == t {
			return n
		}
	}
	return 0
}

// A rawTensor is a TensorProto as it stands: elements in one of several fields.
type rawTensor struct {
	name  string
	kind  int64
	dims  []int64
	raw   []byte // little-endian elements
	isRaw bool
	lists [12]numbers // by the number of their field
	texts bool
}

// numbers are encoded numbers, one after the other.
type numbers struct {
	packed []byte
	count  int
}

// add appends encoded numbers; those that come in one piece are not copied.
func (l *numbers) add(b []byte, count int) {
	if l.count == 0 {
		l.packed, l.count = b[:len(b):len(b)], count
		return
	}
	l.packed, l.count = append(l.packed, b...), l.count+count
}

// tensor reads a TensorProto and its name.
func (d *decoder) tensor(f field) (t *tensor.Tensor, name string, err error) {
	if err := f.want(wireBytes); err != nil {
		return nil, "", err
	}
	var r rawTensor
	if err := eachField(f.bytes, r.field); err != nil {
		return nil, r.name, err
	}
	kind, err := TypeFrom(r.kind)
	if err != nil {
		return nil, r.name, err
	}
	shape := make([]int, len(r.dims))
	for i, n := range r.dims {
		if n < 0 || n > tensor.ElementsMax {
			return nil, r.name, fmt.Errorf("dimension %d is %d", i, n)
		}
		shape[i] = int(n)
	}
	if err := tensor.CheckShape(shape); err != nil {
		return nil, r.name, err
	}
	bytes := tensor.Count(shape) * kind.Size()
	if d.tensorBytes += bytes; d.tensorBytes > TensorBytesMax {
		return nil, r.name, fmt.Errorf("tensors of more than %d bytes in all", TensorBytesMax)
	}
	t, err = r.tensor(kind, shape)
	return t, r.name, err
}

func (r *rawTensor) field(f field) error {
	switch f.number {
	case 1:
		return addNumbers(&r.dims, f, wireVarint, tensor.RankMax, toInt)
	case 2:
		return f.setInt(&r.kind)
	case 3:
		return unsupported("a tensor in segments")
	case 4, 10:
		return r.addFixed(f)
	case 5, 7, 11:
		return r.addVarints(f)
	case 6:
		r.texts = true
	case 8:
		return f.setText(&r.name)
	case 9:
		r.isRaw = true
		return f.setBytes(&r.raw)
	case 13:
		return unsupported("a tensor whose data is in another file")
	case 14:
		if f.bits != 0 {
			return unsupported("a tensor whose data is in another file")
		}
		return f.want(wireVarint)
	}
	return nil
}

func (r *rawTensor) addFixed(f field) error {
	if f.number == 10 { // doubles, whose type is refused by its number
		return nil
	}
	l := &r.lists[f.number]
	if f.kind == wireFixed32 {
		l.packed = binary.LittleEndian.AppendUint32(l.packed, uint32(f.bits))
		l.count++
		return nil
	}
	if len(f.bytes)%4 != 0 {
		return fmt.Errorf("field %d has a length of %d, want a multiple of 4", f.number, len(f.bytes))
	}
	l.add(f.bytes, len(f.bytes)/4)
	return f.want(wireBytes)
}

func (r *rawTensor) addVarints(f field) error {
	l := &r.lists[f.number]
	if f.kind == wireVarint {
		l.packed = binary.AppendUvarint(l.packed, f.bits)
		l.count++
		return nil
	}
	if err := f.want(wireBytes); err != nil {
		return err
	}
	count := 0
	for b := f.bytes; len(b) > 0; count++ {
		var err error
		if _, b, err = uvarint(b); err != nil {
			return err
		}
	}
	l.add(f.bytes, count)
	return nil
}

// fieldOf says which field holds the elements of a type when they are not raw.
func fieldOf(kind tensor.Type) int {
	switch kind {
	case tensor.Float32:
		return 4
	case tensor.Int64:
		return 7
	case tensor.Uint32, tensor.Uint64:
		return 11
	}
	return 5
}

func (r *rawTensor) tensor(kind tensor.Type, shape []int) (*tensor.Tensor, error) {
	n := tensor.Count(shape)
	from := fieldOf(kind)
	for i := range r.lists {
		if r.lists[i].count > 0 && (r.isRaw || i != from) {
			return nil, fmt.Errorf("elements of type %v in field %d, or in two places", kind, i)
		}
	}
	if r.texts {
		return nil, fmt.Errorf("elements of type %v given as texts", kind)
	}
	if r.isRaw {
		return tensor.FromRaw(kind, shape, r.raw)
	}
	if r.lists[from].count != n {
		return nil, fmt.Errorf("%d elements, want %d for shape %v", r.lists[from].count, n, shape)
	}
	if kind == tensor.Float32 {
		return tensor.FromRaw(kind, shape, r.lists[from].packed)
	}
	return fill(kind, shape, varintReader(r.lists[from].packed)), nil
}

// varintReader gives the numbers of b, which have been read once before.
func varintReader(b []byte) func() uint64 {
	return func() uint64 {
		v, n := binary.Uvarint(b)
		b = b[n:]
		return v
	}
}

func fill(kind tensor.Type, shape []int, next func() uint64) *tensor.Tensor {
	t := tensor.New(kind, shape)
	switch kind {
	case tensor.Uint8:
		each(t, next, func(b uint64) uint8 { return uint8(b) })
	case tensor.Int8:
		each(t, next, func(b uint64) int8 { return int8(b) })
	case tensor.Uint16:
		each(t, next, func(b uint64) uint16 { return uint16(b) })
	case tensor.Int16:
		each(t, next, func(b uint64) int16 { return int16(b) })
	case tensor.Uint32:
		each(t, next, func(b uint64) uint32 { return uint32(b) })
	case tensor.Int32:
		each(t, next, func(b uint64) int32 { return int32(b) })
	case tensor.Uint64:
		each(t, next, func(b uint64) uint64 { return b })
	case tensor.Int64:
		each(t, next, toInt)
	case tensor.Bool:
		each(t, next, func(b uint64) bool { return b != 0 })
	}
	return t
}

func each[E tensor.Element](t *tensor.Tensor, next func() uint64, convert func(uint64) E) {
	v := tensor.Values[E](t)
	for i := range v {
		v[i] = convert(next())
	}
}
