package receipt

import (
	"crypto/sha256"
	"errors"
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
	feed  *feeding
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
	k := &dispute.Claim{Receipt: dispute.ReceiptRoot(a.entries), Head: n.Head.Encode(), InModel: hashList(n.ProveHead())}
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

// Defend gives the call that a dispute's record asks of the defender now; nil if it has nothing to do. It needs nothing
// but the record: no log, no other party.
func (a *Advocate) Defend(d *dispute.Dispute) ([]byte, error) {
	if d.Shown>>dispute.Defender&1 == 1 {
		return nil, nil
	}
	switch d.Phase {
	case dispute.Answering:
		return dispute.PackAnswer(d.ID, a.Claim()), nil
	case dispute.Showing:
		return dispute.PackShow(d.ID, a.Show(d)), nil
	case dispute.Tiles:
		if err := a.findPlace(d); err != nil {
			return nil, err
		}
	case dispute.Entries:
	default:
		return nil, nil
	}
	left, right, err := a.Split(d)
	return dispute.PackSplit(d.ID, left, right), err
}

// findPlace finds which output is disputed: the one whose case the contract has.
func (a *Advocate) findPlace(d *dispute.Dispute) error {
	for a.place = range a.operator(d).Made() {
		k, _, err := a.caseOf(d)
		if err == nil && sha256.Sum256(k.Encode()) == d.Case {
			return nil
		}
	}
	return fmt.Errorf("dispute %d: its case is not of this run", d.ID)
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
	return j, a.prepare(d, j)
}

// A feeding is the tile that is computed.
type feeding struct {
	kase  dispute.Case
	bytes []byte
	work  *tile.Work
	state tile.State
}

// prepare makes the case, and adds the parameters to a judgement.
func (a *Advocate) prepare(d *dispute.Dispute, j *dispute.Judgement) error {
	k, params, err := a.caseOf(d)
	if err != nil {
		return nil // the contract will say so: not decided there
	}
	j.Params = params
	a.feed = &feeding{kase: k, bytes: k.Encode()}
	return nil
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

// Feed gives the next step of the tile. It computes the step too, so it must be called once for each.
func (a *Advocate) Feed(d *dispute.Dispute) (*dispute.Feed, error) {
	f := a.feed
	if f == nil {
		return nil, errors.New("a step before the operator was judged")
	}
	fresh := f.work == nil
	if fresh {
		plan, err := f.kase.Plan()
		if err != nil {
			return nil, err
		}
		f.work = plan.Tile(int(d.Index))
		f.state = f.work.Begin()
	}
	out := &dispute.Feed{Case: f.bytes}
	if !fresh {
		out.State = f.state.Encode()
	}
	ask := f.work.Needs(f.state)
	a.serve(d, out, ask.Runs)
	kinds := make([]net.Type, len(f.kase.Operands))
	for i := range f.kase.Operands {
		kinds[i] = f.kase.Operands[i].Type
	}
	return out, f.work.Step(&f.state, ask, tile.NewServed(kinds, ask.Runs, out.Tiles))
}

// serve adds tiles with their proofs.
func (a *Advocate) serve(d *dispute.Dispute, out *dispute.Feed, runs []tile.Run) {
	op := a.operator(d)
	for len(runs) > 0 {
		port := runs[0].Port
		v := op.In[port]
		tiles := net.Tiles(a.trace.DigestOf(v).Type, a.trace.Values[v].Raw())
		var places []uint64
		for ; len(runs) > 0 && runs[0].Port == port; runs = runs[1:] {
			for i := range runs[0].Count {
				places = append(places, uint64(runs[0].First+i))
				out.Tiles = append(out.Tiles, tiles[runs[0].First+i])
			}
		}
		proof := hashList(merkle.ProveMany(tensorTag, tiles, places))
		out.Sizes = append(out.Sizes, uint64(len(proof)))
		out.Proof = append(out.Proof, proof...)
	}
}
