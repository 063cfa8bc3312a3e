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
	useful   bool // a transition was made that is worth a tip: not merely a draw asked for again
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
		return w.due() && w.missed(w.fine(), LeaseOver)
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
	value := w.value()
	need := registry.Collateral(&value, uint64(w.j.AuditPpm))
	worker, found := w.choose(DrawSeed(DrawWorker, seed, w.place(), asked), asked, &need)
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
	registry.Expose(w.Call, worker, &need)
	w.b.Worker, w.b.Collateral = worker, need
	w.SetUint64(heldKey(w.j.ID, worker), 1)
	w.j.Drawing--
	w.j.Started = true
	w.enter(Assigned, registry.Lease(w.Call, worker)*w.p.LeaseMs)
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

// choose walks the drawn order and takes the first who can, best of those who have no batch of this job
// yet, then of those who have not tried this one (JOB-3).
func (w *work) choose(seed [32]byte, asked chain.Session, need *uint256.Int) (best chain.Address, found bool) {
	list, ok := registry.Candidates(w.Call, asked)
	if !ok {
		return best, false
	}
	runners := make([]Runner, 0, len(list))
	for _, c := range list {
		runners = append(runners, Runner(c))
	}
	if !w.Charge(native.GasStep * uint64(len(runners)) * 8) {
		return best, false
	}
	cluster := [2]chain.Address{w.j.Requester, registry.Get(w.Call, w.j.Requester).Payout}
	order, bestRank := NewOrder(seed, runners), 3
	for range WalkMax {
		r, more := order.Next()
		if !more || w.Failed() || !w.Charge(native.GasStep*uint64(1+len(runners)/16)) {
			break
		}
		if rank := w.rank(r.Address, cluster, need); rank < bestRank {
			best, found, bestRank = r.Address, true, rank
		}
		if bestRank == 0 {
			break
		}
	}
	return best, found && !w.Failed()
}

// rank tells how welcome a worker is: 0 is best, 3 means that it cannot take the batch.
func (w *work) rank(a chain.Address, cluster [2]chain.Address, need *uint256.Int) int {
	rec := registry.Get(w.Call, a)
	if related(a, cluster) || related(rec.Payout, cluster) || !registry.Room(w.Call, &rec, need) ||
		!registry.Serves(w.Call, a, w.j.Model) || registry.Leases(w.Call, a) >= LeasesMax {
		return 3
	}
	switch tried := w.Uint64(triedKey(&w.b, a)); {
	case tried == uint64(Wrong)+1 || tried == uint64(Unopened)+1:
		return 3
	case tried != 0:
		return 2
	}
	return int(w.Uint64(heldKey(w.j.ID, a)))
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

// missed takes the batch from a worker that did not commit.
func (w *work) missed(fine *uint256.Int, why Reason) bool {
	registry.Unlease(w.Call, w.b.Worker)
	lost := registry.Miss(w.Call, w.b.Worker, fine)
	w.Burn(&lost)
	logReleased(w.Call, &w.b, &lost, why)
	w.again(Missed)
	return true
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
