package inference

// Likelihoods and vectors in OpenAI's forms: equal streamed or not, and what lm computes.

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/aiwork/aiwork-node/compute/lm"
)

// likely reads the likelihoods of a choice.
func likely[T any](t *testing.T, c *choice) (v T) {
	t.Helper()
	raw, err := json.Marshal(c.Logprobs)
	if err == nil {
		err = json.Unmarshal(raw, &v)
	}
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestCompletionLogprobs(t *testing.T) {
	l := testLanguage(t, LanguageOptions{})
	o := testOptions()
	o.Languages = []*Language{l}
	s := serve(t, o)
	const ask = `"model":"tiny","prompt":"once","seed":3,"max_tokens":12,"return_token_ids":true,"logprobs":2`
	whole := s.reply("/v1/completions", `{`+ask+`}`)
	c := whole.Choices[0]
	got := likely[completionLogprobs](t, &c)
	if len(got.Tokens) != len(c.Tokens) || len(got.Of) != len(c.Tokens) || len(got.Top) != len(c.Tokens) || len(got.Offsets) != len(c.Tokens) {
		t.Fatalf("%d tokens: %+v", len(c.Tokens), got)
	}
	runner, seq := lm.NewRunner(l.model, 1), lm.NewCache(l.model.Config, 2).NewSequence()
	text := slices.Concat(whole.Aiwork.PromptTokens, c.Tokens)
	part := &lm.Part{Seq: seq, Tokens: text, Want: len(c.Tokens) + 1}
	if err := runner.Step([]*lm.Part{part}); err != nil {
		t.Fatal(err)
	}
	for i, id := range c.Tokens {
		of, top := lm.NewSampler(l.path).Likelihoods(part.Logits[i], id, 2)
		if got.Of[i] != of || got.Top[i][l.tokenText(top[0].Token)] != top[0].Logprob || got.Tokens[i] != l.tokenText(id) {
			t.Errorf("token %d: %g %v, want %g %v", i, got.Of[i], got.Top[i], of, top)
		}
	}
	var pieces completionLogprobs
	for _, r := range s.stream("/v1/completions", `{`+ask+`,"stream":true}`) {
		if r.Choices[0].Logprobs != nil {
			p := likely[completionLogprobs](t, &r.Choices[0])
			pieces.Of, pieces.Offsets = append(pieces.Of, p.Of...), append(pieces.Offsets, p.Offsets...)
		}
	}
	if !slices.Equal(pieces.Of, got.Of) || !slices.Equal(pieces.Offsets, got.Offsets) {
		t.Errorf("in pieces %v, want %v", pieces, got)
	}
	if plain := s.reply("/v1/completions", strings.Replace(`{`+ask+`}`, `,"logprobs":2`, "", 1)).Choices[0]; *plain.Text != *c.Text || plain.Logprobs != nil {
		t.Errorf("asking for likelihoods changes the answer: %+v", plain)
	}
}

func TestChatLogprobs(t *testing.T) {
	o := testOptions()
	o.Languages = []*Language{testLanguage(t, LanguageOptions{})}
	s := serve(t, o)
	const ask = `"model":"tiny","messages":[{"role":"user","content":"x"}],"seed":3,"max_tokens":9,"return_token_ids":true,"logprobs":true,"top_logprobs":4`
	c := s.reply("/v1/chat/completions", `{`+ask+`}`).Choices[0]
	got := likely[chatLogprobs](t, &c)
	if len(got.Content) != len(c.Tokens) || len(got.Content) == 0 {
		t.Fatalf("%d tokens: %+v", len(c.Tokens), got)
	}
	text := []byte{}
	for _, one := range got.Content {
		if len(one.Top) != 4 || one.Top[0].Logprob < one.Top[1].Logprob || one.Logprob > one.Top[0].Logprob || one.Logprob > 0 {
			t.Errorf("%+v", one)
		}
		for _, b := range one.Bytes {
			text = append(text, byte(b))
		}
	}
	if want := strings.ToValidUTF8(string(text), "\uFFFD"); *c.Finish == "length" && !strings.Contains(want, strings.Trim(*c.Message.Content, "\uFFFD")) {
		t.Errorf("the bytes say %q, the answer %q", want, *c.Message.Content)
	}
}

func TestEmbeddings(t *testing.T) {
	l := testLanguage(t, LanguageOptions{})
	o := testOptions()
	o.Languages = []*Language{l}
	s := serve(t, o)
	ask := func(more string) (e embeddings) {
		status, head, b := s.post("/v1/embeddings", `{"model":"tiny",`+more+`}`)
		if err := json.Unmarshal(b, &e); err != nil || status != 200 || head.Get(classHeader) != classExact {
			t.Fatalf("%s: %d %s", more, status, b)
		}
		return e
	}
	floats := func(e embedding) (v []float32) {
		for _, x := range e.Vector.([]any) {
			v = append(v, float32(x.(float64)))
		}
		return v
	}
	two := ask(`"input":["a tale","of rain"]`)
	if len(two.Data) != 2 || two.Data[1].Index != 1 || two.Usage.Prompt == 0 || two.Usage.Total != two.Usage.Prompt || len(floats(two.Data[0])) != 64 {
		t.Fatalf("%+v", two)
	}
	alone := floats(ask(`"input":"of rain"`).Data[0])
	if !slices.Equal(alone, floats(two.Data[1])) || slices.Equal(alone, floats(two.Data[0])) {
		t.Error("a text's vector depends on others, or not on the text")
	}
	ids := l.texts.EncodeAll(partOf("of rain"))
	raw, _ := json.Marshal(ids)
	if !slices.Equal(alone, floats(ask(`"input":` + string(raw)).Data[0])) {
		t.Error("tokens have another vector than their text")
	}
	b, err := base64.StdEncoding.DecodeString(ask(`"input":"of rain","encoding_format":"base64","dimensions":64`).Data[0].Vector.(string))
	if err != nil || len(b) != 4*len(alone) {
		t.Fatal(err, len(b))
	}
	for i, v := range alone {
		if math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:])) != v {
			t.Fatalf("number %d differs in base64", i)
		}
	}
	if slices.Equal(alone, floats(ask(`"input":"of rain","pooling":"last"`).Data[0])) {
		t.Error("both pools give one vector")
	}
	for _, more := range []string{
		`"input":[]`, `"input":7`, `"input":["a",[]]`, `"input":[99999]`, `"input":"x","dimensions":32`, `"input":"x","encoding_format":"int8"`,
		`"input":"x","pooling":"max"`, `"input":"x","wit":1`, `"x":1`, `"input":"` + strings.Repeat("x ", testContext) + `"`,
	} {
		if status, _, b := s.post("/v1/embeddings", `{"model":"tiny",`+more+`}`); status != 400 {
			t.Errorf("%.60s: %d %s", more, status, b)
		}
	}
}
