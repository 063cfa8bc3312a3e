package vm

// What is tested: loop_traced.go is loop.go with the trace call in it. `go test ./vm -run TracedLoop
// -rewrite` makes it anew.

import (
	"flag"
	"go/format"
	"os"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "renew generated files")

func TestTracedLoopIsTheLoop(t *testing.T) {
	src, err := os.ReadFile("loop.go")
	if err != nil {
		t.Fatal(err)
	}
	want := traced(t, string(src))
	if *rewrite {
		if err := os.WriteFile("loop_traced.go", want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile("loop_traced.go")
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Error("loop_traced.go is not made from loop.go: run `go test ./vm -run TracedLoop -rewrite`")
	}
}

// traced turns the trace comment into a statement, leaves out what is marked fast, and renames the loop.
func traced(t *testing.T, src string) []byte {
	head, rest, ok := strings.Cut(src, "// run executes")
	_, body, ok2 := strings.Cut(rest, "func (m *Machine) run(")
	body, _, ok3 := strings.Cut(body, "\nfunc truth(")
	if !ok || !ok2 || !ok3 || strings.Count(body, "// trace: ") != 1 {
		t.Fatal("loop.go does not have the expected shape")
	}
	body = strings.Replace(body, "// trace: ", "", 1)
	for {
		before, after, found := strings.Cut(body, "// fast\n")
		if !found {
			break
		}
		_, after, found = strings.Cut(after, "// end\n")
		if !found {
			t.Fatal("a fast part without an end")
		}
		body = before + after
	}
	out, err := format.Source([]byte("// Code generated from loop.go by TestTracedLoopIsTheLoop; DO NOT EDIT.\n\n" + head +
		"// runTraced is run with a report before each instruction.\nfunc (m *Machine) runTraced(" + body))
	if err != nil {
		t.Fatal(err)
	}
	return out
}
