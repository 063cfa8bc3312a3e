package job_test

import (
	"strings"
	"testing"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/consensus/poi/beacon"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/tasks/job"
	"github.com/aiwork/aiwork-node/tasks/registry"
	"github.com/aiwork/aiwork-node/vm/native"
)

// One test for each rule that a whole life does not press on: who may not be drawn, which seed is used,
// which calls are refused, and what a bond carries.

// enlist registers somebody as a worker.
func (w *world) enlist(a, payout chain.Address, bond *uint256.Int) {
	w.t.Helper()
	w.workers = append(w.workers, a)
	w.must(w.send(a, chain.AddrRegistry, bond, registry.PackRegister(payout, []chain.Hash{model}, "")))
	w.sessions(1)
}

func (w *world) panel(id uint64) map[chain.Address]bool {
	w.t.Helper()
	list, err := job.LoadAuditors(w, id, 0)
	w.nil(err)
	out := map[chain.Address]bool{}
	for _, a := range list {
		out[a.Address] = true
	}
	return out
}

// JOB-4: the worker, its payout account, the requester and its payout account do not audit.
func TestConcernedDoNotAudit(t *testing.T) {
	w := newWorld(t, 5, 0)
	w.keeper()
	v := w.validators
	w.enlist(v[0], v[1], tokens(1000))
	w.enlist(v[2], v[3], tokens(1000))
	w.must(w.send(v[2], chain.AddrRegistry, none, registry.PackDrain()))
	w.requester = v[2]
	b := w.until(job.Auditing, &agents{})
	if b.Worker != v[0] {
		t.Fatalf("worker: got %v, want %v", b.Worker, v[0])
	}
	if got := w.panel(b.Job); len(got) != 1 || !got[v[4]] {
		t.Errorf("panel: got %d auditors, want only the one who is not concerned", len(got))
	}
}

// Where all validators are concerned nobody can be asked: the attempt ends without pay or slash.
func TestNobodyCanAudit(t *testing.T) {
	w := newWorld(t, 2, 0)
	w.keeper()
	w.enlist(w.validators[0], w.validators[1], tokens(1000))
	b := w.until(job.Committed, &agents{})
	w.sessions(2)
	w.poke(b.Job, 0)
	info, _, _ := registry.Load(w, b.Worker)
	if after := w.batch(b.Job, 0); after.State != job.Drawing || after.Attempt != 1 || info.Bond != *tokens(1000) {
		t.Errorf("batch: %v in attempt %d, bond %s; want it drawn anew without a slash", after.State, after.Attempt, info.Bond.Dec())
	}
}

// JOB-4: nobody works for himself, nor for the account that pays him or that he pays.
func TestConcernedDoNotWork(t *testing.T) {
	for _, c := range []struct {
		name   string
		payout func(w *world, a chain.Address) chain.Address
		self   bool
		taken  bool
	}{
		{"the requester", func(_ *world, a chain.Address) chain.Address { return a }, true, false},
		{"paid to the requester", func(w *world, _ chain.Address) chain.Address { return w.requester }, false, false},
		{"a stranger", func(_ *world, a chain.Address) chain.Address { return a }, false, true},
	} {
		w := newWorld(t, 4, 0)
		w.keeper()
		a := account("requester", 0)
		if !c.self {
			a = w.fund(account("worker", 0))
		}
		w.enlist(a, c.payout(w, a), tokens(1000))
		id := w.create(w.spec(1, 0))
		w.sessions(2)
		w.send(account("keeper", 0), chain.AddrJobs, none, job.PackPoke(id, 0))
		if got := w.batch(id, 0).State == job.Assigned; got != c.taken {
			t.Errorf("%s gets the batch: %v, want %v", c.name, got, c.taken)
		}
	}
	// Two workers that are paid on one account, one of which requests.
	w := newWorld(t, 4, 0)
	w.keeper()
	till, other := w.fund(account("till", 0)), w.fund(account("worker", 0))
	w.enlist(w.requester, till, tokens(1000))
	w.enlist(other, till, tokens(1000))
	id := w.create(w.spec(1, 0))
	w.sessions(2)
	if res := w.send(other, chain.AddrJobs, none, job.PackPoke(id, 0)); res.Err == nil {
		t.Error("a worker of the requester's cluster got the batch")
	}
}

