package inference

// What strangers write is read or refused, and never breaks the reader; stop texts are found however an answer is cut.

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/aiwork/aiwork-node/compute/lm"
)

func FuzzForm(f *testing.F) {
	for _, seed := range []string{
		`{"model":"m","prompt":"x","stop":["a"],"seed":-1,"temperature":0.5,"stream":true,"stream_options":{"include_usage":true}}`,
		`{"messages":[{"role":"user","content":[{"type":"text","text":"x"}]}],"max_tokens":3}`, `{"n":1.0}`, `{"a":null}`, `null`, `[]`, `{"stop":{}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		form, fault := parseForm(body)
		if fault != nil {
			return
		}
		a := readAsk(form)
		n := readAnswerLen(form, DefaultLimits(), "max_tokens", "max_completion_tokens")
		talk, fault := readMessages(form)
		form.ignore("model", "prompt")
		if form.done() != nil || fault != nil {
			return
		}
		if err := a.request.Sampling.Check(); err != nil || n < 0 || n > DefaultLimits().AnswerTokensMax || len(talk) == 0 || len(a.stops) > stopTextsMax {
			t.Fatalf("%s was taken: %+v, %v", body, a, err)
		}
		if a.request.Sampling.TopPPpm == 0 || a.request.Sampling.TopK > lm.VocabMax {
			t.Fatalf("%s draws as %+v", body, a.request.Sampling)
		}
	})
}

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
			got += s.end()
		}
		if got != want {
			t.Fatalf("%q of %q with %q, want %q", got, text, texts, want)
		}
	}
}
