package arch

// The test reads layers.txt and `go list`, then parses the sources of pure packages.

import (
	"bufio"
	"encoding/json"
	"errors"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/aiwork/aiwork-node"

// layer is one line of layers.txt.
type layer struct {
	rank int
	kind string
}

func (l layer) pure() bool { return strings.HasPrefix(l.kind, "pure") }

// pkg is what the test needs of `go list -json`.
type pkg struct {
	ImportPath string
	Dir        string
	Doc        string
	GoFiles    []string
	Imports    []string
	Deps       []string
}

func (p pkg) name() string { return strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/") }

// impure lists the imports a pure package may not have.
var impure = []string{
	"bufio", "context", "crypto/rand", "database", "io/fs", "log", "math/rand", "net", "os", "path/filepath",
	"plugin", "reflect", "runtime", "sync", "syscall", "testing", "time", "unsafe",
}

func TestLayers(t *testing.T) {
	layers, packages := readLayers(t), listPackages(t)
	for _, p := range packages {
		own, ok := layers[p.name()]
		if !ok {
			t.Errorf("%s: not in internal/arch/layers.txt; give it a line at its layer", p.name())
			continue
		}
		for _, imported := range p.Imports {
			rel, inside := strings.CutPrefix(imported, module+"/")
			if !inside {
				continue
			}
			if below, ok := layers[rel]; ok && below.rank >= own.rank {
				t.Errorf("%s imports %s, which stands on a later line of layers.txt", p.name(), rel)
			}
		}
	}
	for name := range layers {
		if !slices.ContainsFunc(packages, func(p pkg) bool { return p.name() == name }) {
			t.Errorf("layers.txt names %s, which does not exist", name)
		}
	}
}

func TestPackageComments(t *testing.T) {
	for _, p := range listPackages(t) {
		if len(p.Doc) < 20 {
			t.Errorf("%s: no package comment (doc.go)", p.name())
		}
	}
}

func TestPurity(t *testing.T) {
	layers := readLayers(t)
	for _, p := range listPackages(t) {
		l := layers[p.name()]
		if !l.pure() {
			continue
		}
		for _, imported := range p.Imports {
			checkImport(t, p, l, imported, layers)
		}
		checkSources(t, p, l)
	}
}

// checkImport refuses impure imports; sync/atomic is let through for write-once caches of pure values.
func checkImport(t *testing.T, p pkg, l layer, imported string, layers map[string]layer) {
	if imported == "sync/atomic" || (imported == "sync" && l.kind == "pure+mutex") {
		return
	}
	for _, bad := range impure {
		if imported == bad || strings.HasPrefix(imported, bad+"/") {
			t.Errorf("%s is pure but imports %s", p.name(), imported)
		}
	}
	if rel, inside := strings.CutPrefix(imported, module+"/"); inside && !layers[rel].pure() {
		t.Errorf("%s is pure but imports %s, which is not", p.name(), rel)
	}
}

// checkSources reports what is impure in the package's files.
func checkSources(t *testing.T, p pkg, l layer) {
	fset := token.NewFileSet()
	var files []*ast.File
	for _, name := range p.GoFiles {
		f, err := parser.ParseFile(fset, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	for _, what := range impurities(p.ImportPath, fset, files, l) {
		t.Errorf("%s: %s", p.name(), what)
	}
}

// impurities finds goroutines, selects, floats and ranges over maps.
func impurities(path string, fset *token.FileSet, files []*ast.File, l layer) (found []string) {
	info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}}
	conf := types.Config{Importer: stubImporter{importer.Default()}, Error: func(error) {}}
	// Types of other packages may stay unknown; maps and floats of the package itself are found.
	_, _ = conf.Check(path, fset, files, info)
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			if what := impureNode(n, l, info); what != "" {
				found = append(found, fset.Position(n.Pos()).String()+": pure but "+what)
			}
			return true
		})
	}
	return found
}

// TestImpuritiesAreFound keeps the check honest: a file with one of each must be refused four times.
func TestImpuritiesAreFound(t *testing.T) {
	const source = `package p
func f(m map[string]int, c chan int) {
	go f(m, c)
	select { case <-c: default: }
	for range m {}
	var _ float64
}`
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "p.go", source, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	for kind, want := range map[string]int{"pure": 4, "pure+float": 3} {
		if got := impurities("p", fset, []*ast.File{file}, layer{kind: kind}); len(got) != want {
			t.Errorf("%s: got %d findings, want %d: %v", kind, len(got), want, got)
		}
	}
}

func impureNode(n ast.Node, l layer, info *types.Info) string {
	switch n := n.(type) {
	case *ast.GoStmt:
		return "starts a goroutine"
	case *ast.SelectStmt:
		return "selects on channels"
	case *ast.Ident:
		if (n.Name == "float64" || n.Name == "float32") && l.kind != "pure+float" {
			return "uses " + n.Name
		}
	case *ast.RangeStmt:
		if tv, ok := info.Types[n.X]; ok && tv.Type != nil {
			if _, isMap := tv.Type.Underlying().(*types.Map); isMap {
				return "ranges over a map"
			}
		}
	}
	return ""
}

// stubImporter answers an empty package for what the default importer cannot load.
type stubImporter struct{ types.Importer }

func (s stubImporter) Import(path string) (*types.Package, error) {
	if p, err := s.Importer.Import(path); err == nil {
		return p, nil
	}
	p := types.NewPackage(path, path[strings.LastIndexByte(path, '/')+1:])
	p.MarkComplete()
	return p, nil
}

func readLayers(t *testing.T) map[string]layer {
	f, err := os.Open("layers.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	layers := map[string]layer{}
	for s := bufio.NewScanner(f); s.Scan(); {
		fields := strings.Fields(s.Text())
		if len(fields) == 0 || fields[0] == "#" || strings.HasPrefix(fields[0], "#") {
			continue
		}
		if len(fields) != 2 {
			t.Fatalf("layers.txt: want a kind and a package, got %q", s.Text())
		}
		name := fields[1]
		if _, twice := layers[name]; twice {
			t.Fatalf("layers.txt: %s twice", name)
		}
		layers[name] = layer{rank: len(layers), kind: fields[0]}
	}
	return layers
}

func listPackages(t *testing.T) []pkg {
	cmd := exec.Command("go", "list", "-json=ImportPath,Dir,Doc,GoFiles,Imports", "./...")
	cmd.Dir = filepath.Join("..", "..")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var packages []pkg
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if len(p.GoFiles) > 0 {
			packages = append(packages, p)
		}
	}
	return packages
}
