package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aiwork/aiwork-node/compute/image"
	"github.com/aiwork/aiwork-node/compute/language"
	"github.com/aiwork/aiwork-node/internal/chain"
)

// Options say how the child is started and held in check. A zero field takes the value of Default.
type Options struct {
	Exe            string        // the binary to run; usually os.Executable
	Args           []string      // those that make it call Serve
	ThreadsMax     int           // never more than NumCPU-1, but at least one
	MemoryMaxBytes int64         // ceiling for the child
	ItemTimeout    time.Duration // for one item, from its start
	Nice           int           // 1 to 19
	// Note is told what a child notes that its operator may want to know; nil: nobody is. It must not block.
	Note func(Note)
}

const (
	memoryLeastBytes = 128 << 20
	niceMax          = 19
	startTimeout     = 20 * time.Second
	exitGrace        = 2 * time.Second
)

// Default gives all options but Exe and Args.
func Default() Options {
	return Options{
		ThreadsMax:     spareThreads(),
		MemoryMaxBytes: 1 << 30,
		ItemTimeout:    30 * time.Second,
		Nice:           10,
	}
}

// filled puts defaults into zero fields and bounds the threads by the machine.
func (o Options) filled() Options {
	d := Default()
	o.ThreadsMax = min(cmp.Or(o.ThreadsMax, d.ThreadsMax), d.ThreadsMax, threadsMax)
	o.MemoryMaxBytes = cmp.Or(o.MemoryMaxBytes, d.MemoryMaxBytes)
	o.ItemTimeout = cmp.Or(o.ItemTimeout, d.ItemTimeout)
	o.Nice = cmp.Or(o.Nice, d.Nice)
	return o
}

// Check refuses options that cannot work.
func (o Options) Check() error {
	o = o.filled()
	switch {
	case o.Exe == "":
		return errors.New("engine: no binary to start")
	case o.ThreadsMax < 1:
		return fmt.Errorf("engine: %d threads, want at least 1", o.ThreadsMax)
	case o.MemoryMaxBytes < memoryLeastBytes:
		return fmt.Errorf("engine: memory of %d bytes is too little, want at least %d", o.MemoryMaxBytes, memoryLeastBytes)
	case o.ItemTimeout < 0:
		return fmt.Errorf("engine: item time-out %v is negative", o.ItemTimeout)
	case o.Nice < 1 || o.Nice > niceMax:
		return fmt.Errorf("engine: nice %d, want 1 to %d", o.Nice, niceMax)
	}
	return nil
}

// A Cause says which way a child failed.
type Cause uint8

// The causes of a LocalError.
const (
	CauseStart    Cause = iota + 1 // the child could not be started
	CauseCrash                     // it ended, or its pipe broke
	CauseTimeout                   // it did not answer within ItemTimeout
	CauseProtocol                  // it answered nonsense
	CauseRoom                      // it has no room for the item
)

// A LocalError says that this machine could not run an item. It says nothing about the item.
type LocalError struct {
	Cause  Cause
	Detail string // of the child's last words, if any
	Err    error
}

// Error tells what happened and what the operator can do.
func (e *LocalError) Error() string {
	texts := [...]string{
		"engine", "engine: child did not start", "engine: child ended unexpectedly; if it was for want of memory, allow it more memory",
		"engine: child gave no answer in time; raise the item time-out if this machine is slow",
		"engine: child broke the protocol", "engine: no room for the item",
	}
	text := texts[min(int(e.Cause), len(texts)-1)]
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	return text
}

// Unwrap gives the error beneath.
func (e *LocalError) Unwrap() error { return e.Err }

// An UnknownModelError says that this engine does not hold a model.
type UnknownModelError struct{ ID chain.Hash }

// Error names the model.
func (e *UnknownModelError) Error() string {
	return "engine: unknown model " + e.ID.String() + "; this binary does not ship it"
}

// ErrClosed is what Run gives after Close.
var ErrClosed = errors.New("engine: closed")

