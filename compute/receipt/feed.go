package receipt

import (
	"github.com/aiwork/aiwork-node/compute/net"
	"github.com/aiwork/aiwork-node/compute/tile"
	"github.com/aiwork/aiwork-node/crypto/merkle"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/tasks/dispute"
)

// A feeding is a tile that is computed step by step, as the contract does it.
type feeding struct {
	judged chain.Hash // the case
	of     *layer
	bytes  []byte
	own    operands
	work   *tile.Work
	state  tile.State
	steps  uint32 // that state has behind it
}

// Feed gives the next step of the tile. Where it has not made the steps before, it makes them: how far each goes follows from
// the case alone.
func (a *Advocate) Feed(d *dispute.Dispute) (*dispute.Feed, error) {
	if err := a.reach(d); err != nil {
		return nil, err
	}
	f := a.feed
	out := &dispute.Feed{Case: f.bytes}
	if d.Steps > 0 {
		out.State = f.state.Encode()
	}
	a.serve(d, out, f.work.Needs(f.state).Runs)
	return out, nil
}

// reach brings the tile to where the contract has it.
func (a *Advocate) reach(d *dispute.Dispute) error {
	if a.feed == nil || a.feed.judged != d.Case || a.feed.steps > d.Steps {
		if err := a.begin(d); err != nil {
			return err
		}
	}
	for f := a.feed; f.steps < d.Steps; f.steps++ {
		if err := f.work.Step(&f.state, f.work.Needs(f.state), f.own); err != nil {
			return err
		}
	}
	return nil
}

// begin finds the case and begins its tile.
func (a *Advocate) begin(d *dispute.Dispute) error {
	if err := a.findPlace(d); err != nil {
		return err
	}
	l, err := a.at(d)
	if err != nil {
		return err
	}
	k, _, err := l.caseOf(d.Entry, a.place)
	if err != nil {
		return err
	}
	plan, err := k.Plan()
	if err != nil {
		return err
	}
	f := &feeding{judged: d.Case, bytes: k.Encode(), work: plan.Tile(int(d.Index))}
	_, f.own = operandsOf(l.operands(l.op(d.Entry)))
	f.of = l
	f.state = f.work.Begin()
	a.feed = f
	return nil
}

// operands are those of the operator, as this run has them.
type operands []operand

type operand struct {
	kind net.Type
	raw  []byte
}

// Element implements tile.Source.
func (o operands) Element(port, index int) (uint64, bool) {
	return tile.Word(o[port].kind, o[port].raw, index)
}

// serve adds tiles with their proofs.
func (a *Advocate) serve(d *dispute.Dispute, out *dispute.Feed, runs []tile.Run) {
	t := a.feed.of.trace
	op := a.feed.of.op(d.Entry)
	for len(runs) > 0 {
		port := runs[0].Port
		v := op.In[port]
		tiles := net.Tiles(t.DigestOf(v).Type, t.Values[v].Raw())
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
