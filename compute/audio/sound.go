package audio

import (
	"errors"
	"fmt"
)

// Limits of a sound.
const (
	FileBytesMax = 1 << 28
	SamplesMax   = 1 << 26 // of one channel
	ChannelsMax  = 8
	rateMin      = 8000
	rateMax      = 192000
)

// A Sound is a recording: at each moment the sum of all channels, of which Full is the loudest.
type Sound struct {
	Rate    int // samples a second
	Samples []int32
	Full    int
}

// Errors of Decode, to be compared with errors.Is.
var (
	ErrFormat = errors.New("neither a WAV nor a FLAC file")
	ErrBroken = errors.New("the file is damaged or cut short")
	ErrLarge  = errors.New("the sound is too long or has too many channels")
	ErrRate   = errors.New("this number of samples a second is not provided")
)

// Decode reads a WAV or FLAC file.
func Decode(file []byte) (*Sound, error) {
	switch {
	case len(file) > FileBytesMax:
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrLarge, len(file), FileBytesMax)
	case len(file) >= 12 && string(file[:4]) == "RIFF" && string(file[8:12]) == "WAVE":
		return decodeWAV(file)
	case len(file) >= 4 && string(file[:4]) == "fLaC":
		return decodeFLAC(file)
	}
	return nil, ErrFormat
}

func broken(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrBroken, fmt.Sprintf(format, args...))
}

// checkForm refuses what is beyond the limits.
func checkForm(rate, channels, bits int) error {
	switch {
	case channels < 1 || channels > ChannelsMax:
		return fmt.Errorf("%w: %d channels", ErrLarge, channels)
	case rate < rateMin || rate > rateMax:
		return fmt.Errorf("%w: %d", ErrRate, rate)
	case bits < 4 || bits > 24:
		return broken("%d bits a sample, want 4 to 24", bits)
	}
	return nil
}

// Floats gives the samples as parts of full scale, from -1 to 1.
func (s *Sound) Floats() []float32 {
	out := make([]float32, len(s.Samples))
	full := float32(s.Full)
	for i, v := range s.Samples {
		out[i] = float32(v) / full
	}
	return out
}
