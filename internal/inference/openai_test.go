package inference

// The interface of OpenAI over real HTTP: answers are equal in one value and in pieces, alone and among others, and
// lm.Verify accepts them; what would change an answer and is not provided is refused.

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aiwork/aiwork-node/compute/lm"
)

// told joins what a stream's pieces say.
func told(list []reply) (text, finish string, tokens []int32) {
	for _, r := range list {
		for _, c := range r.Choices {
			switch {
			case c.Text != nil:
				text += *c.Text
			case c.Delta != nil && c.Delta.Content != nil:
				text += *c.Delta.Content
			}
			tokens = append(tokens, c.Tokens...)
			if c.Finish != nil {
				finish = *c.Finish
			}
		}
	}
	return text, finish, tokens
}

func TestCompletionsAreEqualHoweverAsked(t *testing.T) {
	l := testLanguage(t, LanguageOptions{Threads: 2})
	o := testOptions()
	o.Languages = []*Language{l}
	s := serve(t, o)
	const most = 40
	ask := func(seed int, more string) string {
		return fmt.Sprintf(`{"model":"tiny","prompt":"once a ti%d","max_tokens":%d,"temperature":0.9,"top_p":0.9,"seed":%d,"return_token_ids":true%s}`,
			seed, most, seed, more)
	}
	const seeds = 6
	var alone [seeds]reply
	for i := range alone {
		alone[i] = s.reply("/v1/completions", ask(i, ""))
	}
	var together sync.WaitGroup
	for i := range alone {
		want := alone[i].Choices[0]
		together.Go(func() {
			got := s.reply("/v1/completions", ask(i, "")).Choices[0]
			if *got.Text != *want.Text || !slices.Equal(got.Tokens, want.Tokens) || *got.Finish != *want.Finish {
				t.Errorf("seed %d among others: %q, want %q", i, *got.Text, *want.Text)
			}
		})
		together.Go(func() {
			list := s.stream("/v1/completions", ask(i, `,"stream":true,"stream_options":{"include_usage":true}`))
			text, finish, tokens := told(list)
			if text != *want.Text || finish != *want.Finish || !slices.Equal(tokens, want.Tokens) {
				t.Errorf("seed %d in pieces: %q, want %q", i, text, *want.Text)
			}
			if last := list[len(list)-1]; last.Usage == nil || *last.Usage != *alone[i].Usage {
				t.Errorf("seed %d: usage %v, want %v", i, last.Usage, alone[i].Usage)
			}
		})
	}
	together.Wait()
	for i, r := range alone {
		c := r.Choices[0]
		how := lm.Sampling{Temperature: 0.9, TopPPpm: 900_000, Penalty: 1, Seed: uint64(i)}
		runner, seq := lm.NewRunner(l.model, 1), lm.NewCache(l.model.Config, 2).NewSequence()
		n, err := lm.Verify(t.Context(), runner, seq, r.Aiwork.PromptTokens, c.Tokens, how)
		if err != nil || n != len(c.Tokens) || n == 0 || r.Usage.Completion != n {
			t.Errorf("seed %d: %d of %d tokens follow, %v", i, n, len(c.Tokens), err)
		}
		how.Seed++
		if n, _ := lm.Verify(t.Context(), runner, lm.NewCache(l.model.Config, 2).NewSequence(), r.Aiwork.PromptTokens, c.Tokens, how); n == len(c.Tokens) {
			t.Errorf("seed %d: another seed gives the same answer", i)
		}
	}
}

func TestChat(t *testing.T) {
	o := testOptions()
	o.Languages = []*Language{testLanguage(t, LanguageOptions{})}
	s := serve(t, o)
	const talk = `"model":"tiny","messages":[{"role":"system","content":"be brief"},{"role":"user","content":[{"type":"text","text":"a tale"}]}],"seed":3,"max_completion_tokens":24`
	whole := s.reply("/v1/chat/completions", `{`+talk+`}`)
	c := whole.Choices[0]
	if whole.Object != "chat.completion" || c.Message.Role != "assistant" || *c.Message.Content == "" || whole.Usage.Completion > 24 {
		t.Fatalf("%+v", whole)
	}
	pieces := s.stream("/v1/chat/completions", `{`+talk+`,"stream":true}`)
	if text, finish, _ := told(pieces); text != *c.Message.Content || finish != *c.Finish {
		t.Errorf("in pieces %q, want %q", text, *c.Message.Content)
	}
	if first := pieces[0]; first.Object != "chat.completion.chunk" || first.Choices[0].Delta.Role != "assistant" {
		t.Errorf("first piece %+v", first)
	}
}

