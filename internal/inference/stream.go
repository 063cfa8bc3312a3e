package inference

import (
	"context"
	"encoding/json"
	"net/http"
	"time"
)

// events writes server-sent events. A reader that takes none for WriteTimeout is dropped.
type events struct {
	w       http.ResponseWriter
	control *http.ResponseController
	timeout time.Duration
	begun   bool
}

func newEvents(w http.ResponseWriter, timeout time.Duration) *events {
	return &events{w: w, control: http.NewResponseController(w), timeout: timeout}
}

func (e *events) begin() {
	h := e.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-cache")
	h.Set("X-Accel-Buffering", "no") // proxies that would keep pieces back
	e.begun = true
}

func (e *events) send(v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return e.raw(data)
}

func (e *events) raw(data []byte) error {
	if !e.begun {
		e.begin()
	}
	if err := e.control.SetWriteDeadline(time.Now().Add(e.timeout)); err != nil {
		return err
	}
	frame := append(append([]byte("data: "), data...), '\n', '\n')
	if _, err := e.w.Write(frame); err != nil {
		return err
	}
	return e.control.Flush()
}

// replyStream answers piece by piece. A fault before the first piece is an answer of its own; a later one is an event.
func (s *Server) replyStream(ctx context.Context, w http.ResponseWriter, r *http.Request, l *Language, asks []*ask, m manner, head *reply, speak speaker) {
	t := &streamed{events: newEvents(w, s.opts.Limits.WriteTimeout), language: l, asks: asks, manner: m, head: head, choices: make([]streamedChoice, len(asks))}
	fault := speak(ctx, asks, t.tell, t.ended)
	if fault != nil {
		s.metrics.refused(fault)
		if !t.begun {
			s.refuse(w, r, fault)
		} else if fault.Status != statusClientGone {
			_ = t.send(fault.openai())
		}
		return
	}
	s.metrics.answered(t.spent.Prompt, t.spent.Completion)
	t.end()
}

// A streamed reply is on its way.
type streamed struct {
	*events
	language *Language
	asks     []*ask
	manner   manner
	head     *reply // of the first chunk; others do not tell the proof
	choices  []streamedChoice
	spent    usage
}

type streamedChoice struct {
	begun bool
	chars int // of the tokens so far
}

func (t *streamed) chunk(c choice) reply {
	r := *t.head
	if t.begun {
		r.Aiwork = nil
	} else if first := t.asks[0]; first.tokenIDs {
		r.Aiwork.PromptTokens = first.request.Prompt
	}
	r.Choices = []choice{c}
	return r
}

// tell sends a piece of a choice, unless there is nothing in it that the caller wants.
func (t *streamed) tell(i int, p piece) error {
	a, state := t.asks[i], &t.choices[i]
	if t.manner.chat && !state.begun {
		empty := ""
		if err := t.send(t.chunk(choice{Index: i, Delta: &message{Role: "assistant", Content: &empty}})); err != nil {
			return err
		}
	}
	tokens := a.shown(p.drawn)
	likely := a.request.Logprobs && len(p.drawn) > 0
	if p.text == "" && tokens == nil && !likely && t.begun {
		return nil
	}
	c := t.manner.part(i, p.text, tokens)
	if likely {
		c.Logprobs, state.chars = t.language.likelihoods(t.manner, p.drawn, state.chars)
	}
	if !state.begun {
		c.PromptTokens = a.promptShown(i)
	}
	state.begun = true
	return t.send(t.chunk(c))
}

// ended tells why an answer ended.
func (t *streamed) ended(i int, o outcome) error {
	t.spent.add(t.asks[i], i, o)
	return t.send(t.chunk(t.manner.last(i, o.finish)))
}

// end tells what all took where that was asked for. Its errors are those of a caller who has gone.
func (t *streamed) end() {
	if t.asks[0].usage {
		last := t.chunk(choice{})
		last.Choices, last.Usage = []choice{}, &t.spent
		_ = t.send(last)
	}
	_ = t.raw([]byte("[DONE]"))
}
