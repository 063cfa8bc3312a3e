package kernel

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// What the generator of lanes writes is what is checked in.
func TestLanesGenerated(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the generator")
	}
	folder := t.TempDir()
	run := exec.Command("go", "run", "gen_lanes.go", "gen_functions.go", "gen_lanes_x86.go", "gen_lanes_neon.go", "gen_lanes_512.go", folder)
	if out, err := run.CombinedOutput(); err != nil {
		t.Fatalf("gen_lanes.go: %v\n%s", err, out)
	}
	for _, name := range []string{"lanes_amd64.s", "lanes_amd64.go", "lanes_arm64.s", "lanes_arm64.go", "lanes_other.go", "lanes512_amd64.s", "lanes512_amd64.go"} {
		want, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s differs from what gen_lanes.go writes; run go generate", name)
		}
	}
}