func TestStopTexts(t *testing.T) {
	o := testOptions()
	o.Languages = []*Language{testLanguage(t, LanguageOptions{})}
	s := serve(t, o)
	const ask = `"model":"tiny","prompt":"rain","seed":5,"max_tokens":60`
	whole := *s.reply("/v1/completions", `{`+ask+`}`).Choices[0].Text
	runes := []rune(whole)
	if len(runes) < 12 {
		t.Fatalf("too short to cut: %q", whole)
	}
	stop := string(runes[6:9])
	want, _, _ := strings.Cut(whole, stop)
	raw, _ := json.Marshal([]string{"no such text", stop})
	with := ask + `,"stop":` + string(raw)
	got := s.reply("/v1/completions", `{`+with+`}`)
	if *got.Choices[0].Text != want || *got.Choices[0].Finish != "stop" {
		t.Errorf("got %q, want %q of %q", *got.Choices[0].Text, want, whole)
	}
	text, finish, _ := told(s.stream("/v1/completions", `{`+with+`,"stream":true}`))
	if text != want || finish != "stop" {
		t.Errorf("in pieces %q, want %q", text, want)
	}
}

func TestRefusals(t *testing.T) {
	o := testOptions()
	o.Languages = []*Language{testLanguage(t, LanguageOptions{})}
	s := serve(t, o)
	const chat, text = "/v1/chat/completions", "/v1/completions"
	const talk = `"model":"tiny","messages":[{"role":"user","content":"x"}]`
	for _, c := range []struct {
		path, body string
		status     int
		param      string
	}{
		{text, `{`, 400, ""},
		{text, `[]`, 400, ""},
		{text, `{"model":"tiny","prompt":"x"} {}`, 400, ""},
		{text, `{"prompt":"x"}`, 404, "model"},
		{text, `{"model":"huge","prompt":"x"}`, 404, "model"},
		{text, `{"model":"tiny"}`, 400, "prompt"},
		{text, `{"model":"tiny","prompt":["a",7]}`, 400, "prompt"},
		{text, `{"model":"tiny","prompt":[99999]}`, 400, "prompt"},
		{text, `{"model":"tiny","prompt":[[1],[-1]]}`, 400, "prompt"},
		{text, `{"model":"tiny","prompt":[]}`, 400, "prompt"},
		{text, `{"model":"tiny","prompt":"x","n":33}`, 400, "n"},
		{text, `{"model":"tiny","prompt":["x","y"],"n":17}`, 400, "n"},
		{text, `{"model":"tiny","prompt":"x","n":0}`, 400, "n"},
		{text, `{"model":"tiny","prompt":"x","n":2,"best_of":3}`, 400, "best_of"},
		{text, `{"model":"tiny","prompt":"x","min_p":0.1}`, 400, "min_p"},
		{text, `{"model":"tiny","prompt":"x","typical_p":0.5}`, 400, "typical_p"},
		{text, `{"model":"tiny","prompt":"x","repeat_last_n":-2}`, 400, "repeat_last_n"},
		{text, `{"model":"tiny","prompt":"x","stop_token_ids":[99999]}`, 400, "stop_token_ids"},
		{text, `{"model":"tiny","prompt":"x","stop_token_ids":"7"}`, 400, "stop_token_ids"},
		{text, `{"model":"tiny","prompt":"x","best_of":2}`, 400, "best_of"},
		{text, `{"model":"tiny","prompt":"x","echo":true}`, 400, "echo"},
		{text, `{"model":"tiny","prompt":"x","logprobs":6}`, 400, "logprobs"},
		{text, `{"model":"tiny","prompt":"x","max_tokens":0}`, 400, "max_tokens"},
		{text, `{"model":"tiny","prompt":"x","max_tokens":2000}`, 400, "max_tokens"},
		{text, `{"model":"tiny","prompt":"x","max_tokens":1.5}`, 400, "max_tokens"},
		{text, `{"model":"tiny","prompt":"x","temperature":-1}`, 400, "temperature"},
		{text, `{"model":"tiny","prompt":"x","temperature":"hot"}`, 400, "temperature"},
		{text, `{"model":"tiny","prompt":"x","top_p":1.1}`, 400, "top_p"},
		{text, `{"model":"tiny","prompt":"x","presence_penalty":0.5}`, 400, "presence_penalty"},
		{text, `{"model":"tiny","prompt":"x","logit_bias":{"5":1}}`, 400, "logit_bias"},
		{text, `{"model":"tiny","prompt":"x","stop":["a",""]}`, 400, "stop"},
		{text, `{"model":"tiny","prompt":"x","stop":7}`, 400, "stop"},
		{text, `{"model":"tiny","prompt":"x","stream_options":{"include_usage":true}}`, 400, "stream_options"},
		{text, `{"model":"tiny","prompt":"x","wit":1}`, 400, "wit"},
		{text, `{"model":"tiny","prompt":"` + strings.Repeat("x ", testContext) + `"}`, 400, "prompt"},
		{chat, `{"model":"tiny","messages":[]}`, 400, "messages"},
		{chat, `{"model":"tiny","messages":[{"role":"tool","content":"x"}]}`, 400, "messages"},
		{chat, `{"model":"tiny","messages":[{"role":"user","content":[{"type":"image_url"}]}]}`, 400, "messages"},
		{chat, `{"model":"tiny","messages":[{"role":"user","content":"x","name":"Jo"}]}`, 400, "messages"},
		{chat, `{` + talk + `,"tools":[{"type":"function"}]}`, 400, "tools"},
		{chat, `{` + talk + `,"response_format":{"type":"json_schema","json_schema":{}}}`, 400, "response_format"},
		{chat, `{` + talk + `,"response_format":{"type":"json_object","strict":true}}`, 400, "response_format"},
		{chat, `{` + talk + `,"response_format":"json"}`, 400, "response_format"},
		{chat, `{` + talk + `,"logprobs":true,"top_logprobs":21}`, 400, "top_logprobs"},
		{chat, `{` + talk + `,"top_logprobs":2}`, 400, "top_logprobs"},
		{text, `{"model":"tiny","prompt":"x","repetition_penalty":17}`, 400, "repetition_penalty"},
		{chat, `{` + talk + `,"max_tokens":3,"max_completion_tokens":4}`, 400, "max_completion_tokens"},
		{"/v1/nothing", `{}`, 404, ""},
	} {
		status, _, b := s.post(c.path, c.body)
		var e openaiError
		if err := json.Unmarshal(b, &e); err != nil || status != c.status || e.Error.Message == "" || e.Error.Type == "" {
			t.Errorf("%s %.100s: %d %s, want %d", c.path, c.body, status, b, c.status)
		}
		if got := e.Error.Param; (got == nil) != (c.param == "") || got != nil && *got != c.param {
			t.Errorf("%s %.100s: %s, want parameter %s", c.path, c.body, b, c.param)
		}
	}
	status, head, b := s.get("/v1/models")
	if status != http.StatusOK || !strings.Contains(string(b), `"id":"tiny"`) || head.Get("Content-Type") != "application/json" {
		t.Errorf("%d %s", status, b)
	}
	if status, _, b := s.get("/v1/models/tiny"); status != http.StatusOK || !strings.Contains(string(b), `"aiwork_class":"exact"`) {
		t.Errorf("%d %s", status, b)
	}
}

