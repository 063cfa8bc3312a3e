package inference

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/aiwork/aiwork-node/compute/lm"
	"github.com/aiwork/aiwork-node/compute/token"
)

// usage counts tokens.
type usage struct {
	Prompt     int `json:"prompt_tokens"`
	Completion int `json:"completion_tokens"`
	Total      int `json:"total_tokens"`
}

// reply is a completion, a conversation's turn, or a chunk of one.
type reply struct {
	ID          string   `json:"id"`
	Object      string   `json:"object"`
	Created     int64    `json:"created"`
	Model       string   `json:"model"`
	Fingerprint string   `json:"system_fingerprint"`
	Choices     []choice `json:"choices"`
	Usage       *usage   `json:"usage,omitempty"`
	Aiwork      *proof   `json:"aiwork,omitempty"`
}

// proof is what a verifier needs beside the prompt: the seed as a text, since not every reader keeps 64 bits.
type proof struct {
	Class        string  `json:"class"`
	Seed         uint64  `json:"seed,string"`
	PromptTokens []int32 `json:"prompt_token_ids,omitempty"`
	Job          string  `json:"job,omitempty"`      // that it was
	Verdict      string  `json:"verdict,omitempty"`  // of its audit
	Paid         string  `json:"paid_awo,omitempty"` // for it
}

type choice struct {
	Index    int      `json:"index"`
	Text     *string  `json:"text,omitempty"`    // of a completion
	Message  *message `json:"message,omitempty"` // of a conversation
	Delta    *message `json:"delta,omitempty"`   // of a chunk of one
	Logprobs any      `json:"logprobs"`          // null where none are wanted
	Finish   *string  `json:"finish_reason"`
	Tokens   []int32  `json:"token_ids,omitempty"`

	PromptTokens []int32 `json:"prompt_token_ids,omitempty"` // of the second prompt and those behind it
}

type message struct {
	Role    string  `json:"role,omitempty"`
	Content *string `json:"content,omitempty"`
}

// A manner is how an interface words its answers.
type manner struct {
	prefix, object, chunkObject string
	chat                        bool
}

func completionManner() manner {
	return manner{prefix: "cmpl-", object: "text_completion", chunkObject: "text_completion"}
}

func chatManner() manner {
	return manner{prefix: "chatcmpl-", object: "chat.completion", chunkObject: "chat.completion.chunk", chat: true}
}

// whole words a choice that has ended.
func (m manner) whole(index int, text, finish string, tokens []int32) choice {
	c := choice{Index: index, Finish: &finish, Tokens: tokens}
	if m.chat {
		c.Message = &message{Role: "assistant", Content: &text}
	} else {
		c.Text = &text
	}
	return c
}

// part words a piece of a choice.
func (m manner) part(index int, text string, tokens []int32) choice {
	if m.chat {
		return choice{Index: index, Delta: &message{Content: &text}, Tokens: tokens}
	}
	return choice{Index: index, Text: &text, Tokens: tokens}
}

// last words the end of a choice.
func (m manner) last(index int, finish string) choice {
	empty := ""
	if m.chat {
		return choice{Index: index, Delta: &message{}, Finish: &finish}
	}
	return choice{Index: index, Text: &empty, Finish: &finish}
}

func (s *Server) complete(w http.ResponseWriter, r *http.Request) {
	s.language(w, r, func(l *Language, f *form) {
		a := readAsk(f)
		given := readAnswerLen(f, s.opts.Limits, "max_tokens")
		f.only("echo", "false")
		if best := f.whole("best_of", int64(a.each), 1, choicesMax); best != int64(a.each) {
			f.refuse(wrong("best_of", "best_of is %d: all %d answers of n are told, and no others are made", best, a.each))
		}
		f.only("suffix", `""`)
		a.readTop(f)
		prompts, fault := readPrompts(r.Context(), f, l)
		if fault == nil {
			fault = f.done()
		}
		if fault == nil && len(prompts)*a.each > choicesMax {
			fault = wrong("n", "%d prompts with %d answers each, want at most %d answers", len(prompts), a.each, choicesMax)
		}
		if fault != nil {
			s.refuse(w, r, fault)
			return
		}
		s.reply(w, r, l, a.choices(prompts), completionManner(), given, completionTokensUsual)
	})
}

