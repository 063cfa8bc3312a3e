package inference

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// A budget is memory that requests share. Who does not get his part is refused, so that nobody waits with half a body.
type budget struct {
	bytesMax int64
	taken    atomic.Int64
}

func (b *budget) take(n int64) bool {
	if b.taken.Add(n) > b.bytesMax {
		b.taken.Add(-n)
		return false
	}
	return true
}

func (b *budget) give(n int64) { b.taken.Add(-n) }

// body reads a request's body within bounds. Its memory is the caller's until he releases it.
func (s *Server) body(w http.ResponseWriter, r *http.Request, bytesMax int64) (body []byte, release func(), fault *Fault) {
	if coding := r.Header.Get("Content-Encoding"); coding != "" && coding != "identity" {
		w.Header().Set("Connection", "close") // the body is not read
		return nil, nil, faultf(http.StatusUnsupportedMediaType, "content_encoding", "a body in content encoding %.32q: send it as it is", coding)
	}
	tooLarge := faultf(http.StatusRequestEntityTooLarge, "too_large", "a body of over %d bytes", bytesMax)
	if r.ContentLength > bytesMax {
		w.Header().Set("Connection", "close") // the rest is not read
		return nil, nil, tooLarge
	}
	n := r.ContentLength
	if n < 0 {
		n = bytesMax // until it is known
	}
	if !s.memory.take(n) {
		return nil, nil, faultf(http.StatusServiceUnavailable, "overloaded", "too many large requests at once: try again in a moment")
	}
	var read bytes.Buffer
	if r.ContentLength > 0 {
		read.Grow(int(min(r.ContentLength, bodyAhead)) + bytes.MinRead)
	}
	_, err := io.Copy(&read, http.MaxBytesReader(w, r.Body, bytesMax))
	if err != nil {
		s.memory.give(n)
		if _, large := errors.AsType[*http.MaxBytesError](err); large {
			w.Header().Set("Connection", "close")
			return nil, nil, tooLarge
		}
		return nil, nil, faultf(http.StatusBadRequest, "body", "the body could not be read: %v", err)
	}
	// From here on the connection is read only to see whether the caller has gone; that has no time limit.
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	s.memory.give(n - int64(read.Len()))
	return read.Bytes(), sync.OnceFunc(func() { s.memory.give(int64(read.Len())) }), nil
}

const bodyAhead = 1 << 20 // memory that a promise of a body gets before its bytes come
