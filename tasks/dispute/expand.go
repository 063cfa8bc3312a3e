package dispute

import (
	"crypto/sha256"

	"github.com/aiwork/aiwork-node/compute/expand"
	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/crypto/merkle"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/must"
	"github.com/aiwork/aiwork-node/vm/native"
)

// Composite operators: what they stand for (package expand) is narrowed down like a network (DISPUTE-9).

// emptyEntry stands at the first place of an expansion's receipt, since its inputs are agreed.
func emptyEntry() []byte { return (&Entry{}).Encode() }

// Expansion understands a composite operator's case.
func (k *Case) Expansion() (*expand.Expansion, error) {
	op, err := net.DecodeOp(k.Op)
	if err != nil {
		return nil, err
	}
	return expand.Resolve(k.Task(&op), k)
}

// deepen decides about what a composite operator passes through, or asks both parties for receipts of what it stands for.
func (w *work) deepen(k *Case, b *bench, params [][]byte) {
	k.Out = 0
	ports, err := expand.Params(k.Task(&b.op))
	if err != nil {
		w.end(w.Call, Undecided)
		return
	}
	if !w.takeParams(k, ports, params) {
		return
	}
	x, err := k.Expansion()
	if err != nil || len(k.Encode()) > caseMax || w.Depth == DepthMax {
		w.end(w.Call, Undecided)
		return
	}
	var wrong [2]bool
	for i, v := range x.Outs {
		if int(v) >= x.Operands {
			continue
		}
		for s := range b.shown {
			wrong[s] = wrong[s] || !sameDigest(&b.shown[s].Digests[i], &k.Operands[v])
		}
	}
	logJudged(w.Call, &w.Dispute, 0)
	if w.blame(wrong) {
		return
	}
	must.Hold(x.Ops > 0, "dispute: outputs that differ, and no operator that makes them")
	w.Case = sha256.Sum256(k.Encode())
	w.enter(w.Call, Expanding)
}

// A Descent is what Expand is called with: a party's receipt of what a composite operator stands for.
type Descent struct {
	Case    []byte
	Shown   []byte // the party's entry of the operator
	Receipt chain.Hash
	Entries [][]byte // those that hold the operator's outputs
	Places  []uint64
	Proof   []chain.Hash
}

func readDescent(d *native.Decoder) (x Descent) {
	x.Case, x.Shown = d.Bytes(caseMax), d.Bytes(EntryBytesMax)
	x.Receipt = d.Hash()
	x.Entries = d.BytesList(partsMax, EntryBytesMax)
	x.Places = d.Uint64s(partsMax)
	x.Proof = d.Hashes(proofMax)
	return x
}

// runExpand takes a party's receipt of what the operator stands for.
func runExpand(c *native.Call) {
	id := c.Args.Uint64()
	d := readDescent(c.Args)
	if !c.Ready() {
		return
	}
	w, ok := begin(c, id, Expanding)
	if !ok || !w.party() || !c.Charge(gasStep) ||
		!chargeHashes(c, len(d.Case)+len(d.Shown)+sizeOf(d.Entries), 6+18*len(d.Entries)) ||
		!c.Require(!w.Case.IsZero(), "disputes: this is about a step: rerun") || !c.Require(sha256.Sum256(d.Case) == w.Case, "disputes: this is not the case") {
		return
	}
	operands, ops, ok := w.takeDescent(&d)
	if !ok {
		return
	}
	w.Receipts[w.side] = d.Receipt
	w.Shown |= 1 << w.side
	if w.Shown == 3 {
		w.goDown(operands, ops)
	}
	w.finish()
}

// takeDescent checks that a party's outputs of the operator, as it has shown them, are those of its receipt.
func (w *work) takeDescent(d *Descent) (operands, ops uint32, ok bool) {
	k, err := DecodeCase(d.Case)
	if !w.Require(err == nil, "disputes: this is not the case") {
		return 0, 0, false
	}
	x, err := k.Expansion()
	must.Hold(err == nil, "dispute: a case that was understood is not any more")
	shown, err := DecodeEntry(d.Shown)
	if !w.Require(err == nil && merkle.Leaf(receiptTag, d.Shown) == w.Nodes[w.side], "disputes: this is not your entry") {
		return 0, 0, false
	}
	entries, ok := entriesAt(w.Call, d.Receipt, 1+uint64(x.Ops), d.Entries, d.Places, d.Proof)
	if !ok {
		return 0, 0, false
	}
	for i, v := range x.Outs {
		if int(v) < x.Operands {
			continue
		}
		g, there := digestIn(entries, v)
		if !w.Require(there && sameDigest(&g, &shown.Digests[i]), "disputes: what you have shown does not follow from the receipt") {
			return 0, 0, false
		}
	}
	return uint32(x.Operands), uint32(x.Ops), true
}

// goDown begins to narrow down within the entry that differs.
func (w *work) goDown(operands, ops uint32) {
	must.Hold(w.Receipts[0] != w.Receipts[1], "dispute: two values of one receipt")
	w.Path[w.Depth] = uint32(w.Entry)
	w.Depth++
	w.Scope, w.Case = w.Case, chain.Hash{}
	w.Inputs, w.Weights, w.Ops, w.Entry = uint16(operands), 0, ops, 0
	w.Rounds++
	w.walk(Entries, w.entries(), w.Receipts)
	logDeepened(w.Call, &w.Dispute)
}

// ofExpansion makes the operator from the case of the composite one around it.
func (w *work) ofExpansion(j *Judgement, entries []Entry, b *bench) bool {
	k, err := DecodeCase(j.Scope)
	if !w.Require(err == nil && sha256.Sum256(j.Scope) == w.Scope, "disputes: this is not the case of the operator around") ||
		!w.Require(len(j.Parts) == 0, "disputes: the model's parts have no place here") {
		return false
	}
	x, err := k.Expansion()
	must.Hold(err == nil && w.Entry >= 1 && w.Entry <= uint64(x.Ops), "dispute: a case that was understood is not any more")
	b.op, b.first = x.Op(int(w.Entry) - 1)
	b.opset, b.raw = x.Opset, b.op.Encode()
	if _, err := net.DecodeOp(b.raw); err != nil || len(b.raw) > opMax { // longer than a case can hold
		w.end(w.Call, Undecided)
		return false
	}
	b.operand = func(v net.Value) (g net.Digest, ok bool) {
		if int(v) < x.Operands {
			g = k.Operands[v]
			if g.Type == 0 { // an operator that reads what its network was not given: no honest run does
				w.end(w.Call, Undecided)
				return g, false
			}
			return g, true
		}
		g, ok = digestIn(entries, v)
		return g, w.Require(ok, "disputes: an operand is missing")
	}
	return true
}