// STAKE-2: an auditor whose service bond is gone is not asked any more.
func TestUnfitAuditor(t *testing.T) {
	w := newWorld(t, 4, 2)
	w.params.Jobs.AuditorSlashPpm = 600_000
	liar := w.validators[2]
	s := w.spec(1, 1_000_000)
	s.Panel = 4
	id := w.create(s)
	w.finish(&agents{attested: func(a chain.Address, _ uint32, o []byte) []byte {
		if a == liar {
			o[3] ^= 1
		}
		return o
	}}, id)
	if !w.panel(id)[liar] {
		t.Fatal("the false auditor was not asked at first")
	}
	id = w.create(s)
	w.finish(&agents{}, id)
	if got := w.panel(id); len(got) != 3 || got[liar] {
		t.Errorf("panel: %d auditors, the unfit among them: %v; want 3 without it", len(got), got[liar])
	}
}

// JOB-2 and JOB-5: draws use R_{s+2} of the session in which they were asked for, not earlier, and can be
// computed by everyone.
func TestDrawsCanBeRecomputed(t *testing.T) {
	w := newWorld(t, 6, 3)
	w.keeper()
	s := w.spec(9, 300_000)
	s.BatchItems = 9
	id := w.create(s)
	var asked [2]chain.Session
	for i, state := range []job.BatchState{job.Drawing, job.Committed} {
		for w.batch(id, 0).State != state {
			w.act(&agents{}, id, 0)
		}
		asked[i] = w.batch(id, 0).Asked
		w.sessions(1)
		if res := w.send(w.requester, chain.AddrJobs, none, job.PackPoke(id, 0)); res.Err == nil {
			t.Fatalf("%v: drawn in the session after the request", state)
		}
		w.sessions(1)
		w.poke(id, 0)
	}
	b := w.batch(id, 0)
	var workers, validators []job.Runner
	for _, a := range w.workers {
		workers = append(workers, job.Runner{Address: a, Weight: 10}) // bond of 1,000 over the least of 100
	}
	for _, a := range w.validators {
		validators = append(validators, job.Runner{Address: a, Weight: 1})
	}
	seed := func(s chain.Session, kind job.DrawKind) [32]byte {
		r, known, err := beacon.Seed(w, s+2)
		if err != nil || !known {
			t.Fatalf("R_%d: %v, %v", s+2, known, err)
		}
		return job.DrawSeed(kind, r, b.Place(w.block.Genesis), s)
	}
	if first, _ := job.NewOrder(seed(asked[0], job.DrawWorker), workers).Next(); first.Address != b.Worker {
		t.Errorf("worker: got %v, want %v", b.Worker, first.Address)
	}
	if want := job.Sample(seed(asked[1], job.DrawSample), 9, 300_000); b.Sample != want {
		t.Errorf("sample: got %b, want %b", b.Sample, want)
	}
	order := job.NewOrder(seed(asked[1], job.DrawPanel), scaled(validators))
	list, _ := job.LoadAuditors(w, id, 0)
	for i, a := range list {
		if r, _ := order.Next(); r.Address != a.Address {
			t.Errorf("auditor %d: got %v, want %v", i, a.Address, r.Address)
		}
	}
}

// scaled gives the validators the weight that their stake of 100,000 tokens has.
func scaled(list []job.Runner) []job.Runner {
	for i := range list {
		list[i].Weight = 10_000_000_000_000
	}
	return list
}

