package builtin

import (
	"slices"
	"strings"
	"testing"

	"github.com/aiwork/aiwork-node/compute/model"
)

// The file that ships is the model of the id that is known, with its labels and its licence.
func TestContentSafety(t *testing.T) {
	m, err := ContentSafety()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := model.DecodeFile([]byte(contentSafety)); err != nil {
		t.Errorf("held against its roots: %v", err)
	}
	if got := m.Net.ID(); got.String() != ContentSafetyID || got != ContentSafetyHash() {
		t.Errorf("id: got %s, want %s", got, ContentSafetyID)
	}
	if want := []string{"Drawing", "Hentai", "Neutral", "Porn", "Sexy"}; !slices.Equal(m.Net.Labels, want) {
		t.Errorf("labels: got %v, want %v", m.Net.Labels, want)
	}
	if !strings.Contains(m.Licence, "MIT License") || !strings.Contains(m.Licence, "Infinite Red") {
		t.Errorf("licence: got %q, want that of nsfwjs", m.Licence)
	}
	if string(m.Encode()) != contentSafety {
		t.Error("encoding it again gives other bytes")
	}
}
