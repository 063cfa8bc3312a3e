package job_test

import (
	"strings"
	"testing"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/consensus/poi/stake"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/tasks/job"
	"github.com/aiwork/aiwork-node/tasks/registry"
)

// The life of jobs, each test with real contracts over a real state. After every call the world sums up
// all money.

func TestHonestJob(t *testing.T) {
	w := newWorld(t, 4, 2)
	s := w.spec(8, 1_000_000)
	terms := w.quote(s)
	id := w.create(s)
	j := w.finish(&agents{}, id)
	if j.State != job.Closed {
		t.Fatalf("state: got %v, want %v", j.State, job.Closed)
	}
	if j.PaidWorkers != terms.Pay || j.Fees != terms.Fee || j.PaidAuditors != terms.Audits {
		t.Errorf("paid %s, fees %s, audits %s; want %s, %s, %s", j.PaidWorkers.Dec(), j.Fees.Dec(), j.PaidAuditors.Dec(),
			terms.Pay.Dec(), terms.Fee.Dec(), terms.Audits.Dec())
	}
	items, err := job.LoadItems(w, id)
	w.nil(err)
	if len(items) != 8 {
		t.Fatalf("items: got %d, want 8", len(items))
	}
	workers := map[chain.Address]int{}
	for _, it := range items {
		if !it.Accepted() || !it.Sampled || !it.Opened || it.Paid != s.Price || it.Blob != blob(int(it.Index)) ||
			string(it.Output.Encode()) != string(honest(it.Blob)) {
			t.Errorf("item %d: %+v", it.Index, it)
		}
		workers[w.batch(id, it.Batch).Worker]++
	}
	if len(workers) != 2 || workers[w.workers[0]] != 4 {
		t.Errorf("items by worker: got %v, want two workers with 4 each", workers)
	}
	for i := range uint32(j.Batches) {
		list, err := job.LoadAuditors(w, id, i)
		w.nil(err)
		for _, a := range list {
			if !a.Paid || a.Slashed || !a.Agrees {
				t.Errorf("auditor of batch %d: %+v", i, a)
			}
		}
		if len(list) != 3 {
			t.Errorf("auditors of batch %d: got %d, want 3", i, len(list))
		}
	}
	for method, gas := range w.gas {
		t.Logf("gas of %s: %d", method, gas)
	}
}

// At a share of an eighth an item that was not audited is never shown as audited.
func TestNotSampled(t *testing.T) {
	w := newWorld(t, 4, 2)
	id := w.create(w.spec(8, 125_000))
	w.finish(&agents{}, id)
	items, _ := job.LoadItems(w, id)
	var sampled int
	for _, it := range items {
		if it.Sampled {
			sampled++
		}
	}
	if sampled != 2 { // one of each batch of four
		t.Errorf("sampled: got %d, want 2", sampled)
	}
}

// flip is a worker that changes one bit of one item's output.
func flip(liar chain.Address, item uint32) func(chain.Address, uint32, []byte) []byte {
	return func(a chain.Address, i uint32, o []byte) []byte {
		if a == liar && i == item {
			o[7] ^= 4
		}
		return o
	}
}

// A liar at full audit is found, slashed and not paid; the items are done by another; the requester pays once.
func TestLiarIsCaught(t *testing.T) {
	w := newWorld(t, 4, 3)
	s := w.spec(1, 1_000_000)
	terms := w.quote(s)
	for round := range 3 {
		id := w.create(s)
		for w.batch(id, 0).State != job.Assigned {
			w.keeper()
			w.act(&agents{}, id, 0)
		}
		liar := w.batch(id, 0).Worker
		before := w.view.Balance(liar)
		j := w.finish(&agents{output: flip(liar, 0)}, id)
		b := w.batch(id, 0)
		if b.Worker == liar || b.State != job.Settled || b.Attempt != 1 {
			t.Fatalf("round %d: batch %+v, want it settled by another worker than %v", round, b, liar)
		}
		if after := w.view.Balance(liar); after != before {
			t.Errorf("the liar's balance moved from %s to %s", before.Dec(), after.Dec())
		}
		info, _, _ := registry.Load(w, liar)
		if info.State != registry.Suspended || info.SlashCount != 1 || info.Bond != *tokens(800) {
			t.Errorf("liar: got %v with bond %s, want suspended with 800 tokens", info.State, info.Bond.Dec())
		}
		if j.PaidWorkers != terms.Pay || j.PaidAuditors.Gt(&terms.Audits) {
			t.Errorf("requester paid %s and %s to auditors, want %s and at most %s", j.PaidWorkers.Dec(),
				j.PaidAuditors.Dec(), terms.Pay.Dec(), terms.Audits.Dec())
		}
		if round == 2 {
			break
		}
		w.must(w.send(liar, chain.AddrRegistry, tokens(200), registry.PackAddBond()))
		w.must(w.send(liar, chain.AddrRegistry, none, registry.PackResume()))
		if round < 1 {
			continue
		}
		// The third round's liar may be one that was slashed before.
		for _, a := range w.workers {
			info, _, _ := registry.Load(w, a)
			if info.SlashCount > 0 {
				w.resetWorker(a)
			}
		}
	}
}

