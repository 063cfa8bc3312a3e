package dispute

import (
	"crypto/sha256"
	"slices"

	"github.com/aiwork/aiwork-node/compute/expand"
	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/tile"
	"github.com/aiwork/aiwork-node/crypto/merkle"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/codec"
	"github.com/aiwork/aiwork-node/vm/native"
)

// A Case is an operator with all that is agreed about it.
type Case struct {
	Opset    uint16
	Op       []byte
	Out      uint16       // of Op.Outs
	Operands []net.Digest // Type 0 where one is left out
	Params   []Param
}

// A Param is the elements of an operand that shapes the outputs.
type Param struct {
	Port  uint32
	Bytes []byte
}

// Encode gives the bytes whose hash the contract keeps.
func (k *Case) Encode() []byte {
	w := codec.NewWriter(1024)
	w.U16(k.Opset)
	w.Bytes(k.Op)
	w.U16(k.Out)
	w.U32(uint32(len(k.Operands)))
	for i := range k.Operands {
		if k.Operands[i].Type == 0 {
			w.Bytes(nil)
			continue
		}
		w.Bytes(k.Operands[i].Encode())
	}
	w.U32(uint32(len(k.Params)))
	for _, p := range k.Params {
		w.U32(p.Port)
		w.Bytes(p.Bytes)
	}
	return w.Out()
}

// DecodeCase reads what Encode wrote.
func DecodeCase(b []byte) (k Case, err error) {
	r := codec.NewReader(b)
	k.Opset, k.Op, k.Out = r.U16(), r.Bytes(opMax), r.U16()
	for range r.Count(net.OperandsMax) {
		var g net.Digest
		if d := r.Bytes(weightMax); len(d) > 0 {
			if g, err = net.DecodeDigest(d); err != nil {
				return k, err
			}
		}
		k.Operands = append(k.Operands, g)
	}
	for range r.Count(net.OperandsMax) {
		k.Params = append(k.Params, Param{r.U32(), r.Bytes(tileMax)})
	}
	return k, r.End()
}

// Element implements tile.Source on the parameters.
func (k *Case) Element(port, index int) (uint64, bool) {
	for _, p := range k.Params {
		if int(p.Port) == port && port < len(k.Operands) {
			return tile.Word(k.Operands[port].Type, p.Bytes, index)
		}
	}
	return 0, false
}

// Task gives the task of the case's output.
func (k *Case) Task(op *net.Op) tile.Task {
	t := tile.Task{Opset: k.Opset, Op: op, Out: int(k.Out)}
	for i := range k.Operands {
		t.In = append(t.In, tile.Operand{Type: k.Operands[i].Type, Shape: k.Operands[i].Shape})
	}
	return t
}

// kinds gives the types of the operands.
func (k *Case) kinds() []net.Type {
	out := make([]net.Type, len(k.Operands))
	for i := range k.Operands {
		out[i] = k.Operands[i].Type
	}
	return out
}

// Plan understands the case.
func (k *Case) Plan() (*tile.Plan, error) {
	op, err := net.DecodeOp(k.Op)
	if err != nil {
		return nil, err
	}
	return tile.Resolve(k.Task(&op), k)
}

// A Judgement is what Judge is called with.
type Judgement struct {
	Of        Side      // whose receipt Proof is about
	Shown     [2][]byte // the parties' entries
	Scope     []byte    // the case of the composite operator that the dispute is within; empty where it is within none
	Parts     [][]byte  // else leaves of the model: weights among the operands, then the operator
	InModel   []uint64  // their places
	PartProof []chain.Hash
	Entries   [][]byte // entries that hold operands, and the one before
	Places    []uint64
	Proof     []chain.Hash
	Params    [][]byte // elements of the parameters, in the order of tile.Params or expand.Params
}

func readJudgement(d *native.Decoder) (j Judgement) {
	j.Of = Side(min(d.Uint64(), 1))
	j.Shown[0], j.Shown[1] = d.Bytes(EntryBytesMax), d.Bytes(EntryBytesMax)
	j.Scope = d.Bytes(caseMax)
	j.Parts = d.BytesList(partsMax, opMax)
	j.InModel = d.Uint64s(partsMax)
	j.PartProof = d.Hashes(proofMax)
	j.Entries = d.BytesList(partsMax, EntryBytesMax)
	j.Places = d.Uint64s(partsMax)
	j.Proof = d.Hashes(proofMax)
	j.Params = d.BytesList(partsMax, tileMax)
	return j
}

