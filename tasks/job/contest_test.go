package job_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/compute"
	"github.com/aiwork/aiwork-node/compute/receipt"
	"github.com/aiwork/aiwork-node/compute/receipt/receipttest"
	"github.com/aiwork/aiwork-node/consensus/poi/stake"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/tasks/dispute"
	"github.com/aiwork/aiwork-node/tasks/job"
	"github.com/aiwork/aiwork-node/tasks/registry"
	"github.com/aiwork/aiwork-node/vm/native"
)

// Batches whose results are disputed (JOB-19): a liar that its auditors let pass is caught by a stranger; a challenger
// without a case costs nobody anything but itself; every method of a dispute is in the matrix.

// A contest is a batch of one item, done by a real network.
type contest struct {
	*world
	run, liar *receipt.Trace
	pipelines [2]*receipttest.Run // false and true, where it is about a pipeline
	batch     job.Batch
	ag        agents
	alone     chain.Address // an auditor that says the truth, whatever the others say
}

// contest brings a batch to Revealing, opened. Workers say what works gives them, auditors what audits gives them.
func newContest(t testing.TB, worker, auditor func(c *contest) *receipt.Trace) *contest {
	m, in := receipttest.Network(1)
	c := &contest{run: receipttest.Trace(t, m, in)}
	c.liar = receipttest.Lie(c.run, m.Net.FirstOf(3), rand.New(rand.NewPCG(1, 2)))
	return c.begin(newWorld(t, 4, 2), worker, auditor)
}

func (c *contest) begin(w *world, worker, auditor func(c *contest) *receipt.Trace) *contest {
	w.t.Helper()
	c.world = w
	w.keeper()
	for _, a := range w.workers {
		w.must(w.send(a, chain.AddrRegistry, none, registry.PackSetModels([]chain.Hash{c.model()})))
	}
	c.ag.output = func(chain.Address, uint32, []byte) []byte {
		if p := c.pipelines[0]; p != nil {
			return job.Output{Result: p.Course().Result}.Encode()
		}
		return result(worker(c))
	}
	c.ag.attested = func(a chain.Address, _ uint32, _ []byte) []byte {
		if a == c.alone {
			return result(c.run)
		}
		if c.pipelines[0] != nil {
			return c.ag.output(a, 0, nil)
		}
		return result(auditor(c))
	}
	s := w.spec(1, 1_000_000)
	s.Model = c.model()
	id := w.create(s)
	for range 20 {
		if c.batch = w.batch(id, 0); c.batch.State == job.Revealing {
			return c
		}
		w.act(&c.ag, id, 0)
	}
	w.t.Fatal("the batch is not revealed")
	return nil
}

func (c *contest) model() chain.Hash {
	if p := c.pipelines[0]; p != nil {
		return p.ID()
	}
	return c.run.Model.Net.ID()
}

func result(t *receipt.Trace) []byte {
	return job.Output{Result: receipt.NewAdvocate(t).Claim().Result}.Encode()
}

func isTrue(c *contest) *receipt.Trace  { return c.run }
func isFalse(c *contest) *receipt.Trace { return c.liar }

// challenge disputes the result by another run.
func (c *contest) challenge(by *receipt.Trace) []byte {
	return job.PackChallenge(c.batch.Job, 0, 0, receipt.NewAdvocate(by).Claim())
}

func (w *world) dispute(id uint64) dispute.Dispute {
	w.t.Helper()
	d, err := dispute.Load(w, id)
	w.nil(err)
	return d
}

// play opens a dispute by the requester.
func (c *contest) play(defence, attack *receipt.Trace, honest dispute.Side) *receipttest.Play {
	c.t.Helper()
	c.must(c.send(c.requester, chain.AddrJobs, tokens(10), c.challenge(attack)))
	c.note("challenge")
	return c.playing(defence, attack, honest)
}

// playing goes on with a dispute that was opened.
func (c *contest) playing(defence, attack *receipt.Trace, honest dispute.Side) *receipttest.Play {
	c.t.Helper()
	return c.playingOf([2]*receipt.Advocate{receipt.NewAdvocate(defence), receipt.NewAdvocate(attack)}, honest)
}

func (c *contest) playingOf(sides [2]*receipt.Advocate, honest dispute.Side) *receipttest.Play {
	c.t.Helper()
	p := &receipttest.Play{ID: c.world.batch(c.batch.Job, 0).Dispute, Load: c.dispute, Third: account("keeper", 0), Sides: sides}
	p.Feeder = p.Sides[honest]
	p.Send = func(method string, from chain.Address, input []byte) {
		c.t.Helper()
		c.must(c.send(from, chain.AddrDisputes, none, input))
		c.note(method)
	}
	return p
}

func (c *contest) now() job.Batch { return c.world.batch(c.batch.Job, 0) }

