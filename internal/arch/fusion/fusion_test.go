package fusion

import (
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

// What is planted is found, what is protected is not; and compute/ has nothing.

const planted = `package p

type number interface{ float32 | int64 }

func bad(x, y, z float32, w float64, s []float32) float32 {
	a := x*y + z       // want
	a = z + (x * y)    // want
	a = z - -(x * y)   // want
	a += x * y         // want
	s[0] *= y          // want
	t := x * y         // want
	w = w*w + 1        // want
	keep(x * y)        // want
	return t + a*3     // want
}

func generic[E number](a, b, c E) E {
	return a*b + c // want
}

func good(x, y, z float32, n, m int, w float64) float32 {
	const c = 2.0 * 3.0
	a := float32(x*y) + z
	a += float32((x * y))
	a = float32(-(x * y)) + c
	a += float32(x*y*z) / 2
	if x*y < z || n*m+n > 3 {
		a = x*y/z + a
	}
	w = float64(float64(w)*w) + float64(float32(x*y))
	return a
}

func keep(float32) {}
`

func TestPlanted(t *testing.T) {
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, "p.go", planted, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}}
	if _, err := (&types.Config{}).Check("p", fset, []*ast.File{f}, info); err != nil {
		t.Fatal(err)
	}
	var got, want []int
	for _, found := range Find(fset, []*ast.File{f}, info) {
		got = append(got, found.Position.Line)
	}
	for _, group := range f.Comments {
		if strings.HasPrefix(group.Text(), "want") {
			want = append(want, fset.Position(group.Pos()).Line)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("found in lines %v, want %v", got, want)
	}
}

// listed is what the test needs of `go list -json`.
type listed struct {
	ImportPath, Dir, Export string
	GoFiles                 []string
}

func TestCompute(t *testing.T) {
	const prefix = "github.com/aiwork/aiwork-node/compute/"
	packages := list(t)
	exports := map[string]string{}
	for _, p := range packages {
		exports[p.ImportPath] = p.Export
	}
	fset := token.NewFileSet()
	find := importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) {
		return os.Open(exports[path])
	})
	looked := 0
	for _, p := range packages {
		if !strings.HasPrefix(p.ImportPath, prefix) {
			continue
		}
		looked++
		var files []*ast.File
		for _, name := range p.GoFiles {
			f, err := parser.ParseFile(fset, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, f)
		}
		info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}}
		if _, err := (&types.Config{Importer: find}).Check(p.ImportPath, fset, files, info); err != nil {
			t.Fatal(err)
		}
		for _, f := range Find(fset, files, info) {
			t.Errorf("%v: %s; write float32(x*y), see package fusion", f.Position, f.Text)
		}
	}
	if looked < 5 {
		t.Errorf("%d packages under compute/ were looked at", looked)
	}
}

// list gives the packages under compute/ and all that they import, with what the compiler exports of them.
func list(t *testing.T) (packages []listed) {
	t.Helper()
	cmd := exec.Command("go", "list", "-deps", "-export", "-json=ImportPath,Dir,Export,GoFiles", "./compute/...")
	cmd.Dir = filepath.Join("..", "..", "..")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	d := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}
