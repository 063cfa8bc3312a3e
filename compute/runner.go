package compute

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/aiwork/aiwork-node/compute/engine"
	"github.com/aiwork/aiwork-node/compute/image"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/tasks/job"
)

const (
	stepsMax       = 16                     // steps under way at once; more wait for the next head
	engineTriesMax = 3                      // runs of one item before the batch is given up
	blobWait       = 2 * time.Second        // between tries to get a blob
	blobTriesMax   = 4                      // tries before the batch is given up
	pokeSpread     = 400 * time.Millisecond // those who could poke wait up to this, so that one does it
	retryAfter     = time.Second            // after a step failed for a local reason
	idleLook       = 2 * time.Second        // looks at the agenda even when no head arrives
	sendTimeout    = 30 * time.Second
)

// Options configure a Runner.
type Options struct {
	Address chain.Address
	Roles   []Role
	Market  Market
	Engine  Engine
	Journal *Journal
	Genesis chain.Hash
	Poke    bool // also move on what anybody may, for the tip
	Log     *slog.Logger
	Metrics *Metrics
}

// Runner does for one address what its agenda asks.
type Runner struct {
	opts  Options
	turn  chan struct{} // the engine's: one item at a time
	steps chan struct{} // places for steps under way

	mu      sync.Mutex
	running map[string]bool      // steps under way
	retryAt map[string]time.Time // steps that failed for a local reason
	wg      sync.WaitGroup
}

// NewRunner gives a runner that does nothing until Run.
func NewRunner(o Options) *Runner {
	return &Runner{
		opts: o, turn: make(chan struct{}, 1), steps: make(chan struct{}, stepsMax),
		running: map[string]bool{}, retryAt: map[string]time.Time{},
	}
}

