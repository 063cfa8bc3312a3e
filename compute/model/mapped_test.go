package model

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/aiwork/aiwork-node/compute/packed"
	"github.com/aiwork/aiwork-node/internal/chain"
)

// A file that held once is mapped afterwards and gives the same weights; one that was changed since is read in whole again.

// shelfFor opens a shelf that is closed with the test.
func shelfFor(t *testing.T, dir string, id chain.Hash) *packed.Shelf {
	s := packed.Folder{Dir: filepath.Join(dir, "packed"), BytesMax: 1 << 30}.Shelf(id, "go", func(text string) { t.Error(text) })
	t.Cleanup(func() { s.Close() })
	return s
}

func TestOpen(t *testing.T) {
	store := Store{Dir: t.TempDir()}
	f := sampleFile(t, "sample")
	id, err := store.Put(f)
	if err != nil {
		t.Fatal(err)
	}
	open := func(wantMapped bool) *Mapped {
		t.Helper()
		shelf := shelfFor(t, store.Dir, id)
		m, err := store.Open(id, shelf)
		if err != nil {
			t.Fatal(err)
		}
		if (m.unmap != nil) != wantMapped {
			t.Errorf("mapped: %v, want %v", m.unmap != nil, wantMapped)
		}
		for i, w := range m.Weights {
			if !bytes.Equal(w.Raw(), f.Weights[i].Raw()) || w.Type() != f.Weights[i].Type() {
				t.Errorf("weight %d is another one", i)
			}
			if _, ok := shelf.NameOf(w); !ok {
				t.Errorf("weight %d has no name", i)
			}
		}
		if _, err := shelf.Save(); err != nil {
			t.Error(err)
		}
		shelf.Close()
		return m
	}
	open(false)
	m := open(true)
	raised, err := m.Compile()
	if err != nil || len(raised.Inputs) != 1 {
		t.Errorf("it does not compile: %v", err)
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	// The same model with another name is another file.
	f.Name = "renamed"
	if err := os.WriteFile(store.Path(id), f.Encode(), 0o644); err != nil {
		t.Fatal(err)
	}
	if m := open(false); m.Name != "renamed" {
		t.Errorf("got the model %q", m.Name)
	}
	// A weight that changed is found, though the file was good before.
	b := f.Encode()
	b[len(b)-9] ^= 1 // the file ends with the shape, an int64 before which floats lie
	if err := os.WriteFile(store.Path(id), b, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open(id, shelfFor(t, store.Dir, id)); err == nil {
		t.Error("a changed weight is not noticed")
	}
	if _, err := store.Open(chain.Hash{1}, nil); !errors.Is(err, ErrNoModel) {
		t.Errorf("no model: %v", err)
	}
}
