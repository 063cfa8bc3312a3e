package audio

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Formats of samples in a WAV file.
const (
	wavWhole    = 1
	wavFloat    = 3
	wavExtended = 0xfffe // the format stands further behind
)

// floatFull is what 1 becomes of samples that are floats.
const floatFull = 1 << 23

// A wavForm is what the chunk "fmt " says.
type wavForm struct {
	format, channels, rate, bits int
}

func decodeWAV(file []byte) (*Sound, error) {
	var form wavForm
	for rest := file[12:]; len(rest) >= 8; {
		name, size := string(rest[:4]), int(binary.LittleEndian.Uint32(rest[4:]))
		body := rest[8:]
		if name == "data" {
			if form.channels == 0 {
				return nil, broken("samples before their form")
			}
			return form.samples(body[:min(size, len(body))])
		}
		if size > len(body) {
			return nil, broken("chunk %q is cut short", name)
		}
		if name == "fmt " {
			if err := form.read(body[:size]); err != nil {
				return nil, err
			}
		}
		rest = body[min(size+size%2, len(body)):]
	}
	return nil, broken("no samples")
}

func (f *wavForm) read(b []byte) error {
	if len(b) < 16 {
		return broken("form of %d bytes", len(b))
	}
	f.format = int(binary.LittleEndian.Uint16(b))
	f.channels = int(binary.LittleEndian.Uint16(b[2:]))
	f.rate = int(binary.LittleEndian.Uint32(b[4:]))
	f.bits = int(binary.LittleEndian.Uint16(b[14:]))
	if f.format == wavExtended && len(b) >= 26 {
		f.format = int(binary.LittleEndian.Uint16(b[24:]))
	}
	switch {
	case f.format == wavFloat && f.bits == 32:
		return checkForm(f.rate, f.channels, 24)
	case f.format == wavWhole && (f.bits == 8 || f.bits == 16 || f.bits == 24):
		return checkForm(f.rate, f.channels, f.bits)
	}
	return fmt.Errorf("%w: WAV of format %d with %d bits a sample", ErrFormat, f.format, f.bits)
}

func (f *wavForm) samples(b []byte) (*Sound, error) {
	size := f.bits / 8
	n := len(b) / (size * f.channels)
	if n > SamplesMax {
		return nil, fmt.Errorf("%w: %d samples, at most %d", ErrLarge, n, SamplesMax)
	}
	s := &Sound{Rate: f.rate, Samples: make([]int32, n), Full: f.channels << (f.bits - 1)}
	if f.format == wavFloat {
		s.Full = f.channels * floatFull
	}
	for i := range s.Samples {
		for range f.channels {
			s.Samples[i] += f.sample(b)
			b = b[size:]
		}
	}
	return s, nil
}

func (f *wavForm) sample(b []byte) int32 {
	switch f.bits {
	case 8: // without a sign
		return int32(b[0]) - 128
	case 16:
		return int32(int16(binary.LittleEndian.Uint16(b)))
	case 24:
		return int32(uint32(b[0])<<8|uint32(b[1])<<16|uint32(b[2])<<24) >> 8
	}
	v := math.Float32frombits(binary.LittleEndian.Uint32(b))
	if !(v > -1) { // NaN too
		if v != v {
			return 0
		}
		v = -1
	}
	return int32(math.RoundToEven(float64(float64(min(v, 1)) * floatFull)))
}
