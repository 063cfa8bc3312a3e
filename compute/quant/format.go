package quant

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/aiwork/aiwork-node/compute/gguf"
	"github.com/aiwork/aiwork-node/compute/kernel"
)

// BlockLen is the number of elements of a block of activations, and of what a chain takes in one step.
const BlockLen = 32

// SegmentBlocks is the number of blocks of a segment (AIW-14): 256 elements, as in AIW-2.
const SegmentBlocks = 8

// A Format is how a matrix's weights are kept: a tensor type of GGUF that has rules here.
type Format uint8

// The formats.
const (
	F32 Format = iota + 1
	F16
	BF16
	Q8_0
	Q4_0
	Q4_K
	Q6_K
)

// FormatOf gives the format of a tensor type.
func FormatOf(t gguf.TensorType) (Format, error) {
	for f := F32; f <= Q6_K; f++ {
		if f.Type() == t {
			return f, nil
		}
	}
	return 0, &gguf.Unsupported{What: fmt.Sprintf("computing with tensors of %v (F32, F16, BF16, Q8_0, Q4_0, Q4_K and Q6_K are)", t)}
}

// Type gives the tensor type of f.
func (f Format) Type() gguf.TensorType {
	return [...]gguf.TensorType{0, gguf.F32, gguf.F16, gguf.BF16, gguf.Q8_0, gguf.Q4_0, gguf.Q4_K, gguf.Q6_K}[f]
}

func (f Format) String() string { return f.Type().String() }

// quantised says whether weights are whole numbers in blocks, so that activations must be too.
func (f Format) quantised() bool { return f >= Q8_0 }

// rowBytes gives the bytes of k weights.
func (f Format) rowBytes(k int) int {
	elements, bytes, _ := f.Type().Block()
	return k / elements * bytes
}

// superLen is the number of weights that share a block of the file.
func (f Format) superLen() int {
	elements, _, _ := f.Type().Block()
	return elements
}

// A block is BlockLen weights as AIW-15 reads them.
type block struct {
	q     [BlockLen]int8
	sub   [2]int32 // what the sums of the first and of the last 16 products are multiplied with
	scale float32  // w
	min   float32  // m, in formats with minimums
}

// readBlock gives the b-th block of a row of weights.
func (f Format) readBlock(out *block, row []byte, b int) {
	out.sub, out.min = [2]int32{1, 1}, 0
	switch f {
	case Q8_0:
		raw := row[34*b:][:34]
		out.scale = half(raw)
		for i, v := range raw[2:] {
			out.q[i] = int8(v)
		}
	case Q4_0:
		raw := row[18*b:][:18]
		out.scale = half(raw)
		for i, v := range raw[2:] {
			out.q[i], out.q[i+16] = int8(v&15)-8, int8(v>>4)-8
		}
	case Q4_K:
		readQ4K(out, row[144*(b/8):][:144], b%8)
	case Q6_K:
		readQ6K(out, row[210*(b/8):][:210], b%8)
	}
}

func half(b []byte) float32 { return Half(binary.LittleEndian.Uint16(b)) }

func readQ4K(out *block, raw []byte, j int) {
	sc, m := scaleMin(raw[4:16], j)
	out.scale = float32(half(raw) * float32(sc)) // exact: 11 + 6 bits
	out.min = float32(half(raw[2:]) * float32(m))
	shift := 4 * (j % 2)
	for i, v := range raw[16+32*(j/2):][:32] {
		out.q[i] = int8(v >> shift & 15)
	}
}

// scaleMin gives the scale and minimum of the j-th part, 6 bits each, of a Q4_K block.
func scaleMin(b []byte, j int) (scale, minimum uint8) {
	if j < 4 {
		return b[j] & 63, b[j+4] & 63
	}
	return b[j+4]&15 | b[j-4]>>6<<4, b[j+4]>>4 | b[j]>>6<<4
}

func readQ6K(out *block, raw []byte, j int) {
	low, high := raw[64*(j/4):][:64], raw[128+32*(j/4):][:32]
	out.scale = half(raw[208:])
	out.sub = [2]int32{int32(int8(raw[192+2*j])), int32(int8(raw[192+2*j+1]))}
	part := j % 4 // of 128 elements
	for i := range out.q {
		v := low[32*(part%2)+i] >> (4 * (part / 2)) & 15
		out.q[i] = int8(v|high[i]>>(2*part)&3<<4) - 32
	}
}

// floats gives k weights of a format that holds floats.
func (f Format) floats(dst []float32, raw []byte) {
	for i := range dst {
		switch f {
		case F32:
			dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
		case F16:
			dst[i] = half(raw[2*i:])
		case BF16:
			dst[i] = math.Float32frombits(uint32(binary.LittleEndian.Uint16(raw[2*i:])) << 16)
		}
	}
}

// ReadRow gives the weights of a row as floats, the form in which an embedding is looked up: w·(sub·q), and with
// minimums fma(q, w, -m), rounded once.
func (f Format) ReadRow(dst []float32, row []byte) {
	if !f.quantised() {
		f.floats(dst, row)
		return
	}
	var b block
	for i := range len(dst) / BlockLen {
		f.readBlock(&b, row, i)
		for j, q := range b.q {
			dst[BlockLen*i+j] = kernel.FMA(float32(int32(q)*b.sub[j/16]), b.scale, -b.min)
		}
	}
}