// Run looks at the agenda after every head until ctx ends; steps under way are then cut short, which
// loses nothing. It ends early only when the connection to the node is lost for good. If drained is not
// nil, Run also ends once it is closed and no task is left.
func (r *Runner) Run(ctx context.Context, drained <-chan struct{}) error {
	ctx, cancel := context.WithCancel(ctx)
	defer r.wg.Wait()
	defer cancel()
	heads, err := r.opts.Market.Heads(ctx)
	if err != nil {
		return err
	}
	idle := time.NewTicker(idleLook)
	defer idle.Stop()
	for {
		left, err := r.look(ctx)
		if err != nil && ctx.Err() == nil {
			r.opts.Log.Warn("agenda unread", "error", err)
		}
		if err == nil && left == 0 && isClosed(drained) {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case _, open := <-heads:
			if !open {
				return errors.New("the connection to the node is lost")
			}
		case <-idle.C:
		}
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

// look reads the agenda and starts what it asks for; it gives the number of tasks that are not finished.
func (r *Runner) look(ctx context.Context) (left int, err error) {
	a, err := r.opts.Market.Agenda(ctx, r.opts.Address)
	if err != nil {
		return 0, err
	}
	if err := r.opts.Journal.Keep(a.Tasks); err != nil {
		return 0, err
	}
	for i := range a.Tasks {
		t := a.Tasks[i]
		if !r.plays(t.Role) {
			continue
		}
		left++
		if step := r.stepOf(&t); step != nil {
			r.start(ctx, fmt.Sprintf("%s %s %s", t.Role, t.String(), t.State), step)
		}
	}
	if r.opts.Poke {
		for _, d := range a.Dues {
			r.start(ctx, fmt.Sprintf("poke %d %d %s", d.Job, d.Batch, d.State), func(ctx context.Context) error { return r.poke(ctx, d) })
		}
	}
	return left, nil
}

func (r *Runner) plays(role Role) bool {
	for _, mine := range r.opts.Roles {
		if mine == role {
			return true
		}
	}
	return false
}

// stepOf gives what a task asks for now, or nil if its owner can only wait.
func (r *Runner) stepOf(t *Task) func(context.Context) error {
	switch {
	case t.Role == RoleWorker && t.State == job.Assigned.String():
		return func(ctx context.Context) error { return r.work(ctx, t) }
	case t.Role == RoleWorker && t.State == job.Opening.String() && !t.Opened:
		return func(ctx context.Context) error { return r.open(ctx, t) }
	case t.Role == RoleAuditor && t.State == job.Auditing.String() && !t.Sealed:
		return func(ctx context.Context) error { return r.audit(ctx, t) }
	case t.Role == RoleAuditor && t.State == job.Revealing.String() && t.Sealed && !t.Revealed:
		return func(ctx context.Context) error { return r.reveal(ctx, t) }
	default:
		return nil
	}
}

// start runs a step unless it is under way or failed a moment ago, or too many are.
func (r *Runner) start(ctx context.Context, key string, step func(context.Context) error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.running[key] || time.Now().Before(r.retryAt[key]) {
		return
	}
	select {
	case r.steps <- struct{}{}:
	default:
		return
	}
	r.running[key] = true
	delete(r.retryAt, key)
	r.wg.Go(func() {
		err := step(ctx)
		r.finish(ctx, key, err)
		<-r.steps
	})
}

// finish forgets a step. One that failed is tried again in a moment if the chain still asks for it; one
// that succeeded is not repeated before the agenda has had time to show it.
func (r *Runner) finish(ctx context.Context, key string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.running, key)
	now := time.Now()
	for k, at := range r.retryAt {
		if now.After(at) {
			delete(r.retryAt, k)
		}
	}
	r.retryAt[key] = now.Add(retryAfter)
	r.opts.Metrics.step(err)
	if err != nil && ctx.Err() == nil {
		r.opts.Log.Warn("step failed", "step", key, "error", err)
	}
}

// outputs runs the model on some items of a task, and gives their encoded outputs in order.
func (r *Runner) outputs(ctx context.Context, t *Task, places []int) ([][]byte, error) {
	out := make([][]byte, 0, len(places))
	for _, i := range places {
		if i >= len(t.Blobs) {
			return nil, fmt.Errorf("%s: item %d is not there", t.String(), i)
		}
		input, err := r.blob(ctx, t.Blobs[i])
		if err != nil {
			return nil, err
		}
		o, err := r.run(ctx, t.Model, input)
		if err != nil {
			return nil, err
		}
		out = append(out, o.Encode())
	}
	return out, nil
}

func (r *Runner) blob(ctx context.Context, id chain.Hash) ([]byte, error) {
	for try := 1; ; try++ {
		b, err := r.opts.Market.Blob(ctx, id)
		if err == nil {
			return b, nil
		}
		if try == blobTriesMax || ctx.Err() != nil {
			return nil, fmt.Errorf("blob %s: %w", id, err)
		}
		if err := pause(ctx, blobWait); err != nil {
			return nil, err
		}
	}
}

// run runs one item. Rule COMPUTE-3: only what the engine calls an input's fault becomes one.
func (r *Runner) run(ctx context.Context, model chain.Hash, input []byte) (job.Output, error) {
	select {
	case r.turn <- struct{}{}:
		defer func() { <-r.turn }()
	case <-ctx.Done():
		return job.Output{}, ctx.Err()
	}
	for try := 1; ; try++ {
		start := time.Now()
		result, err := r.opts.Engine.Run(ctx, model, input)
		if err == nil {
			r.opts.Metrics.item(time.Since(start))
			return job.Output{Result: result}, nil
		}
		if bad, ok := errors.AsType[*engine.InputError](err); ok {
			r.opts.Metrics.item(time.Since(start))
			return job.Output{Fault: inputFault(bad.Fault)}, nil
		}
		if try == engineTriesMax || ctx.Err() != nil {
			return job.Output{}, err
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
	default:
		return job.FaultNotCanonical
	}
}

func (r *Runner) send(ctx context.Context, data []byte) error {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	return r.opts.Market.Send(ctx, Call{To: chain.AddrJobs, Data: data})
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
	for _, still := range a.Dues {
		if still == d {
			return ignoreRefusal(r.send(ctx, job.PackPoke(d.Job, d.Batch)))
		}
	}
	return nil
}

// ignoreRefusal drops the error of a transaction that came too late, which costs its gas and no more.
func ignoreRefusal(err error) error {
	if _, refused := errors.AsType[*Refused](err); refused {
		return nil
	}
	return err
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

// Metrics count what a Runner does. A nil Metrics counts nothing.
type Metrics struct {
	items prometheus.Histogram
	steps *prometheus.CounterVec
}

// NewMetrics registers the package's metrics.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		items: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "aiwork_compute_item_seconds", Help: "Time of one item in the engine.",
			Buckets: prometheus.ExponentialBuckets(0.005, 2, 12),
		}),
		steps: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "aiwork_compute_steps_total", Help: "Steps of work and audit by outcome.",
		}, []string{"outcome"}),
	}
	reg.MustRegister(m.items, m.steps)
	return m
}

func (m *Metrics) item(d time.Duration) {
	if m != nil {
		m.items.Observe(d.Seconds())
	}
}

func (m *Metrics) step(err error) {
	if m == nil {
		return
	}
	outcome := "done"
	if err != nil {
		outcome = "failed"
	}
	m.steps.WithLabelValues(outcome).Inc()
}
