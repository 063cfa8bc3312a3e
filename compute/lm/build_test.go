package lm

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/aiwork/aiwork-node/internal/testutil"
)

// The locked logits and draws again on ARM, with its own assembly.
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
	binary := filepath.Join(t.TempDir(), "lm.test")
	build := exec.Command("go", "test", "-c", "-o", binary, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOARCH=arm64")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := exec.Command(qemu, binary, "-test.short", "-test.v", "-test.run", "Locked|Vectors").CombinedOutput()
	if err != nil || strings.Count(string(out), "--- PASS") != 2 {
		t.Errorf("%v\n%s", err, out)
	}
}
