package compute

// The agenda over a real ledger with the real contracts, through a job's whole life: two workers and the
// auditors act on nothing but what their agendas ask, until nothing is asked any more.

import (
	"fmt"
	"slices"
	"testing"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/ledger/ledgertest"
	"github.com/aiwork/aiwork-node/tasks/job"
	"github.com/aiwork/aiwork-node/tasks/registry"
)

// lifeWorld is a chain with a requester (account 0), two workers (1, 2) and validators.
type lifeWorld struct {
	*ledgertest.Chain
	t       *testing.T
	entries map[string]Entry
	states  map[Role][]string // in which tasks were seen
	dues    []string          // for which batches were poked
	after   func()            // after each answer; nil: nothing
}

func newLifeWorld(t *testing.T) *lifeWorld {
	w := &lifeWorld{
		Chain: ledgertest.New(t, ledgertest.Options{Accounts: 4, Validators: 4}), t: t,
		entries: map[string]Entry{}, states: map[Role][]string{},
	}
	for _, a := range w.Accounts[1:3] {
		w.MustSend(a, chain.AddrRegistry, ledgertest.Tokens(1000), registry.PackRegister(a.Address, []chain.Hash{{9}}, ""))
	}
	w.Blocks(40) // draws look at the weights at the end of the session
	return w
}

func (w *lifeWorld) create(items int) {
	spec := job.Spec{Model: chain.Hash{9}, ItemCount: uint32(items), Price: *uint256.NewInt(1e18), AuditPpm: 1_000_000}
	for i := range items {
		spec.Items = append(spec.Items, chain.Hash{0xb, byte(i)})
	}
	w.MustSend(w.Accounts[0], chain.AddrJobs, ledgertest.Tokens(100), job.PackCreate(&spec))
}

