package rpc

import (
	"context"

	"github.com/aiwork/aiwork-node/compute"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/tasks/dispute"
)

// disputeForm is a dispute as it is shown. Lists have the defender's first.
type disputeForm struct {
	ID         Uint64          `json:"id"`
	Kind       string          `json:"kind"` // of the model: network, pipeline or language
	Phase      string          `json:"phase"`
	Verdict    string          `json:"verdict"`
	Parties    []chain.Address `json:"parties"`
	Bond       Uint256         `json:"bond"`
	Model      chain.Hash      `json:"model"`
	Receipts   []chain.Hash    `json:"receipts"`
	DeadlineMs Uint64          `json:"deadlineMs"`
	Rounds     Uint64          `json:"rounds"`
	Steps      Uint64          `json:"steps"`
	Path       []Uint64        `json:"path"`    // entries that the dispute has gone into: a pipeline's step, composite operators
	Entries    Uint64          `json:"entries"` // of a receipt: the inputs' and one for each operator; or places for a pipeline's steps
	Entry      Uint64          `json:"entry"`   // that differs, once it is found; 0 before
	Level      Uint64          `json:"level"`   // of the node that differs, in the tree that is walked
	Index      Uint64          `json:"index"`
	Record     Bytes           `json:"record"` // as the contract keeps it
}

func (a *aiwork) dispute(_ context.Context, id Uint64) (*disputeForm, error) {
	view, _, release, err := a.state()
	if err != nil {
		return nil, err
	}
	defer release()
	d, err := dispute.Load(view, uint64(id))
	if err != nil || d.Phase == dispute.Missing {
		return nil, err
	}
	path := make([]Uint64, d.Depth)
	for i := range path {
		path[i] = Uint64(d.Path[i])
	}
	return &disputeForm{
		ID: Uint64(d.ID), Kind: d.Kind.String(), Path: path, Phase: d.Phase.String(), Verdict: d.Verdict.String(), Parties: d.Parties[:], Bond: Uint256{d.Bond}, Model: d.Model,
		Receipts: d.Receipts[:], DeadlineMs: Uint64(d.DeadlineMs), Rounds: Uint64(d.Rounds), Steps: Uint64(d.Steps), Entries: Uint64(d.EntryCount()),
		Entry: Uint64(d.Entry), Level: Uint64(d.Level), Index: Uint64(d.Index), Record: d.Encode(),
	}, nil
}

func (a *aiwork) unsettled(_ context.Context, who chain.Address) ([]compute.Task, error) {
	return a.market.Unsettled(who)
}
