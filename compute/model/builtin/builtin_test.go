package builtin

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aiwork/aiwork-node/internal/testutil"
)

func TestContentSafety(t *testing.T) {
	m, err := ContentSafety()
	if err != nil {
		t.Fatal(err)
	}
	if got := m.ID.String(); got != ContentSafetyID {
		t.Errorf("id: got %s, want %s", got, ContentSafetyID)
	}
	if want := []string{"Drawing", "Hentai", "Neutral", "Porn", "Sexy"}; !slices.Equal(m.Classes, want) {
		t.Errorf("classes: got %v, want %v", m.Classes, want)
	}
	if !strings.Contains(m.Licence, "MIT License") || !strings.Contains(m.Licence, "Infinite Red") {
		t.Errorf("licence: got %q, want that of nsfwjs", m.Licence)
	}
	if file, err := m.Encode(); err != nil || !bytes.Equal(file, m.File()) {
		t.Errorf("encoding it again: %v, or other bytes", err)
	}
}

// The shipped file is what tools/convert-nsfwjs makes of the npm package.
func TestConversion(t *testing.T) {
	tools := filepath.Join("..", "..", "..", "tools")
	folder := filepath.Join(tools, "golden", "node_modules", "nsfwjs")
	node, nodeErr := exec.LookPath("node")
	if _, err := os.Stat(folder); err != nil || nodeErr != nil {
		testutil.Skip(t, "needs Node 20 and the npm package nsfwjs: npm ci --prefix tools/golden --ignore-scripts")
	}
	out := filepath.Join(t.TempDir(), "model.aiwm")
	text, err := exec.Command(node, filepath.Join(tools, "convert-nsfwjs", "convert.cjs"), folder, out).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if got := strings.TrimSpace(string(text)); got != ContentSafetyID {
		t.Errorf("id: got %s, want %s", got, ContentSafetyID)
	}
	file, err := os.ReadFile(out)
	if err != nil || string(file) != contentSafety {
		t.Errorf("converted file differs from the shipped one (%v)", err)
	}
}
