package inference

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/aiwork/aiwork-node/compute/token"
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
func (s *Server) replyStream(ctx context.Context, w http.ResponseWriter, r *http.Request, l *Language, a *ask, m manner, head reply, stream *token.Stream) {
	e := newEvents(w, s.opts.Limits.WriteTimeout)
	first := head
	chunk := head
	chunk.Aiwork = nil
	empty := ""
	begin := func() error {
		if e.begun || !m.chat {
			return nil
		}
		first.Choices = []choice{{Delta: &message{Role: "assistant", Content: &empty}}}
		return e.send(first)
	}
	out, fault := l.speak(ctx, a, stream, func(p piece) error {
		if err := begin(); err != nil {
			return err
		}
		tokens := p.tokens
		if !a.tokenIDs {
			tokens = nil
		}
		if p.text == "" && tokens == nil && e.begun {
			return nil
		}
		c := chunk
		if !e.begun {
			c = first
		}
		c.Choices = []choice{m.part(p.text, tokens)}
		return e.send(c)
	})
	if fault != nil {
		s.metrics.refused(fault)
		if !e.begun {
			s.refuse(w, r, fault)
		} else if fault.Status != statusClientGone {
			_ = e.send(fault.openai())
		}
		return
	}
	s.metrics.answered(len(a.request.Prompt), out.tokens)
	s.endStream(e, a, m, chunk, out)
}

// endStream tells why the answer ended, and what it took where that was asked for. Its errors are those of a caller who
// has gone.
func (s *Server) endStream(e *events, a *ask, m manner, chunk reply, out outcome) {
	chunk.Choices = []choice{m.last(out.finish)}
	_ = e.send(chunk)
	if a.usage {
		chunk.Choices, chunk.Usage = []choice{}, a.used(out)
		_ = e.send(chunk)
	}
	_ = e.raw([]byte("[DONE]"))
}
