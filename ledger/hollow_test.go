package ledger_test

import (
	"testing"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/ledger/ledgertest"
)

// What one transaction asks for and does not use is there for the next ones; and where one is passed over
// for want of room, those that follow it with higher nonces are no fault of anybody.
func TestBuildUsesGasThatOthersLeave(t *testing.T) {
	c := ledgertest.New(t, ledgertest.Options{Accounts: 3, Params: func(p *chain.Params) { p.BlockGasLimit = 1_000_000 }})
	ask := func(from ledgertest.Account, nonce, gas uint64) *chain.Tx {
		tx := *c.Tx(from, from.Address, nil, nil)
		tx.Nonce, tx.Gas = nonce, gas
		return ledgertest.Sign(t, &tx, from)
	}
	var txs []*chain.Tx
	for n := range uint64(3) { // each asks for nearly all and uses 21,000
		txs = append(txs, ask(c.Accounts[0], n, 950_000))
	}
	txs = append(txs, ask(c.Accounts[1], 0, 990_000), ask(c.Accounts[1], 1, 21_000))
	for n := range uint64(10) {
		txs = append(txs, ask(c.Accounts[2], n, 21_000))
	}
	receipts, skipped := c.Try(txs...)
	if len(receipts) != 13 || len(skipped) != 0 {
		t.Errorf("got %d transactions, skipped %v, want 13 and none", len(receipts), skipped)
	}
}
