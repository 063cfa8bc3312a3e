package p2p

import (
	"sync"
	"time"
)

// A rate is what one peer may use of one protocol.
type rate struct {
	perSecond float64
	burst     float64
}

// Shares of one peer. An honest validator stays below a tenth of them, and below a third with full
// blocks every 50 ms.
var (
	rateFrames   = rate{5_000, 10_000}
	rateBytes    = rate{256 << 20, 256 << 20}
	rateRequests = rate{200, 400}
	rateServed   = rate{64 << 20, 128 << 20}
	rateGossip   = rate{500, 1_000}
	rateHellos   = rate{1, 10}
)

// A bucket is a token bucket that may go into debt by one taking.
type bucket struct {
	mu     sync.Mutex
	rate   rate
	tokens float64
	last   time.Time
}

func newBucket(r rate, now time.Time) *bucket { return &bucket{rate: r, tokens: r.burst, last: now} }

// take takes n in any case and tells how long to wait before going on.
func (b *bucket) take(now time.Time, n int) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fill(now)
	b.tokens -= float64(n)
	if b.tokens >= 0 {
		return 0
	}
	return time.Duration(-b.tokens / b.rate.perSecond * float64(time.Second))
}

// allow takes n if the bucket is not in debt.
func (b *bucket) allow(now time.Time, n int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fill(now)
	if b.tokens <= 0 {
		return false
	}
	b.tokens -= float64(n)
	return true
}

func (b *bucket) fill(now time.Time) {
	if d := now.Sub(b.last); d > 0 {
		b.tokens = min(b.rate.burst, b.tokens+d.Seconds()*b.rate.perSecond)
		b.last = now
	}
}

// A flood tells whether a peer is held back all the time. Its zero window is never reached.
type flood struct {
	window time.Duration

	mu    sync.Mutex
	since time.Time
	last  time.Time
}

// held notes that the peer was held back, and is true whenever it has been for a whole window.
func (f *flood) held(now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if now.Sub(f.last) > f.window/2 {
		f.since = now
	}
	f.last = now
	if f.window == 0 || now.Sub(f.since) < f.window {
		return false
	}
	f.since = now
	return true
}
