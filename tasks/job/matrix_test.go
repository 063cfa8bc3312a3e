package job_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/consensus/poi/beacon"
	"github.com/aiwork/aiwork-node/consensus/poi/stake"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/tasks/job"
	"github.com/aiwork/aiwork-node/tasks/registry"
	"github.com/aiwork/aiwork-node/vm/native"
)

// Every method of every system contract is called in every way that a frame can be made: plainly, static,
// delegated, with value, inside of a frame that is reverted, with every gas limit from nothing to enough,
// and twice. An error must leave the state as it was; no call may make or lose money; a static call that
// succeeds must change nothing.

// scene is a world in which one call succeeds.
type scene struct {
	w      *world
	from   chain.Address
	to     chain.Address
	value  *uint256.Int
	input  []byte
	method string
}

// scenes stages one successful call of every method.
func scenes(t *testing.T) (out []scene) {
	add := func(method string, to chain.Address, stage func(w *world) (chain.Address, *uint256.Int, []byte)) {
		w := newWorld(t, 4, 2)
		w.keeper()
		from, value, input := stage(w)
		out = append(out, scene{w: w, from: from, to: to, value: value, input: input, method: method})
	}
	read := func(sig string, to chain.Address, fill func(*native.Encoder)) {
		add(sig, to, func(w *world) (chain.Address, *uint256.Int, []byte) {
			w.create(w.spec(2, 0))
			e := native.NewInput(sig)
			if fill != nil {
				fill(e)
			}
			return w.requester, none, e.Out()
		})
	}
	one := func(e *native.Encoder) { e.Uint64(1) }
	zero := func(e *native.Encoder) { e.Uint64(0) }
	two := func(e *native.Encoder) { e.Uint64(1); e.Uint64(0) }
	worker := func(e *native.Encoder) { e.Address(account("worker", 0)) }
	served := func(e *native.Encoder) { e.Hash(model) }
	read("validatorCount()", chain.AddrStake, nil)
	read("validator(uint64)", chain.AddrStake, one)
	read("indexOf(address)", chain.AddrStake, worker)
	read("seedOf(uint64)", chain.AddrBeacon, one)
	read("latestSession()", chain.AddrBeacon, nil)
	read("worker(address)", chain.AddrRegistry, worker)
	read("workerCount()", chain.AddrRegistry, nil)
	read("workerAt(uint64)", chain.AddrRegistry, one)
	read("modelsOf(address)", chain.AddrRegistry, worker)
	read("servers(bytes32)", chain.AddrRegistry, served)
	read("offerOf(address,bytes32)", chain.AddrRegistry, func(e *native.Encoder) { worker(e); served(e) })
	read("marketOf(bytes32)", chain.AddrRegistry, served)
	read("standingOf(address)", chain.AddrRegistry, worker)
	read("capabilityOf(address)", chain.AddrRegistry, worker)
	read("priceOf(bytes32)", chain.AddrJobs, served)
	read("jobOf(uint64)", chain.AddrJobs, one)
	read("moneyOf(uint64)", chain.AddrJobs, one)
	read("batchOf(uint64,uint32)", chain.AddrJobs, two)
	read("leaseOf(uint64,uint32)", chain.AddrJobs, two)
	read("itemOf(uint64,uint32)", chain.AddrJobs, two)
	read("auditorsOf(uint64,uint32)", chain.AddrJobs, two)
	read("jobCount()", chain.AddrJobs, nil)
	read("liveCount()", chain.AddrJobs, nil)
	read("liveAt(uint64)", chain.AddrJobs, zero)
	add("quote", chain.AddrJobs, func(w *world) (chain.Address, *uint256.Int, []byte) {
		return w.requester, none, job.PackQuote(w.spec(3, 0))
	})
	add("topUpServiceBond", chain.AddrStake, func(w *world) (chain.Address, *uint256.Int, []byte) {
		return w.requester, tokens(1), stake.PackTopUp(w.validators[0])
	})
	stageRegistry(add)
	stageJobs(add)
	stageDisputes(add, read)
	return out
}

type adder = func(string, chain.Address, func(*world) (chain.Address, *uint256.Int, []byte))

