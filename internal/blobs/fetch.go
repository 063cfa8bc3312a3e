package blobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aiwork/aiwork-node/p2p"
)

const (
	fetchTriesMax  = 5
	fetchPauseMin  = 100 * time.Millisecond // doubles from try to try
	fetchPauseMax  = 2 * time.Second
	fetchAnswerMax = 10 * time.Second // of one try
)

// Fetch gives a blob from here or, when it is missing or damaged here, from peers, and stores it. It
// tries several times, since a blob may be on its way to those peers itself. A full store does not
// keep Fetch from giving what it has got.
func (s *Store) Fetch(ctx context.Context, id ID) ([]byte, error) {
	data, err := s.Get(ctx, id)
	if err == nil || !errors.Is(err, ErrMissing) || s.peers == nil {
		return data, err
	}
	pause := fetchPauseMin
	for try := range fetchTriesMax {
		if try > 0 && !wait(ctx, pause) {
			break
		}
		pause = min(2*pause, fetchPauseMax)
		if data, err = s.ask(ctx, id); err == nil {
			if err := s.put(ctx, data, id); err != nil {
				s.log.Warn("fetched blob not stored", "blob", id, "err", err)
			}
			return data, nil
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("blob %s: fetch: %w", id, err)
	}
	return nil, &MissingError{ID: id, Why: fmt.Sprintf("no peer gave it in %d tries, last: %v", fetchTriesMax, err)}
}

// ask asks one peer after the other once; bytes that are not the blob are the peer's fault.
func (s *Store) ask(ctx context.Context, id ID) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchAnswerMax)
	defer cancel()
	answer, err := s.peers.Request(ctx, "", p2p.AskBlob(id))
	if err != nil {
		return nil, err
	}
	if len(answer.Items) != 1 {
		return nil, p2p.FaultAnswer
	}
	if err := check(answer.Items[0], id); err != nil {
		s.peers.Punish(answer.From.ID, p2p.FaultAnswer)
		return nil, fmt.Errorf("peer %s: %w", answer.From.ID, err)
	}
	return answer.Items[0], nil
}

// Blob serves peers: it is what p2p.Source needs.
func (s *Store) Blob(ctx context.Context, id [32]byte) ([]byte, error) {
	data, err := s.Get(ctx, id)
	if errors.Is(err, ErrMissing) {
		return nil, p2p.ErrNotFound
	}
	return data, err
}

// wait tells whether the time passed before ctx ended.
func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
