package whole

import (
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// What a crash has left goes; what is young, what is being written, and what has another name stays.
func TestSweep(t *testing.T) {
	dir := t.TempDir()
	now := time.Now()
	old := now.Add(-time.Hour)
	for _, name := range []string{Prefix + "old", Prefix + "young", "other"} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if name != Prefix+"young" {
			if err := os.Chtimes(path, old, old); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := os.Mkdir(filepath.Join(dir, Prefix+"folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	err := WriteWith(filepath.Join(dir, "file"), 0o600, func(w io.Writer) error {
		f := w.(*os.File)
		if err := os.Chtimes(f.Name(), old, old); err != nil {
			return err
		}
		if n, err := Sweep(dir, now); n != 1 || err != nil {
			t.Errorf("%d removed, want 1: %v", n, err)
		}
		_, err := w.Write([]byte("whole"))
		return err
	})
	if got, err2 := os.ReadFile(filepath.Join(dir, "file")); err != nil || string(got) != "whole" {
		t.Errorf("what was being written: %q, %v, %v", got, err, err2)
	}
	for name, want := range map[string]bool{Prefix + "old": false, Prefix + "young": true, "other": true, Prefix + "folder": true} {
		if _, err := os.Stat(filepath.Join(dir, name)); (err == nil) != want {
			t.Errorf("%s: %v, want it there: %v", name, err, want)
		}
	}
	if n, err := Sweep(filepath.Join(dir, "none"), now); n != 0 || err != nil {
		t.Errorf("a folder that is not there: %d, %v", n, err)
	}
}

// One holds a lock at a time, and it is free again afterwards.
func TestTryLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	for range 2 {
		unlock, ok, err := TryLock(path)
		if !ok || err != nil {
			t.Fatalf("a free lock: %v, %v", ok, err)
		}
		if _, again, err := TryLock(path); again || err != nil {
			t.Errorf("taken twice: %v, %v", again, err)
		}
		unlock()
		if _, err := os.Stat(path); err == nil {
			t.Error("its file stays")
		}
	}
	if _, _, err := TryLock(filepath.Join(path, "in")); err == nil {
		t.Error("a lock in a folder that is not there")
	}
}
