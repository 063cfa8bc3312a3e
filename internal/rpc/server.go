package rpc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Options configure a Server.
type Options struct {
	Listen  string   // host:port; only loopback unless the operator says otherwise
	Hosts   []string // names accepted in Host beside loopback's and Listen's
	Origins []string // web origins that may call; none by default, so browsers' pages cannot
	Limits  Limits
	Log     *slog.Logger
	Feeds   map[string]Feed // subscriptions by name; nil means none
	Metrics *Metrics        // nil means none
}

// Server answers JSON-RPC on one port over HTTP and WebSocket.
type Server struct {
	table    *Table
	opts     Options
	limiter  *limiter
	lanes    *lanes
	memory   budget
	sockets  atomic.Int64
	listener net.Listener
	http     *http.Server
	live     sync.WaitGroup // WebSockets, which http.Server forgets once hijacked
}

// Listen opens the port. A port in use is the operator's to solve, and the error says how.
func Listen(table *Table, opts Options) (*Server, error) {
	ln, err := net.Listen("tcp", opts.Listen)
	if err != nil {
		return nil, fmt.Errorf("rpc %s: %w: stop what uses the port or choose another with --rpc", opts.Listen, err)
	}
	s := &Server{
		table: table, opts: opts, listener: &cappedListener{Listener: ln, free: make(chan struct{}, opts.Limits.ConnectionsMax)},
		limiter: newLimiter(opts.Limits, time.Now), memory: budget{bytesMax: opts.Limits.MemoryBytesMax},
	}
	s.lanes = newLanes(&s.opts.Limits)
	s.http = &http.Server{
		Handler: s, ReadHeaderTimeout: opts.Limits.ReadHeaderTimeout, ReadTimeout: opts.Limits.ReadTimeout, WriteTimeout: opts.Limits.WriteTimeout,
		IdleTimeout: opts.Limits.IdleTimeout, MaxHeaderBytes: opts.Limits.HeaderBytesMax,
		ErrorLog: slog.NewLogLogger(opts.Log.Handler(), slog.LevelDebug),
	}
	return s, nil
}

// Addr gives the address that the server listens on.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Close gives the port back if Run was never called. After Run it does nothing.
func (s *Server) Close() error {
	_ = s.listener.Close()
	return nil
}

// Run serves until ctx ends, then lets running calls finish for a moment.
func (s *Server) Run(ctx context.Context) error {
	s.http.BaseContext = func(net.Listener) context.Context { return ctx }
	working, rest := context.WithCancel(context.WithoutCancel(ctx))
	var threads sync.WaitGroup
	threads.Go(func() { s.lanes.run(working) })
	defer threads.Wait()
	defer rest()
	done := make(chan error, 1)
	go func() { done <- s.http.Serve(s.listener) }()
	select {
	case err := <-done:
		return fmt.Errorf("rpc: %w", err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if err := s.http.Shutdown(grace); err != nil {
		_ = s.http.Close()
	}
	<-done
	s.live.Wait()
	return nil
}

// ServeHTTP answers one HTTP request or turns it into a WebSocket.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := s.checkCaller(r); err != nil {
		http.Error(w, err.Error(), http.StatusForbidden)
		return
	}
	switch {
	case strings.EqualFold(r.Header.Get("Upgrade"), "websocket"):
		s.serveSocket(w, r)
	case r.Method == http.MethodOptions:
		s.allowOrigin(w, r)
		w.WriteHeader(http.StatusNoContent)
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", "POST")
		http.Error(w, "JSON-RPC is spoken with POST (or over a WebSocket)", http.StatusMethodNotAllowed)
	default:
		s.allowOrigin(w, r)
		s.servePost(w, r)
	}
}

func (s *Server) servePost(w http.ResponseWriter, r *http.Request) {
	body, taken, err := s.memory.readAll(http.MaxBytesReader(w, r.Body, s.opts.Limits.BodyBytesMax))
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		s.memory.give(taken)
		status, fault := s.unread(err)
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(failure(nil, fault))
		return
	}
	reply := s.answer(r.Context(), remoteAddr(r), body, nil)
	s.memory.give(taken)
	if reply == nil {
		return
	}
	if !s.memory.take(len(reply)) {
		w.WriteHeader(http.StatusServiceUnavailable)
		_ = json.NewEncoder(w).Encode(failure(nil, Errorf(CodeLimit, "%s", errBudget)))
		return
	}
	_, _ = w.Write(reply)
	s.memory.give(len(reply))
}

// unread says why a body could not be read.
func (s *Server) unread(err error) (status int, fault *Error) {
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return http.StatusRequestEntityTooLarge,
			Errorf(CodeLimit, "request body over %d bytes: split the batch, or send blobs of at most 4 MiB", s.opts.Limits.BodyBytesMax)
	}
	if errors.Is(err, errBudget) {
		return http.StatusServiceUnavailable, Errorf(CodeLimit, "%s", err)
	}
	return http.StatusBadRequest, Errorf(CodeRequest, "invalid request: body: %v", err)
}

