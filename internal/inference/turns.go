package inference

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
)

// turns lets some run at once, some wait, and refuses the rest.
type turns struct {
	what    string // that is asked for too often
	running chan struct{}
	here    atomic.Int64 // that run or wait
	hereMax int64
}

func newTurns(what string, runningMax, waitingMax int) *turns {
	return &turns{what: what, running: make(chan struct{}, runningMax), hereMax: int64(runningMax + waitingMax)}
}

// enter waits for a turn. Without a fault, leave must follow.
func (t *turns) enter(ctx context.Context) *Fault {
	if t.here.Add(1) > t.hereMax {
		t.here.Add(-1)
		return overloaded(fmt.Sprintf("%d %s run or wait", t.hereMax, t.what))
	}
	select {
	case t.running <- struct{}{}:
		return nil
	case <-ctx.Done():
		t.here.Add(-1)
		return runEnded(ctx)
	}
}

func (t *turns) leave() {
	<-t.running
	t.here.Add(-1)
}

// runEnded says why what ran for a caller was cut short.
func runEnded(ctx context.Context) *Fault {
	if errors.Is(context.Cause(ctx), errStopping) {
		return faultOf(errStopping)
	}
	return faultOf(ctx.Err())
}
