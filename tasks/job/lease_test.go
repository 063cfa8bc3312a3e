package job_test

import (
	"strings"
	"testing"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/tasks/job"
	"github.com/aiwork/aiwork-node/tasks/registry"
)

// Leases by speed, second workers, scores, asks and posted prices, each by the contract's rules.

// offers lets a worker say how fast it is, and what it asks.
func (w *world) offers(a chain.Address, speed, askTokens uint64) {
	w.t.Helper()
	w.must(w.send(a, chain.AddrRegistry, none, registry.PackOffer([]chain.Hash{model}, []uint64{speed}, []uint256.Int{*tokens(askTokens)}, nil)))
}

func (w *world) worker(a chain.Address) registry.Info {
	w.t.Helper()
	info, found, err := registry.Load(w, a)
	w.nil(err)
	if !found {
		w.t.Fatalf("no worker %v", a)
	}
	return info
}

// JOB-15: a lease lasts as long as the worker's own speed and what it has already ask for, within the limits.
func TestLeaseTime(t *testing.T) {
	for _, c := range []struct {
		name                         string
		held, backlog, own, measured uint64
		lasts                        uint64
		ok                           bool
	}{
		{"not measured, the first", 0, 0, 0, 0, 20_000, true},
		{"not measured, the fourth", 3, 60_000, 0, 0, 80_000, true},
		{"not measured, the fifth", 4, 80_000, 0, 0, 0, false},
		{"fast", 0, 0, 1000, 1, 13_000, true},
		{"fast, with work for 9 s", 9, 9000, 1000, 1, 40_000, true},
		{"work for as long as a lease", 19, 19_500, 1000, 1, 0, false},
		{"as many as there may be", 16, 160, 10, 1, 0, false},
		{"slow, with nothing else to do", 0, 0, 70_000, 1, 80_000, true},
		{"too slow by its own word", 0, 0, 80_001, 1, 0, false},
		{"slow, with something else to do", 1, 10, 30_000, 1, 0, false},
	} {
		lasts, ok := job.LeaseTime(20_000, c.held, c.backlog, c.own, c.measured == 1)
		if ok != c.ok || ok && lasts != c.lasts {
			t.Errorf("%s: got %d ms, %v, want %d, %v", c.name, lasts, ok, c.lasts, c.ok)
		}
	}
}

// A worker twice as fast holds twice the work; none holds more than it can do in a lease by its own word.
func TestLeasesFollowSpeed(t *testing.T) {
	w := newWorld(t, 4, 2)
	w.keeper()
	slow, fast := w.workers[0], w.workers[1]
	w.offers(slow, 720, 0)  // 5 s an item: 4 fit 20 s
	w.offers(fast, 1440, 0) // 2.5 s: 8
	s := w.spec(20, 1_000_000)
	s.BatchItems = 1
	id := w.create(s)
	w.sessions(2)
	for i := range uint32(20) {
		_ = w.send(account("keeper", 0), chain.AddrJobs, none, job.PackPoke(id, i))
	}
	a, b := w.worker(slow), w.worker(fast)
	if a.Leases != 4 || b.Leases != 8 || a.BacklogMs != 20_000 || b.BacklogMs != 20_000 {
		t.Errorf("leases: got %d (%d ms) and %d (%d ms), want 4 and 8 of 20,000 ms each", a.Leases, a.BacklogMs, b.Leases, b.BacklogMs)
	}
}

// hedged leads a batch to where its worker is late and a second one has it too.
func hedged(t *testing.T) (w *world, b job.Batch) {
	w = newWorld(t, 4, 3)
	w.keeper()
	b = w.until(job.Assigned, &agents{})
	w.wait(b.HedgeMs - w.block.ParentTimeMs)
	w.poke(b.Job, 0)
	if res := w.send(w.requester, chain.AddrJobs, none, job.PackPoke(b.Job, 0)); res.Err == nil {
		t.Fatal("a second worker is drawn before its seed is there")
	}
	w.sessions(2)
	w.poke(b.Job, 0)
	b = w.batch(b.Job, 0)
	if !b.Hedged || b.Second.Worker == b.Worker || b.State != job.Assigned {
		t.Fatalf("batch: %+v, want a second worker", b)
	}
	return w, b
}

