// Command outliers prints the longest functions and files of the repository, so that they are seen.
// It never fails: where a long function reads better whole, it stays.
package main

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const (
	functionLines = 70
	fileLines     = 600
	shownMax      = 12
)

type outlier struct {
	lines int
	where string
}

func main() {
	var functions, files []outlier
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		return measure(path, &functions, &files)
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, "outliers:", err)
		os.Exit(1)
	}
	report("functions", functionLines, functions)
	report("files", fileLines, files)
}

func measure(path string, functions, files *[]outlier) error {
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	if n := fset.Position(f.End()).Line; n > fileLines {
		*files = append(*files, outlier{n, path})
	}
	for _, decl := range f.Decls {
		fn, ok := decl.(*ast.FuncDecl)
		if !ok {
			continue
		}
		if n := fset.Position(fn.End()).Line - fset.Position(fn.Pos()).Line + 1; n > functionLines {
			*functions = append(*functions, outlier{n, path + ": " + fn.Name.Name})
		}
	}
	return nil
}

func report(what string, limit int, found []outlier) {
	fmt.Printf("%s over %d lines: %d\n", what, limit, len(found))
	slices.SortFunc(found, func(a, b outlier) int { return cmp.Compare(b.lines, a.lines) })
	for _, o := range found[:min(len(found), shownMax)] {
		fmt.Printf("  %5d  %s\n", o.lines, o.where)
	}
}
