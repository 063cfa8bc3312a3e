package compute

import (
	"context"
	"errors"

	"github.com/aiwork/aiwork-node/compute/engine"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/tasks/job"
)

// work does a batch that this worker holds the lease of: run, keep, commit. If this machine cannot do
// it, it gives the batch back, so that another need not wait for the lease to run out.
func (r *Runner) work(ctx context.Context, t *Task) error {
	e, found, err := r.opts.Journal.Get(t)
	if err != nil {
		return err
	}
	if !found {
		if e, err = r.compute(ctx, t, everyPlace(len(t.Blobs))); err != nil {
			return r.giveBack(ctx, t, err)
		}
	}
	root := job.Root(t.Place(r.opts.Genesis), r.opts.Address, t.First, e.Salt, e.Outputs)
	err = r.send(ctx, job.PackCommit(t.Job, t.Batch, root, uint32(len(e.Outputs))))
	if err == nil {
		r.opts.Log.Info("batch committed", "job", t.Job, "batch", t.Batch, "items", len(e.Outputs), "root", root)
	}
	return err
}

// compute runs the items at some places of the task and keeps the outputs. Rule COMPUTE-1.
func (r *Runner) compute(ctx context.Context, t *Task, places []int) (Entry, error) {
	outputs, err := r.outputs(ctx, t, places)
	if err != nil {
		return Entry{}, err
	}
	e := NewEntry(outputs)
	return e, r.opts.Journal.Put(t, e)
}

func everyPlace(n int) []int {
	places := make([]int, n)
	for i := range places {
		places[i] = i
	}
	return places
}

func (r *Runner) giveBack(ctx context.Context, t *Task, cause error) error {
	if ctx.Err() != nil {
		return cause // the node stops; after its start the batch is taken up again
	}
	r.opts.Log.Warn("batch given back", "job", t.Job, "batch", t.Batch, "error", cause)
	return errors.Join(cause, r.send(ctx, job.PackRelease(t.Job, t.Batch, why(cause))))
}

// open shows the outputs that this worker has committed to.
func (r *Runner) open(ctx context.Context, t *Task) error {
	e, found, err := r.opts.Journal.Get(t)
	if err != nil {
		return err
	}
	if !found {
		return errors.New("the outputs of a committed batch are not in the work journal: was the worker's folder replaced?")
	}
	err = r.send(ctx, job.PackOpen(t.Job, t.Batch, e.Salt, e.Outputs))
	if err == nil {
		r.opts.Log.Info("batch opened", "job", t.Job, "batch", t.Batch)
	}
	return err
}

// audit re-executes the sample and commits to what came out, before the worker has opened anything.
func (r *Runner) audit(ctx context.Context, t *Task) error {
	e, found, err := r.opts.Journal.Get(t)
	if err != nil {
		return err
	}
	if !found {
		if e, err = r.compute(ctx, t, job.Sampled(t.Sample)); err != nil {
			return err
		}
	}
	seal := job.Attestation(t.Place(r.opts.Genesis), r.opts.Address, e.Salt, outputHashes(e.Outputs))
	err = r.send(ctx, job.PackAuditCommit(t.Job, t.Batch, seal))
	if err == nil {
		r.opts.Log.Info("audit committed", "job", t.Job, "batch", t.Batch, "items", len(e.Outputs))
	}
	return err
}

// reveal shows what this auditor has committed to.
func (r *Runner) reveal(ctx context.Context, t *Task) error {
	e, found, err := r.opts.Journal.Get(t)
	if err != nil {
		return err
	}
	if !found {
		return errors.New("the outputs of a committed audit are not in the work journal: was the node's folder replaced?")
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
