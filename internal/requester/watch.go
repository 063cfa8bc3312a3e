package requester

import (
	"context"
	"errors"
	"time"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/client"
)

const (
	watchLook  = time.Second      // looks even when no head arrives
	outageMax  = 30 * time.Second // a node that is gone for longer ends a watch
	outageWait = 300 * time.Millisecond
)

// Watch is WatchUntil the job is over.
func Watch(ctx context.Context, c *client.Client, id uint64, changed func(*Job)) (*Job, error) {
	return WatchUntil(ctx, c, id, func(j *Job) bool { changed(j); return false })
}

// WatchUntil reads the job after each block until it is over, or enough says so, or ctx ends; enough is told of every reading
// that differs from the one before. A node that restarts meanwhile is waited for.
func WatchUntil(ctx context.Context, c *client.Client, id uint64, enough func(*Job) bool) (*Job, error) {
	ctx, cancel := context.WithCancel(ctx)
	heads, ended := make(chan chain.Height, 1), make(chan struct{})
	go func() {
		defer close(ended)
		_ = c.Heads(ctx, heads) // a lost subscription costs speed and no more: there is a timer too
	}()
	defer func() { cancel(); <-ended }()
	last, seen := "", time.Now()
	for {
		j, err := Load(ctx, c, id)
		wait := watchLook
		if _, told := errors.AsType[*client.Error](err); err != nil && (told || errors.Is(err, errNoJob) || time.Since(seen) > outageMax) {
			return nil, err
		} else if err != nil {
			wait = outageWait
		} else {
			seen = time.Now()
			if now := j.fingerprint(); now != last {
				last = now
				if enough(j) {
					return j, nil
				}
			}
			if j.Over() {
				return j, nil
			}
		}
		timer := time.NewTimer(wait)
		select {
		case <-heads:
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return j, ctx.Err()
		}
		timer.Stop()
	}
}
