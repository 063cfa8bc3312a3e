package job_test

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"testing"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/consensus/poi/beacon"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/internal/dice"
	"github.com/aiwork/aiwork-node/tasks/job"
	"github.com/aiwork/aiwork-node/tasks/registry"
	"github.com/aiwork/aiwork-node/vm/native"
)

// Whole fleets of workers on the contract itself, in steps of one block: each worker has a true speed, a speed that it claims, and
// does its batches one after the other. Validators answer at once. So what is told of claims, stragglers and crashes is what the
// contract does with them.

const (
	fleetStepMs  = 50
	fleetStartMs = 1500 // from an assignment until a worker has the inputs, if it has nothing else to do meanwhile
	fleetItems   = 4    // of a batch
)

// hand is one worker of a fleet.
type hand struct {
	who     chain.Address
	itemMs  uint64 // it really takes
	claim   uint64 // items an hour
	queue   []*lot
	doneMs  uint64 // of work on what was committed, since it was counted anew
	crashMs uint64 // when it ends; 0: never
}

// lot is a batch as the fleet follows it.
type lot struct {
	id      uint64
	index   uint32
	b       job.Batch
	startMs map[chain.Address]uint64 // the inputs are there
	left    map[chain.Address]uint64 // ms of work
	spent   map[chain.Address]uint64 // ms of work, since they were counted anew
	tried   uint64                   // when it was poked last
}

type fleet struct {
	*world
	hands map[chain.Address]*hand
	list  []*hand
	lots  []*lot
	hedge bool
	full  bool // the last draw found nobody with room, and nothing has changed since
}

func newFleet(t testing.TB, n int, hedge bool, of func(i int) hand) *fleet {
	f := &fleet{world: newWorld(t, 3, 0), hands: map[chain.Address]*hand{}, hedge: hedge}
	f.keeper()
	for i := range n {
		h := of(i)
		h.who = f.fund(account("hand", i))
		f.workers = append(f.workers, h.who)
		f.do(h.who, chain.AddrRegistry, tokens(1000), registry.PackRegister(h.who, []chain.Hash{model}, ""))
		f.do(h.who, chain.AddrRegistry, none, registry.PackOffer([]chain.Hash{model}, []uint64{h.claim}, make([]uint256.Int, 1), nil))
		f.hands[h.who] = &h
		f.list = append(f.list, &h)
	}
	f.sessions(1)
	return f
}

// do is a call that may be refused; money is summed up at the end of the test.
func (f *fleet) do(from, to chain.Address, value *uint256.Int, input []byte) native.Result {
	return f.call(native.Frame{Caller: from, Self: to, Value: *value, Input: input, Gas: gasPerCall})
}

// order creates a job of so many batches.
func (f *fleet) order(batches int) uint64 {
	f.t.Helper()
	s := f.spec(batches*fleetItems, 125_000)
	s.BatchItems, s.Panel, s.Price, s.LifeMs = fleetItems, 1, *uint256.NewInt(1_000_000_000_000_000), 3_600_000
	t := f.quote(s)
	res := f.must(f.do(f.requester, chain.AddrJobs, &t.Total, job.PackCreate(s)))
	id, err := job.UnpackCreate(res.Output)
	f.nil(err)
	for from := job.ItemsPerCallMax; from < int(s.ItemCount); from += job.ItemsPerCallMax {
		var more []chain.Hash
		for i := from; i < min(int(s.ItemCount), from+job.ItemsPerCallMax); i++ {
			more = append(more, blob(i))
		}
		f.must(f.do(f.requester, chain.AddrJobs, none, job.PackAddItems(id, more, nil)))
	}
	for i := range uint32(batches) {
		f.lots = append(f.lots, &lot{id: id, index: i, b: f.batch(id, i), startMs: map[chain.Address]uint64{}, left: map[chain.Address]uint64{}, spent: map[chain.Address]uint64{}})
	}
	return id
}

func (f *fleet) now() uint64 { return f.block.ParentTimeMs }

// step makes a block, and lets everybody do what there is to do.
func (f *fleet) step() {
	if f.next(fleetStepMs); f.block.Height%20 == 0 {
		f.full = false
	}
	for _, h := range f.list {
		f.work(h)
	}
	for _, l := range f.lots {
		f.mind(l)
	}
	f.lots = slices.DeleteFunc(f.lots, func(l *lot) bool { return l.b.State.Final() })
}

