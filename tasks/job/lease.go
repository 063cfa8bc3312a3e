package job

import (
	"math"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/consensus/poi/beacon"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/tasks/registry"
	"github.com/aiwork/aiwork-node/vm/native"
)

// drawn is a worker that could take a batch, and what that comes to.
type drawn struct {
	worker  chain.Address
	share   uint32      // of the batch's items that will be audited
	need    uint256.Int // of its bond
	loadMs  uint32      // that it will take by its own word
	leaseMs uint64
}

// The ranks of drawn workers; the lowest is best.
const (
	rankFresh  = iota // has no batch of this job
	rankHeld          // has had one
	rankPassed        // its score has it passed over, if there is another
	rankTried         // has tried this batch
	rankCannot
)

// choose walks the drawn order and takes the first of the best rank (JOB-3).
func (w *work) choose(seed [32]byte, asked chain.Session, rank func([32]byte, chain.Address, *drawn) int) (best drawn, found bool) {
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
	order, bestRank := NewOrder(seed, runners), rankCannot
	for range WalkMax {
		r, more := order.Next()
		if !more || w.Failed() || !w.Charge(native.GasStep*uint64(1+len(runners)/16)) {
			break
		}
		d := drawn{worker: r.Address}
		if got := rank(seed, r.Address, &d); got < bestRank {
			best, found, bestRank = d, true, got
		}
		if bestRank == rankFresh {
			break
		}
	}
	return best, found && !w.Failed()
}

// rank tells how welcome a worker is, and fills in what the batch would come to with it.
func (w *work) rank(seed [32]byte, a chain.Address, d *drawn) int {
	rec := registry.Get(w.Call, a)
	offer := registry.OfferOf(w.Call, a, w.j.Model)
	ask := offer.Ask()
	cluster := [2]chain.Address{w.j.Requester, registry.Get(w.Call, w.j.Requester).Payout}
	if related(a, cluster) || related(rec.Payout, cluster) || !offer.Serves || w.j.Price.Lt(&ask) ||
		!w.bind(&rec, d) || !w.lease(&offer, d) || !w.Charge(native.GasHash+2*native.GasHashWord) {
		return rankCannot
	}
	tried := w.Uint64(triedKey(&w.b, a))
	switch {
	case tried == uint64(Wrong)+1 || tried == uint64(Unopened)+1:
		return rankCannot
	case tried != 0:
		return rankTried
	case PassesOver(seed, a, rec.Score):
		return rankPassed
	case w.Uint64(heldKey(w.j.ID, a)) != 0:
		return rankHeld
	}
	return rankFresh
}

// bind works out the audit share of the batch with a worker (JOB-21), and whether its bond carries the batch then (REG-4).
func (w *work) bind(rec *registry.Worker, d *drawn) bool {
	d.share = w.j.AuditPpm
	if d.share == 0 {
		d.share = Share(w.p, &w.j.Price, uint64(w.b.Count), rec)
	}
	value := w.value()
	d.need = registry.Collateral(&value, uint64(d.share))
	return registry.Room(w.Call, rec, &d.need)
}

// lease works out how long a lease would last (JOB-15), and whether the worker has time for one more.
func (w *work) lease(offer *registry.Offer, d *drawn) bool {
	held, backlog := registry.Leases(w.Call, d.worker)
	own, measured := offer.TimeMs(uint64(w.b.Count))
	lasts, ok := LeaseTime(w.p.LeaseMs, held, backlog, own, measured)
	if !measured {
		own = w.p.LeaseMs
	}
	d.loadMs, d.leaseMs = uint32(min(own, math.MaxUint32)), lasts
	return ok
}

// LeaseTime gives how long a lease on one more batch lasts for a worker that holds some which take backlogMs by its own
// word, and whether it gets one (JOB-15). The batch takes ownMs by its word; measured is false where it has given none.
func LeaseTime(leaseMs, held, backlogMs, ownMs uint64, measured bool) (lastsMs uint64, ok bool) {
	if !measured {
		return (held + 1) * leaseMs, held < LeasesMax
	}
	most := LeaseSpanMax * leaseMs
	if ownMs > most || held > 0 && (held >= LeasesFastMax || backlogMs+ownMs > leaseMs) {
		return 0, false
	}
	return min(leaseMs/2+3*(backlogMs+ownMs), most), true
}

// take gives a batch to a drawn worker, and tells how long its lease lasts.
func (w *work) take(d *drawn) (lastsMs uint64) {
	registry.Expose(w.Call, d.worker, &d.need)
	registry.Lease(w.Call, d.worker, uint64(d.loadMs))
	w.SetUint64(heldKey(w.j.ID, d.worker), 1)
	return d.leaseMs
}

