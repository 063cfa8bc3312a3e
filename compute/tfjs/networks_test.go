package tfjs

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"image"
	"image/jpeg"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/program"
	"github.com/aiwork/aiwork-node/compute/tensor"
	"github.com/aiwork/aiwork-node/internal/photos"
	"github.com/aiwork/aiwork-node/internal/testutil"
)

// The six networks that others trained, on photographs, against what their own JavaScript computes from
// the same pixels. The golden file is written by tools/golden/networks.mjs, which also brings the networks.

var dump = flag.String("dump", "", "folder to write the pixels to, for tools/golden/networks.mjs")

// A network is imported from a file below node_modules and reads pictures of size × size, whose samples v
// become (v - mean) / by.
type network struct {
	name, file string
	make       func(f *File) (*onnx.Model, error)
	size       int
	mean       [3]float64
	by         float64
	tolerance  float64
}

func networks() []network {
	const safety, faces = "nsfwjs/dist/models/", "@vladmandic/face-api/model/"
	return []network{
		{"mobilenet_v2", safety + "mobilenet_v2/model.min.js", (*File).Model, 224, [3]float64{}, 255, 2e-5},
		{"mobilenet_v2_mid", safety + "mobilenet_v2_mid/model.min.js", (*File).Model, 224, [3]float64{}, 255, 2e-5},
		{"inception_v3", safety + "inception_v3/model.min.js", (*File).Model, 299, [3]float64{}, 255, 2e-5},
		{
			"detector", faces + "ssd_mobilenetv1_model-weights_manifest.json",
			func(f *File) (*onnx.Model, error) { return FaceDetector(f.Weights) },
			512,
			[3]float64{127.5, 127.5, 127.5},
			127.5, 1e-4,
		},
		{
			"tiny", faces + "tiny_face_detector_model-weights_manifest.json",
			func(f *File) (*onnx.Model, error) { return TinyFaceDetector(f.Weights, 416) },
			416,
			[3]float64{117.001, 114.697, 97.404},
			255, 1e-4,
		},
		{
			"landmarks", faces + "face_landmark_68_model-weights_manifest.json",
			func(f *File) (*onnx.Model, error) { return FaceLandmarks(f.Weights) },
			112,
			[3]float64{122.782, 117.001, 104.298},
			255, 2e-5,
		},
		{
			"descriptor", faces + "face_recognition_model-weights_manifest.json",
			func(f *File) (*onnx.Model, error) { return FaceDescriptor(f.Weights) },
			150,
			[3]float64{122.782, 117.001, 104.298},
			255, 2e-5,
		},
	}
}

// modules is the folder that npm installs to, or the test is skipped.
func modules(t testing.TB) fs.FS {
	t.Helper()
	folder := filepath.Join(testutil.Root(t), "tools", "golden", "node_modules")
	if _, err := os.Stat(filepath.Join(folder, "@vladmandic", "face-api")); err != nil {
		testutil.Skip(t, "needs npm packages: npm ci --prefix tools/golden --ignore-scripts")
	}
	return os.DirFS(folder)
}

// pixelsOf takes a photograph's pixels at the nearest places of size × size.
func pixelsOf(t testing.TB, name string, size int) []byte {
	t.Helper()
	all := photos.All()
	at := slices.IndexFunc(all, func(p photos.Photo) bool { return p.Name == name+".jpg" })
	m, err := jpeg.Decode(bytes.NewReader(all[at].JPEG))
	if err != nil {
		t.Fatal(err)
	}
	return nearest(m, size)
}

func nearest(m image.Image, size int) (out []byte) {
	b := m.Bounds()
	for y := range size {
		for x := range size {
			r, g, bl, _ := m.At(b.Min.X+x*b.Dx()/size, b.Min.Y+y*b.Dy()/size).RGBA()
			out = append(out, byte(r>>8), byte(g>>8), byte(bl>>8))
		}
	}
	return out
}

// input makes a network's input of pixels.
func (n network) input(pixels []byte) *tensor.Tensor {
	t := tensor.New(tensor.Float32, []int{1, 3, n.size, n.size})
	v, area := tensor.Values[float32](t), n.size*n.size
	for i, p := range pixels {
		v[i%3*area+i/3] = float32((float64(p) - n.mean[i%3]) / n.by)
	}
	return t
}

