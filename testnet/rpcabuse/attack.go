package rpcabuse

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// Bounds of an attack.
const (
	lanesMax     = 64 // callers of one attack
	replyMax     = 64 << 20
	callMax      = 30 * time.Second
	refusedPause = 5 * time.Millisecond // before trying again what a node refuses at once
)

// Attack is one kind of abuse.
type Attack struct {
	Name  string
	Lanes int // callers at once
	// Shot is one attempt of a caller; the answer is nil for one that expects none. It ends with ctx.
	Shot func(ctx context.Context, t *target) ([]byte, error)
}

// Tally says what came of an attack.
type Tally struct {
	Attack   string         `json:"attack"`
	Shots    int            `json:"shots"`
	Answered int            `json:"answered"`
	Refused  int            `json:"refused"`    // with an error of JSON-RPC, or an HTTP status
	Broken   int            `json:"unanswered"` // connections that ended, time-outs
	Errors   map[string]int `json:"errors,omitempty"`
}

// target is a node, as one caller sees it.
type target struct {
	url  string
	host string
	http *http.Client
	lane int
	n    int // shots of this caller
}

// Run makes all attacks on all nodes until ctx ends, and sums up.
func Run(ctx context.Context, urls []string, attacks []Attack) ([]Tally, error) {
	hosts := make([]string, len(urls))
	for i, raw := range urls {
		u, err := url.Parse(raw)
		if err != nil {
			return nil, fmt.Errorf("node %q: %w", raw, err)
		}
		if ip := net.ParseIP(u.Hostname()); ip == nil || !ip.IsLoopback() {
			return nil, fmt.Errorf("node %q: only loopback addresses are attacked", raw)
		}
		hosts[i] = u.Host
	}
	tallies := make([]Tally, len(attacks))
	var running sync.WaitGroup
	for i, a := range attacks {
		tallies[i] = Tally{Attack: a.Name, Errors: map[string]int{}}
		var mu sync.Mutex
		for lane := range min(a.Lanes, lanesMax) {
			node := lane % len(urls)
			t := &target{url: urls[node], host: hosts[node], lane: lane, http: &http.Client{Timeout: callMax, Transport: &http.Transport{}}}
			running.Go(func() { t.attack(ctx, a, &tallies[i], &mu) })
		}
	}
	running.Wait()
	return tallies, nil
}

func (t *target) attack(ctx context.Context, a Attack, tally *Tally, mu *sync.Mutex) {
	defer t.http.CloseIdleConnections()
	for ; ctx.Err() == nil; t.n++ {
		reply, err := a.Shot(ctx, t)
		if ctx.Err() != nil {
			return
		}
		mu.Lock()
		refused := tally.count(reply, err)
		mu.Unlock()
		if refused {
			select {
			case <-ctx.Done():
			case <-time.After(refusedPause):
			}
		}
	}
}

// errorsMax bounds the kinds of errors that a tally tells apart.
const errorsMax = 32

// count books one answer and reports whether it was none.
func (t *Tally) count(reply []byte, err error) (refused bool) {
	t.Shots++
	var why string
	if status, ok := errors.AsType[statusError](err); ok {
		t.Refused++
		why = status.Error()
	} else if err != nil {
		t.Broken++
		why = reason(err)
	} else if message, ok := refusal(reply); ok {
		t.Refused++
		why = message
	} else {
		t.Answered++
		return false
	}
	if _, known := t.Errors[why]; known || len(t.Errors) < errorsMax {
		t.Errors[why]++
	}
	return true
}

// reason names what happened to a connection, without addresses and ports.
func reason(err error) string {
	text := err.Error()
	return text[strings.LastIndex(text, ": ")+1:]
}

// refusal gives the error of an answer, or of the first in a batch.
func refusal(reply []byte) (string, bool) {
	type answer struct {
		Error *struct {
			Code    int    `json:"code"`
			Message string `json:"message"`
		} `json:"error"`
	}
	var one answer
	if bytes.HasPrefix(reply, []byte("[")) {
		var all []answer
		if json.Unmarshal(reply, &all) == nil {
			if i := slices.IndexFunc(all, func(a answer) bool { return a.Error != nil }); i >= 0 {
				one = all[i]
			}
		}
	} else if len(reply) > 0 && json.Unmarshal(reply, &one) != nil {
		return "", false
	}
	if one.Error == nil {
		return "", false
	}
	text := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return '#'
		}
		return r
	}, one.Error.Message)
	return fmt.Sprintf("%d %s", one.Error.Code, text[:min(len(text), 80)]), true
}

// statusError is an HTTP status that is no success.
type statusError int

func (s statusError) Error() string { return "HTTP " + http.StatusText(int(s)) }

// post sends a body and reads the answer.
func (t *target) post(ctx context.Context, body io.Reader, header ...string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.url, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := t.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	reply, err := io.ReadAll(io.LimitReader(resp.Body, replyMax))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, statusError(resp.StatusCode)
	}
	return reply, nil
}

// call is a shot of one request.
func call(method, params string) func(context.Context, *target) ([]byte, error) {
	body := request(method, params)
	return func(ctx context.Context, t *target) ([]byte, error) { return t.post(ctx, strings.NewReader(body)) }
}

func request(method, params string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":%q,"params":%s}`, method, params)
}
