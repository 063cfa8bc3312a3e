package speech

import (
	"encoding/binary"
	"flag"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/aiwork/aiwork-node/compute/audio"
	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/vision/visiontest"
	"github.com/aiwork/aiwork-node/internal/testutil"
)

// Recordings, and a voice made by numbers, against what Silero's own package finds in the same samples.

var dump = flag.String("dump", "", "folder to write samples to, for tools/golden/speech.mjs")

// tolerance is the greatest allowed distance of a probability.
const tolerance = 1e-4

// sounds gives those that are here: two recordings of the shared test data, and the voice always.
func sounds(t *testing.T) map[string]*audio.Sound {
	t.Helper()
	list := map[string]*audio.Sound{"voice": voice()}
	for name, file := range map[string]string{"jfk": "jfk.flac", "silero-test": "silero-test.wav"} {
		b, err := os.ReadFile(filepath.Join(filepath.Dir(testutil.Root(t)), "shared", "data", "models", file))
		if err != nil {
			t.Logf("shared test data not here: %s", file)
			continue
		}
		s, err := audio.Decode(b)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if list[name], err = s.At16000(); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
	}
	return list
}

// voice makes four seconds: silence, and a voice that says something like "a-i-u-e" twice. It is a train of
// pulses through three resonances whose frequencies glide, as a throat does it.
func voice() *audio.Sound {
	s := &audio.Sound{Rate: audio.Rate, Full: 1 << 15, Samples: make([]int32, 4*audio.Rate)}
	vowels := [][3]float32{{730, 1090, 2440}, {270, 2290, 3010}, {300, 870, 2240}, {530, 1840, 2480}}
	var y1, y2 [3]float32
	phase := float32(0)
	for i := range s.Samples {
		at := i - audio.Rate/2
		if at < 0 || at%(2*audio.Rate-4000) > audio.Rate+2000 {
			continue
		}
		at %= 2*audio.Rate - 4000
		part := float32(at) / 4500
		k := min(int(part), 3)
		mix := min(max(float32(part-float32(k))*3-2, 0), 1)
		phase += float32(118+12*kernel.Sin(float32(part)*2.1)) / audio.Rate
		x := float32(0)
		if phase >= 1 {
			phase, x = phase-1, 1
		}
		loud := kernel.Sin(min(float32(at%4500)/4500, 1)*3.1) + 0.15
		sum := float32(0)
		for j := range 3 {
			f := float32(vowels[k][j]*(1-mix)) + float32(vowels[(k+1)%4][j]*mix)
			r := kernel.Exp(-3.1415927 * float32(60+30*j) / audio.Rate)
			y := x + float32(2*r*kernel.Cos(2*3.1415927*f/audio.Rate)*y1[j]) - float32(r*r*y2[j])
			y1[j], y2[j] = y, y1[j]
			sum += float32(y / float32(1+j))
		}
		s.Samples[i] = int32(max(min(float32(loud*sum)*6000, 32767), -32767))
	}
	return s
}

type goldenSound struct {
	Segments      [][2]int  `json:"segments"`
	Probabilities []float64 `json:"probabilities"`
}

func TestGolden(t *testing.T) {
	modules := visiontest.Modules(t, "onnxref", File)
	list := sounds(t)
	if *dump != "" {
		dumpSounds(t, *dump, list)
		return
	}
	var golden struct {
		Files map[string]goldenSound `json:"files"`
	}
	visiontest.Golden(t, "testdata/golden.json", &golden)
	runner := visiontest.ONNX(t, filepath.Join(modules, File))
	for _, name := range []string{"voice", "jfk", "silero-test"} {
		s, want := list[name], golden.Files[name]
		if s == nil {
			continue
		}
		probabilities, err := Probabilities(t.Context(), runner, s.Floats())
		if err != nil {
			t.Fatal(err)
		}
		off := visiontest.Farthest(probabilities, want.Probabilities)
		var got [][2]int
		for _, segment := range DefaultOptions().Segments(probabilities, len(s.Samples)) {
			got = append(got, [2]int{segment.Start, segment.End})
		}
		t.Logf("%s: %d windows, probabilities off by %.2g, segments %v", name, len(probabilities), off, got)
		if !(off <= tolerance) {
			t.Errorf("%s: probabilities off by %.2g", name, off)
		}
		if !slices.Equal(got, want.Segments) {
			t.Errorf("%s: segments %v, want %v", name, got, want.Segments)
		}
	}
}

func dumpSounds(t *testing.T, folder string, list map[string]*audio.Sound) {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, s := range list {
		var b []byte
		for _, v := range s.Floats() {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		}
		if err := os.WriteFile(filepath.Join(folder, name+".f32"), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
