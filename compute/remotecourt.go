package compute

import (
	"context"
	"fmt"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/client"
	"github.com/aiwork/aiwork-node/tasks/dispute"
)

// Bond asks the node for the chain's parameters and for the account.
func (m *Remote) Bond(ctx context.Context) (least, held uint256.Int, err error) {
	var params chain.Params
	if err := m.client.Call(ctx, &params, "aiwork_params"); err != nil {
		return least, held, err
	}
	var balance client.Uint256
	err = m.client.Call(ctx, &balance, "eth_getBalance", m.sender.Address(), "latest")
	return *dispute.Bond(&params.Jobs), balance.Int, err
}

// Dispute asks the node.
func (m *Remote) Dispute(ctx context.Context, id uint64) (dispute.Dispute, error) {
	var form *struct {
		Record client.Bytes `json:"record"`
	}
	err := m.client.Call(ctx, &form, "aiwork_getDispute", client.Uint64(id))
	if err != nil || form == nil {
		return dispute.Dispute{ID: id}, err
	}
	d, err := dispute.DecodeDispute(id, form.Record)
	if err != nil {
		return d, fmt.Errorf("dispute %d: %w", id, err)
	}
	return d, nil
}

// Shown asks the node for the contract's logs.
func (m *Remote) Shown(ctx context.Context, d *dispute.Dispute) (shown [2][]byte, err error) {
	var logs []client.Log
	err = m.client.Call(ctx, &logs, "eth_getLogs", map[string]any{
		"fromBlock": "earliest", "toBlock": "latest", "address": chain.AddrDisputes, "topics": dispute.ShownTopics(d.ID),
	})
	list := make([]chain.Log, len(logs))
	for i := range logs {
		list[i] = chain.Log{Address: logs[i].Address, Topics: logs[i].Topics, Data: logs[i].Data}
	}
	return d.EntriesIn(list), err
}

// Unsettled asks the node.
func (m *Remote) Unsettled(ctx context.Context, who chain.Address) (list []Task, err error) {
	err = m.client.Call(ctx, &list, "aiwork_getUnsettled", who)
	return list, err
}
