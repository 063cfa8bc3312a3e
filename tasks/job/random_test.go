package job_test

import (
	"crypto/sha256"
	"testing"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/consensus/poi/stake"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/dice"
	"github.com/aiwork/aiwork-node/tasks/job"
	"github.com/aiwork/aiwork-node/tasks/registry"
)

// Random calls by random actors, with jumps in time, after each of which all money is summed up. At the
// end nobody acts any more but a keeper: time-outs alone must close every job (RULES 29).

type chaos struct {
	*world
	d *dice.Dice
	// liars remembers which attempts were committed to with a false output, so that they can be opened.
	liars map[chain.Hash]bool
	done  map[string]int // calls that had an effect
}

func newChaos(t testing.TB, seed []byte) *chaos {
	w := newWorld(t, 5, 4)
	w.keeper()
	w.params.Jobs.JobDeadlineMaxMs = 120_000
	return &chaos{world: w, d: dice.New(sha256.Sum256(seed)), liars: map[chain.Hash]bool{}, done: map[string]int{}}
}

func (c *chaos) pick(n int) int { return int(c.d.Below(uint64(n))) }

func (c *chaos) try(name string, from, to chain.Address, value *uint256.Int, input []byte) bool {
	c.t.Helper()
	ok := c.send(from, to, value, input).Err == nil
	if ok {
		c.done[name]++
	}
	return ok
}

func (c *chaos) anyone() chain.Address {
	return c.accounts[len(c.set.Addresses())+c.pick(len(c.accounts)-len(c.set.Addresses()))]
}

func (c *chaos) step() {
	switch c.pick(24) {
	case 0:
		if ids, _ := job.Live(c, 0, 3); len(ids) < 3 {
			c.create()
		}
	case 1:
		c.registryAction()
	case 2:
		c.next(uint64(c.pick(1500)))
	case 3:
		c.sessions(1 + c.pick(3))
	case 4:
		if c.pick(12) == 0 {
			c.sessions(c.pick(2 * registry.SnapshotSessions))
		}
	case 5:
		a := c.validators[c.pick(len(c.validators))]
		c.try("topUp", c.anyone(), chain.AddrStake, tokens(uint64(c.pick(300))), stake.PackTopUp(a))
	default:
		c.work()
	}
}

func (c *chaos) create() {
	n := 1 + c.pick(10)
	s := c.spec(n, uint32(c.pick(1_000_001)))
	s.Panel, s.BatchItems, s.LifeMs = uint8(c.pick(4)), uint16(c.pick(6)), uint64(1000+c.pick(100_000))
	s.Price = *uint256.NewInt(1 + c.d.Below(1<<62))
	if c.pick(8) == 0 {
		s.ItemCount += uint32(c.pick(5))
	}
	extra := tokens(uint64(20 + c.pick(400)))
	c.try("create", c.anyone(), chain.AddrJobs, extra, job.PackCreate(s))
}

func (c *chaos) registryAction() {
	a := c.workers[c.pick(len(c.workers))]
	models := []chain.Hash{model, {7}}[:1+c.pick(2)]
	switch c.pick(11) {
	case 9, 10:
		c.try("offer", a, chain.AddrRegistry, none, registry.PackOffer(models[:1], []uint64{c.d.Below(20_000)},
			[]uint256.Int{*uint256.NewInt(c.d.Below(1 << 58))}, []byte("record")[:c.pick(7)]))
	case 0:
		c.try("drain", a, chain.AddrRegistry, none, registry.PackDrain())
	case 1, 2, 3:
		c.try("resume", a, chain.AddrRegistry, none, registry.PackResume())
	case 4:
		c.try("addBond", a, chain.AddrRegistry, tokens(uint64(c.pick(300))), registry.PackAddBond())
	case 5:
		c.try("unregister", a, chain.AddrRegistry, none, registry.PackUnregister())
	case 6:
		if info, _, _ := registry.Load(c, a); info.State == registry.Leaving {
			c.sessions(registry.SnapshotSessions + 1)
			c.wait(c.params.Jobs.UnbondMs)
		}
		if !c.try("withdraw", a, chain.AddrRegistry, none, registry.PackWithdraw()) {
			return
		}
		fallthrough
	case 7:
		c.try("register", a, chain.AddrRegistry, tokens(500), registry.PackRegister(c.anyone(), models, "x"))
	case 8:
		c.try("setModels", a, chain.AddrRegistry, none, registry.PackSetModels(models))
	}
}

// leave takes a worker through leaving and coming back.
func (c *chaos) leave(a chain.Address) {
	c.sessions(registry.SnapshotSessions + 1)
	c.try("unregister", a, chain.AddrRegistry, none, registry.PackUnregister())
	c.sessions(registry.SnapshotSessions + 1)
	c.wait(c.params.Jobs.UnbondMs)
	c.try("withdraw", a, chain.AddrRegistry, none, registry.PackWithdraw())
	c.try("register", a, chain.AddrRegistry, tokens(500), registry.PackRegister(c.anyone(), []chain.Hash{model}, "x"))
}

