package inference

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

const bytesDatatype = "BYTES" // only for pictures

// datatypeOf gives KServe's name of a type.
func datatypeOf(t tensor.Type) string {
	switch t {
	case tensor.Float32:
		return "FP32"
	case tensor.Bool:
		return "BOOL"
	case tensor.Uint8:
		return "UINT8"
	case tensor.Int8:
		return "INT8"
	case tensor.Uint16:
		return "UINT16"
	case tensor.Int16:
		return "INT16"
	case tensor.Uint32:
		return "UINT32"
	case tensor.Int32:
		return "INT32"
	case tensor.Uint64:
		return "UINT64"
	case tensor.Int64:
		return "INT64"
	}
	return ""
}

func datatypeOfNet(t net.Type) string {
	kind, err := onnx.TypeFrom(int64(t))
	if err != nil {
		return ""
	}
	return datatypeOf(kind)
}

func typeOfDatatype(name string) (tensor.Type, bool) {
	for t := tensor.Float32; t <= tensor.Bool; t++ {
		if datatypeOf(t) == name {
			return t, true
		}
	}
	return 0, false
}

// parseElements reads a JSON array, flat or nested as the shape is, whose syntax is in order.
func parseElements(kind tensor.Type, shape []int, raw json.RawMessage) (*tensor.Tensor, error) {
	if err := tensor.CheckShape(shape); err != nil {
		return nil, err
	}
	n := tensor.Count(shape)
	if n > len(raw) { // an element takes a byte at least
		return nil, fmt.Errorf("fewer than the %d elements of shape %v", n, shape)
	}
	t := tensor.New(kind, shape)
	e := &elements{rest: raw, shape: shape}
	switch kind {
	case tensor.Float32:
		return t, fill(e, tensor.Values[float32](t), parseFloat)
	case tensor.Bool:
		return t, fill(e, tensor.Values[bool](t), parseBool)
	case tensor.Uint8:
		return t, fill(e, tensor.Values[uint8](t), parseUint[uint8])
	case tensor.Int8:
		return t, fill(e, tensor.Values[int8](t), parseInt[int8])
	case tensor.Uint16:
		return t, fill(e, tensor.Values[uint16](t), parseUint[uint16])
	case tensor.Int16:
		return t, fill(e, tensor.Values[int16](t), parseInt[int16])
	case tensor.Uint32:
		return t, fill(e, tensor.Values[uint32](t), parseUint[uint32])
	case tensor.Int32:
		return t, fill(e, tensor.Values[int32](t), parseInt[int32])
	case tensor.Uint64:
		return t, fill(e, tensor.Values[uint64](t), parseUint[uint64])
	}
	return t, fill(e, tensor.Values[int64](t), parseInt[int64])
}

func fill[E tensor.Element](e *elements, to []E, parse func(string) (E, error)) error {
	for i := range to {
		word, err := e.next()
		if err != nil {
			return fmt.Errorf("element %d of %d: %w", i, len(to), err)
		}
		if to[i], err = parse(word); err != nil {
			return fmt.Errorf("element %d: %.40s: %w", i, word, err)
		}
	}
	return e.end()
}

// elements are the numbers of a JSON array, one by one.
type elements struct {
	rest   []byte
	shape  []int
	nested bool
	counts []int // of what is in each open array
}

var (
	errFewer = errors.New("the array has ended")
	errMore  = errors.New("more elements than the shape has")
	errForm  = errors.New("want an array of numbers, flat or nested as the shape is")
)

// next gives the next number's text.
func (e *elements) next() (string, error) {
	for {
		e.rest = bytes.TrimLeft(e.rest, ", \t\r\n")
		if len(e.rest) == 0 {
			return "", errFewer
		}
		switch e.rest[0] {
		case '[':
			if err := e.open(); err != nil {
				return "", err
			}
		case ']':
			if err := e.close(); err != nil {
				return "", err
			}
		default:
			return e.word()
		}
		e.rest = e.rest[1:]
	}
}

func (e *elements) word() (string, error) {
	depth := len(e.counts)
	if depth == 0 || e.nested && depth != len(e.shape) || e.rest[0] == '{' || e.rest[0] == '"' {
		return "", errForm
	}
	e.counts[depth-1]++
	n := bytes.IndexAny(e.rest, ",] \t\r\n")
	if n < 0 {
		return "", errForm
	}
	word := string(e.rest[:n])
	e.rest = e.rest[n:]
	return word, nil
}

func (e *elements) open() error {
	if depth := len(e.counts); depth > 0 {
		if depth >= len(e.shape) || !e.nested && e.counts[0] > 0 {
			return errForm
		}
		e.nested = true
		e.counts[depth-1]++
	}
	e.counts = append(e.counts, 0)
	return nil
}

func (e *elements) close() error {
	depth := len(e.counts)
	if depth == 0 {
		return errForm
	}
	if e.nested && e.counts[depth-1] != e.shape[depth-1] {
		return fmt.Errorf("an array of %d within shape %v", e.counts[depth-1], e.shape)
	}
	e.counts = e.counts[:depth-1]
	return nil
}

// end makes sure that nothing follows.
func (e *elements) end() error {
	_, err := e.next()
	switch {
	case err == nil:
		return errMore
	case errors.Is(err, errFewer) && len(e.counts) == 0:
		return nil
	}
	return err
}

func parseFloat(word string) (float32, error) {
	v, err := strconv.ParseFloat(word, 32)
	if err != nil {
		return 0, errors.New("no FP32")
	}
	return float32(v), nil
}

func parseBool(word string) (bool, error) {
	if word != "true" && word != "false" {
		return false, errors.New("want true or false")
	}
	return word == "true", nil
}

func parseInt[E int8 | int16 | int32 | int64](word string) (E, error) {
	v, err := strconv.ParseInt(word, 10, 64)
	if err != nil || int64(E(v)) != v {
		return 0, errors.New("no whole number of this type")
	}
	return E(v), nil
}

func parseUint[E uint8 | uint16 | uint32 | uint64](word string) (E, error) {
	v, err := strconv.ParseUint(word, 10, 64)
	if err != nil || uint64(E(v)) != v {
		return 0, errors.New("no whole number of this type")
	}
	return E(v), nil
}

var errNotJSON = errors.New("the output holds values that JSON does not have (not a number, or infinite): ask for binary_data")

// appendElements writes a tensor's elements as a flat JSON array.
func appendElements(b []byte, t *tensor.Tensor) ([]byte, error) {
	b = append(b, '[')
	switch t.Type() {
	case tensor.Float32:
		for i, v := range tensor.Values[float32](t) {
			if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
				return nil, errNotJSON
			}
			b = strconv.AppendFloat(comma(b, i), float64(v), 'g', -1, 32)
		}
	case tensor.Bool:
		for i, v := range tensor.Values[bool](t) {
			b = strconv.AppendBool(comma(b, i), v)
		}
	case tensor.Uint64:
		for i, v := range tensor.Values[uint64](t) {
			b = strconv.AppendUint(comma(b, i), v, 10)
		}
	default:
		for i, v := range t.Ints() {
			b = strconv.AppendInt(comma(b, i), v, 10)
		}
	}
	return append(b, ']'), nil
}

func comma(b []byte, i int) []byte {
	if i > 0 {
		b = append(b, ',')
	}
	return b
}
