package job_test

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"testing"

	"github.com/holiman/uint256"

	"github.com/aiwork/aiwork-node/consensus/poi/beacon"
	"github.com/aiwork/aiwork-node/consensus/poi/stake"
	"github.com/aiwork/aiwork-node/internal/chain"
	"github.com/aiwork/aiwork-node/ledger/state"
	"github.com/aiwork/aiwork-node/tasks/dispute"
	"github.com/aiwork/aiwork-node/tasks/job"
	"github.com/aiwork/aiwork-node/tasks/registry"
	"github.com/aiwork/aiwork-node/vm/native"
)

// A world is a chain without consensus: the contracts over a real journaled state, blocks made by hand,
// and accounts whose number is small enough to sum up their money after every step.
type world struct {
	t          testing.TB
	view       *state.View
	set        *native.Set
	params     chain.Params
	block      native.Block
	validators []chain.Address
	workers    []chain.Address
	requester  chain.Address
	accounts   []chain.Address
	minted     uint256.Int
	lastGas    uint64
	gas        map[string]uint64 // dearest call by method
	undo       bool              // take every call back, as a reverted outer frame does
	keep       []chain.Log       // logs since they were asked for, nil when they are not
	ended      map[uint64]bool   // jobs that were seen closed and empty
}

type nothing struct{}

func (nothing) Account(chain.Address) (a state.Account, found bool, err error) { return a, false, nil }
func (nothing) Slot(chain.Address, chain.Hash) (h chain.Hash, err error)       { return h, nil }
func (nothing) Code(chain.Hash) ([]byte, error)                                { return nil, nil }

// Slot makes the world a reader of its own state.
func (w *world) Slot(a chain.Address, key chain.Hash) (chain.Hash, error) {
	return w.view.Slot(a, key), nil
}

func modules() *native.Set {
	return native.NewSet(stake.Module(), beacon.Module(), registry.Module(), job.Module(), dispute.Module())
}

func account(kind string, i int) (a chain.Address) {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d", kind, i))
	copy(a[:], sum[:])
	return a
}

func tokens(n uint64) *uint256.Int {
	return new(uint256.Int).Mul(uint256.NewInt(n), uint256.NewInt(1_000_000_000_000_000_000))
}

var model = chain.Hash{0xAA, 1}

func newWorld(t testing.TB, validators, workers int) *world {
	w := &world{t: t, view: state.New(nothing{}), set: modules(), gas: map[string]uint64{}, ended: map[uint64]bool{}}
	w.params = chain.Params{ChainID: 7, Jobs: job.DefaultParams()}
	w.params.Jobs.ContestMs = 0 // but where that is the subject: a batch settles with its last reveal
	w.block = native.Block{ChainID: 7, Params: &w.params, Genesis: chain.Hash{9}, TimeMs: 1_000_000, ParentTimeMs: 1_000_000}
	w.block.BaseFee.SetUint64(1_000_000_000)
	w.accounts = append(w.accounts, w.set.Addresses()...)
	w.genesis(validators)
	w.requester = w.fund(account("requester", 0))
	w.next(20)
	for i := range workers {
		a := w.fund(account("worker", i))
		w.workers = append(w.workers, a)
		w.must(w.send(a, chain.AddrRegistry, tokens(1000), registry.PackRegister(a, []chain.Hash{model}, "test")))
	}
	w.sessions(1)
	return w
}

func (w *world) genesis(n int) {
	var list []chain.Validator
	for i := range n {
		a := w.fund(account("validator", i))
		w.validators = append(w.validators, a)
		v := chain.Validator{Name: fmt.Sprintf("v%d", i), Address: a, Stake: *tokens(100_000), ServiceBond: *tokens(2000)}
		v.VoteKey[0], v.VRFKey[0] = byte(i), 2
		list = append(list, v)
		w.minted.Add(&w.minted, &v.Stake)
		w.minted.Add(&w.minted, &v.ServiceBond)
	}
	w.set.Genesis(w.view, list, &w.params, [32]byte{})
}

func (w *world) fund(a chain.Address) chain.Address {
	w.view.AddBalance(a, tokens(100_000))
	w.minted.Add(&w.minted, tokens(100_000))
	w.accounts = append(w.accounts, a)
	return a
}

// next begins a block that comes ms later.
func (w *world) next(ms uint64) {
	w.block.Height++
	w.block.ParentTimeMs = w.block.TimeMs
	w.block.TimeMs += ms
	w.block.Session = chain.SessionOf(w.block.Height)
	beta := sha256.Sum256(binary.BigEndian.AppendUint64([]byte("beta"), uint64(w.block.Height)))
	w.set.BeginBlock(w.view, &w.block, beta)
}

// sessions makes blocks until n more sessions have begun.
func (w *world) sessions(n int) {
	for want := w.block.Session + chain.Session(n); w.block.Session < want; {
		w.next(20)
	}
}

