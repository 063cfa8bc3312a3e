package compute

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/tasks/job"
)

const (
	stepsMax      = 16                     // steps under way at once; more wait for the next look
	recordsMax    = 8192                   // steps that are remembered
	recordsAge    = 10 * time.Minute       // how long a step is remembered that nobody asks for any more
	retryMin      = time.Second            // after the first failure of a step, doubled with each further one
	retryMax      = 5 * time.Second        // well below every window of the protocol
	idleLook      = 2 * time.Second        // looks at the agenda even when no head arrives
	reconnectWait = 500 * time.Millisecond // between tries to reach a node that is gone
	tidyInterval  = time.Minute            // between looks for entries that the chain is done with
	tidyMax       = 16                     // entries that one such look asks the chain about
)

// Options configure a Runner.
type Options struct {
	Address chain.Address
	Roles   []Role
	Market  Market
	Engine  Engine
	AtOnce  int // items in the engine or its queue, of one batch or several; 0: one
	// Together says how many items of a model the engine runs at once. Where that is more than one they have places of their own, beside
	// AtOnce; nil: nowhere.
	Together func(model chain.Hash) int
	Party    *Party // to take part in disputes; nil: they are lost
	Watch    uint32 // share of the open results of others that are run again, in ppm
	Journal  *Journal
	Genesis  chain.Hash
	Poke     bool // also move on what anybody may, for the tip
	Log      *slog.Logger
	Metrics  *Metrics
}

// Runner does for one address what its agenda asks.
type Runner struct {
	opts  Options
	turn  *turns        // places in the engine and its queue
	joint *turns        // those of items that run together; nil until the first comes
	slots chan struct{} // places for steps under way
	salt  [32]byte      // makes what is watched a secret of this process

	wg sync.WaitGroup

	mu      sync.Mutex
	records map[string]*record
	unwell  error // why the last look failed
}

// record is what is remembered of a step.
type record struct {
	running bool
	task    Key                // whose work it is, if it is a worker's
	cancel  context.CancelFunc // ends it, while it runs
	done    bool               // it succeeded, and is never asked for again: blocks are final
	fails   int
	next    time.Time // not before
	asked   time.Time // by the agenda, last
}

// step is something that the agenda asks for.
type step struct {
	key    string
	repeat bool // success does not mean that it is never due again
	task   Key  // whose work it is; zero where it is not worth cutting short
	run    func(context.Context) error
}

var errNotBegun = errors.New("not begun yet")

// ErrOtherChain says that the node belongs to another chain than before.
var ErrOtherChain = errors.New("the node belongs to another chain now")

// NewRunner gives a runner that does nothing until Run.
func NewRunner(o Options) *Runner {
	r := &Runner{
		opts: o, turn: newTurns(max(1, o.AtOnce)), slots: make(chan struct{}, stepsMax),
		records: map[string]*record{}, unwell: errNotBegun,
	}
	_, _ = rand.Read(r.salt[:]) // it never fails
	return r
}

// Health gives the error of the last look at the chain, nil when all is well. It is safe for concurrent use.
func (r *Runner) Health() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.unwell
}