func stageRegistry(add adder) {
	reg := func(method string, stage func(w *world) (*uint256.Int, []byte)) {
		add(method, chain.AddrRegistry, func(w *world) (chain.Address, *uint256.Int, []byte) {
			value, input := stage(w)
			return w.workers[0], value, input
		})
	}
	add("register", chain.AddrRegistry, func(w *world) (chain.Address, *uint256.Int, []byte) {
		w.workers = append(w.workers, w.requester)
		return w.requester, tokens(200), registry.PackRegister(w.requester, []chain.Hash{model, {1}}, "a new worker")
	})
	reg("addBond", func(*world) (*uint256.Int, []byte) { return tokens(3), registry.PackAddBond() })
	reg("setModels", func(*world) (*uint256.Int, []byte) { return none, registry.PackSetModels([]chain.Hash{{4}, {5}}) })
	reg("offer", func(*world) (*uint256.Int, []byte) {
		return none, registry.PackOffer([]chain.Hash{model}, []uint64{3600}, []uint256.Int{*tokens(1)}, []byte("record"))
	})
	reg("drain", func(*world) (*uint256.Int, []byte) { return none, registry.PackDrain() })
	reg("resume", func(w *world) (*uint256.Int, []byte) {
		w.must(w.send(w.workers[0], chain.AddrRegistry, none, registry.PackDrain()))
		return none, registry.PackResume()
	})
	reg("refresh", func(w *world) (*uint256.Int, []byte) {
		w.must(w.send(w.workers[0], chain.AddrRegistry, tokens(500), registry.PackAddBond()))
		w.sessions(registry.SnapshotSessions + 1)
		return none, registry.PackRefresh(w.workers[0])
	})
	reg("unregister", func(w *world) (*uint256.Int, []byte) {
		w.sessions(registry.SnapshotSessions + 1)
		return none, registry.PackUnregister()
	})
	reg("withdrawBond", func(w *world) (*uint256.Int, []byte) {
		w.sessions(registry.SnapshotSessions + 1)
		w.must(w.send(w.workers[0], chain.AddrRegistry, none, registry.PackUnregister()))
		w.sessions(registry.SnapshotSessions + 1)
		w.wait(w.params.Jobs.UnbondMs)
		return none, registry.PackWithdraw()
	})
}

// until drives batch 0 of a new job of three items to a state.
func (w *world) until(s job.BatchState, ag *agents) job.Batch {
	w.t.Helper()
	spec := w.spec(3, 1_000_000)
	spec.BatchItems = 3
	id := w.create(spec)
	for range 50 {
		if b := w.batch(id, 0); b.State == s {
			return b
		}
		w.act(ag, id, 0)
	}
	w.t.Fatalf("batch does not come to %v", s)
	return job.Batch{}
}

