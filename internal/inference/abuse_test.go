package inference

// Callers who come from elsewhere, show no key, send too much or too slowly, read too slowly, leave, or are too many.

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestCallers(t *testing.T) {
	o := testOptions()
	o.Key, o.Hosts, o.Origins = "sixteen letters!", []string{"models.example"}, []string{"https://page.example"}
	o.Languages = []*Language{testLanguage(t, LanguageOptions{})}
	s := serve(t, o)
	for _, c := range []struct {
		method, path, host, origin, key string
		want                            int
	}{
		{"GET", "/v1/models", "", "", o.Key, 200},
		{"GET", "/v1/models", "", "", "", 401},
		{"GET", "/v1/models", "", "", "sixteen letters?", 401},
		{"GET", "/metrics", "", "", "", 401},
		{"GET", "/v2/health/live", "", "", "", 200},
		{"GET", "/v1/models", "localhost:80", "", o.Key, 200},
		{"GET", "/v1/models", "[::1]:80", "", o.Key, 200},
		{"GET", "/v1/models", "models.example", "", o.Key, 200},
		{"GET", "/v1/models", "rebound.example", "", o.Key, 403},
		{"GET", "/v1/models", "", "https://page.example", o.Key, 200},
		{"GET", "/v1/models", "", "https://evil.example", o.Key, 403},
		{"OPTIONS", "/v1/models", "", "https://page.example", "", 204},
		{"OPTIONS", "/v1/models", "", "https://evil.example", "", 403},
		{"PUT", "/v1/models", "", "", o.Key, 404},
	} {
		r, _ := http.NewRequest(c.method, s.url+c.path, nil)
		r.Host = c.host
		if c.origin != "" {
			r.Header.Set("Origin", c.origin)
		}
		if c.key != "" {
			r.Header.Set("Authorization", "Bearer "+c.key)
		}
		if status, _, b := s.read(http.DefaultClient.Do(r)); status != c.want {
			t.Errorf("%+v: %d %s", c, status, b)
		}
	}
}

func TestBodies(t *testing.T) {
	s := serveNetworks(t, func(o *Options) {
		o.Limits.TextBytesMax, o.Limits.TensorBytesMax, o.Limits.MemoryBytesMax = 1000, 2000, 2000
		o.Limits.ReadTimeout = 200 * time.Millisecond
	}, logFile(t))
	if status, _, b := s.post("/v1/completions", strings.Repeat(" ", 1001)); status != http.StatusRequestEntityTooLarge {
		t.Errorf("%d %s", status, b)
	}
	endless := io.LimitReader(zeros{}, 1<<20) // of a length that is not told
	r, err := http.Post(s.url+"/v2/models/log/infer", "application/json", endless)
	if err == nil {
		if status, _, b := s.read(r, nil); status != http.StatusRequestEntityTooLarge {
			t.Errorf("%d %s", status, b)
		}
	}
	// One who promises a body and sends none is dropped, and gives back what he held.
	c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprintf(c, "POST /v2/models/log/infer HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2000\r\n\r\n{")
	if _, err := io.Copy(io.Discard, c); err != nil { // until the server ends it
		t.Error(err)
	}
	const in = `{"inputs":[{"name":"input_0","shape":[1],"datatype":"FP32","data":[1]}]}`
	if status, _, b := s.post("/v2/models/log/infer", in); status != http.StatusOK {
		t.Errorf("%d %s", status, b)
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// narrow is a listener whose connections hold little of what nobody reads yet.
type narrow struct{ net.Listener }

const narrowBytes = 4 << 10

func (l narrow) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil {
		err = c.(*cappedConn).Conn.(*net.TCPConn).SetWriteBuffer(narrowBytes)
	}
	return c, err
}

// begin asks for a long answer, and returns when it has begun. It does not end before more of it is read: it is many times what lies in
// buffers on its way.
func (s *served) begin(ctx context.Context) (*http.Response, *bufio.Reader) {
	s.t.Helper()
	own := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, network, address)
		if err == nil {
			err = c.(*net.TCPConn).SetReadBuffer(narrowBytes)
		}
		return c, err
	}}}
	s.t.Cleanup(own.CloseIdleConnections)
	r, err := http.NewRequestWithContext(ctx, "POST", s.url+"/v1/completions", strings.NewReader(long))
	if err != nil {
		s.t.Fatal(err)
	}
	answer, err := own.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { answer.Body.Close() })
	body := bufio.NewReader(answer.Body)
	if _, err := body.ReadString('\n'); err != nil {
		s.t.Fatal(err)
	}
	return answer, body
}

