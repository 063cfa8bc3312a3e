package engine

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aiwork/aiwork-node/compute/lower"
	"github.com/aiwork/aiwork-node/compute/model"
	"github.com/aiwork/aiwork-node/compute/packed"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/photos"
)

// Weights are packed once and mapped afterwards, in this process and by children, and change no bit of a result.

// ownModel is the model that ships with another licence's text and id, so that it lies in a store only.
func ownModel(t *testing.T) (dir string, id chain.Hash, f *model.File) {
	t.Helper()
	shipped := contentSafety(t)
	n := *shipped.Net
	n.Labels = append([]string{"own"}, n.Labels[1:]...)
	f = &model.File{Name: "own", Licence: shipped.Licence, Model: &lower.Model{Net: &n, Weights: shipped.Weights}}
	dir = t.TempDir()
	id, err := model.Store{Dir: dir}.Put(f)
	if err != nil {
		t.Fatal(err)
	}
	return dir, id, f
}

func TestWeightsAreKept(t *testing.T) {
	dir, id, f := ownModel(t)
	input := canonical(t, photos.All()[0])
	want, err := RunLocal(f, input)
	if err != nil {
		t.Fatal(err)
	}
	l := Library{Models: model.Library{Store: model.Store{Dir: dir}}, Packed: packed.Folder{Dir: filepath.Join(dir, "packed"), BytesMax: 1 << 30}}
	for round, settles := range []bool{true, false, false} {
		c, err := l.Compile(id, 1)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if got, err := c.Run(t.Context(), input); err != nil || !bytes.Equal(got, want) {
				t.Errorf("round %d: got %x and %v, want %x", round, got, err, want)
			}
		}
		if mapped := c.kept.shelf.Mapped() > 0; mapped == settles {
			t.Errorf("round %d: packed weights are mapped: %v", round, mapped)
		}
		if got := c.Settle(); got != settles {
			t.Errorf("round %d: to be opened anew: %v, want %v", round, got, settles)
		}
		c.Close()
	}
}

// Children keep and map them; one that finds its file damaged says so and packs anew.
func TestChildrenShareWeights(t *testing.T) {
	dir, id, f := ownModel(t)
	input := canonical(t, photos.All()[0])
	want, err := RunLocal(f, input)
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(dir, "packed")
	t.Setenv(childEnv, "real")
	t.Setenv(storeEnv, dir)
	t.Setenv(packedEnv, folder)
	var notes []string
	run := func() {
		t.Helper()
		exe, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		o := Options{Exe: exe, Note: func(n Note) { notes = append(notes, n.Text) }}
		e, err := Start(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		for range 2 { // before the second one the child has written the file
			if got, err := e.Run(t.Context(), id, input); err != nil || !bytes.Equal(got, want) {
				t.Errorf("got %x and %v, want %x", got, err, want)
			}
		}
	}
	run()
	files, err := filepath.Glob(filepath.Join(folder, "*.packed"))
	if err != nil || len(files) != 1 {
		t.Fatalf("files %v: %v", files, err)
	}
	before, err := os.Stat(files[0])
	if err != nil {
		t.Fatal(err)
	}
	run()
	if after, err := os.Stat(files[0]); err != nil || !os.SameFile(before, after) {
		t.Errorf("a file that was good is written anew: %v", err)
	}
	if len(notes) > 0 {
		t.Errorf("noted: %q", notes)
	}
	b, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := os.WriteFile(files[0], b, 0o600); err != nil {
		t.Fatal(err)
	}
	run()
	if len(notes) != 1 || !strings.Contains(notes[0], "packed anew") {
		t.Errorf("noted %q, want that they are packed anew", notes)
	}
	run()
	if len(notes) != 1 {
		t.Errorf("the new file is not good: %q", notes[1:])
	}
}
