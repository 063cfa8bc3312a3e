package receipttest

import (
	"testing"

	"github.com/aiwork/aiwork-node/compute/receipt"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/tasks/dispute"
)

// A Play is a dispute between two advocates, the defender's first, who do what they can until it has ended.
type Play struct {
	ID     uint64
	Sides  [2]*receipt.Advocate
	Feeder *receipt.Advocate // of the honest side: who shows the operator and hands operands in
	Load   func(id uint64) dispute.Dispute
	Send   func(method string, from chain.Address, input []byte) // a call of the contract that must succeed
	Third  chain.Address                                         // who sends for the feeder
	shown  [2][]byte
}

// Run plays to the end.
func (p *Play) Run(t testing.TB) dispute.Dispute { return p.Until(t, dispute.Ended) }

// Until plays to a phase.
func (p *Play) Until(t testing.TB, phase dispute.Phase) dispute.Dispute {
	t.Helper()
	for range 10_000 {
		d := p.Load(p.ID)
		if d.Phase == phase || d.Phase == dispute.Ended {
			return d
		}
		p.Turn(t, &d)
	}
	t.Fatal("the dispute does not end")
	return dispute.Dispute{}
}

// Turn does what the phase asks of both parties.
func (p *Play) Turn(t testing.TB, d *dispute.Dispute) {
	t.Helper()
	switch d.Phase {
	case dispute.Answering:
		p.Send("answer", d.Parties[0], dispute.PackAnswer(p.ID, p.Sides[0].Claim()))
	case dispute.Entries, dispute.Tiles, dispute.Showing, dispute.Expanding:
		p.shown = [2][]byte{}
		for s := range p.Sides {
			p.Send(p.Answer(t, d, s))
		}
	case dispute.Judging:
		if d.Kind == dispute.Pipeline && d.Depth == 0 {
			g, err := p.Feeder.Stage(d)
			if err != nil {
				t.Fatal(err)
			}
			p.Send("stage", p.Third, dispute.PackStage(p.ID, g))
			return
		}
		j, err := p.Feeder.Judgement(d)
		if err != nil {
			t.Fatal(err)
		}
		p.Send("judge", p.Third, dispute.PackJudge(p.ID, j))
	case dispute.Feeding:
		f, err := p.Feeder.Feed(d)
		if err != nil {
			t.Fatal(err)
		}
		p.Send("step", p.Third, dispute.PackStep(p.ID, f))
	}
}

// Answer gives the call by which a side answers in this round.
func (p *Play) Answer(t testing.TB, d *dispute.Dispute, s int) (method string, from chain.Address, input []byte) {
	t.Helper()
	if d.Phase == dispute.Showing {
		var err error
		if p.shown[s], err = p.Sides[s].Show(d); err != nil {
			t.Fatal(err)
		}
		for _, a := range append(p.Sides[:], p.Feeder) {
			if (p.shown[0] == nil || p.shown[1] == nil) && (d.Kind == dispute.Network || d.Depth > 0) {
				continue
			}
			if err := a.Heard(d, p.shown); err != nil {
				t.Fatal(err)
			}
		}
		return "show", d.Parties[s], dispute.PackShow(p.ID, p.shown[s])
	}
	if d.Phase == dispute.Expanding && d.Case.IsZero() {
		x, err := p.Sides[s].Rerun(d)
		if err != nil {
			t.Fatal(err)
		}
		return "rerun", d.Parties[s], dispute.PackRerun(p.ID, x)
	}
	if d.Phase == dispute.Expanding {
		x, err := p.Sides[s].Descent(d)
		if err != nil {
			t.Fatal(err)
		}
		return "expand", d.Parties[s], dispute.PackExpand(p.ID, x)
	}
	left, right, err := p.Sides[s].Split(d)
	if err != nil {
		t.Fatal(err)
	}
	return "split", d.Parties[s], dispute.PackSplit(p.ID, left, right)
}
