package inference

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// A Fault says why a request is refused. It is written in the form of the interface that was asked.
type Fault struct {
	Status int    // of HTTP
	Code   string // short, for programs
	Param  string // the parameter at fault, if it is one
	Text   string
	Wait   time.Duration // after which to try again; 0: Limits.RetryAfter
}

func (f *Fault) Error() string { return f.Text }

func faultf(status int, code, format string, args ...any) *Fault {
	return &Fault{Status: status, Code: code, Text: fmt.Sprintf(format, args...)}
}

// wrong refuses a parameter.
func wrong(param, format string, args ...any) *Fault {
	return &Fault{Status: http.StatusBadRequest, Code: "invalid_value", Param: param, Text: fmt.Sprintf(format, args...)}
}

func overloaded(what string) *Fault {
	return faultf(http.StatusTooManyRequests, "overloaded", "%s: try again in a moment", what)
}

func noModel(name string) *Fault {
	return &Fault{Status: http.StatusNotFound, Code: "model_not_found", Param: "model", Text: fmt.Sprintf("no model %q is served here", name)}
}

// kind is what OpenAI's clients call the family of an error.
func (f *Fault) kind() string {
	switch {
	case f.Status == http.StatusUnauthorized:
		return "authentication_error"
	case f.Status == http.StatusForbidden:
		return "permission_error"
	case f.Status == http.StatusTooManyRequests:
		return "rate_limit_error"
	case f.Status >= http.StatusInternalServerError:
		return "server_error"
	}
	return "invalid_request_error"
}

// openaiError is an error in OpenAI's form.
type openaiError struct {
	Error struct {
		Message string  `json:"message"`
		Type    string  `json:"type"`
		Param   *string `json:"param"`
		Code    *string `json:"code"`
	} `json:"error"`
}

func (f *Fault) openai() (e openaiError) {
	e.Error.Message, e.Error.Type = f.Text, f.kind()
	if f.Param != "" {
		e.Error.Param = &f.Param
	}
	if f.Code != "" {
		e.Error.Code = &f.Code
	}
	return e
}

// kserveError is an error in KServe's form.
type kserveError struct {
	Error string `json:"error"`
}

// refuse writes a fault where no answer has begun.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, f *Fault) {
	if f.Status == http.StatusTooManyRequests || f.Status == http.StatusServiceUnavailable {
		wait := cmp.Or(f.Wait, s.opts.Limits.RetryAfter)
		w.Header().Set("Retry-After", strconv.Itoa(int((wait+time.Second-1)/time.Second)))
	}
	if f.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	if isKServe(r.URL.Path) {
		s.writeJSON(w, f.Status, kserveError{f.Text})
		return
	}
	s.writeJSON(w, f.Status, f.openai())
}

func (s *Server) writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		s.opts.Log.Error("answer not encoded", "error", err)
		status, body = http.StatusInternalServerError, []byte(`{"error":"internal error"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	s.write(w, append(body, '\n'))
}
