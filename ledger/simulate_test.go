package ledger_test

import (
	"context"
	"testing"

	"github.com/aiwork/aiwork-node/consensus/poi/beacon"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/ledger/exec"
	"github.com/aiwork/aiwork-node/ledger/ledgertest"
	"github.com/aiwork/aiwork-node/ledger/state"
)

// A call is tried in the block that would follow the head, as that block begins: at the end of a session
// it sees the seed that the next block fixes, as the transaction will.
func TestCallSeesWhatTheNextBlockBegins(t *testing.T) {
	c := ledgertest.New(t, ledgertest.Options{})
	for range chain.SessionHeights - 1 {
		c.Block()
	}
	to := chain.AddrBeacon
	for range 2 { // before and after the session's last block
		head, _ := c.Head()
		next := chain.SessionOf(head.Height + 1)
		m := &exec.Message{From: c.Accounts[0].Address, To: &to, Gas: 100_000, Data: beacon.PackSeedOf(next)}
		s, err := c.Next(head.Height, c.NowMs())
		if err != nil {
			t.Fatal(err)
		}
		tried, err := exec.Begin(state.New(s.Reader), &s.Input, s.Engine).Probe(m)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if err != nil || tried.Fault != 0 {
			t.Fatalf("call: %v, %v", err, tried.Fault)
		}
		if known := tried.Output[63]; known != 1 {
			t.Errorf("height %d: a call does not know the seed of session %d, in which it stands", head.Height, next)
		}
		gas, _, err := c.Estimate(context.Background(), m, c.NowMs())
		if err != nil {
			t.Fatal(err)
		}
		receipt := c.MustSend(c.Accounts[0], chain.AddrBeacon, nil, m.Data)
		if receipt.GasUsed > gas {
			t.Errorf("height %d: %d gas used, %d estimated", head.Height, receipt.GasUsed, gas)
		}
	}
}
