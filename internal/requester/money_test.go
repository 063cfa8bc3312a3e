package requester

// The money of jobs over a real ledger with the real contracts: honest ones, one whose first worker lies and
// is slashed, one whose auditor does not reveal, and ones still under way. The expected sums come from the
// accounts' balances, not from what the job says of itself.

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/compute"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/client"
	"github.com/aiwork/aiwork-node/internal/term"
	"github.com/aiwork/aiwork-node/ledger/ledgertest"
	"github.com/aiwork/aiwork-node/tasks/job"
	"github.com/aiwork/aiwork-node/tasks/registry"
)

// scene is a chain with a requester (account 0), two workers (1, 2), a poker (3) and where worker 2 is paid.
type scene struct {
	*ledgertest.Chain
	t       *testing.T
	entries map[compute.Key]map[chain.Address]compute.Entry
	logs    []job.Log
	liar    func(t *compute.Task) bool // this worker's outputs are wrong
	silent  chain.Address              // this auditor does not reveal
	gas     map[chain.Address]*uint256.Int
}

func newScene(t *testing.T) *scene {
	s := &scene{
		Chain: ledgertest.New(t, ledgertest.Options{Accounts: 5, Validators: 5}), t: t,
		entries: map[compute.Key]map[chain.Address]compute.Entry{}, gas: map[chain.Address]*uint256.Int{},
	}
	s.MustSend(s.Accounts[1], chain.AddrRegistry, ledgertest.Tokens(1000), registry.PackRegister(s.Accounts[1].Address, []chain.Hash{{9}}, ""))
	s.MustSend(s.Accounts[2], chain.AddrRegistry, ledgertest.Tokens(1000), registry.PackRegister(s.Accounts[4].Address, []chain.Hash{{9}}, ""))
	s.Blocks(40)
	return s
}

// send makes a call, and keeps the logs and what its sender paid for gas.
func (s *scene) send(from ledgertest.Account, value *uint256.Int, data []byte) {
	s.t.Helper()
	r := s.Send(from, chain.AddrJobs, value, data)
	for i := range r.Logs {
		if l, ok := job.DecodeLog(&r.Logs[i]); ok {
			s.logs = append(s.logs, l)
		}
	}
	if s.gas[from.Address] == nil {
		s.gas[from.Address] = new(uint256.Int)
	}
	fee := new(uint256.Int).Mul(uint256.NewInt(r.GasUsed), &r.EffectivePrice)
	s.gas[from.Address].Add(s.gas[from.Address], fee)
}

func (s *scene) create(items int) {
	spec := job.Spec{Model: chain.Hash{9}, ItemCount: uint32(items), Price: *uint256.NewInt(1e18 + 7), AuditPpm: 1_000_000, BatchItems: 2}
	for i := range items {
		spec.Items = append(spec.Items, chain.Hash{0xb, byte(i)})
	}
	s.send(s.Accounts[0], ledgertest.Tokens(100), job.PackCreate(&spec))
}

func (s *scene) agenda(who chain.Address) compute.Agenda {
	s.t.Helper()
	view, err := s.State()
	if err != nil {
		s.t.Fatal(err)
	}
	defer view.Close()
	a, err := compute.LoadAgenda(view, who, view.Height, view.Ext.TimeMs)
	if err != nil {
		s.t.Fatal(err)
	}
	return a
}

func (s *scene) entry(t *compute.Task, who chain.Address) compute.Entry {
	if e, ok := s.entries[t.Key()][who]; ok {
		return e
	}
	e := compute.NewEntry()
	for i := range t.Blobs {
		if t.Role == compute.RoleWorker || t.Sample>>i&1 == 1 {
			o := job.Output{Result: bytes.Clone(t.Blobs[i][:2])}
			if t.Role == compute.RoleWorker && s.liar != nil && s.liar(t) {
				o.Result[0] ^= 1
			}
			e.Outputs = append(e.Outputs, o.Encode())
		}
	}
	if s.entries[t.Key()] == nil {
		s.entries[t.Key()] = map[chain.Address]compute.Entry{}
	}
	s.entries[t.Key()][who] = e
	return e
}

