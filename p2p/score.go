package p2p

import (
	"math"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// scores remembers the faults of peers, connected or not. Faults fade with a half-life; at scoreBan a
// peer is banned, each time for twice as long as before.
type scores struct {
	mu      sync.Mutex
	records map[peer.ID]*record
}

type record struct {
	points float64
	at     time.Time // of points
	bans   int
	until  time.Time
}

func newScores() *scores { return &scores{records: make(map[peer.ID]*record)} }

// add counts a fault and tells whether it led to a ban. A validator is banned only briefly: the chain
// needs it to be final and has its own punishment for it.
func (s *scores) add(now time.Time, id peer.ID, f Fault, validator bool) (banned bool, until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.records[id]
	if r == nil {
		s.makeRoom(now)
		r = &record{at: now}
		s.records[id] = r
	}
	r.points = r.faded(now) + float64(faults[f].weight)
	r.at = now
	if r.points < scoreBan {
		return false, time.Time{}
	}
	r.points = 0
	r.until = now.Add(banTime(r.bans, validator))
	r.bans++
	return true, r.until
}

func banTime(before int, validator bool) time.Duration {
	if validator {
		return banValidator
	}
	if before >= 10 {
		return banMax
	}
	return min(banFirst<<before, banMax)
}

func (r *record) faded(now time.Time) float64 {
	return r.points * math.Exp2(-max(0, now.Sub(r.at).Seconds())/scoreHalfLife.Seconds())
}

func (s *scores) banned(now time.Time, id peer.ID) (time.Time, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.records[id]
	if r == nil || !now.Before(r.until) {
		return time.Time{}, false
	}
	return r.until, true
}

func (s *scores) score(now time.Time, id peer.ID) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.records[id]; r != nil {
		return int(r.faded(now))
	}
	return 0
}

// makeRoom forgets the mildest record when there are too many: first who is not banned.
func (s *scores) makeRoom(now time.Time) {
	if len(s.records) < bansMax {
		return
	}
	var mildest peer.ID
	var least float64 = math.Inf(1)
	for id, r := range s.records {
		weight := r.faded(now) + scoreBan*max(0, r.until.Sub(now).Seconds())
		if weight < least {
			mildest, least = id, weight
		}
	}
	delete(s.records, mildest)
}