// before gives how many values there are before the operator.
func (w *work) before(entries []Entry, places []uint64) (first net.Value, ok bool) {
	if w.Entry == 1 {
		return net.Value(uint32(w.Inputs) + w.Weights), true
	}
	for i, p := range places {
		if p == w.Entry-1 {
			return entries[i].First + net.Value(len(entries[i].Digests)), true
		}
	}
	w.Fail("disputes: the entry before is missing")
	return 0, false
}

// A bench is what a judgement has proved.
type bench struct {
	shown   [2]Entry
	first   net.Value // the number of the operator's first value
	opset   uint16
	op      net.Op
	raw     []byte
	operand func(v net.Value) (g net.Digest, ok bool) // of a value that the operator reads; it fails the call if that was not shown
}

// operator checks what a judgement shows: the parties' entries, agreed entries, and the operator that made what differs.
func (w *work) operator(j *Judgement) (b bench, ok bool) {
	bytes := len(j.Shown[0]) + len(j.Shown[1]) + len(j.Scope) + sizeOf(j.Parts) + sizeOf(j.Entries) + sizeOf(j.Params)
	nodes := 10 + len(j.Parts)*18 + len(j.Entries)*18 + len(j.Params)*4
	if !chargeHashes(w.Call, bytes, nodes) || !w.Charge(gasStep) {
		return b, false
	}
	for s := range j.Shown {
		var err error
		b.shown[s], err = DecodeEntry(j.Shown[s])
		if !w.Require(err == nil && merkle.Leaf(receiptTag, j.Shown[s]) == w.Nodes[s], "disputes: these are not the parties' entries") {
			return b, false
		}
	}
	if !w.Require(len(j.Places) == 0 || j.Places[len(j.Places)-1] < w.Entry, "disputes: entries that are not agreed") {
		return b, false
	}
	entries, ok := entriesAt(w.Call, w.Receipts[j.Of], w.entries(), j.Entries, j.Places, j.Proof)
	if !ok {
		return b, false
	}
	switch {
	case w.answer():
		return b, w.ofAnswer(j, entries, &b)
	case w.Scope.IsZero():
		return b, w.ofNetwork(j, entries, &b)
	}
	return b, w.ofExpansion(j, entries, &b)
}

// ofNetwork finds the operator among the parts of the model.
func (w *work) ofNetwork(j *Judgement, entries []Entry, b *bench) (ok bool) {
	if b.first, ok = w.before(entries, j.Places); !ok {
		return false
	}
	leaves, own := 1+uint64(w.Weights)+uint64(w.Ops), uint64(w.Weights)+w.Entry
	n := len(j.InModel)
	if !w.Require(len(j.Scope) == 0, "disputes: there is no operator around this one") ||
		!w.Require(merkle.VerifyMany(modelTag, w.Model, j.Parts, j.InModel, leaves, proofOf(j.PartProof)) == nil, "disputes: the parts are not the model's") ||
		!w.Require(n > 0 && j.InModel[n-1] == own, "disputes: the operator is missing") {
		return false
	}
	var err error
	b.opset, b.raw = w.Opset, j.Parts[n-1]
	b.op, err = net.DecodeOp(b.raw)
	b.operand = func(v net.Value) (net.Digest, bool) { return w.operand(j, entries, v) }
	return w.Require(err == nil, "disputes: the operator is malformed")
}

// judge decides (DISPUTE-3) what does not need a tile, or begins to look for one, or for an operator within this one.
func (w *work) judge(j *Judgement, b *bench) {
	if w.counted(b) {
		return
	}
	place := 0 // the first output in which both differ: there is one, since the entries differ, and not in number
	for place < len(b.shown[0].Digests) && sameDigest(&b.shown[0].Digests[place], &b.shown[1].Digests[place]) {
		place++
	}
	if !w.Require(place < len(b.shown[0].Digests), "disputes: the entries are the same") {
		return
	}
	k := Case{Opset: b.opset, Op: b.raw, Out: outOf(&b.op, place)}
	for _, v := range b.op.In {
		var g net.Digest
		if v != net.None {
			var ok bool
			if g, ok = b.operand(v); !ok {
				return
			}
		}
		k.Operands = append(k.Operands, g)
	}
	if expand.Covers(b.op.Name) {
		w.deepen(&k, b, j.Params)
		return
	}
	plan, ok := w.understand(&k, &b.op, j.Params)
	if !ok {
		return
	}
	w.Case = sha256.Sum256(k.Encode())
	w.compare(plan, b, place)
}