func (s *scene) answer(t *compute.Task, who chain.Address) []byte {
	e, place := s.entry(t, who), t.Place(s.Built.Hash())
	var hashes []chain.Hash
	for _, o := range e.Outputs {
		hashes = append(hashes, job.OutputHash(o))
	}
	switch {
	case t.Role == compute.RoleWorker && t.State == "assigned":
		return job.PackCommit(t.Job, t.Batch, job.Root(place, who, t.First, e.Salt, e.Outputs), uint32(len(t.Blobs)))
	case t.Role == compute.RoleWorker && t.State == "opening" && !t.Opened:
		return job.PackOpen(t.Job, t.Batch, e.Salt, e.Outputs)
	case t.Role == compute.RoleAuditor && t.State == "auditing" && !t.Sealed:
		return job.PackAuditCommit(t.Job, t.Batch, job.Attestation(place, who, e.Salt, hashes))
	case t.Role == compute.RoleAuditor && t.State == "revealing" && t.Sealed && !t.Revealed && who != s.silent:
		return job.PackAuditReveal(t.Job, t.Batch, e.Salt, hashes)
	}
	return nil
}

// turn lets everybody act once; each turn is a second.
func (s *scene) turn() {
	members := slices.Clone(s.Accounts[1:3])
	for _, v := range s.Validators {
		members = append(members, v.Account)
	}
	for _, m := range members {
		a := s.agenda(m.Address)
		for i := range a.Tasks {
			if data := s.answer(&a.Tasks[i], m.Address); data != nil {
				s.send(m, nil, data)
			}
		}
	}
	for _, d := range s.agenda(chain.Address{}).Dues {
		s.send(s.Accounts[3], nil, job.PackPoke(d.Job, d.Batch))
	}
	s.Advance(1000)
	s.Block()
}

// load gives the job as a node would tell it.
func (s *scene) load() *Job {
	s.t.Helper()
	j, err := job.Load(s.View(), 1)
	if err != nil {
		s.t.Fatal(err)
	}
	u := func(v uint256.Int) client.Uint256 { return client.Uint256{Int: v} }
	return &Job{ID: 1, State: j.State.String(), Money: Money{
		Funded: u(j.Funded), Escrow: u(j.Escrow), PaidWorkers: u(j.PaidWorkers), PaidAuditors: u(j.PaidAuditors),
		Fees: u(j.Fees), Tips: u(j.Tips), Refunded: u(j.Refunded),
	}}
}

// run takes the job to its end and holds the account against the books at every turn.
func (s *scene) run() *Account {
	s.t.Helper()
	for range 1000 {
		j := s.load()
		a, err := newAccount(j, s.logs)
		if err != nil {
			s.t.Fatalf("%s: %v", j.State, err)
		}
		addUp(s.t, a)
		if j.Over() {
			return a
		}
		s.turn()
	}
	s.t.Fatal("the job never ends")
	return nil
}

func awo(t *testing.T, text string) *uint256.Int {
	t.Helper()
	v, err := term.ParseAWO(text)
	if err != nil {
		t.Fatal(err)
	}
	return &v
}

// addUp adds the lines that are shown, as a reader would.
func addUp(t *testing.T, a *Account) {
	t.Helper()
	in := new(uint256.Int).Add(awo(t, a.Escrow), awo(t, a.Penalties))
	out := new(uint256.Int)
	for _, p := range a.Payments {
		out.Add(out, awo(t, p.AWO))
	}
	for _, line := range []string{a.Fees, a.Tips, a.Refund, a.Held} {
		out.Add(out, awo(t, line))
	}
	if !in.Eq(out) || !a.AddsUp {
		t.Errorf("lines: got %s in and %s out", in.Dec(), out.Dec())
	}
}

// paid adds up what an account is shown to have got.
func (a *Account) paid(t *testing.T, who chain.Address) *uint256.Int {
	sum := new(uint256.Int)
	for _, p := range a.Payments {
		to := p.Account
		if p.Payout != "" {
			to = p.Payout
		}
		if to == who.Checksum() {
			sum.Add(sum, awo(t, p.AWO))
		}
	}
	return sum
}

// holds checks what payees are shown to have got against their balances before and after.
func (s *scene) holds(a *Account, before map[chain.Address]uint256.Int) {
	s.t.Helper()
	for who, had := range before {
		want := s.Balance(who)
		if s.gas[who] != nil {
			want.Add(&want, s.gas[who])
		}
		want.Sub(&want, &had)
		if got := a.paid(s.t, who); !got.Eq(&want) {
			s.t.Errorf("%s: shown %s, its balance rose by %s", who, got.Dec(), want.Dec())
		}
	}
}

// balances gives those of accounts that get nothing but what the job pays: workers and where they are paid.
func (s *scene) balances() map[chain.Address]uint256.Int {
	out := map[chain.Address]uint256.Int{}
	for _, a := range []ledgertest.Account{s.Accounts[1], s.Accounts[2], s.Accounts[4]} {
		out[a.Address] = s.Balance(a.Address)
	}
	return out
}

