package rpc

import (
	"context"
	"fmt"

	"github.com/aiwork/aiwork-node/internal/chain"
)

func (e *eth) addPool(t *Table) {
	t.Add(Method{Name: "txpool_status", Summary: "Numbers of waiting transactions."}, func(context.Context) (map[string]Uint64, error) {
		executable, queued := e.pool.Stats()
		return map[string]Uint64{"pending": Uint64(executable), "queued": Uint64(queued)}, nil
	})
	t.Add(Method{Name: "txpool_content", Summary: "All waiting transactions, by sender and nonce.", Cost: 50}, func(context.Context) (any, error) {
		return e.poolContent(func(tx *chain.Tx) any { return formTx(tx, nil, 0) }), nil
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
			return &reason, nil
		}
		return nil, nil
	})
}

func (e *eth) poolContent(form func(*chain.Tx) any) map[string]map[string]map[string]any {
	executable, queued := e.pool.Content()
	shape := func(bySender map[chain.Address][]*chain.Tx) map[string]map[string]any {
		out := map[string]map[string]any{}
		for from, txs := range bySender {
			byNonce := map[string]any{}
			for _, tx := range txs {
				byNonce[fmt.Sprint(tx.Nonce)] = form(tx)
			}
			out[from.Checksum()] = byNonce
		}
		return out
	}
	return map[string]map[string]map[string]any{"pending": shape(executable), "queued": shape(queued)}
}
