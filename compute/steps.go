package compute

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/aiwork/aiwork-node/compute/engine"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/tasks/job"
)

const (
	pokeSpread  = 400 * time.Millisecond // those who could poke wait up to this, so that one does it
	sendTimeout = 10 * time.Second       // for a transaction to be in a block, before it is sent again
)

// stepOf gives what a task asks for now, or nil if its owner can only wait.
func (r *Runner) stepOf(t *Task) func(context.Context) error {
	switch {
	case t.Role == RoleWorker && t.State == job.Assigned.String():
		return func(ctx context.Context) error { return r.work(ctx, t) }
	case t.Role == RoleWorker && t.State == job.Opening.String() && !t.Opened:
		return func(ctx context.Context) error { return r.open(ctx, t) }
	case t.Role == RoleWorker && t.State == job.Revealing.String() && len(t.Results) > 0:
		return func(ctx context.Context) error { return r.publish(ctx, t) }
	case (t.Role == RoleWorker || t.Role == RoleChallenger) && t.Dispute != nil && asks(t.Dispute, t.side()):
		return func(ctx context.Context) error { return r.plead(ctx, t) }
	case t.Role == RoleAuditor && t.State == job.Auditing.String() && !t.Sealed:
		return func(ctx context.Context) error { return r.audit(ctx, t) }
	case t.Role == RoleAuditor && (t.State == job.Revealing.String() || t.State == job.Disputed.String()) && t.Sealed && !t.Revealed:
		return func(ctx context.Context) error { return r.reveal(ctx, t) }
	case t.Role == RoleAuditor && t.State == job.Auditing.String() && t.Opened && t.Sealed:
		return func(ctx context.Context) error { return r.object(ctx, t) }
	default:
		return nil
	}
}

// work does a batch that this worker holds the lease of: run, keep, commit. If this machine cannot do
// it, it gives the batch back, so that another need not wait for the lease to run out.
func (r *Runner) work(ctx context.Context, t *Task) error {
	e, err := r.compute(ctx, t, everyPlace(len(t.Blobs)))
	if err != nil {
		return r.giveBack(ctx, t, err)
	}
	root := job.Root(t.Place(r.opts.Genesis), r.opts.Address, t.First, e.Salt, e.Outputs)
	err = r.send(ctx, job.PackCommit(t.Job, t.Batch, root, uint32(len(e.Outputs))))
	if err == nil {
		r.opts.Log.Info("batch committed", "job", t.Job, "batch", t.Batch, "items", len(e.Outputs), "root", root)
	}
	return err
}

func everyPlace(n int) []int {
	places := make([]int, n)
	for i := range places {
		places[i] = i
	}
	return places
}

// giveBack releases a batch for a reason that lies in its inputs or in this machine. When the node is
// out of reach or this program ends, the batch is kept and taken up again.
func (r *Runner) giveBack(ctx context.Context, t *Task, cause error) error {
	if _, ok := errors.AsType[*unreachable](cause); ok || ctx.Err() != nil {
		return cause
	}
	r.opts.Log.Warn("batch given back", "job", t.Job, "batch", t.Batch, "reason", why(cause), "error", cause)
	if err := r.send(ctx, job.PackRelease(t.Job, t.Batch, why(cause))); err != nil {
		return fmt.Errorf("give back: %w, after %w", err, cause)
	}
	return nil
}

// why gives the chain's word for what keeps this machine from doing a batch.
func why(cause error) job.Reason {
	if errors.Is(cause, ErrNoBlob) {
		return job.InputMissing
	}
	if _, unknown := errors.AsType[*engine.UnknownModelError](cause); unknown {
		return job.ModelMissing
	}
	return job.Overloaded
}

// kept gives an entry that a commitment was made from.
func (r *Runner) kept(t *Task, count int) (Entry, error) {
	e, found, err := r.opts.Journal.Get(t.Key())
	if err == nil && (!found || len(e.Outputs) != count || len(e.missing(count)) > 0) {
		err = errors.New("the outputs that were committed to are not in the work journal: was the folder replaced or put back?")
	}
	return e, err
}

// open shows the outputs that this worker has committed to.
func (r *Runner) open(ctx context.Context, t *Task) error {
	e, err := r.kept(t, len(t.Blobs))
	if err != nil {
		return err
	}
	err = r.send(ctx, job.PackOpen(t.Job, t.Batch, e.Salt, e.Outputs))
	if err == nil {
		r.opts.Log.Info("batch opened", "job", t.Job, "batch", t.Batch)
	}
	return err
}

// audit re-executes the sample and commits to what came out, before the worker has opened anything.
func (r *Runner) audit(ctx context.Context, t *Task) error {
	e, err := r.compute(ctx, t, job.Sampled(t.Sample))
	if err != nil {
		return err
	}
	seal := job.Attestation(t.Place(r.opts.Genesis), r.opts.Address, e.Salt, outputHashes(e.Outputs))
	err = r.send(ctx, job.PackAuditCommit(t.Job, t.Batch, seal))
	if err == nil {
		r.opts.Log.Info("audit committed", "job", t.Job, "batch", t.Batch, "items", len(e.Outputs))
	}
	return err
}

// object disputes a result in the sample that is not this auditor's own, while others are asked too.
func (r *Runner) object(ctx context.Context, t *Task) error {
	places := job.Sampled(t.Sample)
	e, err := r.kept(t, len(places))
	if err != nil {
		return err
	}
	return r.contest(ctx, t, places, e.Outputs)
}

// reveal shows what this auditor has committed to. Before that it disputes what it knows to be false: where the others of the panel
// stand by it, the last reveal may be the end of the batch. Should the challenge fail, there is the vote.
func (r *Runner) reveal(ctx context.Context, t *Task) error {
	e, err := r.kept(t, len(job.Sampled(t.Sample)))
	if err != nil {
		return err
	}
	if t.State == job.Revealing.String() {
		r.contestFirst(ctx, t, job.Sampled(t.Sample), e.Outputs)
	}
	if err := r.await(ctx, t); err != nil {
		return err
	}
	err = r.send(ctx, job.PackAuditReveal(t.Job, t.Batch, e.Salt, outputHashes(e.Outputs)))
	if err == nil {
		r.opts.Log.Info("audit revealed", "job", t.Job, "batch", t.Batch)
	}
	return err
}

func outputHashes(outputs [][]byte) []chain.Hash {
	hashes := make([]chain.Hash, len(outputs))
	for i, o := range outputs {
		hashes[i] = job.OutputHash(o)
	}
	return hashes
}

// poke moves a batch on if nobody else does first.
func (r *Runner) poke(ctx context.Context, d Due) error {
	if err := pause(ctx, rand.N(pokeSpread)); err != nil {
		return err
	}
	a, err := r.opts.Market.Agenda(ctx, r.opts.Address)
	if err != nil {
		return err
	}
	if slices.Contains(a.Dues, d) {
		return r.send(ctx, job.PackPoke(d.Job, d.Batch))
	}
	return nil
}

func (r *Runner) send(ctx context.Context, data []byte) error {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	return r.opts.Market.Send(ctx, Call{To: chain.AddrJobs, Data: data})
}
