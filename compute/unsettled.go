package compute

import (
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/tasks/job"
	"github.com/aiwork/aiwork-node/vm/native"
)

// LoadUnsettled lists the batches of others whose results lie open and are not settled: whoever doubts one may dispute it. Batches that are
// disputed already are among them.
func LoadUnsettled(r native.SlotReader, who chain.Address) ([]Task, error) {
	return readUnsettled(plain(r), who)
}

func readUnsettled(s source, who chain.Address) ([]Task, error) {
	out := []Task{}
	err := s.each(func(p *page) error {
		for i := range p.batches {
			b := &p.batches[i]
			if !liesOpen(b) || b.Worker == who {
				continue
			}
			t := taskOf(&p.job, b)
			t.Role = RoleWatcher
			if err := t.addItems(s.r, b); err != nil {
				return err
			}
			out = append(out, t)
		}
		return nil
	})
	return out, err
}

func liesOpen(b *job.Batch) bool {
	return b.Opened && (b.State == job.Revealing || b.State == job.Auditing || b.State == job.Disputed)
}