// leased makes the transitions of a batch that workers have leases on.
func (w *work) leased() bool {
	switch {
	case w.b.Hedged && w.Now() >= w.b.Second.DeadlineMs:
		return w.missed(w.b.Second.Worker, w.fine(), LeaseOver)
	case w.due():
		return w.missed(w.b.Worker, w.fine(), LeaseOver)
	case w.b.HedgeMs == 0 || w.Now() < w.b.HedgeMs || w.j.State != Open:
		return false
	case w.b.HedgeAsked == 0:
		return w.askSecond(true)
	}
	return w.drawSecond()
}

// askSecond asks for a draw of a second worker.
func (w *work) askSecond(useful bool) bool {
	w.b.HedgeAsked = w.Block().Session
	w.useful = w.useful || useful
	setAsked(w.Call)
	return true
}

// drawSecond gives a batch whose worker is late to a second one as well, who has nothing else to do (JOB-23). As long as there
// is none it waits.
func (w *work) drawSecond() bool {
	now, asked := w.Block().Session, w.b.HedgeAsked
	if now < asked+beacon.Lookahead {
		return false
	}
	seed, known := beacon.SeedIn(w.Call, asked+beacon.Lookahead)
	if !known || now > asked+registry.SnapshotSessions {
		return w.askSecond(false)
	}
	first := registry.Get(w.Call, w.b.Worker)
	owner := [2]chain.Address{w.b.Worker, first.Payout}
	d, found := w.choose(DrawSeed(DrawSecond, seed, w.place(), asked), asked, func(seed [32]byte, a chain.Address, d *drawn) int {
		held, _ := registry.Leases(w.Call, a)
		if held > 0 || related(a, owner) || related(registry.Get(w.Call, a).Payout, owner) {
			return rankCannot
		}
		return w.rank(seed, a, d)
	})
	if !found || w.Failed() {
		return false
	}
	lasts := w.take(&d)
	w.b.Hedged, w.b.HedgeMs = true, 0
	w.b.Second = Second{Worker: d.worker, DeadlineMs: w.Now() + lasts, LoadMs: d.loadMs, AuditPpm: d.share, Collateral: d.need}
	w.useful = true
	setDue(w.Call, w.b.Second.DeadlineMs)
	logHedged(w.Call, &w.b)
	return true
}

// promote makes the second worker the first; whoever was the first is done with.
func (w *work) promote() {
	s := &w.b.Second
	w.b.Worker, w.b.Collateral, w.b.AuditPpm, w.b.LoadMs, w.b.DeadlineMs = s.Worker, s.Collateral, s.AuditPpm, s.LoadMs, s.DeadlineMs
	w.b.Hedged, w.b.Second = false, Second{}
}

// first settles a hedge when the caller commits: the other is let go, with its lease and bond free and without a fine. One
// that was late and lost to its second loses score.
func (w *work) first() {
	if !w.b.Hedged {
		return
	}
	other, load, need := w.b.Second.Worker, w.b.Second.LoadMs, w.b.Second.Collateral
	if w.Caller() == other {
		other, load, need = w.b.Worker, w.b.LoadMs, w.b.Collateral
		registry.Late(w.Call, other)
		w.promote()
	}
	registry.Unlease(w.Call, other, uint64(load))
	registry.Release(w.Call, other, &need)
	w.b.Hedged, w.b.Second = false, Second{}
	logDropped(w.Call, &w.b, other)
}

// missed takes the batch from a worker that did not commit. If there is another at it, the attempt goes on.
func (w *work) missed(who chain.Address, fine *uint256.Int, why Reason) bool {
	load, need := w.b.LoadMs, w.b.Collateral
	second := w.b.Hedged && who == w.b.Second.Worker
	if second {
		load, need = w.b.Second.LoadMs, w.b.Second.Collateral
	}
	registry.Unlease(w.Call, who, uint64(load))
	lost := registry.Miss(w.Call, who, fine, why != InputMissing)
	w.Burn(&lost)
	logReleased(w.Call, &w.b, who, &lost, why)
	if !w.b.Hedged {
		w.again(Missed)
		return true
	}
	registry.Release(w.Call, who, &need)
	w.SetUint64(triedKey(&w.b, who), uint64(Missed)+1)
	if second {
		w.b.Hedged, w.b.Second = false, Second{}
	} else {
		w.promote()
	}
	w.useful = true
	return true
}
