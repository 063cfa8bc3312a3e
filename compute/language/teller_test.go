package language

// Stop texts are found however an answer is cut.

import (
	"math/rand/v2"
	"strings"
	"testing"
)

func TestStopsHoweverCut(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	letters := func(n int) string {
		var b strings.Builder
		for range n {
			b.WriteByte("ab\xc3"[rnd.IntN(3)])
		}
		return b.String()
	}
	for range 20_000 {
		text, texts := letters(12), []string{letters(1 + rnd.IntN(4)), letters(1 + rnd.IntN(4))}
		want := text
		for end := 1; end <= len(text); end++ { // the first to be whole ends the answer
			at := -1
			for _, s := range texts {
				if i := strings.Index(text[:end], s); i >= 0 && (at < 0 || i < at) {
					at = i
				}
			}
			if at >= 0 {
				want = text[:at]
				break
			}
		}
		s, got, found := stops{texts: texts}, "", false
		for at := 0; at < len(text) && !found; at++ {
			var told string
			told, found = s.next(text[at : at+1])
			got += told
			if !strings.HasPrefix(want, got) {
				t.Fatalf("%q told of %q with %q, want %q", got, text, texts, want)
			}
		}
		if !found {
			got += s.kept
		}
		if got != want {
			t.Fatalf("%q of %q with %q, want %q", got, text, texts, want)
		}
	}
}
