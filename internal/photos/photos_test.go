package photos

import (
	"bytes"
	"image/jpeg"
	"slices"
	"strings"
	"testing"
)

// The list and the embedded files agree, every photograph is whole, small and credited.
func TestAll(t *testing.T) {
	entries, err := files.ReadDir("data")
	if err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for _, e := range entries {
		want = append(want, e.Name())
	}
	for _, p := range All() {
		got = append(got, p.Name)
		if len(p.JPEG) > 150<<10 {
			t.Errorf("%s: got %d bytes, want at most 150 KiB", p.Name, len(p.JPEG))
		}
		if _, err := jpeg.Decode(bytes.NewReader(p.JPEG)); err != nil {
			t.Errorf("%s: %v", p.Name, err)
		}
		free := strings.HasPrefix(p.Licence, "CC") || p.Licence == "public domain"
		if p.Author == "" || p.Source == "" || !free {
			t.Errorf("%s: author %q, source %q, licence %q: want all of them, and a free licence", p.Name, p.Author, p.Source, p.Licence)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
