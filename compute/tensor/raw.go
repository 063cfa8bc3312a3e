package tensor

import (
	"encoding/binary"
	"fmt"
	"math"
)

const nanBits = 0x7fc00000

// Raw gives the elements as bytes in little-endian order, every NaN as 7fc00000 (AIW-1), true as 1.
func (t *Tensor) Raw() []byte {
	out := make([]byte, t.Bytes())
	switch v := t.elements().(type) {
	case []float32:
		for i, x := range v {
			bits := math.Float32bits(x)
			if x != x {
				bits = nanBits
			}
			binary.LittleEndian.PutUint32(out[4*i:], bits)
		}
	case []uint8:
		copy(out, v)
	case []int8:
		for i, x := range v {
			out[i] = byte(x)
		}
	case []uint16:
		put16(out, v)
	case []int16:
		put16(out, v)
	case []uint32:
		put32(out, v)
	case []int32:
		put32(out, v)
	case []uint64:
		put64(out, v)
	case []int64:
		put64(out, v)
	case []bool:
		for i, x := range v {
			if x {
				out[i] = 1
			}
		}
	}
	return out
}

func put16[E uint16 | int16](out []byte, v []E) {
	for i, x := range v {
		binary.LittleEndian.PutUint16(out[2*i:], uint16(x))
	}
}

func put32[E uint32 | int32](out []byte, v []E) {
	for i, x := range v {
		binary.LittleEndian.PutUint32(out[4*i:], uint32(x))
	}
}

func put64[E uint64 | int64](out []byte, v []E) {
	for i, x := range v {
		binary.LittleEndian.PutUint64(out[8*i:], uint64(x))
	}
}

// FromRaw makes a tensor of the bytes that Raw gives. Any bytes of the right number will do: a byte other than 0 is true.
func FromRaw(kind Type, shape []int, b []byte) (*Tensor, error) {
	if err := CheckShape(shape); err != nil {
		return nil, err
	}
	if want := Count(shape) * kind.Size(); len(b) != want {
		return nil, fmt.Errorf("%d bytes of elements, want %d for %v of shape %v", len(b), want, kind, shape)
	}
	t := New(kind, shape)
	switch v := t.elements().(type) {
	case []float32:
		for i := range v {
			v[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
		}
	case []uint8:
		copy(v, b)
	case []int8:
		for i := range v {
			v[i] = int8(b[i])
		}
	case []uint16:
		get16(v, b)
	case []int16:
		get16(v, b)
	case []uint32:
		get32(v, b)
	case []int32:
		get32(v, b)
	case []uint64:
		get64(v, b)
	case []int64:
		get64(v, b)
	case []bool:
		for i := range v {
			v[i] = b[i] != 0
		}
	}
	return t, nil
}

func get16[E uint16 | int16](v []E, b []byte) {
	for i := range v {
		v[i] = E(binary.LittleEndian.Uint16(b[2*i:]))
	}
}

func get32[E uint32 | int32](v []E, b []byte) {
	for i := range v {
		v[i] = E(binary.LittleEndian.Uint32(b[4*i:]))
	}
}

func get64[E uint64 | int64](v []E, b []byte) {
	for i := range v {
		v[i] = E(binary.LittleEndian.Uint64(b[8*i:]))
	}
}
