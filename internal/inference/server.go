package inference

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// classHeader tells with each answer how far it can be trusted (INFER-5).
const classHeader = "X-Aiwork-Class"

// The classes of answers.
const (
	classExact    = "exact"    // the same bits on every computer
	classTolerant = "tolerant" // of a server that promises no bits
)

// Options configure a Server.
type Options struct {
	Listen  string   // host:port; only loopback unless the operator says otherwise
	Hosts   []string // names accepted in Host beside loopback's and literal addresses
	Origins []string // web origins that may call; none by default, so browsers' pages cannot
	Key     string   // that callers must show; empty: none
	Version string   // of the program
	Limits  Limits
	Log     *slog.Logger
	Metrics *prometheus.Registry // not nil; served at /metrics

	Languages []*Language
	Networks  *Networks // nil: none
	Upstreams []*Upstream
	Jobs      *Jobs // runs of networks, and answers of stored language models, become paid jobs; nil: they run here
}

// A Server answers on one port.
type Server struct {
	opts      Options
	mux       *http.ServeMux
	listener  net.Listener
	http      *http.Server
	metrics   *metrics
	memory    budget
	ids       ids
	began     time.Time
	languages map[string]*Language
	networks  map[string]*network
	upstreams map[string]*Upstream
	runs      *turns
	jobs      *turns
	ending    atomic.Bool
}

// Listen opens the port. A port in use is the operator's to solve, and the error says how.
func Listen(opts Options) (*Server, error) {
	if err := opts.Limits.Check(); err != nil {
		return nil, err
	}
	s := &Server{
		opts: opts, metrics: newMetrics(opts.Metrics), memory: budget{bytesMax: opts.Limits.MemoryBytesMax}, began: time.Now(),
		languages: map[string]*Language{}, networks: map[string]*network{}, upstreams: map[string]*Upstream{},
		runs: newTurns("runs", opts.Limits.RunsMax, opts.Limits.RunsWaitingMax),
		jobs: newTurns("jobs", opts.Limits.JobsMax, 0),
	}
	if err := s.nameModels(); err != nil {
		return nil, err
	}
	ln, err := net.Listen("tcp", opts.Listen)
	if err != nil {
		return nil, fmt.Errorf("inference %s: %w: stop what uses the port or choose another with --listen", opts.Listen, err)
	}
	s.listener = capped(ln, opts.Limits.ConnectionsMax)
	s.route()
	s.http = &http.Server{
		Handler: s, ReadHeaderTimeout: opts.Limits.ReadHeaderTimeout, ReadTimeout: opts.Limits.ReadTimeout,
		IdleTimeout: opts.Limits.IdleTimeout, MaxHeaderBytes: opts.Limits.HeaderBytesMax,
		ErrorLog: slog.NewLogLogger(opts.Log.Handler(), slog.LevelDebug),
	}
	return s, nil
}

// nameModels refuses two models of one name, since a caller could not tell whom he asks, nor how far to trust him.
func (s *Server) nameModels() error {
	if s.opts.Networks != nil {
		s.networks = s.opts.Networks.byName
	}
	for _, l := range s.opts.Languages {
		if s.taken(l.name) {
			return fmt.Errorf("two models are named %s: name the language model otherwise, as NAME=FILE", l.name)
		}
		s.languages[l.name] = l
		if !l.id.IsZero() {
			s.languages[l.id.String()] = l
		}
		s.metrics.watch(s.opts.Metrics, l)
	}
	for _, u := range s.opts.Upstreams {
		if s.taken(u.options.Name) {
			return fmt.Errorf("two models are named %s: name the upstream's otherwise, as NAME=URL#MODEL", u.options.Name)
		}
		s.upstreams[u.options.Name] = u
	}
	return nil
}

func (s *Server) taken(name string) bool {
	return s.languages[name] != nil || s.networks[name] != nil || s.upstreams[name] != nil
}

