package receipt

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/crypto/blobtree"
	"github.com/aiwork/aiwork-node/crypto/merkle"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/tasks/dispute"
	"github.com/aiwork/aiwork-node/tasks/job"
)

const pipelineTag = "aiwork/pipeline/1"

// A Course is a pipeline's run, as its advocate needs it.
type Course struct {
	Leaves [][]byte // of the pipeline's id
	Steps  []dispute.Step
	Result []byte
	Rerun  func(step int) (*Trace, error) // runs a step's network again and keeps every value
}

// A course is a Course with the tree over its steps.
type course struct {
	Course
	id   chain.Hash
	tree *dispute.TraceTree
}

// PipelineID gives a pipeline's id from its leaves.
func PipelineID(leaves [][]byte) chain.Hash { return merkle.Root(pipelineTag, leaves) }

// NewPipelineAdvocate stands for whoever has run a pipeline.
func NewPipelineAdvocate(c *Course) *Advocate {
	return &Advocate{course: &course{*c, PipelineID(c.Leaves), dispute.NewTraceTree(c.Steps)}}
}

func (c *course) claim() *dispute.Claim {
	k := &dispute.Claim{Kind: dispute.Pipeline, Receipt: c.tree.Root(), Head: c.Leaves[0], Places: []uint64{uint64(len(c.Leaves))}}
	k.InModel = hashList(merkle.Prove(pipelineTag, c.Leaves, 0))
	k.Result = c.Result
	if len(c.Result) >= job.OutputBytesMax { // it lies in a blob (JOB-18)
		var path [][32]byte
		k.Result, path = blobtree.Prove(c.Result, 0)
		k.Proof = hashList(path)
	}
	return k
}

// shows gives the bytes of a step; none behind the last one.
func (c *course) shows(i uint64) []byte {
	if i >= uint64(len(c.Steps)) {
		return nil
	}
	return c.Steps[i].Encode()
}

// layer runs a step's network again.
func (c *course) layer(step uint64) (*layer, error) {
	if step >= uint64(len(c.Steps)) {
		return nil, fmt.Errorf("step %d of %d", step, len(c.Steps))
	}
	t, err := c.Rerun(int(step))
	if err != nil {
		return nil, fmt.Errorf("step %d is run again: %w", step, err)
	}
	return &layer{trace: t}, nil
}

// Stage shows which network the first step that differs is about.
func (a *Advocate) Stage(d *dispute.Dispute) (*dispute.Stage, error) {
	c := a.course
	if c == nil {
		return nil, fmt.Errorf("dispute %d is about no pipeline", d.ID)
	}
	g := &dispute.Stage{Shown: a.shown, Leaves: uint64(len(c.Leaves))}
	role := c.shows(d.Entry)
	if role == nil {
		return g, nil
	}
	role = role[:len(role)-2*len(chain.Hash{})] // the name, as it begins its leaf too
	at := slices.IndexFunc(c.Leaves[1:], func(leaf []byte) bool {
		return bytes.HasPrefix(leaf, role) && len(leaf) == len(role)+len(chain.Hash{})
	})
	if at < 0 {
		return nil, fmt.Errorf("dispute %d: step %d has no role of the pipeline", d.ID, d.Entry)
	}
	g.Place = uint64(1 + at)
	g.Role, g.Proof = c.Leaves[g.Place], hashList(merkle.Prove(pipelineTag, c.Leaves, int(g.Place)))
	return g, nil
}

// Rerun gives the party's receipt of the network of the step that differs.
func (a *Advocate) Rerun(d *dispute.Dispute) (*dispute.Rerun, error) {
	l, err := a.at(d)
	if err != nil {
		return nil, err
	}
	n := l.trace.Model.Net
	x := &dispute.Rerun{Step: a.course.shows(uint64(d.Path[0])), Receipt: l.root(), Head: n.Head.Encode(), InModel: hashList(n.ProveHead())}
	x.Entries, x.Places, x.Proof = l.showValues(append([]net.Value{0}, n.Outputs...))
	return x, nil
}