// Each of several answers, and of several prompts, is the one that is given to it alone, in one value and in pieces; the i-th to a prompt
// draws by the seed plus i.
func TestChoices(t *testing.T) {
	o := testOptions()
	o.Languages = []*Language{testLanguage(t, LanguageOptions{Threads: 2})}
	s := serve(t, o)
	ask := func(prompt string, seed, n int, more string) string {
		return fmt.Sprintf(`{"model":"tiny","prompt":%s,"seed":%d,"n":%d,"max_tokens":20,"temperature":0.8,"return_token_ids":true,"logprobs":1%s}`, prompt, seed, n, more)
	}
	var want []choice
	spent := usage{}
	for _, prompt := range []string{`"rain"`, `"a tale"`} {
		for i := range 3 {
			r := s.reply("/v1/completions", ask(prompt, 5+i, 1, ""))
			if i == 0 {
				spent.Prompt += r.Usage.Prompt
			}
			spent.Completion += r.Usage.Completion
			c := r.Choices[0]
			if c.Index = len(want); i == 0 && len(want) > 0 {
				c.PromptTokens = r.Aiwork.PromptTokens
			}
			want = append(want, c)
		}
	}
	spent.Total = spent.Prompt + spent.Completion
	words := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	got := s.reply("/v1/completions", ask(`["rain","a tale"]`, 5, 3, ""))
	if words(got.Choices) != words(want) || *got.Usage != spent {
		t.Errorf("got %s of %+v, want %s of %+v", words(got.Choices), got.Usage, words(want), spent)
	}
	parts := make([][]reply, len(want))
	list := s.stream("/v1/completions", ask(`["rain","a tale"]`, 5, 3, `,"stream":true,"stream_options":{"include_usage":true}`))
	for _, r := range list[:len(list)-1] {
		parts[r.Choices[0].Index] = append(parts[r.Choices[0].Index], r)
	}
	for i, p := range parts {
		if text, finish, tokens := told(p); text != *want[i].Text || finish != *want[i].Finish || !slices.Equal(tokens, want[i].Tokens) {
			t.Errorf("choice %d in pieces: %q, want %q", i, text, *want[i].Text)
		}
	}
	if last := list[len(list)-1]; last.Usage == nil || *last.Usage != spent {
		t.Errorf("in pieces: %+v, want %+v", last.Usage, spent)
	}
	const talk = `"model":"tiny","messages":[{"role":"user","content":"x"}],"seed":3,"n":2,"max_tokens":9`
	chat := s.reply("/v1/chat/completions", `{`+talk+`}`)
	said := map[int]string{}
	for _, r := range s.stream("/v1/chat/completions", `{`+talk+`,"stream":true}`) {
		c := r.Choices[0]
		if _, begun := said[c.Index]; !begun && c.Delta.Role != "assistant" {
			t.Errorf("choice %d begins with %s", c.Index, words(c))
		}
		if c.Delta.Content != nil {
			said[c.Index] += *c.Delta.Content
		}
	}
	for i, c := range chat.Choices {
		if said[i] != *c.Message.Content {
			t.Errorf("turn %d in pieces: %q, want %q", i, said[i], *c.Message.Content)
		}
	}
}