func stageJobs(add adder) {
	jobs := func(method string, stage func(w *world) (chain.Address, []byte)) {
		add(method, chain.AddrJobs, func(w *world) (chain.Address, *uint256.Int, []byte) {
			from, input := stage(w)
			return from, none, input
		})
	}
	add("createJob", chain.AddrJobs, func(w *world) (chain.Address, *uint256.Int, []byte) {
		s := w.spec(3, 0)
		s.Originals = []chain.Hash{{1}, {2}, {3}}
		t := w.quote(s)
		return w.requester, &t.Total, job.PackCreate(s)
	})
	jobs("addItems", func(w *world) (chain.Address, []byte) {
		s := w.spec(2, 0)
		s.ItemCount = 4
		return w.requester, job.PackAddItems(w.create(s), []chain.Hash{{1}, {2}}, nil)
	})
	jobs("cancel", func(w *world) (chain.Address, []byte) { return w.requester, job.PackCancel(w.create(w.spec(2, 0))) })
	jobs("poke", func(w *world) (chain.Address, []byte) {
		b := w.until(job.Committed, &agents{})
		w.sessions(2)
		return w.requester, job.PackPoke(b.Job, 0)
	})
	jobs("release", func(w *world) (chain.Address, []byte) {
		b := w.until(job.Assigned, &agents{})
		return b.Worker, job.PackRelease(b.Job, 0, job.Draining)
	})
	jobs("commit", func(w *world) (chain.Address, []byte) {
		b := w.until(job.Assigned, &agents{})
		return b.Worker, job.PackCommit(b.Job, 0, chain.Hash{1}, 3)
	})
	jobs("auditCommit", func(w *world) (chain.Address, []byte) {
		b := w.until(job.Auditing, &agents{})
		list, _ := job.LoadAuditors(w, b.Job, 0)
		return list[1].Address, job.PackAuditCommit(b.Job, 0, chain.Hash{1})
	})
	jobs("open", func(w *world) (chain.Address, []byte) {
		b := w.until(job.Opening, &agents{})
		return b.Worker, job.PackOpen(b.Job, 0, salt(b.Worker, &b), w.outputs(&agents{}, &b))
	})
	// The last reveal settles: with a liar it slashes, pays auditors and draws anew.
	for _, ag := range []agents{{}, {output: func(_ chain.Address, _ uint32, o []byte) []byte { o[1]++; return o }}} {
		jobs("auditReveal", func(w *world) (chain.Address, []byte) {
			b := w.until(job.Revealing, &ag)
			list, _ := job.LoadAuditors(w, b.Job, 0)
			for _, a := range list[1:] {
				w.ask(a.Address, "auditReveal", job.PackAuditReveal(b.Job, 0, salt(a.Address, &b), w.sample(&agents{}, a.Address, &b)))
			}
			a := list[0].Address
			return a, job.PackAuditReveal(b.Job, 0, salt(a, &b), w.sample(&agents{}, a, &b))
		})
	}
}

// print gives all that a world's state holds, to compare.
func (w *world) print() string {
	d := w.view.Diff()
	var b bytes.Buffer
	for _, a := range d.Accounts {
		fmt.Fprintf(&b, "%+v\n", a)
	}
	for _, s := range d.Slots {
		fmt.Fprintf(&b, "%+v\n", s)
	}
	return b.String()
}

func (s *scene) frame(gas uint64) native.Frame {
	return native.Frame{Caller: s.from, Self: s.to, Value: *s.value, Input: s.input, Gas: gas}
}

func TestMatrix(t *testing.T) {
	list := scenes(t)
	covered := map[string]bool{}
	for i := range list {
		s := &list[i]
		covered[string(s.to[19:])+string(s.input[:4])] = true
		t.Run(s.method, func(t *testing.T) {
			s.w.t = t
			s.refused(t)
			s.everyGas(t)
			s.reverted(t)
			s.static(t)
			s.twice(t)
		})
	}
	for _, m := range modules().Modules() {
		for _, method := range m.Methods {
			sel := native.Selector(method.Signature)
			if !covered[string(m.Address[19:])+string(sel[:])] {
				t.Errorf("%s of %s is not in the matrix", method.Signature, m.Name)
			}
		}
	}
}

// unchanged runs a frame that must fail without a trace.
func (s *scene) unchanged(t *testing.T, f native.Frame, what string) {
	t.Helper()
	before := s.w.print()
	if res := s.w.call(f); res.Err == nil {
		t.Fatalf("%s: succeeded", what)
	}
	if s.w.print() != before {
		t.Fatalf("%s: state changed", what)
	}
	s.w.check()
}

func (s *scene) refused(t *testing.T) {
	f := s.frame(gasPerCall)
	f.Delegate = true
	s.unchanged(t, f, "delegated")
	f = s.frame(gasPerCall)
	f.Input = f.Input[:3]
	s.unchanged(t, f, "cut selector")
	f = s.frame(gasPerCall)
	f.Input = append(bytes.Clone(s.input), 0)
	s.unchanged(t, f, "trailing byte")
	if len(s.input) > 4 {
		f = s.frame(gasPerCall)
		f.Input = f.Input[:len(f.Input)-1]
		s.unchanged(t, f, "cut argument")
	}
	if s.value.IsZero() && s.method != "createJob" && s.method != "addBond" {
		f = s.frame(gasPerCall)
		f.Value = *uint256.NewInt(1)
		s.unchanged(t, f, "value to a method that takes none")
	}
}

