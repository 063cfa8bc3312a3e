package kernel

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A run on an emulated processor proves something only if that processor's paths are taken.
var wantPaths = flag.String("paths", "", "comma-separated `PATHS` that this machine must have")

func TestPaths(t *testing.T) {
	here := fmt.Sprint(Paths())
	t.Log("paths of this machine:", here)
	for name := range strings.SplitSeq(*wantPaths, ",") {
		if name != "" && !strings.Contains(" "+strings.Trim(here, "[]")+" ", " "+name+" ") {
			t.Errorf("this machine has %s, not %s", here, name)
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
	for _, name := range []string{"vnni_amd64.s", "vnni_amd64.go"} {
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