// wait lets protocol time pass: the parent block's time must reach it too.
func (w *world) wait(ms uint64) {
	w.next(ms)
	w.next(20)
}

const gasPerCall = 16_000_000

// send makes a transaction's call, as an executor does, and checks the money after it.
func (w *world) send(from, to chain.Address, value *uint256.Int, input []byte) native.Result {
	res := w.call(native.Frame{Caller: from, Self: to, Value: *value, Input: input, Gas: gasPerCall})
	w.check()
	return res
}

func (w *world) call(f native.Frame) native.Result {
	f.State, f.Block = w.view, &w.block
	w.view.BeginTx()
	defer w.view.EndTx()
	before := w.view.Snapshot()
	if held := w.view.Balance(f.Caller); held.Lt(&f.Value) {
		return native.Result{Err: errors.New("overdraft")}
	}
	w.view.SubBalance(f.Caller, &f.Value)
	w.view.AddBalance(f.Self, &f.Value)
	w.view.WarmAddress(f.Self)
	w.view.WarmAddress(f.Caller)
	res := w.set.Run(f)
	if res.Err != nil || w.undo {
		w.view.RevertTo(before)
	}
	w.lastGas = f.Gas - res.GasLeft
	if w.keep != nil {
		w.keep = append(w.keep, w.view.Logs()...)
	}
	for i := range w.view.Logs() {
		l := &w.view.Logs()[i]
		_, isJob := job.DecodeLog(l)
		_, isWorker := registry.DecodeLog(l)
		_, isDispute := dispute.DecodeLog(l)
		if !isJob && !isWorker && !isDispute && l.Address != chain.AddrStake {
			w.t.Fatalf("log of %x is not decoded: %x", l.Address, l.Topics)
		}
	}
	return res
}

func (w *world) must(res native.Result) native.Result {
	w.t.Helper()
	if res.Err != nil {
		w.t.Fatalf("call: %v", res.Err)
	}
	return res
}

func (w *world) note(method string) { w.gas[method] = max(w.gas[method], w.lastGas) }

var none = new(uint256.Int)

// check sums up all money: nothing is made or lost, and each contract holds what its records say.
func (w *world) check() {
	w.t.Helper()
	var sum uint256.Int
	for _, a := range w.accounts {
		b := w.view.Balance(a)
		sum.Add(&sum, &b)
	}
	burned, err := job.BurnedIn(w)
	w.nil(err)
	sum.Add(&sum, &burned)
	bonds := native.Inspect(w, chain.AddrDisputes).Uint256(native.BurnedKey())
	sum.Add(&sum, &bonds)
	if sum != w.minted {
		w.t.Fatalf("supply: got %s with %s burned, want %s", sum.Dec(), burned.Dec(), w.minted.Dec())
	}
	w.checkEscrow()
	w.checkBonds()
	w.checkDisputes()
}

// checkDisputes asserts that the contract of disputes holds the bonds of those that are open.
func (w *world) checkDisputes() {
	w.t.Helper()
	n, err := dispute.Count(w)
	w.nil(err)
	var sum uint256.Int
	for id := uint64(1); id <= n; id++ {
		d, err := dispute.Load(w, id)
		w.nil(err)
		sum.Add(&sum, &d.Bond)
	}
	if got := w.view.Balance(chain.AddrDisputes); got != sum {
		w.t.Fatalf("disputes' balance: got %s, want the sum of bonds %s", got.Dec(), sum.Dec())
	}
}

