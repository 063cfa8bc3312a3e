package rpc

import (
	"context"
	"fmt"

	"github.com/aiwork/aiwork-node/internal/chain"
)

func (e *eth) addPool(t *Table) {
	t.Add(Method{Name: "txpool_status", Summary: "Numbers of waiting transactions."}, func(context.Context) (map[string]Uint64, error) {
		s := e.pool.Stats()
		return map[string]Uint64{"pending": Uint64(s.Pending), "queued": Uint64(s.Queued)}, nil
	})
	t.Add(Method{Name: "txpool_content", Summary: "All waiting transactions, by sender and nonce.", Cost: 50}, func(context.Context) (any, error) {
		return e.poolContent(func(tx *chain.Tx) any { return formTx(tx, nil, 0) }), nil
	})
	t.Add(Method{Name: "txpool_contentFrom", Summary: "Waiting transactions of one sender, by nonce.", Params: []string{"address"}, Cost: 20}, func(_ context.Context, a chain.Address) (any, error) {
		all := e.poolContent(func(tx *chain.Tx) any { return formTx(tx, nil, 0) })
		out := map[string]map[string]any{"pending": {}, "queued": {}}
		for kind, senders := range all {
			if txs := senders[a.Checksum()]; txs != nil {
				out[kind] = txs
			}
		}
		return out, nil
	})
	t.Add(Method{Name: "txpool_inspect", Summary: "All waiting transactions, a line each.", Cost: 50}, func(context.Context) (any, error) {
		return e.poolContent(func(tx *chain.Tx) any {
			to := "contract creation"
			if tx.To != nil {
				to = tx.To.Checksum()
			}
			return fmt.Sprintf("%s: %s wei + %d gas x %s wei", to, tx.Value.Dec(), tx.Gas, tx.GasFeeCap.Dec())
		}), nil
	})
	t.Add(Method{Name: "aiwork_whyDropped", Summary: "Why the pool dropped a transaction, if it remembers.", Params: []string{"hash"}}, func(_ context.Context, hash chain.Hash) (*string, error) {
		if reason, ok := e.pool.ReasonFor(hash); ok {
			text := reason.Error()
			return &text, nil
		}
		return nil, nil
	})
}

func (e *eth) poolContent(form func(*chain.Tx) any) map[string]map[string]map[string]any {
	out := map[string]map[string]map[string]any{"pending": {}, "queued": {}}
	add := func(kind string, from chain.Address, txs []*chain.Tx) {
		if len(txs) == 0 {
			return
		}
		byNonce := map[string]any{}
		for _, tx := range txs {
			byNonce[fmt.Sprint(tx.Nonce)] = form(tx)
		}
		out[kind][from.Checksum()] = byNonce
	}
	for _, s := range e.pool.Content() {
		add("pending", s.Sender, s.Pending)
		add("queued", s.Sender, s.Queued)
	}
	return out
}
