package receipt

import (
	"fmt"
	"slices"

	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/tile"
	"github.com/aiwork/aiwork-node/crypto/merkle"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/tasks/dispute"
)

const (
	receiptTag = "aiwork/receipt/1"
	modelTag   = "aiwork/model/2"
	tensorTag  = "aiwork/tensor/1"
)

// An Advocate makes the calls of a party to a dispute from a trace of its run. It is for one caller at a time.
type Advocate struct {
	trace   *Trace
	entries []dispute.Entry
	leaves  [][]byte
	levels  [][][32]byte
	model   [][]byte

	shown [2][]byte // the parties' entries, once they are on chain
	place int       // the first of their digests that differs
	feed  *feeding  // the tile that is computed; nil before
}

// NewAdvocate stands for whoever has run a trace.
func NewAdvocate(t *Trace) *Advocate {
	a := &Advocate{trace: t, entries: t.Entries(), model: t.Model.Net.Leaves()}
	for i := range a.entries {
		a.leaves = append(a.leaves, a.entries[i].Encode())
	}
	a.levels = merkle.Levels(receiptTag, a.leaves)
	return a
}

// Claim gives the party's result and receipt.
func (a *Advocate) Claim() *dispute.Claim {
	n := a.trace.Model.Net
	k := &dispute.Claim{Kind: dispute.Network, Receipt: dispute.ReceiptRoot(a.entries), Head: n.Head.Encode(), InModel: hashList(n.ProveHead())}
	var places []uint64
	var outputs []net.Inline
	for _, v := range n.Outputs {
		g := a.trace.DigestOf(v)
		outputs = append(outputs, net.Inline{Type: g.Type, Shape: g.Shape, Bytes: a.trace.Values[v].Raw()})
		if p, ok := a.entryOf(v); ok {
			places = append(places, p)
		}
	}
	k.Result = dispute.Result(&n.Head, outputs)
	slices.Sort(places)
	k.Places = slices.Compact(places)
	k.Entries, k.Proof = a.show(k.Places)
	return k
}

// entryOf gives the place of the entry that holds a value; a weight is in none.
func (a *Advocate) entryOf(v net.Value) (place uint64, ok bool) {
	for i := range a.entries {
		e := &a.entries[i]
		if v >= e.First && int(v-e.First) < len(e.Digests) {
			return uint64(i), true
		}
	}
	return 0, false
}

// show gives entries with their proof.
func (a *Advocate) show(places []uint64) (list [][]byte, proof []chain.Hash) {
	for _, p := range places {
		list = append(list, a.leaves[p])
	}
	return list, hashList(merkle.ProveMany(receiptTag, a.leaves, places))
}

func hashList(p merkle.Proof) []chain.Hash {
	out := make([]chain.Hash, len(p))
	for i := range p {
		out[i] = p[i]
	}
	return out
}

// Split gives the children of the party's node.
func (a *Advocate) Split(d *dispute.Dispute) (left, right chain.Hash, err error) {
	levels := a.levels
	if d.Phase == dispute.Tiles {
		v := a.entries[d.Entry].First + net.Value(a.place)
		t := a.trace.Values[v]
		levels = merkle.Levels(tensorTag, net.Tiles(a.trace.DigestOf(v).Type, t.Raw()))
	}
	l := int(d.Level) - 1
	if l < 0 || l >= len(levels) || 2*d.Index+1 >= uint64(len(levels[l])) {
		return left, right, fmt.Errorf("dispute %d: no children at level %d, place %d", d.ID, d.Level, d.Index)
	}
	return levels[l][2*d.Index], levels[l][2*d.Index+1], nil
}

// Show gives the party's entry.
func (a *Advocate) Show(d *dispute.Dispute) []byte { return a.leaves[d.Index] }

// Heard takes the entries that both have shown, the defender's first.
func (a *Advocate) Heard(shown [2][]byte) error {
	a.shown = shown
	var e [2]dispute.Entry
	for i := range shown {
		var err error
		if e[i], err = dispute.DecodeEntry(shown[i]); err != nil {
			return err
		}
	}
	for a.place = 0; a.place < min(len(e[0].Digests), len(e[1].Digests)); a.place++ {
		if string(e[0].Digests[a.place].Encode()) != string(e[1].Digests[a.place].Encode()) {
			break
		}
	}
	return nil
}

// operator gives the operator that is disputed.
func (a *Advocate) operator(d *dispute.Dispute) *net.Op { return &a.trace.Model.Net.OpList[d.Entry-1] }

// Judgement shows the operator and what it reads. The party's receipt must be one of the two.
func (a *Advocate) Judgement(d *dispute.Dispute) (*dispute.Judgement, error) {
	n, op := a.trace.Model.Net, a.operator(d)
	j := &dispute.Judgement{Shown: a.shown}
	if dispute.ReceiptRoot(a.entries) != d.Receipts[dispute.Defender] {
		j.Of = dispute.Challenger
	}
	inputs, weights := net.Value(len(n.Inputs)), net.Value(len(n.WeightList))
	j.InModel = []uint64{uint64(weights) + d.Entry}
	if d.Entry > 1 {
		j.Places = []uint64{d.Entry - 1}
	}
	for _, v := range op.In {
		switch {
		case v == net.None:
		case v >= inputs && v < inputs+weights:
			j.InModel = append(j.InModel, 1+uint64(v-inputs))
		default:
			p, ok := a.entryOf(v)
			if !ok {
				return nil, fmt.Errorf("value %d is in no entry", v)
			}
			j.Places = append(j.Places, p)
		}
	}
	slices.Sort(j.InModel)
	slices.Sort(j.Places)
	j.InModel, j.Places = slices.Compact(j.InModel), slices.Compact(j.Places)
	for _, p := range j.InModel {
		j.Parts = append(j.Parts, a.model[p])
	}
	j.PartProof = hashList(merkle.ProveMany(modelTag, a.model, j.InModel))
	j.Entries, j.Proof = a.show(j.Places)
	if _, params, err := a.caseOf(d); err == nil { // else the contract will say that it is not decided there
		j.Params = params
	}
	return j, nil
}

// caseOf makes the case of the output in question, with its parameters.
func (a *Advocate) caseOf(d *dispute.Dispute) (k dispute.Case, params [][]byte, err error) {
	op := a.operator(d)
	k = dispute.Case{Opset: a.trace.Model.Net.Opset, Op: op.Encode(), Out: outOf(op, a.place)}
	for _, v := range op.In {
		var g net.Digest
		if v != net.None {
			g = a.trace.DigestOf(v)
		}
		k.Operands = append(k.Operands, g)
	}
	ports, err := tile.Params(k.Task(op))
	if err != nil {
		return k, nil, err
	}
	for _, p := range ports {
		b := a.trace.Values[op.In[p]].Raw()
		params = append(params, b)
		k.Params = append(k.Params, dispute.Param{Port: uint32(p), Bytes: b})
	}
	return k, params, nil
}

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