// work lets a worker compute for the time of a step, and commit.
func (f *fleet) work(h *hand) {
	if h.crashMs > 0 && f.now() >= h.crashMs {
		h.queue = nil
		return
	}
	h.queue = slices.DeleteFunc(h.queue, func(l *lot) bool { return !f.has(h, l) })
	for budget := uint64(fleetStepMs); budget > 0 && len(h.queue) > 0; {
		l := h.queue[0]
		if f.now() < l.startMs[h.who] {
			return
		}
		part := min(budget, l.left[h.who])
		l.left[h.who] -= part
		l.spent[h.who] += part
		budget -= part
		if l.left[h.who] > 0 {
			return
		}
		h.queue = h.queue[1:]
		mine := l.b
		mine.Worker = h.who
		root := job.Root(l.b.Place(f.block.Genesis), h.who, l.b.First, salt(h.who, &mine), f.outputs(&agents{}, &mine))
		if f.do(h.who, chain.AddrJobs, none, job.PackCommit(l.id, l.index, root, uint32(l.b.Count))).Err == nil {
			h.doneMs += l.spent[h.who]
		}
		f.full = false
		f.look(l)
	}
}

// has reports whether a batch is still a worker's to do.
func (f *fleet) has(h *hand, l *lot) bool {
	return l.b.State == job.Assigned && (l.b.Worker == h.who || l.b.Hedged && l.b.Second.Worker == h.who)
}

// look reads a batch anew, and hands it to whoever has it now.
func (f *fleet) look(l *lot) {
	before := l.b
	l.b = f.batch(l.id, l.index)
	if l.b.Attempt != before.Attempt {
		clear(l.left)
		clear(l.spent)
	}
	for _, a := range []chain.Address{l.b.Worker, l.b.Second.Worker} {
		h := f.hands[a]
		if _, known := l.left[a]; known || h == nil || l.b.State != job.Assigned {
			continue
		}
		l.left[a], l.startMs[a] = h.itemMs*uint64(l.b.Count), f.now()+fleetStartMs
		h.queue = append(h.queue, l)
	}
}

// mind does what a batch waits for beside its workers.
func (f *fleet) mind(l *lot) {
	b, place := &l.b, l.b.Place(f.block.Genesis)
	due := false
	switch b.State {
	case job.Drawing, job.Committed:
		due = f.block.Session >= b.Asked+beacon.Lookahead && (b.State == job.Committed || !f.full)
	case job.Assigned:
		late := b.HedgeMs > 0 && f.now() >= b.HedgeMs && (b.HedgeAsked == 0 || f.block.Session >= b.HedgeAsked+beacon.Lookahead)
		due = f.now() >= b.DeadlineMs || b.Hedged && f.now() >= b.Second.DeadlineMs || f.hedge && late && f.now() >= l.tried+500
	case job.Auditing, job.Revealing:
		f.audit(l, place)
		return
	case job.Opening:
		f.must(f.do(b.Worker, chain.AddrJobs, none, job.PackOpen(l.id, l.index, salt(b.Worker, b), f.outputs(&agents{}, b))))
	}
	if due {
		l.tried = f.now()
		refused := f.do(account("keeper", 0), chain.AddrJobs, none, job.PackPoke(l.id, l.index)).Err != nil
		f.full = b.State == job.Drawing && refused
	}
	if due || b.State == job.Opening {
		f.look(l)
	}
}

func (f *fleet) audit(l *lot, place job.Place) {
	list, err := job.LoadAuditors(f, l.id, l.index)
	f.nil(err)
	for i := range list {
		a := list[i].Address
		hashes := f.sample(&agents{}, a, &l.b)
		input := job.PackAuditCommit(l.id, l.index, job.Attestation(place, a, salt(a, &l.b), hashes))
		if l.b.State == job.Revealing {
			input = job.PackAuditReveal(l.id, l.index, salt(a, &l.b), hashes)
		}
		f.do(a, chain.AddrJobs, none, input)
	}
	f.look(l)
}

// count counts work anew.
func (f *fleet) count() {
	for _, h := range f.list {
		h.doneMs = 0
	}
	for _, l := range f.lots {
		clear(l.spent)
	}
}

