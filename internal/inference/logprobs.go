package inference

import (
	"strings"
	"unicode/utf8"

	"github.com/aiwork/aiwork-node/compute/lm"
)

const (
	completionTopMax = 5  // as OpenAI has it
	chatTopMax       = 20 // as OpenAI has it
	logprobLeast     = -9999
)

// readTop takes a completion's wish for the likelihood of tokens, and of the likeliest beside them.
func (a *ask) readTop(f *form) {
	top := f.whole("logprobs", -1, 0, completionTopMax)
	a.request.Logprobs, a.request.Top = top >= 0, int(max(top, 0))
}

// readChatTop takes that of a conversation.
func (a *ask) readChatTop(f *form) {
	a.request.Logprobs = f.flag("logprobs")
	a.request.Top = int(f.whole("top_logprobs", 0, 0, chatTopMax))
	if a.request.Top > 0 && !a.request.Logprobs {
		f.refuse(wrong("top_logprobs", "top_logprobs: only with logprobs"))
	}
}

// completionLogprobs are OpenAI's of completions.
type completionLogprobs struct {
	Tokens  []string             `json:"tokens"`
	Of      []float32            `json:"token_logprobs"`
	Top     []map[string]float32 `json:"top_logprobs"`
	Offsets []int                `json:"text_offset"` // of characters
}

// chatLogprobs are OpenAI's of conversations.
type chatLogprobs struct {
	Content []chatLogprob `json:"content"`
	Refusal *string       `json:"refusal"` // always null
}

type tokenLogprob struct {
	Token   string  `json:"token"`
	Logprob float32 `json:"logprob"`
	Bytes   []int   `json:"bytes"`
}

type chatLogprob struct {
	tokenLogprob
	Top []tokenLogprob `json:"top_logprobs"`
}

// likelihoods words what was drawn, in the manner of an interface; the first token begins at a character of the answer.
func (l *Language) likelihoods(m manner, drawn []lm.Event, at int) (words any, end int) {
	if m.chat {
		c := &chatLogprobs{Content: []chatLogprob{}}
		for _, e := range drawn {
			one := chatLogprob{l.tokenLogprob(e.Token, e.Logprob), []tokenLogprob{}}
			for _, t := range e.Top {
				one.Top = append(one.Top, l.tokenLogprob(t.Token, t.Logprob))
			}
			c.Content = append(c.Content, one)
		}
		return c, at
	}
	c := &completionLogprobs{Tokens: []string{}, Of: []float32{}, Top: []map[string]float32{}, Offsets: []int{}}
	for _, e := range drawn {
		text := l.tokenText(e.Token)
		top := map[string]float32{text: bounded(e.Logprob)}
		for _, t := range e.Top {
			if other := l.tokenText(t.Token); top[other] == 0 { // of two with one text the likelier counts
				top[other] = bounded(t.Logprob)
			}
		}
		c.Tokens, c.Of, c.Top, c.Offsets = append(c.Tokens, text), append(c.Of, bounded(e.Logprob)), append(c.Top, top), append(c.Offsets, at)
		at += utf8.RuneCountInString(l.texts.Piece(e.Token))
	}
	return c, at
}

func (l *Language) tokenLogprob(id int32, logprob float32) tokenLogprob {
	t := tokenLogprob{Token: l.tokenText(id), Logprob: bounded(logprob), Bytes: []int{}}
	for _, b := range []byte(l.texts.Piece(id)) {
		t.Bytes = append(t.Bytes, int(b))
	}
	return t
}

// tokenText is a token's text; one without text goes by its name.
func (l *Language) tokenText(id int32) string {
	if text := l.texts.Piece(id); text != "" {
		return strings.ToValidUTF8(text, "\uFFFD")
	}
	return l.texts.Name(id)
}

// bounded gives a logprob that JSON can hold.
func bounded(v float32) float32 {
	if v >= logprobLeast {
		return v
	}
	return logprobLeast // what cannot be drawn, and what is no number
}