// work does something at a live batch, mostly what it waits for.
func (c *chaos) work() {
	ids, err := job.Live(c, 0, 50)
	c.nil(err)
	if len(ids) == 0 {
		return
	}
	id := ids[c.pick(len(ids))]
	j := c.job(id)
	index := uint32(c.pick(int(j.Batches)))
	b := c.batch(id, index)
	if c.pick(60) == 0 {
		c.wrong(&j, &b)
		return
	}
	place := b.Place(c.block.Genesis)
	who := b.Worker
	if b.Hedged && c.pick(2) == 0 {
		who, b.Worker = b.Second.Worker, b.Second.Worker
	}
	list, err := job.LoadAuditors(c, id, index)
	c.nil(err)
	auditor := c.anyone()
	if len(list) > 0 && c.pick(10) > 0 {
		auditor = list[c.pick(len(list))].Address
	}
	ag := &agents{output: c.output(&b), attested: c.attested()}
	switch b.State {
	case job.Waiting:
		c.try("addItems", j.Requester, chain.AddrJobs, none, job.PackAddItems(id, []chain.Hash{{byte(c.pick(3) + 1)}}, nil))
	case job.Assigned:
		if c.pick(3) == 0 { // it is late, and perhaps gets a second worker
			c.wait(uint64(c.pick(8000)))
			hedges := !b.Hedged && c.try("poke", c.anyone(), chain.AddrJobs, none, job.PackPoke(id, index))
			if after := c.batch(id, index); hedges && after.Hedged {
				c.done["hedge"]++
			}
			return
		}
		if c.pick(6) == 0 {
			c.try("release", who, chain.AddrJobs, none, job.PackRelease(id, index, job.Reason(1+c.pick(4))))
			return
		}
		if c.pick(8) == 0 {
			c.liars[sha256.Sum256([]byte(salt(who, &b).String()))] = true
		}
		root := job.Root(place, who, b.First, salt(who, &b), c.outputs(&agents{output: c.output(&b)}, &b))
		c.try("commit", who, chain.AddrJobs, none, job.PackCommit(id, index, root, uint32(b.Count)))
	case job.Auditing:
		c.try("auditCommit", auditor, chain.AddrJobs, none, job.PackAuditCommit(id, index,
			job.Attestation(place, auditor, salt(auditor, &b), c.sample(ag, auditor, &b))))
	case job.Opening:
		c.try("open", who, chain.AddrJobs, none, job.PackOpen(id, index, salt(who, &b), c.outputs(ag, &b)))
	case job.Revealing:
		c.try("auditReveal", auditor, chain.AddrJobs, none,
			job.PackAuditReveal(id, index, salt(auditor, &b), c.sample(ag, auditor, &b)))
	default:
		c.try("poke", c.anyone(), chain.AddrJobs, none, job.PackPoke(id, index))
	}
}

// output lies where the attempt was chosen to be a lie.
func (c *chaos) output(b *job.Batch) func(chain.Address, uint32, []byte) []byte {
	lies := c.liars[sha256.Sum256([]byte(salt(b.Worker, b).String()))]
	return func(_ chain.Address, i uint32, o []byte) []byte {
		if lies {
			o[len(o)-1] ^= byte(i + 1)
		}
		return o
	}
}

// attested lets the last validator lie always.
func (c *chaos) attested() func(chain.Address, uint32, []byte) []byte {
	return func(a chain.Address, _ uint32, o []byte) []byte {
		if a == c.validators[4] {
			o[2] ^= 0x80
		}
		return o
	}
}

// wrong makes calls that mostly do not belong here.
func (c *chaos) wrong(j *job.Job, b *job.Batch) {
	who, id, index := c.anyone(), j.ID, b.Index
	switch c.pick(6) {
	case 0:
		c.try("cancel", j.Requester, chain.AddrJobs, none, job.PackCancel(id))
	case 1:
		c.try("wrong open", who, chain.AddrJobs, none, job.PackOpen(id, index, chain.Hash{}, [][]byte{{0}}))
	case 2:
		c.try("wrong reveal", who, chain.AddrJobs, none, job.PackAuditReveal(id, index, chain.Hash{}, []chain.Hash{{}}))
	case 3:
		c.try("garbage commit", b.Worker, chain.AddrJobs, none, job.PackCommit(id, index, chain.Hash{1}, uint32(b.Count)))
	case 4:
		c.try("poke", who, chain.AddrJobs, none, job.PackPoke(id, index))
	case 5:
		c.try("wrong batch", who, chain.AddrJobs, none, job.PackPoke(id, index+1000))
	}
}

// silence lets only a keeper act, until no job is live.
func (c *chaos) silence() {
	for range 200 {
		ids, err := job.Live(c, 0, 1000)
		c.nil(err)
		if len(ids) == 0 {
			return
		}
		for _, id := range ids {
			for i := range uint32(c.job(id).Batches) {
				c.try("keeper", account("keeper", 0), chain.AddrJobs, none, job.PackPoke(id, i))
			}
		}
		c.sessions(3)
		c.wait(20_000)
	}
	c.t.Fatal("jobs do not end by time-outs alone")
}

func runChaos(t testing.TB, seed []byte, steps int) map[string]int {
	c := newChaos(t, seed)
	if c.pick(3) == 0 {
		c.leave(c.workers[3])
	}
	for range steps {
		c.step()
	}
	c.silence()
	if held := c.view.Balance(chain.AddrJobs); !held.IsZero() {
		t.Fatalf("seed %x: %s left without a live job", seed, held.Dec())
	}
	return c.done
}

func TestRandomActions(t *testing.T) {
	seeds := 40
	if testing.Short() {
		seeds = 10
	}
	total := map[string]int{}
	for i := range seeds {
		for k, n := range runChaos(t, []byte{byte(i)}, 400) {
			total[k] += n
		}
	}
	t.Logf("calls that had an effect: %v", total)
	for _, k := range []string{"create", "commit", "auditCommit", "open", "auditReveal", "release", "cancel", "resume", "addBond", "unregister", "withdraw", "register", "offer", "hedge"} {
		if total[k] == 0 {
			t.Errorf("no %s had an effect: the test does not reach it", k)
		}
	}
}

func FuzzActions(f *testing.F) {
	f.Add([]byte("a"), uint8(200))
	f.Add([]byte("b"), uint8(255))
	f.Fuzz(func(t *testing.T, seed []byte, steps uint8) { runChaos(t, seed, int(steps)) })
}
