package compute

import (
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/tasks/job"
	"github.com/aiwork/aiwork-node/vm/native"
)

// LoadUnsettled lists the batches of others whose results lie open and are not settled: whoever doubts one may dispute it. Batches that are
// disputed already are among them.
func LoadUnsettled(r native.SlotReader, who chain.Address) ([]Task, error) {
	out := []Task{}
	live, err := job.Live(r, 0, job.LiveMax)
	if err != nil {
		return nil, err
	}
	for _, id := range live {
		j, err := job.Load(r, id)
		if err != nil {
			return nil, err
		}
		batches, err := job.LoadBatches(r, id)
		if err != nil {
			return nil, err
		}
		for i := range batches {
			b := &batches[i]
			if !liesOpen(b) || b.Worker == who {
				continue
			}
			t := taskOf(&j, b)
			t.Role = RoleWatcher
			if err := t.addItems(r, b); err != nil {
				return nil, err
			}
			out = append(out, t)
		}
	}
	return out, nil
}

func liesOpen(b *job.Batch) bool {
	return b.Opened && (b.State == job.Revealing || b.State == job.Auditing || b.State == job.Disputed)
}
