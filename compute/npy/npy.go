package npy

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/aiwork/aiwork-node/compute/tensor"
)

const (
	magic          = "\x93NUMPY"
	headerBytesMax = 4096
	alignment      = 64
)

// descriptions of element types, as NumPy writes them on little-endian machines.
func descriptions() map[string]tensor.Type {
	return map[string]tensor.Type{
		"<f4": tensor.Float32, "|u1": tensor.Uint8, "|i1": tensor.Int8, "<u2": tensor.Uint16, "<i2": tensor.Int16,
		"<u4": tensor.Uint32, "<i4": tensor.Int32, "<u8": tensor.Uint64, "<i8": tensor.Int64, "|b1": tensor.Bool,
	}
}

// Decode reads a file.
func Decode(b []byte) (*tensor.Tensor, error) {
	t, err := decode(b)
	if err != nil {
		return nil, fmt.Errorf("npy: %w", err)
	}
	return t, nil
}

func decode(b []byte) (*tensor.Tensor, error) {
	if len(b) < 12 || string(b[:6]) != magic {
		return nil, errors.New("not a .npy file")
	}
	size, from := int(binary.LittleEndian.Uint16(b[8:])), 10
	switch b[6] {
	case 1:
	case 2, 3:
		size, from = int(binary.LittleEndian.Uint32(b[8:])), 12
	default:
		return nil, fmt.Errorf("version %d is not known", b[6])
	}
	if size > headerBytesMax || size > len(b)-from {
		return nil, errors.New("the header is cut short or too long")
	}
	kind, shape, err := header(string(b[from : from+size]))
	if err != nil {
		return nil, err
	}
	data := b[from+size:]
	if kind == "<f8" {
		return doubles(shape, data)
	}
	t, known := descriptions()[kind]
	if !known {
		return nil, fmt.Errorf("elements of type %q are not supported", kind)
	}
	return tensor.FromRaw(t, shape, data)
}

// header reads Python's text of a dictionary with exactly three keys.
func header(text string) (kind string, shape []int, err error) {
	form := regexp.MustCompile(`^\{'descr': '([^']{2,3})', 'fortran_order': (True|False), 'shape': \(([0-9, ]*)\),? *\} *\n?$`)
	m := form.FindStringSubmatch(text)
	if m == nil {
		return "", nil, errors.New("the header is not what NumPy writes for a plain array")
	}
	if m[2] == "True" {
		return "", nil, errors.New("columns first (Fortran order): save numpy.ascontiguousarray(x)")
	}
	for word := range strings.SplitSeq(m[3], ",") {
		if word = strings.TrimSpace(word); word == "" {
			continue
		}
		n, err := strconv.ParseUint(word, 10, 31)
		if err != nil || len(shape) == tensor.RankMax {
			return "", nil, fmt.Errorf("shape (%s)", m[3])
		}
		shape = append(shape, int(n))
	}
	return m[1], shape, nil
}

func doubles(shape []int, data []byte) (*tensor.Tensor, error) {
	if err := tensor.CheckShape(shape); err != nil {
		return nil, err
	}
	n := tensor.Count(shape)
	if len(data) != 8*n {
		return nil, fmt.Errorf("%d bytes of elements, want %d", len(data), 8*n)
	}
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(math.Float64frombits(binary.LittleEndian.Uint64(data[8*i:])))
	}
	return tensor.Of(shape, v), nil
}

// Encode writes a file of version 1.
func Encode(t *tensor.Tensor) []byte {
	kind := ""
	for d, k := range descriptions() {
		if k == t.Type() {
			kind = d
		}
	}
	var dims strings.Builder
	for _, d := range t.Shape() {
		fmt.Fprintf(&dims, "%d, ", d)
	}
	shape := strings.TrimSuffix(dims.String(), " ") // a trailing comma makes one dimension a tuple
	if t.Rank() > 1 {
		shape = strings.TrimSuffix(shape, ",")
	}
	text := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", kind, shape)
	for (len(magic)+4+len(text)+1)%alignment != 0 {
		text += " "
	}
	var b bytes.Buffer
	b.WriteString(magic + "\x01\x00")
	b.Write(binary.LittleEndian.AppendUint16(nil, uint16(len(text)+1)))
	b.WriteString(text + "\n")
	b.Write(t.Raw())
	return b.Bytes()
}
