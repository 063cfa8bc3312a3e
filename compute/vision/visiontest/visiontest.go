// Package visiontest gives tests of tasks their networks, pictures and golden files.
package visiontest

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	goimage "image"
	"image/color"
	_ "image/jpeg" // photographs
	_ "image/png"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/aiwork/aiwork-node/compute/image"
	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/plan"
	"github.com/aiwork/aiwork-node/compute/program"
	"github.com/aiwork/aiwork-node/compute/tfjs"
	"github.com/aiwork/aiwork-node/compute/vision"
	"github.com/aiwork/aiwork-node/internal/testutil"
)

// Modules gives the folder below which npm packages lie that "npm ci --prefix tools/TOOL" installs, or
// skips the test if the file is not among them.
func Modules(t testing.TB, tool, file string) string {
	t.Helper()
	folder := filepath.Join(testutil.Root(t), "tools", tool, "node_modules")
	if _, err := os.Stat(filepath.Join(folder, filepath.FromSlash(file))); err != nil {
		testutil.Skip(t, "needs npm packages: npm ci --prefix tools/"+tool+" --ignore-scripts")
	}
	return folder
}

// Imported makes a Runner of a network of tfjs below modules.
func Imported(t testing.TB, modules, file string, build func(*tfjs.File) (*onnx.Model, error)) vision.Runner {
	t.Helper()
	f, err := tfjs.Read(os.DirFS(modules), file)
	if err != nil {
		t.Fatal(err)
	}
	m, err := build(f)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return compiled(t, m)
}

// ONNX makes a Runner of a file of ONNX.
func ONNX(t testing.TB, file string) vision.Runner {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	m, err := onnx.DecodeModel(b)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return compiled(t, m)
}

func compiled(t testing.TB, m *onnx.Model) vision.Runner {
	t.Helper()
	p, err := program.Compile(m)
	if err != nil {
		t.Fatal(err)
	}
	r, err := plan.New(p, plan.Default())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return vision.Planned(r)
}

// Picture decodes a photograph's file to the pixels that its canonical input has.
func Picture(t testing.TB, file []byte) *image.RGB {
	t.Helper()
	m, _, err := goimage.Decode(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	b := m.Bounds()
	out := &image.RGB{Width: b.Dx(), Height: b.Dy()}
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			c := color.NRGBAModel.Convert(m.At(x, y)).(color.NRGBA)
			out.Pix = append(out.Pix, c.R, c.G, c.B)
		}
	}
	return out
}

// DumpPixels writes a picture for the scripts of tools/golden.
func DumpPixels(t testing.TB, folder, name string, m *image.RGB) {
	t.Helper()
	b := binary.LittleEndian.AppendUint32(nil, uint32(m.Width))
	b = append(binary.LittleEndian.AppendUint32(b, uint32(m.Height)), m.Pix...)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, name+".rgb"), b, 0o644); err != nil {
		t.Fatal(err)
	}
}

// Golden reads a golden file.
func Golden(t testing.TB, file string, to any) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, to); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

// Farthest gives the greatest distance of numbers from those wanted; infinite if one is missing or NaN.
func Farthest(got []float32, want []float64) float64 {
	if len(got) != len(want) {
		return math.Inf(1)
	}
	worst := 0.0
	for i, w := range want {
		off := math.Abs(float64(got[i]) - w)
		if !(off <= worst) {
			worst = off
		}
		if math.IsNaN(off) {
			return math.Inf(1)
		}
	}
	return worst
}
