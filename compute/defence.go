package compute

import (
	"context"
	"errors"

	"github.com/aiwork/aiwork-node/tasks/dispute"
	"github.com/aiwork/aiwork-node/tasks/job"
	"github.com/aiwork/aiwork-node/vm/native"
)

// addDispute adds to a task what is disputed, if that has not ended.
func (t *Task) addDispute(r native.SlotReader, b *job.Batch) error {
	d, err := dispute.Load(r, b.Dispute)
	if err == nil && d.Phase != dispute.Ended {
		t.Dispute, t.Disputed = &d, b.Disputed
	}
	return err
}

// disputeDue reports whether a poke would find that a dispute has ended.
func disputeDue(r native.SlotReader, id, timeMs uint64) (bool, error) {
	d, err := dispute.Load(r, id)
	return err == nil && (d.Phase == dispute.Ended || timeMs >= d.DeadlineMs), err
}

// plead goes on with a dispute about a result of this worker, or one that this runner has opened.
func (r *Runner) plead(ctx context.Context, t *Task) error {
	if r.opts.Party == nil {
		return errors.New("a result is disputed, and this program cannot run its item again: it will be taken for false")
	}
	return r.opts.Party.Plead(ctx, t)
}