// long is an answer of some 280 kB.
const long = `{"model":"tiny","prompt":"a","seed":1,"stream":true,"max_tokens":1000,"return_token_ids":true}`

func TestOverload(t *testing.T) {
	o := testOptions()
	o.Languages = []*Language{testLanguage(t, LanguageOptions{AnswerMax: 1})}
	s := serveOver(t, o, func(l net.Listener) net.Listener { return narrow{l} })
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	s.begin(ctx)
	if status, head, b := s.post("/v1/completions", long); status != http.StatusTooManyRequests || head.Get("Retry-After") == "" || !strings.Contains(string(b), "rate_limit_error") {
		t.Errorf("%d %v %.300s", status, head, b)
	}
	leave() // and its place is free as soon as the scheduler knows
	l := o.Languages[0]
	l.places <- struct{}{}
	<-l.places
	if got := s.reply("/v1/completions", `{"model":"tiny","prompt":"a","max_tokens":2}`); got.Usage.Completion == 0 {
		t.Errorf("%+v", got)
	}
}

// A reader who takes nothing is dropped.
func TestSlowReader(t *testing.T) {
	s := serveNetworks(t, func(o *Options) { o.Limits.WriteTimeout = 200 * time.Millisecond }, logFile(t))
	c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	const n = 32 << 20 // more than the kernel keeps
	head := fmt.Sprintf(`{"inputs":[{"name":"input_0","shape":[%d],"datatype":"FP32","parameters":{"binary_data_size":%d}}],"parameters":{"binary_data_output":true}}`, n/4, n)
	go func() {
		fmt.Fprintf(c, "POST /v2/models/log/infer HTTP/1.1\r\nHost: 127.0.0.1\r\n%s: %d\r\nContent-Length: %d\r\n\r\n%s", headerLengthName, len(head), len(head)+n, head)
		_, _ = io.CopyN(c, zeros{}, n)
	}()
	one := make([]byte, 1)
	if _, err := io.ReadFull(c, one); err != nil {
		t.Fatal(err)
	}
	for { // the server's places are all free again once it has given up
		if _, _, b := s.get("/metrics"); strings.Contains(string(b), `path="POST /v2/models/{model}/infer",status="200"} 1`) {
			break
		}
	}
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	if got, _ := io.Copy(io.Discard, c); got >= n {
		t.Errorf("all %d bytes were kept for a reader who took none", got)
	}
}

// An answer that has begun may end while there is time; when there is none left, it is cut off.
func TestDrain(t *testing.T) {
	drained := func(timeout time.Duration) (*served, *bufio.Reader) {
		o := testOptions()
		o.Limits.DrainTimeout = timeout
		o.Languages = []*Language{testLanguage(t, LanguageOptions{})}
		s := serveOver(t, o, func(l net.Listener) net.Listener { return narrow{l} })
		_, body := s.begin(t.Context())
		return s, body
	}
	const end = "data: [DONE]\n\n"
	s, body := drained(time.Minute)
	var ended sync.WaitGroup
	ended.Go(s.stop)
	rest, err := io.ReadAll(body)
	ended.Wait()
	if !strings.HasSuffix(string(rest), end) || err != nil {
		t.Errorf("in time: an answer was cut off: %v, %.200s", err, rest)
	}
	s, body = drained(time.Nanosecond)
	s.stop()
	if rest, _ := io.ReadAll(body); strings.HasSuffix(string(rest), end) {
		t.Error("too late: the server waited for an answer that nobody reads")
	}
}
