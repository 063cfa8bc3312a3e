package dispute

import (
	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/crypto/merkle"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/codec"
)

// What a pipeline's run and id consist of, as far as a dispute is concerned. compute/pipeline makes them.
const (
	traceTag    = "aiwork/trace/2"
	listTag     = "aiwork/trace/list/1"
	pipelineTag = "aiwork/pipeline/1"

	traceDepth   = 18
	roleBytesMax = 64
)

// StepsMax is how many steps a pipeline's run has at most.
const StepsMax = 1 << traceDepth

// A Step is one use of a network within a pipeline's run.
type Step struct {
	Role    string
	In, Out chain.Hash // roots of the lists of tensors: see ListRoot
}

// Encode gives the bytes that stand for a step in a trace.
func (s *Step) Encode() []byte {
	w := codec.NewWriter(128)
	w.Bytes([]byte(s.Role))
	w.Fixed(s.In[:])
	w.Fixed(s.Out[:])
	return w.Out()
}

// DecodeStep reads what Encode wrote.
func DecodeStep(b []byte) (s Step, err error) {
	r := codec.NewReader(b)
	s.Role = string(r.Bytes(roleBytesMax))
	r.Fixed(s.In[:])
	r.Fixed(s.Out[:])
	return s, r.End()
}

// ListRoot gives the root of a list of tensors.
func ListRoot(list []net.Digest) chain.Hash {
	leaves := make([][]byte, len(list))
	for i := range list {
		leaves[i] = list[i].Encode()
	}
	return merkle.Root(listTag, leaves)
}

// A TraceTree is the tree over a run's steps. It has room for StepsMax of them, and behind the last step its leaves are empty: so all traces
// have one shape, and two that differ in length differ at a leaf too (PIPE-3).
type TraceTree struct {
	levels [][]chain.Hash             // nodes over steps
	empty  [traceDepth + 1]chain.Hash // a node of each level over none
}

// NewTraceTree makes the tree over at most StepsMax steps.
func NewTraceTree(steps []Step) *TraceTree {
	t := &TraceTree{}
	t.empty[0] = merkle.Leaf(traceTag, nil)
	level := make([]chain.Hash, len(steps))
	for i := range steps {
		level[i] = merkle.Leaf(traceTag, steps[i].Encode())
	}
	for l := range traceDepth {
		t.levels = append(t.levels, level)
		t.empty[l+1] = merkle.Node(traceTag, t.empty[l], t.empty[l])
		up := make([]chain.Hash, (len(level)+1)/2)
		for i := range up {
			up[i] = merkle.Node(traceTag, t.Node(l, uint64(2*i)), t.Node(l, uint64(2*i+1)))
		}
		level = up
	}
	t.levels = append(t.levels, level)
	return t
}

// Node gives a node; level 0 is the leaves.
func (t *TraceTree) Node(level int, index uint64) chain.Hash {
	if index < uint64(len(t.levels[level])) {
		return t.levels[level][index]
	}
	return t.empty[level]
}

// Root is what a trace is committed to by.
func (t *TraceTree) Root() chain.Hash { return merkle.Top(traceTag, StepsMax, t.Node(traceDepth, 0)) }
