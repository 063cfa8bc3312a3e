package audio

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aiwork/aiwork-node/internal/testutil"
)

// Files that the program "flac" 1.4.2 wrote of the WAV files that wav makes here, WAV files of every form,
// and the resampler against what the same tone is at the other rate.

// tones is a sound of some channels: two tones each, a click, silence at the end.
func tones(channels, bits, n int) [][]int32 {
	out := make([][]int32, n)
	full := float64(int(1) << (bits - 1))
	for i := range out {
		for c := range channels {
			v := 0.5*math.Sin(float64(i)*0.02*float64(c+1)) + 0.3*math.Sin(float64(i)*0.3)
			if i > n*3/4 {
				v = 0
			}
			if i == n/2 {
				v = 0.999
			}
			out[i] = append(out[i], int32(v*full))
		}
	}
	return out
}

// wav writes samples as a WAV file of whole numbers.
func wav(samples [][]int32, rate, bits int) []byte {
	var data []byte
	for _, moment := range samples {
		for _, v := range moment {
			if bits == 8 {
				v += 128
			}
			for i := 0; i < bits; i += 8 {
				data = append(data, byte(v>>i))
			}
		}
	}
	return wavOf(1, len(samples[0]), rate, bits, data)
}

func wavOf(format, channels, rate, bits int, data []byte) []byte {
	size := channels * bits / 8
	b := append([]byte("RIFF"), 0, 0, 0, 0)
	b = append(b, "WAVEodd \x03\x00\x00\x00abc\x00fmt \x10\x00\x00\x00"...) // a chunk of no interest, of odd length
	b = binary.LittleEndian.AppendUint16(b, uint16(format))
	b = binary.LittleEndian.AppendUint16(b, uint16(channels))
	b = binary.LittleEndian.AppendUint32(b, uint32(rate))
	b = binary.LittleEndian.AppendUint32(b, uint32(rate*size))
	b = binary.LittleEndian.AppendUint16(b, uint16(size))
	b = binary.LittleEndian.AppendUint16(b, uint16(bits))
	b = append(b, "data"...)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(data)))
	b = append(b, data...)
	binary.LittleEndian.PutUint32(b[4:], uint32(len(b)-8))
	return b
}

// A form is a sound that lies in testdata as FLAC.
type form struct {
	name                 string
	channels, bits, rate int
	length               int
}

// The files were made by: AIWORK_DUMP=DIR go test ./compute/audio -run TestFLAC; flac OPTIONS DIR/NAME.wav
func forms() []form {
	return []form{
		{"mono16", 1, 16, 16000, 3000},   // flac -8: prediction
		{"stereo16", 2, 16, 44100, 3000}, // flac -5: middle and side
		{"fast24", 2, 24, 48000, 1500},   // flac -0: fixed prediction
		{"mono8", 1, 8, 8000, 3000},      // flac -8 -b 500
	}
}