// counted ends the dispute where a party has another number of values, or another first one, than the operator makes.
func (w *work) counted(b *bench) bool {
	var wrong [2]bool
	for s := range b.shown {
		e := &b.shown[s]
		wrong[s] = e.First != b.first || len(e.Digests) != b.op.Made()
	}
	return w.blame(wrong)
}

// blame ends the dispute if somebody is wrong.
func (w *work) blame(wrong [2]bool) bool {
	switch {
	case wrong[0] && wrong[1]:
		w.end(w.Call, Both)
	case wrong[0]:
		w.end(w.Call, Wrong)
	case wrong[1]:
		w.end(w.Call, Stands)
	default:
		return false
	}
	return true
}

func sameDigest(a, b *net.Digest) bool {
	return a.Type == b.Type && slices.Equal(a.Shape, b.Shape) && a.Root == b.Root
}

// outOf gives the place in Op.Outs of the n-th value that is made.
func outOf(op *net.Op, n int) uint16 {
	for i, there := range op.Outs {
		if there {
			if n == 0 {
				return uint16(i)
			}
			n--
		}
	}
	return 0
}

// operand finds the digest of a network's value among what is shown.
func (w *work) operand(j *Judgement, entries []Entry, v net.Value) (g net.Digest, ok bool) {
	inputs := net.Value(w.Inputs)
	if v >= inputs && v < inputs+net.Value(w.Weights) {
		i, found := slices.BinarySearch(j.InModel, 1+uint64(v-inputs))
		if !w.Require(found, "disputes: a weight is missing") {
			return g, false
		}
		weight, err := net.DecodeWeight(j.Parts[i])
		return net.Digest(weight), w.Require(err == nil, "disputes: a weight is malformed")
	}
	g, ok = digestIn(entries, v)
	return g, w.Require(ok, "disputes: an operand is missing")
}

// understand takes the parameters and makes a plan. What it cannot is not decided here (DISPUTE-5).
func (w *work) understand(k *Case, op *net.Op, params [][]byte) (*tile.Plan, bool) {
	ports, err := tile.Params(k.Task(op))
	if err != nil {
		w.end(w.Call, Undecided)
		return nil, false
	}
	if !w.takeParams(k, ports, params) {
		return nil, false
	}
	plan, err := tile.Resolve(k.Task(op), k)
	if err != nil || len(k.Encode()) > tileCase {
		w.end(w.Call, Undecided)
		return nil, false
	}
	return plan, true
}

// takeParams adds elements of operands to a case; each must be the whole of its operand.
func (w *work) takeParams(k *Case, ports []int, params [][]byte) bool {
	if !w.Require(len(params) == len(ports), "disputes: another number of parameters") {
		return false
	}
	for i, port := range ports {
		g := &k.Operands[port]
		if !w.Require(uint64(len(params[i])) == net.Count(g.Shape)*uint64(g.Type.Size()) && net.TensorRoot(g.Type, params[i]) == g.Root,
			"disputes: a parameter is another") {
			return false
		}
		k.Params = append(k.Params, Param{uint32(port), params[i]})
	}
	return true
}

// compare holds what the parties say of an output against the plan, and looks for a tile if that does not decide.
func (w *work) compare(plan *tile.Plan, b *bench, place int) {
	var wrong [2]bool
	var roots [2]chain.Hash
	for s := range b.shown {
		g := &b.shown[s].Digests[place]
		roots[s] = g.Root
		wrong[s] = g.Type != plan.Type || !slices.EqualFunc(g.Shape, plan.Shape, func(a uint32, b int) bool { return int(a) == b }) ||
			plan.Tiles() == 0 && g.Root != net.TensorRoot(plan.Type, nil)
	}
	logJudged(w.Call, &w.Dispute, plan.Tiles())
	if w.blame(wrong) {
		return
	}
	w.walk(Tiles, uint64(plan.Tiles()), roots)
	if w.Count == 1 { // the root is that of the one tile
		w.enter(w.Call, Feeding)
	}
}