// Run looks at the agenda after every head until ctx ends; steps under way are then cut short, which
// loses nothing. A node that is gone is waited for, and steps that do not need it go on meanwhile. Once
// drained is closed (nil never is), Run ends as soon as no task is left, or the node is gone. Its only
// error is ErrOtherChain.
func (r *Runner) Run(ctx context.Context, drained <-chan struct{}) error {
	ctx, cancel := context.WithCancel(ctx)
	defer r.endDisputes()
	defer r.wg.Wait()
	defer cancel()
	var heads <-chan chain.Height // nil: not connected
	wake := drained
	tidied, reconnect := time.Now(), time.Now()
	for {
		left, err := 0, error(nil)
		if heads == nil && !time.Now().Before(reconnect) {
			heads, err = r.connect(ctx)
			reconnect = time.Now().Add(reconnectWait)
		}
		if err == nil {
			left, err = r.look(ctx)
		}
		if errors.Is(err, ErrOtherChain) {
			return err
		}
		if ctx.Err() != nil {
			return nil
		}
		r.report(err)
		if isClosed(drained) && (left == 0 || err != nil) {
			return nil
		}
		if err == nil && time.Since(tidied) >= tidyInterval {
			tidied = time.Now()
			r.tidy(ctx)
		}
		wait := idleLook
		if heads == nil || err != nil {
			wait = reconnectWait
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case _, open := <-heads:
			if !open {
				heads = nil
			}
		case <-wake:
			wake = nil
		case <-timer.C:
		}
		timer.Stop()
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// connect makes sure that the node is of the right chain, and subscribes.
func (r *Runner) connect(ctx context.Context) (<-chan chain.Height, error) {
	genesis, err := r.opts.Market.Genesis(ctx)
	if err != nil {
		return nil, err
	}
	if genesis != r.opts.Genesis {
		return nil, fmt.Errorf("%w: its genesis is %s, the work is of %s", ErrOtherChain, genesis, r.opts.Genesis)
	}
	return r.opts.Market.Heads(ctx)
}

// report keeps the state for Health and logs its changes: an outage is one warning, however long.
func (r *Runner) report(err error) {
	r.mu.Lock()
	before := r.unwell
	r.unwell = err
	r.mu.Unlock()
	switch {
	case err != nil && (before == nil || errors.Is(before, errNotBegun)):
		r.opts.Log.Warn("chain out of reach: waiting for the node", "error", err)
	case err != nil:
		r.opts.Log.Debug("chain out of reach", "error", err)
	case before != nil:
		r.opts.Log.Info("following the chain", "address", r.opts.Address.Checksum())
	}
}

// look reads the agenda and starts what it asks for; it gives the number of tasks that are not finished.
func (r *Runner) look(ctx context.Context) (left int, err error) {
	a, err := r.opts.Market.Agenda(ctx, r.opts.Address)
	if err != nil {
		return 0, err
	}
	r.forget()
	for i := range a.Tasks {
		t := a.Tasks[i]
		if !r.plays(t.Role) {
			continue
		}
		left++
		if run := r.stepOf(&t); run != nil {
			s := step{key: fmt.Sprintf("%s %s %s", t.Role, t.String(), t.stage()), run: run}
			if t.State == job.Assigned.String() {
				s.task = t.Key()
			}
			r.start(ctx, s)
		}
	}
	r.disputes(ctx, a.Tasks)
	r.dropLost(ctx, a.Tasks)
	if r.opts.Poke {
		for _, d := range a.Dues {
			key := fmt.Sprintf("poke job %d batch %d attempt %d %s %d", d.Job, d.Batch, d.Attempt, d.State, d.DeadlineMs)
			r.start(ctx, step{key: key, repeat: true, run: func(ctx context.Context) error { return r.poke(ctx, d) }})
		}
	}
	return left, nil
}

func (r *Runner) plays(role Role) bool {
	return slices.Contains(r.opts.Roles, role)
}

// start runs a step unless it is under way, has been done, or failed a moment ago, or too many are.
func (r *Runner) start(ctx context.Context, s step) {
	r.mu.Lock()
	defer r.mu.Unlock()
	rec := r.records[s.key]
	if rec == nil {
		if len(r.records) >= recordsMax {
			return
		}
		rec = &record{}
		r.records[s.key] = rec
	}
	rec.asked = time.Now()
	if rec.running || rec.done || time.Now().Before(rec.next) {
		return
	}
	select {
	case r.slots <- struct{}{}:
	default:
		return
	}
	own, cancel := context.WithCancel(ctx)
	rec.running, rec.task, rec.cancel = true, s.task, cancel
	r.wg.Go(func() {
		defer cancel()
		err := s.run(own)
		r.finish(own, s, err)
		<-r.slots
	})
}

// dropLost cuts short the work on batches that another worker has committed to, or that are over. That the agenda does not list
// one is the occasion to ask, and no more (COMPUTE-4).
func (r *Runner) dropLost(ctx context.Context, tasks []Task) {
	for key, cancel := range r.unlisted(tasks) {
		over, err := r.opts.Market.Over(ctx, key)
		if err != nil {
			return // told by the next look
		}
		if over {
			r.opts.Log.Info("batch dropped: it is over, or another worker was first", "job", key.Job, "batch", key.Batch)
			cancel()
		}
	}
}

// unlisted gives the work under way that no task of the agenda stands for.
func (r *Runner) unlisted(tasks []Task) map[Key]context.CancelFunc {
	listed := map[Key]bool{}
	for i := range tasks {
		listed[tasks[i].Key()] = true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	out := map[Key]context.CancelFunc{}
	for _, rec := range r.records {
		if rec.running && rec.task != (Key{}) && !listed[rec.task] {
			out[rec.task] = rec.cancel
		}
	}
	return out
}

// finish notes how a step ended. What succeeded is never sent again, even if the node that is asked next
// lags behind and still asks for it; what failed is tried again later, as long as the chain asks for it.
func (r *Runner) finish(ctx context.Context, s step, err error) {
	r.mu.Lock()
	rec := r.records[s.key]
	rec.running = false
	switch {
	case err != nil:
		rec.next = time.Now().Add(min(retryMin<<min(rec.fails, 8), retryMax))
		rec.fails++
	case s.repeat:
		rec.next, rec.fails = time.Now().Add(retryMin), 0
	default:
		rec.done = true
	}
	fails := rec.fails
	r.mu.Unlock()
	if err == nil || ctx.Err() == nil {
		r.opts.Metrics.step(err)
	}
	if err != nil && ctx.Err() == nil {
		r.opts.Log.Log(ctx, levelOf(s, fails, err), "step failed", "step", s.key, "try", fails, "error", err)
	}
}

// levelOf says how loud a failure is. Whoever comes second is refused, which is the ordinary end of a race;
// a step that the agenda still asks for after that is not.
func levelOf(s step, fails int, err error) slog.Level {
	_, refused := errors.AsType[*Refused](err)
	switch {
	case refused && s.repeat:
		return slog.LevelDebug
	case refused && fails == 2, !refused && fails == 1:
		return slog.LevelWarn
	}
	return slog.LevelDebug
}

// forget drops what is remembered of steps that nobody has asked for in a long time.
func (r *Runner) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for key, rec := range r.records {
		if !rec.running && time.Since(rec.asked) > recordsAge {
			delete(r.records, key)
		}
	}
}

// tidy removes entries that the chain is done with. Rule COMPUTE-4: that a task is on no agenda says
// nothing, since the node may lag; only a state in which the attempt is over does.
func (r *Runner) tidy(ctx context.Context) {
	keys, err := r.opts.Journal.Keys()
	if err != nil {
		r.opts.Log.Warn("work journal not tidied", "error", err)
		return
	}
	for _, k := range keys[:min(len(keys), tidyMax)] {
		over, err := r.opts.Market.Over(ctx, k)
		if err == nil && over {
			err = r.opts.Journal.Drop(k)
		}
		if err != nil && ctx.Err() == nil {
			r.opts.Log.Debug("work journal not tidied", "job", k.Job, "batch", k.Batch, "error", err)
			return
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