// All auditors are the worker's friends; one stranger is enough.
func TestOneHonestStranger(t *testing.T) {
	c := newContest(t, isFalse, isFalse)
	list, err := job.LoadAuditors(c, c.batch.Job, 0)
	c.nil(err)
	a := list[0].Address // reveals before the challenge, and agrees
	c.ask(a, "auditReveal", job.PackAuditReveal(c.batch.Job, 0, salt(a, &c.batch), c.sample(&c.ag, a, &c.batch)))
	before, held := c.view.Balance(c.requester), bondOf(c, c.batch.Worker)
	d := c.play(c.liar, c.run, dispute.Challenger).Run(t)
	if d.Verdict != dispute.Wrong {
		t.Fatalf("got %v", d.Verdict)
	}
	if b := c.now(); b.State != job.Disputed {
		t.Fatalf("the batch is %v before anybody touched it", b.State)
	}
	c.poke(c.batch.Job, 0)
	b := c.now()
	if b.State != job.Drawing || b.Verdict != job.Wrong || b.Attempt != 1 || b.Disputes != 0 {
		t.Fatalf("after the dispute: %v, %v, attempt %d", b.State, b.Verdict, b.Attempt)
	}
	lost := new(uint256.Int).Sub(held, bondOf(c, c.batch.Worker))
	want := new(uint256.Int).Div(new(uint256.Int).Mul(held, uint256.NewInt(c.params.Jobs.WorkerSlashPpm)), uint256.NewInt(1_000_000))
	if !lost.Eq(want) {
		t.Errorf("the worker lost %s, want %s", lost.Dec(), want.Dec())
	}
	paid := c.view.Balance(c.requester)
	gain := new(uint256.Int).Sub(&paid, &before)
	if half := new(uint256.Int).Rsh(lost, 1); gain.Lt(half) {
		t.Errorf("the challenger gained %s, want half of %s at least", gain.Dec(), lost.Dec())
	}
	if !serviceBond(c, a).Lt(tokens(2000)) {
		t.Error("an auditor that agreed with what is wrong kept all of its bond")
	}
	c.ag.output, c.ag.attested = func(chain.Address, uint32, []byte) []byte { return result(c.run) }, func(chain.Address, uint32, []byte) []byte { return result(c.run) }
	if j := c.finish(&c.ag, c.batch.Job); j.State != job.Closed || c.now().Verdict != job.Passed {
		t.Errorf("drawn anew: %v, %v", j.State, c.now().Verdict)
	}
	for method, gas := range c.gas {
		t.Logf("%s: %d gas", method, gas)
	}
}

func bondOf(c *contest, a chain.Address) *uint256.Int {
	info, _, err := registry.Load(c, a)
	c.nil(err)
	return &info.Bond
}

func serviceBond(c *contest, a chain.Address) *uint256.Int {
	list, err := stake.Validators(c)
	c.nil(err)
	for i := range list {
		if list[i].Address == a {
			return &list[i].ServiceBond
		}
	}
	return none
}

// The worker is honest: the audit goes on where it stood, and pays it. The challenger's bond is gone.
func TestChallengerWithoutACase(t *testing.T) {
	c := newContest(t, isTrue, isTrue)
	before := c.view.Balance(c.requester)
	if d := c.play(c.run, c.liar, dispute.Defender).Run(t); d.Verdict != dispute.Stands {
		t.Fatalf("got %v", d.Verdict)
	}
	c.poke(c.batch.Job, 0)
	if b := c.now(); b.State != job.Revealing || b.Attempt != 0 || b.Disputes != 1 {
		t.Fatalf("after the dispute: %v, attempt %d, %d disputes", b.State, b.Attempt, b.Disputes)
	}
	after := c.view.Balance(c.requester)
	if got := new(uint256.Int).Sub(&before, &after); !got.Eq(tokens(10)) {
		t.Errorf("the challenger lost %s, want its bond of 10 tokens", got.Dec())
	}
	if j := c.finish(&c.ag, c.batch.Job); j.State != job.Closed || c.now().Verdict != job.Passed {
		t.Errorf("after the dispute: %v, %v", j.State, c.now().Verdict)
	}
}