// Calls by the wrong party, at the wrong time or with the wrong content are refused with a reason.
func TestWrongCalls(t *testing.T) {
	var w *world
	var b job.Batch
	stage := func(s job.BatchState) {
		w = newWorld(t, 5, 2)
		w.keeper()
		b = w.until(s, &agents{})
	}
	refused := func(from chain.Address, input []byte, want string) {
		t.Helper()
		res := w.send(from, chain.AddrJobs, none, input)
		if res.Err == nil || !strings.Contains(res.Err.Error(), want) {
			t.Errorf("got %v, want %q", res.Err, want)
		}
	}
	stage(job.Assigned)
	stranger := w.requester
	refused(stranger, job.PackCommit(b.Job, 0, chain.Hash{1}, 3), "drawn for another worker")
	refused(stranger, job.PackRelease(b.Job, 0, job.Draining), "drawn for another worker")
	refused(b.Worker, job.PackRelease(b.Job, 0, 0), "unknown reason")
	refused(b.Worker, job.PackCommit(b.Job, 0, chain.Hash{1}, 2), "another number of items")
	refused(b.Worker, job.PackCommit(b.Job, 0, chain.Hash{}, 3), "root is zero")
	refused(b.Worker, job.PackCommit(b.Job+1, 0, chain.Hash{1}, 3), "no such job")
	refused(b.Worker, job.PackCommit(b.Job, 1, chain.Hash{1}, 3), "no such batch")
	refused(b.Worker, job.PackOpen(b.Job, 0, chain.Hash{}, nil), "assigned, not opening")
	refused(w.validators[0], job.PackAuditCommit(b.Job, 0, chain.Hash{1}), "assigned, not auditing")
	w.wait(w.params.Jobs.LeaseMs)
	refused(b.Worker, job.PackCommit(b.Job, 0, chain.Hash{1}, 3), "drawing, not assigned")

	stage(job.Auditing)
	list, _ := job.LoadAuditors(w, b.Job, 0)
	refused(w.requester, job.PackAuditCommit(b.Job, 0, chain.Hash{1}), "not drawn to audit")
	w.must(w.send(list[0].Address, chain.AddrJobs, none, job.PackAuditCommit(b.Job, 0, chain.Hash{1})))
	refused(list[0].Address, job.PackAuditCommit(b.Job, 0, chain.Hash{1}), "committed already")

	stage(job.Opening)
	outputs := w.outputs(&agents{}, &b)
	refused(w.requester, job.PackOpen(b.Job, 0, salt(b.Worker, &b), outputs), "drawn for another worker")
	refused(b.Worker, job.PackOpen(b.Job, 0, chain.Hash{1}, outputs), "do not lead to the committed root")
	refused(b.Worker, job.PackOpen(b.Job, 0, salt(b.Worker, &b), outputs[:2]), "another number of items")
	refused(b.Worker, job.PackOpen(b.Job, 0, salt(b.Worker, &b), [][]byte{{9}, {0}, {0}}), "malformed")
	outputs[1][3] ^= 1
	refused(b.Worker, job.PackOpen(b.Job, 0, salt(b.Worker, &b), outputs), "do not lead to the committed root")

	stage(job.Revealing)
	list, _ = job.LoadAuditors(w, b.Job, 0)
	a := list[0].Address
	hashes := w.sample(&agents{}, a, &b)
	refused(w.requester, job.PackAuditReveal(b.Job, 0, salt(a, &b), hashes), "not drawn to audit")
	refused(a, job.PackAuditReveal(b.Job, 0, chain.Hash{1}, hashes), "not what you committed to")
	refused(a, job.PackAuditReveal(b.Job, 0, salt(a, &b), hashes[1:]), "another number of items")
	hashes[0][0] ^= 1
	refused(a, job.PackAuditReveal(b.Job, 0, salt(a, &b), hashes), "not what you committed to")
}

// REG-4: work goes only to a bond with room for it, counted over all batches; a bond below the least gets none.
func TestBondCarriesWork(t *testing.T) {
	w := newWorld(t, 4, 1)
	w.keeper()
	s := w.spec(3, 1_000_000)
	s.BatchItems, s.Price = 1, *tokens(400) // two of three fit a bond of 1,000
	id := w.create(s)
	w.sessions(2)
	for i := range uint32(3) {
		w.send(account("keeper", 0), chain.AddrJobs, none, job.PackPoke(id, i))
	}
	states := [3]job.BatchState{w.batch(id, 0).State, w.batch(id, 1).State, w.batch(id, 2).State}
	if want := [3]job.BatchState{job.Assigned, job.Assigned, job.Drawing}; states != want {
		t.Errorf("batches: got %v, want %v", states, want)
	}
	w = newWorld(t, 4, 1)
	w.keeper()
	w.params.Jobs.WorkerBondMin *= 11
	id = w.create(w.spec(1, 0))
	w.sessions(2)
	if res := w.send(w.requester, chain.AddrJobs, none, job.PackPoke(id, 0)); res.Err == nil {
		t.Error("a bond below the least got work")
	}
}