// earned gives what a worker has gained, less what it lost of its bond, in parts of an item's price.
func (f *fleet) earned(h *hand) int64 {
	info := f.worker(h.who)
	held, start := f.view.Balance(h.who), new(uint256.Int).Sub(tokens(100_000), tokens(1000))
	gain := new(uint256.Int).Sub(&held, start)
	unit := uint256.NewInt(1_000_000_000_000_000)
	lost := info.Slashed
	return int64(gain.Div(gain, unit).Uint64()) - int64(lost.Div(&lost, unit).Uint64())
}

// Workers that claim four times their speed miss leases and lose score, those that claim a quarter get less work at once: in a market
// with more work than all can do, the truth earns most.
func TestClaims(t *testing.T) {
	const each, seconds = 6, 240
	claims := []uint64{4, 16, 1} // quarters of the truth
	f := newFleet(t, 3*each, true, func(i int) hand { return hand{itemMs: 1000, claim: 3600 * claims[i/each] / 4} })
	end := f.now() + seconds*1000
	for f.now() < end {
		if len(f.lots) < 200 {
			f.order(job.BatchesMax)
		}
		f.step()
	}
	f.check()
	var sums [3]int64
	for i, h := range f.list {
		sums[i/each] += f.earned(h)
	}
	t.Logf("items paid less fines: truth %d, four times the truth %d, a quarter of it %d", sums[0], sums[1], sums[2])
	if sums[1]*10 > sums[0]*9 || sums[2]*10 > sums[0]*9 {
		t.Errorf("got %d with the truth, %d and %d with lies: want a tenth less at least with each", sums[0], sums[1], sums[2])
	}
}

// stragglers gives the times in which jobs of 64 batches end, one after the other, with a tenth of the workers ten times as slow as
// they say.
func stragglers(t *testing.T, hedge bool) []uint64 {
	f := newFleet(t, 100, hedge, func(i int) hand {
		h := hand{itemMs: 500, claim: 7200}
		if i%10 == 0 {
			h.itemMs = 5000
		}
		return h
	})
	var times []uint64
	for range 12 {
		began, id := f.now(), f.order(job.BatchesMax)
		for f.job(id).State.Live() {
			f.step()
		}
		times = append(times, f.now()-began)
	}
	f.check()
	slices.Sort(times)
	return times
}

func TestStragglers(t *testing.T) {
	if testing.Short() {
		t.Skip("two fleets of a hundred workers")
	}
	without, with := stragglers(t, false), stragglers(t, true)
	p50, p99 := len(with)/2, len(with)-1
	t.Logf("jobs of 64 batches, 100 workers, 10 of them ten times as slow as they say: p50 %.1f s, p99 %.1f s; with second workers %.1f s, %.1f s",
		float64(without[p50])/1e3, float64(without[p99])/1e3, float64(with[p50])/1e3, float64(with[p99])/1e3)
	if with[p99]*10 > without[p99]*9 || with[p50] > without[p50] {
		t.Errorf("second workers: got p50 %d, p99 %d ms after %d, %d; want p99 a tenth less at least", with[p50], with[p99], without[p50], without[p99])
	}
}

// A tenth of the workers crash at a time drawn from a seed and do not come back: the others do nine tenths at least of what they
// could, as long as there is work.
func TestCrashes(t *testing.T) {
	if testing.Short() {
		t.Skip("a fleet of a hundred workers")
	}
	const seconds = 90
	d := dice.New(sha256.Sum256(fmt.Append(nil, "crashes")))
	var from uint64
	f := newFleet(t, 100, true, func(i int) hand {
		h := hand{itemMs: 2000, claim: 1800}
		if i%10 == 3 {
			h.crashMs = 1_000_000 + 20_000 + d.Below(50_000)
		}
		return h
	})
	var could uint64
	for f.now() < 1_000_000+seconds*1000 {
		if len(f.lots) < 300 {
			f.order(job.BatchesMax)
		}
		if f.step(); f.now() < 1_015_000 { // the first draws, and the first batches
			from = f.now()
			f.count()
			continue
		}
		for _, h := range f.list {
			if h.crashMs == 0 || f.now() < h.crashMs {
				could += fleetStepMs
			}
		}
	}
	f.check()
	var done uint64
	for _, h := range f.list {
		done += h.doneMs
	}
	t.Logf("%d of %d worker seconds in %d s went into what was taken: %.1f %%", done/1000, could/1000, (f.now()-from)/1000, 100*float64(done)/float64(could))
	if done*10 < could*9 {
		t.Errorf("utilisation: %d of %d ms, want nine tenths at least", done, could)
	}
}
