package pipeline

import (
	"context"
	"errors"
	"sync"

	"github.com/aiwork/aiwork-node/compute/lower"
	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/tensor"
	"github.com/aiwork/aiwork-node/compute/vision"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/tasks/dispute"
)

// A Step is one use of a network within a run.
type Step = dispute.Step

// errSteps says that a run has too many steps to be shown.
var errSteps = errors.New("pipeline: more steps than a trace holds")

// A Trace is the steps of a run, in order.
type Trace struct {
	mu    sync.Mutex
	Steps []Step

	catch  int // a step whose inputs are wanted, counted from 1; 0: none
	caught []*tensor.Tensor
	role   string
}

// errCaught ends a run of which no more is wanted.
var errCaught = errors.New("pipeline: the step is there")

// caughtAt notes the inputs of the step that is wanted, and says whether this was it.
func (t *Trace) caughtAt(role string, inputs []*tensor.Tensor) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.catch != len(t.Steps)+1 {
		return false
	}
	t.role, t.caught = role, inputs
	return true
}

// Root stands for the whole trace (PIPE-3).
func (t *Trace) Root() chain.Hash { return dispute.NewTraceTree(t.Steps).Root() }

func (t *Trace) add(s Step) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.Steps) == dispute.StepsMax {
		return errSteps
	}
	t.Steps = append(t.Steps, s)
	return nil
}

// A traced runner notes what its network takes and gives.
type traced struct {
	role   string
	runner vision.Runner
	trace  *Trace
}

func (r traced) Run(ctx context.Context, inputs []*tensor.Tensor) ([]*tensor.Tensor, error) {
	if r.trace.caughtAt(r.role, inputs) {
		return nil, errCaught
	}
	in := rootOf(inputs)
	outputs, err := r.runner.Run(ctx, inputs)
	if err != nil {
		return nil, err
	}
	return outputs, r.trace.add(Step{Role: r.role, In: in, Out: rootOf(outputs)})
}

// rootOf gives the root of a list of tensors: that of their digests.
func rootOf(list []*tensor.Tensor) chain.Hash {
	digests := make([]net.Digest, len(list))
	for i, t := range list {
		digests[i] = lower.DigestOf(t)
	}
	return dispute.ListRoot(digests)
}
