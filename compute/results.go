package compute

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"lukechampine.com/blake3"

	"github.com/aiwork/aiwork-node/compute/engine"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/tasks/job"
)

// Results that are too long for the chain lie in blobs, which the opening of a batch names (JOB-18).

// outputOf makes an output of a result. One that no blob can hold is the fault of an input that asks for too much.
func outputOf(result []byte) job.Output {
	switch {
	case len(result) < job.OutputBytesMax:
		return job.Output{Result: result}
	case len(result) <= job.ResultBytesMax:
		return job.Output{Blob: blake3.Sum256(result), Size: uint32(len(result))}
	}
	return job.Output{Fault: job.FaultTooLarge}
}

// OutputOf gives what an honest worker commits to when its engine gave a result or an error. What is not the input's fault it gives
// back.
func OutputOf(result []byte, err error) (job.Output, error) {
	if bad, ok := errors.AsType[*engine.InputError](err); ok {
		return job.Output{Fault: inputFault(bad.Fault)}, nil
	}
	if err != nil {
		return job.Output{}, err
	}
	return outputOf(result), nil
}

// keep puts a worker's long result beside its entry, so that it can be handed over after the opening.
func (r *Runner) keep(t *Task, o job.Output, result []byte) error {
	if o.Blob.IsZero() || t.Role != RoleWorker {
		return nil
	}
	return r.opts.Journal.putResult(t.Key(), o.Blob, result)
}

// publish hands a batch's long results to the node, once the opening has named them.
func (r *Runner) publish(ctx context.Context, t *Task) error {
	e, err := r.kept(t, len(t.Blobs))
	if err != nil {
		return err
	}
	handed := 0
	for _, b := range e.Outputs {
		o, ok := job.DecodeOutput(b)
		if !ok || o.Blob.IsZero() {
			continue
		}
		result, err := r.opts.Journal.result(t.Key(), o.Blob)
		if err != nil {
			return err
		}
		if err := r.opts.Market.PutBlob(ctx, result); err != nil {
			return fmt.Errorf("result %s: %w", o.Blob, err)
		}
		handed++
	}
	if handed > 0 {
		r.opts.Log.Info("results handed over", "job", t.Job, "batch", t.Batch, "results", handed)
	}
	return nil
}

// await makes sure that everything the worker opened can be had: an auditor reveals only then.
func (r *Runner) await(ctx context.Context, t *Task) error {
	for _, id := range t.Results {
		if _, err := fetch(ctx, r.opts.Market, id, 0); err != nil {
			return fmt.Errorf("the worker keeps back a result: %w", err)
		}
	}
	return nil
}

func (j *Journal) resultPath(k Key, id chain.Hash) string {
	return fmt.Sprintf("%s.%x", j.path(k), id[:])
}

// putResult keeps a long result of a task.
func (j *Journal) putResult(k Key, id chain.Hash, result []byte) error {
	return j.write(j.resultPath(k, id), result)
}

// result reads one, which must be what was kept.
func (j *Journal) result(k Key, id chain.Hash) ([]byte, error) {
	b, err := os.ReadFile(j.resultPath(k, id))
	if errors.Is(err, fs.ErrNotExist) || err == nil && blake3.Sum256(b) != id {
		return nil, fmt.Errorf("work journal: result %s of job %d: %w", id, k.Job, ErrDamaged)
	}
	if err != nil {
		return nil, fmt.Errorf("work journal: %w", err)
	}
	return b, nil
}

// dropResults removes the long results of a task.
func (j *Journal) dropResults(k Key) error {
	list, err := filepath.Glob(j.path(k) + ".*")
	for _, path := range list {
		err = errors.Join(err, os.Remove(path))
	}
	if err != nil {
		return fmt.Errorf("work journal: %w", err)
	}
	return nil
}
