package p2p

import (
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// Limits of what this node serves of objects.
const (
	objectsOpenMax     = 32 // requests of all peers at a time; more: busy
	objectsOpenPeerMax = 4  // of one peer
	fetchersMax        = 16 // peers without a handshake that fetch objects at a time
	fetcherIdle        = time.Minute
)

var (
	rateObjectRequests = rate{50, 200}
	rateObjectBytes    = rate{64 << 20, 64 << 20} // of one peer
	rateUpload         = rate{96 << 20, 96 << 20} // of all peers: consensus shares the line
)

// shares tells who fetches objects, and what each and all of them may still take.
type shares struct {
	upload *bucket

	mu       sync.Mutex
	of       map[peer.ID]*share
	open     int
	fetchers int
}

// A share is one peer's.
type share struct {
	fetcher  bool // it did not shake hands
	open     int
	last     time.Time // end of its last request
	requests *bucket
	bytes    *bucket
}

func newShares() *shares {
	return &shares{of: make(map[peer.ID]*share), upload: newBucket(rateUpload, time.Now())}
}

// enter counts a request of a peer. Without known it is a fetcher, of which few have room. With nil the peer hears
// that we are busy; leave must be called for everything else.
func (s *shares) enter(id peer.ID, known bool, now time.Time) *share {
	s.mu.Lock()
	defer s.mu.Unlock()
	sh := s.of[id]
	if sh == nil {
		if !known && s.fetchers >= fetchersMax {
			return nil
		}
		sh = &share{fetcher: !known, requests: newBucket(rateObjectRequests, now), bytes: newBucket(rateObjectBytes, now)}
		s.of[id] = sh
		if !known {
			s.fetchers++
		}
	}
	if s.open >= objectsOpenMax || sh.open >= objectsOpenPeerMax || !sh.requests.allow(now, 1) {
		return nil
	}
	s.open++
	sh.open++
	return sh
}

func (s *shares) leave(sh *share, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open--
	sh.open--
	sh.last = now
}

// forget drops the share of a peer that is gone.
func (s *shares) forget(id peer.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sh := s.of[id]
	if sh == nil {
		return
	}
	delete(s.of, id)
	if sh.fetcher {
		s.fetchers--
	}
}

// busyUntil gives when a fetcher that does nothing more may be disconnected; zero if it is no fetcher.
func (s *shares) busyUntil(id peer.ID, now time.Time) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	sh := s.of[id]
	if sh == nil || !sh.fetcher {
		return time.Time{}
	}
	if sh.open > 0 {
		return now.Add(fetcherIdle)
	}
	return sh.last.Add(fetcherIdle)
}

func (s *shares) counts() (open, fetchers int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open, s.fetchers
}
