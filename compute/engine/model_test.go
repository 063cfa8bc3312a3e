package engine

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/aiwork/aiwork-node/compute/image"
	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/lower"
	"github.com/aiwork/aiwork-node/compute/model"
	"github.com/aiwork/aiwork-node/compute/model/builtin"
	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/plan"
	"github.com/aiwork/aiwork-node/compute/program"
	"github.com/aiwork/aiwork-node/compute/tensor"
	"github.com/aiwork/aiwork-node/internal/photos"
	"github.com/aiwork/aiwork-node/internal/testutil"
)

func contentSafety(t testing.TB) *model.File {
	t.Helper()
	m, err := builtin.ContentSafety()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func compileFile(t testing.TB, f *model.File, threads int) *Compiled {
	t.Helper()
	c, err := Compile(f, threads)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// inputOf is what a picture becomes for a model.
func inputOf(f *model.File, m *image.RGB) *tensor.Tensor {
	width, height := int(f.Net.Width), int(f.Net.Height)
	return tensor.Of([]int{1, 3, height, width}, m.Tensor(width, height))
}

// The whole shipped model: plans on every path and number of threads against the definition, by bits.
func TestModelEqualsDefinition(t *testing.T) {
	m := contentSafety(t)
	picture, err := image.Decode(canonical(t, photos.All()[1]))
	if err != nil {
		t.Fatal(err)
	}
	inputs := []*tensor.Tensor{inputOf(m, picture)}
	p, err := m.Compile()
	if err != nil {
		t.Fatal(err)
	}
	want, err := p.Run(inputs, program.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range kernel.Paths() {
		for _, threads := range []int{1, 5} {
			r, err := plan.New(p, plan.Options{Threads: threads, Path: path})
			if err != nil {
				t.Fatal(err)
			}
			got, err := r.Run(t.Context(), inputs, program.DefaultLimits())
			r.Close()
			if err != nil || !bytes.Equal(got[0].Raw(), want[0].Raw()) {
				t.Errorf("%v, %d threads: got %x and %v, want %x", path, threads, got[0].Raw(), err, want[0].Raw())
			}
		}
	}
}

// The outputs are locked: they may never change, on any machine, with any version of Go.
func TestOutputsAreLocked(t *testing.T) {
	m := contentSafety(t)
	want := lockedOutputs()
	c := compileFile(t, m, 1)
	for _, p := range photos.All() {
		t.Run(p.Name, func(t *testing.T) {
			// The lock starts at pixels that need no JPEG decoder.
			out, err := c.runner.Run(t.Context(), []*tensor.Tensor{inputOf(m, synthetic(p.Name))}, program.DefaultLimits())
			if err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprintf("%x", EncodeOutput(c.head, out)); got != want[p.Name] {
				t.Errorf("got %s, want %s", got, want[p.Name])
			}
		})
	}
}

// A model that takes and gives tensors runs in the child too, from a store; its faults are the inputs'.
func TestTensors(t *testing.T) {
	network := &onnx.Model{IR: 8, Opsets: []onnx.Opset{{Version: 17}}, Graph: &onnx.Graph{
		Inputs:  []onnx.Value{{Name: "a", Type: tensor.Float32, Ranks: true, Shape: []onnx.Dim{{Size: -1}}}, {Name: "b", Type: tensor.Float32}},
		Nodes:   []onnx.Node{{Op: "Add", Inputs: []string{"a", "b"}, Outputs: []string{"y"}}},
		Outputs: []onnx.Value{{Name: "y"}},
	}}
	l, err := lower.Lower(network, lower.Outside{Form: net.FormTensors})
	if err != nil {
		t.Fatal(err)
	}
	store := model.Store{Dir: t.TempDir()}
	id, err := store.Put(&model.File{Name: "sum", Model: l})
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(storeEnv, store.Dir)
	e := mustStart(t, "real", nil)
	if len(e.Models()) != 2 {
		t.Errorf("%d models, want the one that ships and the one in the store", len(e.Models()))
	}
	vector := func(v ...float32) *tensor.Tensor { return tensor.Of([]int{len(v)}, v) }
	got, err := e.Run(t.Context(), id, EncodeInputs([]*tensor.Tensor{vector(1, 2), vector(3, 4)}))
	if want := EncodeInputs([]*tensor.Tensor{vector(4, 6)}); err != nil || !bytes.Equal(got, want) {
		t.Errorf("got %x, %v, want %x", got, err, want)
	}
	for name, c := range map[string]struct {
		input []byte
		want  image.Fault
	}{
		"shapes that do not fit": {EncodeInputs([]*tensor.Tensor{vector(1, 2), vector(3, 4, 5)}), image.FaultShape},
		"too few":                {EncodeInputs([]*tensor.Tensor{vector(1, 2)}), image.FaultShape},
		"another type":           {EncodeInputs([]*tensor.Tensor{vector(1), tensor.Of([]int{1}, []int64{1})}), image.FaultShape},
		"another rank":           {EncodeInputs([]*tensor.Tensor{tensor.Scalar(float32(1)), vector(1)}), image.FaultShape},
		"no list":                {[]byte("tensors"), image.FaultTensors},
		"nothing":                {nil, image.FaultTensors},
	} {
		_, err := e.Run(t.Context(), id, c.input)
		if fault, ok := errors.AsType[*InputError](err); !ok || fault.Fault != c.want {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
}

// Other builds give the locked outputs too: portable Go for a target on which the compiler fuses products
// and sums unless it is told not to, and another processor with assembly of its own.
func TestOtherBuilds(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for other targets")
	}
	for _, c := range []struct {
		name string
		env  []string
		tags string
	}{
		{"amd64 v3", []string{"GOARCH=amd64", "GOAMD64=v3"}, "purego"},
		{"arm64", []string{"GOARCH=arm64"}, "nogpu"}, // which would need that processor's C library
	} {
		t.Run(c.name, func(t *testing.T) {
			runner := emulator(t, c.env)
			binary := filepath.Join(t.TempDir(), "engine.test")
			build := exec.Command("go", "test", "-c", "-tags", c.tags, "-o", binary, ".")
			build.Env = append(append(os.Environ(), "CGO_ENABLED=0"), c.env...)
			if out, err := build.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			args := append(runner, binary, "-test.v", "-test.run", "^TestOutputsAreLocked$/^cat.jpg$")
			out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
			if err != nil || !strings.Contains(string(out), "--- PASS: TestOutputsAreLocked/cat.jpg") {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// emulator finds the program that runs binaries of another processor, none for this one's.
func emulator(t *testing.T, env []string) []string {
	t.Helper()
	if env[0] == "GOARCH="+runtime.GOARCH {
		if runtime.GOARCH == "amd64" && len(kernel.Paths()) == 1 {
			t.Skip("this processor is older than GOAMD64=v3")
		}
		return nil
	}
	path, err := exec.LookPath("qemu-aarch64-static")
	if err != nil || env[0] != "GOARCH=arm64" {
		testutil.Skip(t, "needs an emulator for "+strings.Join(env, " ")+": Debian package qemu-user-static")
	}
	return []string{path}
}

// synthetic makes a picture out of a name, by integers alone.
func synthetic(name string) *image.RGB {
	m := &image.RGB{Width: 97 + len(name), Height: 131}
	state := uint32(len(name)) + uint32(name[0])<<8
	for y := range m.Height {
		for x := range m.Width {
			state = state*1664525 + 1013904223
			m.Pix = append(m.Pix, byte(x*2+int(state>>29)), byte(y+x*int(name[1])>>5), byte(state>>24))
		}
	}
	return m
}

func BenchmarkMobileNetV2(b *testing.B) {
	m := contentSafety(b)
	input := canonical(b, photos.All()[1])
	for _, threads := range []int{1, 2} {
		b.Run(fmt.Sprintf("threads=%d", threads), func(b *testing.B) {
			c := compileFile(b, m, threads)
			for b.Loop() {
				if _, err := c.Run(b.Context(), input); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(b.Elapsed().Seconds()*1000/float64(b.N), "ms/image")
		})
	}
}
