package receipt

import (
	"errors"
	"fmt"
	"slices"

	"github.com/aiwork/aiwork-node/compute/net"
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
	base   *layer   // of a network
	course *course  // or else of a pipeline
	deeper []*layer // what entries of path stand for, each within the one before
	path   []uint32

	shown [2][]byte // the parties' entries, once they are on chain
	place int       // the first of their digests that differs
	feed  *feeding  // the tile that is computed; nil before
}

// NewAdvocate stands for whoever has run a trace.
func NewAdvocate(t *Trace) *Advocate { return &Advocate{base: &layer{trace: t}} }

// Result gives what the run has come to, as a job's item.
func (a *Advocate) Result() []byte {
	if a.course != nil {
		return a.course.Result
	}
	return a.Claim().Result
}

// Claim gives the party's result and receipt.
func (a *Advocate) Claim() *dispute.Claim {
	if a.course != nil {
		return a.course.claim()
	}
	l := a.base
	n := l.trace.Model.Net
	k := &dispute.Claim{Kind: dispute.Network, Receipt: l.root(), Head: n.Head.Encode(), InModel: hashList(n.ProveHead())}
	var outputs []net.Inline
	for _, v := range n.Outputs {
		g := l.trace.DigestOf(v)
		outputs = append(outputs, net.Inline{Type: g.Type, Shape: g.Shape, Bytes: l.trace.Values[v].Raw()})
	}
	k.Result = dispute.Result(&n.Head, outputs)
	k.Entries, k.Places, k.Proof = l.showValues(n.Outputs)
	return k
}

// Within gives the run of what stands behind entries that lie within each other: none is the network, or the first one a step of the
// pipeline; each further one is a composite operator. It may be changed before the advocate was asked for anything about it.
func (a *Advocate) Within(path ...uint32) (*Trace, error) {
	l, err := a.along(path)
	if err != nil {
		return nil, err
	}
	return l.trace, nil
}

// at gives what a dispute is narrowed down in now.
func (a *Advocate) at(d *dispute.Dispute) (*layer, error) { return a.along(d.Path[:d.Depth]) }

func (a *Advocate) along(path []uint32) (*layer, error) {
	if a.course != nil && len(path) == 0 {
		return nil, errors.New("a pipeline is no network")
	}
	l := a.base
	for i, entry := range path {
		if i < len(a.path) && a.path[i] == entry {
			l = a.deeper[i]
			continue
		}
		a.path, a.deeper = a.path[:i], a.deeper[:i]
		var next *layer
		var err error
		if a.course != nil && i == 0 {
			next, err = a.course.layer(uint64(entry))
		} else {
			next, err = l.within(uint64(entry))
		}
		if err != nil {
			return nil, err
		}
		a.path, a.deeper = append(a.path, entry), append(a.deeper, next)
		l = next
	}
	return l, nil
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
	if a.inTrace(d) {
		if d.Level == 0 || d.Level > 64 || d.Index >= dispute.StepsMax>>d.Level {
			return left, right, fmt.Errorf("dispute %d: no children at level %d, place %d", d.ID, d.Level, d.Index)
		}
		t := a.course.tree
		return t.Node(int(d.Level)-1, 2*d.Index), t.Node(int(d.Level)-1, 2*d.Index+1), nil
	}
	now, err := a.at(d)
	if err != nil {
		return left, right, err
	}
	levels := now.tree()
	if d.Phase == dispute.Tiles {
		v := now.entries[d.Entry].First + net.Value(a.place)
		t := now.trace.Values[v]
		levels = merkle.Levels(tensorTag, net.Tiles(now.trace.DigestOf(v).Type, t.RawView()))
	}
	l := int(d.Level) - 1
	if l < 0 || l >= len(levels) || 2*d.Index+1 >= uint64(len(levels[l])) {
		return left, right, fmt.Errorf("dispute %d: no children at level %d, place %d", d.ID, d.Level, d.Index)
	}
	return levels[l][2*d.Index], levels[l][2*d.Index+1], nil
}

// Show gives the party's entry.
func (a *Advocate) Show(d *dispute.Dispute) ([]byte, error) {
	if a.inTrace(d) {
		return a.course.shows(d.Index), nil
	}
	l, err := a.at(d)
	if err != nil {
		return nil, err
	}
	l.tree()
	if d.Index >= uint64(len(l.leaves)) {
		return nil, fmt.Errorf("dispute %d: entry %d of %d", d.ID, d.Index, len(l.leaves))
	}
	return l.leaves[d.Index], nil
}

// inTrace says whether a dispute narrows down steps of the pipeline.
func (a *Advocate) inTrace(d *dispute.Dispute) bool { return a.course != nil && d.Depth == 0 }

// Heard takes the entries, or steps, that both have shown, the defender's first.
func (a *Advocate) Heard(d *dispute.Dispute, shown [2][]byte) error {
	a.shown = shown
	if a.inTrace(d) {
		return nil
	}
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

// Judgement shows the operator and what it reads. The party's receipt must be one of the two.
func (a *Advocate) Judgement(d *dispute.Dispute) (*dispute.Judgement, error) {
	l, err := a.at(d)
	if err != nil {
		return nil, err
	}
	j := &dispute.Judgement{Shown: a.shown}
	if l.root() != d.Receipts[dispute.Defender] {
		j.Of = dispute.Challenger
	}
	switch {
	case l.answer != nil:
		if err := l.answer.showTensors(d.Entry, j); err != nil {
			return nil, err
		}
	case l.around == nil:
		l.showParts(d.Entry, j)
	default:
		j.Scope = l.around.Encode()
	}
	var read []net.Value
	for _, v := range l.op(d.Entry).In {
		if v != net.None && !l.agreed(v) {
			read = append(read, v)
		}
	}
	if l.around == nil && l.answer == nil && d.Entry > 1 {
		read = append(read, l.entries[d.Entry-1].First)
	}
	j.Entries, j.Places, j.Proof = l.showValues(read)
	if _, params, err := l.caseOf(d.Entry, a.place); err == nil { // else the contract will say that it is not decided there
		j.Params = params
	}
	return j, nil
}

// Descent gives the party's receipt of what the disputed operator stands for.
func (a *Advocate) Descent(d *dispute.Dispute) (*dispute.Descent, error) {
	l, err := a.at(d)
	if err != nil {
		return nil, err
	}
	within, err := a.along(append(slices.Clone(d.Path[:d.Depth]), uint32(d.Entry)))
	if err != nil {
		return nil, err
	}
	l.tree()
	x := &dispute.Descent{Case: within.around.Encode(), Shown: l.leaves[d.Entry], Receipt: within.root()}
	x.Entries, x.Places, x.Proof = within.showValues(within.outs)
	return x, nil
}
