package job_test

import (
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/tasks/job"
	"github.com/aiwork/aiwork-node/vm/native"
)

// agents say how workers and auditors behave. A nil field is an honest answer.
type agents struct {
	output   func(worker chain.Address, item uint32, honest []byte) []byte
	commits  func(worker chain.Address) bool
	opens    func(worker chain.Address) bool
	attests  func(auditor chain.Address) bool
	reveals  func(auditor chain.Address) bool
	attested func(auditor chain.Address, item uint32, honest []byte) []byte
}

func yes(f func(chain.Address) bool, a chain.Address) bool { return f == nil || f(a) }

// honest is the model: what every honest worker and auditor computes from an input.
func honest(in chain.Hash) []byte {
	sum := sha256.Sum256(append([]byte("model"), in[:]...))
	return job.Output{Result: sum[:20]}.Encode()
}

func salt(who chain.Address, b *job.Batch) chain.Hash {
	return sha256.Sum256(fmt.Appendf(nil, "salt %x %d %d %d", who, b.Job, b.Index, b.Attempt))
}

func (w *world) outputs(ag *agents, b *job.Batch) [][]byte {
	var out [][]byte
	for i := range uint32(b.Count) {
		item, err := job.LoadItem(w, b.Job, b.First+i)
		w.nil(err)
		o := honest(item.Blob)
		if ag.output != nil {
			o = ag.output(b.Worker, b.First+i, o)
		}
		out = append(out, o)
	}
	return out
}

func (w *world) sample(ag *agents, auditor chain.Address, b *job.Batch) []chain.Hash {
	var out []chain.Hash
	for _, i := range job.Sampled(b.Sample) {
		item, err := job.LoadItem(w, b.Job, b.First+uint32(i))
		w.nil(err)
		o := honest(item.Blob)
		if ag.attested != nil {
			o = ag.attested(auditor, b.First+uint32(i), o)
		}
		out = append(out, job.OutputHash(o))
	}
	return out
}

func (w *world) ask(from chain.Address, method string, input []byte) native.Result {
	w.t.Helper()
	res := w.must(w.send(from, chain.AddrJobs, none, input))
	w.note(method)
	return res
}

// act does what one batch waits for, or lets time pass; it reports whether the batch has ended.
func (w *world) act(ag *agents, id uint64, index uint32) bool {
	w.t.Helper()
	b := w.batch(id, index)
	place := b.Place(w.block.Genesis)
	switch b.State {
	case job.Drawing, job.Committed:
		w.sessions(max(0, int(b.Asked)+2-int(w.block.Session)))
		w.poke(id, index)
	case job.Assigned:
		if !yes(ag.commits, b.Worker) {
			w.late(&b)
			return false
		}
		root := job.Root(place, b.Worker, b.First, salt(b.Worker, &b), w.outputs(ag, &b))
		w.ask(b.Worker, "commit", job.PackCommit(id, index, root, uint32(b.Count)))
	case job.Auditing:
		w.auditors(ag, &b, func(a *job.Auditor) bool {
			if a.Sealed || !yes(ag.attests, a.Address) {
				return false
			}
			w.ask(a.Address, "auditCommit", job.PackAuditCommit(id, index,
				job.Attestation(place, a.Address, salt(a.Address, &b), w.sample(ag, a.Address, &b))))
			return true
		})
	case job.Opening:
		if !yes(ag.opens, b.Worker) {
			w.late(&b)
			return false
		}
		w.ask(b.Worker, "open", job.PackOpen(id, index, salt(b.Worker, &b), w.outputs(ag, &b)))
	case job.Revealing:
		w.auditors(ag, &b, func(a *job.Auditor) bool {
			if !a.Sealed || a.Revealed || !yes(ag.reveals, a.Address) {
				return false
			}
			w.ask(a.Address, "auditReveal", job.PackAuditReveal(id, index, salt(a.Address, &b), w.sample(ag, a.Address, &b)))
			return true
		})
	}
	return w.batch(id, index).State.Final()
}

// auditors lets each act; when some did not, the deadline passes and the batch is poked.
func (w *world) auditors(ag *agents, b *job.Batch, do func(*job.Auditor) bool) {
	w.t.Helper()
	list, err := job.LoadAuditors(w, b.Job, b.Index)
	w.nil(err)
	for i := range list {
		do(&list[i])
	}
	if after := w.batch(b.Job, b.Index); after.State == b.State && after.Attempt == b.Attempt && after.Auditors == b.Auditors {
		w.late(b)
	}
}

// late lets a batch's deadline pass, with a check that nothing happens before it.
func (w *world) late(b *job.Batch) {
	w.t.Helper()
	left := b.DeadlineMs - w.block.ParentTimeMs
	if _, due, err := job.Urgent(w, b.DeadlineMs-1, 1<<40); err != nil || due == 0 {
		w.t.Fatalf("deadline %d: no block is asked for (%v)", b.DeadlineMs, err)
	}
	if left > 100 {
		res := w.send(w.requester, chain.AddrJobs, none, job.PackPoke(b.Job, b.Index))
		if res.Err == nil {
			w.t.Fatalf("batch %d.%d in %v moved %d ms before its deadline", b.Job, b.Index, b.State, left)
		}
	}
	w.wait(left)
	w.poke(b.Job, b.Index)
}

func (w *world) poke(id uint64, index uint32) {
	w.t.Helper()
	w.ask(account("keeper", 0), "poke", job.PackPoke(id, index))
}

// finish drives a job to its end and gives it.
func (w *world) finish(ag *agents, id uint64) job.Job {
	w.t.Helper()
	w.keeper()
	for range 400 {
		j := w.job(id)
		if !j.State.Live() {
			return j
		}
		for i := range uint32(j.Batches) {
			if !w.batch(id, i).State.Final() && w.act(ag, id, i) {
				break
			}
		}
	}
	w.t.Fatalf("job %d does not end: %+v", id, w.job(id))
	return job.Job{}
}

// keeper makes sure that the account that pokes is counted with the others.
func (w *world) keeper() {
	k := account("keeper", 0)
	if slices.Contains(w.accounts, k) {
		return
	}
	w.fund(k)
}
