package pool

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/aiwork/aiwork-node/compute/engine"
	"github.com/aiwork/aiwork-node/internal/chain"
)

const (
	enginesMax = 64
	passedMax  = 16                     // times that an item may be passed over
	recentMax  = 8                      // models that a child is taken to have at hand
	restFirst  = 100 * time.Millisecond // after the second failure in a row of a child, then doubled
	restMax    = 5 * time.Second
)

// An Engine is a child that runs one item at a time, or several of a model that it runs together, and starts anew by itself after a
// crash. Its errors are those of engine.Engine.
type Engine interface {
	Run(ctx context.Context, model chain.Hash, input []byte) ([]byte, error)
	// Together says how many items of a model it runs at once.
	Together(model chain.Hash) int
	Close() error
}

// Options configure a Pool. A zero field takes the value of Default.
type Options struct {
	Engines  int // children
	QueueMax int // items that wait for one
	TriesMax int // runs of an item whose child fails
	// Start makes child i; the context bounds the start alone.
	Start   func(ctx context.Context, i int) (Engine, error)
	Log     *slog.Logger
	Metrics *Metrics
}

// Default gives all options but Start.
func Default() Options {
	return Options{Engines: 1, QueueMax: 64, TriesMax: 3, Log: slog.New(slog.DiscardHandler)}
}

func (o Options) filled() Options {
	d := Default()
	o.Engines, o.QueueMax, o.TriesMax = cmp.Or(o.Engines, d.Engines), cmp.Or(o.QueueMax, d.QueueMax), cmp.Or(o.TriesMax, d.TriesMax)
	o.Log = cmp.Or(o.Log, d.Log)
	return o
}

// Check refuses options that cannot work.
func (o Options) Check() error {
	o = o.filled()
	switch {
	case o.Engines < 1 || o.Engines > enginesMax:
		return fmt.Errorf("pool: %d engines, want 1 to %d", o.Engines, enginesMax)
	case o.QueueMax < 1 || o.TriesMax < 1:
		return fmt.Errorf("pool: a queue of %d and %d tries, want at least 1 each", o.QueueMax, o.TriesMax)
	case o.Start == nil:
		return errors.New("pool: no way to start an engine")
	}
	return nil
}

// A TriedError says that an item was run as often as may be and every child failed. It says nothing of the item.
type TriedError struct {
	Tries int
	Err   error // of the last
}

func (e *TriedError) Error() string {
	return fmt.Sprintf("item given up after %d tries: %v", e.Tries, e.Err)
}

func (e *TriedError) Unwrap() error { return e.Err }

// ErrClosed is what Run gives once Close has been called.
var ErrClosed = errors.New("pool: closed")

// A Pool runs items. It is safe for concurrent use.
type Pool struct {
	opts    Options
	places  chan struct{} // in the queue
	closing chan struct{}
	wg      sync.WaitGroup
	once    sync.Once

	mu       sync.Mutex
	changed  *sync.Cond
	queue    []*item
	children []*child
	closed   bool
}

// An item is one call of Run.
type item struct {
	ctx    context.Context
	model  chain.Hash
	input  []byte
	since  time.Time // in the queue
	placed bool      // it takes one of the queue's places
	passed int
	tries  int
	avoid  *child      // who failed at it last
	answer chan result // has room for the one that comes
}

type result struct {
	output []byte
	err    error
}

// A child is an engine with what is known of it.
type child struct {
	name    int
	engine  Engine
	running int          // items in it
	model   chain.Hash   // of these
	resting bool         // after failures
	recent  []chain.Hash // models, last used last
	fails   int          // in a row
}

func (c *child) idle() bool { return c.running == 0 && !c.resting }

// fits says whether a child can take an item beside what it runs.
func (c *child) fits(it *item) bool {
	return c.idle() || !c.resting && c.model == it.model && c.running < c.engine.Together(it.model)
}

// New starts all children.
func New(ctx context.Context, o Options) (*Pool, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	o = o.filled()
	p := &Pool{opts: o, places: make(chan struct{}, o.QueueMax), closing: make(chan struct{})}
	p.changed = sync.NewCond(&p.mu)
	for i := range o.Engines {
		e, err := o.Start(ctx, i)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("engine %d of %d: %w", i+1, o.Engines, err), p.Close())
		}
		p.children = append(p.children, &child{name: i, engine: e})
	}
	for _, c := range p.children {
		p.wg.Go(func() { p.serve(c) })
	}
	return p, nil
}

// Run gives the output of a model for an input. It waits for a place in the queue and for a child. Its error is a
// *engine.InputError, a *engine.UnknownModelError, a *TriedError, ErrClosed, or that of ctx. Cancelling ctx kills the
// child that runs the item.
func (p *Pool) Run(ctx context.Context, model chain.Hash, input []byte) ([]byte, error) {
	select {
	case p.places <- struct{}{}:
	case <-p.closing:
		return nil, ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	it := &item{ctx: ctx, model: model, input: input, since: time.Now(), placed: true, answer: make(chan result, 1)}
	if !p.enqueue(it) {
		<-p.places
		return nil, ErrClosed
	}
	defer context.AfterFunc(ctx, func() { p.withdraw(it) })()
	r := <-it.answer
	return r.output, r.err
}

func (p *Pool) enqueue(it *item) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false
	}
	p.queue = append(p.queue, it)
	p.opts.Metrics.queued(len(p.queue))
	p.changed.Broadcast()
	return true
}

// withdraw answers an item that still waits when its caller gives up.
func (p *Pool) withdraw(it *item) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := slices.Index(p.queue, it); i >= 0 {
		p.remove(i)
		it.answer <- result{err: it.ctx.Err()}
		p.opts.Metrics.ended(it.ctx.Err())
	}
}