// Tokens that end an answer, and how far back a penalty reaches, are taken as other servers have them.
func TestForeignParameters(t *testing.T) {
	o := testOptions()
	o.Languages = []*Language{testLanguage(t, LanguageOptions{})}
	s := serve(t, o)
	ask := func(more string) choice {
		return s.reply("/v1/completions", `{"model":"tiny","prompt":"rain","seed":5,"max_tokens":40,"return_token_ids":true`+more+`}`).Choices[0]
	}
	whole := ask("")
	stop := whole.Tokens[7]
	if got := ask(fmt.Sprintf(`,"stop_token_ids":[%d]`, stop)); *got.Finish != "stop" || !slices.Equal(got.Tokens, whole.Tokens[:slices.Index(whole.Tokens, stop)+1]) {
		t.Errorf("a stop token: %v of %v", got.Tokens, whole.Tokens)
	}
	far, near := ask(`,"repetition_penalty":1.9`), ask(`,"repetition_penalty":1.9,"repeat_last_n":1`)
	if slices.Equal(far.Tokens, near.Tokens) || slices.Equal(near.Tokens, whole.Tokens) {
		t.Error("a penalty reaches equally far")
	}
	if none := ask(`,"repetition_penalty":1.9,"repeat_last_n":0`); !slices.Equal(none.Tokens, whole.Tokens) {
		t.Error("a penalty that reaches no token changes the answer")
	}
}

// In JSON mode a model of random weights says nothing but JSON, at every temperature, the same each time; what has no room is the beginning
// of it.
func TestJSONMode(t *testing.T) {
	o := testOptions()
	o.Languages = []*Language{testLanguage(t, LanguageOptions{Threads: 2})}
	s := serve(t, o)
	whole := 0
	for seed := range 12 {
		talk := fmt.Sprintf(`{"model":"tiny","messages":[{"role":"user","content":"as JSON"}],"response_format":{"type":"json_object"},"seed":%d,"temperature":%g,"max_tokens":400,"logprobs":true`,
			seed, float64(seed%4)/2)
		c := s.reply("/v1/chat/completions", talk+`}`).Choices[0]
		text, finish, _ := told(s.stream("/v1/chat/completions", talk+`,"stream":true}`))
		if text != *c.Message.Content || finish != *c.Finish || !strings.HasPrefix(strings.TrimSpace(text), "{") {
			t.Errorf("seed %d: %q in pieces, %q whole", seed, text, *c.Message.Content)
		}
		if finish == "stop" {
			if whole++; !json.Valid([]byte(text)) {
				t.Errorf("seed %d: %q is no JSON", seed, text)
			}
		} else if json.Valid([]byte(text)) {
			t.Errorf("seed %d: %q is whole and does not end", seed, text)
		}
	}
	if whole == 0 {
		t.Error("no answer came to its end")
	}
}

// A body that is packed is refused in words, not taken for bad JSON.
func TestPackedBody(t *testing.T) {
	o := testOptions()
	o.Languages = []*Language{testLanguage(t, LanguageOptions{})}
	s := serve(t, o)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/v1/completions", strings.NewReader("packed"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Encoding", "gzip")
	if status, _, b := s.read(http.DefaultClient.Do(r)); status != http.StatusUnsupportedMediaType || !strings.Contains(string(b), "gzip") {
		t.Errorf("%d %s", status, b)
	}
}
