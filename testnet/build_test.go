package testnet

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/aiwork/aiwork-node/internal/system"
	"github.com/aiwork/aiwork-node/internal/testutil"
)

// builds are the programs that were built, by their tags; each stays in build/, where the next run finds it up to date.
var builds sync.Map

// buildNode builds the program once, with build tags if any.
func buildNode(t *testing.T, tags string) string {
	t.Helper()
	if testing.Short() {
		t.Skip("builds the program and runs a network of it: left out by -short")
	}
	build, _ := builds.LoadOrStore(tags, sync.OnceValues(func() (string, error) {
		out := filepath.Join(testutil.Root(t), "build", "test", "node-"+tags)
		cmd := exec.Command("go", "build", "-trimpath", "-tags", tags, "-o", out, "../cmd/aiwork-node")
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if text, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("build: %w\n%s", err, text)
		}
		return out, nil
	}))
	out, err := build.(func() (string, error))()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// network makes and starts a network of a layout on free ports and stops it at the end.
func network(t *testing.T, exe string, l Layout, change func(*Cluster)) *Cluster {
	t.Helper()
	if err := l.ChoosePorts(); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "net")
	if err := Create(dir, l, system.Modules()); err != nil {
		t.Fatal(err)
	}
	c, err := Open(dir, exe, "")
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(c)
	}
	t.Cleanup(func() { _ = c.Stop() })
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for i := range c.Validators {
		if err := c.WaitHeight(ctx, i, 1); err != nil {
			t.Fatal(err)
		}
	}
	return c
}
