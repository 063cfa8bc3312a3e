package compute

import (
	"fmt"
	"testing"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/ledger/ledgertest"
	"github.com/aiwork/aiwork-node/tasks/job"
	"github.com/aiwork/aiwork-node/tasks/registry"
)

// BenchmarkAgenda reads the agenda of one who has nothing to do, and what lies open, from a ledger with as many live jobs as there may be.
func BenchmarkAgenda(b *testing.B) {
	for _, batches := range []int{1, 10} {
		w := crowded(b, batches)
		b.Run(fmt.Sprintf("jobs=%d/batches=%d", job.LiveMax, job.LiveMax*batches), func(b *testing.B) {
			view, err := w.State()
			if err != nil {
				b.Fatal(err)
			}
			defer view.Close()
			for b.Loop() { // from the state alone
				if _, err := LoadAgenda(view, chain.Address{1}, view.Height, view.Ext.TimeMs); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("book/jobs=%d/batches=%d", job.LiveMax, job.LiveMax*batches), func(b *testing.B) {
			book := NewBook(headStates{w.Ledger})
			if _, err := book.Agenda(chain.Address{1}); err != nil { // the first question reads all
				b.Fatal(err)
			}
			for n := 0; b.Loop(); n++ {
				if n%10 == 9 { // every tenth question comes after a block that has changed a job
					b.StopTimer()
					w.MustSend(w.Accounts[0], chain.AddrJobs, nil, job.PackCancel(uint64(1+n/10)))
					b.StartTimer()
				}
				if _, err := book.Agenda(chain.Address{1}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// crowded is a ledger with LiveMax jobs of so many batches.
func crowded(b *testing.B, batches int) *ledgertest.Chain {
	b.Helper()
	w := ledgertest.New(b, ledgertest.Options{Accounts: 4, Validators: 4})
	w.MustSend(w.Accounts[1], chain.AddrRegistry, ledgertest.Tokens(1000), registry.PackRegister(w.Accounts[1].Address, []chain.Hash{{9}}, ""))
	w.Blocks(40) // draws look at the weights at the end of the session
	for n := range job.LiveMax {
		spec := job.Spec{Model: chain.Hash{9}, ItemCount: uint32(batches), Price: *uint256.NewInt(1e15), AuditPpm: 1_000_000, BatchItems: 1}
		for i := range batches {
			spec.Items = append(spec.Items, chain.Hash{0xb, byte(i), byte(n), byte(n >> 8)})
		}
		w.MustSend(w.Accounts[0], chain.AddrJobs, ledgertest.Tokens(1), job.PackCreate(&spec))
	}
	return w
}