// everyGas gives too little gas in every measure: 40 steps, and each of the last units.
func (s *scene) everyGas(t *testing.T) {
	need := s.need(t)
	for gas := uint64(0); gas < need; gas += max(1, need/40) {
		s.unchanged(t, s.frame(gas), fmt.Sprintf("gas %d of %d", gas, need))
	}
	for gas := need - min(need, 20); gas < need; gas++ {
		s.unchanged(t, s.frame(gas), fmt.Sprintf("gas %d of %d", gas, need))
	}
}

// need runs the call with plenty of gas, takes it back, and gives what it used.
func (s *scene) need(t *testing.T) (used uint64) {
	t.Helper()
	s.w.undo = true
	res := s.w.call(s.frame(gasPerCall))
	s.w.undo = false
	if res.Err != nil {
		t.Fatalf("does not succeed: %v", res.Err)
	}
	return gasPerCall - res.GasLeft
}

func (s *scene) reverted(t *testing.T) {
	before := s.w.print()
	s.need(t)
	if s.w.print() != before {
		t.Fatal("a reverted frame has left something")
	}
	s.w.check()
}

func (s *scene) static(t *testing.T) {
	before := s.w.print()
	f := s.frame(gasPerCall)
	f.Static, f.Value = true, uint256.Int{}
	res := s.w.call(f)
	isView := false
	for _, m := range modules().Modules() {
		for _, method := range m.Methods {
			if m.Address == s.to && native.Selector(method.Signature) == [4]byte(s.input) {
				isView = method.Mutability == native.View
			}
		}
	}
	if (res.Err == nil) != isView {
		t.Fatalf("static: got %v for a method with view %v", res.Err, isView)
	}
	if s.w.print() != before {
		t.Fatal("static: state changed")
	}
}

func (s *scene) twice(t *testing.T) {
	before := s.w.print()
	s.w.must(s.w.call(s.frame(gasPerCall)))
	s.w.check()
	s.w.call(s.frame(gasPerCall))
	s.w.check()
	if s.w.print() == before && !s.value.IsZero() {
		t.Fatal("a payable call changed nothing")
	}
}

// Arbitrary input to any contract from anybody: no panic, no money made or lost.
func FuzzInput(f *testing.F) {
	for i, m := range modules().Modules() {
		for _, method := range m.Methods {
			sel := native.Selector(method.Signature)
			f.Add(uint8(i), append(sel[:], make([]byte, 96)...), uint8(0), uint64(1_000_000), uint64(0))
		}
	}
	s := &job.Spec{Model: model, Items: []chain.Hash{{1}, {2}}, ItemCount: 2, Price: *tokens(1)}
	f.Add(uint8(3), job.PackCreate(s), uint8(1), uint64(3_000_000), uint64(5_000_000_000_000_000_000))
	f.Add(uint8(3), job.PackOpen(1, 0, chain.Hash{1}, [][]byte{{0, 1}, {1}}), uint8(2), uint64(3_000_000), uint64(0))
	f.Add(uint8(3), job.PackAuditReveal(1, 0, chain.Hash{1}, []chain.Hash{{1}}), uint8(3), uint64(3_000_000), uint64(0))
	f.Add(uint8(2), registry.PackRegister(account("x", 1), []chain.Hash{{1}}, "about"), uint8(4), uint64(3_000_000), uint64(1<<63))
	f.Add(uint8(1), beacon.PackSeedOf(0), uint8(4), uint64(3_000_000), uint64(0))
	f.Fuzz(func(t *testing.T, to uint8, input []byte, from uint8, gas, value uint64) {
		w := newWorld(t, 3, 2)
		w.keeper()
		w.until(job.BatchState(1+from%6), &agents{})
		w.workers = w.accounts[len(w.set.Addresses()):] // anybody may register
		addrs := w.set.Addresses()
		w.call(native.Frame{
			Caller: w.workers[int(from)%len(w.workers)], Self: addrs[int(to)%len(addrs)],
			Value: *uint256.NewInt(value), Input: input, Gas: gas % 20_000_000,
		})
		w.check()
	})
}