// resetWorker makes a worker leave and register anew with a fresh record and bond.
func (w *world) resetWorker(a chain.Address) {
	w.t.Helper()
	w.sessions(registry.SnapshotSessions + 1)
	w.must(w.send(a, chain.AddrRegistry, none, registry.PackUnregister()))
	w.sessions(registry.SnapshotSessions + 1)
	w.wait(w.params.Jobs.UnbondMs)
	w.must(w.send(a, chain.AddrRegistry, none, registry.PackWithdraw()))
	w.must(w.send(a, chain.AddrRegistry, tokens(1000), registry.PackRegister(a, []chain.Hash{model}, "again")))
	w.sessions(1)
}

// only gives a predicate that is false for one account.
func except(bad chain.Address) func(chain.Address) bool {
	return func(a chain.Address) bool { return a != bad }
}

func (w *world) serviceBond(a chain.Address) uint256.Int {
	w.t.Helper()
	i, found, err := stake.IndexOf(w, a)
	if err != nil || !found {
		w.t.Fatalf("validator %v: found %v, %v", a, found, err)
	}
	list, err := stake.Validators(w)
	w.nil(err)
	return list[i].ServiceBond
}

// Each party fails in each way that the protocol knows; the job ends in the way that it defines.
func TestFailures(t *testing.T) {
	v := account("validator", 1)
	other := func(a chain.Address, _ uint32, o []byte) []byte {
		if a == v {
			o[3] ^= 1
		}
		return o
	}
	never := func(chain.Address) bool { return false }
	for _, c := range []struct {
		name    string
		ag      agents
		panel   uint8
		workers int
		settled bool
		verdict job.Verdict // of the last attempt
		slashed bool        // validator 1 loses service bond
		bonds   bool        // workers lose bond
	}{
		{"honest", agents{}, 4, 2, true, job.Passed, false, false},
		{"one auditor does not commit, others are asked", agents{attests: except(v)}, 3, 2, true, job.Passed, true, false},
		{"one of all does not commit", agents{attests: except(v)}, 4, 2, true, job.Passed, true, false},
		{"one auditor does not reveal", agents{reveals: except(v)}, 4, 2, true, job.Passed, true, false},
		{"one auditor attests falsely", agents{attested: other}, 4, 2, true, job.Passed, true, false},
		{"no auditor commits", agents{attests: never}, 3, 2, false, job.NoVerdict, true, false},
		{"no auditor reveals", agents{reveals: never}, 3, 2, false, job.NoVerdict, true, false},
		{"no worker commits", agents{commits: never}, 3, 2, false, job.Missed, false, true},
		{"no worker opens", agents{opens: never}, 3, 4, false, job.Unopened, false, true},
		{"every worker lies", agents{output: func(_ chain.Address, _ uint32, o []byte) []byte { o[9]++; return o }}, 3, 4, false, job.Wrong, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, 4, c.workers)
			w.params.Jobs.JobDeadlineMaxMs = 1 << 40
			w.params.Jobs.AuditorSlashPpm = 100
			s := w.spec(2, 1_000_000)
			s.Panel, s.BatchItems, s.LifeMs = c.panel, 2, 3_600_000
			bond := w.serviceBond(v)
			id := w.create(s)
			j := w.finish(&c.ag, id)
			b := w.batch(id, 0)
			if got := b.State == job.Settled; got != c.settled || b.Verdict != c.verdict {
				t.Errorf("batch: got %v %v, want settled %v and %v", b.State, b.Verdict, c.settled, c.verdict)
			}
			if after := w.serviceBond(v); after.Lt(&bond) != c.slashed && c.panel == 4 {
				t.Errorf("service bond: got %s after %s, want slashed %v", after.Dec(), bond.Dec(), c.slashed)
			}
			var lost bool
			for _, a := range w.workers {
				info, _, _ := registry.Load(w, a)
				lost = lost || info.Bond.Lt(tokens(1000))
			}
			if lost != c.bonds {
				t.Errorf("workers lost bond: got %v, want %v", lost, c.bonds)
			}
			if !c.settled && !j.PaidWorkers.IsZero() {
				t.Errorf("paid for nothing: %s", j.PaidWorkers.Dec())
			}
		})
	}
}