// A friend of the liar disputes and gives up: that makes nothing true. The vote finds the liar, or the next challenger.
func TestLosingOnPurpose(t *testing.T) {
	c := newContest(t, isFalse, isTrue)
	for range job.DisputesMax {
		c.must(c.send(c.workers[1], chain.AddrJobs, tokens(10), c.challenge(c.run)))
		p := c.now().Dispute
		c.must(c.send(c.batch.Worker, chain.AddrDisputes, none, dispute.PackAnswer(p, receipt.NewAdvocate(c.liar).Claim())))
		c.wait(c.params.Jobs.DisputeFirstMs)
		c.poke(c.batch.Job, 0)
		if b := c.now(); b.State != job.Revealing || c.dispute(p).Verdict != dispute.Stands {
			t.Fatalf("after a dispute that was given up: %v, %v", b.State, c.dispute(p).Verdict)
		}
	}
	if res := c.send(c.requester, chain.AddrJobs, tokens(10), c.challenge(c.run)); res.Err == nil {
		t.Error("a fourth dispute was opened")
	}
	worker := c.batch.Worker
	for c.now().Attempt == 0 {
		c.act(&c.ag, c.batch.Job, 0)
	}
	if b := c.now(); b.Verdict != job.Wrong {
		t.Errorf("the vote found %v", b.Verdict)
	}
	if info, _, _ := registry.Load(c, worker); info.State != registry.Suspended {
		t.Errorf("the liar is %v", info.State)
	}
}

// While all are asked, a dispute holds the vote up and then lets it go on.
func TestDisputeDuringTheVote(t *testing.T) {
	c := newContest(t, isFalse, isTrue)
	c.act(&c.ag, c.batch.Job, 0) // the panel reveals and does not agree with the worker
	if b := c.now(); b.State != job.Auditing || !b.Wide {
		t.Fatalf("the batch is %v, want all to be asked", b.State)
	}
	p := c.play(c.liar, c.run, dispute.Challenger)
	if b := c.now(); b.State != job.Disputed || b.Paused != job.Auditing {
		t.Fatalf("the batch is %v", b.State)
	}
	if res := c.send(c.requester, chain.AddrJobs, tokens(10), c.challenge(c.run)); res.Err == nil {
		t.Error("a second dispute was opened beside the first")
	}
	if d := p.Run(t); d.Verdict != dispute.Wrong {
		t.Fatalf("got %v", d.Verdict)
	}
	c.poke(c.batch.Job, 0)
	if b := c.now(); b.Verdict != job.Wrong || b.Attempt != 1 {
		t.Errorf("after the dispute: %v, attempt %d", b.Verdict, b.Attempt)
	}
}

// A worker that does not answer is wrong.
func TestSilentWorker(t *testing.T) {
	c := newContest(t, isFalse, isFalse)
	c.must(c.send(c.requester, chain.AddrJobs, tokens(10), c.challenge(c.run)))
	agenda := func() compute.Agenda {
		a, err := compute.LoadAgenda(c, c.batch.Worker, c.block.Height, c.block.ParentTimeMs)
		c.nil(err)
		return a
	}
	if a := agenda(); len(a.Tasks) != 1 || a.Tasks[0].Dispute == nil || a.Tasks[0].Dispute.Phase != dispute.Answering || len(a.Dues) != 0 {
		t.Errorf("the worker's agenda: %+v", a)
	}
	if res := c.send(c.requester, chain.AddrJobs, none, job.PackPoke(c.batch.Job, 0)); res.Err == nil {
		t.Error("the batch went on before the worker's time was over")
	}
	c.wait(c.params.Jobs.DisputeFirstMs)
	if a := agenda(); len(a.Dues) != 1 {
		t.Errorf("nobody is told to move the batch on: %+v", a.Dues)
	}
	c.poke(c.batch.Job, 0)
	if b := c.now(); b.Verdict != job.Wrong || b.Attempt != 1 {
		t.Errorf("after the silence: %v, attempt %d", b.Verdict, b.Attempt)
	}
}

func TestChallengeRefused(t *testing.T) {
	c := newContest(t, isTrue, isTrue)
	refuse := func(why string, from chain.Address, value *uint256.Int, input []byte) {
		t.Helper()
		before := c.print()
		if res := c.send(from, chain.AddrJobs, value, input); res.Err == nil {
			t.Errorf("%s: not refused", why)
		}
		if c.print() != before {
			t.Errorf("%s: left something", why)
		}
	}
	claim := receipt.NewAdvocate(c.liar).Claim()
	refuse("the same result", c.requester, tokens(10), c.challenge(c.run))
	refuse("a small bond", c.requester, tokens(9), c.challenge(c.liar))
	refuse("no bond", c.requester, none, c.challenge(c.liar))
	refuse("oneself", c.batch.Worker, tokens(10), c.challenge(c.liar))
	refuse("an item of another batch", c.requester, tokens(10), job.PackChallenge(c.batch.Job, 0, 1, claim))
	refuse("another job", c.requester, tokens(10), job.PackChallenge(c.batch.Job+1, 0, 0, claim))
	for name, change := range map[string]func(k *dispute.Claim){
		"result":  func(k *dispute.Claim) { k.Result[0] ^= 1 },
		"receipt": func(k *dispute.Claim) { k.Receipt[0] ^= 1 },
		"head":    func(k *dispute.Claim) { k.Head[3] ^= 1 },
		"proof":   func(k *dispute.Claim) { k.Proof = k.Proof[1:] },
		"entry":   func(k *dispute.Claim) { k.Entries[0][5] ^= 1 },
	} {
		k := receipt.NewAdvocate(c.liar).Claim()
		change(k)
		refuse("a false "+name, c.requester, tokens(10), job.PackChallenge(c.batch.Job, 0, 0, k))
	}
}

