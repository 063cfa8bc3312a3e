package tfjs

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/tensor"
)

// Limits of files (TFJS-5).
const (
	FileBytesMax   = 1 << 28
	WeightBytesMax = 1 << 30 // of all weights, as float32
	WeightsMax     = 1 << 16
	shardsMax      = 1 << 12
)

// Weights are the named arrays of a network.
type Weights struct {
	byName map[string]*weight
}

// A weight is an array as it lies in the file.
type weight struct {
	shape []int
	float bool // its elements stand for float32, not for whole numbers or truths
	raw   []byte
	code  coding
	scale float32
	min   float32
	used  bool
}

// A coding says how elements are written.
type coding uint8

const (
	codeFloat32 coding = iota
	codeFloat16
	codeUint8
	codeUint16
)

func (c coding) size() int {
	switch c {
	case codeFloat32:
		return 4
	case codeUint8:
		return 1
	}
	return 2
}

// cut takes the weights that a group of a manifest lists off its bytes.
func (w *Weights) cut(list *value, raw []byte) error {
	for _, entry := range list.list {
		name := entry.get("name").text
		if len(w.byName) >= WeightsMax {
			return fmt.Errorf("more than %d weights", WeightsMax)
		}
		if _, twice := w.byName[name]; twice || name == "" {
			return fmt.Errorf("a weight without a name, or two named %q", name)
		}
		one, err := readWeight(entry)
		if err != nil {
			return fmt.Errorf("weight %q: %w", name, err)
		}
		size := tensor.Count(one.shape) * one.code.size()
		if size > len(raw) {
			return fmt.Errorf("weight %q: %d bytes, %d are left in the file", name, size, len(raw))
		}
		one.raw, raw = raw[:size], raw[size:]
		w.byName[name] = one
	}
	if len(raw) > 0 {
		return fmt.Errorf("%d bytes behind the last weight", len(raw))
	}
	return nil
}

// readWeight reads a weight's entry in the manifest.
func readWeight(entry *value) (*weight, error) {
	shape, ok := entry.get("shape").wholes()
	if !ok {
		return nil, fmt.Errorf("no shape")
	}
	if err := tensor.CheckShape(shape); err != nil {
		return nil, err
	}
	w := &weight{shape: shape}
	switch dtype := entry.get("dtype").text; dtype {
	case "float32":
		w.float = true
	case "int32": // read over; four bytes unless quantised
	default:
		return nil, fmt.Errorf("element type %q", dtype)
	}
	q := entry.get("quantization")
	if q.kind == kindNull {
		return w, nil
	}
	switch dtype := q.get("dtype").text; dtype {
	case "float16":
		w.code = codeFloat16
		return w, nil
	case "uint8":
		w.code = codeUint8
	case "uint16":
		w.code = codeUint16
	default:
		return nil, fmt.Errorf("quantised to %q", dtype)
	}
	scale, low := q.get("scale"), q.get("min")
	if scale.kind != kindNumber || low.kind != kindNumber {
		return nil, fmt.Errorf("quantised without scale or min")
	}
	w.scale, w.min = float32(scale.number), float32(low.number)
	return w, nil
}

// values gives a weight's elements as float32 (TFJS-1).
func (w *weight) values() ([]float32, error) {
	if !w.float {
		return nil, fmt.Errorf("its elements are no floats")
	}
	out := make([]float32, tensor.Count(w.shape))
	for i := range out {
		switch w.code {
		case codeFloat32:
			out[i] = math.Float32frombits(binary.LittleEndian.Uint32(w.raw[4*i:]))
		case codeFloat16:
			out[i] = half(binary.LittleEndian.Uint16(w.raw[2*i:]))
		case codeUint8:
			out[i] = kernel.FMA(float32(w.raw[i]), w.scale, w.min)
		case codeUint16:
			out[i] = kernel.FMA(float32(binary.LittleEndian.Uint16(w.raw[2*i:])), w.scale, w.min)
		}
		if bits := math.Float32bits(out[i]); bits>>23&0xff == 0xff {
			return nil, fmt.Errorf("element %d is not finite", i)
		}
	}
	return out, nil
}

// half converts a float16, exactly.
func half(h uint16) float32 {
	sign, exponent, fraction := uint32(h>>15)<<31, uint32(h>>10&31), uint32(h&1023)
	switch exponent {
	case 0: // a whole number of 2^-24
		v := float32(fraction) / (1 << 24)
		return math.Float32frombits(math.Float32bits(v) | sign)
	case 31:
		return math.Float32frombits(sign | 0xff<<23 | fraction<<13)
	}
	return math.Float32frombits(sign | (exponent+127-15)<<23 | fraction<<13)
}
