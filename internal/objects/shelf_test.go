package objects

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/aiwork/aiwork-node/p2p"
)

// A shelf tells of files as they were when it looked: one that has changed or gone since is not served, one that is
// new is served after the next look, and one that cannot be read keeps none of the others back.
func TestShelf(t *testing.T) {
	dir := t.TempDir()
	files := map[[32]byte]string{{1}: filepath.Join(dir, "one"), {2}: filepath.Join(dir, "two")}
	write := func(model byte, data []byte) {
		t.Helper()
		if err := os.WriteFile(files[[32]byte{model}], data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	one, two := noise(1, 3*GroupBytes+5), noise(2, 100)
	_, id := treeOf(t, one)
	s := NewShelf(func() (map[[32]byte]string, error) { return files, nil }, slog.New(slog.DiscardHandler))
	ctx := t.Context()
	missing := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, p2p.ErrNotFound) {
			t.Errorf("%s: got %v, want ErrNotFound", what, err)
		}
	}
	write(1, one)
	_, err := s.Find(ctx, [32]byte{1})
	missing("before a look", err)
	if err := s.Look(ctx); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not there: got %v, want it told", err)
	}
	found, err := s.Find(ctx, [32]byte{1})
	if err != nil || len(found) != 1 || ID(found[0].ID) != id || found[0].Size != uint64(len(one)) {
		t.Fatalf("find: got %v, %v, want the object", found, err)
	}
	if g, err := s.Group(ctx, id, 1); err != nil || !bytes.Equal(g, one[GroupBytes:2*GroupBytes]) {
		t.Errorf("group 1: got %d bytes, %v", len(g), err)
	}
	sums, err := s.Sums(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := believe(id, sums); err != nil {
		t.Errorf("its sums: %v", err)
	}
	_, err = s.Group(ctx, id, 4)
	missing("a group beyond the end", err)
	_, err = s.Size(ctx, ID{9})
	missing("another object", err)

	write(2, two)
	if err := s.Look(ctx); err != nil {
		t.Fatal(err)
	}
	if found, err := s.Find(ctx, [32]byte{2}); err != nil || found[0].Size != 100 {
		t.Errorf("a new file: got %v, %v", found, err)
	}
	spoilt := bytes.Clone(one)
	spoilt[GroupBytes] ^= 1
	write(1, spoilt)
	_, err = s.Group(ctx, id, 1)
	missing("a group that has changed", err)
	if _, err := s.Group(ctx, id, 0); err != nil {
		t.Errorf("a group that has not: %v", err)
	}
	delete(files, [32]byte{1})
	if err := s.Look(ctx); err != nil {
		t.Fatal(err)
	}
	_, err = s.Size(ctx, id)
	missing("a file that is no longer listed", err)
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if err := s.Run(cancelled); err != nil {
		t.Errorf("end of Run: got %v, want nil", err)
	}
}
