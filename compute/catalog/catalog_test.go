package catalog

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aiwork/aiwork-node/compute/model/builtin"
	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/onnx"
	"github.com/aiwork/aiwork-node/compute/tensor"
	"github.com/aiwork/aiwork-node/internal/testutil"
)

// The model that ships is what the published package gives; well-known models have their names; other files have their own; what is
// no model is not found, and what cannot be run is refused by name.

func installed(t *testing.T, name string) Files { return installedBelow(t, "golden", name) }

// installedBelow reads a package that npm has put below a tool's folder.
func installedBelow(t *testing.T, tool, name string) Files {
	t.Helper()
	folder := filepath.Join(testutil.Root(t), "tools", tool, "node_modules", filepath.FromSlash(name))
	if _, err := os.Stat(folder); err != nil {
		testutil.Skip(t, "needs npm packages: npm ci --prefix tools/"+tool+" --ignore-scripts")
	}
	files := Files{}
	err := fs.WalkDir(os.DirFS(folder), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files[path], err = os.ReadFile(filepath.Join(folder, filepath.FromSlash(path)))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestTheModelThatShips(t *testing.T) {
	found := Find("npm:nsfwjs@4.3.0", "", installed(t, "nsfwjs"))
	for _, m := range found {
		if m.Name != "content-safety" {
			continue
		}
		got, err := m.File()
		if err != nil {
			t.Fatal(err)
		}
		want, err := builtin.ContentSafety()
		if err != nil {
			t.Fatal(err)
		}
		if got.Net.ID() != want.Net.ID() || !bytes.Equal(got.Encode(), want.Encode()) {
			t.Errorf("the package gives %s, shipped is %s, or the files differ", got.Net.ID(), want.Net.ID())
		}
		return
	}
	t.Errorf("content-safety is not among %d models", len(found))
}

func TestFind(t *testing.T) {
	good := onnx.EncodeModel(&onnx.Model{IR: 8, Opsets: []onnx.Opset{{Version: 17}}, Graph: &onnx.Graph{
		Inputs:  []onnx.Value{{Name: "x", Type: tensor.Float32}},
		Nodes:   []onnx.Node{{Op: "Neg", Inputs: []string{"x"}, Outputs: []string{"y"}}},
		Outputs: []onnx.Value{{Name: "y"}},
	}})
	odd := bytes.Replace(good, []byte("Neg"), []byte("Odd"), 1)
	files := Files{
		"package.json": []byte(`{"license":"MIT"}`), "b/good.onnx": good, "a/odd.onnx": odd, "a/readme.md": nil, "a/broken.onnx": []byte("no model"),
	}
	found := Find("npm:some@1.0.0", "", files)
	if len(found) != 3 || found[0].Name != "broken" || found[1].Name != "odd" || found[2].Name != "good" {
		t.Fatalf("found %+v", found)
	}
	f, err := found[2].File()
	if err != nil || f.Licence != "MIT" || f.Source != "npm:some@1.0.0#b/good.onnx" || f.Net.Form != net.FormTensors {
		t.Errorf("good: %+v, %v", f, err)
	}
	if _, err := found[1].File(); err == nil || !strings.Contains(err.Error(), "operator Odd") {
		t.Errorf("odd: %v", err)
	}
	if _, err := found[0].File(); err == nil || !strings.Contains(err.Error(), "a/broken.onnx") {
		t.Errorf("broken: %v", err)
	}
}
