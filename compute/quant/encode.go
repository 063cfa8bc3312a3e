package quant

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Encode gives floats in format f, block by block, for tools and tests that make models. It rounds plainly and does
// not search for the best scales; no rule depends on it.
func Encode(f Format, v []float32) ([]byte, error) {
	if len(v)%f.superLen() != 0 {
		return nil, fmt.Errorf("%d weights in blocks of %d", len(v), f.superLen())
	}
	out := make([]byte, 0, f.rowBytes(len(v)))
	for i := 0; i < len(v); i += f.superLen() {
		out = f.encodeBlock(out, v[i:i+f.superLen()])
	}
	return out, nil
}

func (f Format) encodeBlock(out []byte, v []float32) []byte {
	le := binary.LittleEndian
	switch f {
	case F32:
		return le.AppendUint32(out, math.Float32bits(v[0]))
	case F16:
		return le.AppendUint16(out, ToHalf(v[0]))
	case BF16:
		return le.AppendUint16(out, uint16(math.Float32bits(v[0])>>16))
	case Q8_0:
		h := ToHalf(largest(v) / 127)
		out = le.AppendUint16(out, h)
		for _, x := range v {
			out = append(out, byte(whole(x, Half(h), -127, 127)))
		}
		return out
	case Q4_0:
		h := ToHalf(largest(v) / 7)
		out = le.AppendUint16(out, h)
		for i, x := range v[:16] {
			low, high := whole(x, Half(h), -8, 7)+8, whole(v[i+16], Half(h), -8, 7)+8
			out = append(out, byte(low|high<<4))
		}
		return out
	case Q4_K:
		return encodeQ4K(out, v)
	}
	return encodeQ6K(out, v)
}

func largest(v []float32) float32 {
	top := float32(0)
	for _, x := range v {
		top = max(top, x, -x)
	}
	return top
}

// whole gives x in units of d, at most within lo and hi.
func whole(x, d float32, lo, hi int) int {
	if d == 0 {
		return 0
	}
	return min(max(int(math.RoundToEven(float64(x/d))), lo), hi)
}

func encodeQ4K(out []byte, v []float32) []byte {
	var scales, mins [8]float32
	for j := range scales {
		lo, hi := float32(0), float32(0)
		for _, x := range v[32*j:][:32] {
			lo, hi = min(lo, x), max(hi, x)
		}
		scales[j], mins[j] = (hi-lo)/15, -lo
	}
	d, dmin := ToHalf(largest(scales[:])/63), ToHalf(largest(mins[:])/63)
	var packed [12]byte
	q := make([]byte, 128)
	for j := range scales {
		sc, m := whole(scales[j], Half(d), 0, 63), whole(mins[j], Half(dmin), 0, 63)
		if j < 4 {
			packed[j] |= byte(sc)
			packed[j+4] |= byte(m)
		} else {
			packed[j+4] = byte(sc&15 | m&15<<4)
			packed[j-4] |= byte(sc >> 4 << 6)
			packed[j] |= byte(m >> 4 << 6)
		}
		step, low := float32(Half(d)*float32(sc)), float32(Half(dmin)*float32(m))
		for i, x := range v[32*j:][:32] {
			q[32*(j/2)+i] |= byte(whole(x+low, step, 0, 15) << (4 * (j % 2)))
		}
	}
	out = binary.LittleEndian.AppendUint16(out, d)
	out = binary.LittleEndian.AppendUint16(out, dmin)
	return append(append(out, packed[:]...), q...)
}

func encodeQ6K(out []byte, v []float32) []byte {
	var scales [16]float32
	for j := range scales {
		scales[j] = largest(v[16*j:][:16]) / 31
	}
	d := ToHalf(largest(scales[:]) / 127)
	low, high, subs := make([]byte, 128), make([]byte, 64), make([]byte, 16)
	for j := range scales {
		sc := whole(scales[j], Half(d), -128, 127)
		subs[j] = byte(sc)
		for i, x := range v[16*j:][:16] {
			q := whole(x, float32(Half(d)*float32(sc)), -32, 31) + 32
			part, at := j/2%4, 16*(j%2)+i
			low[64*(j/8)+32*(part%2)+at] |= byte(q & 15 << (4 * (part / 2)))
			high[32*(j/8)+at] |= byte(q >> 4 << (2 * part))
		}
	}
	out = append(append(append(out, low...), high...), subs...)
	return binary.LittleEndian.AppendUint16(out, d)
}