func (n network) compile(t testing.TB, files fs.FS) *program.Program {
	t.Helper()
	f, err := Read(files, n.file)
	if err != nil {
		t.Fatal(err)
	}
	m, err := n.make(f)
	if err != nil {
		t.Fatalf("%s: %v", n.file, err)
	}
	again, err := onnx.DecodeModel(onnx.EncodeModel(m)) // as a file of ONNX it is the same
	if err != nil {
		t.Fatal(err)
	}
	p, err := program.Compile(again)
	if err != nil {
		t.Fatalf("%s: %v", n.file, err)
	}
	return p
}

// A goldenOutput is an output, of which every n-th element was kept.
type goldenOutput struct {
	Length int       `json:"length"`
	Every  int       `json:"every"`
	Values []float64 `json:"values"`
}

func TestNetworks(t *testing.T) {
	names := []string{"photographer", "cat"}
	if *dump != "" {
		for _, n := range networks() {
			for _, photo := range names {
				b := binary.LittleEndian.AppendUint32(nil, uint32(n.size))
				b = append(binary.LittleEndian.AppendUint32(b, uint32(n.size)), pixelsOf(t, photo, n.size)...)
				if err := os.WriteFile(filepath.Join(*dump, photo+"-"+n.name+".rgb"), b, 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}
		return
	}
	files := modules(t)
	raw, err := os.ReadFile("testdata/networks.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Backend string                    `json:"backend"`
		Cases   map[string][]goldenOutput `json:"cases"`
	}
	if err := json.Unmarshal(raw, &golden); err != nil {
		t.Fatal(err)
	}
	for _, n := range networks() {
		if testing.Short() && n.name != "descriptor" {
			continue
		}
		p := n.compile(t, files)
		for _, photo := range names {
			out, err := p.Run([]*tensor.Tensor{n.input(pixelsOf(t, photo, n.size))}, program.DefaultLimits())
			if err != nil {
				t.Fatalf("%s: %v", n.name, err)
			}
			name := photo + "-" + n.name
			got := results(n, out)
			if len(got) != len(golden.Cases[name]) {
				t.Errorf("%s: %d outputs, want %d", name, len(got), len(golden.Cases[name]))
				continue
			}
			for i, want := range golden.Cases[name] {
				compare(t, fmt.Sprintf("%s %d", name, i), got[i], want, n.tolerance)
			}
		}
	}
}

// results are the outputs as the golden file has them; a detector's boxes are made of its first and third.
func results(n network, out []*tensor.Tensor) (list [][]float32) {
	if n.name != "detector" {
		return [][]float32{tensor.Values[float32](out[0])}
	}
	places, classes, anchors := tensor.Values[float32](out[0]), tensor.Values[float32](out[1]), tensor.Values[float32](out[2])
	var boxes, scores []float32
	for i := 0; i < len(places); i += 4 {
		p, a := places[i:i+4], anchors[i:i+4]
		h, w := a[2]-a[0], a[3]-a[1]
		y, x := p[0]/10*h+a[0]+h/2, p[1]/10*w+a[1]+w/2
		h, w = kernel.Exp(p[2]/5)*h/2, kernel.Exp(p[3]/5)*w/2
		boxes = append(boxes, y-h, x-w, y+h, x+w)
		scores = append(scores, kernel.Sigmoid(classes[i/4*3+1]))
	}
	return [][]float32{boxes, scores}
}

func compare(t *testing.T, name string, got []float32, want goldenOutput, tolerance float64) {
	t.Helper()
	if len(got) != want.Length || len(want.Values) == 0 {
		t.Errorf("%s: %d elements, want %d", name, len(got), want.Length)
		return
	}
	worst, largest := 0.0, 0.0
	for i, w := range want.Values {
		worst = max(worst, math.Abs(float64(got[i*want.Every])-w))
		largest = max(largest, math.Abs(w))
	}
	if !(worst <= tolerance) {
		t.Errorf("%s: greatest distance %.3g, want at most %.3g", name, worst, tolerance)
	}
	t.Logf("%s: greatest distance over %d elements of up to %.3g: %.2g", name, len(want.Values), largest, worst)
}
