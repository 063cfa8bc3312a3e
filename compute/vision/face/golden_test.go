package face

import (
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/tfjs"
	"github.com/aiwork/aiwork-node/compute/vision/visiontest"
)

// The sample photographs of face-api, which come with its package, against what it says of them itself.

var dump = flag.String("dump", "", "folder to write the pixels to, for tools/golden/tasks.mjs")

// Greatest allowed distances from face-api's own numbers.
const (
	boxTolerance        = 0.01 // pixels of pictures 1920 wide
	scoreTolerance      = 1e-4
	descriptorTolerance = 2e-5
)

type goldenFace struct {
	Box        []float64 `json:"box"`
	Aligned    []float64 `json:"aligned"`
	Score      float64   `json:"score"`
	Descriptor []float64 `json:"descriptor"`
}

type goldenPhoto struct {
	Faces, Tiny []goldenFace
}

func sample(t *testing.T, modules string, i int) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(modules, "@vladmandic", "face-api", "demo", fmt.Sprintf("sample%d.jpg", i)))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestGolden(t *testing.T) {
	modules := visiontest.Modules(t, "golden", DetectorFile)
	if *dump != "" {
		for i := 1; i <= 6; i++ {
			visiontest.DumpPixels(t, *dump, fmt.Sprintf("sample%d", i), visiontest.Picture(t, sample(t, modules, i)))
		}
		return
	}
	if testing.Short() {
		t.Skip("takes 15 s")
	}
	var golden struct {
		Photos map[string]goldenPhoto `json:"photos"`
	}
	visiontest.Golden(t, "testdata/golden.json", &golden)
	detector := visiontest.Imported(t, modules, DetectorFile, func(f *tfjs.File) (*onnx.Model, error) { return tfjs.FaceDetector(f.Weights) })
	tiny := visiontest.Imported(t, modules, TinyFile, func(f *tfjs.File) (*onnx.Model, error) { return tfjs.TinyFaceDetector(f.Weights, TinySide) })
	marker := visiontest.Imported(t, modules, LandmarksFile, func(f *tfjs.File) (*onnx.Model, error) { return tfjs.FaceLandmarks(f.Weights) })
	describer := visiontest.Imported(t, modules, DescriptorFile, func(f *tfjs.File) (*onnx.Model, error) { return tfjs.FaceDescriptor(f.Weights) })
	var known []*Descriptor
	var wanted [][]float64
	for i := 1; i <= 6; i++ {
		name := fmt.Sprintf("sample%d", i)
		want, m := golden.Photos[name], visiontest.Picture(t, sample(t, modules, i))
		faces, err := Detect(t.Context(), detector, m)
		if err != nil {
			t.Fatal(err)
		}
		compareFaces(t, name, faces, want.Faces)
		small, err := DetectTiny(t.Context(), tiny, m)
		if err != nil {
			t.Fatal(err)
		}
		compareFaces(t, name+" tiny", small, want.Tiny)
		aligned, described := 0.0, 0.0
		for j, f := range faces[:min(len(faces), len(want.Faces))] {
			box, err := Align(t.Context(), marker, m, f.Box)
			if err != nil {
				t.Fatal(err)
			}
			aligned = max(aligned, visiontest.Farthest([]float32{box.Left, box.Top, box.Right, box.Bottom}, want.Faces[j].Aligned))
			d, err := Describe(t.Context(), describer, m, box)
			if err != nil {
				t.Fatal(err)
			}
			described = max(described, visiontest.Farthest(d[:], want.Faces[j].Descriptor))
			known, wanted = append(known, d), append(wanted, want.Faces[j].Descriptor)
		}
		t.Logf("%s: aligned squares off by %.2g, descriptors by %.2g", name, aligned, described)
		if !(aligned == 0 && described <= descriptorTolerance) {
			t.Errorf("%s: aligned squares off by %.2g, descriptors by %.2g", name, aligned, described)
		}
	}
	compareSame(t, known, wanted)
}

// compareSame wants of each pair of faces what face-api's own descriptors say: one person's, or not.
func compareSame(t *testing.T, known []*Descriptor, wanted [][]float64) {
	t.Helper()
	same, worst := 0, 0.0
	for i := range known {
		for j := range i {
			sum := 0.0
			for k, v := range wanted[i] {
				sum += (v - wanted[j][k]) * (v - wanted[j][k])
			}
			want := math.Sqrt(sum)
			worst = max(worst, math.Abs(float64(known[i].Distance(known[j]))-want))
			if got := known[i].Same(known[j]); got != (want <= SameMax) {
				t.Errorf("faces %d and %d: same is %v, want %v at distance %.4f", j, i, got, !got, want)
			} else if got {
				same++
			}
		}
	}
	t.Logf("%d faces: %d pairs are one person's, the others not; distances off by %.2g", len(known), same, worst)
	if len(known) != 22 || same == 0 {
		t.Errorf("%d faces with %d pairs of one person, want 22 and some", len(known), same)
	}
}

func compareFaces(t *testing.T, name string, got []Face, want []goldenFace) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d faces, want %d", name, len(got), len(want))
		return
	}
	box, score := 0.0, 0.0
	for i, f := range got {
		off := visiontest.Farthest([]float32{f.Box.Left, f.Box.Top, f.Box.Right, f.Box.Bottom}, want[i].Box)
		box = max(box, off)
		score = max(score, visiontest.Farthest([]float32{f.Score}, []float64{want[i].Score}))
	}
	t.Logf("%s: %d faces, boxes off by %.2g, scores by %.2g", name, len(got), box, score)
	if !(box <= boxTolerance && score <= scoreTolerance) {
		t.Errorf("%s: boxes off by %.2g, scores by %.2g", name, box, score)
	}
}
