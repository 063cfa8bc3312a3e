package whole

import (
	"os"
	"path/filepath"
	"testing"
)

// A file is there with its content and mode, replaces another, and leaves nothing beside it, also where it cannot be put.
func TestWrite(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	for _, text := range []string{"first", "second"} {
		if err := Write(path, []byte(text), 0o640); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		if err != nil || string(got) != text {
			t.Errorf("got %q, %v, want %q", got, err, text)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode: %v, %v", info, err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "folder", "in"), 0o755); err != nil {
		t.Fatal(err)
	}
	if Write(filepath.Join(dir, "folder"), nil, 0o600) == nil || Write(filepath.Join(dir, "none", "file"), nil, 0o600) == nil {
		t.Error("written over a folder, or into one that is not there")
	}
	if left, err := filepath.Glob(filepath.Join(dir, Prefix+"*")); err != nil || len(left) > 0 {
		t.Errorf("left over: %v, %v", left, err)
	}
}