// REG-6: a bond comes back after the unbonding time, not before; and not while the roster still shows it.
func TestLeaving(t *testing.T) {
	w := newWorld(t, 4, 2)
	a := w.workers[0]
	refused := func(input []byte, want string) {
		t.Helper()
		if res := w.send(a, chain.AddrRegistry, none, input); res.Err == nil || !strings.Contains(res.Err.Error(), want) {
			t.Errorf("got %v, want %q", res.Err, want)
		}
	}
	refused(registry.PackUnregister(), "too few sessions ago")
	refused(registry.PackWithdraw(), "unregister first")
	w.sessions(registry.SnapshotSessions + 1)
	w.must(w.send(a, chain.AddrRegistry, none, registry.PackUnregister()))
	refused(registry.PackResume(), "not draining or suspended")
	refused(registry.PackAddBond(), "send the amount")
	w.wait(w.params.Jobs.UnbondMs)
	refused(registry.PackWithdraw(), "draws may still look")
	w.sessions(registry.SnapshotSessions + 1)
	w.block.ParentTimeMs -= w.params.Jobs.UnbondMs + 2*64*32*20
	refused(registry.PackWithdraw(), "unbonding time is not over")
	w.next(20)
	before := w.view.Balance(a)
	w.must(w.send(a, chain.AddrRegistry, none, registry.PackWithdraw()))
	after := w.view.Balance(a)
	if got := new(uint256.Int).Sub(&after, &before); !got.Eq(tokens(1000)) {
		t.Errorf("bond: got %s, want 1,000 tokens", got.Dec())
	}
	if n, _ := registry.Count(w); n != 1 {
		t.Errorf("roster: got %d workers, want 1", n)
	}
}

// JOB-3: whoever was found wrong at a batch never gets it again, even when nobody else is left.
func TestWrongWorkerStaysOut(t *testing.T) {
	w := newWorld(t, 4, 1)
	w.keeper()
	lie := func(_ chain.Address, _ uint32, o []byte) []byte { o[1]++; return o }
	id := w.create(w.spec(1, 1_000_000))
	for w.batch(id, 0).Attempt == 0 {
		w.act(&agents{output: lie}, id, 0)
	}
	if v := w.batch(id, 0).Verdict; v != job.Wrong {
		t.Fatalf("verdict: got %v, want %v", v, job.Wrong)
	}
	w.must(w.send(w.workers[0], chain.AddrRegistry, none, registry.PackResume()))
	w.sessions(2)
	if res := w.send(w.workers[0], chain.AddrJobs, none, job.PackPoke(id, 0)); res.Err == nil {
		t.Errorf("batch went to %v again, want it left", w.batch(id, 0).Worker)
	}
	w.wait(w.job(id).DeadlineMs - w.block.ParentTimeMs)
	w.poke(id, 0)
	if j := w.job(id); j.State != job.Closed || !j.PaidWorkers.IsZero() {
		t.Errorf("job: %v, paid %s; want closed and nothing", j.State, j.PaidWorkers.Dec())
	}
}

// The contract's view methods say what its readers say.
func TestViews(t *testing.T) {
	w := newWorld(t, 4, 2)
	id := w.create(w.spec(2, 1_000_000))
	w.finish(&agents{}, id)
	read := func(sig string, args ...uint64) []byte {
		e := native.NewInput(sig)
		for _, a := range args {
			e.Uint64(a)
		}
		return w.must(w.call(native.Frame{Self: chain.AddrJobs, Input: e.Out(), Gas: gasPerCall, Static: true})).Output
	}
	j := w.job(id)
	d := native.NewDecoder("(uint256,uint256,uint256,uint256,uint256,uint256,uint256)", read("moneyOf(uint64)", id))
	for i, want := range []uint256.Int{j.Funded, j.Escrow, j.PaidWorkers, j.PaidAuditors, j.Fees, j.Tips, j.Refunded} {
		if got := d.Uint256(); got != want {
			t.Errorf("money %d: got %s, want %s", i, got.Dec(), want.Dec())
		}
	}
	item, err := job.LoadItem(w, id, 1)
	w.nil(err)
	d = native.NewDecoder("(bytes32,bytes32,uint8,bool,bool,bytes,uint256)", read("itemOf(uint64,uint32)", id, 1))
	blobID, _, state, sampled, opened := d.Hash(), d.Hash(), d.Uint64(), d.Bool(), d.Bool()
	output, paid := d.Bytes(job.OutputBytesMax), d.Uint256()
	if d.End() != nil || blobID != item.Blob || state != uint64(job.Settled) || !sampled || !opened ||
		string(output) != string(item.Output.Encode()) || paid != item.Paid {
		t.Errorf("item: got %x %d %v %v %x %s, want %+v", blobID, state, sampled, opened, output, paid.Dec(), item)
	}
}
