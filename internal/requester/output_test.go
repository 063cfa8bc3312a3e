package requester

// An answer of a language model is read, what is none is left out, and nothing in it commands a terminal.

import (
	"bytes"
	"strings"
	"testing"

	"github.com/aiwork/aiwork-node/compute/language"
)

func TestSaid(t *testing.T) {
	a := language.Answer{End: language.EndLength, PromptTokens: 3, Tokens: []int32{7, 8}, Text: "a\x1b[31m \u0085tale\n"}
	s := said(a.Encode())
	if s == nil || s.Text != a.Text || s.End != "length" || s.PromptTokens != 3 || len(s.Tokens) != 2 {
		t.Fatalf("got %+v", s)
	}
	if got := said([]byte("no answer")); got != nil {
		t.Errorf("got %+v of what is no answer", got)
	}
	var out bytes.Buffer
	r := &Result{Items: []Line{{Name: "prompt", Said: s}}}
	r.Print(&out)
	if text := out.String(); !strings.Contains(text, "prompt: a[31m tale\n") || strings.ContainsAny(text, "\x1b\u0085") {
		t.Errorf("printed %q", text)
	}
}

func TestPromptInput(t *testing.T) {
	p := language.Prompt{Tokens: []int32{1}, TokensMax: 2}
	in, err := NewPrompt("p", &p)
	if err != nil || in.Form != formPrompt || !bytes.Equal(in.Data, p.Encode()) {
		t.Errorf("got %+v, %v", in, err)
	}
	p.TokensMax = 0
	if _, err := NewPrompt("p", &p); err == nil {
		t.Error("an answer of no tokens is asked for")
	}
}
