package inference

// Requests for other servers: for one of our own, which must then answer as it does when asked itself, and for servers that
// misbehave in each way that is bounded.

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aiwork/aiwork-node/compute/engine"
	"github.com/aiwork/aiwork-node/compute/model"
)

func serveUpstream(t *testing.T, o UpstreamOptions, change func(*Options)) (*served, *Upstream) {
	t.Helper()
	opts := testOptions()
	if change != nil {
		change(&opts)
	}
	u, err := NewUpstream(o, opts.Limits)
	if err != nil {
		t.Fatal(err)
	}
	opts.Upstreams = []*Upstream{u}
	return serve(t, opts), u
}

func TestUpstreamOfOurOwn(t *testing.T) {
	o := testOptions()
	o.Key = "a key for the upstream"
	o.Languages = []*Language{testLanguage(t, LanguageOptions{})}
	n, err := OpenNetworks(engine.LibraryOf("", []*model.File{logFile(t)}), 1, o.Limits)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Close)
	o.Networks = n
	behind := serve(t, o)
	front, _ := serveUpstream(t, UpstreamOptions{Name: "far", URL: behind.url, Model: "tiny", Key: o.Key}, nil)
	const ask = `{"model":"far","prompt":"once","seed":4,"max_tokens":12%s}`
	whole := front.reply("/v1/completions", fmt.Sprintf(ask, ""))
	text, _, _ := told(front.stream("/v1/completions", fmt.Sprintf(ask, `,"stream":true`)))
	if text != *whole.Choices[0].Text || text == "" {
		t.Errorf("in pieces %q, want %q", text, *whole.Choices[0].Text)
	}
	if status, head, b := front.post("/v1/chat/completions", `{"model":"far"}`); status != 400 || head.Get(classHeader) != classTolerant || !strings.Contains(string(b), "messages") {
		t.Errorf("%d %v %s", status, head, b)
	}
	if status, _, b := front.post("/v1/embeddings", `{"model":"far","input":"x"}`); status != 200 {
		t.Errorf("%d %s", status, b)
	}
	if _, _, b := front.get("/v1/models"); !strings.Contains(string(b), `"aiwork_class":"tolerant"`) {
		t.Errorf("%s", b)
	}
	tensors, _ := serveUpstream(t, UpstreamOptions{Name: "far", URL: behind.url, Model: "log", Key: o.Key}, nil)
	const in = `{"inputs":[{"name":"input_0","shape":[1],"datatype":"FP32","data":[1]}],"parameters":{"binary_data_output":true}}`
	status, head, b := tensors.post("/v2/models/far/versions/1/infer", in)
	if status != 200 || head.Get(headerLengthName) == "" || head.Get(classHeader) != classTolerant {
		t.Errorf("%d %v %s", status, head, b)
	}
	if status, _, b := tensors.get("/v2/models/far"); status != 200 || !strings.Contains(string(b), `"aiwork_class":"tolerant"`) || !strings.Contains(string(b), `"name":"far"`) {
		t.Errorf("%d %s", status, b)
	}
	if status, _, _ := tensors.get("/v2/models/far/versions/a"); status != 404 {
		t.Errorf("%d", status)
	}
}

func TestUpstreamsThatMisbehave(t *testing.T) {
	var elsewhere atomic.Bool
	trap := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Store(true) }))
	defer trap.Close()
	for name, c := range map[string]struct {
		status int
		do     http.HandlerFunc
	}{
		"sends elsewhere": {502, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, trap.URL, http.StatusTemporaryRedirect)
		}},
		"answers in HTML": {502, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }},
		"wants a key":     {502, jsonAnswer(401, `{"error":"key sk-123 is wrong"}`)},
		"breaks":          {502, jsonAnswer(500, `{}`)},
		"is silent":       {502, silent},
		"is busy":         {429, jsonAnswer(429, `{}`)},
		"is well":         {200, jsonAnswer(200, `{}`)},
	} {
		t.Run(name, func(t *testing.T) {
			behind := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodGet { // a check, which finds it well
					return
				}
				c.do(w, r)
			}))
			defer behind.Close()
			s, _ := serveUpstream(t, UpstreamOptions{Name: "far", URL: behind.URL}, func(o *Options) { o.Limits.UpstreamTimeout = 100 * time.Millisecond })
			status, head, b := s.post("/v1/completions", `{"model":"far"}`)
			if status != c.status || head.Get(classHeader) != classTolerant || strings.Contains(string(b), "sk-123") {
				t.Errorf("%d %v %s, want %d", status, head, b, c.status)
			}
		})
	}
	if elsewhere.Load() {
		t.Error("a redirect was followed")
	}
}

// silent waits until the caller has gone.
func silent(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // only then is it seen that he goes
	<-r.Context().Done()
}

func jsonAnswer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
}

// An upstream that stops in the middle, or never ends, is cut off, and the caller sees that the answer is not whole.
func TestUpstreamAnswersThatDoNotEnd(t *testing.T) {
	for name, more := range map[string]func(http.ResponseWriter, *http.Request){
		"stops": silent,
		"goes on": func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				fmt.Fprint(w, strings.Repeat("data: {}\n\n", 1000))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			behind := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "text/event-stream")
				fmt.Fprint(w, "data: {\"first\":1}\n\n")
				w.(http.Flusher).Flush()
				if r.URL.Path == "/v1/completions" {
					more(w, r)
				}
			}))
			defer behind.Close()
			s, _ := serveUpstream(t, UpstreamOptions{Name: "far", URL: behind.URL}, func(o *Options) {
				o.Limits.UpstreamTimeout, o.Limits.TensorBytesMax = 200*time.Millisecond, 1<<20
			})
			r, err := http.Post(s.url+"/v1/completions", "application/json", strings.NewReader(`{"model":"far","stream":true}`))
			if err != nil {
				t.Fatal(err)
			}
			defer r.Body.Close()
			body := bufio.NewReader(r.Body)
			if line, err := body.ReadString('\n'); err != nil || line != "data: {\"first\":1}\n" {
				t.Fatalf("%q, %v", line, err)
			}
			if n, err := io.Copy(io.Discard, body); err == nil || n > 2<<20 {
				t.Errorf("%d more bytes, error %v", n, err)
			}
		})
	}
}

func TestUpstreamHealth(t *testing.T) {
	var well atomic.Bool
	behind := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/base/v2/health/ready" || !well.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer behind.Close()
	u, err := NewUpstream(UpstreamOptions{Name: "far", URL: behind.URL + "/base/"}, DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []bool{false, true, false} {
		well.Store(want)
		if u.check(t.Context(), slog.New(slog.DiscardHandler)); u.down.Load() == want {
			t.Errorf("well %t is taken for the opposite", want)
		}
	}
	for _, url := range []string{"", "127.0.0.1:80", "file:///etc/passwd", "http://u:p@127.0.0.1", "http://127.0.0.1?x=1"} {
		if _, err := NewUpstream(UpstreamOptions{Name: "far", URL: url}, DefaultLimits()); err == nil {
			t.Errorf("%q was taken", url)
		}
	}
}
