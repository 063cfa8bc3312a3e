package main

// A language model among the stored ones: pulled from a file, listed, inspected, timed, run by its name and id, removed.

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

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
