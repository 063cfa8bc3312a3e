package job_test

import (
	"testing"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/consensus/poi/beacon"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/tasks/job"
	"github.com/aiwork/aiwork-node/tasks/registry"
	"github.com/aiwork/aiwork-node/vm/native"
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

// Somebody floods workers with batches for dust, far more than they can do within a lease: what that burns
// of their bonds must not be more than what the batches would have paid.
func TestDustDoesNotBurnBonds(t *testing.T) {
	w := newWorld(t, 4, 2)
	w.keeper()
	s := w.spec(64, 1_000_000)
	s.Price, s.BatchItems = *uint256.NewInt(1), 1
	value := uint256.NewInt(64)
	id := w.create(s)
	w.sessions(2)
	for i := range uint32(64) {
		_ = w.send(account("keeper", 0), chain.AddrJobs, none, job.PackPoke(id, i))
	}
	w.wait(w.params.Jobs.LeaseMs * 100)
	for i := range uint32(64) {
		_ = w.send(account("keeper", 0), chain.AddrJobs, none, job.PackPoke(id, i))
	}
	var lost uint256.Int
	for _, a := range w.workers {
		info, _, err := registry.Load(w, a)
		w.nil(err)
		lost.Add(&lost, &info.Slashed)
	}
	t.Logf("lost %s of bonds for batches worth %s", lost.Dec(), value.Dec())
	if lost.Gt(value) {
		t.Errorf("bonds: got %s burned, want at most the pay of %s", lost.Dec(), value.Dec())
	}
}

// However much work there is, one worker holds few leases, and each lasts as long as those before it take too.
func TestLeasesQueue(t *testing.T) {
	w := newWorld(t, 4, 1)
	w.keeper()
	s := w.spec(8, 1_000_000)
	s.BatchItems = 1
	id := w.create(s)
	w.sessions(2)
	lease := w.params.Jobs.LeaseMs
	for i := range uint32(8) {
		_ = w.send(account("keeper", 0), chain.AddrJobs, none, job.PackPoke(id, i))
		b := w.batch(id, i)
		if got, want := b.State == job.Assigned, i < job.LeasesMax; got != want {
			t.Errorf("batch %d: assigned %v, want %v", i, got, want)
		}
		if got, want := b.DeadlineMs, w.block.ParentTimeMs+uint64(i+1)*lease; b.State == job.Assigned && got != want {
			t.Errorf("batch %d: lease until %d, want %d", i, got, want)
		}
	}
	// The worker takes the next one as soon as it has committed to one.
	w.act(&agents{}, id, 2)
	w.poke(id, 7)
	if b := w.batch(id, 7); b.State != job.Assigned {
		t.Errorf("batch 7: got %v after a lease was free, want assigned", b.State)
	}
	if j := w.finish(&agents{}, id); j.PaidWorkers != *tokens(8) {
		t.Errorf("paid %s, want 8 tokens", j.PaidWorkers.Dec())
	}
}

// A requester and a worker that are one party commit to inputs that nobody else can have. No validator can
// audit them, so none is at fault, also where one of them plays along.
func TestWithheldInputCostsNoAuditor(t *testing.T) {
	for _, accomplices := range []int{0, 1} {
		w := newWorld(t, 4, 2)
		plays := func(a chain.Address) bool { return accomplices > 0 && a == w.validators[0] }
		s := w.spec(2, 1_000_000)
		s.Price, s.Panel, s.BatchItems = *tokens(50), 3, 2
		w.finish(&agents{attests: plays}, w.create(s))
		for i, v := range w.validators {
			if bond := w.serviceBond(v); bond != *tokens(2000) {
				t.Errorf("%d accomplices: validator %d has a service bond of %s, want all of 2000 tokens", accomplices, i, bond.Dec())
			}
		}
	}
}

// A validator that misses audits of dust loses dust: its bond cannot be worn down for the price of gas.
func TestDustDoesNotWearServiceBonds(t *testing.T) {
	w := newWorld(t, 4, 2)
	down := w.validators[1]
	s := w.spec(2, 1_000_000)
	s.Price, s.Panel, s.BatchItems = *uint256.NewInt(100), 4, 2
	w.finish(&agents{attests: except(down)}, w.create(s))
	bond := w.serviceBond(down)
	if lost := new(uint256.Int).Sub(tokens(2000), &bond); lost.IsZero() || lost.Gt(uint256.NewInt(200)) {
		t.Errorf("missing at a batch worth 200: got %s lost, want more than 0 and at most 200", lost.Dec())
	}
}

// The more samples wait for their auditors, the more time each has; at a limit the next one is not drawn yet.
func TestAuditsQueue(t *testing.T) {
	w := newWorld(t, 4, 16)
	w.keeper()
	s := w.spec(32, 1_000_000)
	s.BatchItems = 32
	window := w.params.Jobs.AuditCommitMs
	var jobs []uint64
	for range 9 {
		jobs = append(jobs, w.create(s))
	}
	for _, id := range jobs {
		for w.batch(id, 0).State != job.Committed {
			w.act(&agents{}, id, 0)
		}
	}
	w.sessions(2)
	for i, id := range jobs {
		_ = w.send(account("keeper", 0), chain.AddrJobs, none, job.PackPoke(id, 0))
		b := w.batch(id, 0)
		if got, want := b.State == job.Auditing, i < job.AuditItemsMax/32; got != want {
			t.Errorf("job %d: audited %v, want %v", id, got, want)
		}
		if got, want := b.DeadlineMs-w.block.ParentTimeMs, uint64(i+1)*4*window; b.State == job.Auditing && got != want {
			t.Errorf("job %d: auditors have %d ms, want %d", id, got, want)
		}
	}
	for _, id := range jobs {
		if j := w.finish(&agents{}, id); j.PaidWorkers != *tokens(32) {
			t.Errorf("job %d: paid %s, want 32 tokens", id, j.PaidWorkers.Dec())
		}
	}
}

// Once its seed is known, the sample of a commitment stays what it is, however long nobody pokes: or a liar
// that keeps pokes away, or the auditors busy, could wait for a sample without its lie.
func TestSampleIsNotDrawnTwice(t *testing.T) {
	w := newWorld(t, 4, 2)
	w.keeper()
	b := w.until(job.Committed, &agents{})
	w.sessions(3 * registry.SnapshotSessions)
	w.poke(b.Job, 0)
	after := w.batch(b.Job, 0)
	if after.State != job.Auditing || after.Asked != b.Asked {
		t.Fatalf("got %v with a draw asked for in session %d, want auditing with that of session %d", after.State, after.Asked, b.Asked)
	}
	seed, known, err := beacon.Seed(w, b.Asked+beacon.Lookahead)
	if err != nil || !known {
		t.Fatalf("seed: known %v, %v", known, err)
	}
	j := w.job(b.Job)
	want := job.Sample(job.DrawSeed(job.DrawSample, seed, b.Place(w.block.Genesis), b.Asked), int(b.Count), uint64(j.AuditPpm))
	if after.Sample != want {
		t.Errorf("sample: got %b, want %b", after.Sample, want)
	}
}

// There are never more live jobs than workers and auditors look at: what they do not see they would be
// punished for.
func TestLiveJobsAreBounded(t *testing.T) {
	w := newWorld(t, 4, 2)
	s := w.spec(1, 0)
	terms := w.quote(s)
	w.view.AddBalance(w.requester, tokens(job.LiveMax*2))
	create := native.Frame{Caller: w.requester, Self: chain.AddrJobs, Value: terms.Total, Input: job.PackCreate(s), Gas: gasPerCall}
	for range job.LiveMax {
		w.must(w.call(create))
	}
	if res := w.call(create); res.Err == nil {
		t.Fatalf("job %d was created beside as many live ones as there may be", job.LiveMax+1)
	}
	w.must(w.call(native.Frame{Caller: w.requester, Self: chain.AddrJobs, Input: job.PackCancel(7), Gas: gasPerCall}))
	w.must(w.call(create))
	if live, err := job.Live(w, 0, job.LiveMax+1); err != nil || len(live) != job.LiveMax {
		t.Errorf("got %d live jobs, %v, want %d", len(live), err, job.LiveMax)
	}
}

// Pay that went to a system contract would be in its balance, and in none of its books.
func TestNobodyIsPaidOnASystemContract(t *testing.T) {
	w := newWorld(t, 4, 0)
	a := w.fund(account("worker", 0))
	for _, payout := range append(w.set.Addresses(), chain.Address{}, chain.Address{19: 1}) {
		res := w.send(a, chain.AddrRegistry, tokens(1000), registry.PackRegister(payout, []chain.Hash{model}, ""))
		if res.Err == nil {
			t.Fatalf("payout %v: accepted", payout)
		}
	}
	w.must(w.call(native.Frame{
		Caller: a, Self: chain.AddrRegistry, Value: *tokens(1000), Gas: gasPerCall,
		Input: registry.PackRegister(a, []chain.Hash{model}, ""),
	}))
}