// An Engine runs items in a child process: those of a language model together, up to a number, others one at a time. It is safe for
// concurrent use: callers queue.
type Engine struct {
	options Options
	models  []ModelInfo
	line    line
	own     chan struct{} // capacity 1: whoever has filled it owns the two fields below
	child   *child        // nil: to be started by the next Run
	closed  bool
}

// Start starts the first child and learns which models it holds. The context bounds the start alone.
func Start(ctx context.Context, options Options) (*Engine, error) {
	if err := options.Check(); err != nil {
		return nil, err
	}
	o := options.filled()
	c, models, err := startChild(ctx, o)
	if err != nil {
		return nil, err
	}
	return &Engine{options: o, models: models, own: make(chan struct{}, 1), child: c}, nil
}

// Models lists what the child holds; the caller must not change it.
func (e *Engine) Models() []ModelInfo { return e.models }

// Together says how many items of a model the child runs at once. A language model that came after the start counts as another one.
func (e *Engine) Together(modelID chain.Hash) int {
	if slices.ContainsFunc(e.models, func(m ModelInfo) bool { return m.ID == modelID && m.Input == InputPrompt }) {
		return language.TogetherMax
	}
	return 1
}

// Run gives the output of a model for a canonical input. Its error is an *InputError, an
// *UnknownModelError, a *LocalError, ErrClosed, or that of ctx. Cancelling ctx kills a running child, unless items run together in it:
// the others go on. A *LocalError was met by the item alone: one whose child died in company runs again without it.
func (e *Engine) Run(ctx context.Context, modelID chain.Hash, input []byte) (output []byte, err error) {
	if len(input) > image.InputBytesMax {
		return nil, &InputError{Fault: image.FaultBytes}
	}
	if most := e.Together(modelID); most > 1 {
		company := false
		err = e.with(ctx, modelID, most, func(c *child) error {
			output, company, err = c.join(ctx, e.options.ItemTimeout, modelID, input)
			return err
		})
		if _, local := errors.AsType[*LocalError](err); !local || !company {
			return output, err
		}
	}
	err = e.with(ctx, modelID, 1, func(c *child) error {
		output, err = c.run(ctx, e.options.ItemTimeout, modelID, input)
		return err
	})
	return output, err
}

// Follows says whether a result is what Run would give for an input. A language model needs one pass over the answer for it, which
// is quicker than to answer again; other models run again. Its errors are those of Run: an input that is at fault has no result.
func (e *Engine) Follows(ctx context.Context, modelID chain.Hash, input, result []byte) (follows bool, err error) {
	if len(input) > image.InputBytesMax {
		return false, &InputError{Fault: image.FaultBytes}
	}
	if len(result) > resultBytesMax {
		return false, nil
	}
	err = e.with(ctx, modelID, 1, func(c *child) error {
		follows, err = c.check(ctx, e.options.ItemTimeout, modelID, input, result)
		return err
	})
	return follows, err
}

// with lends the child, which it starts where there is none, to a caller and at most so many with him.
func (e *Engine) with(ctx context.Context, modelID chain.Hash, most int, use func(*child) error) error {
	if err := e.line.enter(ctx, modelID, most); err != nil {
		return err
	}
	defer e.line.leave()
	c, err := e.lend(ctx)
	if err != nil {
		return err
	}
	return use(c)
}

func (e *Engine) lend(ctx context.Context) (*child, error) {
	select {
	case e.own <- struct{}{}:
		defer func() { <-e.own }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if e.closed {
		return nil, ErrClosed
	}
	if e.child == nil || e.child.dead.Load() {
		c, _, err := startChild(ctx, e.options)
		if err != nil {
			return nil, err
		}
		e.child = c
	}
	return e.child, nil
}

// Close ends the child and waits for its end. What is begun is finished first.
func (e *Engine) Close() error {
	if err := e.line.enter(context.Background(), chain.Hash{}, 1); err != nil {
		return err
	}
	defer e.line.leave()
	e.own <- struct{}{}
	defer func() { <-e.own }()
	e.closed = true
	if e.child != nil {
		e.child.close()
		e.child = nil
	}
	return nil
}
