package inference

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// UpstreamOptions name a server that answers for one model.
type UpstreamOptions struct {
	Name  string // by which callers ask for it
	URL   string // http or https, without /v1 or /v2
	Model string // what the upstream calls it; empty: the same
	Key   string // shown to the upstream; empty: none
}

// An Upstream is another server, of OpenAI's or KServe's form, that answers for one model. Nothing of it is exact, and
// nothing of it is believed: it has time-outs and limits, and where it says to go elsewhere is not followed (INFER-6).
type Upstream struct {
	options UpstreamOptions
	base    *url.URL
	client  *http.Client
	limits  Limits
	runs    *turns
	down    atomic.Bool // the last check found it so
}

// upstreamConnectTimeout is for a server that the operator chose, so it is near.
const (
	upstreamConnectTimeout = 10 * time.Second
	upstreamCheckTimeout   = 5 * time.Second
	upstreamCheckInterval  = 10 * time.Second
	upstreamHeaderBytesMax = 64 << 10
)

// NewUpstream checks what the operator wrote; the server itself is asked later.
func NewUpstream(o UpstreamOptions, l Limits) (*Upstream, error) {
	base, err := url.Parse(o.URL)
	if err != nil {
		return nil, fmt.Errorf("upstream %s: %w", o.Name, err)
	}
	if base.Scheme != "http" && base.Scheme != "https" || base.Host == "" || base.User != nil || base.RawQuery != "" || base.Fragment != "" {
		return nil, fmt.Errorf("upstream %s: want a URL such as http://127.0.0.1:8000, not %q", o.Name, base.Redacted())
	}
	if o.Model == "" {
		o.Model = o.Name
	}
	return &Upstream{
		options: o, base: base, limits: l, runs: newTurns("requests to "+o.Name, l.UpstreamRunsMax, 0),
		client: &http.Client{
			Transport: &http.Transport{
				DialContext: (&net.Dialer{Timeout: upstreamConnectTimeout}).DialContext, TLSHandshakeTimeout: upstreamConnectTimeout,
				ResponseHeaderTimeout: l.UpstreamTimeout, MaxResponseHeaderBytes: upstreamHeaderBytesMax, MaxConnsPerHost: l.UpstreamRunsMax + 1,
				MaxIdleConnsPerHost: l.UpstreamRunsMax, IdleConnTimeout: l.IdleTimeout, DisableCompression: true,
			},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// Run asks now and then whether the upstream is well, until ctx ends.
func (u *Upstream) Run(ctx context.Context, log *slog.Logger) {
	defer u.client.CloseIdleConnections()
	tick := time.NewTicker(upstreamCheckInterval)
	defer tick.Stop()
	for {
		u.check(ctx, log)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// check asks at the places where vLLM, llama.cpp's server, Triton and others say that they are well.
func (u *Upstream) check(ctx context.Context, log *slog.Logger) {
	well := slices.ContainsFunc([]string{"/health", "/v2/health/ready", "/v1/models"}, func(path string) bool { return u.well(ctx, path) })
	if ctx.Err() == nil && u.down.Swap(!well) == well {
		log.Warn("upstream changed", "model", u.options.Name, "well", well)
	}
}

func (u *Upstream) well(ctx context.Context, path string) bool {
	ctx, cancel := context.WithTimeout(ctx, upstreamCheckTimeout)
	defer cancel()
	r, err := u.request(ctx, http.MethodGet, path, nil)
	if err != nil {
		return false
	}
	answer, err := u.client.Do(r)
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	_, _ = io.CopyN(io.Discard, answer.Body, upstreamHeaderBytesMax) // so that the connection can be used again
	return answer.StatusCode == http.StatusOK
}

func (u *Upstream) request(ctx context.Context, method, path string, body []byte) (*http.Request, error) {
	target := *u.base
	target.Path = strings.TrimSuffix(u.base.Path, "/") + path
	r, err := http.NewRequestWithContext(ctx, method, target.String(), bytes.NewReader(body))
	if err == nil && u.options.Key != "" {
		r.Header.Set("Authorization", "Bearer "+u.options.Key)
	}
	return r, err
}

// modelPath is the path of the model's verb at the upstream.
func (u *Upstream) modelPath(r *http.Request, verb string) (string, *Fault) {
	path, version := "/v2/models/"+u.options.Model, r.PathValue("version")
	if strings.Trim(version, "0123456789") != "" {
		return "", faultf(http.StatusNotFound, "version", "%s has no version %.32q: want a number", u.options.Name, version)
	}
	if version != "" {
		path += "/versions/" + version
	}
	return path + verb, nil
}

// rename gives the body the model's name at the upstream.
func (u *Upstream) rename(f *form) ([]byte, *Fault) {
	name, err := json.Marshal(u.options.Model)
	if err != nil {
		return nil, faultf(http.StatusInternalServerError, "internal", "%v", err)
	}
	f.fields["model"] = name
	body, err := json.Marshal(f.fields)
	if err != nil {
		return nil, faultf(http.StatusBadRequest, "invalid_json", "%v", err)
	}
	return body, nil
}

// forward asks the upstream and passes its answer on, piece by piece.
func (s *Server) forward(w http.ResponseWriter, r *http.Request, u *Upstream, path string, body []byte) {
	w.Header().Set(classHeader, classTolerant)
	if u.down.Load() {
		s.refuse(w, r, faultf(http.StatusServiceUnavailable, "upstream_down", "the server behind %s does not answer", u.options.Name))
		return
	}
	if fault := u.runs.enter(r.Context()); fault != nil {
		s.refuse(w, r, fault)
		return
	}
	defer u.runs.leave()
	ctx, cancel := context.WithTimeout(r.Context(), s.opts.Limits.AnswerTimeout)
	defer cancel()
	answer, fault := u.ask(ctx, r, path, body)
	if fault != nil {
		s.refuse(w, r, fault)
		return
	}
	defer answer.Body.Close()
	for _, name := range []string{"Content-Type", headerLengthName, "Retry-After"} {
		if v := answer.Header.Get(name); v != "" {
			w.Header().Set(name, v)
		}
	}
	w.WriteHeader(answer.StatusCode)
	if err := s.pass(w, answer.Body, u.limits.UpstreamTimeout, cancel); err != nil {
		s.opts.Log.Debug("answer of upstream cut short", "model", u.options.Name, "error", err)
		panic(http.ErrAbortHandler) // so that the caller sees that it is not whole
	}
}

// forwardInfer passes a run on.
func (s *Server) forwardInfer(w http.ResponseWriter, r *http.Request, u *Upstream) {
	path, fault := u.modelPath(r, "/infer")
	if fault != nil {
		s.refuse(w, r, fault)
		return
	}
	body, release, fault := s.body(w, r, s.opts.Limits.TensorBytesMax)
	if fault != nil {
		s.refuse(w, r, fault)
		return
	}
	defer release()
	s.forward(w, r, u, path, body)
}

// upstreamMetadata tells what the upstream says of its model, under our name and with its class.
func (s *Server) upstreamMetadata(w http.ResponseWriter, r *http.Request, u *Upstream) {
	w.Header().Set(classHeader, classTolerant)
	path, fault := u.modelPath(r, "")
	if fault == nil {
		fault = u.runs.enter(r.Context())
	}
	if fault != nil {
		s.refuse(w, r, fault)
		return
	}
	defer u.runs.leave()
	ctx, cancel := context.WithTimeout(r.Context(), u.limits.UpstreamTimeout)
	defer cancel()
	m, fault := u.metadata(ctx, r, path)
	if fault != nil {
		s.refuse(w, r, fault)
		return
	}
	s.writeJSON(w, http.StatusOK, m)
}

const metadataBytesMax = 1 << 20

func (u *Upstream) metadata(ctx context.Context, r *http.Request, path string) (map[string]any, *Fault) {
	answer, fault := u.ask(ctx, r, path, nil)
	if fault != nil {
		return nil, fault
	}
	defer answer.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(answer.Body, metadataBytesMax))
	var m map[string]any
	if err != nil || answer.StatusCode != http.StatusOK || json.Unmarshal(raw, &m) != nil || m == nil {
		return nil, faultf(http.StatusBadGateway, "upstream", "the server behind %s tells nothing of its model (status %d)", u.options.Name, answer.StatusCode)
	}
	parameters, ok := m["parameters"].(map[string]any)
	if !ok {
		parameters = map[string]any{}
	}
	parameters["aiwork_class"] = classTolerant
	m["parameters"], m["name"] = parameters, u.options.Name
	return m, nil
}

// ask sends the request and checks the head of the answer. Of the caller's head only what describes the body goes along:
// his key is for us.
func (u *Upstream) ask(ctx context.Context, r *http.Request, path string, body []byte) (*http.Response, *Fault) {
	q, err := u.request(ctx, r.Method, path, body)
	if err != nil {
		return nil, faultf(http.StatusInternalServerError, "internal", "%v", err)
	}
	for _, name := range []string{"Content-Type", headerLengthName} {
		if v := r.Header.Get(name); v != "" {
			q.Header.Set(name, v)
		}
	}
	answer, err := u.client.Do(q)
	if err != nil {
		if ctx.Err() != nil {
			return nil, runEnded(ctx)
		}
		return nil, faultf(http.StatusBadGateway, "upstream", "the server behind %s cannot be asked", u.options.Name)
	}
	if fault := u.checkHead(answer); fault != nil {
		answer.Body.Close()
		return nil, fault
	}
	return answer, nil
}

// checkHead passes on answers, and refusals that are the caller's to mend.
func (u *Upstream) checkHead(answer *http.Response) *Fault {
	kind, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	if !slices.Contains([]string{"application/json", "text/event-stream", "application/octet-stream"}, kind) {
		return faultf(http.StatusBadGateway, "upstream", "the server behind %s answers with status %d and no JSON", u.options.Name, answer.StatusCode)
	}
	switch answer.StatusCode {
	case http.StatusOK, http.StatusBadRequest, http.StatusNotFound, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity,
		http.StatusTooManyRequests, http.StatusNotImplemented, http.StatusServiceUnavailable:
		return nil
	}
	return faultf(http.StatusBadGateway, "upstream", "the server behind %s answers with status %d", u.options.Name, answer.StatusCode)
}

var errUpstreamLarge = errors.New("the upstream's answer is too large")

// pass copies an answer as it comes. The upstream has timeout for each piece; cancel ends its answer.
func (s *Server) pass(w http.ResponseWriter, from io.Reader, timeout time.Duration, cancel func()) error {
	late := time.AfterFunc(timeout, cancel)
	defer late.Stop()
	control := http.NewResponseController(w)
	buffer := make([]byte, 32<<10)
	for passed := int64(0); ; {
		n, err := from.Read(buffer)
		late.Reset(timeout)
		if passed += int64(n); passed > s.opts.Limits.TensorBytesMax {
			return errUpstreamLarge
		}
		if n > 0 {
			s.patient(control)
			if _, err := w.Write(buffer[:n]); err != nil {
				return err
			}
			if err := control.Flush(); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
