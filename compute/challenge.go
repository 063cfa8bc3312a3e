package compute

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/compute/engine"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/tasks/dispute"
	"github.com/aiwork/aiwork-node/tasks/job"
)

const (
	// Those who see the same false result wait up to this, so that one of them pays the bond and runs the item once more.
	challengeSpread = 1500 * time.Millisecond
	// An auditor waits for its challenge for this share of the time that is left to reveal.
	challengeShare = 2
)

// ErrNoDisputes says that a chain or a party has no disputes, or not about a model.
var ErrNoDisputes = errors.New("no disputes")

// A BondError says that a challenge costs more than it may, or than there is.
type BondError struct{ Least, Limit, Held uint256.Int }

func (e *BondError) Error() string {
	if e.Limit.Lt(&e.Least) {
		return fmt.Sprintf("a challenge costs a bond of %s wei at least, above the limit of %s: raise the limit if it is worth that to you", e.Least.Dec(), e.Limit.Dec())
	}
	return fmt.Sprintf("a challenge costs a bond of %s wei at least and gas for its calls, and the account has %s: send it more", e.Least.Dec(), e.Held.Dec())
}

// bond gives what a challenge is opened with.
func (p *Party) bond(ctx context.Context) (uint256.Int, error) {
	if p.opts.BondMax.IsZero() {
		return uint256.Int{}, ErrNoDisputes
	}
	least, held, err := p.opts.Court.Bond(ctx)
	switch {
	case err != nil:
		return least, err
	case least.IsZero():
		return least, ErrNoDisputes
	case p.opts.BondMax.Lt(&least) || held.Lt(&least):
		return least, &BondError{least, p.opts.BondMax, held}
	}
	return least, nil
}

// Challenge disputes the result that a worker has opened for an item of a task. The item is run again, every value of the run being
// kept; if the result is the same after all, nothing is sent, and it says so.
func (p *Party) Challenge(ctx context.Context, t *Task, item uint32) error {
	bond, err := p.bond(ctx)
	if err != nil {
		return err
	}
	input, err := p.claim(ctx, t, item)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	err = p.opts.Market.Send(ctx, Call{To: chain.AddrJobs, Value: bond, Data: input})
	if errors.Is(err, ErrFunds) {
		if _, held, e := p.opts.Court.Bond(ctx); e == nil {
			err = &BondError{bond, p.opts.BondMax, held} // the bond is there, but not the gas beside it
		}
	}
	if err != nil {
		return err
	}
	p.opts.Metrics.challenged()
	p.opts.Log.Warn("a false result is challenged", "job", t.Job, "batch", t.Batch, "item", item, "worker", t.Worker.Checksum(), "bond", bond.Dec())
	return nil
}

// claim gives the call that opens a dispute.
func (p *Party) claim(ctx context.Context, t *Task, item uint32) ([]byte, error) {
	if err := p.docket.take(ctx); err != nil {
		return nil, err
	}
	defer p.docket.leave()
	a, err := p.advocate(ctx, t, item)
	if err != nil {
		return nil, err
	}
	place := int(item - t.First)
	if place < len(t.Given) && bytes.Equal(t.Given[place], outputOf(a.Claim().Result).Encode()) {
		return nil, fmt.Errorf("item %d: run again, its result is the worker's: this machine gave another before", item)
	}
	given, err := p.given(ctx, t, place)
	if err != nil {
		return nil, err
	}
	k, err := a.Against(ctx, given)
	switch {
	case errors.Is(err, engine.ErrNoPlea):
		return nil, fmt.Errorf("%w: %w", ErrNoDisputes, err)
	case err != nil:
		return nil, err
	case k.Kind == dispute.Network && max(len(given), len(k.Result)) > dispute.ResultBytesMax:
		return nil, fmt.Errorf("%w about results of a network above %d bytes: these have %d and %d", ErrNoDisputes, dispute.ResultBytesMax, len(given), len(k.Result))
	}
	return job.PackChallenge(t.Job, t.Batch, item, k), nil
}

// given gets the result that a worker has given for an item, from its blob if it lies in one.
func (p *Party) given(ctx context.Context, t *Task, place int) ([]byte, error) {
	if place >= len(t.Given) {
		return nil, nil
	}
	o, ok := job.DecodeOutput(t.Given[place])
	if !ok || o.Blob.IsZero() {
		return o.Result, nil
	}
	return fetch(ctx, p.opts.Market, o.Blob, 0)
}

// contest disputes an item in which a worker's result differs from this runner's own, unless somebody else does it first. The
// outputs are those of the given places of the task.
func (r *Runner) contest(ctx context.Context, t *Task, places []int, outputs [][]byte) error {
	at := -1
	for i, place := range places {
		if place < len(t.Given) && i < len(outputs) && !bytes.Equal(t.Given[place], outputs[i]) && contestable(t.Given[place]) && contestable(outputs[i]) {
			at = place
			break
		}
	}
	if at < 0 || r.opts.Party == nil {
		return nil
	}
	if _, err := r.opts.Party.bond(ctx); err != nil {
		if errors.Is(err, ErrNoDisputes) {
			return nil
		}
		return err
	}
	if err := pause(ctx, rand.N(challengeSpread)); err != nil {
		return err
	}
	if open, err := r.contestable(ctx, t); err != nil || !open {
		return err
	}
	err := r.opts.Party.Challenge(ctx, t, t.First+uint32(at))
	if _, refused := errors.AsType[*Refused](err); refused {
		if open, err := r.contestable(ctx, t); err == nil && !open {
			return nil // somebody was quicker
		}
	}
	return err
}

// contestFirst waits for a contest, as long as there is time to reveal after it. A contest that takes longer goes on meanwhile.
func (r *Runner) contestFirst(ctx context.Context, t *Task, places []int, outputs [][]byte) {
	done := make(chan struct{})
	r.wg.Go(func() {
		defer close(done)
		if err := r.contest(ctx, t, places, outputs); err != nil && ctx.Err() == nil {
			r.opts.Log.Warn("a false result is not challenged", "job", t.Job, "batch", t.Batch, "error", err)
		}
	})
	late := time.NewTimer(time.Until(time.UnixMilli(int64(t.DeadlineMs))) / challengeShare)
	defer late.Stop()
	select {
	case <-done:
	case <-late.C:
	case <-ctx.Done():
	}
}

// contestable says whether the chain shows that a task can still be disputed, and is not.
func (r *Runner) contestable(ctx context.Context, t *Task) (bool, error) {
	list, err := r.opts.Party.opts.Court.Unsettled(ctx, r.opts.Address)
	if err != nil {
		return false, err
	}
	for i := range list {
		u := &list[i]
		if u.Job == t.Job && u.Batch == t.Batch && u.Attempt == t.Attempt {
			return u.State != job.Disputed.String(), nil
		}
	}
	return false, nil
}
