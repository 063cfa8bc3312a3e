package tile

import (
	"encoding/binary"

	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/soft"
)

// Operators of language models. Their weights are the bytes of a model's file as words of eight, little-endian, the last
// filled up with zeros; an attribute says what these bytes are.

// LanguageSet is the version of the operator set from which operators of language models are known. No model file has it.
const LanguageSet = 1 << 15

// A Format is how weights are written (AIW-15), by GGUF's number of the type.
type Format uint8

// The formats.
const (
	FormatF32  Format = 0
	FormatF16  Format = 1
	FormatQ4_0 Format = 2
	FormatQ8_0 Format = 8
	FormatQ4_K Format = 12
	FormatQ6_K Format = 14
	FormatBF16 Format = 30
)

const (
	blockLen   = 32              // weights, or activations, of a block
	segmentLen = soft.SegmentLen // of a product's chain: eight blocks
	wordBytes  = 8
	weightsMax = 1 << 34 // of a tensor
)

// unit gives how many weights share how many bytes; zeros for what is no format.
func (f Format) unit() (weights, bytes int) {
	switch f {
	case FormatF32:
		return 1, 4
	case FormatF16, FormatBF16:
		return 1, 2
	case FormatQ4_0:
		return blockLen, 18
	case FormatQ8_0:
		return blockLen, 34
	case FormatQ4_K:
		return segmentLen, 144
	case FormatQ6_K:
		return segmentLen, 210
	}
	return 0, 0
}

// Quantised says whether weights are whole numbers in blocks, so that activations must be too.
func (f Format) Quantised() bool {
	n, _ := f.unit()
	return n >= blockLen
}

// Words is the number of words of so many rows of columns; 0 where rows are not whole, or there are too many.
func (f Format) Words(rows, columns int) int {
	n, bytes := f.unit()
	if n == 0 || columns%n != 0 || rows < 1 || columns < 1 || rows > weightsMax/columns {
		return 0
	}
	words := (rows*(columns/n)*bytes + wordBytes - 1) / wordBytes
	if words > elementsMax {
		return 0
	}
	return words
}

// A weighted is an input that holds weights.
type weighted struct {
	port          int
	format        Format
	rows, columns int
}

// weights reads what an attribute says of an input: format, rows, columns.
func (c *call) weights(port int, name string) (w weighted, ok bool) {
	list := c.attrs.ints(name)
	if len(list) != 3 || !c.has(port) || c.in[port].kind != net.Uint64 || list[0] < 0 || list[0] > 255 {
		return w, false
	}
	for _, n := range list[1:] {
		if n < 1 || n > elementsMax {
			return w, false
		}
	}
	w = weighted{port, Format(list[0]), int(list[1]), int(list[2])}
	words := w.format.Words(w.rows, w.columns)
	return w, words > 0 && len(c.in[port].shape) == 1 && c.in[port].shape[0] == words
}

// span gives the bytes that hold n columns of a row from one on, which begins a unit or lies within the only one that is read.
func (w weighted) span(row, column, n int) (from, bytes int) {
	unit, size := w.format.unit()
	first, last := column/unit, (column+n-1)/unit
	return (row*(w.columns/unit) + first) * size, (last - first + 1) * size
}

// read names the words of a span.
func (w weighted) read(row, column, n int, read func(port, index int)) {
	from, bytes := w.span(row, column, n)
	for i := from / wordBytes; i <= (from+bytes-1)/wordBytes; i++ {
		read(w.port, i)
	}
}

// words is how many words a span has.
func (w weighted) words(row, column, n int) int {
	from, bytes := w.span(row, column, n)
	return (from+bytes-1)/wordBytes - from/wordBytes + 1
}

// bytes gives a span's bytes of its words.
func (w weighted) bytes(row, column, n int, words []uint64) []byte {
	from, size := w.span(row, column, n)
	out := make([]byte, 0, len(words)*wordBytes)
	for _, v := range words {
		out = binary.LittleEndian.AppendUint64(out, v)
	}
	return out[from%wordBytes:][:size]
}

// at gives the weight in a column of a row, as a row that is looked up has it (AIW-15), of the words of its span.
func (w weighted) at(row, column int, words []uint64) soft.F32 {
	raw := w.bytes(row, column, 1, words)
	if !w.format.Quantised() {
		return w.format.float(raw)
	}
	unit, _ := w.format.unit()
	var b block
	w.format.block(&b, raw, column%unit/blockLen)
	i := column % blockLen
	return soft.FMA(soft.FromInt(int64(b.q[i])*int64(b.sub[i/16])), b.scale, b.min^signBit)
}

const signBit soft.F32 = 1 << 31

// float reads a weight that is a float.
func (f Format) float(raw []byte) soft.F32 {
	switch f {
	case FormatF32:
		return soft.F32(binary.LittleEndian.Uint32(raw))
	case FormatBF16:
		return soft.F32(binary.LittleEndian.Uint16(raw)) << 16
	}
	return half(raw)
}

// half reads a binary16, which is exact.
func half(raw []byte) soft.F32 {
	h := binary.LittleEndian.Uint16(raw)
	sign, exponent, fraction := soft.F32(h>>15)<<31, soft.F32(h>>10)&31, soft.F32(h)&1023
	switch exponent {
	case 0:
		return soft.Mul(soft.FromInt(int64(fraction)), 0x33800000) | sign // · 2^-24
	case 31:
		return sign | soft.Infinity | fraction<<13
	}
	return sign | (exponent+112)<<23 | fraction<<13
}

// A block is 32 weights as AIW-15 reads them.
type block struct {
	q     [blockLen]int8
	sub   [2]int32 // what the sums of the first and of the last 16 products are multiplied with
	scale soft.F32 // w
	min   soft.F32 // m
}

// block reads the j-th block of a unit.
func (f Format) block(b *block, raw []byte, j int) {
	b.sub, b.min = [2]int32{1, 1}, soft.Zero
	switch f {
	case FormatQ8_0:
		b.scale = half(raw)
		for i, v := range raw[2:] {
			b.q[i] = int8(v)
		}
	case FormatQ4_0:
		b.scale = half(raw)
		for i, v := range raw[2:] {
			b.q[i], b.q[i+16] = int8(v&15)-8, int8(v>>4)-8
		}
	case FormatQ4_K:
		b.fourBits(raw, j)
	case FormatQ6_K:
		b.sixBits(raw, j)
	}
}

func (b *block) fourBits(raw []byte, j int) {
	k := raw[4:16]
	scale, least := k[j%4]&63, k[j%4+4]&63
	if j >= 4 {
		scale, least = k[j+4]&15|k[j-4]>>6<<4, k[j+4]>>4|k[j]>>6<<4
	}
	b.scale = soft.Mul(half(raw), soft.FromInt(int64(scale)))
	b.min = soft.Mul(half(raw[2:]), soft.FromInt(int64(least)))
	for i, v := range raw[16+32*(j/2):][:blockLen] {
		b.q[i] = int8(v >> (4 * (j % 2)) & 15)
	}
}

func (b *block) sixBits(raw []byte, j int) {
	group, t := j/4, j%4
	b.scale = half(raw[208:])
	b.sub = [2]int32{int32(int8(raw[192+2*j])), int32(int8(raw[192+2*j+1]))}
	for i := range b.q {
		low := raw[64*group+32*(t%2)+i] >> (4 * (t / 2)) & 15
		high := raw[128+32*group+i] >> (2 * t) & 3
		b.q[i] = int8(low|high<<4) - 32
	}
}