func TestFLAC(t *testing.T) {
	for _, f := range forms() {
		samples := tones(f.channels, f.bits, f.length)
		if folder := os.Getenv("AIWORK_DUMP"); folder != "" {
			if err := os.WriteFile(filepath.Join(folder, f.name+".wav"), wav(samples, f.rate, f.bits), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		file, err := os.ReadFile(filepath.Join("testdata", f.name+".flac"))
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range [][]byte{file, wav(samples, f.rate, f.bits)} {
			s, err := Decode(b)
			if err != nil {
				t.Errorf("%s: %v", f.name, err)
				continue
			}
			checkSound(t, f, s, samples)
		}
	}
}

func checkSound(t *testing.T, f form, s *Sound, samples [][]int32) {
	t.Helper()
	if s.Rate != f.rate || s.Full != f.channels<<(f.bits-1) || len(s.Samples) != len(samples) {
		t.Errorf("%s: rate %d, full scale %d, %d samples", f.name, s.Rate, s.Full, len(s.Samples))
		return
	}
	for i, moment := range samples {
		sum := int32(0)
		for _, v := range moment {
			sum += v
		}
		if s.Samples[i] != sum {
			t.Errorf("%s: sample %d is %d, want %d", f.name, i, s.Samples[i], sum)
			return
		}
	}
}

// Any one bit that is turned over is found, or the sound is what it was.
func TestFLACDamaged(t *testing.T) {
	file, err := os.ReadFile("testdata/mono8.flac")
	if err != nil {
		t.Fatal(err)
	}
	want, err := Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for bit := 0; bit < 8*len(file); bit += 7 {
		b := bytes.Clone(file)
		b[bit/8] ^= 1 << (bit % 8)
		got, err := Decode(b)
		if err != nil {
			found++
			continue
		}
		if !slices.Equal(got.Samples, want.Samples) && bit/8 >= 42 { // behind the stream's information
			t.Errorf("bit %d: other samples without an error", bit)
		}
	}
	if found < len(file)/2 {
		t.Errorf("%d of %d damages found", found, 8*len(file)/7)
	}
	for n := range len(file) {
		if _, err := Decode(file[:n]); err == nil {
			t.Errorf("cut to %d bytes: no error", n)
		}
	}
}

func TestWAVOfFloats(t *testing.T) {
	var data []byte
	for _, v := range []float32{0, 1, -1, 2, -2, 0.5, float32(math.NaN()), -1.5 / floatFull} {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
	}
	s, err := Decode(wavOf(3, 1, 16000, 32, data))
	if want := []int32{0, floatFull, -floatFull, floatFull, -floatFull, floatFull / 2, 0, -2}; err != nil || !slices.Equal(s.Samples, want) {
		t.Errorf("got %v, %v, want %v", s, err, want)
	}
}

func TestRefused(t *testing.T) {
	cases := []struct {
		file []byte
		want error
	}{
		{[]byte("OggS"), ErrFormat},
		{wavOf(2, 1, 16000, 4, nil), ErrFormat},
		{wavOf(1, 0, 16000, 16, nil), ErrLarge},
		{wavOf(1, 9, 16000, 16, nil), ErrLarge},
		{wavOf(1, 1, 4000, 16, nil), ErrRate},
		{wavOf(1, 1, 16000, 16, nil)[:20], ErrBroken},
		{[]byte("fLaC\x80\x00\x00\x22"), ErrBroken},
	}
	for i, c := range cases {
		if _, err := Decode(c.file); !errors.Is(err, c.want) {
			t.Errorf("case %d: got %v, want %v", i, err, c.want)
		}
	}
	if _, err := (&Sound{Rate: 44101}).At16000(); !errors.Is(err, ErrRate) {
		t.Errorf("rate 44101: got %v", err)
	}
}

// A tone below the new half rate is the same tone, one above is gone, a constant stays what it is.
func TestResample(t *testing.T) {
	for _, rate := range []int{8000, 11025, 22050, 32000, 44100, 48000, 96000} {
		tone := func(hertz float64) *Sound {
			s := &Sound{Rate: rate, Full: 1 << 23, Samples: make([]int32, rate/4)}
			for i := range s.Samples {
				s.Samples[i] = int32(math.Round(4e6 * math.Sin(2*math.Pi*hertz*float64(i)/float64(rate))))
			}
			return s
		}
		worst := func(hertz float64, want func(i int) float64) float64 {
			r, err := tone(hertz).At16000()
			if err != nil {
				t.Fatal(err)
			}
			if got, want := len(r.Samples), 4000; got < want || got > want+1 {
				t.Errorf("%d: %d samples, want %d", rate, got, want)
			}
			far := 0.0
			for i := 500; i < 3500; i++ {
				far = max(far, math.Abs(float64(r.Samples[i])-want(i))/4e6)
			}
			return far
		}
		low := worst(1000, func(i int) float64 { return 4e6 * math.Sin(2*math.Pi*1000*float64(i)/Rate) })
		if low > 2e-4 {
			t.Errorf("%d: a tone of 1 kHz is off by %.2g", rate, low)
		}
		high := 0.0
		if rate > 20000 {
			if high = worst(9000, func(int) float64 { return 0 }); high > 5e-4 {
				t.Errorf("%d: %.2g of a tone of 9 kHz is left", rate, high)
			}
		}
		t.Logf("%d: 1 kHz off by %.2g, 9 kHz leaves %.2g", rate, low, high)
		flat := &Sound{Rate: rate, Full: 1 << 15, Samples: slices.Repeat([]int32{-12345}, rate/4)}
		r, err := flat.At16000()
		if err != nil || slices.Max(r.Samples[200:3800]) != -12345 || slices.Min(r.Samples[200:3800]) != -12345 {
			t.Errorf("%d: a constant does not stay one: %v", rate, err)
		}
	}
}

// The weights are part of what is verified: one changed digest is another protocol.
func TestConformance(t *testing.T) {
	var got strings.Builder
	for _, rate := range []int{8000, 11025, 22050, 32000, 44100, 48000} {
		g := divisor(rate, Rate)
		h := sha256.New()
		for phase := range Rate / g {
			for _, w := range weights(phase, Rate/g, rate/g) {
				h.Write(binary.LittleEndian.AppendUint64(nil, uint64(w)))
			}
		}
		fmt.Fprintf(&got, "weights %d %x\n", rate, h.Sum(nil))
	}
	want, err := os.ReadFile("testdata/conformance.txt")
	if err != nil || string(want) != got.String() {
		t.Errorf("%v; got\n%swant\n%s", err, got.String(), want)
	}
}

func TestSharedRecording(t *testing.T) {
	b, err := os.ReadFile(testutil.Shared(t, "data", "models", "jfk.flac"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := Decode(b) // compares the checksum of all samples
	if err != nil {
		t.Fatal(err)
	}
	if s.Rate != 44100 || len(s.Samples) != 485100 || s.Full != 1<<24 {
		t.Errorf("rate %d, %d samples, full scale %d", s.Rate, len(s.Samples), s.Full)
	}
}

func FuzzDecode(f *testing.F) {
	for _, one := range forms() {
		file, err := os.ReadFile(filepath.Join("testdata", one.name+".flac"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(file)
		f.Add(wav(tones(one.channels, one.bits, 20), one.rate, one.bits))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		s, err := Decode(file)
		if err != nil {
			return
		}
		for i, v := range s.Floats() {
			if !(v >= -1 && v <= 1) {
				t.Fatalf("sample %d is %v", i, v)
			}
		}
	})
}
