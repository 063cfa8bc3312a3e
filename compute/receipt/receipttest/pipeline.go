package receipttest

import (
	"testing"

	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/receipt"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/codec"
	"github.com/aiwork/aiwork-node/tasks/dispute"
)

// A Run is a pipeline's run made of runs of networks, and an answer that nobody can check.
type Run struct {
	Roles  []string // of each step
	Traces []*receipt.Trace
	Answer string
	Leaves [][]byte // of the pipeline's id
}

// Pipeline gives a run of two networks, "composite" and "network", the latter used twice.
func Pipeline(t testing.TB) *Run {
	t.Helper()
	m, in := Network(1)
	c, inC := Composite(1)
	_, other := Network(2)
	r := &Run{Roles: []string{"network", "composite", "network"}, Answer: "42", Leaves: [][]byte{{9, 0, 1}}}
	r.Traces = []*receipt.Trace{Trace(t, m, in), Trace(t, c, inC), Trace(t, m, other)}
	for i, role := range []string{"composite", "network"} {
		id := r.Traces[1-i].Model.Net.ID()
		w := codec.NewWriter(64)
		w.Bytes([]byte(role))
		w.Fixed(id[:])
		r.Leaves = append(r.Leaves, w.Out())
	}
	return r
}

// ID is the pipeline's id.
func (r *Run) ID() chain.Hash { return receipt.PipelineID(r.Leaves) }

// Course gives the run as its advocate needs it.
func (r *Run) Course() *receipt.Course {
	c := &receipt.Course{Leaves: r.Leaves, Rerun: func(step int) (*receipt.Trace, error) { return r.Traces[step], nil }}
	for i, t := range r.Traces {
		var inputs []net.Value
		for v := range t.Model.Net.Inputs {
			inputs = append(inputs, net.Value(v))
		}
		c.Steps = append(c.Steps, dispute.Step{
			Role: r.Roles[i], In: dispute.ListRoot(t.Digests(inputs)), Out: dispute.ListRoot(t.Digests(t.Model.Net.Outputs)),
		})
	}
	root := dispute.NewTraceTree(c.Steps).Root()
	c.Result = append(root[:], r.Answer...)
	return c
}