const completionTokensUsual = 16 // as OpenAI has it

// readPrompts takes a text or a list of tokens, or a list of either.
func readPrompts(ctx context.Context, f *form, l *Language) ([][]int32, *Fault) {
	raw, there := f.take("prompt")
	if !there {
		return nil, wrong("prompt", "a prompt is wanted")
	}
	return readTexts(ctx, "prompt", raw, choicesMax, l)
}

// readTexts gives the tokens of a text or a list of tokens, or of a list of these.
func readTexts(ctx context.Context, param string, raw json.RawMessage, most int, l *Language) (all [][]int32, fault *Fault) {
	var list []json.RawMessage
	var tokens []int32
	if json.Unmarshal(raw, &tokens) == nil && len(tokens) > 0 || json.Unmarshal(raw, &list) != nil {
		list = []json.RawMessage{raw}
	}
	if len(list) == 0 || len(list) > most {
		return nil, wrong(param, "%s: %d texts, want 1 to %d", param, len(list), most)
	}
	for _, one := range list {
		var text string
		var tokens []int32
		if json.Unmarshal(one, &text) == nil {
			if tokens, fault = l.encode(ctx, token.Part{Text: text}); fault != nil {
				return nil, fault
			}
		} else if json.Unmarshal(one, &tokens) != nil {
			return nil, wrong(param, "%s: want a text, a list of tokens, or a list of one of these", param)
		}
		all = append(all, tokens)
	}
	return all, nil
}

func (s *Server) chat(w http.ResponseWriter, r *http.Request) {
	s.language(w, r, func(l *Language, f *form) {
		a := readAsk(f)
		given := readAnswerLen(f, s.opts.Limits, "max_tokens", "max_completion_tokens")
		f.only("tools", "[]")
		f.only("tool_choice", `"none"`, `"auto"`)
		f.only("parallel_tool_calls", "true", "false")
		f.only("functions", "[]")
		f.only("modalities", `["text"]`)
		a.readChatTop(f)
		f.only("store", "false")
		f.only("service_tier", `"auto"`, `"default"`)
		talk, fault := readMessages(f)
		if fault == nil {
			fault = f.done()
		}
		if fault == nil && l.templateErr != nil {
			fault = wrong("model", "%s: %v by --template of the server, or use /v1/completions", l.name, l.templateErr)
		}
		var tokens []int32
		if fault == nil {
			tokens, fault = l.encode(r.Context(), l.template.Format(talk)...)
		}
		if fault != nil {
			s.refuse(w, r, fault)
			return
		}
		s.reply(w, r, l, a.choices([][]int32{tokens}), chatManner(), given, s.opts.Limits.AnswerTokensDefault)
	})
}

const messagesMax = 4096

func readMessages(f *form) (talk []token.Message, fault *Fault) {
	var list []map[string]json.RawMessage
	f.read("messages", "a list of messages", &list)
	if f.fault != nil {
		return nil, f.fault
	}
	if len(list) == 0 || len(list) > messagesMax {
		return nil, wrong("messages", "%d messages, want 1 to %d", len(list), messagesMax)
	}
	for _, fields := range list {
		m, fault := readMessage(&form{fields: fields})
		if fault != nil {
			return nil, fault
		}
		talk = append(talk, m)
	}
	return talk, nil
}

func readMessage(f *form) (m token.Message, fault *Fault) {
	for name, v := range f.fields {
		if isNull(v) {
			delete(f.fields, name)
		}
	}
	m.Role = f.text("role")
	switch m.Role {
	case "system", "user", "assistant":
	case "developer":
		m.Role = "system"
	default:
		f.refuse(wrong("messages", "messages: role %.32q, want system, developer, user or assistant", m.Role))
	}
	raw, _ := f.take("content")
	var there bool
	if m.Text, there = contentOf(raw); !there {
		f.refuse(wrong("messages", "messages: content: want a text, or a list of parts of type text"))
	}
	f.only("tool_calls", "[]")
	f.ignore("refusal", "annotations", "reasoning_content")
	if f.fault == nil && len(f.fields) > 0 {
		return m, wrong("messages", "messages: %s", f.done().Text)
	}
	return m, f.fault
}

