package compute

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aiwork/aiwork-node/compute/engine"
	"github.com/aiwork/aiwork-node/compute/image"
	"github.com/aiwork/aiwork-node/compute/pool"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/tasks/job"
)

const (
	engineTriesMax = 3               // runs of one item before the machine is at fault, unless the engine tries by itself
	blobWait       = 2 * time.Second // between tries to get a blob that nobody has
	blobTriesMax   = 4               // tries before the blob counts as missing
	giveBackTime   = 2 * time.Second // left of a deadline when a missing blob is waited for no longer: to say so in time
)

// unreachable is an error of the way to the chain: it says nothing of the task, which is tried again.
type unreachable struct{ err error }

func (e *unreachable) Error() string { return e.err.Error() }
func (e *unreachable) Unwrap() error { return e.err }

// compute runs the items at some places of a task and keeps each output as soon as it is there, in whatever order they end, so that
// nothing is run twice, whatever ends in between. Rule COMPUTE-1: a commitment is made from what it
// gives, which is on disk.
func (r *Runner) compute(ctx context.Context, t *Task, places []int) (Entry, error) {
	e, found, err := r.opts.Journal.Get(t.Key())
	if errors.Is(err, ErrDamaged) {
		// Nothing was committed in a state that asks for work, so it can be done anew with another salt.
		r.opts.Log.Warn("work is done again", "task", t.String(), "error", err)
	} else if err != nil {
		return Entry{}, err
	}
	if !found {
		e = NewEntry()
	}
	if len(e.Outputs) > len(places) {
		return Entry{}, &unreachable{fmt.Errorf("%s: the node tells of %d items, at least %d are known: it is out of order", t.String(), len(places), len(e.Outputs))}
	}
	rest := e.missing(len(places))
	for _, i := range rest {
		if places[i] >= len(t.Blobs) {
			return Entry{}, &unreachable{fmt.Errorf("%s: the node does not tell its item %d", t.String(), places[i])}
		}
	}
	err = r.each(ctx, t, pick(places, rest), func(at int, m made) error { return r.note(t, &e, rest[at], m) })
	if err != nil {
		return Entry{}, err
	}
	return e, nil
}

// pick gives the elements of a list that stand at some places.
func pick(list, at []int) []int {
	out := make([]int, len(at))
	for k, i := range at {
		out[k] = list[i]
	}
	return out
}

// note keeps what came out of the i-th item of an entry.
func (r *Runner) note(t *Task, e *Entry, i int, m made) error {
	o := job.Output{Fault: m.fault}
	if m.fault == job.NoFault {
		o = outputOf(m.result)
		if err := r.keep(t, o, m.result); err != nil {
			return err
		}
	}
	e.set(i, o.Encode())
	if err := r.opts.Journal.Put(t.Key(), *e); err != nil {
		return err
	}
	r.opts.Metrics.item(m.took) // now that it is kept: what is counted is not run again
	return nil
}

// made is what came out of one item.
type made struct {
	result []byte
	fault  job.InputFault
	took   time.Duration // in the engine and its queue
	err    error
}

// each runs the items at some places of a task, as many at once as the engine takes, and hands to take what comes out of the at-th of
// them as soon as it is there. After the first error the rest is cut short; what ends well all the same is handed over too. It returns
// when nothing runs any more.
func (r *Runner) each(ctx context.Context, t *Task, places []int, take func(at int, m made) error) (first error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type arrival struct {
		at int
		made
	}
	most := r.turns(t.Model).size
	arrivals := make(chan arrival, len(places)) // room for all: nobody waits to be heard
	begun, running := 0, 0
	for {
		for first == nil && begun < len(places) && running < most {
			at := begun
			go func() { arrivals <- arrival{at, r.item(ctx, t, t.Blobs[places[at]])} }()
			begun, running = begun+1, running+1
		}
		if running == 0 {
			return first
		}
		a := <-arrivals
		running--
		err := a.err
		if err == nil {
			err = take(a.at, a.made)
		}
		if err != nil && first == nil {
			first = err
			cancel()
		}
	}
}

// turns are the places that items of a model take. Those that run together do not stand in each other's way.
func (r *Runner) turns(model chain.Hash) *turns {
	if r.opts.Together == nil {
		return r.turn
	}
	n := r.opts.Together(model)
	if n <= 1 {
		return r.turn
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.joint == nil {
		r.joint = newTurns(n)
	}
	return r.joint
}

func (r *Runner) item(ctx context.Context, t *Task, blob chain.Hash) made {
	input, err := fetch(ctx, r.opts.Market, blob, t.DeadlineMs)
	if err != nil {
		return made{err: err}
	}
	return r.run(ctx, t, input)
}

// fetch gets a blob from a market, which may take a while to find it; it gives up before a deadline, 0 for none.
func fetch(ctx context.Context, m Market, id chain.Hash, deadlineMs uint64) ([]byte, error) {
	late := func() bool {
		return deadlineMs != 0 && time.Until(time.UnixMilli(int64(deadlineMs))) < blobWait+giveBackTime
	}
	for try := 1; ; try++ {
		b, err := m.Blob(ctx, id)
		switch {
		case err == nil:
			return b, nil
		case !errors.Is(err, ErrNoBlob):
			return nil, &unreachable{fmt.Errorf("blob %s: %w", id, err)}
		case try == blobTriesMax || late():
			return nil, fmt.Errorf("blob %s: %w", id, err)
		}
		if err := pause(ctx, blobWait); err != nil {
			return nil, err
		}
	}
}

// run runs one item. Rule COMPUTE-3: only what the engine calls an input's fault becomes one.
func (r *Runner) run(ctx context.Context, t *Task, input []byte) made {
	turn := r.turns(t.Model)
	if err := turn.take(ctx, t.DeadlineMs); err != nil {
		return made{err: err}
	}
	defer turn.leave()
	for try := 1; ; try++ {
		start := time.Now()
		result, err := r.opts.Engine.Run(ctx, t.Model, input)
		if err == nil {
			return made{result: result, took: time.Since(start)}
		}
		if bad, ok := errors.AsType[*engine.InputError](err); ok {
			return made{fault: inputFault(bad.Fault), took: time.Since(start)}
		}
		_, unknown := errors.AsType[*engine.UnknownModelError](err)
		_, tried := errors.AsType[*pool.TriedError](err)
		if unknown || tried || try == engineTriesMax || ctx.Err() != nil {
			return made{err: err}
		}
	}
}

// inputFault gives the chain's word for a decoder's.
func inputFault(f image.Fault) job.InputFault {
	switch f {
	case image.FaultBytes, image.FaultDimensions:
		return job.FaultTooLarge
	case image.FaultTruncated, image.FaultChunks, image.FaultPixels:
		return job.FaultTruncated
	case image.FaultShape:
		return job.FaultShape
	default:
		return job.FaultNotCanonical
	}
}