func TestInputFaults(t *testing.T) {
	w := newWorld(t, 4, 1)
	s := w.spec(4, 1_000_000)
	s.BatchItems = 4
	id := w.create(s)
	bad := func(_ chain.Address, i uint32, o []byte) []byte {
		if i == 2 {
			return job.Output{Fault: job.FaultNotCanonical}.Encode()
		}
		return o
	}
	j := w.finish(&agents{output: bad, attested: bad}, id)
	items, _ := job.LoadItems(w, id)
	tenth := new(uint256.Int).Div(tokens(1), uint256.NewInt(10))
	if it := items[2]; it.Output.Fault != job.FaultNotCanonical || it.Paid != *tenth {
		t.Errorf("item 2: fault %v, paid %s; want %v, %s", it.Output.Fault, it.Paid.Dec(), job.FaultNotCanonical, tenth.Dec())
	}
	if want := new(uint256.Int).Add(tokens(3), tenth); j.PaidWorkers != *want {
		t.Errorf("paid: got %s, want %s", j.PaidWorkers.Dec(), want.Dec())
	}
}

func TestCancel(t *testing.T) {
	w := newWorld(t, 4, 2)
	before := w.view.Balance(w.requester)
	id := w.create(w.spec(8, 0))
	w.must(w.send(w.requester, chain.AddrJobs, none, job.PackCancel(id)))
	if j := w.job(id); j.State != job.Cancelled || w.view.Balance(w.requester) != before {
		t.Errorf("cancelled before work: state %v, requester has %v, want all of %v back", j.State, w.view.Balance(w.requester), before)
	}
	if b := w.batch(id, 0); b.State != job.Void {
		t.Errorf("batch: got %v, want %v", b.State, job.Void)
	}

	id = w.create(w.spec(8, 0))
	w.keeper()
	w.act(&agents{}, id, 0)
	if b := w.batch(id, 0); b.State != job.Assigned {
		t.Fatalf("batch: got %v, want %v", b.State, job.Assigned)
	}
	w.must(w.send(w.requester, chain.AddrJobs, none, job.PackCancel(id)))
	j := w.finish(&agents{}, id)
	if first, second := w.batch(id, 0), w.batch(id, 1); j.State != job.Closed || first.State != job.Settled || second.State != job.Void {
		t.Errorf("cancelled at work: job %v, batches %v and %v; want closed, settled and void", j.State, first.State, second.State)
	}
	res := w.send(w.workers[0], chain.AddrJobs, none, job.PackCancel(id))
	if res.Err == nil || !strings.Contains(res.Err.Error(), "only the requester") {
		t.Errorf("cancelled by a stranger: got %v", res.Err)
	}
}

// A job whose deadline passes gives its money back, also one that was never filled.
func TestDeadline(t *testing.T) {
	w := newWorld(t, 4, 2)
	w.keeper()
	before := w.view.Balance(w.requester)
	s := w.spec(200, 0)
	s.LifeMs = 5000
	id := w.create(s)
	w.must(w.send(w.requester, chain.AddrJobs, none, job.PackAddItems(id, []chain.Hash{{1}}, nil)))
	if j := w.job(id); j.State != job.Filling || j.Filled != 129 {
		t.Fatalf("job: got %v with %d items, want filling with 129", j.State, j.Filled)
	}
	open := w.create(&job.Spec{Model: model, Items: []chain.Hash{{2}}, ItemCount: 1, Price: *tokens(1), LifeMs: 5000})
	w.wait(5000)
	w.poke(id, 0)
	w.poke(open, 0)
	if a, b := w.job(id), w.job(open); a.State != job.Cancelled || b.State != job.Cancelled {
		t.Errorf("states: got %v and %v, want %v", a.State, b.State, job.Cancelled)
	}
	if got := w.view.Balance(w.requester); got != before {
		t.Errorf("requester: got %s, want %s", got.Dec(), before.Dec())
	}
}

func TestLargeJob(t *testing.T) {
	w := newWorld(t, 4, 3)
	s := w.spec(300, 125_000)
	s.Price = *uint256.NewInt(1_000_000_007)
	id := w.create(s)
	for from := job.ItemsPerCallMax; from < 300; from += job.ItemsPerCallMax {
		var more []chain.Hash
		for i := from; i < min(300, from+job.ItemsPerCallMax); i++ {
			more = append(more, blob(i))
		}
		w.ask(w.requester, "addItems", job.PackAddItems(id, more, more))
	}
	j := w.finish(&agents{}, id)
	want := new(uint256.Int).Mul(&s.Price, uint256.NewInt(300))
	if j.PaidWorkers != *want || j.Batches != 10 {
		t.Errorf("paid %s for %d batches, want %s for 10", j.PaidWorkers.Dec(), j.Batches, want.Dec())
	}
	for method, gas := range w.gas {
		t.Logf("gas of %s: %d", method, gas)
	}
}

