package inference

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
)

// checkCaller refuses what a browser can be tricked into sending, and who does not have the key (INFER-6).
func (s *Server) checkCaller(r *http.Request) *Fault {
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if !s.hostAllowed(strings.Trim(host, "[]")) {
		return faultf(http.StatusForbidden, "host", "host %q is not served here: allow it by --host", host)
	}
	origin := r.Header.Get("Origin")
	if origin != "" && !slices.Contains(s.opts.Origins, origin) && !slices.Contains(s.opts.Origins, "*") {
		return faultf(http.StatusForbidden, "origin", "origin %q may not call this server: allow it by --origin", origin)
	}
	return nil
}

func (s *Server) hostAllowed(host string) bool {
	if host == "localhost" || slices.Contains(s.opts.Hosts, host) || slices.Contains(s.opts.Hosts, "*") {
		return true
	}
	_, err := netip.ParseAddr(host) // a literal address cannot be rebound by DNS
	return err == nil
}

func (s *Server) checkKey(r *http.Request) *Fault {
	if s.opts.Key == "" {
		return nil
	}
	given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	want, got := sha256.Sum256([]byte(s.opts.Key)), sha256.Sum256([]byte(given))
	if !ok || subtle.ConstantTimeCompare(want[:], got[:]) != 1 {
		return faultf(http.StatusUnauthorized, "invalid_api_key", "this server wants its key: Authorization: Bearer KEY")
	}
	return nil
}

// allowOrigin answers a browser's question, for origins that the operator named.
func allowOrigin(w http.ResponseWriter, r *http.Request) {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return
	}
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Allow-Methods", "GET, POST")
	h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Inference-Header-Content-Length")
	h.Set("Access-Control-Expose-Headers", classHeader+", Inference-Header-Content-Length, Retry-After")
	h.Add("Vary", "Origin")
}

// cappedListener accepts no more connections than it has places; the rest wait in the kernel's queue.
type cappedListener struct {
	net.Listener
	free chan struct{}
	done chan struct{} // closed by Close, so that nobody waits for a place any more
	once sync.Once
}

func capped(ln net.Listener, most int) *cappedListener {
	return &cappedListener{Listener: ln, free: make(chan struct{}, most), done: make(chan struct{})}
}

// Accept waits for a place, then for a connection.
func (l *cappedListener) Accept() (net.Conn, error) {
	select {
	case l.free <- struct{}{}:
	case <-l.done:
		return nil, net.ErrClosed
	}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.free
		return nil, err
	}
	return &cappedConn{Conn: c, release: sync.OnceFunc(func() { <-l.free })}, nil
}

// Close ends Accept.
func (l *cappedListener) Close() error {
	l.once.Do(func() { close(l.done) })
	return l.Listener.Close()
}

type cappedConn struct {
	net.Conn
	release func()
}

// Close gives the place back, once.
func (c *cappedConn) Close() error {
	err := c.Conn.Close()
	c.release()
	return err
}
