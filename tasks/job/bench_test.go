package job_test

import (
	"testing"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/tasks/job"
	"github.com/aiwork/aiwork-node/tasks/registry"
	"github.com/aiwork/aiwork-node/vm/native"
)

// What the contract's calls take on a state in memory, each taken back after it ran.
func BenchmarkCall(b *testing.B) {
	run := func(name string, stage func(w *world) native.Frame) {
		b.Run("method="+name, func(b *testing.B) {
			w := newWorld(b, 4, 4)
			w.keeper()
			f := stage(w)
			f.Self, f.Gas = chain.AddrJobs, gasPerCall
			w.undo = true
			for b.Loop() {
				if res := w.call(f); res.Err != nil {
					b.Fatal(res.Err)
				}
			}
			b.ReportMetric(float64(w.lastGas), "gas/op")
		})
	}
	run("createJob", func(w *world) native.Frame {
		s := w.spec(8, 0)
		t := w.quote(s)
		return native.Frame{Caller: w.requester, Value: t.Total, Input: job.PackCreate(s)}
	})
	run("poke/draw=audit", func(w *world) native.Frame {
		batch := w.until(job.Committed, &agents{})
		w.sessions(2)
		return native.Frame{Caller: w.requester, Input: job.PackPoke(batch.Job, 0)}
	})
	run("commit", func(w *world) native.Frame {
		batch := w.until(job.Assigned, &agents{})
		return native.Frame{Caller: batch.Worker, Input: job.PackCommit(batch.Job, 0, chain.Hash{1}, 3)}
	})
	run("open", func(w *world) native.Frame {
		batch := w.until(job.Opening, &agents{})
		return native.Frame{Caller: batch.Worker, Input: job.PackOpen(batch.Job, 0, salt(batch.Worker, &batch), w.outputs(&agents{}, &batch))}
	})
	// The dearest draws: a full roster, nobody with room; and as many validators as there can be.
	run("poke/draw=worker/workers=1000", func(w *world) native.Frame {
		w.many(1000)
		s := w.spec(1, 0)
		id := w.create(s)
		w.sessions(2)
		w.wait(job.RetryMs)
		return native.Frame{Caller: w.requester, Input: job.PackPoke(id, 0)}
	})
}

// many registers n more workers, of another model.
func (w *world) many(n int) {
	for i := range n {
		a := w.fund(account("crowd", i))
		w.must(w.call(native.Frame{
			Caller: a, Self: chain.AddrRegistry, Value: *tokens(100 + uint64(i)), Gas: gasPerCall,
			Input: registry.PackRegister(a, []chain.Hash{{1}}, ""),
		}))
		w.workers = append(w.workers, a)
	}
	w.sessions(1)
}