func TestMoneyOfAnHonestJob(t *testing.T) {
	s := newScene(t)
	before := s.balances()
	s.create(5)
	a := s.run()
	s.holds(a, before)
	if a.Penalties != "0" || len(a.Slashed) != 0 || a.Held != "0" {
		t.Errorf("got penalties %s, %d slashed, held %s", a.Penalties, len(a.Slashed), a.Held)
	}
	if i := slices.IndexFunc(a.Payments, func(p Payment) bool { return p.Payout == s.Accounts[4].Address.Checksum() }); i < 0 {
		t.Errorf("payments: got %+v, want one on worker 2's payout account", a.Payments)
	}
}

func TestMoneyWhenAWorkerLies(t *testing.T) {
	s := newScene(t)
	before := s.balances()
	s.liar = func(t *compute.Task) bool { return t.Attempt == 0 }
	s.create(2)
	a := s.run()
	s.holds(a, before)
	if len(a.Slashed) != 1 || a.Slashed[0].Role != "worker" || a.Slashed[0].AWO != "200" {
		t.Fatalf("slashed: got %+v, want one worker by 200", a.Slashed)
	}
	if a.Penalties == "0" {
		t.Error("penalties: got 0, want what the first audit's auditors were paid")
	}
	if sum := new(uint256.Int).Add(awo(t, a.Penalties), awo(t, a.Burned)); !sum.Eq(ledgertest.Tokens(200)) {
		t.Errorf("penalties paid and burned: got %s, want 200 tokens", sum.Dec())
	}
	// The requester pays for the work once, although it was done twice.
	workers := new(uint256.Int).Add(a.paid(t, s.Accounts[1].Address), a.paid(t, s.Accounts[4].Address))
	if want := uint256.NewInt(2 * (1e18 + 7)); !workers.Eq(want) {
		t.Errorf("workers: got %s, want %s", workers.Dec(), want.Dec())
	}
	var out strings.Builder
	a.print(&out)
	for _, want := range []string{"from penalties", "slashed", "add up to escrow and penalties"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("printed: want %q in\n%s", want, out.String())
		}
	}
}

func TestMoneyWhenAnAuditorIsSilent(t *testing.T) {
	s := newScene(t)
	s.silent = s.Validators[0].Address
	before := s.balances()
	s.create(8)
	a := s.run()
	s.holds(a, before)
	if len(a.Slashed) != 1 || a.Slashed[0].Account != s.silent.Checksum() || a.Slashed[0].Role != "auditor" {
		t.Fatalf("slashed: got %+v, want the silent auditor", a.Slashed)
	}
}

func TestMoneyOfACancelledJob(t *testing.T) {
	s := newScene(t)
	s.create(3)
	s.send(s.Accounts[0], nil, job.PackCancel(1))
	a := s.run()
	if a.Refund != "100" || len(a.Payments) != 0 {
		t.Errorf("got refund %s and payments %v, want all of it back", a.Refund, a.Payments)
	}
}

// Any log that is missing, doubled or changed makes the account an error.
func TestMoneyRefusesBooksThatDiffer(t *testing.T) {
	s := newScene(t)
	s.liar = func(t *compute.Task) bool { return t.Attempt == 0 }
	s.create(2)
	s.run()
	j := s.load()
	for i, l := range s.logs {
		switch l.Kind {
		case job.JobCreated, job.WorkerPaid, job.AuditorPaid, job.WorkerSlashed:
		default:
			continue
		}
		without := slices.Delete(slices.Clone(s.logs), i, i+1)
		more := slices.Clone(s.logs)
		more[i].Amount.AddUint64(&more[i].Amount, 1)
		_, err1 := newAccount(j, without)
		_, err2 := newAccount(j, more)
		if !errors.Is(err1, ErrMoney) {
			t.Errorf("without %s: got %v, want %v", l.Kind, err1, ErrMoney)
		}
		// One unit more of a penalty is burned, not paid: that shows nowhere but in its own line.
		if !errors.Is(err2, ErrMoney) && l.Kind != job.WorkerSlashed {
			t.Errorf("one unit more in %s: got %v, want %v", l.Kind, err2, ErrMoney)
		}
	}
}

func TestAccountIsFlatInJSON(t *testing.T) {
	b, err := json.Marshal(&Result{Account: Account{Escrow: "1", AddsUp: true}})
	if err != nil || !strings.Contains(string(b), `"escrow":"1"`) || !strings.Contains(string(b), `"addsUp":true`) {
		t.Errorf("got %s, %v", b, err)
	}
}
