package engine

import (
	"context"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/aiwork/aiwork-node/compute/graph"
	"github.com/aiwork/aiwork-node/compute/image"
	"github.com/aiwork/aiwork-node/compute/kernel"
	"github.com/aiwork/aiwork-node/compute/model"
	"github.com/aiwork/aiwork-node/compute/model/builtin"
	"github.com/aiwork/aiwork-node/internal/photos"
	"github.com/aiwork/aiwork-node/internal/testutil"
)

func contentSafety(t testing.TB) *model.Model {
	t.Helper()
	m, err := builtin.ContentSafety()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// The whole shipped model: plans on every path and number of threads against the definition, by bits.
func TestModelEqualsDefinition(t *testing.T) {
	if testing.Short() {
		t.Skip("the definition takes seconds")
	}
	m := contentSafety(t)
	picture, err := image.Decode(canonical(t, photos.All()[1]))
	if err != nil {
		t.Fatal(err)
	}
	input := picture.Tensor(m.Picture.Width, m.Picture.Height)
	values := m.Graph.Define(m.Shapes, input)
	want := values[len(values)-1]
	for _, path := range kernel.Paths() {
		plan := graph.Compile(m.Graph, m.Shapes, path)
		for _, threads := range []int{1, 5} {
			got, err := graph.NewRunner(plan, threads).Run(context.Background(), input)
			if err != nil {
				t.Fatal(err)
			}
			for i := range want {
				if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
					t.Errorf("%v, %d threads: class %d: got %08x, want %08x", path, threads, i,
						math.Float32bits(got[i]), math.Float32bits(want[i]))
				}
			}
		}
	}
}

// The outputs are locked: they may never change, on any machine, with any version of Go.
func TestOutputsAreLocked(t *testing.T) {
	m := contentSafety(t)
	want := lockedOutputs()
	c := Compile(m, 1)
	for _, p := range photos.All() {
		t.Run(p.Name, func(t *testing.T) {
			// The lock starts at pixels that need no JPEG decoder.
			picture := synthetic(p.Name)
			values, err := c.runner.Run(context.Background(), picture.Tensor(m.Picture.Width, m.Picture.Height))
			if err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprintf("%x", EncodeOutput(values)); got != want[p.Name] {
				t.Errorf("got %s, want %s", got, want[p.Name])
			}
		})
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
		{"arm64", []string{"GOARCH=arm64"}, ""},
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
	work := 2 * float64(multiplyAdds(m))
	b.Run("photo/path="+kernel.Best().String(), func(b *testing.B) {
		c := Compile(m, 1)
		for b.Loop() {
			if _, err := c.Run(context.Background(), input); err != nil {
				b.Fatal(err)
			}
		}
		seconds := b.Elapsed().Seconds() / float64(b.N)
		b.ReportMetric(seconds*1000, "ms/image")
		b.ReportMetric(work/seconds/1e9, "GFLOP/s")
		b.ReportMetric(100*work/seconds/peak(kernel.Best()), "%peak")
	})
	picture, err := image.Decode(input)
	if err != nil {
		b.Fatal(err)
	}
	tensor := picture.Tensor(m.Picture.Width, m.Picture.Height)
	for _, path := range kernel.Paths() {
		for _, threads := range []int{1, 2} {
			b.Run(fmt.Sprintf("network/path=%v/threads=%d", path, threads), func(b *testing.B) {
				r := graph.NewRunner(graph.Compile(m.Graph, m.Shapes, path), threads)
				for b.Loop() {
					if _, err := r.Run(context.Background(), tensor); err != nil {
						b.Fatal(err)
					}
				}
				seconds := b.Elapsed().Seconds() / float64(b.N)
				b.ReportMetric(seconds*1000, "ms/image")
				b.ReportMetric(work/seconds/1e9, "GFLOP/s")
				b.ReportMetric(100*work/seconds/(peak(path)*float64(threads)), "%peak")
			})
		}
	}
}

// peak measures the operations a second of one thread on a product that stays in the first cache.
func peak(path kernel.Path) float64 {
	const m, n, k, runs = 12, 32, 256, 3000
	a, c, w := make([]float32, m*k), make([]float32, m*n), kernel.Pack(make([]float32, k*n), k, n)
	rounds := runs
	if path == kernel.PathGo {
		rounds /= 100
	}
	begin := time.Now()
	for range rounds {
		path.Gemm(c, a, m, w, kernel.NewPost(n))
	}
	return 2 * m * n * k * float64(rounds) / time.Since(begin).Seconds()
}

// multiplyAdds counts those of the chains.
func multiplyAdds(m *model.Model) int {
	total := 0
	for i, op := range m.Graph.Ops {
		w, out := op.Window, m.Shapes[i+1]
		switch op.Kind {
		case graph.Conv:
			total += out.Len() * w.Channels * w.KernelHeight * w.KernelWidth
		case graph.DepthwiseConv:
			total += out.Len() * w.KernelHeight * w.KernelWidth
		case graph.Dense:
			total += out.Channels * w.Channels
		}
	}
	return total
}
