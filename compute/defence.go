package compute

import (
	"context"
	"errors"
	"fmt"

	"github.com/aiwork/aiwork-node/compute/receipt"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/tasks/dispute"
	"github.com/aiwork/aiwork-node/tasks/job"
	"github.com/aiwork/aiwork-node/vm/native"
)

// A Tracer runs an item and keeps every value. See engine.Tracer.
type Tracer interface {
	Trace(ctx context.Context, model chain.Hash, input []byte) (*receipt.Trace, error)
}

// A defence is what is kept of the dispute that was answered last: the run of its item.
type defence struct {
	id       uint64
	advocate *receipt.Advocate
}

// addDispute adds to a task what is disputed, if its worker is to answer now.
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

// answers says whether a dispute waits for its defender.
func answers(d *dispute.Dispute) bool {
	switch d.Phase {
	case dispute.Answering, dispute.Entries, dispute.Showing, dispute.Tiles:
		return d.Shown>>dispute.Defender&1 == 0
	}
	return false
}

// defend answers for a result of this worker. The item is run again when the dispute is new.
func (r *Runner) defend(ctx context.Context, t *Task) error {
	if r.opts.Tracer == nil {
		return errors.New("a result is disputed, and this program cannot run its item again: it will be taken for false")
	}
	select {
	case r.defending <- struct{}{}:
		defer func() { <-r.defending }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if r.defence.id != t.Dispute.ID {
		place := t.Disputed - t.First
		if int(place) >= len(t.Blobs) {
			return &unreachable{fmt.Errorf("%s: the node does not tell its item %d", t.String(), t.Disputed)}
		}
		input, err := r.blob(ctx, t.Blobs[place])
		if err != nil {
			return err
		}
		run, err := r.opts.Tracer.Trace(ctx, t.Model, input)
		if err != nil {
			return err
		}
		r.defence = defence{t.Dispute.ID, receipt.NewAdvocate(run)}
		r.opts.Log.Warn("a result is disputed", "job", t.Job, "item", t.Disputed, "dispute", t.Dispute.ID)
	}
	input, err := r.defence.advocate.Defend(t.Dispute)
	if err != nil || input == nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	return r.opts.Market.Send(ctx, Call{To: chain.AddrDisputes, Data: input})
}
