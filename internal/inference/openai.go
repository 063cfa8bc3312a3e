package inference

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

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
}

type choice struct {
	Index    int      `json:"index"`
	Text     *string  `json:"text,omitempty"`    // of a completion
	Message  *message `json:"message,omitempty"` // of a conversation
	Delta    *message `json:"delta,omitempty"`   // of a chunk of one
	Logprobs *string  `json:"logprobs"`          // always null
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
		f.only("logprobs")
		prompt, fault := readPrompt(r.Context(), f, l)
		if fault == nil {
			fault = f.done()
		}
		if fault != nil {
			s.refuse(w, r, fault)
			return
		}
		a.request.Prompt = prompt
		s.reply(w, r, l, &a, completionManner(), given, completionTokensUsual)
	})
}

const completionTokensUsual = 16 // as OpenAI has it

// readPrompt takes a prompt as a text or as tokens.
func readPrompt(ctx context.Context, f *form, l *Language) ([]int32, *Fault) {
	raw, there := f.take("prompt")
	if !there {
		return nil, wrong("prompt", "a prompt is wanted")
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return l.encode(ctx, token.Part{Text: text})
	}
	var texts []string
	if json.Unmarshal(raw, &texts) == nil && len(texts) == 1 {
		return l.encode(ctx, token.Part{Text: texts[0]})
	}
	var tokens []int32
	if json.Unmarshal(raw, &tokens) == nil {
		return tokens, nil
	}
	var lists [][]int32
	if json.Unmarshal(raw, &lists) == nil && len(lists) == 1 {
		return lists[0], nil
	}
	return nil, wrong("prompt", "prompt: want one text or one list of tokens")
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
		f.only("logprobs", "false")
		f.only("top_logprobs", "0")
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
			a.request.Prompt, fault = l.encode(r.Context(), l.template.Format(talk)...)
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
	ctx, cancel := withTimeout(r, s.opts.Limits.AnswerTimeout)
	defer cancel()
	head := reply{
		ID: m.prefix + s.ids.next(), Created: time.Now().Unix(), Model: l.name, Fingerprint: l.fingerprint,
		Aiwork: &proof{Class: classExact, Seed: a.seed},
	}
	if a.tokenIDs {
		head.Aiwork.PromptTokens = a.request.Prompt
	}
	w.Header().Set(classHeader, classExact)
	stream := l.texts.Continue()
	if a.stream {
		head.Object = m.chunkObject
		s.replyStream(ctx, w, r, l, a, m, head, stream)
		return
	}
	text, tokens := []byte{}, []int32{}
	out, fault := l.speak(ctx, a, stream, func(p piece) error {
		text, tokens = append(text, p.text...), append(tokens, p.tokens...)
		return nil
	})
	if fault != nil {
		s.refuse(w, r, fault)
		return
	}
	s.metrics.answered(len(a.request.Prompt), out.tokens)
	if !a.tokenIDs {
		tokens = nil
	}
	head.Object, head.Usage = m.object, a.used(out)
	head.Choices = []choice{m.whole(string(text), out.finish, tokens)}
	s.writeJSON(w, http.StatusOK, head)
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
