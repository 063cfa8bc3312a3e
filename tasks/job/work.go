package job

import (
	"math/bits"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/consensus/poi/beacon"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/must"
	"github.com/aiwork/aiwork-node/tasks/registry"
	"github.com/aiwork/aiwork-node/vm/native"
)

// work is one call's hold on a batch and its job: both are read once, changed, and written once.
type work struct {
	*native.Call
	p        *chain.JobParams
	j        Job
	b        Batch
	jobRaw   []byte
	batchRaw []byte
	second   []byte // as it was stored
	useful   bool   // a transition was made that is worth a tip: not merely a draw asked for again
}

// begin reads a batch and does what is due at it, so that whoever touches a batch finds it as it is at
// this time (JOB-6). ok is false when the call has failed.
func begin(c *native.Call, id uint64, index uint32) (w *work, moved, ok bool) {
	w = &work{Call: c, p: &c.Block().Params.Jobs}
	w.j, w.jobRaw = loadJob(c, id)
	if !c.Require(w.j.State != Missing, "jobs: no such job") ||
		!c.Require(index < uint32(w.j.Batches), "jobs: no such batch") {
		return w, false, false
	}
	w.b, w.batchRaw = loadBatch(c, id, index)
	if w.b.Hedged {
		w.second = w.b.Second.encode()
	}
	for range StepsMax {
		if c.Failed() || !w.step() {
			break
		}
		moved = true
	}
	return w, moved, !c.Failed()
}

// end writes what has changed.
func (w *work) end() {
	if w.Failed() {
		return
	}
	w.SetRecord(jobKey(w.j.ID), w.jobRaw, w.j.encode())
	w.SetRecord(batchKey(w.j.ID, w.b.Index), w.batchRaw, w.b.encode())
	if w.b.Hedged && w.second == nil {
		w.SetRecord(secondKey(w.j.ID, w.b.Index), nil, w.b.Second.encode())
	}
}

// step makes one transition that is due, and reports whether there was one.
func (w *work) step() bool {
	if w.intakeOver() {
		stop(w.Call, &w.j)
		return true
	}
	switch w.b.State {
	case Drawing:
		return w.j.State == Open && w.drawWorker()
	case Assigned:
		return w.leased()
	case Committed:
		return w.drawAudit()
	case Auditing:
		return (w.due() || w.b.Sealed == full(w.b.Auditors)) && w.sealed()
	case Opening:
		return w.due() && w.reveal()
	case Revealing:
		return w.due() && w.decide()
	case Disputed:
		return w.disputed()
	}
	return false
}

// full gives the set of the first n auditors.
func full(n uint8) uint64 { return 1<<n - 1 }

// intakeOver reports whether the job takes no work any more because its deadline has passed.
func (w *work) intakeOver() bool {
	return (w.j.State == Open || w.j.State == Filling) && w.Now() >= w.j.DeadlineMs
}

func (w *work) due() bool { return w.Now() >= w.b.DeadlineMs }

// auditingKey is where the sampled items of all batches in Auditing are counted.
func auditingKey() chain.Hash { return native.Key("auditing") }

// move gives the batch another state, and keeps the count of what waits for auditors.
func (w *work) move(s BatchState) {
	before := w.b.State
	w.b.State = s
	if (before == Auditing) == (s == Auditing) || w.Failed() {
		return
	}
	items, waiting := uint64(bits.OnesCount64(w.b.Sample)), w.Uint64(auditingKey())
	if w.Failed() {
		return
	}
	if s == Auditing {
		w.SetUint64(auditingKey(), waiting+items)
		return
	}
	must.Hold(waiting >= items, "job: more samples leave their audit than came")
	w.SetUint64(auditingKey(), waiting-items)
}

// enter moves the batch to a state that lasts for at most a time.
func (w *work) enter(s BatchState, lastsMs uint64) {
	w.move(s)
	w.b.DeadlineMs, w.useful = w.Now()+lastsMs, true
	setDue(w.Call, w.b.DeadlineMs)
}

// ask moves the batch to a state that waits for a draw.
func (w *work) ask(s BatchState) {
	w.move(s)
	w.b.DeadlineMs, w.b.Asked = 0, w.Block().Session
	if s == Drawing {
		w.b.DeadlineMs = w.Now() + RetryMs
	}
	setAsked(w.Call)
}