func (w *lifeWorld) agenda(who chain.Address) Agenda {
	w.t.Helper()
	view, err := w.State()
	if err != nil {
		w.t.Fatal(err)
	}
	defer view.Close()
	a, err := LoadAgenda(view, who, view.Height, view.Ext.TimeMs)
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

func (w *lifeWorld) over(k Key) bool {
	w.t.Helper()
	over, err := AttemptOver(w.View(), w.Accounts[1].Address, k)
	if err != nil {
		w.t.Fatal(err)
	}
	return over
}

// answer gives what an honest member sends for a task, nil if it can only wait.
func (w *lifeWorld) answer(t *Task, who chain.Address) []byte {
	key := fmt.Sprint(t.Key(), who)
	e, begun := w.entries[key]
	if !begun {
		e = NewEntry()
		for i := range t.Blobs {
			if t.Role == RoleWorker || t.Sample>>i&1 == 1 {
				o := job.Output{Result: t.Blobs[i][:2]}
				e.Outputs = append(e.Outputs, o.Encode())
			}
		}
	}
	switch place := t.Place(w.Built.Hash()); {
	case t.Role == RoleWorker && t.State == "assigned":
		w.entries[key] = e
		return job.PackCommit(t.Job, t.Batch, job.Root(place, who, t.First, e.Salt, e.Outputs), uint32(len(t.Blobs)))
	case t.Role == RoleWorker && t.State == "opening" && !t.Opened:
		return job.PackOpen(t.Job, t.Batch, e.Salt, e.Outputs)
	case t.Role == RoleAuditor && t.State == "auditing" && !t.Sealed:
		w.entries[key] = e
		return job.PackAuditCommit(t.Job, t.Batch, job.Attestation(place, who, e.Salt, outputHashes(e.Outputs)))
	case t.Role == RoleAuditor && t.State == "revealing" && !t.Revealed:
		return job.PackAuditReveal(t.Job, t.Batch, e.Salt, outputHashes(e.Outputs))
	}
	return nil
}

// turn lets everybody act on their agenda once. An agenda's answer must be taken at once: it is never wrong.
func (w *lifeWorld) turn() {
	members := slices.Clone(w.Accounts[1:3])
	for _, v := range w.Validators {
		members = append(members, v.Account)
	}
	for _, m := range members {
		a := w.agenda(m.Address)
		for i := range a.Tasks {
			t := &a.Tasks[i]
			if seen := w.states[t.Role]; !slices.Contains(seen, t.State) {
				w.states[t.Role] = append(seen, t.State)
			}
			if data := w.answer(t, m.Address); data != nil {
				w.MustSend(m, chain.AddrJobs, nil, data)
				if w.after != nil {
					w.after()
				}
			}
		}
	}
	for _, d := range w.agenda(chain.Address{}).Dues {
		if r := w.Send(w.Accounts[3], chain.AddrJobs, nil, job.PackPoke(d.Job, d.Batch)); r.Status == chain.StatusOK {
			w.dues = append(w.dues, d.State)
		}
	}
	w.Block()
}

func TestAgendaThroughALife(t *testing.T) {
	w := newLifeWorld(t)
	if a := w.agenda(w.Accounts[1].Address); len(a.Tasks)+len(a.Dues) != 0 {
		t.Fatalf("before any job: got %v, want an empty agenda", a)
	}
	w.create(5)
	first := Key{RoleWorker, 1, 0, 0}
	for range 400 {
		if j, _ := job.Load(w.View(), 1); !j.State.Live() {
			break
		}
		w.turn()
	}
	j, err := job.Load(w.View(), 1)
	if err != nil || j.State != job.Closed {
		t.Fatalf("got %v, %v, want a closed job", j.State, err)
	}
	if want := ledgertest.Tokens(5); !j.PaidWorkers.Eq(want) {
		t.Errorf("workers were paid %s, want %s", j.PaidWorkers.Dec(), want.Dec())
	}
	for _, s := range []string{"assigned", "committed", "auditing", "opening"} {
		if !slices.Contains(w.states[RoleWorker], s) {
			t.Errorf("worker: never saw a task %s, only %v", s, w.states[RoleWorker])
		}
	}
	for _, s := range []string{"auditing", "revealing"} {
		if !slices.Contains(w.states[RoleAuditor], s) {
			t.Errorf("auditor: never saw a task %s, only %v", s, w.states[RoleAuditor])
		}
	}
	for _, s := range []string{"drawing", "committed"} {
		if !slices.Contains(w.dues, s) {
			t.Errorf("pokes: none for a batch %s, only %v", s, w.dues)
		}
	}
	for _, a := range w.Accounts {
		if got := w.agenda(a.Address); len(got.Tasks)+len(got.Dues) != 0 {
			t.Errorf("after the job: got %v, want an empty agenda", got)
		}
	}
	if !w.over(first) {
		t.Error("the attempt is not over although its job is closed")
	}
}

// A worker that does nothing: a due shows when its lease has run out, and its attempt is over once the
// batch is drawn anew, not before.
func TestAgendaAfterAMissedLease(t *testing.T) {
	w := newLifeWorld(t)
	w.create(1)
	key := Key{RoleWorker, 1, 0, 0}
	if w.over(Key{RoleWorker, 99, 0, 0}) {
		t.Error("a job that the head does not know: got over")
	}
	for range 200 {
		if b, _ := job.LoadBatch(w.View(), 1, 0); b.State == job.Assigned {
			break
		}
		for _, d := range w.agenda(chain.Address{}).Dues {
			w.Send(w.Accounts[3], chain.AddrJobs, nil, job.PackPoke(d.Job, d.Batch))
		}
		w.Block()
	}
	b, _ := job.LoadBatch(w.View(), 1, 0)
	if b.State != job.Assigned {
		t.Fatalf("got %s, want assigned", b.State)
	}
	if a := w.agenda(b.Worker); len(a.Tasks) != 1 || a.Tasks[0].DeadlineMs != b.DeadlineMs || len(a.Dues) != 0 {
		t.Errorf("got %+v, want one task and nothing due", a)
	}
	if w.over(key) {
		t.Error("the attempt is over while its lease runs")
	}
	w.Advance(job.DefaultParams().LeaseMs)
	w.Block()
	dues := w.agenda(chain.Address{}).Dues
	if len(dues) != 1 || dues[0].State != "assigned" || dues[0].DeadlineMs != b.DeadlineMs {
		t.Fatalf("got %+v, want the missed lease", dues)
	}
	w.MustSend(w.Accounts[3], chain.AddrJobs, nil, job.PackPoke(1, 0))
	if !w.over(key) || w.over(Key{RoleWorker, 1, 0, 1}) {
		t.Error("want the first attempt over and the second not")
	}
	if a := w.agenda(b.Worker); len(a.Tasks) != 0 {
		t.Errorf("the worker's tasks: got %v, want none", a.Tasks)
	}
}

// A job that waits for its inputs' names is due at its deadline.
func TestAgendaOfAFillingJob(t *testing.T) {
	w := newLifeWorld(t)
	spec := job.Spec{Model: chain.Hash{9}, Items: []chain.Hash{{1}}, ItemCount: 3, Price: *uint256.NewInt(1), LifeMs: 5000}
	w.MustSend(w.Accounts[0], chain.AddrJobs, ledgertest.Tokens(100), job.PackCreate(&spec))
	if dues := w.agenda(chain.Address{}).Dues; len(dues) != 0 {
		t.Errorf("before the deadline: got %v", dues)
	}
	w.Advance(5000)
	w.Block()
	if dues := w.agenda(chain.Address{}).Dues; len(dues) != 1 || dues[0].State != "filling" {
		t.Fatalf("at the deadline: got %v, want the job", dues)
	}
	w.MustSend(w.Accounts[3], chain.AddrJobs, nil, job.PackPoke(1, 0))
	if j, _ := job.Load(w.View(), 1); j.State != job.Cancelled {
		t.Errorf("got %s, want cancelled", j.State)
	}
}
