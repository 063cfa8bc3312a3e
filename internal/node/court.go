package node

import (
	"context"
	"errors"
	"math"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/compute"
	"github.com/aiwork/aiwork-node/compute/engine"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/ledger"
	"github.com/aiwork/aiwork-node/tasks/dispute"
	"github.com/aiwork/aiwork-node/vm/native"
)

// Bond implements compute.Court.
func (m *market) Bond(context.Context) (least, held uint256.Int, err error) {
	acc, err := m.ledger.Account(m.who)
	return *dispute.Bond(&m.ledger.Params().Jobs), acc.Balance, err
}

// Dispute implements compute.Court.
func (m *market) Dispute(_ context.Context, id uint64) (d dispute.Dispute, err error) {
	view, err := m.ledger.State()
	if err != nil {
		return d, err
	}
	defer func() { err = errors.Join(err, view.Close()) }()
	return dispute.Load(view, id)
}

// Shown implements compute.Court.
func (m *market) Shown(ctx context.Context, d *dispute.Dispute) ([2][]byte, error) {
	q := ledger.LogQuery{To: math.MaxInt64, Addresses: []chain.Address{chain.AddrDisputes}}
	for _, t := range dispute.ShownTopics(d.ID) {
		q.Topics = append(q.Topics, []chain.Hash{t})
	}
	found, err := m.ledger.Logs(ctx, q)
	logs := make([]chain.Log, len(found))
	for i := range found {
		logs[i] = found[i].Log
	}
	return d.EntriesIn(logs), err
}

// Unsettled implements compute.Court.
func (m *market) Unsettled(_ context.Context, who chain.Address) (list []compute.Task, err error) {
	return m.book.Unsettled(who)
}

// bookStates is the ledger as a book of the live jobs reads it.
type bookStates struct{ *ledger.Ledger }

// State gives the state after the head. A block that stands in the database is the head a moment later: what it has changed is known then.
func (s bookStates) State() (native.SlotReader, chain.Height, uint64, func() error, error) {
	head, moved := s.Head()
	view, err := s.Ledger.State()
	if err != nil {
		return nil, 0, 0, nil, err
	}
	for head.Height < view.Height {
		<-moved
		head, moved = s.Head()
	}
	return view, view.Height, view.Ext.TimeMs, view.Close, nil
}

// counsel starts advocates as children like the auditor's engine.
type counsel struct{ options engine.Options }

// Brief implements compute.Counsel.
func (c counsel) Brief(ctx context.Context, model chain.Hash, input, own []byte) (compute.Advocate, error) {
	a, err := engine.Brief(ctx, c.options, model, input, own)
	if err != nil {
		return nil, err
	}
	return a, nil
}

// tokens gives n tokens in base units.
func tokens(n int) *uint256.Int {
	return new(uint256.Int).Mul(uint256.NewInt(uint64(n)), uint256.NewInt(1e18))
}