// seed gives the randomness of the open draw. wait is true while it is not there; when it can no longer
// be used the draw is asked for again, which counts as a move. Workers are known for SnapshotSessions. What
// is drawn for a commitment is not asked for again as long as the seed is kept: who does not like a sample
// must not get another one by waiting.
func (w *work) seed() (seed [32]byte, wait, again bool) {
	now := w.Block().Session
	if now < w.b.Asked+beacon.Lookahead {
		return seed, true, false
	}
	seed, known := beacon.SeedIn(w.Call, w.b.Asked+beacon.Lookahead)
	if !known || w.b.State == Drawing && now > w.b.Asked+registry.SnapshotSessions {
		w.ask(w.b.State)
		return seed, true, true
	}
	return seed, false, false
}

func (w *work) place() Place { return w.b.Place(w.Block().Genesis) }

// drawWorker gives the batch to the drawn worker. When nobody of the order can take it, it stays open to
// whoever gets room, and after RetryMs it is asked for again, so that new workers are looked at.
func (w *work) drawWorker() bool {
	seed, wait, again := w.seed()
	if wait || w.Failed() {
		return again
	}
	asked := w.b.Asked
	d, found := w.choose(DrawSeed(DrawWorker, seed, w.place(), asked), asked, w.rank)
	if w.Failed() {
		return false
	}
	if !found {
		if w.due() {
			w.ask(Drawing)
			return true
		}
		return false
	}
	lasts := w.take(&d)
	w.b.Worker, w.b.Collateral, w.b.AuditPpm, w.b.LoadMs = d.worker, d.need, d.share, d.loadMs
	w.j.Drawing--
	queue(w.Call, &w.j, -int64(w.b.Count))
	w.j.Started = true
	w.enter(Assigned, lasts)
	w.b.HedgeMs = w.Now() + lasts/2
	setDue(w.Call, w.b.HedgeMs)
	logAssigned(w.Call, &w.b)
	return true
}

// value is what the batch is worth to its worker.
func (w *work) value() (v uint256.Int) {
	v.Mul(&w.j.Price, uint256.NewInt(uint64(w.b.Count)))
	return v
}

// heldKey marks a worker that has had a batch of a job.
func heldKey(job uint64, a chain.Address) chain.Hash {
	return native.Key("held", native.U64(job), a[:])
}

// triedKey keeps how a worker's last attempt at a batch ended: its verdict plus one.
func triedKey(b *Batch, a chain.Address) chain.Hash {
	return native.Key("tried", native.U64(b.Job), native.U64(uint64(b.Index)), a[:])
}

// related reports whether an account is one of a cluster; the zero address is nobody.
func related(a chain.Address, cluster [2]chain.Address) bool {
	return !a.IsZero() && (a == cluster[0] || a == cluster[1])
}

// fine is what a missed lease costs: never more than the batch would have paid, so that nobody's bond can
// be burned by giving it more work for dust than it can do (JOB-15).
func (w *work) fine() *uint256.Int {
	fine, value := new(uint256.Int).Mul(uint256.NewInt(w.p.MissedLeaseBurn), uint256.NewInt(Gwei)), w.value()
	if value.Lt(fine) {
		fine.Set(&value)
	}
	return fine
}

// again ends an attempt without pay and draws the batch anew, unless that may not be (JOB-11).
func (w *work) again(v Verdict) {
	if w.Failed() {
		return
	}
	w.useful = true
	registry.Release(w.Call, w.b.Worker, &w.b.Collateral)
	w.SetUint64(triedKey(&w.b, w.b.Worker), uint64(v)+1)
	w.b.Verdict = v
	w.b.Collateral = uint256.Int{}
	if w.j.State != Open || uint64(w.b.Attempt) >= min(w.p.RedrawsMax, 250) {
		w.finish(Void)
		return
	}
	w.move(Waiting)
	w.b = Batch{
		Job: w.b.Job, Index: w.b.Index, Verdict: v, Attempt: w.b.Attempt + 1, First: w.b.First, Count: w.b.Count,
		Line: w.b.Line,
	}
	w.j.Drawing++
	queue(w.Call, &w.j, int64(w.b.Count))
	w.ask(Drawing)
}

// finish ends the batch for good, and the job with its last one.
func (w *work) finish(s BatchState) {
	w.move(s)
	w.b.DeadlineMs = 0
	w.j.Ended++
	logEnded(w.Call, &w.b)
	closeIfDone(w.Call, &w.j)
}
