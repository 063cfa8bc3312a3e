package dispute

import (
	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/crypto/blobtree"
	"github.com/aiwork/aiwork-node/crypto/merkle"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/codec"
	"github.com/aiwork/aiwork-node/vm/native"
)

// Pipelines: two traces are narrowed down to the first step that differs. Where it took the same and gave another, its network is disputed
// (DISPUTE-11).

// A pipeline's claim has these fields: Result is the first chunk of the result, or all of it if that is not longer; Receipt the root of the trace,
// with which it begins; Head the first leaf of the pipeline's id and InModel its proof; Places the number of leaves of that id; Proof the path from
// the chunk to the blob's id, where the result lies in a blob.

// takePipeline checks a claim about what a pipeline has put out.
func (d *Dispute) takePipeline(c *native.Call, s Side, k *Claim) bool {
	if !chargeHashes(c, len(k.Head)+len(k.InModel)*64+len(k.Result), 8+len(k.InModel)) || !d.takeChunk(c, s, k) {
		return false
	}
	if !c.Require(len(k.Entries) == 0 && len(k.Places) == 1, "disputes: a pipeline has no entries") ||
		!c.Require(merkle.Verify(pipelineTag, d.Model, k.Head, 0, k.Places[0], proofOf(k.InModel)) == nil, "disputes: the head is not the pipeline's") ||
		!c.Require(len(k.Result) > 32 && chain.Hash(k.Result[:32]) == k.Receipt, "disputes: the result does not begin with the trace") {
		return false
	}
	d.Receipts[s] = k.Receipt
	return true
}

// takeChunk checks that the first bytes of a result are those that were committed to, as far as the chain knows the result.
func (d *Dispute) takeChunk(c *native.Call, s Side, k *Claim) bool {
	if s == Challenger { // its result is on no chain: what counts is the trace
		return true
	}
	if d.Size == 0 {
		return c.Require(len(k.Proof) == 0 && d.whole(s, k.Result), "disputes: the result is another")
	}
	path := make([][32]byte, len(k.Proof))
	for i := range path {
		path[i] = k.Proof[i]
	}
	return chargeHashes(c, len(k.Result)+64*len(path), 2*len(path)+32) &&
		c.Require(blobtree.Verify(d.Results[s], uint64(d.Size), 0, k.Result, path), "disputes: this is not the beginning of the result")
}

// inTrace says whether steps are narrowed down.
func (d *Dispute) inTrace() bool { return d.Kind == Pipeline && d.Depth == 0 }

// A Stage is what Stage is called with: both parties' steps, and the leaf of the pipeline's id that names the role's network.
type Stage struct {
	Shown  [2][]byte
	Role   []byte
	Place  uint64 // among the leaves
	Leaves uint64
	Proof  []chain.Hash
}

func readStage(d *native.Decoder) (g Stage) {
	g.Shown[0], g.Shown[1] = d.Bytes(weightMax), d.Bytes(weightMax)
	g.Role = d.Bytes(weightMax)
	g.Place, g.Leaves = d.Uint64(), d.Uint64()
	g.Proof = d.Hashes(merkle.DepthMax)
	return g
}

// runStage decides what the first steps that differ are about.
func runStage(c *native.Call) {
	id := c.Args.Uint64()
	g := readStage(c.Args)
	if !c.Ready() {
		return
	}
	w, ok := begin(c, id, Judging)
	if !ok || !c.Require(w.inTrace(), "disputes: this is not about a step: judge") || !chargeHashes(c, 512+64*len(g.Proof), 8+len(g.Proof)) {
		return
	}
	w.stage(&g)
	w.finish()
}

