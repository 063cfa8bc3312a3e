package job_test

import (
	"math/rand/v2"
	"testing"

	"github.com/aiwork/aiwork-node/compute/receipt/receipttest"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/tasks/dispute"
	"github.com/aiwork/aiwork-node/tasks/job"
	"github.com/aiwork/aiwork-node/tasks/registry"
)

// One honest validator against a worker and all others of the panel: it disputes before it reveals, and everybody else loses. Results may lie
// open for a while before their batch settles, for those whom nobody has asked.

// aloneAgainst is a batch on a chain of three validators, two of which stand by what the worker has made up.
func aloneAgainst(t *testing.T) *contest {
	m, in := receipttest.Network(1)
	c := &contest{run: receipttest.Trace(t, m, in)}
	c.liar = receipttest.Lie(c.run, m.Net.FirstOf(3), rand.New(rand.NewPCG(1, 2)))
	w := newWorld(t, 3, 2)
	c.alone = w.validators[0]
	c.begin(w, isFalse, isFalse)
	if c.batch.Auditors != 3 {
		t.Fatalf("%d auditors, want all three validators", c.batch.Auditors)
	}
	for _, a := range w.validators[1:] {
		c.revealOf(a)
	}
	if b := c.now(); b.State != job.Revealing {
		t.Fatalf("the batch is %v before the last has revealed", b.State)
	}
	return c
}

func (c *contest) revealOf(a chain.Address) {
	c.t.Helper()
	c.ask(a, "auditReveal", job.PackAuditReveal(c.batch.Job, 0, salt(a, &c.batch), c.sample(&c.ag, a, &c.batch)))
}

func TestOneHonestAuditorAmongThree(t *testing.T) {
	c := aloneAgainst(t)
	worker, honest, others := c.batch.Worker, c.validators[0], c.validators[1:]
	held, kept, before := bondOf(c, worker), serviceBond(c, honest), c.view.Balance(honest)
	c.must(c.send(honest, chain.AddrJobs, tokens(10), c.challenge(c.run)))
	c.revealOf(honest) // while the dispute goes on
	if b := c.now(); b.State != job.Disputed || b.Revealed != 7 {
		t.Fatalf("the batch is %v, revealed by %b", b.State, b.Revealed)
	}
	p := c.playing(c.liar, c.run, dispute.Challenger)
	if d := p.Run(t); d.Verdict != dispute.Wrong {
		t.Fatalf("got %v", d.Verdict)
	}
	c.poke(c.batch.Job, 0)
	if b := c.now(); b.Verdict != job.Wrong || b.Attempt != 1 {
		t.Fatalf("after the dispute: %v, attempt %d", b.Verdict, b.Attempt)
	}
	if got := bondOf(c, worker); !got.Lt(held) {
		t.Error("the liar kept its bond")
	}
	if info, _, _ := registry.Load(c, worker); info.State != registry.Suspended {
		t.Errorf("the liar is %v", info.State)
	}
	for _, a := range others {
		if !serviceBond(c, a).Lt(tokens(2000)) {
			t.Error("a validator that stood by the lie kept its service bond")
		}
	}
	if got := serviceBond(c, honest); !got.Eq(kept) {
		t.Errorf("the honest validator's service bond: got %s, want %s", got.Dec(), kept.Dec())
	}
	if after := c.view.Balance(honest); !after.Gt(&before) {
		t.Errorf("the honest validator has %s, had %s: it is paid for nothing", after.Dec(), before.Dec())
	}
}

// Without the dispute the honest one loses the vote: that is why it must come first.
func TestVoteAloneFailsTheHonestAuditor(t *testing.T) {
	c := aloneAgainst(t)
	c.revealOf(c.validators[0])
	if b := c.now(); b.State != job.Settled || b.Verdict != job.Passed {
		t.Fatalf("the vote of two liars of three ended as %v, %v", b.State, b.Verdict)
	}
	if got := serviceBond(c, c.validators[0]); !got.Lt(tokens(2000)) {
		t.Error("the honest validator lost nothing: the test above shows nothing")
	}
}

// An auditor that reveals during a dispute is taken into account when the dispute has shown nothing.
func TestRevealsDuringADispute(t *testing.T) {
	c := newContest(t, isTrue, isTrue)
	p := c.play(c.run, c.liar, dispute.Defender)
	list, err := job.LoadAuditors(c, c.batch.Job, 0)
	c.nil(err)
	for i := range list {
		c.revealOf(list[i].Address)
	}
	if b := c.now(); b.State != job.Disputed {
		t.Fatalf("the batch is %v while it is disputed", b.State)
	}
	if res := c.send(list[0].Address, chain.AddrJobs, none, job.PackAuditReveal(c.batch.Job, 0, salt(list[0].Address, &c.batch), c.sample(&c.ag, list[0].Address, &c.batch))); res.Err == nil {
		t.Error("a second reveal was taken")
	}
	if d := p.Run(t); d.Verdict != dispute.Stands {
		t.Fatalf("got %v", d.Verdict)
	}
	c.poke(c.batch.Job, 0)
	if b := c.now(); b.State != job.Settled || b.Verdict != job.Passed {
		t.Errorf("after the dispute: %v, %v", b.State, b.Verdict)
	}
}

// A result lies open for contestMs, though all auditors have revealed at once; then a poke settles it.
func TestContestTime(t *testing.T) {
	m, in := receipttest.Network(1)
	c := &contest{run: receipttest.Trace(t, m, in)}
	c.liar = receipttest.Lie(c.run, m.Net.FirstOf(3), rand.New(rand.NewPCG(1, 2)))
	w := newWorld(t, 4, 2)
	const contestMs = 5000
	w.params.Jobs.ContestMs = contestMs
	c.begin(w, isFalse, isFalse)
	opened := c.now().DeadlineMs - w.params.Jobs.AuditRevealMs
	list, err := job.LoadAuditors(c, c.batch.Job, 0)
	c.nil(err)
	for i := range list {
		c.revealOf(list[i].Address)
	}
	b := c.now()
	if b.State != job.Revealing || b.DeadlineMs != opened+contestMs {
		t.Fatalf("after all reveals: %v until %d, want revealing until %d", b.State, b.DeadlineMs, opened+contestMs)
	}
	// A stranger has the time to look, though all auditors are the liar's friends.
	p := c.play(c.liar, c.run, dispute.Challenger)
	if d := p.Run(t); d.Verdict != dispute.Wrong {
		t.Fatalf("got %v", d.Verdict)
	}
	c.poke(c.batch.Job, 0)
	if b := c.now(); b.Verdict != job.Wrong {
		t.Errorf("after the dispute: %v", b.Verdict)
	}
	c.ag.output = func(chain.Address, uint32, []byte) []byte { return result(c.run) }
	c.ag.attested = c.ag.output
	if j := c.finish(&c.ag, c.batch.Job); j.State != job.Closed || c.now().Verdict != job.Passed {
		t.Errorf("drawn anew: %v, %v", j.State, c.now().Verdict)
	}
}
