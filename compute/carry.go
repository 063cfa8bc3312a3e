package compute

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/tasks/dispute"
	"github.com/aiwork/aiwork-node/tasks/job"
)

// carryLook is how often Carry looks even when no head arrives.
const carryLook = 500 * time.Millisecond

// Carry goes on with the dispute that this party has opened about a batch until it has ended, and moves the batch on. It tells of each
// record that differs from the one before. It is for programs that do nothing else: a Runner does the same beside its work.
func (p *Party) Carry(ctx context.Context, t *Task, changed func(*dispute.Dispute)) (dispute.Dispute, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	heads, err := p.opts.Market.Heads(ctx)
	if err != nil {
		return dispute.Dispute{}, err
	}
	var last dispute.Dispute
	told := ""
	for {
		d, err := p.turn(ctx, t, last.ID)
		if d != nil && *d != last {
			last = *d
			changed(d)
		}
		if _, known := errors.AsType[*FundsError](err); err != nil && !known && err.Error() != told && ctx.Err() == nil {
			told = err.Error()
			p.opts.Log.Warn("dispute: tried again", "dispute", last.ID, "error", err)
		}
		if last.Phase == dispute.Ended {
			return last, p.moveOn(ctx, t)
		}
		timer := time.NewTimer(carryLook)
		select {
		case _, open := <-heads:
			if !open {
				heads = nil // the timer does
			}
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return last, fmt.Errorf("dispute %d goes on: its bond is lost unless somebody carries it on in time: %w", last.ID, ctx.Err())
		}
		timer.Stop()
	}
}

// turn makes the call that is due now, if any, and gives the record that it found. The dispute's number is 0 until it was found once.
func (p *Party) turn(ctx context.Context, t *Task, id uint64) (*dispute.Dispute, error) {
	a, err := p.opts.Market.Agenda(ctx, p.opts.Address)
	if err != nil {
		return nil, err
	}
	for i := range a.Tasks {
		u := &a.Tasks[i]
		if u.Role != RoleChallenger || u.Job != t.Job || u.Batch != t.Batch || u.Dispute == nil {
			continue
		}
		if asks(u.Dispute, dispute.Challenger) {
			return u.Dispute, p.Plead(ctx, u)
		}
		return u.Dispute, nil
	}
	if id == 0 {
		return nil, nil // the node that was asked has not seen the challenge yet
	}
	d, err := p.opts.Court.Dispute(ctx, id)
	return &d, err
}

// moveOn lets the batch go on after a dispute, if nobody else did.
func (p *Party) moveOn(ctx context.Context, t *Task) error {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	err := p.opts.Market.Send(ctx, Call{To: chain.AddrJobs, Data: job.PackPoke(t.Job, t.Batch)})
	if _, refused := errors.AsType[*Refused](err); refused {
		return nil
	}
	return err
}
