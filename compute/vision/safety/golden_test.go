package safety

import (
	"flag"
	"strings"
	"testing"

	"github.com/aiwork/aiwork-node/compute/tfjs"
	"github.com/aiwork/aiwork-node/compute/vision/visiontest"
	"github.com/aiwork/aiwork-node/internal/photos"
)

var dump = flag.String("dump", "", "folder to write the pixels to, for tools/golden/tasks.mjs")

// tolerance is the greatest allowed distance of a probability from nsfwjs's own.
const tolerance = 2e-4

// The three networks say of the photographs that ship what nsfwjs says of the same pixels.
func TestGolden(t *testing.T) {
	if *dump != "" {
		for _, p := range photos.All() {
			visiontest.DumpPixels(t, *dump, strings.TrimSuffix(p.Name, ".jpg"), visiontest.Picture(t, p.JPEG))
		}
		return
	}
	modules := visiontest.Modules(t, "golden", "nsfwjs")
	var golden struct {
		Photos map[string]map[string][]float64 `json:"photos"`
	}
	visiontest.Golden(t, "testdata/golden.json", &golden)
	for _, n := range Networks() {
		if testing.Short() && n.Name != "mobilenet_v2" {
			continue
		}
		runner := visiontest.Imported(t, modules, n.File, (*tfjs.File).Model)
		worst := 0.0
		for _, p := range photos.All() {
			verdict, err := Judge(t.Context(), runner, n.Side, visiontest.Picture(t, p.JPEG))
			if err != nil {
				t.Fatal(err)
			}
			want := golden.Photos[strings.TrimSuffix(p.Name, ".jpg")][n.Name]
			off := visiontest.Farthest(verdict[:], want)
			if !(off <= tolerance) {
				t.Errorf("%s of %s: got %v, want %v", n.Name, p.Name, verdict, want)
			}
			worst = max(worst, off)
			class, probability := verdict.Top()
			if at := indexOf(class); want != nil && want[at] < float64(probability)-tolerance {
				t.Errorf("%s of %s: got %s, want %v", n.Name, p.Name, class, want)
			}
		}
		t.Logf("%s: greatest distance %.2g", n.Name, worst)
	}
}

func indexOf(class string) int {
	for i, c := range Classes() {
		if c == class {
			return i
		}
	}
	return -1
}

// A network of something else is refused, not read as if it were one of these.
func TestOtherNetwork(t *testing.T) {
	modules := visiontest.Modules(t, "golden", "nsfwjs")
	runner := visiontest.Imported(t, modules, Networks()[0].File, (*tfjs.File).Model)
	if _, err := Judge(t.Context(), runner, 299, visiontest.Picture(t, photos.All()[0].JPEG)); err == nil {
		t.Error("a picture of another size was judged")
	}
}