// remove takes item i out of the queue and frees its place.
func (p *Pool) remove(i int) *item {
	it := p.queue[i]
	p.queue = slices.Delete(p.queue, i, i+1)
	p.opts.Metrics.queued(len(p.queue))
	if it.placed {
		it.placed = false
		<-p.places
	}
	return it
}

// serve hands items to one child until the pool closes.
func (p *Pool) serve(c *child) {
	for {
		it := p.next(c)
		if it == nil {
			return
		}
		p.wg.Go(func() {
			output, err := p.run(c, it)
			if rest := p.finish(c, it, output, err); rest > 0 {
				p.rest(rest)
				p.rested(c)
			}
		})
	}
}

// Together says how many items of a model run at once.
func (p *Pool) Together(model chain.Hash) (n int) {
	for _, c := range p.children {
		n += c.engine.Together(model)
	}
	return n
}

func (p *Pool) run(c *child, it *item) ([]byte, error) {
	if err := it.ctx.Err(); err != nil {
		return nil, err
	}
	p.opts.Metrics.began(time.Since(it.since))
	defer p.opts.Metrics.left()
	return c.engine.Run(it.ctx, it.model, it.input)
}

// next waits for an item for a child; nil once the pool closes.
func (p *Pool) next(c *child) *item {
	p.mu.Lock()
	defer p.mu.Unlock()
	for !p.closed {
		if i := p.pick(c); i >= 0 {
			for _, other := range p.queue[:i] {
				other.passed++
			}
			it := p.remove(i)
			c.running, c.model = c.running+1, it.model
			p.changed.Broadcast() // others may have left an item to this one, which has less room now
			p.opts.Metrics.found(c.has(it.model))
			return it
		}
		p.changed.Wait()
	}
	return nil
}

// pick chooses for a child (POOL-4): the first item whose model it has, else the first that no other idle child would do better. One that
// was passed over often enough is waited for.
func (p *Pool) pick(c *child) int {
	choice := -1
	for i, it := range p.queue {
		if it.avoid == c && len(p.children) > 1 {
			continue
		}
		fits := c.fits(it)
		if it.passed >= passedMax {
			if fits {
				return i
			}
			return -1
		}
		if !fits || p.lighter(it, c) {
			continue
		}
		if c.has(it.model) {
			return i
		}
		if choice < 0 && !p.betterOff(it, c) {
			choice = i
		}
	}
	return choice
}

func (p *Pool) betterOff(it *item, than *child) bool {
	return slices.ContainsFunc(p.children, func(c *child) bool {
		return c != than && c.idle() && c != it.avoid && c.has(it.model)
	})
}

// lighter says whether another child has less to do and can take an item.
func (p *Pool) lighter(it *item, than *child) bool {
	return slices.ContainsFunc(p.children, func(c *child) bool {
		return c != than && c != it.avoid && c.running < than.running && c.fits(it)
	})
}

func (c *child) has(model chain.Hash) bool { return slices.Contains(c.recent, model) }

// used notes that a child has run a model.
func (c *child) used(model chain.Hash) {
	if i := slices.Index(c.recent, model); i >= 0 {
		c.recent = slices.Delete(c.recent, i, i+1)
	} else if len(c.recent) == recentMax {
		c.recent = slices.Delete(c.recent, 0, 1)
	}
	c.recent = append(c.recent, model)
}

// finish answers an item or puts it back in front of the queue, and says how long the child has to rest.
func (p *Pool) finish(c *child, it *item, output []byte, err error) (rest time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	defer p.changed.Broadcast()
	c.running--
	local, failed := errors.AsType[*engine.LocalError](err)
	if !failed {
		if err == nil {
			c.used(it.model)
			c.fails = 0
		} else if it.ctx.Err() != nil && c.engine.Together(it.model) == 1 {
			c.recent = nil // its process was killed
		}
		p.opts.Metrics.ended(err)
		it.answer <- result{output, err}
		return 0
	}
	c.recent = nil
	c.fails++
	it.tries++
	p.opts.Metrics.failed(local.Cause)
	p.opts.Log.Warn("engine failed", "engine", c.name, "model", it.model, "try", it.tries, "error", err)
	if it.tries >= p.opts.TriesMax || it.ctx.Err() != nil || p.closed {
		p.opts.Metrics.ended(err)
		it.answer <- result{err: &TriedError{Tries: it.tries, Err: err}}
		return c.pause()
	}
	it.avoid = c
	p.putBack(it)
	return c.pause()
}

// pause is how long a child rests after its last failure; one alone may be the item's doing. What runs in it goes on.
func (c *child) pause() time.Duration {
	if c.fails < 2 || c.resting {
		return 0
	}
	c.resting = true
	return min(restFirst<<min(c.fails-2, 10), restMax)
}

// putBack puts an item in front of the queue, whose length it may exceed by one for each child: what is begun is not
// turned away.
func (p *Pool) putBack(it *item) {
	p.queue = slices.Insert(p.queue, 0, it)
	p.opts.Metrics.queued(len(p.queue))
	p.changed.Broadcast()
}

func (p *Pool) rest(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-p.closing:
	}
}

func (p *Pool) rested(c *child) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c.resting = false
	p.changed.Broadcast()
}

// Close refuses what waits, finishes what runs, and ends the children.
func (p *Pool) Close() error {
	var errs []error
	p.once.Do(func() {
		close(p.closing)
		p.mu.Lock()
		p.closed = true
		for len(p.queue) > 0 {
			p.remove(0).answer <- result{err: ErrClosed}
		}
		p.changed.Broadcast()
		p.mu.Unlock()
		p.wg.Wait()
		for _, c := range p.children {
			errs = append(errs, c.engine.Close())
		}
	})
	return errors.Join(errs...)
}
