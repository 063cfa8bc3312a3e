package rpc

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
)

// checkCaller refuses what a browser can be tricked into sending: a foreign Host (DNS rebinding) or a
// foreign Origin (a page elsewhere).
func (s *Server) checkCaller(r *http.Request) error {
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if !s.hostAllowed(host) {
		return fmt.Errorf("host %q is not served here: add it to rpc.hosts in the configuration", host)
	}
	origin := r.Header.Get("Origin")
	if origin != "" && !slices.Contains(s.opts.Origins, origin) && !slices.Contains(s.opts.Origins, "*") {
		return fmt.Errorf("origin %q may not call this node: add it to rpc.origins in the configuration", origin)
	}
	return nil
}

func (s *Server) hostAllowed(host string) bool {
	if host == "localhost" || slices.Contains(s.opts.Hosts, host) || slices.Contains(s.opts.Hosts, "*") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	// A literal address cannot be rebound by DNS.
	return err == nil && ip.IsValid()
}

// allowOrigin answers a browser's question only for origins the operator named.
func (s *Server) allowOrigin(w http.ResponseWriter, r *http.Request) {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return
	}
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Allow-Methods", "POST")
	h.Set("Access-Control-Allow-Headers", "Content-Type")
	h.Add("Vary", "Origin")
}

// cappedListener accepts no more connections than it has places; the rest wait in the kernel's queue.
type cappedListener struct {
	net.Listener
	free chan struct{}
}

// Accept waits for a place, then for a connection.
func (l *cappedListener) Accept() (net.Conn, error) {
	l.free <- struct{}{}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.free
		return nil, err
	}
	return &cappedConn{Conn: c, release: sync.OnceFunc(func() { <-l.free })}, nil
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