func (w *world) commits(who chain.Address, b *job.Batch) {
	w.t.Helper()
	mine := *b
	mine.Worker = who
	root := job.Root(b.Place(w.block.Genesis), who, b.First, salt(who, &mine), w.outputs(&agents{}, &mine))
	w.ask(who, "commit", job.PackCommit(b.Job, b.Index, root, uint32(b.Count)))
}

// JOB-23: whoever commits first does the batch. The late worker loses score, not bond; the second one loses nothing.
func TestHedge(t *testing.T) {
	for _, first := range []bool{false, true} {
		w, b := hedged(t)
		winner, loser := b.Second.Worker, b.Worker
		if first {
			winner, loser = loser, winner
		}
		before := w.worker(loser)
		w.commits(winner, &b)
		after := w.worker(loser)
		if after.Bond != before.Bond || after.Leases != 0 || !after.Exposure.IsZero() || after.MissedCount != 0 {
			t.Errorf("loser: %+v, want its bond whole and free", after.Worker)
		}
		wantScore, wantLate := uint16(registry.ScoreFull-registry.ScoreFull/8), uint32(1)
		if first {
			wantScore, wantLate = registry.ScoreFull, 0
		}
		if after.Score != wantScore || after.LateCount != wantLate {
			t.Errorf("loser: score %d, %d late; want %d and %d", after.Score, after.LateCount, wantScore, wantLate)
		}
		if res := w.send(loser, chain.AddrJobs, none, job.PackCommit(b.Job, 0, chain.Hash{1}, 3)); res.Err == nil {
			t.Error("the second commitment is taken too")
		}
		j := w.finish(&agents{}, b.Job)
		if done := w.batch(b.Job, 0); done.State != job.Settled || done.Worker != winner || done.Attempt != 0 || j.PaidWorkers.IsZero() {
			t.Errorf("batch: %+v, want it settled by %v", done, winner)
		}
	}
}

// The late worker's lease runs out, or it gives the batch back: the second goes on in the same attempt. And the other way round.
func TestHedgeOutlives(t *testing.T) {
	w, b := hedged(t)
	w.wait(b.DeadlineMs - w.block.ParentTimeMs)
	w.poke(b.Job, 0)
	after := w.batch(b.Job, 0)
	if after.State != job.Assigned || after.Hedged || after.Worker != b.Second.Worker || after.Attempt != 0 || after.DeadlineMs != b.Second.DeadlineMs {
		t.Fatalf("batch: %+v, want it with the second worker", after)
	}
	if late := w.worker(b.Worker); late.MissedCount != 1 || late.Leases != 0 || !late.Bond.Lt(tokens(1000)) {
		t.Errorf("late worker: %+v, want one lease missed and fined", late.Worker)
	}
	w.commits(after.Worker, &after)
	w.finish(&agents{}, b.Job)

	w, b = hedged(t)
	w.ask(b.Second.Worker, "release", job.PackRelease(b.Job, 0, job.Overloaded))
	after = w.batch(b.Job, 0)
	if after.State != job.Assigned || after.Hedged || after.Worker != b.Worker || after.HedgeMs != 0 {
		t.Errorf("batch: %+v, want it with the first worker alone", after)
	}
	w.commits(b.Worker, &after)
	w.finish(&agents{}, b.Job)
}

// JOB-23: a second worker has another owner than the first, and nothing else to do.
func TestNoHedge(t *testing.T) {
	w := newWorld(t, 4, 0)
	w.keeper()
	till := w.fund(account("till", 0))
	for i := range 2 {
		w.enlist(w.fund(account("twin", i)), till, tokens(1000))
	}
	b := w.until(job.Assigned, &agents{})
	w.wait(b.HedgeMs - w.block.ParentTimeMs)
	w.poke(b.Job, 0)
	w.sessions(2)
	if res := w.send(w.requester, chain.AddrJobs, none, job.PackPoke(b.Job, 0)); res.Err == nil {
		t.Errorf("the second worker is %v, of the same owner", w.batch(b.Job, 0).Second.Worker)
	}
	busy := w.fund(account("busy", 0))
	w.enlist(busy, busy, tokens(1000))
	w.must(w.send(w.workers[0], chain.AddrRegistry, none, registry.PackDrain()))
	w.must(w.send(w.workers[1], chain.AddrRegistry, none, registry.PackDrain()))
	other := w.create(w.spec(1, 1_000_000))
	w.sessions(2)
	w.poke(other, 0)
	if got := w.batch(other, 0).Worker; got != busy {
		t.Fatalf("worker: got %v, want the third", got)
	}
	if res := w.send(w.requester, chain.AddrJobs, none, job.PackPoke(b.Job, 0)); res.Err == nil {
		t.Errorf("the second worker is busy with another batch")
	}
}

