package quant

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/aiwork/aiwork-node/internal/testutil"
)

// The tests of products again on ARM, with its own assembly.
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
	binary := filepath.Join(t.TempDir(), "quant.test")
	build := exec.Command("go", "test", "-c", "-o", binary, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOARCH=arm64")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := exec.Command(qemu, binary, "-test.short", "-test.v").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: TestMulEqualsDefinition") || !strings.Contains(string(out), "on neon") {
		t.Errorf("%v\n%s", err, out)
	}
}

// What the generator writes is what is checked in.
func TestGenerated(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the generator")
	}
	folder := t.TempDir()
	if out, err := exec.Command("go", "run", "gen.go", "gen_neon.go", folder).CombinedOutput(); err != nil {
		t.Fatalf("gen.go: %v\n%s", err, out)
	}
	for _, name := range []string{"vector_amd64.s", "vector_amd64_decl.go", "vector_arm64.s", "vector_arm64_decl.go"} {
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

// What the generator writes is what is checked in.
func TestVNNIGenerated(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the generator")
	}
	folder := t.TempDir()
	if out, err := exec.Command("go", "run", "gen_vnni.go", folder).CombinedOutput(); err != nil {
		t.Fatalf("gen_vnni.go: %v\n%s", err, out)
	}
	for _, name := range []string{"vector_vnni_amd64.s", "vector_vnni_amd64_decl.go"} {
		want, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s differs from what gen_vnni.go writes; run go generate", name)
		}
	}
}
