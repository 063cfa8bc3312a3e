package onnx

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"unicode/utf8"
)

// The wire format of protocol buffers: a message is a list of fields, each a key (number and kind) and
// a value.

const (
	wireVarint  = 0
	wireFixed64 = 1
	wireBytes   = 2
	wireFixed32 = 5
)

// A field is one field of a message. Its value is in bits, or in bytes where the kind is wireBytes.
type field struct {
	number, kind int
	bits         uint64
	bytes        []byte
}

var (
	errShort  = errors.New("the bytes end within a field")
	errVarint = errors.New("a number has more than 64 bits")
)

func uvarint(b []byte) (v uint64, rest []byte, err error) {
	v, n := binary.Uvarint(b)
	switch {
	case n == 0:
		return 0, nil, errShort
	case n < 0:
		return 0, nil, errVarint
	}
	return v, b[n:], nil
}

// nextField reads one field.
func nextField(b []byte) (f field, rest []byte, err error) {
	key, b, err := uvarint(b)
	if err != nil {
		return field{}, nil, err
	}
	if key>>3 == 0 || key>>3 > 1<<29-1 {
		return field{}, nil, fmt.Errorf("field number %d", key>>3)
	}
	f = field{number: int(key >> 3), kind: int(key & 7)}
	switch f.kind {
	case wireVarint:
		f.bits, b, err = uvarint(b)
		return f, b, err
	case wireFixed64:
		if len(b) < 8 {
			return field{}, nil, errShort
		}
		f.bits = binary.LittleEndian.Uint64(b)
		return f, b[8:], nil
	case wireFixed32:
		if len(b) < 4 {
			return field{}, nil, errShort
		}
		f.bits = uint64(binary.LittleEndian.Uint32(b))
		return f, b[4:], nil
	case wireBytes:
		n, b, err := uvarint(b)
		if err != nil {
			return field{}, nil, err
		}
		if n > uint64(len(b)) {
			return field{}, nil, errShort
		}
		f.bytes = b[:n]
		return f, b[n:], nil
	}
	return field{}, nil, fmt.Errorf("field %d has kind %d, which is none", f.number, f.kind)
}

// eachField calls do for the fields of a message in order.
func eachField(b []byte, do func(f field) error) error {
	for len(b) > 0 {
		f, rest, err := nextField(b)
		if err != nil {
			return err
		}
		if err := do(f); err != nil {
			return err
		}
		b = rest
	}
	return nil
}

func (f field) want(kind int) error {
	if f.kind != kind {
		return fmt.Errorf("field %d has kind %d, want %d", f.number, f.kind, kind)
	}
	return nil
}

// setInt, setFloat, setText and setBytes store the value of a field that stands alone.

func (f field) setInt(to *int64) error {
	*to = int64(f.bits)
	return f.want(wireVarint)
}

func (f field) setFloat(to *float32) error {
	*to = math.Float32frombits(uint32(f.bits))
	return f.want(wireFixed32)
}

func (f field) setText(to *string) error {
	if err := f.want(wireBytes); err != nil {
		return err
	}
	if len(f.bytes) > NameBytesMax {
		return fmt.Errorf("field %d is a text of %d bytes, at most %d are allowed", f.number, len(f.bytes), NameBytesMax)
	}
	if !utf8.Valid(f.bytes) {
		return fmt.Errorf("field %d is a text that is not UTF-8", f.number)
	}
	*to = string(f.bytes)
	return nil
}

func (f field) setBytes(to *[]byte) error {
	*to = f.bytes
	return f.want(wireBytes)
}

// addNumbers appends the numbers of a repeated field, packed or single, and refuses more than most.
func addNumbers[T any](list *[]T, f field, kind int, most int, convert func(bits uint64) T) error {
	if f.kind == kind {
		if len(*list) >= most {
			return fmt.Errorf("field %d has more than %d elements", f.number, most)
		}
		*list = append(*list, convert(f.bits))
		return nil
	}
	if err := f.want(wireBytes); err != nil {
		return err
	}
	for b := f.bytes; len(b) > 0; {
		if len(*list) >= most {
			return fmt.Errorf("field %d has more than %d elements", f.number, most)
		}
		var bits uint64
		var err error
		if kind == wireFixed32 {
			if len(b) < 4 {
				return errShort
			}
			bits, b = uint64(binary.LittleEndian.Uint32(b)), b[4:]
		} else if bits, b, err = uvarint(b); err != nil {
			return err
		}
		*list = append(*list, convert(bits))
	}
	return nil
}

func toInt(bits uint64) int64     { return int64(bits) }
func toFloat(bits uint64) float32 { return math.Float32frombits(uint32(bits)) }
