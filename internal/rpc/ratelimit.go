package rpc

import (
	"net/netip"
	"sync"
	"time"
)

// limiter is a token bucket per remote address. When it knows too many addresses it forgets those
// whose buckets are full, which loses nothing; if none is, new addresses share one bucket.
type limiter struct {
	rate, burst float64
	clientsMax  int
	now         func() time.Time

	mu      sync.Mutex
	buckets map[netip.Addr]*bucket
	crowd   bucket
}

type bucket struct {
	tokens float64
	at     time.Time
}

func newLimiter(l Limits, now func() time.Time) *limiter {
	return &limiter{
		rate: l.CostPerSecond, burst: l.CostBurst, clientsMax: l.ClientsMax, now: now,
		buckets: map[netip.Addr]*bucket{}, crowd: bucket{tokens: l.CostBurst, at: now()},
	}
}

// take reports whether addr can pay cost, and takes it if so. Loopback always can.
func (l *limiter) take(addr netip.Addr, cost float64) bool {
	if addr.IsLoopback() || l.rate <= 0 {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.bucketOf(addr)
	now := l.now()
	b.tokens = min(l.burst, b.tokens+l.rate*now.Sub(b.at).Seconds())
	b.at = now
	if b.tokens < cost {
		return false
	}
	b.tokens -= cost
	return true
}

func (l *limiter) bucketOf(addr netip.Addr) *bucket {
	if b, ok := l.buckets[addr]; ok {
		return b
	}
	if len(l.buckets) >= l.clientsMax {
		l.forget()
	}
	if len(l.buckets) >= l.clientsMax {
		return &l.crowd
	}
	b := &bucket{tokens: l.burst, at: l.now()}
	l.buckets[addr] = b
	return b
}

func (l *limiter) forget() {
	now := l.now()
	for addr, b := range l.buckets {
		if b.tokens+l.rate*now.Sub(b.at).Seconds() >= l.burst {
			delete(l.buckets, addr)
		}
	}
}
