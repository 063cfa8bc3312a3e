package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aiwork/aiwork-node/compute/image"
	"github.com/aiwork/aiwork-node/internal/chain"
)

// Options say how the child is started and held in check.
type Options struct {
	Exe            string        // the binary to run; usually os.Executable
	Args           []string      // those that make it call Serve
	ThreadsMax     int           // 0 or over NumCPU-1: NumCPU-1, at least one
	MemoryMaxBytes int64         // 0: 1 GiB
	ItemTimeout    time.Duration // 0: 30 s, for one item from its start
	Nice           int           // 0: 10
}

const (
	memoryDefaultBytes = 1 << 30
	memoryLeastBytes   = 128 << 20
	itemTimeoutDefault = 30 * time.Second
	niceDefault        = 10
	niceMax            = 19
	startTimeout       = 20 * time.Second
	exitGrace          = 2 * time.Second
)

// Check completes o with defaults and refuses what cannot work.
func (o Options) Check() (Options, error) {
	if o.Exe == "" {
		return o, errors.New("engine: no binary to start")
	}
	if o.ThreadsMax <= 0 || o.ThreadsMax > spareThreads() {
		o.ThreadsMax = spareThreads()
	}
	o.ThreadsMax = min(o.ThreadsMax, threadsMax)
	if o.MemoryMaxBytes == 0 {
		o.MemoryMaxBytes = memoryDefaultBytes
	}
	if o.MemoryMaxBytes < memoryLeastBytes {
		return o, fmt.Errorf("engine: memory of %d bytes is too little, want at least %d", o.MemoryMaxBytes, memoryLeastBytes)
	}
	if o.ItemTimeout <= 0 {
		o.ItemTimeout = itemTimeoutDefault
	}
	if o.Nice == 0 {
		o.Nice = niceDefault
	}
	if o.Nice < 0 || o.Nice > niceMax {
		return o, fmt.Errorf("engine: nice %d, want 0 to %d", o.Nice, niceMax)
	}
	return o, nil
}

// A Cause says which way a child failed.
type Cause uint8

// The causes of a LocalError.
const (
	CauseStart    Cause = iota + 1 // the child could not be started
	CauseCrash                     // it ended, or its pipe broke
	CauseTimeout                   // it did not answer within ItemTimeout
	CauseProtocol                  // it answered nonsense
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
		"engine: child broke the protocol",
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

// An Engine runs items in a child process, one at a time. It is safe for concurrent use: callers queue.
type Engine struct {
	options Options
	models  []ModelInfo
	turn    chan struct{} // capacity 1: whoever has filled it owns the two fields below
	child   *child        // nil: to be started by the next Run
	closed  bool
}

// Start starts the first child and learns which models it holds.
func Start(ctx context.Context, options Options) (*Engine, error) {
	o, err := options.Check()
	if err != nil {
		return nil, err
	}
	c, models, err := startChild(ctx, o)
	if err != nil {
		return nil, err
	}
	return &Engine{options: o, models: models, turn: make(chan struct{}, 1), child: c}, nil
}

// Models lists what the child holds; the caller must not change it.
func (e *Engine) Models() []ModelInfo { return e.models }

// Run gives the output of a model for a canonical input. Its error is an *InputError, an
// *UnknownModelError, a *LocalError, ErrClosed, or that of ctx. Cancelling ctx kills a running child.
func (e *Engine) Run(ctx context.Context, modelID chain.Hash, input []byte) ([]byte, error) {
	if len(input) > image.InputBytesMax {
		return nil, &InputError{Fault: image.FaultBytes}
	}
	if err := e.take(ctx); err != nil {
		return nil, err
	}
	defer e.leave()
	if e.closed {
		return nil, ErrClosed
	}
	if e.child == nil {
		c, _, err := startChild(ctx, e.options)
		if err != nil {
			return nil, err
		}
		e.child = c
	}
	output, err := e.child.run(ctx, e.options.ItemTimeout, modelID, input)
	if e.child.dead {
		e.child = nil
	}
	return output, err
}

// Close ends the child and waits for its end. A running item is finished first.
func (e *Engine) Close() error {
	if err := e.take(context.Background()); err != nil {
		return err
	}
	defer e.leave()
	e.closed = true
	if e.child != nil {
		e.child.close()
		e.child = nil
	}
	return nil
}

func (e *Engine) take(ctx context.Context) error {
	select {
	case e.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (e *Engine) leave() { <-e.turn }
