package compute

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"github.com/aiwork/aiwork-node/tasks/job"
)

const ppm = 1_000_000

// disputes looks after the disputes of an agenda, and for results of others to run again.
func (r *Runner) disputes(ctx context.Context, tasks []Task) {
	if r.opts.Party == nil {
		return
	}
	r.opts.Party.look(ctx, tasks)
	if r.opts.Watch == 0 {
		return
	}
	list, err := r.opts.Party.opts.Court.Unsettled(ctx, r.opts.Address)
	if err != nil {
		return // the look that comes next says why
	}
	for i := range list {
		t := list[i]
		if t.State == job.Disputed.String() {
			continue
		}
		if places := r.picked(&t); len(places) > 0 {
			r.start(ctx, step{key: "watch " + t.String(), run: func(ctx context.Context) error { return r.watch(ctx, &t, places) }})
		}
	}
}

// endDisputes ends what was kept for disputes: they are taken up from the chain by the next run.
func (r *Runner) endDisputes() {
	if r.opts.Party != nil {
		r.opts.Party.Close()
	}
}

// picked chooses the places of a task that are run again. Who does not know this runner's salt cannot foresee them.
func (r *Runner) picked(t *Task) (places []int) {
	for i := range t.Blobs {
		sum := sha256.Sum256(fmt.Appendf(r.salt[:], " %d %d %d %d", t.Job, t.Batch, t.Attempt, i))
		if binary.BigEndian.Uint64(sum[:8])%ppm < uint64(r.opts.Watch) {
			places = append(places, i)
		}
	}
	return places
}

// watch runs results of another worker again and disputes the first that is false.
func (r *Runner) watch(ctx context.Context, t *Task, places []int) error {
	return r.each(ctx, t, places, func(at int, m made) error {
		o := job.Output{Fault: m.fault}
		if m.fault == job.NoFault {
			o = outputOf(m.result)
		}
		r.opts.Metrics.item(m.took)
		r.opts.Metrics.watched()
		return r.contest(ctx, t, []int{places[at]}, [][]byte{o.Encode()})
	})
}
