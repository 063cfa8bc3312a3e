package inference

// What strangers write is read or refused, and never breaks the reader.

import (
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