// REG-9: the score falls with what is missed and rises with what passes, within its bounds; it outlives leaving.
func TestScore(t *testing.T) {
	w := newWorld(t, 4, 1)
	w.keeper()
	a := w.workers[0]
	never := &agents{commits: func(chain.Address) bool { return false }}
	for range 3 {
		id := w.create(w.spec(1, 1_000_000))
		for w.job(id).State.Live() {
			w.act(never, id, 0)
		}
	}
	if got := w.worker(a).Score; got != registry.ScoreMin {
		t.Errorf("after 12 missed leases: score %d, want %d", got, registry.ScoreMin)
	}
	w.resetWorker(a)
	low := w.worker(a).Score
	if low != registry.ScoreMin {
		t.Errorf("after leaving and coming back: score %d, want %d", low, registry.ScoreMin)
	}
	for n := range 80 {
		w.finish(&agents{}, w.create(w.spec(1, 1_000_000)))
		got := w.worker(a)
		if got.Score <= low && got.Score != registry.ScoreFull || got.Passed != uint32(n+1) {
			t.Fatalf("after %d passed: score %d after %d, %d counted", n+1, got.Score, low, got.Passed)
		}
		low = got.Score
	}
	if low < registry.ScoreFull*95/100 {
		t.Errorf("after 80 passed: score %d, want it almost full", low)
	}
}

// JOB-20: of two workers with equal bonds one has missed all; as long as it does, most of the work goes to the other.
func TestScoreTurnsWorkAway(t *testing.T) {
	w := newWorld(t, 4, 2)
	w.keeper()
	bad := w.workers[0]
	ag := &agents{commits: func(a chain.Address) bool { return a != bad }}
	first := map[chain.Address]int{}
	for range 60 {
		id := w.create(w.spec(1, 1_000_000))
		for w.batch(id, 0).State != job.Assigned {
			w.act(ag, id, 0)
		}
		first[w.batch(id, 0).Worker]++
		w.finish(ag, id)
	}
	if got := first[bad]; got == 0 || got > 20 {
		t.Errorf("the worker that misses all was drawn first %d times of 60, want some, and at most 20", got)
	}
}

// JOB-22: asks move the posted price, a queue raises it, a job below it is refused with the price, and nobody works below its ask.
func TestPostedPrice(t *testing.T) {
	w := newWorld(t, 4, 3)
	w.keeper()
	price := func() uint256.Int {
		p, _, err := job.LoadPrice(w, model)
		w.nil(err)
		return p
	}
	if p := price(); !p.IsZero() {
		t.Errorf("nobody asks for anything: price %s", p.Dec())
	}
	for i, ask := range []uint64{1, 2, 8} {
		w.offers(w.workers[i], 60, ask)
	}
	ask, _ := registry.BucketOf(tokens(2))
	median := registry.AskOf(ask)
	if p := price(); p != median || median.Lt(tokens(2)) || new(uint256.Int).Mul(&median, uint256.NewInt(4)).Gt(tokens(10)) {
		t.Errorf("median of 1, 2 and 8: got %s, want %s, 2 rounded up by a quarter at most", p.Dec(), median.Dec())
	}
	s := w.spec(1, 1_000_000)
	res := w.send(w.requester, chain.AddrJobs, tokens(100), job.PackCreate(s))
	if res.Err == nil || !strings.Contains(res.Err.Error(), "posted price of "+median.Dec()) {
		t.Errorf("a job at one token: got %v, want the posted price of %s named", res.Err, median.Dec())
	}
	// 30 items at 180 an hour are ten minutes: once the median more.
	s = w.spec(30, 1_000_000)
	s.Price = median
	id := w.create(s)
	if p, want := price(), new(uint256.Int).Lsh(&median, 1); p != *want {
		t.Errorf("with ten minutes of work in the queue: got %s, want %s", p.Dec(), want.Dec())
	}
	w.sessions(2)
	for i := range uint32(w.job(id).Batches) {
		_ = w.send(account("keeper", 0), chain.AddrJobs, none, job.PackPoke(id, i))
		if b := w.batch(id, i); b.Worker == w.workers[2] {
			t.Errorf("batch %d went to a worker that asks for more", i)
		}
	}
	w.must(w.send(w.requester, chain.AddrJobs, none, job.PackCancel(id)))
	if p := price(); p != median {
		t.Errorf("with an empty queue: got %s, want %s", p.Dec(), median.Dec())
	}
	for _, a := range w.workers {
		w.must(w.send(a, chain.AddrRegistry, none, registry.PackDrain()))
	}
	if m, err := registry.LoadMarket(w, model); err != nil || m != (registry.Market{}) {
		t.Errorf("market without active workers: got %+v, %v, want nothing", m, err)
	}
}

