package pipeline

import (
	"context"
	"sync"

	"github.com/aiwork/aiwork-node/compute/lower"
	"github.com/aiwork/aiwork-node/compute/tensor"
	"github.com/aiwork/aiwork-node/compute/vision"
	"github.com/aiwork/aiwork-node/crypto/merkle"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/codec"
)

const (
	traceTag = "aiwork/trace/1"
	listTag  = "aiwork/trace/list/1"
)

// A Step is one use of a network within a run.
type Step struct {
	Role    string
	In, Out chain.Hash // roots of the lists of tensors
}

// A Trace is the steps of a run, in order.
type Trace struct {
	mu    sync.Mutex
	Steps []Step
}

// Root stands for the whole trace (PIPE-3).
func (t *Trace) Root() chain.Hash {
	leaves := make([][]byte, 0, len(t.Steps))
	for _, s := range t.Steps {
		w := codec.NewWriter(128)
		w.Bytes([]byte(s.Role))
		w.Fixed(s.In[:])
		w.Fixed(s.Out[:])
		leaves = append(leaves, w.Out())
	}
	return merkle.Root(traceTag, leaves)
}

func (t *Trace) add(s Step) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.Steps = append(t.Steps, s)
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
	r.trace.add(Step{r.role, in, rootOf(outputs)})
	return outputs, nil
}

// rootOf gives the root of a list of tensors: that of their digests.
func rootOf(list []*tensor.Tensor) chain.Hash {
	leaves := make([][]byte, 0, len(list))
	for _, t := range list {
		d := lower.DigestOf(t)
		leaves = append(leaves, d.Encode())
	}
	return merkle.Root(listTag, leaves)
}