func TestRefusals(t *testing.T) {
	w := newWorld(t, 4, 2)
	edit := func(f func(*job.Spec)) *job.Spec {
		s := w.spec(2, 0)
		f(s)
		return s
	}
	for _, c := range []struct {
		want string
		spec *job.Spec
	}{
		{"private inputs are not supported", edit(func(s *job.Spec) { s.Private = true })},
		{"no active worker serves this model", edit(func(s *job.Spec) { s.Model[5] = 1 })},
		{"1 to 1024 items", edit(func(s *job.Spec) { s.ItemCount = 0 })},
		{"1 to 1024 items", edit(func(s *job.Spec) { s.ItemCount = 1025 })},
		{"the price is zero", edit(func(s *job.Spec) { s.Price.Clear() })},
		{"the price is zero or above", edit(func(s *job.Spec) { s.Price.SetAllOne() })},
		{"audit share", edit(func(s *job.Spec) { s.AuditPpm = 1_000_001 })},
		{"panel is larger", edit(func(s *job.Spec) { s.Panel = 17 })},
		{"at most 32 items", edit(func(s *job.Spec) { s.BatchItems = 33 })},
		{"deadline is too far", edit(func(s *job.Spec) { s.LifeMs = 1 << 50 })},
		{"hash of every original", edit(func(s *job.Spec) { s.Originals = s.Items[:1] })},
		{"more items than", edit(func(s *job.Spec) { s.ItemCount = 1 })},
		{"blob id is zero", edit(func(s *job.Spec) { s.Items[1] = chain.Hash{} })},
	} {
		res := w.send(w.requester, chain.AddrJobs, tokens(100), job.PackCreate(c.spec))
		if res.Err == nil || !strings.Contains(res.Err.Error(), c.want) {
			t.Errorf("got %v, want %q", res.Err, c.want)
		}
	}
	terms := w.quote(w.spec(2, 0))
	short := new(uint256.Int).SubUint64(&terms.Total, 1)
	res := w.send(w.requester, chain.AddrJobs, short, job.PackCreate(w.spec(2, 0)))
	if res.Err == nil || !strings.Contains(res.Err.Error(), "below the escrow of "+terms.Total.Dec()) {
		t.Errorf("one unit short: got %v", res.Err)
	}
}

// A batch that is given back goes to another worker; only a missing input costs no fine.
func TestRelease(t *testing.T) {
	for why, want := range map[job.Reason]*uint256.Int{
		job.Draining:     new(uint256.Int).Rsh(tokens(1), 1),
		job.InputMissing: none,
	} {
		w := newWorld(t, 4, 2)
		w.keeper()
		b := w.until(job.Assigned, &agents{})
		w.ask(b.Worker, "release", job.PackRelease(b.Job, 0, why))
		info, _, _ := registry.Load(w, b.Worker)
		if info.Slashed != *want || info.MissedCount != 1 {
			t.Errorf("%v: lost %s with %d misses, want %s with 1", why, info.Slashed.Dec(), info.MissedCount, want.Dec())
		}
		w.finish(&agents{}, b.Job)
		if after := w.batch(b.Job, 0); after.Worker == b.Worker || after.State != job.Settled {
			t.Errorf("%v: %v by %v, want settled by another than %v", why, after.State, after.Worker, b.Worker)
		}
	}
}

// The dearest calls that limits allow stay below the gas that one transaction may have (EIP-7825).
func TestWorstGas(t *testing.T) {
	w := newWorld(t, 70, 64)
	w.keeper()
	s := w.spec(job.ItemsPerCallMax, 1_000_000)
	s.Originals, s.BatchItems, s.Panel = s.Items, 2, job.PanelMax
	w.create(s)
	s = w.spec(32, 1_000_000)
	s.BatchItems, s.Panel = job.BatchItemsMax, job.PanelMax
	long := func(_ chain.Address, i uint32, o []byte) []byte {
		full := make([]byte, job.OutputBytesMax)
		for k := range full {
			full[k] = byte(k) | 1
		}
		full[0] = 0
		return full
	}
	lie := func(_ chain.Address, i uint32, o []byte) []byte {
		o = long(chain.Address{}, i, o)
		o[200]++
		return o
	}
	w.finish(&agents{output: lie, attested: long}, w.create(s))
	for method, gas := range w.gas {
		t.Logf("worst gas of %s: %d", method, gas)
		if gas > 1<<24-1_000_000 {
			t.Errorf("%s: %d gas leaves too little of 2^24", method, gas)
		}
	}
}

