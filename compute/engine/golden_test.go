package engine

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"flag"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/aiwork/aiwork-node/compute/image"
	"github.com/aiwork/aiwork-node/compute/model/builtin"
	"github.com/aiwork/aiwork-node/internal/photos"
	"github.com/aiwork/aiwork-node/internal/testutil"
)

var dump = flag.String("dump", "", "folder to write the photographs' pixels to, for tools/golden")

// A golden file as tools/golden/golden.mjs writes it.
type golden struct {
	Backend string                        `json:"backend"`
	Photos  map[string]map[string]float64 `json:"photos"`
}

// tolerance is the greatest allowed distance of a probability from nsfwjs's own.
const tolerance = 1e-4

// The shipped model must say of each shipped photograph what nsfwjs says of the same pixels, and at
// least three of the photographs must leave it in doubt, for on a certain answer much error is hidden.
func TestGolden(t *testing.T) {
	if *dump != "" {
		dumpPixels(t, *dump)
		return
	}
	want := readGolden(t, "testdata/golden.json")
	m, err := builtin.ContentSafety()
	if err != nil {
		t.Fatal(err)
	}
	doubtful, worst := 0, 0.0
	compiled := compileFile(t, m, 1)
	for _, p := range photos.All() {
		output, err := compiled.Run(context.Background(), canonical(t, p))
		if err != nil {
			t.Fatalf("%s: %v", p.Name, err)
		}
		got, err := DecodeOutput(output, len(m.Net.Labels))
		if err != nil {
			t.Fatal(err)
		}
		top := 0.0
		for i, class := range m.Net.Labels {
			w, ok := want.Photos[p.Name][class]
			off := math.Abs(float64(got[i]) - w)
			if !ok || off > tolerance {
				t.Errorf("%s: %s: got %.6f, want %.6f", p.Name, class, got[i], w)
			}
			top, worst = max(top, w), max(worst, off)
		}
		if top < 0.8 {
			doubtful++
		}
	}
	if doubtful < 3 {
		t.Errorf("got %d photographs with a top probability below 0.8, want at least 3", doubtful)
	}
	t.Logf("greatest distance from nsfwjs (%s backend): %.2g; %d photographs in doubt", want.Backend, worst, doubtful)
}

// The golden file is what nsfwjs says today, where it is installed.
func TestGoldenFile(t *testing.T) {
	if testing.Short() {
		t.Skip("runs nsfwjs")
	}
	tools := filepath.Join("..", "..", "tools", "golden")
	node, nodeErr := exec.LookPath("node")
	if _, err := os.Stat(filepath.Join(tools, "node_modules", "nsfwjs")); err != nil || nodeErr != nil {
		testutil.Skip(t, "needs Node 20 and npm packages: npm ci --prefix tools/golden --ignore-scripts")
	}
	folder := t.TempDir()
	dumpPixels(t, folder)
	out := filepath.Join(folder, "golden.json")
	if text, err := exec.Command(node, filepath.Join(tools, "golden.mjs"), folder, out).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	got, want := readGolden(t, out), readGolden(t, "testdata/golden.json")
	for name, classes := range want.Photos {
		for class, w := range classes {
			if g, ok := got.Photos[name][class]; !ok || math.Abs(g-w) > 1e-6 {
				t.Errorf("%s: %s: nsfwjs says %.7f, testdata/golden.json %.7f", name, class, g, w)
			}
		}
	}
	if len(got.Photos) != len(want.Photos) {
		t.Errorf("got %d photographs, want %d", len(got.Photos), len(want.Photos))
	}
}

func readGolden(t *testing.T, name string) golden {
	t.Helper()
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	if err := json.Unmarshal(raw, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

func canonical(t testing.TB, p photos.Photo) []byte {
	t.Helper()
	png, _, err := image.ToCanonicalPNG(p.JPEG)
	if err != nil {
		t.Fatalf("%s: %v", p.Name, err)
	}
	return png
}

func dumpPixels(t *testing.T, folder string) {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, p := range photos.All() {
		m, err := image.Decode(canonical(t, p))
		if err != nil {
			t.Fatal(err)
		}
		raw := binary.LittleEndian.AppendUint32(nil, uint32(m.Width))
		raw = binary.LittleEndian.AppendUint32(raw, uint32(m.Height))
		if err := os.WriteFile(filepath.Join(folder, p.Name+".rgb"), append(raw, m.Pix...), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