func contentOf(raw json.RawMessage) (text string, ok bool) {
	if json.Unmarshal(raw, &text) == nil {
		return text, true
	}
	var parts []struct {
		Type string  `json:"type"`
		Text *string `json:"text"`
	}
	if json.Unmarshal(raw, &parts) != nil {
		return "", false
	}
	for _, p := range parts {
		if p.Type != "text" || p.Text == nil {
			return "", false
		}
		text += *p.Text
	}
	return text, true
}

// reply answers in one value or as a stream.
func (s *Server) reply(w http.ResponseWriter, r *http.Request, l *Language, asks []*ask, m manner, given, usual int) {
	for _, a := range asks {
		if fault := a.fit(l, given, usual); fault != nil {
			s.refuse(w, r, fault)
			return
		}
	}
	timeout := s.opts.Limits.AnswerTimeout
	if l.ordered {
		timeout = s.opts.Limits.JobTimeout
	}
	ctx, cancel := withTimeout(r, timeout)
	defer cancel()
	first := asks[0]
	head := reply{
		ID: m.prefix + s.ids.next(), Created: time.Now().Unix(), Model: l.name, Fingerprint: l.fingerprint,
		Aiwork: &proof{Class: classExact, Seed: first.seed},
	}
	w.Header().Set(classHeader, classExact)
	speak := l.speakAll
	if l.ordered {
		speak = func(ctx context.Context, asks []*ask, tell func(int, piece) error, ended func(int, outcome) error) *Fault {
			return s.orderAnswers(ctx, w, l, asks, &head, tell, ended)
		}
	}
	if first.stream {
		head.Object = m.chunkObject
		s.replyStream(ctx, w, r, l, asks, m, &head, speak)
		return
	}
	type answer struct {
		text  []byte
		drawn []lm.Event
		outcome
	}
	answers := make([]answer, len(asks))
	fault := speak(ctx, asks, func(i int, p piece) error {
		answers[i].text, answers[i].drawn = append(answers[i].text, p.text...), append(answers[i].drawn, p.drawn...)
		return nil
	}, func(i int, o outcome) error {
		answers[i].outcome = o
		return nil
	})
	if fault != nil {
		s.refuse(w, r, fault)
		return
	}
	spent := &usage{}
	for i := range answers {
		a := &answers[i]
		c := m.whole(i, string(a.text), a.finish, asks[i].shown(a.drawn))
		if asks[i].request.Logprobs {
			c.Logprobs, _ = l.likelihoods(m, a.drawn, 0)
		}
		c.PromptTokens = asks[i].promptShown(i)
		head.Choices = append(head.Choices, c)
		spent.add(asks[i], i, a.outcome)
	}
	if first.tokenIDs {
		head.Aiwork.PromptTokens = first.request.Prompt
	}
	s.metrics.answered(spent.Prompt, spent.Completion)
	head.Object, head.Usage = m.object, spent
	s.writeJSON(w, http.StatusOK, head)
}

// shown gives the numbers of tokens, where they are wanted.
func (a *ask) shown(drawn []lm.Event) (tokens []int32) {
	if !a.tokenIDs {
		return nil
	}
	for _, e := range drawn {
		tokens = append(tokens, e.Token)
	}
	return tokens
}

// promptShown gives the numbers of a prompt's tokens, where they are wanted and its first answer is told. That of the first prompt stands
// beside the choices.
func (a *ask) promptShown(choice int) []int32 {
	if !a.tokenIDs || choice == 0 || choice%a.each != 0 {
		return nil
	}
	return a.request.Prompt
}

// add counts an answer; a prompt counts once, however many answers it has.
func (u *usage) add(a *ask, choice int, o outcome) {
	if choice%a.each == 0 {
		u.Prompt += len(a.request.Prompt)
	}
	u.Completion += o.tokens
	u.Total = u.Prompt + u.Completion
}

// A listed model is an entry of /v1/models.
type listedModel struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Created int64  `json:"created"`
	OwnedBy string `json:"owned_by"`
	Class   string `json:"aiwork_class"`
	Context int    `json:"max_model_len,omitempty"`
}

// Owners of models, as they are listed.
const (
	ownerAiwork   = "aiwork-node"
	ownerUpstream = "upstream"
)