func (s *Server) route() {
	s.mux = http.NewServeMux()
	s.mux.HandleFunc("GET /v1/models", s.listModels)
	s.mux.HandleFunc("GET /v1/models/{model...}", s.showModel)
	s.mux.HandleFunc("POST /v1/completions", s.complete)
	s.mux.HandleFunc("POST /v1/chat/completions", s.chat)
	s.mux.HandleFunc("POST /v1/embeddings", s.embed)
	s.mux.HandleFunc("GET /v2", s.serverMetadata)
	s.mux.HandleFunc("GET /v2/models", s.listNetworks)
	s.mux.HandleFunc("GET /v2/health/live", s.live)
	s.mux.HandleFunc("GET /v2/health/ready", s.ready)
	for _, of := range []string{"/v2/models/{model}", "/v2/models/{model}/versions/{version}"} {
		s.mux.HandleFunc("GET "+of, s.modelMetadata)
		s.mux.HandleFunc("GET "+of+"/ready", s.modelReady)
		s.mux.HandleFunc("POST "+of+"/infer", s.infer)
	}
	s.mux.Handle("GET /metrics", promhttp.HandlerFor(s.opts.Metrics, promhttp.HandlerOpts{}))
	s.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.refuse(w, r, faultf(http.StatusNotFound, "not_found", "%s %.100s is not served here", r.Method, r.URL.Path))
	})
}

// Addr gives the address that the server listens on.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Close gives the port back if Run was never called. After Run it does nothing.
func (s *Server) Close() error {
	_ = s.listener.Close()
	return nil
}

// Run serves until ctx ends. From then on new requests are refused and those that run have DrainTimeout to end.
func (s *Server) Run(ctx context.Context) error {
	working, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	var engines sync.WaitGroup
	failed := make(chan error, len(s.opts.Languages)+1)
	defer engines.Wait()
	defer stop(nil)
	for _, l := range s.opts.Languages {
		engines.Go(func() {
			if err := l.Run(working); err != nil {
				failed <- err
			}
		})
	}
	for _, u := range s.opts.Upstreams {
		engines.Go(func() { u.Run(working, s.opts.Log) })
	}
	s.http.BaseContext = func(net.Listener) context.Context { return working }
	served := make(chan error, 1)
	go func() { served <- s.http.Serve(s.listener) }()
	var err error
	select {
	case err := <-served:
		return fmt.Errorf("inference: %w", err)
	case err = <-failed:
	case <-ctx.Done():
	}
	s.drain(ctx, stop)
	if e := <-served; !errors.Is(e, http.ErrServerClosed) {
		err = errors.Join(err, e)
	}
	return err
}

func (s *Server) drain(ctx context.Context, stop context.CancelCauseFunc) {
	s.ending.Store(true)
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.opts.Limits.DrainTimeout)
	defer cancel()
	if s.http.Shutdown(grace) == nil {
		return
	}
	stop(errStopping) // answers that still run end with an error, for which they have a moment
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWordTimeout)
	defer cancel()
	if s.http.Shutdown(last) != nil {
		_ = s.http.Close()
	}
}

const lastWordTimeout = time.Second

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	told := &watched{ResponseWriter: w}
	s.patient(http.NewResponseController(told))
	defer func() {
		s.recovered(told, r, recover())
		s.metrics.observe(s.interfaceOf(r), told.status, time.Since(began))
	}()
	if fault := s.admit(r); fault != nil {
		s.refuse(told, r, fault)
		return
	}
	allowOrigin(told, r)
	if r.Method == http.MethodOptions {
		told.WriteHeader(http.StatusNoContent)
		return
	}
	if fault := s.checkKey(r); fault != nil && !isHealth(r.URL.Path) {
		s.refuse(told, r, fault)
		return
	}
	s.mux.ServeHTTP(told, r)
}

func (s *Server) admit(r *http.Request) *Fault {
	if fault := s.checkCaller(r); fault != nil {
		return fault
	}
	if s.ending.Load() && !isHealth(r.URL.Path) {
		return faultOf(errStopping)
	}
	return nil
}

