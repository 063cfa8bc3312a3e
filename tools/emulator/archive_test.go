package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What a kernel unpacks is what was packed: read back here by the rules of the form, field by field.
func TestPack(t *testing.T) {
	program := filepath.Join(t.TempDir(), "a.test")
	if err := os.WriteFile(program, []byte("odd length"), 0o755); err != nil {
		t.Fatal(err)
	}
	got, err := pack([]byte("guest"), []command{{program, []string{"-v"}}, {program, nil}})
	if err != nil {
		t.Fatal(err)
	}
	content, names := map[string]string{}, []string{}
	for at := 0; at < len(got); {
		if magic := string(got[at : at+6]); magic != "070701" {
			t.Fatalf("an entry at %d begins with %q", at, magic)
		}
		size, nameSize := field(t, got[at:], 6), field(t, got[at:], 11)
		name := string(got[at+110 : at+110+nameSize-1])
		begin := (at + 110 + nameSize + 3) &^ 3
		content[name] = string(got[begin : begin+size])
		names = append(names, name)
		at = (begin + size + 3) &^ 3
	}
	want := []string{"dev", "proc", "tmp", "dev/console", "init", "a.test", "commands", "TRAILER!!!"}
	if !slices.Equal(names, want) {
		t.Errorf("got entries %q, want %q", names, want)
	}
	for name, want := range map[string]string{"init": "guest", "a.test": "odd length", "commands": "/a.test -v\n/a.test\n"} {
		if content[name] != want {
			t.Errorf("%s: got %q, want %q", name, content[name], want)
		}
	}
	if _, err := exec.LookPath("cpio"); err == nil {
		list := exec.Command("cpio", "-t")
		list.Stdin = strings.NewReader(string(got))
		if out, err := list.Output(); err != nil || !strings.Contains(string(out), "a.test") {
			t.Errorf("cpio: %v: %q", err, out)
		}
	}
}

// field reads number i of a head.
func field(t *testing.T, head []byte, i int) (v int) {
	t.Helper()
	for _, c := range string(head[6+8*i:][:8]) {
		digit := strings.IndexRune("0123456789ABCDEF", c)
		if digit < 0 {
			t.Fatalf("field %d holds %q", i, c)
		}
		v = 16*v + digit
	}
	return v
}

// A run passes only if the processor has all flags and every program ended with 0.
func TestVerdict(t *testing.T) {
	const flags = "guest: flags sse2 avx512f avx512_vnni"
	for _, c := range []struct {
		lines []string
		want  string // of the error, "" for none
	}{
		{[]string{flags, "guest: run /a", "PASS", "guest: exit 0", "guest: exit 0"}, ""},
		{[]string{"guest: flags sse2 avx512f", "guest: exit 0", "guest: exit 0"}, "avx512_vnni"},
		{[]string{flags, "guest: exit 0", "guest: exit 1"}, "program 2 of 2 ended with 1"},
		{[]string{flags, "guest: exit -1", "guest: exit 0"}, "program 1 of 2 ended with -1"},
		{[]string{flags, "guest: exit 0"}, "1 of 2 programs"},
		{[]string{"guest: exit 0", "guest: exit 0"}, "flags"},
		{nil, "flags"},
	} {
		r := report{want: []string{"avx512f", "avx512_vnni"}}
		for _, line := range c.lines {
			r.line(line)
		}
		if err := r.verdict(2); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: got %v, want %q", c.lines, err, c.want)
		}
	}
}