// stageDisputes adds every method of a dispute to the matrix.
func stageDisputes(add adder, read func(sig string, to chain.Address, fill func(*native.Encoder))) {
	read("disputeCount()", chain.AddrDisputes, nil)
	at := func(method string, phase dispute.Phase, stage func(c *contest, p *receipttest.Play) (chain.Address, []byte)) {
		add(method, chain.AddrDisputes, func(w *world) (chain.Address, *uint256.Int, []byte) {
			m, in := receipttest.Network(1)
			op := 3
			if phase == dispute.Expanding {
				m, in = receipttest.Composite(1)
				op = 0
			}
			c := &contest{run: receipttest.Trace(w.t, m, in)}
			c.liar = receipttest.Lie(c.run, m.Net.FirstOf(op), rand.New(rand.NewPCG(1, 2)))
			c.begin(w, isFalse, isFalse)
			p := c.play(c.liar, c.run, dispute.Challenger)
			p.Until(w.t, phase)
			from, input := stage(c, p)
			return from, none, input
		})
	}
	answer := func(c *contest, p *receipttest.Play) (chain.Address, []byte) {
		d := c.dispute(p.ID)
		_, from, input := p.Answer(c.t, &d, 1)
		return from, input
	}
	at("answer", dispute.Answering, func(c *contest, p *receipttest.Play) (chain.Address, []byte) {
		return c.batch.Worker, dispute.PackAnswer(p.ID, p.Sides[0].Claim())
	})
	at("split", dispute.Entries, answer)
	at("split", dispute.Tiles, answer)
	at("show", dispute.Showing, answer)
	at("judge", dispute.Judging, func(c *contest, p *receipttest.Play) (chain.Address, []byte) {
		d := c.dispute(p.ID)
		j, err := p.Feeder.Judgement(&d)
		c.nil(err)
		return c.requester, dispute.PackJudge(p.ID, j)
	})
	at("expand", dispute.Expanding, answer)
	atStep := func(method string, phase dispute.Phase) {
		add(method, chain.AddrDisputes, func(w *world) (chain.Address, *uint256.Int, []byte) {
			run := receipttest.Pipeline(w.t)
			liar := *run
			liar.Traces = slices.Clone(run.Traces)
			liar.Traces[0] = receipttest.Lie(run.Traces[0], run.Traces[0].Model.Net.FirstOf(3), rand.New(rand.NewPCG(1, 2)))
			c := &contest{pipelines: [2]*receipttest.Run{&liar, run}}
			c.begin(w, nil, nil)
			sides := [2]*receipt.Advocate{receipt.NewPipelineAdvocate(liar.Course()), receipt.NewPipelineAdvocate(run.Course())}
			c.must(c.send(c.requester, chain.AddrJobs, tokens(10), job.PackChallenge(c.batch.Job, 0, 0, sides[1].Claim())))
			p := c.playingOf(sides, dispute.Challenger)
			d := p.Until(w.t, phase)
			if method == "stage" {
				g, err := p.Feeder.Stage(&d)
				c.nil(err)
				return c.requester, none, dispute.PackStage(p.ID, g)
			}
			_, from, input := p.Answer(c.t, &d, 1)
			return from, none, input
		})
	}
	atStep("stage", dispute.Judging)
	atStep("rerun", dispute.Expanding)
	at("step", dispute.Feeding, func(c *contest, p *receipttest.Play) (chain.Address, []byte) {
		d := c.dispute(p.ID)
		f, err := p.Feeder.Feed(&d)
		c.nil(err)
		return c.requester, dispute.PackStep(p.ID, f)
	})
	at("poke", dispute.Answering, func(c *contest, p *receipttest.Play) (chain.Address, []byte) {
		c.wait(c.params.Jobs.DisputeFirstMs)
		return c.requester, dispute.PackPoke(p.ID)
	})
	at("disputeOf", dispute.Entries, func(c *contest, p *receipttest.Play) (chain.Address, []byte) {
		e := native.NewInput("disputeOf(uint64)")
		e.Uint64(p.ID)
		return c.requester, e.Out()
	})
	add("challenge", chain.AddrJobs, func(w *world) (chain.Address, *uint256.Int, []byte) {
		m, in := receipttest.Network(1)
		c := &contest{run: receipttest.Trace(w.t, m, in)}
		c.liar = receipttest.Lie(c.run, m.Net.FirstOf(3), rand.New(rand.NewPCG(1, 2)))
		c.begin(w, isFalse, isFalse)
		return w.requester, tokens(10), c.challenge(c.run)
	})
}
