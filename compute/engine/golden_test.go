package engine

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"flag"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/aiwork/aiwork-node/compute/image"
	"github.com/aiwork/aiwork-node/compute/model/builtin"
	"github.com/aiwork/aiwork-node/internal/photos"
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
	raw, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var want golden
	if err := json.Unmarshal(raw, &want); err != nil {
		t.Fatal(err)
	}
	m, err := builtin.ContentSafety()
	if err != nil {
		t.Fatal(err)
	}
	doubtful, worst := 0, 0.0
	compiled := Compile(m, 1)
	for _, p := range photos.All() {
		output, err := compiled.Run(context.Background(), canonical(t, p))
		if err != nil {
			t.Fatalf("%s: %v", p.Name, err)
		}
		got, err := DecodeOutput(output, len(m.Classes))
		if err != nil {
			t.Fatal(err)
		}
		top := 0.0
		for i, class := range m.Classes {
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
