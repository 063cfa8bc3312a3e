package kernel

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/aiwork/aiwork-node/internal/testutil"
)

// The compiler may fuse x*y + z where nothing forbids it. What it makes of the packages that compute,
// for targets on which it does fuse, must hold no fused instruction; only our own assembly may.
func TestCompilerFusesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for other targets")
	}
	fused := regexp.MustCompile(`\bV?FN?M(ADD|SUB)[0-9]*[SD]*\b`)
	targets := [][]string{
		{"GOARCH=amd64", "GOAMD64=v3"},
		{"GOARCH=arm64"},
	}
	for _, env := range append(targets, []string{"GOARCH=amd64", "GOAMD64=v1"}) {
		listing := compile(t, env, computing(t)...)
		if !strings.Contains(listing, "kernel.FMA") {
			t.Fatalf("%v: the listing does not hold the package", env)
		}
		for line := range strings.Lines(listing) {
			if fields := strings.Fields(line); len(fields) > 3 && fused.MatchString(line) {
				t.Errorf("%v: fused: %s", env, strings.TrimSpace(line))
			}
		}
	}
	// The check itself: code that may be fused is.
	folder := t.TempDir()
	files := map[string]string{
		"go.mod": "module probe\n\ngo 1.26\n",
		"p.go":   "package probe\n\nfunc F(x, y, z float32) float32 { return x*y + z }\n",
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, env := range targets {
		if !fused.MatchString(compileIn(t, folder, env, ".")) {
			t.Errorf("%v: a plain x*y + z is not fused, so the check proves nothing", env)
		}
	}
}

// computing lists the packages under compute/ but for those that only manage work, which import much.
func computing(t *testing.T) (list []string) {
	t.Helper()
	out, err := exec.Command("go", "list", "../...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for path := range strings.FieldsSeq(string(out)) {
		if name := path[strings.LastIndex(path, "/")+1:]; name != "compute" && name != "engine" {
			list = append(list, path)
		}
	}
	return list
}

func compile(t *testing.T, env []string, packages ...string) string {
	t.Helper()
	return compileIn(t, ".", env, packages...)
}

// compileIn gives the compiler's listing of packages.
func compileIn(t *testing.T, folder string, env []string, packages ...string) string {
	t.Helper()
	args := append([]string{"build", "-gcflags=-S", "-o", os.DevNull}, packages...)
	cmd := exec.Command("go", args...)
	cmd.Dir = folder
	cmd.Env = append(append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOFLAGS="), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", env, err, out[max(0, len(out)-2000):])
	}
	return string(out)
}

// All tests of this package again on ARM, with its own assembly.
func TestARM64(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for another processor")
	}
	if runtime.GOARCH == "arm64" {
		t.Skip("this is one")
	}
	qemu, err := exec.LookPath("qemu-aarch64-static")
	if err != nil {
		testutil.Skip(t, "needs an emulator for arm64: Debian package qemu-user-static")
	}
	binary := filepath.Join(t.TempDir(), "kernel.test")
	build := exec.Command("go", "test", "-c", "-o", binary, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOARCH=arm64")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := exec.Command(qemu, binary, "-test.short", "-test.v").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: TestGemmEqualsDefinition") {
		t.Errorf("%v\n%s", err, out)
	}
}

// What the generator writes is what is checked in.
func TestGenerated(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the generator")
	}
	folder := t.TempDir()
	if out, err := exec.Command("go", "run", "gen.go", folder).CombinedOutput(); err != nil {
		t.Fatalf("gen.go: %v\n%s", err, out)
	}
	for _, name := range []string{"vector_amd64.s", "vector_amd64.go", "vector_arm64.s", "vector_arm64.go"} {
		want, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s differs from what gen.go writes; run go generate", name)
		}
	}
}