// Blobs are wanted while a job that names them is live, and for the grace after it.
func TestBlobs(t *testing.T) {
	w := newWorld(t, 4, 2)
	grace := w.params.Jobs.BlobGraceMs
	wants := func(b chain.Hash, ms, grace uint64) bool {
		ok, err := job.WantsBlob(w, b, ms, grace)
		w.nil(err)
		return ok
	}
	if wants(blob(0), w.block.TimeMs, grace) {
		t.Error("wanted before any job")
	}
	id := w.create(w.spec(2, 0))
	if ok, _ := job.AcceptsBlob(w, blob(1), w.block.TimeMs); !ok || wants(chain.Hash{7}, w.block.TimeMs, grace) {
		t.Error("an open job's input is not accepted, or a stranger is")
	}
	closed := w.finish(&agents{}, id).ClosedMs
	if ok, _ := job.AcceptsBlob(w, blob(1), closed); ok || !wants(blob(1), closed+grace-1, grace) || wants(blob(1), closed+grace, grace) {
		t.Error("after the job: accepted, or not kept for exactly the grace")
	}
	first, second := w.create(w.spec(2, 0)), w.create(w.spec(2, 0))
	w.finish(&agents{}, second)
	if !wants(blob(0), w.job(second).ClosedMs, 0) {
		t.Error("not wanted while an older job is live")
	}
	w.finish(&agents{}, first)
}

// A batch that nobody can take is not moved before RetryMs; a worker that gets room takes it at once, and
// one that came later takes it after the draw was asked for again.
func TestNobodyCanTake(t *testing.T) {
	w := newWorld(t, 4, 1)
	w.keeper()
	id := w.create(w.spec(1, 0))
	w.must(w.send(w.workers[0], chain.AddrRegistry, none, registry.PackDrain()))
	w.sessions(2)
	if res := w.send(w.requester, chain.AddrJobs, none, job.PackPoke(id, 0)); res.Err == nil {
		t.Fatal("moved with nobody to take it")
	}
	w.must(w.send(w.workers[0], chain.AddrRegistry, none, registry.PackResume()))
	w.poke(id, 0)
	if b := w.batch(id, 0); b.State != job.Assigned || b.Worker != w.workers[0] {
		t.Fatalf("batch: %v of %v, want it assigned to the worker that is back", b.State, b.Worker)
	}

	id = w.create(w.spec(1, 0))
	w.must(w.send(w.workers[0], chain.AddrRegistry, none, registry.PackDrain()))
	w.sessions(1)
	late := w.fund(account("worker", 1))
	w.workers = append(w.workers, late)
	w.must(w.send(late, chain.AddrRegistry, tokens(200), registry.PackRegister(late, []chain.Hash{model}, "")))
	w.sessions(1)
	w.wait(job.RetryMs)
	tips := w.job(id).TipsLeft
	w.poke(id, 0)
	if b := w.batch(id, 0); b.State != job.Drawing || b.Asked != w.block.Session || w.job(id).TipsLeft != tips {
		t.Fatalf("batch: %v asked in session %d, want it drawing from %d without a tip", b.State, b.Asked, w.block.Session)
	}
	w.sessions(2)
	w.poke(id, 0)
	if b := w.batch(id, 0); b.State != job.Assigned || b.Worker != late {
		t.Fatalf("batch: %v of %v, want it assigned to the new worker", b.State, b.Worker)
	}
}

// A draw that nobody executes in time is asked for again: the snapshot it needs is gone.
func TestOldDraw(t *testing.T) {
	w := newWorld(t, 4, 2)
	w.keeper()
	id := w.create(w.spec(1, 0))
	asked := w.batch(id, 0).Asked
	if drawn, _, _ := job.Urgent(w, w.block.TimeMs, asked+1); !drawn {
		t.Error("no blocks are asked for while a draw waits")
	}
	if drawn, _, _ := job.Urgent(w, w.block.TimeMs, asked+2); drawn {
		t.Error("blocks are asked for though the seed is there")
	}
	w.sessions(registry.SnapshotSessions + 1)
	w.poke(id, 0)
	if b := w.batch(id, 0); b.State != job.Drawing || b.Asked != w.block.Session {
		t.Errorf("batch: %v asked in session %d, want it drawing from %d", b.State, b.Asked, w.block.Session)
	}
	w.finish(&agents{}, id)
}
