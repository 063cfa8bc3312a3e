package health

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

const (
	headerBytesMax  = 16 << 10
	requestTimeout  = 10 * time.Second
	shutdownTimeout = time.Second
)

// Check is one condition of readiness. Failing gives nil, or the reason in words for the operator.
type Check struct {
	Name    string
	Failing func() error
}

// Server serves /metrics, /livez and /readyz.
type Server struct {
	listener net.Listener
	http     *http.Server
	checks   []Check
	ready    *prometheus.GaugeVec
}

// Listen opens the port. A port in use is the operator's to solve, and the error says how.
func Listen(addr string, reg *prometheus.Registry, checks []Check) (*Server, error) {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("metrics %s: %w: stop what uses the port or choose another with --metrics", addr, err)
	}
	s := &Server{listener: ln, checks: checks, ready: prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "aiwork_health_ready", Help: "1 where a check of /readyz passes.",
	}, []string{"check"})}
	reg.MustRegister(s.ready)
	mux := http.NewServeMux()
	metrics := promhttp.HandlerFor(reg, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: requestTimeout})
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		s.Report() // so that the gauges are of this moment
		metrics.ServeHTTP(w, r)
	})
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", s.serveReady)
	s.http = &http.Server{
		Handler: mux, ReadHeaderTimeout: requestTimeout, ReadTimeout: requestTimeout, WriteTimeout: 2 * requestTimeout,
		MaxHeaderBytes: headerBytesMax,
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

// Run serves until ctx ends.
func (s *Server) Run(ctx context.Context) error {
	done := make(chan error, 1)
	go func() { done <- s.http.Serve(s.listener) }()
	select {
	case err := <-done:
		return fmt.Errorf("metrics: %w", err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	if err := s.http.Shutdown(grace); err != nil {
		_ = s.http.Close()
	}
	if err := <-done; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("metrics: %w", err)
	}
	return nil
}

// Result is the outcome of one check.
type Result struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Reason string `json:"reason,omitempty"`
}

// Report runs all checks.
func (s *Server) Report() (ready bool, results []Result) {
	ready = true
	for _, c := range s.checks {
		r := Result{Name: c.Name, OK: true}
		value := 1.0
		if err := c.Failing(); err != nil {
			r.OK, r.Reason, ready, value = false, err.Error(), false, 0
		}
		s.ready.WithLabelValues(c.Name).Set(value)
		results = append(results, r)
	}
	return ready, results
}

func (s *Server) serveReady(w http.ResponseWriter, _ *http.Request) {
	ready, results := s.Report()
	w.Header().Set("Content-Type", "application/json")
	if !ready {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"ready": ready, "checks": results})
}
