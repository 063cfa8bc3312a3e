package language

import (
	"crypto/sha256"
	"fmt"
	"os"
	"strings"
	"testing"
)

// The forms of items and results, ids, and what a model answers are locked: a change here is a change of the protocol. AIWORK_REWRITE=1 writes
// the file anew, and the difference is to be read.
func TestConformance(t *testing.T) {
	const path = "testdata/conformance.txt"
	var b strings.Builder
	line := func(name string, v any) { fmt.Fprintf(&b, "%s %v\n", name, v) }
	r := ready(t, Options{})
	id, err := r.ID()
	if err != nil {
		t.Fatal(err)
	}
	shape := r.Shape.Shape()
	line("id", id)
	line("shape", fmt.Sprintf("%x", shape.Encode()))
	line("tokenizer", fmt.Sprintf("%x", sha256.Sum256(r.Texts.Canonical())))
	for i, p := range prompts() {
		result, err := r.Run(t.Context(), p.Encode())
		if err != nil {
			t.Fatal(err)
		}
		line(fmt.Sprintf("item/%d", i), fmt.Sprintf("%x", p.Encode()))
		line(fmt.Sprintf("result/%d", i), fmt.Sprintf("%x", result))
	}
	if os.Getenv("AIWORK_REWRITE") == "1" {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}
