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

// A speaker makes an answer and tells it piece by piece.
type speaker func(context.Context, *ask, func(piece) error) (outcome, *Fault)

// replyStream answers piece by piece. A fault before the first piece is an answer of its own; a later one is an event.
func (s *Server) replyStream(ctx context.Context, w http.ResponseWriter, r *http.Request, l *Language, a *ask, m manner, head *reply, speak speaker) {
	t := &streamed{events: newEvents(w, s.opts.Limits.WriteTimeout), language: l, ask: a, manner: m, head: head}
	out, fault := speak(ctx, a, t.tell)
	if fault != nil {
		s.metrics.refused(fault)
		if !t.begun {
			s.refuse(w, r, fault)
		} else if fault.Status != statusClientGone {
			_ = t.send(fault.openai())
		}
		return
	}
	s.metrics.answered(len(a.request.Prompt), out.tokens)
	t.end(out)
}

// A streamed answer is on its way.
type streamed struct {
	*events
	language *Language
	ask      *ask
	manner   manner
	head     *reply // of the first chunk; others do not tell the proof
	chars    int    // of the tokens so far
}

func (t *streamed) chunk(c choice) reply {
	r := *t.head
	if t.begun {
		r.Aiwork = nil
	}
	r.Choices = []choice{c}
	return r
}

// tell sends a piece, unless there is nothing in it that the caller wants.
func (t *streamed) tell(p piece) error {
	if t.manner.chat && !t.begun {
		empty := ""
		if err := t.send(t.chunk(choice{Delta: &message{Role: "assistant", Content: &empty}})); err != nil {
			return err
		}
	}
	tokens := t.ask.shown(p.drawn)
	likely := t.ask.request.Logprobs && len(p.drawn) > 0
	if p.text == "" && tokens == nil && !likely && t.begun {
		return nil
	}
	c := t.manner.part(p.text, tokens)
	if likely {
		c.Logprobs, t.chars = t.language.likelihoods(t.manner, p.drawn, t.chars)
	}
	return t.send(t.chunk(c))
}

// end tells why the answer ended, and what it took where that was asked for. Its errors are those of a caller who has gone.
func (t *streamed) end(out outcome) {
	_ = t.send(t.chunk(t.manner.last(out.finish)))
	if t.ask.usage {
		last := t.chunk(choice{})
		last.Choices, last.Usage = []choice{}, t.ask.used(out)
		_ = t.send(last)
	}
	_ = t.raw([]byte("[DONE]"))
}
