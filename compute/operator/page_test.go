package operator

// docs/models.md lists the operators. It is written from the table by
//
//	go test ./compute/operator -run TestPage -rewrite

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aiwork/aiwork-node/internal/testutil"
)

var rewrite = flag.Bool("rewrite", false, "renew docs/models.md or testdata/locked.txt; a change in the latter changes the protocol")

// pageMark is the line of docs/models.md behind which the table stands.
const pageMark = "<!-- What follows is written by `make docs`. -->\n"

func TestPage(t *testing.T) {
	path := filepath.Join(testutil.Root(t), "docs", "models.md")
	have, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text, _, ok := strings.Cut(string(have), pageMark)
	if !ok {
		t.Fatalf("%s has no line %q", path, pageMark)
	}
	want := text + pageMark + pageTable()
	if *rewrite {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if string(have) != want {
		t.Errorf("%s differs from the table of operators: run make docs", path)
	}
}

func pageTable() string {
	var b bytes.Buffer
	all := slices.Clone(NewTable().All())
	slices.SortStableFunc(all, func(a, b Operator) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Since, b.Since))
	})
	names := map[string]bool{"If": true, "Loop": true, "Scan": true}
	for _, o := range all {
		names[o.Name] = true
	}
	fmt.Fprintf(&b, "\n%d operators: If, Loop, Scan (from 9), and\n\n| Operator | from opset | inputs > outputs |\n|---|---|---|\n", len(names))
	for _, o := range all {
		signature := "`" + o.Signature + "`"
		if o.Signature == "" {
			signature = "taken away"
		}
		fmt.Fprintf(&b, "| %s | %d | %s |\n", o.Name, max(o.Since, OpsetMin), signature)
	}
	fmt.Fprintf(&b, "\n| Letter | stands for one of |\n|---|---|\n")
	for _, letters := range []string{"a, d, e", "n, m", "f", "i, j", "l", "w", "x", "u, v, t", "q", "o", "c", "b"} {
		var types []string
		for _, k := range class(letters[0]) {
			types = append(types, k.String())
		}
		fmt.Fprintf(&b, "| %s | %s |\n", letters, strings.Join(types, ", "))
	}
	b.WriteString("| T | what an attribute says |\n")
	return b.String()
}