func (w *work) stage(g *Stage) {
	var steps [2]Step
	for s := range g.Shown {
		if !w.Require(merkle.Leaf(traceTag, g.Shown[s]) == w.Nodes[s], "disputes: these are not the parties' steps") {
			return
		}
		if len(g.Shown[s]) == 0 { // whether there is another step follows from what lies between the networks
			w.end(w.Call, Undecided)
			return
		}
		var err error
		steps[s], err = DecodeStep(g.Shown[s])
		if !w.Require(err == nil, "disputes: a step is malformed") {
			return
		}
	}
	if steps[0].Role != steps[1].Role || steps[0].In != steps[1].In { // so does what goes into it
		w.end(w.Call, Undecided)
		return
	}
	name, model, err := decodeRole(g.Role)
	if !w.Require(err == nil && name == steps[0].Role, "disputes: this is another role") ||
		!w.Require(merkle.Verify(pipelineTag, w.Model, g.Role, g.Place, g.Leaves, proofOf(g.Proof)) == nil, "disputes: the role is not the pipeline's") {
		return
	}
	w.Model = model
	w.Path[0], w.Depth, w.Entry = uint32(w.Entry), 1, 0
	w.enter(w.Call, Expanding)
	logDeepened(w.Call, &w.Dispute)
}

// decodeRole reads the leaf of a pipeline's id that names a role's network.
func decodeRole(b []byte) (name string, model chain.Hash, err error) {
	r := codec.NewReader(b)
	name = string(r.Bytes(roleBytesMax))
	r.Fixed(model[:])
	return name, model, r.End()
}

// A Rerun is what Rerun is called with: a party's receipt of its step's network. Entries are the first, and those that hold the outputs.
type Rerun struct {
	Step    []byte // as the party has shown it
	Receipt chain.Hash
	Head    []byte
	InModel []chain.Hash
	Entries [][]byte
	Places  []uint64
	Proof   []chain.Hash
}

func readRerun(d *native.Decoder) (x Rerun) {
	x.Step = d.Bytes(weightMax)
	x.Receipt = d.Hash()
	x.Head = d.Bytes(headMax)
	x.InModel = d.Hashes(merkle.DepthMax)
	x.Entries = d.BytesList(partsMax, EntryBytesMax)
	x.Places = d.Uint64s(partsMax)
	x.Proof = d.Hashes(proofMax)
	return x
}

// runRerun takes a party's receipt of the network of the step that differs.
func runRerun(c *native.Call) {
	id := c.Args.Uint64()
	x := readRerun(c.Args)
	if !c.Ready() {
		return
	}
	w, ok := begin(c, id, Expanding)
	if !ok || !w.party() || !c.Require(w.Kind == Pipeline && w.Depth == 1 && w.Case.IsZero(), "disputes: this is not about a step: expand") ||
		!chargeHashes(c, len(x.Step)+len(x.Head)+64*len(x.InModel)+sizeOf(x.Entries), 10+len(x.InModel)+18*len(x.Entries)) || !w.takeRerun(&x) {
		return
	}
	w.Receipts[w.side] = x.Receipt
	w.Shown |= 1 << w.side
	if w.Shown == 3 {
		w.Rounds++
		w.walk(Entries, w.entries(), w.Receipts)
	}
	w.finish()
}

// takeRerun checks that a party's receipt begins with what its step took, and gives what it gave.
func (w *work) takeRerun(x *Rerun) bool {
	step, err := DecodeStep(x.Step)
	if !w.Require(err == nil && merkle.Leaf(traceTag, x.Step) == w.Nodes[w.side], "disputes: this is not your step") {
		return false
	}
	head, ok := w.takeHead(w.Call, x.Head, x.InModel)
	if !ok {
		return false
	}
	entries, ok := entriesAt(w.Call, x.Receipt, w.entries(), x.Entries, x.Places, x.Proof)
	if !ok || !w.Require(len(x.Places) > 0 && x.Places[0] == 0 && entries[0].First == 0 && len(entries[0].Digests) == len(head.Inputs) &&
		ListRoot(entries[0].Digests) == step.In, "disputes: the receipt is of a run on other inputs") {
		return false
	}
	var outputs []net.Digest
	for _, v := range head.Outputs {
		g, there := digestIn(entries, v)
		if !w.Require(there, "disputes: an output is missing") {
			return false
		}
		outputs = append(outputs, g)
	}
	return w.Require(ListRoot(outputs) == step.Out, "disputes: the receipt is of a run with other outputs")
}
