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
func (m manner) whole(text, finish string, tokens []int32) choice {
	c := choice{Finish: &finish, Tokens: tokens}
	if m.chat {
		c.Message = &message{Role: "assistant", Content: &text}
	} else {
		c.Text = &text
	}
	return c
}

// part words a piece of a choice.
func (m manner) part(text string, tokens []int32) choice {
	if m.chat {
		return choice{Delta: &message{Content: &text}, Tokens: tokens}
	}
	return choice{Text: &text, Tokens: tokens}
}

// last words the end of a choice.
func (m manner) last(finish string) choice {
	empty := ""
	if m.chat {
		return choice{Delta: &message{}, Finish: &finish}
	}
	return choice{Text: &empty, Finish: &finish}
}

func (s *Server) complete(w http.ResponseWriter, r *http.Request) {
	s.language(w, r, func(l *Language, f *form) {
		a := readAsk(f)
		given := readAnswerLen(f, s.opts.Limits, "max_tokens")
		f.only("echo", "false")
		f.only("best_of", "1")
		f.only("suffix", `""`)
		a.readTop(f)
		fault := a.readPrompt(r.Context(), f, l)
		if fault == nil {
			fault = f.done()
		}
		if fault != nil {
			s.refuse(w, r, fault)
			return
		}
		s.reply(w, r, l, &a, completionManner(), given, completionTokensUsual)
	})
}

const completionTokensUsual = 16 // as OpenAI has it

// readPrompt takes a prompt as a text or as tokens.
func (a *ask) readPrompt(ctx context.Context, f *form, l *Language) *Fault {
	raw, there := f.take("prompt")
	if !there {
		return wrong("prompt", "a prompt is wanted")
	}
	text, tokens, ok := oneText(raw)
	switch {
	case !ok:
		return wrong("prompt", "prompt: want one text or one list of tokens")
	case tokens != nil:
		a.request.Prompt, a.prompt.Tokens = tokens, tokens
		return nil
	}
	return a.setParts(ctx, l, token.Part{Text: text})
}

// oneText reads a text or a list of tokens, alone or as the only one of a list.
func oneText(raw json.RawMessage) (text string, tokens []int32, ok bool) {
	var texts []string
	var lists [][]int32
	switch {
	case json.Unmarshal(raw, &text) == nil:
		return text, nil, true
	case json.Unmarshal(raw, &texts) == nil && len(texts) == 1:
		return texts[0], nil, true
	case json.Unmarshal(raw, &tokens) == nil:
		return "", tokens, true
	case json.Unmarshal(raw, &lists) == nil && len(lists) == 1 && lists[0] != nil:
		return "", lists[0], true
	}
	return "", nil, false
}

// setParts makes the prompt of parts of a text.
func (a *ask) setParts(ctx context.Context, l *Language, parts ...token.Part) (fault *Fault) {
	a.prompt.Parts = parts
	a.request.Prompt, fault = l.encode(ctx, parts...)
	return fault
}

func (s *Server) chat(w http.ResponseWriter, r *http.Request) {
	s.language(w, r, func(l *Language, f *form) {
		a := readAsk(f)
		given := readAnswerLen(f, s.opts.Limits, "max_tokens", "max_completion_tokens")
		f.only("tools", "[]")
		f.only("tool_choice", `"none"`, `"auto"`)
		f.only("parallel_tool_calls", "true", "false")
		f.only("functions", "[]")
		f.only("response_format", `{"type":"text"}`)
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
		if fault == nil {
			fault = a.setParts(r.Context(), l, l.template.Format(talk)...)
		}
		if fault != nil {
			s.refuse(w, r, fault)
			return
		}
		s.reply(w, r, l, &a, chatManner(), given, s.opts.Limits.AnswerTokensDefault)
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
func (s *Server) reply(w http.ResponseWriter, r *http.Request, l *Language, a *ask, m manner, given, usual int) {
	if fault := a.fit(l, given, usual); fault != nil {
		s.refuse(w, r, fault)
		return
	}
	timeout := s.opts.Limits.AnswerTimeout
	if l.ordered {
		timeout = s.opts.Limits.JobTimeout
	}
	ctx, cancel := withTimeout(r, timeout)
	defer cancel()
	head := reply{
		ID: m.prefix + s.ids.next(), Created: time.Now().Unix(), Model: l.name, Fingerprint: l.fingerprint,
		Aiwork: &proof{Class: classExact, Seed: a.seed},
	}
	if a.tokenIDs {
		head.Aiwork.PromptTokens = a.request.Prompt
	}
	w.Header().Set(classHeader, classExact)
	speak := l.speak
	if l.ordered {
		speak = func(ctx context.Context, a *ask, tell func(piece) error) (outcome, *Fault) {
			return s.orderAnswer(ctx, w, l, a, &head, tell)
		}
	}
	if a.stream {
		head.Object = m.chunkObject
		s.replyStream(ctx, w, r, l, a, m, &head, speak)
		return
	}
	text, drawn := []byte{}, []lm.Event{}
	out, fault := speak(ctx, a, func(p piece) error {
		text, drawn = append(text, p.text...), append(drawn, p.drawn...)
		return nil
	})
	if fault != nil {
		s.refuse(w, r, fault)
		return
	}
	s.metrics.answered(len(a.request.Prompt), out.tokens)
	c := m.whole(string(text), out.finish, a.shown(drawn))
	if a.request.Logprobs {
		c.Logprobs, _ = l.likelihoods(m, drawn, 0)
	}
	head.Object, head.Usage = m.object, a.used(out)
	head.Choices = []choice{c}
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

func (a *ask) used(o outcome) *usage {
	p := len(a.request.Prompt)
	return &usage{Prompt: p, Completion: o.tokens, Total: p + o.tokens}
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
