package engine

// A language model in a child: listed, run, checked in one pass; faults of prompts, and what this machine lacks, are told apart.

import (
	"bytes"
	"errors"
	"os"
	"testing"

	"github.com/aiwork/aiwork-node/compute/image"
	"github.com/aiwork/aiwork-node/compute/language"
	"github.com/aiwork/aiwork-node/compute/language/languagetest"
	"github.com/aiwork/aiwork-node/compute/model/builtin"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/photos"
)

func TestSpeaker(t *testing.T) {
	folder := t.TempDir()
	id, _, err := (language.Store{Dir: folder}).Put(languagetest.Write(t, languagetest.Change{Weight: -1}))
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(childEnv, "real")
	t.Setenv(storeEnv, folder)
	e, err := Start(t.Context(), Options{Exe: os.Args[0]})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	found := false
	for _, m := range e.Models() {
		found = found || m.ID == id && m.Name == languagetest.Name && m.Input == InputPrompt && m.Output == OutputText
	}
	if !found {
		t.Errorf("not among %+v", e.Models())
	}
	p := language.Prompt{Tokens: []int32{1, 5, 9}, TokensMax: 20}
	result, err := e.Run(t.Context(), id, p.Encode())
	if err != nil {
		t.Fatal(err)
	}
	check := func(what string, id chain.Hash, input, result []byte, want bool) {
		t.Helper()
		if got, err := e.Follows(t.Context(), id, input, result); err != nil || got != want {
			t.Errorf("%s: follows is %t, want %t, %v", what, got, want, err)
		}
	}
	check("the answer", id, p.Encode(), result, true)
	forged := bytes.Clone(result)
	forged[len(forged)-1] ^= 1
	check("a forged one", id, p.Encode(), forged, false)
	check("nothing", id, p.Encode(), nil, false)

	p.Tokens[0] = languagetest.Vocab
	bad, isInput := errors.AsType[*InputError](func() error { _, err := e.Run(t.Context(), id, p.Encode()); return err }())
	if !isInput || bad.Fault != image.FaultShape {
		t.Errorf("an unknown token: %v", bad)
	}
	if _, err := e.Follows(t.Context(), id, p.Encode(), result); !errors.As(err, &bad) {
		t.Errorf("an unknown token, checked: %v", err)
	}
	if _, err := e.Follows(t.Context(), chain.Hash{1}, nil, nil); !errors.As(err, new(*UnknownModelError)) {
		t.Errorf("an unknown model: %v", err)
	}

	picture := builtin.ContentSafetyHash() // a network runs again
	png, _, err := image.ToCanonicalPNG(photos.All()[0].JPEG)
	if err != nil {
		t.Fatal(err)
	}
	out, err := e.Run(t.Context(), picture, png)
	if err != nil {
		t.Fatal(err)
	}
	check("a picture's", picture, png, out, true)
	out[0] ^= 1
	check("another", picture, png, out, false)
}

func FuzzCheck(f *testing.F) {
	f.Add(encodeCheck(chain.Hash{}, []byte("in"), []byte("result"))[32:])
	f.Fuzz(func(t *testing.T, b []byte) {
		input, result, ok := decodeCheck(b)
		if ok && !bytes.Equal(encodeCheck(chain.Hash{}, input, result)[32:], b) {
			t.Fatalf("%x is read as %x and %x", b, input, result)
		}
	})
}
