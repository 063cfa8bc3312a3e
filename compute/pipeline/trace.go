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