// patient gives a reader WriteTimeout for what is written next.
func (s *Server) patient(c *http.ResponseController) {
	_ = c.SetWriteDeadline(time.Now().Add(s.opts.Limits.WriteTimeout))
}

// write hands an answer over piece by piece, so that its length does not matter, only how slowly it is taken.
func (s *Server) write(w http.ResponseWriter, b []byte) {
	control := http.NewResponseController(w)
	for len(b) > 0 {
		n := min(len(b), writeAhead)
		s.patient(control)
		if _, err := w.Write(b[:n]); err != nil {
			return // the reader has gone
		}
		b = b[n:]
	}
}

const writeAhead = 1 << 20

// recovered ends one request that met a bug of ours, and no other.
func (s *Server) recovered(w *watched, r *http.Request, p any) {
	if p == nil {
		return
	}
	if p == http.ErrAbortHandler { // an answer that cannot go on, which was told where it was found
		panic(p)
	}
	s.opts.Log.Error("request panicked", "path", r.URL.Path, "panic", p, "stack", string(debug.Stack()))
	if w.status == 0 {
		s.refuse(w, r, faultf(http.StatusInternalServerError, "internal", "internal error: please report it with the server's log"))
		return
	}
	panic(http.ErrAbortHandler) // what was begun must not look like an end
}

// watched remembers the status that was told.
type watched struct {
	http.ResponseWriter
	status int
}

func (w *watched) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *watched) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach what is beneath.
func (w *watched) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func isKServe(path string) bool { return path == "/v2" || strings.HasPrefix(path, "/v2/") }

func isHealth(path string) bool { return path == "/v2/health/live" || path == "/v2/health/ready" }

// interfaceOf keeps strangers from choosing metric labels.
func (s *Server) interfaceOf(r *http.Request) string {
	_, pattern := s.mux.Handler(r)
	return pattern
}

// ids makes names of answers.
type ids struct{}

func (ids) next() string {
	var b [12]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

func (s *Server) listModels(w http.ResponseWriter, _ *http.Request) {
	s.writeJSON(w, http.StatusOK, struct {
		Object string        `json:"object"`
		Data   []listedModel `json:"data"`
	}{"list", s.models()})
}

func (s *Server) showModel(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("model")
	for _, m := range s.models() {
		if m.ID == name {
			w.Header().Set(classHeader, m.Class)
			s.writeJSON(w, http.StatusOK, m)
			return
		}
	}
	s.refuse(w, r, noModel(name))
}

func (s *Server) models() []listedModel {
	list := []listedModel{}
	for _, l := range s.opts.Languages {
		list = append(list, listedModel{l.name, "model", s.began.Unix(), ownerAiwork, classExact, l.answerRoom(0)})
	}
	for _, u := range s.opts.Upstreams {
		list = append(list, listedModel{ID: u.options.Name, Object: "model", Created: s.began.Unix(), OwnedBy: ownerUpstream, Class: classTolerant})
	}
	return list
}

// language reads a request's form and finds the model that it names; what is for an upstream is passed on.
func (s *Server) language(w http.ResponseWriter, r *http.Request, then func(*Language, *form)) {
	body, release, fault := s.body(w, r, s.opts.Limits.TextBytesMax)
	if fault != nil {
		s.refuse(w, r, fault)
		return
	}
	defer release()
	f, fault := parseForm(body)
	if fault != nil {
		s.refuse(w, r, fault)
		return
	}
	name := f.text("model")
	l := s.languages[name]
	switch {
	case f.fault != nil:
		s.refuse(w, r, f.fault)
	case s.upstreams[name] != nil:
		u := s.upstreams[name]
		if body, fault = u.rename(f); fault != nil {
			s.refuse(w, r, fault)
			return
		}
		s.forward(w, r, u, r.URL.Path, body)
	case l == nil:
		s.refuse(w, r, noModel(name))
	default:
		then(l, f)
	}
}