// A queue however long multiplies the median by PriceRiseMax at most, and nothing overflows.
func TestPriceIsCapped(t *testing.T) {
	for _, c := range []struct{ capacity, depth, want uint64 }{
		{0, 1 << 20, 1000},
		{6, 0, 1000},
		{6, 1, 2000},
		{60, 5, 1500},
		{6, 7, 8000},
		{1, 1 << 20, 8000},
		{1 << 40, 1 << 20, 1000},
	} {
		m := registry.Market{Servers: 1, Capacity: c.capacity, Ask: *uint256.NewInt(1000)}
		if got := job.PostedPrice(&m, c.depth); got.Uint64() != c.want {
			t.Errorf("%d waiting, %d an hour: got %s, want %d", c.depth, c.capacity, got.Dec(), c.want)
		}
	}
}

// JOB-21: without a share in the job each batch gets that of its worker, what is not spent of the audit line goes back, and the
// bond that it stands on follows the share.
func TestShareByFormula(t *testing.T) {
	w := newWorld(t, 4, 1)
	w.keeper()
	a := w.workers[0]
	for range 60 {
		s := w.spec(1, 1_000_000)
		s.Price = *uint256.NewInt(1000)
		w.finish(&agents{}, w.create(s))
	}
	s := w.spec(32, 0)
	s.BatchItems = 16
	terms := w.quote(s)
	id := w.create(s)
	w.sessions(2)
	w.poke(id, 0)
	before := w.worker(a)
	b := w.batch(id, 0)
	fresh := registry.Worker{Bond: before.Bond, Passed: before.Passed}
	want := job.Share(&w.params.Jobs, &s.Price, 16, &fresh)
	value := new(uint256.Int).Mul(&s.Price, uint256.NewInt(16))
	if need := registry.Collateral(value, uint64(want)); b.AuditPpm != want || b.Collateral != need || before.Exposure != need {
		t.Errorf("batch: share %d on %s of the bond, want %d on %s", b.AuditPpm, b.Collateral.Dec(), want, need.Dec())
	}
	if want >= 1_000_000 || want < uint32(w.params.Jobs.AuditSharePpm) {
		t.Errorf("share: got %d, want less than all and the chain's %d at least", want, w.params.Jobs.AuditSharePpm)
	}
	w.poke(id, 1)
	if second := w.batch(id, 1); second.AuditPpm < b.AuditPpm {
		t.Errorf("share with less bond free: got %d after %d", second.AuditPpm, b.AuditPpm)
	}
	j := w.finish(&agents{}, id)
	sampled := 0
	for i := range uint32(2) {
		b := w.batch(id, i)
		sampled += len(job.Sampled(b.Sample))
		if got := len(job.Sampled(b.Sample)); got != job.SampleSize(16, uint64(b.AuditPpm)) {
			t.Errorf("batch %d: %d items sampled at %d ppm", i, got, b.AuditPpm)
		}
	}
	if !j.PaidAuditors.Lt(&terms.Audits) || sampled == 32 || j.Refunded.IsZero() {
		t.Errorf("audits: %s of %s paid for %d of 32 items, %s refunded", j.PaidAuditors.Dec(), terms.Audits.Dec(), sampled, j.Refunded.Dec())
	}
}
