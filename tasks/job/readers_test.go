package job_test

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"github.com/aiwork/aiwork-node/consensus/poi/beacon"
	"github.com/aiwork/aiwork-node/consensus/poi/stake"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/tasks/job"
	"github.com/aiwork/aiwork-node/tasks/registry"
)

// Readers and log decoders get their bytes from nodes that may lie: nothing may panic.

// liar is a reader that makes slots up.
type liar struct {
	seed []byte
	low  bool // most bytes zero, so that counts are small and states valid
	left int  // slots until it fails
}

func (l *liar) Slot(a chain.Address, key chain.Hash) (w chain.Hash, err error) {
	if l.left--; l.left < 0 {
		return w, errors.New("gone")
	}
	sum := sha256.Sum256(slices.Concat(l.seed, a[:], key[:]))
	w = sum
	if l.low {
		for i := range w {
			if sum[(i+7)%32] > 40 {
				w[i] = 0
			} else {
				w[i] %= 9
			}
		}
	}
	return w, nil
}

func FuzzReaders(f *testing.F) {
	for i := range 20 {
		f.Add(binary.BigEndian.AppendUint64(nil, uint64(i)), i%2 == 0, uint16(4000))
	}
	f.Add([]byte("early"), true, uint16(3))
	f.Fuzz(func(t *testing.T, seed []byte, low bool, left uint16) {
		reader := func() *liar { return &liar{seed, low, int(left)} }
		job.Load(reader(), 1)
		job.LoadBatch(reader(), 1, 2)
		job.LoadBatches(reader(), 1)
		job.LoadAuditors(reader(), 1, 2)
		job.LoadItem(reader(), 1, 0)
		job.LoadItems(reader(), 1)
		job.Live(reader(), 0, 100)
		job.Urgent(reader(), 1000, 5)
		job.WantsBlob(reader(), chain.Hash{1}, 1, 1)
		registry.Load(reader(), chain.Address{1})
		registry.Addresses(reader(), 0, 100)
		stake.Validators(reader())
		beacon.Seed(reader(), 3)
	})
}

func FuzzDecodeLog(f *testing.F) {
	w := newWorld(f, 4, 2)
	id := w.create(w.spec(2, 1_000_000))
	logs := w.logs(func() { w.finish(&agents{}, id) })
	for _, l := range logs {
		var topics []byte
		for _, t := range l.Topics {
			topics = append(topics, t[:]...)
		}
		f.Add(l.Address == chain.AddrJobs, topics, l.Data)
		f.Add(l.Address == chain.AddrJobs, topics, append(slices.Clone(l.Data), 1))
	}
	f.Fuzz(func(t *testing.T, jobs bool, topics, data []byte) {
		l := chain.Log{Address: chain.AddrRegistry, Data: data}
		if jobs {
			l.Address = chain.AddrJobs
		}
		for ; len(topics) >= 32; topics = topics[32:] {
			l.Topics = append(l.Topics, chain.Hash(topics))
		}
		job.DecodeLog(&l)
		registry.DecodeLog(&l)
	})
}

// logs gathers what is logged while f runs.
func (w *world) logs(f func()) []chain.Log {
	w.keep = []chain.Log{}
	f()
	return w.keep
}

// A whole life is told by its logs: from assignment to the close, in order.
func TestLogs(t *testing.T) {
	w := newWorld(t, 4, 1)
	w.keeper()
	s := w.spec(2, 1_000_000)
	s.BatchItems = 2
	var got []job.EventKind
	for _, l := range w.logs(func() { w.finish(&agents{}, w.create(s)) }) {
		if x, ok := job.DecodeLog(&l); ok {
			got = append(got, x.Kind)
			if x.Kind == job.BatchOpened && (len(x.Outputs) != 2 || string(x.Outputs[0]) != string(honest(blob(0)))) {
				t.Errorf("opened: %+v", x)
			}
		}
	}
	want := []job.EventKind{
		job.JobCreated, job.BatchAssigned, job.BatchCommitted, job.AuditDrawn, job.AuditCommitted, job.AuditCommitted,
		job.AuditCommitted, job.BatchOpened, job.AuditRevealed, job.AuditRevealed, job.AuditRevealed, job.AuditorPaid,
		job.AuditorPaid, job.AuditorPaid, job.BatchJudged, job.WorkerPaid, job.BatchEnded, job.JobClosed,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}
