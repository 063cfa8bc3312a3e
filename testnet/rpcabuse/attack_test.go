package rpcabuse

// What is tested: answers are counted as what they are, attacks end with their context, nothing but loopback is
// attacked, and every attack reaches a node. What a real node makes of them is shown by `aiwork-node testnet rpcabuse`.

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestTally(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var n atomic.Int64
	answers := []string{`{"result":1}`, `{"error":{"code":-32005,"message":"12 requests"}}`, `[{"result":1},{"error":{"code":3,"message":"no"}}]`, "503", "hang up"}
	node := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i := int(n.Add(1)) - 1
		if i >= len(answers) {
			stop()
			return
		}
		switch answers[i] {
		case "503":
			w.WriteHeader(http.StatusServiceUnavailable)
		case "hang up":
			panic(http.ErrAbortHandler)
		default:
			_, _ = io.WriteString(w, answers[i])
		}
	}))
	defer node.Close()
	got, err := Run(ctx, []string{node.URL}, []Attack{{"one", 1, call("eth_call", "[]")}})
	if err != nil {
		t.Fatal(err)
	}
	if g := got[0]; g.Shots != 5 || g.Answered != 1 || g.Refused != 3 || g.Broken != 1 || g.Errors["-32005 ## requests"] != 1 || g.Errors["3 no"] != 1 {
		t.Errorf("got %+v", g)
	}
}

func TestOnlyLoopback(t *testing.T) {
	for _, url := range []string{"http://192.0.2.1:8545", "http://example.org", "::"} {
		if _, err := Run(t.Context(), []string{url}, nil); err == nil {
			t.Errorf("%s: attacked", url)
		}
	}
}

// Every attack connects and sends what looks like a request of its kind.
func TestEveryAttackReachesANode(t *testing.T) {
	for _, a := range All(1) {
		if a.Name == "requests without an end" {
			continue // its request is not complete for half a minute
		}
		t.Run(a.Name, func(t *testing.T) {
			ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
			defer stop()
			var reached atomic.Bool
			node := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				head := make([]byte, 1)
				_, _ = io.ReadFull(r.Body, head)
				reached.Store(r.Method == http.MethodPost || strings.EqualFold(r.Header.Get("Upgrade"), "websocket"))
				stop()
			}))
			defer node.Close()
			a.Lanes = 1
			if _, err := Run(ctx, []string{node.URL}, []Attack{a}); err != nil {
				t.Fatal(err)
			}
			if !reached.Load() {
				t.Error("no request came")
			}
		})
	}
}
