package receipt

import (
	"crypto/sha256"
	"fmt"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/tasks/dispute"
)

// Defend gives the call that a dispute's record asks of the defender now; nil if it has nothing to do. It needs nothing
// but the record: no log, no other party.
func (a *Advocate) Defend(d *dispute.Dispute) ([]byte, error) {
	if err := a.fits(d); err != nil {
		return nil, err
	}
	if d.Phase == dispute.Answering {
		return dispute.PackAnswer(d.ID, a.Claim()), nil
	}
	return a.narrow(d, dispute.Defender)
}

// Challenge gives the call that a dispute's record asks of the challenger now; nil if it has nothing to do. Where the record
// is Judging, shown are the entries that the parties have shown, the defender's first: they stand in the contract's logs. It
// remembers nothing that it could not find again, so a program may ask a new advocate in the middle of a dispute.
func (a *Advocate) Challenge(d *dispute.Dispute, shown [2][]byte) ([]byte, error) {
	if err := a.fits(d); err != nil {
		return nil, err
	}
	switch d.Phase {
	case dispute.Judging:
		if !a.inTrace(d) && (len(shown[0]) == 0 || len(shown[1]) == 0) {
			return nil, fmt.Errorf("dispute %d: the entries that were shown are not there", d.ID)
		}
		if err := a.Heard(d, shown); err != nil {
			return nil, fmt.Errorf("dispute %d: an entry that was shown: %w", d.ID, err)
		}
		if a.inTrace(d) {
			g, err := a.Stage(d)
			if err != nil {
				return nil, err
			}
			return dispute.PackStage(d.ID, g), nil
		}
		j, err := a.Judgement(d)
		if err != nil {
			return nil, err
		}
		return dispute.PackJudge(d.ID, j), nil
	case dispute.Feeding:
		f, err := a.Feed(d)
		if err != nil {
			return nil, err
		}
		return dispute.PackStep(d.ID, f), nil
	}
	return a.narrow(d, dispute.Challenger)
}

// Plead gives the call of either side: see Defend and Challenge.
func (a *Advocate) Plead(d *dispute.Dispute, s dispute.Side, shown [2][]byte) ([]byte, error) {
	if s == dispute.Defender {
		return a.Defend(d)
	}
	return a.Challenge(d, shown)
}

// narrow gives the call by which a side answers in a round of both.
func (a *Advocate) narrow(d *dispute.Dispute, s dispute.Side) ([]byte, error) {
	if d.Shown>>s&1 == 1 {
		return nil, nil
	}
	switch d.Phase {
	case dispute.Entries:
	case dispute.Showing:
		entry, err := a.Show(d)
		if err != nil {
			return nil, err
		}
		return dispute.PackShow(d.ID, entry), nil
	case dispute.Expanding:
		if d.Case.IsZero() {
			x, err := a.Rerun(d)
			if err != nil {
				return nil, err
			}
			return dispute.PackRerun(d.ID, x), nil
		}
		x, err := a.Descent(d)
		if err != nil {
			return nil, err
		}
		return dispute.PackExpand(d.ID, x), nil
	case dispute.Tiles:
		if err := a.findPlace(d); err != nil {
			return nil, err
		}
	default:
		return nil, nil
	}
	left, right, err := a.Split(d)
	if err != nil {
		return nil, err
	}
	return dispute.PackSplit(d.ID, left, right), nil
}

// fits makes sure that a record is about this network, and that its places are places of it.
func (a *Advocate) fits(d *dispute.Dispute) error {
	if a.course != nil && (d.Depth == 0) != (d.Model == a.course.id) || a.course == nil && d.Model != a.base.model() {
		return fmt.Errorf("dispute %d is about the model %s", d.ID, d.Model)
	}
	if a.inTrace(d) {
		return nil
	}
	if d.Phase == dispute.Ended {
		return nil
	}
	l, err := a.at(d)
	if err != nil {
		return fmt.Errorf("dispute %d: %w", d.ID, err)
	}
	if a.course != nil && d.Depth == 1 && d.Model != l.trace.Model.Net.ID() {
		return fmt.Errorf("dispute %d is about the model %s", d.ID, d.Model)
	}
	entries := uint64(len(l.tree()[0]))
	if d.Entry >= entries || d.Phase == dispute.Showing && d.Index >= entries || d.Entry == 0 && d.Phase >= dispute.Judging && !(d.Phase == dispute.Expanding && d.Case.IsZero()) {
		return fmt.Errorf("dispute %d: entry %d of %d", d.ID, d.Entry, entries)
	}
	return nil
}

// findPlace finds which output is disputed: the one whose case the contract has.
func (a *Advocate) findPlace(d *dispute.Dispute) error {
	l, err := a.at(d)
	if err != nil {
		return err
	}
	for a.place = range l.op(d.Entry).Made() {
		k, _, err := l.caseOf(d.Entry, a.place)
		if err == nil && chain.Hash(sha256.Sum256(k.Encode())) == d.Case {
			return nil
		}
	}
	return fmt.Errorf("dispute %d: its case is not of this run", d.ID)
}
