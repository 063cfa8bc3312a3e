package tensor

import (
	"fmt"
	"slices"

	"github.com/aiwork/aiwork-node/internal/must"
)

// Limits of a shape.
const (
	RankMax     = 8
	ElementsMax = 1 << 28
)

// A Type is the type of a tensor's elements. Zero is no type.
type Type uint8

// The types. Values are for this process only and never stored.
const (
	Float32 Type = iota + 1
	Uint8
	Int8
	Uint16
	Int16
	Uint32
	Int32
	Uint64
	Int64
	Bool
)

// String names t as it stands in messages.
func (t Type) String() string {
	names := [...]string{
		"none", "float32", "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "bool",
	}
	if int(t) < len(names) {
		return names[t]
	}
	return fmt.Sprintf("type(%d)", uint8(t))
}

// Size is the number of bytes of one element.
func (t Type) Size() int {
	switch t {
	case Uint8, Int8, Bool:
		return 1
	case Uint16, Int16:
		return 2
	case Float32, Uint32, Int32:
		return 4
	}
	return 8
}

// An Integer is an element that is a whole number.
type Integer interface {
	uint8 | int8 | uint16 | int16 | uint32 | int32 | uint64 | int64
}

// A Number is an element that can be added.
type Number interface{ float32 | Integer }

// An Element is anything a tensor may hold.
type Element interface{ Number | bool }

// A Tensor is a dense array. See the package comment.
type Tensor struct {
	kind  Type
	shape []int
	data  any // a slice of the element type, or a *later
	base  *Tensor
}

// TypeOf gives the Type of Go's type E.
func TypeOf[E Element]() Type {
	var zero E
	switch any(zero).(type) {
	case float32:
		return Float32
	case uint8:
		return Uint8
	case int8:
		return Int8
	case uint16:
		return Uint16
	case int16:
		return Int16
	case uint32:
		return Uint32
	case int32:
		return Int32
	case uint64:
		return Uint64
	case int64:
		return Int64
	}
	return Bool
}

// Of makes a tensor that owns data. The shape must have been checked and must fit.
func Of[E Element](shape []int, data []E) *Tensor {
	must.Hold(Count(shape) == len(data), "a tensor's shape does not fit its elements")
	return &Tensor{kind: TypeOf[E](), shape: slices.Clone(shape), data: data}
}

// Scalar makes a tensor without dimensions.
func Scalar[E Element](v E) *Tensor { return Of(nil, []E{v}) }

// New makes a tensor of zeros. The shape must have been checked.
func New(kind Type, shape []int) *Tensor {
	n := Count(shape)
	switch kind {
	case Float32:
		return Of(shape, make([]float32, n))
	case Uint8:
		return Of(shape, make([]uint8, n))
	case Int8:
		return Of(shape, make([]int8, n))
	case Uint16:
		return Of(shape, make([]uint16, n))
	case Int16:
		return Of(shape, make([]int16, n))
	case Uint32:
		return Of(shape, make([]uint32, n))
	case Int32:
		return Of(shape, make([]int32, n))
	case Uint64:
		return Of(shape, make([]uint64, n))
	case Int64:
		return Of(shape, make([]int64, n))
	}
	must.Hold(kind == Bool, "a tensor of no type")
	return Of(shape, make([]bool, n))
}

// Values gives t's elements; E must be their type. The slice is t's own.
func Values[E Element](t *Tensor) []E {
	v, ok := t.elements().([]E)
	must.Hold(ok, "a tensor's elements are taken for another type")
	return v
}

// Type is the type of t's elements.
func (t *Tensor) Type() Type { return t.kind }

// Shape gives t's dimensions. The slice is t's own and must not be changed.
func (t *Tensor) Shape() []int { return t.shape }

// Rank is the number of dimensions.
func (t *Tensor) Rank() int { return len(t.shape) }

// Len is the number of elements.
func (t *Tensor) Len() int { return Count(t.shape) }

// Bytes is the size of the elements.
func (t *Tensor) Bytes() int { return t.Len() * t.kind.Size() }

// View gives t's elements under another shape of as many elements.
func (t *Tensor) View(shape []int) *Tensor {
	must.Hold(Count(shape) == t.Len(), "a view of another size")
	return &Tensor{kind: t.kind, shape: slices.Clone(shape), data: t.data, base: t.Base()}
}

// Base is the tensor that owns t's elements; it may be t.
func (t *Tensor) Base() *Tensor {
	if t.base != nil {
		return t.base
	}
	return t
}

// Pick sets each element i of t to from's element at[i], or to zero where at[i] is negative.
// Both are of one type. A nil at means all elements in order.
func (t *Tensor) Pick(from *Tensor, at []int32) {
	switch dst := t.elements().(type) {
	case []float32:
		pick(dst, Values[float32](from), at)
	case []uint8:
		pick(dst, Values[uint8](from), at)
	case []int8:
		pick(dst, Values[int8](from), at)
	case []uint16:
		pick(dst, Values[uint16](from), at)
	case []int16:
		pick(dst, Values[int16](from), at)
	case []uint32:
		pick(dst, Values[uint32](from), at)
	case []int32:
		pick(dst, Values[int32](from), at)
	case []uint64:
		pick(dst, Values[uint64](from), at)
	case []int64:
		pick(dst, Values[int64](from), at)
	case []bool:
		pick(dst, Values[bool](from), at)
	}
}

func pick[E Element](dst, src []E, at []int32) {
	if at == nil {
		copy(dst, src)
		return
	}
	for i, a := range at {
		if a >= 0 {
			dst[i] = src[a]
		}
	}
}

// Put is Pick the other way: it sets t's element at[i] to from's element i.
func (t *Tensor) Put(from *Tensor, at []int32) {
	switch dst := t.elements().(type) {
	case []float32:
		put(dst, Values[float32](from), at)
	case []uint8:
		put(dst, Values[uint8](from), at)
	case []int8:
		put(dst, Values[int8](from), at)
	case []uint16:
		put(dst, Values[uint16](from), at)
	case []int16:
		put(dst, Values[int16](from), at)
	case []uint32:
		put(dst, Values[uint32](from), at)
	case []int32:
		put(dst, Values[int32](from), at)
	case []uint64:
		put(dst, Values[uint64](from), at)
	case []int64:
		put(dst, Values[int64](from), at)
	case []bool:
		put(dst, Values[bool](from), at)
	}
}

func put[E Element](dst, src []E, at []int32) {
	for i, a := range at {
		dst[a] = src[i]
	}
}

// Ints gives the elements of a tensor of whole numbers as int64; uint64 wraps.
func (t *Tensor) Ints() []int64 {
	switch v := t.elements().(type) {
	case []int64:
		return v
	case []int32:
		return widen(v)
	case []int16:
		return widen(v)
	case []int8:
		return widen(v)
	case []uint8:
		return widen(v)
	case []uint16:
		return widen(v)
	case []uint32:
		return widen(v)
	case []uint64:
		return widen(v)
	}
	must.Hold(false, "a tensor's elements are taken for whole numbers")
	return nil
}

func widen[E Integer](v []E) []int64 {
	out := make([]int64, len(v))
	for i, x := range v {
		out[i] = int64(x)
	}
	return out
}
