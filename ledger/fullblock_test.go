package ledger_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"testing"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/consensus/poi/beacon"
	"github.com/aiwork/aiwork-node/consensus/poi/stake"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/ledger"
	"github.com/aiwork/aiwork-node/ledger/ledgertest"
	"github.com/aiwork/aiwork-node/tasks/job"
	"github.com/aiwork/aiwork-node/tasks/registry"
)

// A full block of each kind of transaction that could cost much time for its gas, so that prices can be
// compared: ns/gas is what counts, and 30 million gas should take about 100 ms at most.
func BenchmarkFullBlock(b *testing.B) {
	model := chain.Hash{7}
	spec := func(n int) *job.Spec {
		s := &job.Spec{Model: model, ItemCount: uint32(n), Price: *uint256.NewInt(1e15), BatchItems: 2}
		for i := range n {
			s.Items = append(s.Items, chain.Hash{1, byte(i), byte(n)})
		}
		return s
	}
	slots := func(n int) (list []chain.AccessTuple) {
		t := chain.AccessTuple{Address: chain.AddrJobs}
		for i := range n {
			var h chain.Hash
			binary.BigEndian.PutUint64(h[8:], uint64(i)*0x9E3779B97F4A7C15)
			t.Slots = append(t.Slots, h)
		}
		return append(list, t)
	}
	addresses := func(n int) (list []chain.AccessTuple) {
		for i := range n {
			var a chain.Address
			binary.BigEndian.PutUint64(a[4:], uint64(i)*0x9E3779B97F4A7C15)
			list = append(list, chain.AccessTuple{Address: a})
		}
		return list
	}
	for _, k := range []struct {
		name  string
		to    chain.Address
		value *uint256.Int
		data  []byte
		gas   uint64
		list  []chain.AccessTuple
	}{
		{name: "transfer", to: chain.Address{0xEE}, value: uint256.NewInt(1), gas: 21_000},
		{name: "refused", to: chain.AddrJobs, data: []byte{1, 2, 3, 4}, gas: 25_000},
		{name: "beacon", to: chain.AddrBeacon, data: beacon.PackSeedOf(0), gas: 40_000},
		{name: "quote", to: chain.AddrJobs, data: job.PackQuote(spec(128)), gas: 50_000},
		{name: "topUp", to: chain.AddrStake, value: uint256.NewInt(1), data: stake.PackTopUp(ledgertest.NewAccount("validator/0").Address), gas: 200_000},
		{name: "setModels", to: chain.AddrRegistry, data: registry.PackSetModels([]chain.Hash{model}), gas: 200_000},
		{name: "createJob/items=1", to: chain.AddrJobs, value: ledgertest.Tokens(1), data: job.PackCreate(spec(1)), gas: 1_000_000},
		{name: "createJob/items=128", to: chain.AddrJobs, value: ledgertest.Tokens(100), data: job.PackCreate(spec(128)), gas: 1 << 24},
		{name: "zeros", to: chain.AddrJobs, data: make([]byte, 120_000), gas: 1_300_000},
		{name: "bytes", to: chain.AddrJobs, data: bytes.Repeat([]byte{1}, 120_000), gas: 5_000_000},
		{name: "accessList/slots", to: chain.AddrBeacon, data: beacon.PackSeedOf(0), gas: 8_000_000, list: slots(3600)},
		{name: "accessList/addresses", to: chain.AddrBeacon, data: beacon.PackSeedOf(0), gas: 12_000_000, list: addresses(4800)},
	} {
		b.Run("tx="+k.name, func(b *testing.B) {
			const accounts = 1500
			c := ledgertest.New(b, ledgertest.Options{Accounts: accounts})
			c.MustSend(c.Accounts[0], chain.AddrRegistry, ledgertest.Tokens(200), registry.PackRegister(c.Accounts[0].Address, []chain.Hash{model}, ""))
			var txs []*chain.Tx
			for i := range accounts {
				from := c.Accounts[i]
				if k.name == "setModels" {
					from = c.Accounts[0]
				}
				tx := *c.Tx(from, k.to, k.value, k.data)
				tx.Gas, tx.AccessList = k.gas, k.list
				txs = append(txs, ledgertest.Sign(b, &tx, from))
				if _, err := txs[i].Sender(); err != nil {
					b.Fatal(err)
				}
				if k.gas > 1_000_000 && i > 40 {
					break
				}
			}
			args := c.Args(txs)
			var o *ledger.Outcome
			var blk *chain.Block
			var err error
			for b.Loop() {
				blk, o, _, err = c.Build(context.Background(), args)
				if err != nil {
					b.Fatal(err)
				}
			}
			ok := 0
			for _, r := range o.Receipts {
				ok += int(r.Status)
			}
			gas := float64(blk.Header.GasUsed)
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/gas, "ns/gas")
			b.ReportMetric(gas/1e6, "Mgas")
			b.ReportMetric(float64(len(o.Receipts)), "txs")
			b.ReportMetric(float64(ok), "succeeded")
		})
	}
}