// answer gives the reply to a body, or nil if it held only notifications.
func (s *Server) answer(ctx context.Context, from netip.Addr, body []byte, sock *socket) []byte {
	items, batch, fault := parseBody(body, s.opts.Limits.BatchItemsMax)
	if fault != nil {
		return encode(failure(nil, fault))
	}
	if !batch {
		if r, ok := s.answerOne(ctx, from, items[0], sock); ok {
			return encode(r)
		}
		return nil
	}
	return s.answerBatch(ctx, from, items, sock)
}

// answerBatch answers in order, and says so for the items left over when the reply grows too large.
func (s *Server) answerBatch(ctx context.Context, from netip.Addr, items []json.RawMessage, sock *socket) []byte {
	out := []byte{'['}
	for _, item := range items {
		if len(out) > s.opts.Limits.ReplyBytesMax {
			req, _ := parseRequest(item)
			out = appendItem(out, encode(failure(req.ID, Errorf(CodeLimit, "batch reply over %d bytes: split it", s.opts.Limits.ReplyBytesMax))))
			continue
		}
		if r, ok := s.answerOne(ctx, from, item, sock); ok {
			out = appendItem(out, encode(r))
		}
	}
	if len(out) == 1 {
		return nil
	}
	return append(out, ']')
}

func appendItem(out, item []byte) []byte {
	if len(out) > 1 {
		out = append(out, ',')
	}
	return append(out, item...)
}

// answerOne runs one request; ok is false for a notification.
func (s *Server) answerOne(ctx context.Context, from netip.Addr, raw json.RawMessage, sock *socket) (r response, ok bool) {
	req, fault := parseRequest(raw)
	if fault != nil {
		return failure(req.ID, fault), true
	}
	start := time.Now()
	result, fault := s.run(ctx, from, req, sock)
	s.opts.Metrics.observe(s.known(req.Method), fault, time.Since(start))
	switch {
	case req.ID == nil:
		return response{}, false
	case fault != nil:
		return failure(req.ID, fault), true
	default:
		return success(req.ID, result), true
	}
}

func (s *Server) run(ctx context.Context, from netip.Addr, req request, sock *socket) (json.RawMessage, *Error) {
	if sock != nil {
		if result, fault, ours := sock.subscription(req); ours {
			return result, fault
		}
	}
	m, fault := s.table.Lookup(req.Method)
	if fault != nil {
		return nil, fault
	}
	if !s.limiter.take(from, m.Cost) {
		return nil, Errorf(CodeLimit, "too many requests from %s: slow down, or run your own node", from)
	}
	return s.inTurn(ctx, m, req.Params)
}

// inTurn runs a method when its class has room, so that callers can neither starve consensus nor pile up.
func (s *Server) inTurn(ctx context.Context, m *Method, params json.RawMessage) (result json.RawMessage, fault *Error) {
	refused := s.lanes.do(ctx, m.Class, func() { result, fault = s.call(ctx, m, params) })
	if refused != nil {
		return nil, refused
	}
	return result, fault
}

func (s *Server) call(ctx context.Context, m *Method, params json.RawMessage) (result json.RawMessage, fault *Error) {
	ctx, cancel := context.WithTimeout(ctx, s.opts.Limits.Classes[m.Class].Timeout)
	defer cancel()
	ctx = s.lanes.withTurn(ctx, m.Class)
	defer func() {
		if p := recover(); p != nil {
			s.opts.Log.Error("method panicked", "method", m.Name, "panic", p, "stack", string(debug.Stack()))
			result, fault = nil, Errorf(CodeInternal, "internal error in %s: please report it with the node's log", m.Name)
		}
	}()
	return m.Call(ctx, params)
}

// stream runs a subscription to its end. It ends without an error when the subscriber leaves; a bug in it
// ends it alone.
func (s *Server) stream(name string, run func() error) {
	defer func() {
		if p := recover(); p != nil {
			s.opts.Log.Error("subscription panicked", "name", name, "panic", p, "stack", string(debug.Stack()))
		}
	}()
	if err := run(); err != nil && !errors.Is(err, context.Canceled) {
		s.opts.Log.Debug("subscription ended", "name", name, "error", err)
	}
}

// known keeps strangers from choosing metric labels.
func (s *Server) known(method string) string {
	if _, ok := s.table.methods[method]; ok {
		return method
	}
	return "unknown"
}

func encode(v any) []byte {
	out, err := json.Marshal(v)
	if err != nil {
		return []byte(`{"jsonrpc":"2.0","id":null,"error":{"code":-32603,"message":"internal error: reply"}}`)
	}
	return out
}

func remoteAddr(r *http.Request) netip.Addr {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap()
}