func (w *world) checkEscrow() {
	w.t.Helper()
	n, err := job.Count(w)
	w.nil(err)
	var sum uint256.Int
	exposed, leases, waiting := map[chain.Address]*uint256.Int{}, map[chain.Address]uint64{}, uint64(0)
	backlog, queued := map[chain.Address]uint64{}, map[chain.Hash]uint64{}
	for id := uint64(1); id <= n; id++ {
		if w.ended[id] {
			continue
		}
		j, err := job.Load(w, id)
		w.nil(err)
		sum.Add(&sum, &j.Escrow)
		w.checkJob(&j)
		if !j.State.Live() {
			w.ended[id] = true
			continue
		}
		batches, err := job.LoadBatches(w, id)
		w.nil(err)
		for _, b := range batches {
			if exposed[b.Worker] == nil {
				exposed[b.Worker] = new(uint256.Int)
			}
			exposed[b.Worker].Add(exposed[b.Worker], &b.Collateral)
			if s := &b.Second; b.Hedged {
				if exposed[s.Worker] == nil {
					exposed[s.Worker] = new(uint256.Int)
				}
				exposed[s.Worker].Add(exposed[s.Worker], &s.Collateral)
				leases[s.Worker]++
				backlog[s.Worker] += uint64(s.LoadMs)
			}
			switch b.State {
			case job.Drawing:
				queued[j.Model] += uint64(b.Count)
			case job.Assigned:
				leases[b.Worker]++
				backlog[b.Worker] += uint64(b.LoadMs)
			case job.Auditing:
				waiting += uint64(bits.OnesCount64(b.Sample))
			}
		}
	}
	if got := w.view.Balance(chain.AddrJobs); got != sum {
		w.t.Fatalf("jobs' balance: got %s, want the sum of escrows %s", got.Dec(), sum.Dec())
	}
	for _, a := range w.workers {
		want := exposed[a]
		if want == nil {
			want = none
		}
		if info, _, _ := registry.Load(w, a); !info.Exposure.Eq(want) {
			w.t.Fatalf("exposure: got %s, want %s", info.Exposure.Dec(), want.Dec())
		}
		if got, ms := registry.Leases(native.Inspect(w, chain.AddrRegistry), a); got != leases[a] || got > job.LeasesFastMax || ms != backlog[a] {
			w.t.Fatalf("leases: got %d of %d ms, want %d of %d, and at most %d", got, ms, leases[a], backlog[a], job.LeasesFastMax)
		}
	}
	for _, m := range []chain.Hash{model, {7}} {
		if got := native.Inspect(w, chain.AddrJobs).Uint64(native.Key("depth", m[:])); got != queued[m] {
			w.t.Fatalf("items that wait for a worker: got %d, want %d", got, queued[m])
		}
	}
	if got := native.Inspect(w, chain.AddrJobs).Uint64(native.Key("auditing")); got != waiting {
		w.t.Fatalf("sampled items that wait for auditors: got %d, want %d", got, waiting)
	}
}

// checkJob asserts that what came in is what went out and what is left.
func (w *world) checkJob(j *job.Job) {
	w.t.Helper()
	var sum uint256.Int
	for _, v := range []*uint256.Int{&j.Escrow, &j.PaidWorkers, &j.PaidAuditors, &j.Fees, &j.Tips, &j.Refunded} {
		sum.Add(&sum, v)
	}
	if sum != j.Funded {
		w.t.Fatalf("job %d: got %s accounted for, want %s funded", j.ID, sum.Dec(), j.Funded.Dec())
	}
	if !j.State.Live() && !j.Escrow.IsZero() {
		w.t.Fatalf("job %d is %v and still holds %s", j.ID, j.State, j.Escrow.Dec())
	}
}

func (w *world) checkBonds() {
	w.t.Helper()
	var bonds, stakes uint256.Int
	for _, a := range w.workers {
		info, _, err := registry.Load(w, a)
		w.nil(err)
		bonds.Add(&bonds, &info.Bond)
	}
	if got := w.view.Balance(chain.AddrRegistry); got != bonds {
		w.t.Fatalf("registry's balance: got %s, want the sum of bonds %s", got.Dec(), bonds.Dec())
	}
	list, err := stake.Validators(w)
	w.nil(err)
	for i := range list {
		stakes.Add(&stakes, &list[i].Stake)
		stakes.Add(&stakes, &list[i].ServiceBond)
	}
	if got := w.view.Balance(chain.AddrStake); got != stakes {
		w.t.Fatalf("stake's balance: got %s, want stakes and bonds of %s", got.Dec(), stakes.Dec())
	}
}

func (w *world) nil(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// spec gives a job over n photographs at one token each.
func (w *world) spec(n int, sharePpm uint32) *job.Spec {
	s := &job.Spec{Model: model, ItemCount: uint32(n), Price: *tokens(1), AuditPpm: sharePpm}
	for i := range min(n, job.ItemsPerCallMax) {
		s.Items = append(s.Items, blob(i))
	}
	return s
}

func blob(i int) chain.Hash { return sha256.Sum256(fmt.Appendf(nil, "photo %d", i)) }

// quote asks the contract what a job costs.
func (w *world) quote(s *job.Spec) job.Terms {
	w.t.Helper()
	res := w.must(w.call(native.Frame{Caller: w.requester, Self: chain.AddrJobs, Input: job.PackQuote(s), Gas: gasPerCall, Static: true}))
	t, err := job.UnpackQuote(res.Output)
	w.nil(err)
	return t
}

// create funds a job with exactly what is quoted.
func (w *world) create(s *job.Spec) uint64 {
	w.t.Helper()
	t := w.quote(s)
	res := w.must(w.send(w.requester, chain.AddrJobs, &t.Total, job.PackCreate(s)))
	w.note("createJob")
	id, err := job.UnpackCreate(res.Output)
	w.nil(err)
	return id
}

func (w *world) job(id uint64) job.Job {
	w.t.Helper()
	j, err := job.Load(w, id)
	w.nil(err)
	return j
}

func (w *world) batch(id uint64, i uint32) job.Batch {
	w.t.Helper()
	b, err := job.LoadBatch(w, id, i)
	w.nil(err)
	return b
}
