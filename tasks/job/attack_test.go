package job_test

import (
	"testing"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/tasks/job"
	"github.com/aiwork/aiwork-node/tasks/registry"
)

// Attacks on the market that once went through, each played by the contract's rules.

// A worker that withholds the opening fails alone: who gets the batch after it is heard like any other.
func TestWithheldOpeningTaintsNobodyElse(t *testing.T) {
	w := newWorld(t, 4, 4)
	var withholder chain.Address
	first := &agents{opens: func(a chain.Address) bool {
		if withholder.IsZero() {
			withholder = a
		}
		return a != withholder
	}}
	s := w.spec(3, 0)
	s.BatchItems = 3
	id := w.create(s)
	w.finish(first, id)
	if b := w.batch(id, 0); b.State != job.Settled || b.Verdict != job.Passed || b.Attempt != 1 {
		t.Errorf("batch: got %v, %v after attempt %d, want settled, passed after attempt 1", b.State, b.Verdict, b.Attempt)
	}
	for _, a := range w.workers {
		info, _, err := registry.Load(w, a)
		w.nil(err)
		if got, want := info.SlashCount > 0, a == withholder; got != want {
			t.Errorf("worker %x: slashed %v, want %v", a[:4], got, want)
		}
	}
}
